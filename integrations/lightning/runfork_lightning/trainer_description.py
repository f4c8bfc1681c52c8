"""What is logged of a trainer: the settings that shape training, and the sizes of its data loaders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from runfork_lightning.internals import max_seconds_of
from runfork_torch.data_description import describe_loader

_SETTINGS = (
    "accumulate_grad_batches",
    "check_val_every_n_epoch",
    "gradient_clip_algorithm",
    "limit_test_batches",
    "limit_train_batches",
    "limit_val_batches",
    "log_every_n_steps",
    "max_epochs",
    "max_steps",
    "min_epochs",
    "min_steps",
    "num_devices",
    "num_nodes",
    "num_sanity_val_steps",
    "overfit_batches",
    "precision",
    "reload_dataloaders_every_n_epochs",
    "val_check_interval",
    "world_size",
)


def describe_trainer(trainer: Any) -> dict[str, Any]:
    """Return attributes below ``trainer/``; settings that are None are left out."""
    found = {name: _plain(getattr(trainer, name, None)) for name in _SETTINGS}
    found["accelerator"] = type(trainer.accelerator).__name__.removesuffix("Accelerator").lower()
    found["strategy"] = type(trainer.strategy).__name__
    found["gradient_clip_val"] = float(trainer.gradient_clip_val) if trainer.gradient_clip_val is not None else None
    found["max_time_seconds"] = _max_time_seconds(trainer)
    found["seed"] = _seed()
    found["callbacks"] = (
        sorted({type(callback).__name__ for callback in trainer.callbacks} - {"RunforkCallback"}) or None
    )
    return {f"trainer/{name}": value for name, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(getattr(value, "value", value))


def _max_time_seconds(trainer: Any) -> float | None:
    limits = (max_seconds_of(one) for one in trainer.callbacks if type(one).__name__ == "Timer")
    return next((seconds for seconds in limits if seconds is not None), None)


def _seed() -> int | None:
    """Return the seed that Lightning's ``seed_everything`` set; it leaves it in the environment."""
    text = os.environ.get("PL_GLOBAL_SEED", "")
    return int(text) if text.isdigit() else None


def describe_savers(trainer: Any) -> dict[str, Any]:
    """Return ``checkpoints/monitor`` and ``checkpoints/mode`` of the first ``ModelCheckpoint`` that has a monitor."""
    saver = next((one for one in trainer.checkpoint_callbacks if getattr(one, "monitor", None) is not None), None)
    return {} if saver is None else {"checkpoints/monitor": saver.monitor, "checkpoints/mode": saver.mode}


def describe_training_data(trainer: Any) -> dict[str, Any]:
    """Return attributes below ``data/train``: batches per epoch, batch size, samples, workers."""
    return _describe_loaders("data/train", trainer.train_dataloader, trainer.num_training_batches)


def describe_validation_data(trainer: Any) -> dict[str, Any]:
    """Return attributes below ``data/validation``."""
    return _describe_loaders("data/validation", trainer.val_dataloaders, trainer.num_val_batches)


def _describe_loaders(base: str, loaders: Any, batches: Any) -> dict[str, Any]:
    described: dict[str, Any] = {}
    if loaders is None:
        return described
    counts = [batches] if isinstance(batches, (int, float)) else list(batches)
    total = sum(counts)
    if total not in (float("inf"), float("-inf")):
        described[f"{base}/batches"] = int(total)
    for name, loader in _named(loaders):
        place = f"{base}/{name}" if name else base
        for key, value in describe_loader(loader).items():
            described[f"{place}/{key}"] = value
    return described


def _named(loaders: Any) -> list[tuple[str, Any]]:
    if isinstance(loaders, Mapping):
        return [(str(name), loader) for name, loader in loaders.items()]
    if isinstance(loaders, Sequence):
        return [("", loaders[0])] if len(loaders) == 1 else [(str(i), one) for i, one in enumerate(loaders)]
    return [("", loaders)]
