"""What the user asked Keras for, as far as Keras tells callbacks nothing of it: read from the calls under way.

Keras hands a callback the model, ``epochs``, ``steps`` and ``verbose``. The other arguments of ``fit``, the other callbacks and
the path of a file that is being written stand in the frames of the calls that led here. Only frames of Keras' own are read, and
nothing is kept but plain values: reading the variables of a user's frame would keep them alive.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runfork.training.call_stack import frames, is_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_ALWAYS_THERE = {"RunforkCallback", "History", "ProgbarLogger"}
_FIT_ARGUMENTS = (
    "batch_size",
    "class_weight",
    "epochs",
    "initial_epoch",
    "shuffle",
    "steps_per_epoch",
    "validation_batch_size",
    "validation_freq",
    "validation_split",
    "validation_steps",
    "verbose",
)


@dataclass(frozen=True)
class FitCall:
    """A call of ``fit``.

    Args:
        arguments: Those that are not None, and no data, by name.
        callbacks: The names of the callbacks' classes, without ours and those that Keras adds.
        restores_weights: Whether one of them puts weights of an earlier epoch back.
        batches: Batches in an epoch; None if that is not known.
        batch_size: Samples in a batch; None if that is not known.
        samples: Samples in an epoch; None if that is not known.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    callbacks: tuple[str, ...] = ()
    restores_weights: bool = False
    batches: int | None = None
    batch_size: int | None = None
    samples: int | None = None

    def samples_until(self, batches: int) -> int:
        """Return how many samples the first `batches` of an epoch hold; 0 if that is not known."""
        count = batches * (self.batch_size or 0)
        return min(count, self.samples) if self.samples is not None else count


@dataclass(frozen=True)
class SaveCall:
    """A file that is being written.

    Args:
        path: Where; None if it is no file.
        saver: The callback that writes it, or None.
    """

    path: str | None = None
    saver: Any = None


def find_fit(model: Any) -> FitCall:
    """Return what is known of the ``fit`` of `model` that is under way."""
    callbacks: tuple[str, ...] = ()
    restores_weights = False
    for frame in frames():
        if not is_of(frame, "keras"):
            continue
        values = frame.f_locals
        one = values.get("self")
        if one is not None and type(one).__name__ == "CallbackList" and not callbacks:
            callbacks = tuple(sorted({type(other).__name__ for other in one.callbacks} - _ALWAYS_THERE))
            restores_weights = any(getattr(other, "restore_best_weights", False) is True for other in one.callbacks)
        if frame.f_code.co_name == "fit" and "epoch_iterator" in values and (one is model or "epochs" in values):
            arguments = {name: values[name] for name in _FIT_ARGUMENTS if values.get(name) is not None}
            return FitCall(arguments, callbacks, restores_weights, *_sizes(values["epoch_iterator"]))
    return FitCall(callbacks=callbacks, restores_weights=restores_weights)


def _sizes(iterator: Any) -> tuple[int | None, int | None, int | None]:
    """Return batches, batch size and samples of an epoch, as far as they are known without looking at the data."""
    adapter = getattr(iterator, "data_adapter", None)
    batches, batch_size = _count(iterator, "num_batches"), _count(adapter, "batch_size")
    is_whole = batches is not None and batches == _count(adapter, "num_batches")
    samples = None
    if batches is not None and batch_size is not None and is_whole:
        partial = _count(adapter, "partial_batch_size")
        samples = batches * batch_size if partial is None else (batches - 1) * batch_size + partial
    return batches, batch_size, samples


def _count(owner: Any, name: str) -> int | None:
    try:
        found = getattr(owner, name, None)
        return int(found) if found is not None and int(found) > 0 else None
    except Exception:  # an adapter of the user's own data may raise anything
        return None


def find_save() -> SaveCall:
    """Return what is known of the file that is being written: the path that Keras was given, and which callback gave it."""
    path = None
    for frame in frames():
        name = frame.f_code.co_name
        if is_of(frame, "keras"):
            values = frame.f_locals
            if name in ("save", "save_weights", "save_model"):
                path = values.get("filepath") or path
        elif path is not None and name.startswith("on_"):  # a hook of a callback of the user's own
            values = frame.f_locals
        else:
            continue
        one = values.get("self")
        if path is not None and hasattr(one, "on_train_batch_end") and hasattr(one, "set_params"):
            return SaveCall(_as_text(path), one)
    return SaveCall(_as_text(path), None)


def _as_text(path: Any) -> str | None:
    return os.fspath(path) if isinstance(path, (str, os.PathLike)) else None


def find_epoch_end(callback: Any) -> tuple[int, Mapping[str, Any]] | None:
    """Return the epoch that is over, and its metrics, while Keras tells the callbacks of a ``fit`` of it; else None.

    Args:
        callback: One of that ``fit``.
    """
    for frame in frames():
        if frame.f_code.co_name == "on_epoch_end" and is_of(frame, "keras"):
            values = frame.f_locals
            if any(one is callback for one in getattr(values.get("self"), "callbacks", None) or ()):
                return int(values["epoch"]), dict(values.get("logs") or {})
    return None


def find_failures() -> Collection[Any]:
    """Return what Keras gathers failures in while it loads weights; where that is not empty in the end, it raises.

    Something that stays empty where failures are not gathered, or are to be passed over.
    """
    for frame in frames():
        if frame.f_code.co_name == "load_weights_only" and is_of(frame, "keras"):
            values = frame.f_locals
            failures = values.get("failed_saveables")
            return () if failures is None or values.get("skip_mismatch") else failures
    return ()
