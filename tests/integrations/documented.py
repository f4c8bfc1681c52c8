"""The table of attributes in ``docs/frameworks.md``, and a run held against it."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "frameworks.md"


def documented(framework: str) -> dict[str, str]:
    """Return type by path of the table below a heading; ``<name>`` in a path stands for anything and is ``*`` here."""
    section = DOCUMENT.read_text(encoding="utf-8").partition(f"### {framework} attributes\n")[2]
    rows = re.findall(r"^\| `([^`]+)` \| ([a-z_ ]+) \|", re.split(r"\n##+ ", section)[0], re.MULTILINE)
    return {re.sub(r"<[^>]+>", "*", path): kind for path, kind in rows}


def types_of(history, run_id: str) -> dict[str, str]:
    """Return type by path of everything in a run."""
    values = history.project.index.values([run_id])[run_id]
    return {path: value.type.value for path, value in values.items()}


def undocumented(types: dict[str, str], framework: str, *, own: tuple[str, ...]) -> list[str]:
    """Return what was logged and is not in the table, or is there with another type; `own` begin paths that are the user's."""
    known = [(_pattern(path), kind) for path, kind in documented(framework).items()]
    return [
        f"{path} ({kind})"
        for path, kind in types.items()
        if not path.startswith(own)
        and not any(pattern.fullmatch(path) and (kind in allowed or allowed == "any") for pattern, allowed in known)
    ]


def not_logged(types: dict[str, str], framework: str, *, elsewhere: set[str]) -> list[str]:
    """Return what is in the table and was not logged; `elsewhere` is shown by other tests."""
    return [
        path
        for path in documented(framework).keys() - elsewhere
        if not any(_pattern(path).fullmatch(logged) for logged in types)
    ]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\*", r"[^/]+(?:/[^/]+)*"))
