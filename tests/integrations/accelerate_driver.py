"""Accelerate, as the contract for integrations drives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.testing.integration_driver import IntegrationDriver, Plan, Trained, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Progress:
    """How far a loop is, for Accelerate to save and load."""

    def __init__(self) -> None:
        self.epoch = 0
        self.step = 0

    def state_dict(self):
        return dict(vars(self))

    def load_state_dict(self, state):
        vars(self).update(state)


class AccelerateDriver(IntegrationDriver):
    packages: tuple[str, ...] = ("runfork_hf", "runfork_torch")
    frameworks: tuple[str, ...] = ("torch", "accelerate", "transformers", "numpy")
    preloaded = ("runfork_hf.accelerate.for_accelerate", "accelerate", "torch", "torch._dynamo")  # optimizers import it
    loss = "train/loss"
    evaluated = "test/loss"
    setting = "hparams/clip"
    logs_without_step = True
    first_step = 1
    steps_per_epoch = 8
    says_when_it_ended = False

    def carry_out(self, plan: Plan) -> Trained:
        import torch

        accelerator = open_accelerator(plan.face, is_tracked=plan.is_tracked, **plan.arguments)
        model, optimizer, loader, progress = prepare(accelerator, plan.weights)
        config = {"lr": 0.1} if plan.setting is None else {"lr": 0.1, "clip": plan.setting}
        if plan.is_tracked:
            accelerator.init_trackers("tiny", config=config, init_kwargs={"runfork": plan.arguments})
        if plan.evaluates_before:
            _log_test(accelerator, model)
        if plan.checkpoint is not None:
            accelerator.load_state(str(plan.checkpoint))
        if plan.is_awkward:
            accelerator.unwrap_model(model)[0].weight.placements = ()  # as those of sharded weights
            optimizer.param_groups[0]["note"] = Unreadable()
        losses: list[float] = []
        while progress.epoch < plan.epochs:
            train_epoch(accelerator, model, optimizer, loader, progress, losses, plan.at_step)
            optimizer.param_groups[0].pop("note", None)  # states would hold it
            accelerator.save_state(str(plan.folder / f"state_{progress.epoch}"))
        if plan.evaluates_best:
            accelerator.load_state(str(plan.folder / "state_1"))
            _log_test(accelerator, model)
        torch.save(accelerator.unwrap_model(model).state_dict(), plan.folder / "weights.pt")
        accelerator.end_training()
        tracker: Any = next(iter(accelerator.trackers), None)
        return Trained(tracker.runs.run_id if tracker else "", losses, plan.folder / "weights.pt", tracker)

    def checkpoints(self, folder: Path) -> list[Path]:
        return sorted(path for path in folder.glob("state_*") if (path / "random_states_0.pkl").exists())

    def open_face(self, **arguments: Any) -> Any:
        from runfork_hf import RunforkTracker

        return RunforkTracker("tiny", **arguments)

    def run_of(self, face: Any) -> Any:
        return face.tracker

    def evaluate(self, folder: Path, checkpoint: Path, *, other_data: bool = False, **arguments: Any) -> None:
        from runfork_hf import track

        accelerator = open_accelerator(**arguments)
        track(accelerator)
        model, _, _, progress = prepare(accelerator)
        accelerator.init_trackers("tiny", init_kwargs={"runfork": arguments})
        accelerator.load_state(str(checkpoint))
        _log_test(accelerator, model, other_data=other_data, step=progress.epoch)
        accelerator.end_training()

    def spoil(self, checkpoint: Path) -> None:
        (checkpoint / "model.safetensors").write_bytes(b"cut off")

    def log(self, face: Any, values: dict[str, float]) -> None:
        face.log(values)


def _log_test(accelerator: Any, model: Any, *, other_data: bool = False, step: int | None = None) -> None:
    model.eval()
    rows = _data()[8:24] if other_data else _data()[:8]
    accelerator.log({"test/loss": float(model(rows).pow(2).mean())}, step=step)


def open_accelerator(face: Any = None, *, is_tracked: bool = True, **arguments: Any) -> Any:
    """Return an Accelerator with our tracker: by name where there are names, else as it is or as one that is made here."""
    from accelerate import Accelerator, tracking

    from runfork_hf import RunforkTracker
    from runfork_hf.accelerate.for_accelerate import register_tracker

    register_tracker()
    named: Any = "runfork" if hasattr(tracking, "register_tracker_class") else RunforkTracker("tiny", **arguments)
    return Accelerator(cpu=True, log_with=(face or named) if is_tracked else None)


def _data() -> Any:
    import torch

    return torch.randn(64, 4, generator=torch.Generator().manual_seed(3))


def prepare(accelerator: Any, weights: Path | None = None) -> Any:
    """Return a tiny model with what trains it."""
    import torch

    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1))
    if weights is not None:
        model.load_state_dict(torch.load(weights))
    loader = torch.utils.data.DataLoader(_data(), batch_size=8 // accelerator.num_processes)
    progress = Progress()
    accelerator.register_for_checkpointing(progress)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return (*accelerator.prepare(model, optimizer, loader), progress)


def train_epoch(
    accelerator: Any,
    model: Any,
    optimizer: Any,
    loader: Any,
    progress: Progress,
    losses: list[float],
    at_step: Callable[[int], None] | None = None,
) -> None:
    """Train as the loops in Accelerate's examples do, logging each loss after its step."""
    model.train()
    for batch in loader:
        if at_step is not None:
            at_step(len(losses) + 1)
        loss = model(batch).pow(2).mean()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        progress.step += 1
        losses.append(float(loss.detach()))
        accelerator.log({"train/loss": losses[-1]}, step=progress.step)
    progress.epoch += 1
