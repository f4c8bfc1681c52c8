"""What a request asks, member by member: of a JSON object, or of the part of an address behind the question mark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from starlette.requests import Request

_COMMA = re.compile(r"(?<!\\),")
_WORDS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True)
class Arguments:
    """What was asked. Each method returns one member, or its default where it is left out or null.

    Args:
        given: The members.
        are_texts: Whether numbers and flags are written as texts, as in an address.

    Raises:
        ArgumentError: A member cannot be used; the message says what was found and what is allowed.
    """

    given: Mapping[str, Any]
    are_texts: bool = False

    @classmethod
    def of_query(cls, request: Request) -> Arguments:
        """Return what an address asks."""
        return cls(dict(request.query_params), are_texts=True)

    def refuse_others(self, names: Collection[str]) -> None:
        """Refuse members that nobody reads: most likely they are misspelled."""
        if unknown := sorted(set(self.given).difference(names)):
            raise ArgumentError(f"there is no {unknown[0]!r}; there are {', '.join(sorted(names))}")

    def text(self, name: str, default: str | None = None) -> str | None:
        """Return a text."""
        value = self.given.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise _wrong(name, "a text", value)
        return value

    def wanted_text(self, name: str) -> str:
        """Return a text that cannot be left out."""
        value = self.text(name)
        if value is None:
            raise ArgumentError(f"{name} must be given")
        return value

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """Return one of some words."""
        value = self.text(name, default)
        if value not in choices:
            raise ArgumentError(f"{name} must be one of {', '.join(choices)}, found {value!r}")
        assert value is not None
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return yes or no."""
        value = self.given.get(name)
        if value is None:
            return default
        if self.are_texts and isinstance(value, str):
            value = _WORDS.get(value.lower(), value)
        if not isinstance(value, bool):
            raise _wrong(name, "true or false", value)
        return value

    def whole(self, name: str, default: int, *, low: int = 0, high: int) -> int:
        """Return a whole number between two others, both allowed."""
        value = self.given.get(name)
        if value is None:
            return default
        if self.are_texts and isinstance(value, str) and value.isascii() and value.lstrip("-").isdecimal():
            value = int(value[:_LONGEST_NUMBER])
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON does not tell them apart
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(name, f"a whole number from {low} to {high}", value)
        return value

    def number(self, name: str) -> float | int | None:
        """Return a number; None where it is left out."""
        value = self.given.get(name)
        if value is None:
            return None
        if self.are_texts and isinstance(value, str):
            try:
                value = float(value) if not value.isdecimal() else int(value[:_LONGEST_NUMBER])
            except ValueError:
                raise _wrong(name, "a number", value) from None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong(name, "a number", value)
        return value

    def texts(self, name: str, *, most: int) -> list[str] | None:
        """Return a list of texts; None where it is left out. In an address, commas part them, but for those behind a backslash."""
        value = self.given.get(name)
        if value is None:
            return None
        if self.are_texts and isinstance(value, str):
            value = [part.replace("\\,", ",") for part in _COMMA.split(value) if part.strip()]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _wrong(name, "a list of texts", value)
        if len(value) > most:
            raise ArgumentError(f"{name} must have at most {most} entries, found {len(value)}")
        return value

    def objects(self, name: str, *, most: int) -> list[Arguments]:
        """Return a list of objects."""
        value = self.given.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise _wrong(name, "a list of objects", value)
        if len(value) > most:
            raise ArgumentError(f"{name} must have at most {most} entries, found {len(value)}")
        return [Arguments(one) for one in value]


_LONGEST_NUMBER = 20


def _wrong(name: str, wanted: str, value: object) -> ArgumentTypeError:
    return ArgumentTypeError(f"{name} must be {wanted}, found {value!r:.80}")
