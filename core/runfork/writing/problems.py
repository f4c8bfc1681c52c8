"""What goes wrong while logging: counted, told once per cause, shown in `Run.status`, raised only on request."""

from __future__ import annotations

import threading
import warnings

from runfork.errors import LoggingError, RunforkWarning, frames_of_ours

MAX_SENTENCES = 100


class Problems:
    """The problems of one run. Every method may be called from any thread.

    Args:
        raises: Whether values that cannot be logged raise LoggingError instead of being dropped.
    """

    def __init__(self, *, raises: bool) -> None:
        self._raises = raises
        self._lock = threading.RLock()
        self._warns = True
        self._tells = True
        self._told: dict[str, str] = {}
        self._noted: list[str] = []
        self.dropped_values = 0

    @property
    def sentences(self) -> tuple[str, ...]:
        """The first sentence of every cause, in order."""
        return (*self._told.values(),)

    def drop(self, cause: str, sentence: str, *, count: int = 1) -> None:
        """Count values that are not logged; warn the caller once per `cause`.

        Raises:
            LoggingError: If asked to.
        """
        if self._raises:
            raise LoggingError(sentence)
        with self._lock:
            self.dropped_values += count
        self.warn(cause, f"{sentence} (told once; further ones are counted)")

    def warn(self, cause: str, sentence: str) -> None:
        """Warn the caller, once per `cause`, of something decided on their behalf."""
        if not self._is_new(cause, sentence) or not self._warns:
            return
        try:
            warnings.warn(sentence, RunforkWarning, stacklevel=frames_of_ours())
        except RunforkWarning:
            raise  # the program turned warnings into errors
        except Exception:  # noqa: S110  stderr may be closed, or anything in its place: nobody can be warned, training goes on
            pass

    def lose(self, cause: str, sentence: str) -> None:
        """Count a value that the environment keeps from being logged, and say so once per `cause`; never raises."""
        with self._lock:
            self.dropped_values += 1
        self.tell(cause, f"{sentence} (told once; further ones are counted)")

    def tell(self, cause: str, sentence: str) -> None:
        """Say, once per `cause`, what the environment did: through the logger ``runfork``, so that it never raises."""
        self.note(cause, sentence)
        self.tell_noted()

    def keep(self, cause: str, sentence: str) -> None:
        """Keep, once per `cause`, what was told by somebody else."""
        self._is_new(cause, sentence)

    def note(self, cause: str, sentence: str) -> None:
        """Remember what is to be told by `tell_noted`: for callers that hold a lock, which a logging handler may want too."""
        if self._is_new(cause, sentence):
            self._noted.append(sentence)

    def tell_noted(self) -> None:
        """Tell what was noted."""
        while self._noted and self._tells:
            try:
                sentence = self._noted.pop(0)
            except IndexError:  # another thread was quicker
                return
            import logging

            try:
                logging.getLogger("runfork").warning("runfork: %s", sentence)
            except Exception:  # a handler of the program's, or a closed stderr; the sentence stands in `sentences`
                return

    def stop_warning(self) -> None:
        """Only count from now on what callers do wrong: the process ends, and takes them with it."""
        self._warns = False

    def be_silent(self) -> None:
        """Write to no stream and no logger any more; `sentences` go on."""
        self._warns = self._tells = False

    def renew_lock(self) -> None:
        """Forget who holds the lock: in a forked child, the thread that did is not there."""
        self._lock = threading.RLock()

    def _is_new(self, cause: str, sentence: str) -> bool:
        # no lock: this is called under locks of others, and from signal handlers
        if cause in self._told or len(self._told) >= MAX_SENTENCES:
            return False
        return self._told.setdefault(cause, sentence) is sentence
