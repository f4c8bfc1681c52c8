"""Measured text inside a document: between ``<!-- NAME -->`` and ``<!-- /NAME -->``, replaced by each run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_section(document: Path, name: str, text: str) -> None:
    """Put text between the two marks of a section.

    Raises:
        ValueError: The document has no such section, or more than one.
    """
    before = document.read_text(encoding="utf-8")
    section = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    after, count = section.subn(lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", before)
    if count != 1:
        raise ValueError(f"{document} must have one section <!-- {name} --> ... <!-- /{name} -->, found {count}")
    document.write_text(after, encoding="utf-8")


def markdown_table(head: list[str], rows: list[list[str]], *, numbers: bool = True) -> str:
    """Return a table: the first column to the left, the others to the right if they are numbers."""
    rule = ["---", *("---:" if numbers else "---" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])
