"""How the contract for integrations speaks to one framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runfork.writing.run import Run


@dataclass
class Trained:
    """What one training left behind.

    Args:
        run_id: Id of its run; anything where it was not tracked.
        losses: The loss of every step of this training, as the framework computed it.
        weights: A file, or a directory, with the final weights alone.
        face: The logger or callback that was used, for another training in the same process.
        checkpoints: One for the end of each epoch of this training, in order: files or folders from which the framework resumes.
            `IntegrationDriver.train` finds them.
    """

    run_id: str
    losses: list[float]
    weights: Path
    face: Any = field(default=None, repr=False)
    checkpoints: list[Path] = field(default_factory=list)


class Unreadable:
    """A setting that raises whatever it is asked, for models and optimizers that are awkward."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        raise RuntimeError("not to be shown")

    __repr__ = __str__


@dataclass
class Plan:
    """A training that the contract asks for.

    Args:
        folder: Where to save a checkpoint at the end of every epoch.
        epochs: The last epoch, counted from the beginning of the lineage: resuming the checkpoint of epoch 1 with 2 trains one.
        checkpoint: Resume from here, in the framework's way.
        weights: Load these weights, and nothing else, before training.
        is_tracked: Whether our logger or callback is there.
        at_step: Called inside the training step with the number of steps that this training has begun, from 1; it may raise, and
            that must reach the caller.
        face: A logger or callback to use again; `arguments` are left out then.
        evaluates_before: Evaluate the model, as it is made or as `weights` makes it, before anything is loaded or trained, with
            the same logger or callback.
        evaluates_best: Let the first epoch's weights count as the best (the highest loss, say). When training is over have the
            framework put them back, in the way that its users know, and evaluate them with the same logger or callback.
        setting: Value of the argument of training that `IntegrationDriver.setting` logs; None leaves the argument out.
        is_awkward: The model, its optimizers and its data are ones that raise when they are described: sizes and settings that
            raise when read, and parameters of which no fingerprint can be had.
        optimizers: How many optimizers train the model, where `IntegrationDriver.takes_several_optimizers`.
        arguments: Of the logger or callback.
    """

    folder: Path
    epochs: int = 2
    checkpoint: Path | None = None
    weights: Path | None = None
    is_tracked: bool = True
    at_step: Callable[[int], None] = lambda _step: None
    face: Any = None
    evaluates_before: bool = False
    evaluates_best: bool = False
    setting: float | None = None
    is_awkward: bool = False
    optimizers: int = 1
    arguments: dict[str, Any] = field(default_factory=dict)


class IntegrationDriver(ABC):
    """Trains a tiny model with the real framework, the same way every time.

    It is made without arguments, and importable by the name of its class: the contract makes another one in processes of its own.
    """

    packages: tuple[str, ...]
    """Our packages that belong to the integration; importing them imports no framework."""

    frameworks: tuple[str, ...]
    """Top-level packages that must not be loaded by that."""

    preloaded: tuple[str, ...] = ()
    """Modules that trainings need, which processes of the contract find imported."""

    read_when_imported: tuple[str, ...] = ()
    """Names of the environment variables that these modules read when they are imported."""

    loss: str
    """A metric that has a point at every step."""

    evaluated: str
    """A metric that an evaluation logs."""

    first_step: int
    """Step of the first point of `loss`."""

    steps_per_epoch: int
    """Optimizer steps in an epoch."""

    setting: str = ""
    """Attribute of an argument of training that users give or leave out: `Plan.setting`."""

    takes_several_optimizers = False
    """Whether one training can have several optimizers."""

    logs_without_step = False
    """Whether users log numbers through the framework without naming a step: `log`."""

    says_when_it_ended = True
    """Whether the framework says that a training has ended; without that nobody can tell one that broke off and was caught."""

    @abstractmethod
    def carry_out(self, plan: Plan) -> Trained:
        """Train as planned."""

    @abstractmethod
    def checkpoints(self, folder: Path) -> list[Path]:
        """Return the checkpoints that trainings left in `folder`, the oldest first, also of one that was killed."""

    @abstractmethod
    def evaluate(self, folder: Path, checkpoint: Path, *, other_data: bool = False, **arguments: Any) -> None:
        """Evaluate a checkpoint's weights with a new model, and train nothing.

        Args:
            folder: Where anything may be written.
            checkpoint: One that `train` returned.
            other_data: On data on which the model does differently.
            arguments: Of the logger or callback.
        """

    @abstractmethod
    def open_face(self, **arguments: Any) -> Any:
        """Return a new logger or callback with these arguments."""

    @abstractmethod
    def run_of(self, face: Any) -> Run:
        """Return what users get as the run from a logger or callback."""

    @abstractmethod
    def spoil(self, checkpoint: Path) -> None:
        """Change a checkpoint so that the framework raises when it loads it, though the mark in it can still be read."""

    def log(self, face: Any, values: dict[str, float]) -> None:
        """Log numbers through a logger or callback as users do who name no step, where the framework `logs_without_step`."""
        raise NotImplementedError

    def train(self, folder: Path, **options: Any) -> Trained:
        """Train; the options are those of `Plan`, and what is none of them is an argument of the logger or callback."""
        known = {name: options.pop(name) for name in tuple(options) if name in Plan.__dataclass_fields__}
        before = set(self.checkpoints(folder))
        trained = self.carry_out(Plan(folder, **known, arguments=options))
        trained.checkpoints = [path for path in self.checkpoints(folder) if path not in before]
        return trained
