"""The identity of a model's weights: a layer without variables that rides in Keras' own files.

Keras saves and loads whatever it finds in a model's attributes. This layer stands in one of them, and in none of the lists of
layers, so that ``.keras`` files, ``.weights.h5`` files and the backups of ``BackupAndRestore`` carry a mark, and the model is
otherwise as before: configuration, summary, variables, clones. Such files load without runfork, and files written without it
load here.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import keras
import numpy as np

from runfork.training.guards import attempt
from runfork_keras.calls import find_failures
from runfork_keras.checkpoint_files import MAX_MARK_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

ATTRIBUTE = "_runfork_identity"
"""The attribute of a model that holds its identity; the group of that name in its files."""

KEY = "mark"
"""The data set with the mark as JSON text."""

_logger = logging.getLogger("runfork")


class Author(Protocol):
    """A training that made a model's weights what they are."""

    @property
    def has_trained(self) -> bool:
        """Whether it has done a batch since it claimed the model."""
        ...

    def mark(self) -> Mapping[str, Any]:
        """Return a mark of the weights as they are now; empty if there is nothing to name."""
        ...


class _State(NamedTuple):
    """What `Content` says, at one time."""

    loads: int = 0
    loaded: Mapping[str, Any] | None = None
    authors: Sequence[Author] = ()


class Content:
    """Where a model's weights come from: a file that was loaded, or trainings that went on since.

    It is made empty: weights of no known origin.
    """

    def __init__(self) -> None:
        self._state = _State()
        self._before = _State()
        self._failures: Collection[Any] = ()
        self._before_load = _State()

    @property
    def loads(self) -> int:
        """How often a file was loaded."""
        return self._now.loads

    @property
    def loaded(self) -> Mapping[str, Any] | None:
        """The mark in the file loaded last, empty if it had none; None if none was loaded, or a training went on since."""
        return self._now.loaded

    @property
    def authors(self) -> Sequence[Author]:
        """The trainings that went on since, all in the same ``fit``."""
        return self._now.authors

    @property
    def _now(self) -> _State:
        """The present state; a file that could not be loaded is forgotten."""
        if self._failures:
            self._failures, self._state = (), self._before_load
        return self._state

    def take(self, mark: Mapping[str, Any], failures: Collection[Any] = ()) -> None:
        """Note that a file is being loaded.

        Args:
            mark: The mark in it, or empty.
            failures: Where it will stand what of it could not be loaded, which is an exception to the user.
        """
        self._before_load = self._now
        self._failures = failures
        self._state = _State(self._before_load.loads + 1, mark, ())

    @property
    def origin(self) -> tuple[Mapping[str, Any] | None, Sequence[Author]]:
        """`loaded` and `authors` as they were before the training began that is beginning now.

        Where several callbacks log one ``fit``, the first has claimed the model when the second comes to ask.
        """
        found = self._before if self._is_just_claimed else self._now
        return found.loaded, found.authors

    @property
    def _is_just_claimed(self) -> bool:
        return bool(self.authors) and not any(author.has_trained for author in self.authors)

    def claim(self, author: Author) -> None:
        """Note that a training begins, which will make the weights what they are then."""
        authors: list[Author] = [author]
        if self._is_just_claimed:
            authors = [*(other for other in self.authors if other is not author), author]
        else:
            self._before = self._now
        self._state = _State(self._now.loads, None, authors)

    def mark(self) -> Mapping[str, Any]:
        """Return the mark for a file that is being written. All trainings note it; that of the first stands in the file."""
        if self.loaded is not None:
            return self.loaded
        marks = [attempt(author, "mark", author.mark) for author in self.authors]
        return next((mark for mark in marks if mark), {})


class IdentityLayer(keras.layers.Layer):  # type: ignore[misc]
    """Puts the mark of a model into the model's files, and takes it out of them. It is never called, and never part of a config."""

    def __init__(self) -> None:
        super().__init__(name="runfork_identity", trainable=False)
        self.built = True
        object.__setattr__(self, "content", Content())  # Keras tracks what is set the usual way

    def save_own_variables(self, store: Any) -> None:
        """Write the mark. Whatever goes wrong here must not cost the user a checkpoint."""
        try:
            if _is_inside_another_model(store):
                return
            if mark := self.content.mark():
                store[KEY] = np.frombuffer(json.dumps(dict(mark)).encode(), dtype=np.uint8)
        except Exception as error:  # logging has its troubles, the file is written all the same
            _logger.warning("runfork: the checkpoint carries no mark (%s: %s)", type(error).__name__, error)

    def load_own_variables(self, store: Any) -> None:
        """Read the mark. Whatever goes wrong here must not keep the user from loading."""
        try:
            found = json.loads(_read(store[KEY])) if KEY in set(store.keys()) else {}
        except Exception as error:  # the mark may be damaged in any way
            _logger.warning("runfork: the mark in the checkpoint is damaged (%s: %s)", type(error).__name__, error)
            found = {}
        self.content.take(found if isinstance(found, dict) else {}, find_failures())


def _read(data: Any) -> bytes:
    """Return the bytes of a data set, which is read only if it is as small as a mark."""
    if (size := int(getattr(data, "size", len(data)))) > MAX_MARK_BYTES:
        raise ValueError(f"{size} bytes")
    return bytes(np.asarray(data, dtype=np.uint8))


def _is_inside_another_model(store: Any) -> bool:
    """Return whether the model is saved as a part of another: what its own training said of it does not hold there."""
    place = place_of(store)
    return place is not None and place != ATTRIBUTE


def place_of(store: Any) -> str | None:
    """Return where in the model lies what is saved into a store; None if that is not known."""
    path = getattr(store, "_h5_entry_path", None) or getattr(store, "path", None)
    return path if isinstance(path, str) else None


def identify(model: Any) -> Content:
    """Return the content of a model's identity; the model gets one if it has none."""
    layer = vars(model).get(ATTRIBUTE)
    if layer is None:
        layer = IdentityLayer()
        # Setting it the usual way would make it one of the model's layers.
        object.__setattr__(model, ATTRIBUTE, layer)
    content: Content = layer.content
    return content
