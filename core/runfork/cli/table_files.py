"""Writing frames as CSV, Parquet or JSON; a file appears under its name when it is whole, and replaces none unasked."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from runfork.cli.json_output import json_number, json_time
from runfork.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runfork.cli.frames import Frame, FrameColumn, Kind

__all__ = ["FORMATS", "new_file", "write_csv", "write_json_rows", "write_parquet"]

FORMATS = ("csv", "parquet", "json")


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


def write_csv(file: IO[bytes], columns: Iterable[FrameColumn], frames: Iterable[Frame]) -> None:
    """Write frames of the same columns as CSV in UTF-8; numbers in full, times ISO 8601 in UTC, nothing as an empty cell."""
    import io

    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="", write_through=True)
    writer = csv.writer(text)
    columns = list(columns)
    writer.writerow([column.name for column in columns])
    for frame in frames:
        cells = [
            [_csv_cell(one, column.kind) for one in some] for column, some in zip(columns, frame.values, strict=True)
        ]
        writer.writerows(zip(*cells, strict=True))
    text.detach()


def _csv_cell(value: Any, kind: Kind) -> Any:
    if value is None:
        return ""
    if kind == "time":
        return json_time(value)
    if kind == "bool":
        return "true" if value else "false"
    if kind == "float":
        return json_number(value)
    return ", ".join(value) if kind == "strings" else value


def write_json_rows(file: IO[bytes], frames: Iterable[Frame]) -> None:
    """Write a JSON list of one object per row, each on a line of its own; cells with nothing in them are left out."""
    separator = b"[\n"
    for frame in frames:
        names: list[tuple[str, Kind]] = [(column.name, column.kind) for column in frame.columns]
        for row in zip(*frame.values, strict=True):
            pairs = zip(names, row, strict=True)
            document = {name: _json_cell(value, kind) for (name, kind), value in pairs if value is not None}
            text = json.dumps(document, ensure_ascii=False, allow_nan=False)
            file.write(separator + text.encode("utf-8", "replace"))
            separator = b",\n"
    file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _json_cell(value: Any, kind: Kind) -> Any:
    if kind == "time":
        return json_time(value)
    return json_number(value) if kind == "float" else value


def write_parquet(file: IO[bytes], columns: Iterable[FrameColumn], frames: Iterable[Frame]) -> None:
    """Write frames of the same columns as Parquet; times are timestamps in UTC, string sets lists.

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
    types: dict[Kind, Any] = {
        "string": pa.string(),
        "float": pa.float64(),
        "int": pa.int64(),
        "bool": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
        "strings": pa.list_(pa.string()),
    }
    columns = list(columns)
    schema = pa.schema([(column.name, types[column.kind]) for column in columns])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for frame in frames:
            arrays = [
                pa.array(_arrow_cells(cells, column.kind), types[column.kind])
                for column, cells in zip(columns, frame.values, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _arrow_cells(cells: Iterable[Any], kind: Kind) -> list[Any]:
    if kind == "float":
        return [None if cell is None else float(cell) for cell in cells]
    if kind == "string":  # Arrow refuses lone surrogates
        return [None if cell is None else cell.encode("utf-8", "replace").decode() for cell in cells]
    return list(cells)
