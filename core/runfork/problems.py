"""What goes wrong while logging: counted, told once per cause, shown in `Run.status`, raised only on request."""

from __future__ import annotations

import logging
import threading
import warnings

from runfork.errors import LoggingError, RunforkWarning

__all__ = ["Problems"]

_logger = logging.getLogger("runfork")
MAX_SENTENCES = 100


class Problems:
    """The problems of one run. Every method may be called from any thread.

    Args:
        raises: Whether values that cannot be logged raise LoggingError instead of being dropped.
    """

    def __init__(self, *, raises: bool) -> None:
        self._raises = raises
        self._lock = threading.RLock()
        self._told: dict[str, str] = {}
        self.dropped_values = 0

    @property
    def sentences(self) -> tuple[str, ...]:
        """The first sentence of every cause, in order."""
        return tuple(self._told.values())

    def drop(self, cause: str, sentence: str, *, count: int = 1) -> None:
        """Count values that are not logged; warn the caller once per `cause`.

        Raises:
            LoggingError: If asked to.
        """
        if self._raises:
            raise LoggingError(sentence)
        with self._lock:
            self.dropped_values += count
        if self._is_new(cause, sentence):
            warnings.warn(f"{sentence} (told once; further ones are counted)", RunforkWarning, stacklevel=4)

    def warn(self, cause: str, sentence: str) -> None:
        """Warn the caller, once per `cause`, of something decided on their behalf."""
        if self._is_new(cause, sentence):
            warnings.warn(sentence, RunforkWarning, stacklevel=4)

    def tell(self, cause: str, sentence: str) -> None:
        """Say, once per `cause`, what the environment did: through the logger ``runfork``, so that it never raises."""
        if self._is_new(cause, sentence):
            _logger.warning("runfork: %s", sentence)

    def _is_new(self, cause: str, sentence: str) -> bool:
        with self._lock:
            if cause in self._told or len(self._told) >= MAX_SENTENCES:
                return False
            self._told[cause] = sentence
            return True
