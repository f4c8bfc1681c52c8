"""How values and errors are shown in sentences: on one line, shortened, whatever their own methods raise. Pure."""

from __future__ import annotations

from reprlib import Repr

MAX_TEXT = 80
MAX_ERROR = 300


class _Shortener(Repr):
    def repr_instance(self, x: object, level: int) -> str:
        """Return the ``repr`` of an object; a set of somebody's own would be iterated for it, and may have no end."""
        return f"<{type_name(x)}>" if issubclass(type(x), (set, frozenset)) else super().repr_instance(x, level)


_REPR = _Shortener()
_REPR.maxlevel = 3
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = MAX_TEXT
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = _REPR.maxset = _REPR.maxfrozenset = 6


def shown(value: object) -> str:
    """Return the beginning of a value's ``repr``; its type where that cannot be had."""
    try:
        return f"{_REPR.repr(value):.{2 * MAX_TEXT}}"
    except Exception:  # somebody's own ``__repr__`` or ``__len__`` may raise anything
        return f"a value of type {type_name(value)}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 run``, ``2 runs``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def type_name(value: object) -> str:
    """Return the name of a value's type."""
    try:
        return f"{type(value).__name__:.{MAX_TEXT}}"
    except Exception:  # a metaclass of somebody's own may raise anything
        return "unknown"


def described(error: BaseException) -> str:
    """Return type and message of an exception on one line; a message that raises itself is left out."""
    try:
        return " ".join(f"{type_name(error)}: {error!s:.{MAX_ERROR}}".split())
    except Exception:  # somebody's own ``__str__`` may raise anything
        return type_name(error)
