"""From nested values to ``a/b/c`` paths, whatever raises on the way or has no end. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from runfork.errors import ArgumentTypeError
from runfork.model.attributes import MAX_PATH_BYTES
from runfork.model.conversion import key_text
from runfork.model.messages import shown, type_name
from runfork.model.named_parts import MAX_PARTS, NamedParts, Unreadable, named_parts, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_LEVELS = MAX_PATH_BYTES // 2
"""Keys on the way to a value, so that its path is not too long for sure; deeper values would be refused."""

_Waiting = tuple[str, NamedParts, tuple[object, ...]]
"""A path, what was read of the value there, and the value with all that it lies in."""


def flatten(data: object, *, prefix: str = "", on_twice: Callable[[str], object] = str) -> dict[str, Any]:
    """Turn nested mappings, dataclasses and namespaces into one mapping of ``a/b/c`` paths.

    Lists and tuples are leaves. An empty mapping vanishes. Keys become strings. What cannot be read stands there as `Unreadable`,
    which the functions that convert values refuse with its reason; under `prefix` itself where it is `data` that has more parts.
    Values are read level by level, and 100,000 at most: one that has no end takes nothing from those beside it.

    Args:
        data: A Mapping, a dataclass instance, a named tuple, or an object with ``__dict__`` such as `argparse.Namespace`.
        prefix: Path in front of each key.
        on_twice: Called with a path that several values have, as those of ``{1: "a", "1": "b"}``: the last one, or the deepest,
            stands.

    Raises:
        ArgumentTypeError: `data` has no named parts.
    """
    parts = named_parts(data)
    if parts is None:
        raise ArgumentTypeError(f"configs must be a mapping or a dataclass, found {type_name(data)} {shown(data)}")
    flat: dict[str, Any] = {}
    waiting: deque[_Waiting] = deque([(prefix, parts, (data,))])
    count = 0
    while waiting:
        above, parts, holders = waiting.popleft()
        count += len(parts.items)
        if count > MAX_PARTS and above != prefix:
            flat[above] = Unreadable(f"there are more than {MAX_PARTS:,} values in one call; log a file")
            continue
        waiting.extend(_place(flat, above, parts, holders, on_twice))
    return flat


def _place(
    flat: dict[str, Any], above: str, parts: NamedParts, holders: tuple[object, ...], on_twice: Callable[[str], object]
) -> list[_Waiting]:
    """Put values where they belong; returns what has parts itself."""
    nested: list[_Waiting] = []
    for key, value in parts.items:
        try:
            name = key if type(key) is str else key_text(key)
        except Exception as error:  # a key's own methods may raise anything
            flat[above] = unreadable(error)
            continue
        path = f"{above}/{name}" if above else name
        if path in flat:
            on_twice(path)
        inner = None if type(value) is Unreadable else named_parts(value)
        if inner is None or len(path) > MAX_PATH_BYTES or len(holders) > _MAX_LEVELS:
            flat[path] = value
        elif any(value is holder for holder in holders):
            flat[path] = f"<recursion: {type_name(value)}>"
        else:
            nested.append((path, inner, (*holders, value)))
    if parts.trouble is not None:
        flat[above] = parts.trouble
    return nested


def told_name(what: str, path: str, value: object) -> str:
    """Return how a sentence begins that tells of a value of `flatten`: ``config 'a/b' was``, or ``some configs were``."""
    return f"some {what}s were" if path == "" and type(value) is Unreadable else f"{what} {shown(path)} was"
