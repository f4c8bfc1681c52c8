"""A small GPT-2 that learns to write Python's own help texts, byte by byte. The callback is the only line that knows of runfork.

    python examples/hf_text.py                            # a run
    python examples/hf_text.py --resume last --steps 400  # a fork of it, from its last checkpoint
    python examples/hf_text.py --resume checkpoints/checkpoint-100 --lr 0.01

Then look: ``runfork ls``, ``runfork lineage``, ``runfork plot pydoc train/loss``.
"""

from __future__ import annotations

import argparse
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import EvalPrediction, GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments

from runfork_hf import RunforkCallback

CONTEXT_BYTES = 128


class Chunks(Dataset[dict[str, torch.Tensor]]):
    """A text in chunks of bytes, which are their own labels.

    Args:
        chunks: The bytes, in rows of `CONTEXT_BYTES`.
    """

    def __init__(self, chunks: torch.Tensor) -> None:
        self._chunks = chunks

    def __len__(self) -> int:
        return len(self._chunks)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self._chunks[index], "labels": self._chunks[index]}


class LearningRateOfTheCommandLine(TrainerCallback):
    """Takes up the learning rate given now: a checkpoint restores the one that it was written with, without a word.

    The schedule, a linear decay to zero at ``--steps``, goes on at the step of the checkpoint.
    """

    def on_train_begin(self, args: TrainingArguments, *_state: Any, **objects: Any) -> None:
        """Set the peak of the schedule, and the rate of the coming step."""
        schedule, optimizer = objects["lr_scheduler"], objects["optimizer"]
        schedule.base_lrs = [args.learning_rate] * len(schedule.base_lrs)
        for group, factor in zip(optimizer.param_groups, schedule.lr_lambdas, strict=True):
            group["initial_lr"] = args.learning_rate
            group["lr"] = args.learning_rate * factor(schedule.last_epoch)


def read_chunks() -> tuple[Chunks, Chunks]:
    """Return the help texts in chunks for training and for evaluation: every tenth is held out."""
    text = "\n\n".join(topics[name] for name in sorted(topics)).encode()
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8).long()
    chunks = data[: len(data) // CONTEXT_BYTES * CONTEXT_BYTES].view(-1, CONTEXT_BYTES)
    is_held_out = torch.arange(len(chunks)) % 10 == 0
    return Chunks(chunks[~is_held_out]), Chunks(chunks[is_held_out][:64])


def most_likely(logits: torch.Tensor, _labels: torch.Tensor) -> torch.Tensor:
    """Return the byte that the model expects at each place."""
    return logits.argmax(-1)


def measure(prediction: EvalPrediction) -> dict[str, float]:
    """Return the share of bytes that were guessed right."""
    guesses, labels = np.asarray(prediction.predictions)[:, :-1], np.asarray(prediction.label_ids)[:, 1:]
    return {"accuracy": float((guesses == labels).mean())}


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resume", metavar="CHECKPOINT", help='path of a checkpoint, or "last"')
    parser.add_argument(
        "--lr", type=float, default=0.003, help="peak of the schedule, also where a checkpoint had another"
    )
    parser.add_argument("--steps", type=int, default=300, help="step at which training ends")
    options = parser.parse_args()

    torch.set_num_threads(1)  # a model this small is no faster on several cores, and slower where others use them
    torch.manual_seed(0)
    arguments = TrainingArguments(
        output_dir="checkpoints",
        max_steps=options.steps,
        learning_rate=options.lr,
        per_device_train_batch_size=16,
        per_device_eval_batch_size=16,
        logging_steps=5,
        eval_strategy="steps",
        eval_steps=25,
        save_steps=25,
        dataloader_pin_memory=torch.cuda.is_available(),
        report_to="none",
        seed=0,
    )
    train, held_out = read_chunks()
    config = GPT2Config(
        vocab_size=256,
        n_positions=CONTEXT_BYTES,
        n_embd=64,
        n_layer=2,
        n_head=4,
        attn_pdrop=0.0,  # it learns for too short a time to overfit
        embd_pdrop=0.0,
        resid_pdrop=0.0,
    )
    trainer = Trainer(
        model=GPT2LMHeadModel(config),
        args=arguments,
        train_dataset=train,
        eval_dataset=held_out,
        compute_metrics=measure,
        preprocess_logits_for_metrics=most_likely,
        callbacks=[LearningRateOfTheCommandLine(), RunforkCallback("pydoc")],
    )
    trainer.train(resume_from_checkpoint=True if options.resume == "last" else options.resume)


if __name__ == "__main__":
    main()
