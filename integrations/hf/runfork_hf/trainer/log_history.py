"""What the Trainer remembers of metrics: names as users know them, and the history that a checkpoint carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PREFIXES = (("eval_", "eval/"), ("test_", "test/"))


def named(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return logs under the names that every tracker of the Trainer gives them: ``eval/loss``, ``test/loss``, ``train/loss``."""
    return {_name(key): value for key, value in logs.items()}


def split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return those of values that are numbers, or may be some, and those that are texts."""
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return {name: value for name, value in values.items() if name not in texts}, texts


def _name(key: str) -> str:
    for prefix, place in _PREFIXES:
        if key.startswith(prefix):
            return place + key[len(prefix) :]
    return f"train/{key}"


def history_between(
    history: Iterable[Mapping[str, Any]], first: int, last: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield step and metrics of the entries of a log history from step `first` to `last`; what is no number is left out."""
    for entry in history:
        step = entry.get("step")
        if isinstance(step, int) and first <= step <= last:
            numbers = {key: value for key, value in entry.items() if key != "step" and _is_number(value)}
            if numbers:
                yield step, named(numbers)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
