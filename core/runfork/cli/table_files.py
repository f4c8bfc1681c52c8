"""Writing rows as CSV, Parquet or JSON; a file appears under its name when it is whole, and replaces none unasked."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from runfork.errors import ArgumentError
from runfork.model.attributes import AttributeType
from runfork.query.documents import json_content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@contextmanager
def new_file(target: Path | None, *, is_forced: bool) -> Iterator[IO[bytes]]:
    """Yield a file to write to; what was written gets its name at the end, if nothing failed.

    Args:
        target: Where; None is stdout.
        is_forced: Replace a file that is there.

    Raises:
        ArgumentError: There is one, and `is_forced` is not set; or its folder cannot be written to.
    """
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if target.exists() and not is_forced:
        raise ArgumentError(f"{str(target)!r} is there already; name another file, or --force replaces it")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    except OSError as error:
        raise ArgumentError(
            f"{str(target)!r} cannot be written ({error.strerror or error}: {str(target.parent)!r}); "
            "name a file in a folder that is there"
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).chmod(0o666 & ~_umask())
        _give_name(Path(name), target, is_forced=is_forced)
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _give_name(written: Path, target: Path, *, is_forced: bool) -> None:
    if is_forced:
        written.replace(target)
        return
    try:
        os.link(written, target)  # unlike a rename, this never replaces a file that has appeared meanwhile
    except FileExistsError:
        raise ArgumentError(
            f"{str(target)!r} has appeared meanwhile; name another file, or --force replaces it"
        ) from None
    except OSError:  # a file system without hard links
        written.replace(target)


@dataclass(frozen=True)
class Rows:
    """What is written.

    Args:
        columns: The name and type of each column: string, or one of `EXACT`.
        portions: Some rows at a time, as the cells of each column; times in microseconds since 1970, string sets as lists, None
            for nothing.
    """

    columns: Sequence[tuple[str, AttributeType]]
    portions: Iterable[Sequence[Sequence[Any]]]


EXACT = frozenset(
    {AttributeType.FLOAT, AttributeType.INT, AttributeType.BOOL, AttributeType.DATETIME, AttributeType.STRING_SET}
)
"""Types of columns that hold something else than text."""


def write_csv(file: IO[bytes], rows: Rows) -> None:
    """Write CSV in UTF-8; numbers in full, times ISO 8601 in UTC, nothing as an empty cell."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([name for name, _ in rows.columns])
    for cells in rows.portions:
        written = [[_csv_cell(one, kind) for one in some] for (_, kind), some in zip(rows.columns, cells, strict=True)]
        writer.writerows(zip(*written, strict=True))
    text.detach()


def _csv_cell(value: Any, kind: AttributeType) -> Any:
    if value is None:
        return ""
    if kind is AttributeType.BOOL:
        return "true" if value else "false"
    return ", ".join(value) if kind is AttributeType.STRING_SET else json_content(kind, value)


def write_json_rows(file: IO[bytes], rows: Rows) -> None:
    """Write a JSON list of one object per row, each on a line of its own; cells with nothing in them are left out."""
    separator = b"[\n"
    for cells in rows.portions:
        for row in zip(*cells, strict=True):
            pairs = zip(rows.columns, row, strict=True)
            document = {name: json_content(kind, value) for (name, kind), value in pairs if value is not None}
            text = json.dumps(document, ensure_ascii=False, allow_nan=False)
            file.write(separator + text.encode("utf-8", "replace"))
            separator = b",\n"
    file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def write_parquet(file: IO[bytes], rows: Rows) -> None:
    """Write Parquet; times are timestamps in UTC, string sets lists.

    Raises:
        ImportError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            'writing Parquet needs pyarrow: pip install "runfork[pandas]", or choose --format csv'
        ) from error
    types: dict[AttributeType, Any] = {
        AttributeType.STRING: pa.string(),
        AttributeType.FLOAT: pa.float64(),
        AttributeType.INT: pa.int64(),
        AttributeType.BOOL: pa.bool_(),
        AttributeType.DATETIME: pa.timestamp("us", tz="UTC"),
        AttributeType.STRING_SET: pa.list_(pa.string()),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in rows.columns])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for cells in rows.portions:
            arrays = [
                pa.array(_arrow_cells(some, kind), types[kind])
                for (_, kind), some in zip(rows.columns, cells, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _arrow_cells(cells: Iterable[Any], kind: AttributeType) -> list[Any]:
    if kind is AttributeType.FLOAT:
        return [None if cell is None else float(cell) for cell in cells]
    if kind is AttributeType.STRING:  # Arrow refuses lone surrogates
        return [None if cell is None else cell.encode("utf-8", "replace").decode() for cell in cells]
    return list(cells)


WRITERS = {"csv": write_csv, "parquet": write_parquet, "json": write_json_rows}
