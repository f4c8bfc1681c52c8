"""The weights that a training begins with, and whether it has begun: seen through torch's own hook, without a loop's help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.training.guards import guarded
from runfork_torch.weights import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn
    from torch.utils.hooks import RemovableHandle


class FirstWeights:
    """Watches for the first optimizer step after `watch`. For the training thread alone.

    A loop logs its first metrics after that step, when its weights are no more those that it was given.
    """

    def __init__(self) -> None:
        self._models: Callable[[], Sequence[nn.Module]] = list
        self._owns: Callable[[Any], bool] = bool
        self._handle: RemovableHandle | None = None
        self.has_stepped = False
        """Whether an optimizer step was done since `watch`."""
        self._fingerprint: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: torch's hook stays with this one."""
        return {**self.__dict__, "_handle": None}

    def watch(self, models: Callable[[], Sequence[nn.Module]], owns: Callable[[Any], bool]) -> None:
        """Begin anew.

        Args:
            models: Returns the models; they may be prepared later than now.
            owns: Returns whether an optimizer trains them: torch tells of the steps of all.
        """
        from torch.optim.optimizer import register_optimizer_step_pre_hook

        self.release()
        self._models, self._owns, self.has_stepped, self._fingerprint = models, owns, False, None
        self._handle = register_optimizer_step_pre_hook(self._note)

    @guarded
    def _note(self, optimizer: Any, _args: Any, _options: Any) -> None:
        # The hook stays: torch is going through all of them, and none can be removed now.
        if not self.has_stepped and self._owns(optimizer):
            self.has_stepped = True
            self._fingerprint = fingerprint_of(self._models())

    def release(self) -> None:
        """Watch no longer."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    @property
    def are_evaluated(self) -> bool:
        """Whether the weights are only evaluated, as far as it can be seen: no step was done, every model is in eval mode."""
        models = self._models()
        return not self.has_stepped and bool(models) and not any(model.training for model in models)

    def fingerprint(self) -> str | None:
        """Return the fingerprint of the weights before the first step."""
        return self._fingerprint if self.has_stepped else fingerprint_of(self._models())


def fingerprint_of(models: Sequence[nn.Module]) -> str | None:
    """Return the fingerprint of the models' trainable weights, whatever they are wrapped in; None if there is none."""
    named = [
        (f"{index}.{name}" if index else name, parameter)
        for index, model in enumerate(models)
        for name, parameter in unwrapped(model).named_parameters()
    ]
    return fingerprint(named)


def unwrapped(model: Any) -> nn.Module:
    """Return the user's module inside what parallel training and compilation wrap around it."""
    from accelerate.utils import extract_model_from_parallel

    found = extract_model_from_parallel(model)
    return getattr(found, "_orig_mod", found)  # type: ignore[no-any-return]  # torch.compile's name for it
