/** How a first run is made: in a loop of one's own, or with a framework. */
export type Snippet = { name: string; install: string; code: string };

/** What the empty page shows. A test runs the first, and holds the others against the docs. */
export const snippets: readonly Snippet[] = [
  {
    name: "Own loop",
    install: "",
    code: `from runfork import Run

checkpoint = {}  # or the one to resume from: then it forks
run = Run("first-flight", resume_from=checkpoint)
run.log_configs({"lr": 1e-3})
for step in range(100):
    run.log_metrics({"train/loss": 1 / (step + 1)}, step=step)

checkpoint["runfork"] = run.checkpoint_mark(step)
run.close()
`,
  },
  {
    name: "Lightning",
    install: "lightning",
    code: `import pytorch_lightning as L  # or: import lightning as L
from runfork_lightning import RunforkLogger

trainer = L.Trainer(logger=RunforkLogger("first-flight"), max_epochs=10)
trainer.fit(model)

# From a checkpoint that it wrote: a fork.
path = trainer.checkpoint_callback.best_model_path
trainer = L.Trainer(logger=RunforkLogger("first-flight"), max_epochs=20)
trainer.fit(model, ckpt_path=path)
`,
  },
  {
    name: "Transformers",
    install: "hf",
    code: `from transformers import Trainer, TrainingArguments
from runfork_hf import RunforkCallback

trainer = Trainer(
    model,
    TrainingArguments("out"),
    train_dataset=data,
    callbacks=[RunforkCallback("first-flight")],
)
trainer.train()

# Later, from the last checkpoint that it wrote: a fork.
trainer.train(resume_from_checkpoint=True)
`,
  },
  {
    name: "Keras",
    install: "keras",
    code: `import keras
from runfork_keras import RunforkCallback

model.fit(x, y, epochs=10, callbacks=[
    RunforkCallback("first-flight"),
    keras.callbacks.ModelCheckpoint("last.keras"),
])

# Later, from the file that it wrote: a fork.
model = keras.models.load_model("last.keras")
model.fit(x, y, epochs=10, callbacks=[RunforkCallback("first-flight")])
`,
  },
  {
    name: "Accelerate",
    install: "hf",
    code: `import runfork_hf
from accelerate import Accelerator

runfork_hf.register()
accelerator = Accelerator(log_with="runfork")
accelerator.init_trackers("first-flight", config={"lr": 0.1})
accelerator.log({"train/loss": 0.3}, step=1)
accelerator.save_state("saved")
accelerator.load_state("saved")  # what follows is a fork
accelerator.end_training()
`,
  },
];
