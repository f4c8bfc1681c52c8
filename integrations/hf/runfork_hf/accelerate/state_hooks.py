"""What an Accelerator's ``save_state`` and ``load_state`` call, once for each Accelerator."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from runfork.training.call_stack import OngoingCall, frames, is_of
from runfork.training.guards import guarded
from runfork.training.loaded_checkpoint import LoadedCheckpoint, checkpoint_path
from runfork_hf.accelerate.description import prepared_models, prepared_optimizers
from runfork_hf.accelerate.state_file import put_mark_in_state, take_mark_from_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from torch import nn

_ATTRIBUTE = "_runfork_hooks"
_MAX_FRAMES = 12


class Loading(NamedTuple):
    """A state that is being loaded.

    Args:
        state: What is known of it.
        call: The call that loads it.
    """

    state: LoadedCheckpoint
    call: OngoingCall


class StateListener(Protocol):
    """A tracker, as far as what it logs for is saved and loaded."""

    def take(self, loading: Loading) -> None:
        """Note that a state is being loaded."""
        ...

    def mark(self, models: Sequence[nn.Module], directory: str) -> dict[str, Any] | None:
        """Return the mark for a state that is being saved; None if it cannot be had."""
        ...

    def retire(self) -> None:
        """Log no longer: another one does."""
        ...


class StateHooks:
    """Hands what an Accelerator saves and loads to the trackers that log for it.

    Args:
        accelerator: The Accelerator; it holds the hooks, they do not hold it.
    """

    def __init__(self, accelerator: Any) -> None:
        self._accelerator: Callable[[], Any] = weakref.ref(accelerator)
        self._is_main = bool(accelerator.is_main_process)
        self._trackers: list[StateListener] = []
        self._loaded: Loading | None = None
        accelerator.register_save_state_pre_hook(self.before_save)
        accelerator.register_load_state_pre_hook(self.before_load)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy of the Accelerator needs: it is held by the copy, as this one is by the Accelerator."""
        return {**self.__dict__, "_accelerator": self.accelerator}

    def __setstate__(self, state: dict[str, Any]) -> None:
        accelerator = state["_accelerator"]
        self.__dict__.update(state)
        self._accelerator = weakref.ref(accelerator) if accelerator is not None else _nothing

    @property
    def accelerator(self) -> Any:
        """The Accelerator, or None when it is gone."""
        return self._accelerator()

    @property
    def is_main_process(self) -> bool:
        """Whether this is the process that logs; as it was when the Accelerator is gone."""
        accelerator = self.accelerator
        if accelerator is not None:
            self._is_main = bool(accelerator.is_main_process)
        return self._is_main

    def models(self) -> Sequence[nn.Module]:
        """Return the models that were prepared until now."""
        return prepared_models(self.accelerator)

    def owns(self, optimizer: Any) -> bool:
        """Return whether a step of `optimizer` trains what the Accelerator has prepared, as far as that can be known."""
        found = prepared_optimizers(self.accelerator)
        if not found or any(one is optimizer for one in found):
            return True
        own = {id(parameter) for model in self.models() for parameter in model.parameters()}
        return any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"])

    def was_given(self, tracker: StateListener) -> bool:
        """Return whether the user made the tracker, and not Accelerate."""
        return any(one is tracker for one in getattr(self.accelerator, "log_with", ()))

    def join(self, tracker: StateListener) -> None:
        """Have a tracker log for this Accelerator; one that Accelerate made before, by name, logs no longer."""
        for other in [one for one in self._trackers if one is not tracker and not self.was_given(one)]:
            other.retire()
            self._trackers.remove(other)
        if tracker not in self._trackers:
            self._trackers.append(tracker)
        if self._loaded is not None:
            tracker.take(self._loaded)
            self._loaded = None

    @guarded
    def before_save(self, models: list[nn.Module], _weights: Any, output_dir: str) -> None:
        """Put the mark into a directory that is about to be written."""
        if not self.is_main_process:
            return
        if not self._trackers:
            return
        marks = [mark for tracker in self._trackers if (mark := tracker.mark(models, output_dir))]
        put_mark_in_state(output_dir, marks[0] if marks else {})

    @guarded
    def before_load(self, _models: list[nn.Module], input_dir: str) -> None:
        """Note what is about to be loaded. What it makes of the run is decided when training goes on: loading may fail."""
        if not self.is_main_process:
            return
        loaded = Loading(
            LoadedCheckpoint(take_mark_from_state(input_dir), checkpoint_path(input_dir)),
            OngoingCall(find_load()),
        )
        if not self._trackers:
            self._loaded = loaded
        for tracker in self._trackers:
            tracker.take(loaded)


def hooks_of(accelerator: Any) -> StateHooks:
    """Return the hooks of an Accelerator, registered when first asked for."""
    found = vars(accelerator).get(_ATTRIBUTE)
    if not isinstance(found, StateHooks):
        found = StateHooks(accelerator)
        setattr(accelerator, _ATTRIBUTE, found)
    return found


def accelerator_above() -> Any:
    """Return the Accelerator whose method has called us, or None.

    Accelerate shows trackers neither itself nor the states that it saves and loads, and has no registry of Accelerators:
    without a look at who calls, each script would have to say `track(accelerator)`.
    """
    from accelerate import Accelerator

    for frame in frames(_MAX_FRAMES):
        if is_of(frame, "accelerate") and isinstance(caller := frame.f_locals.get("self"), Accelerator):
            return caller
    return None


def find_load() -> FrameType | None:
    """Return the frame of the ``load_state`` that has called us, or None."""
    return next((one for one in frames() if one.f_code.co_name == "load_state" and is_of(one, "accelerate")), None)


def _nothing() -> None:
    """Stand for a weak reference to an Accelerator that is gone."""
