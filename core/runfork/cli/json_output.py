"""What ``--json`` writes: one document in UTF-8; `runfork.query.documents` says what is in it."""

from __future__ import annotations

import json
from typing import Any

import click


def write_json(document: Any) -> None:
    """Write one JSON document to stdout, indented."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))


def write_json_line(document: Any) -> None:
    """Write one JSON document to stdout, on a line of its own."""
    click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
