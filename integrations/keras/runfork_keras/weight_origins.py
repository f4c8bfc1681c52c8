"""Where the weights come from that Keras trains or evaluates, in the terms of `runfork.training`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.training.loaded_checkpoint import LoadedCheckpoint
from runfork_keras.counter import StepCounter
from runfork_keras.trained_model import TrainedModel
from runfork_keras.weights import weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runfork.training.training import Training
    from runfork_keras.identity import Author, Content


def begin_fit(
    training: Training,
    model: Any,
    *,
    epoch: int,
    before: TrainedModel | None,
    before_mark: Callable[[], None],
    after_mark: Callable[[float], None],
) -> TrainedModel:
    """Make the run what this fit goes on from.

    Args:
        training: Its training.
        model: Its model, with everything restored that callbacks restore.
        epoch: The first epoch.
        before: What the callback trained last, if anything.
        before_mark: Called before each mark for a file.
        after_mark: Told the step of each mark for a file.

    Returns:
        What the model's files will be marked with.
    """
    from runfork_keras.identity import identify

    content = identify(model)
    counter = before.counter.read(model) if before is not None and before.is_of(model) else StepCounter().read(model)
    loaded_mark, authors = content.origin
    if before is not None and _goes_on(before, model, content):
        training.begin(goes_on=True)
        before.go_on(model)
        before.claim(content)
        return before
    mark = loaded_mark if loaded_mark is not None else _mark_of(author for author in authors if author is not before)
    training.begin()
    if mark is None and counter > 0:
        mark = training.find_parent(weights_of(model, training), counter=counter)
    trained = TrainedModel(model, training, before_mark=before_mark, after_mark=after_mark)
    trained.first_fingerprint = weights_of(model, training)
    loaded = None
    if mark is not None or counter > 0 or epoch > 0:
        loaded = LoadedCheckpoint(mark or None, details={"iterations": counter, "epoch": epoch})
    training.start(
        loaded,
        counter=counter,
        fingerprint=lambda: trained.first_fingerprint,
    )
    trained.run_id = training.runs.run_id
    trained.claim(content)
    return trained


def _goes_on(before: TrainedModel, model: Any, content: Content) -> bool:
    """Return whether the callback's last training goes on, with the same model as it is."""
    loaded, authors = content.origin
    is_author = any(author is before for author in (*content.authors, *authors))
    return is_author and loaded is None and before.is_current and not before.begins_again(model)


def _mark_of(authors: Iterable[Author]) -> Mapping[str, Any] | None:
    """Return a mark of what other callbacks trained, which is what this one goes on from."""
    return next((mark for mark in (author.mark() for author in authors) if mark), None)


def begin_test(training: Training, model: Any, *, trained: TrainedModel | None) -> None:
    """Send the results of an evaluation to where its weights come from.

    Args:
        training: The callback's training.
        model: The model that is evaluated.
        trained: What the callback trained last, if anything.
    """
    from runfork_keras.identity import identify

    content = identify(model)
    mark = content.loaded
    if mark is None and trained is not None and trained.is_current and any(one is trained for one in content.authors):
        trained.finish_step(model)
        training.evaluate_weights(weights_of(model, training))
        return
    if mark is None:
        mark = _mark_of(content.authors)
    if not mark and training.given is not None:
        training.evaluate(training.given)
        return
    if not mark:
        mark = training.find_parent(weights_of(model, training))
    training.evaluate(LoadedCheckpoint(mark) if mark else None)
