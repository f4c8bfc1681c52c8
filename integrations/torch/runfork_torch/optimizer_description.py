"""What is logged of optimizers: their settings, and their learning rates as series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.training.descriptions import numbered, plain_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch.optim import Optimizer


def labels_of(optimizers: Sequence[Optimizer]) -> list[str]:
    """Return a name for each optimizer: its class, numbered where there are several of one class."""
    return numbered(type(unwrap(optimizer)).__name__ for optimizer in optimizers)


def unwrap(optimizer: Any) -> Any:
    """Return the torch optimizer inside Lightning's wrapper."""
    return getattr(optimizer, "optimizer", optimizer)


def describe_optimizers(optimizers: Sequence[Optimizer]) -> dict[str, Any]:
    """Return attributes below ``optimizer/<label>/``: type, settings, and per group those that differ between groups."""
    described: dict[str, Any] = {}
    for label, optimizer in zip(labels_of(optimizers), optimizers, strict=True):
        base = f"optimizer/{label}"
        described[f"{base}/type"] = f"{type(unwrap(optimizer)).__module__}.{type(unwrap(optimizer)).__qualname__}"
        groups = [_settings(group) for group in optimizer.param_groups]
        described[f"{base}/groups"] = len(groups)
        common = {key: value for key, value in groups[0].items() if all(group.get(key) == value for group in groups)}
        described.update({f"{base}/{key}": value for key, value in common.items()})
        for name, group in zip(_group_names(optimizer), groups, strict=True):
            described.update({f"{base}/{name}/{key}": value for key, value in group.items() if key not in common})
    return described


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    """Return a group's settings without its parameters; None and tensors that lie on a device are left out.

    Numbers are floats, so that a setting has one type in every run, whether it was written 0 or 0.1.
    """
    return {
        key: _listed(plain_number(value))
        for key, value in group.items()
        if key not in ("params", "param_names", "name") and value is not None and not _is_on_device(value)
    }


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _is_on_device(value: object) -> bool:
    device = getattr(value, "device", None)
    return device is not None and getattr(device, "type", "cpu") != "cpu"


def _group_names(optimizer: Any) -> list[str]:
    return [str(group.get("name", index)).replace("/", "-") for index, group in enumerate(optimizer.param_groups)]


def describe_schedulers(configs: Iterable[Any], optimizers: Sequence[Optimizer]) -> dict[str, Any]:
    """Return attributes below ``optimizer/<label>/scheduler/`` for Lightning's scheduler configs."""
    labels = {id(unwrap(one)): label for one, label in zip(optimizers, labels_of(optimizers), strict=True)}
    described: dict[str, Any] = {}
    for config in configs:
        label = labels.get(id(unwrap(getattr(config.scheduler, "optimizer", None))))
        if label is None:
            continue
        base = f"optimizer/{label}/scheduler"
        described[f"{base}/type"] = type(config.scheduler).__name__
        described[f"{base}/interval"] = config.interval
        described[f"{base}/frequency"] = config.frequency
        if config.monitor is not None and type(config.scheduler).__name__ == "ReduceLROnPlateau":
            described[f"{base}/monitor"] = config.monitor
    return described


def learning_rates(optimizers: Sequence[Optimizer], labels: Sequence[str]) -> dict[str, float]:
    """Return the learning rate of every parameter group, by series; one that lies on a device is left out (no waiting).

    Args:
        optimizers: The optimizers.
        labels: What `labels_of` returned for them.
    """
    rates: dict[str, float] = {}
    for label, optimizer in zip(labels, optimizers, strict=True):
        groups = optimizer.param_groups
        if len(groups) == 1:
            rate = groups[0]["lr"]
            if not _is_on_device(rate):
                rates[f"optimizer/lr/{label}"] = float(rate)
            continue
        for name, group in zip(_group_names(optimizer), groups, strict=True):
            if not _is_on_device(group["lr"]):
                rates[f"optimizer/lr/{label}/{name}"] = float(group["lr"])
    return rates
