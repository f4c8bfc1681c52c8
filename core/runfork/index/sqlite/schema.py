"""The tables of the index, and how its file is opened. The file can be deleted at any time; what is in it is rebuilt."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import struct
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from runfork.index.interface import ForeignIndexError, StaleIndexError, UnusableIndexError
from runfork.journal.locks import locked
from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION = 21
"""Raised with every change to the tables or to the bytes in them: files of other versions are emptied and filled anew."""

TYPES = tuple(AttributeType)
TYPE_NUMBERS = {kind: number for number, kind in enumerate(TYPES)}

BUSY_SECONDS = 30.0
OPEN_TRIES = 5
_LOCK_SECONDS = 5.0
_DAMAGE = ("malformed", "not a database", "encrypted", "could not decode to utf-8", "no such table", "no such column")
"""What SQLite says of a file whose bytes were changed, or whose tables are another version's by now."""
MISREAD = (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, AttributeError, struct.error, zlib.error)
"""As what bytes that were changed on disk may come to light: a reason to look whether they were, and no more than that."""

APPLICATION_ID = 0x52464958
"""Stands in the file's header, so that nobody's else file is taken for an index."""
_MAGIC = b"SQLite format 3\0"
_APPLICATION_ID_OFFSET = 68
_EARLIER_TABLES = frozenset(("run", "journal", "row_group", "attribute"))
"""By these an index is known that has no application id: it was made by an earlier version."""
_FREE_SHARE = 64

_OWNER = """
SELECT application_id, (SELECT json_group_array(name) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%')
FROM pragma_application_id
"""

TABLES = """
-- What journals say of runs.
CREATE TABLE run (
    id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL, experiment_name TEXT, is_archived INTEGER NOT NULL, is_head INTEGER NOT NULL,
    has_points INTEGER NOT NULL, is_empty INTEGER NOT NULL, born INTEGER NOT NULL,
    inherit_configs INTEGER NOT NULL, parent TEXT, step INTEGER NOT NULL, mark TEXT, snapshot TEXT NOT NULL,
    mark_time INTEGER, mark_cuts TEXT, mark_snapshot TEXT, inherited_time INTEGER, state TEXT
);
CREATE INDEX run_by_name ON run (experiment_name, is_empty, created DESC, born DESC, run_id DESC)
    WHERE experiment_name IS NOT NULL;
CREATE TABLE journal (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, writer TEXT NOT NULL, identity TEXT NOT NULL, created INTEGER NOT NULL,
    applied INTEGER NOT NULL, last_time INTEGER NOT NULL, order_time INTEGER NOT NULL, state TEXT NOT NULL,
    is_closed INTEGER NOT NULL, damage TEXT NOT NULL, carry TEXT NOT NULL, UNIQUE (run, writer)
);
CREATE TABLE mark (
    run INTEGER NOT NULL, mark TEXT NOT NULL, writer TEXT NOT NULL, position INTEGER NOT NULL,
    time INTEGER NOT NULL, cuts TEXT NOT NULL, snapshot TEXT NOT NULL, step INTEGER NOT NULL, epoch INTEGER,
    PRIMARY KEY (run, mark)
) WITHOUT ROWID;
CREATE TABLE path (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE change (id INTEGER PRIMARY KEY CHECK (id = 1), runs INTEGER NOT NULL);
INSERT INTO change VALUES (1, 0);
-- What a reader saw of the journals when all of them was applied: JSON, compressed. It is over with whatever is applied or removed.
CREATE TABLE look (id INTEGER PRIMARY KEY CHECK (id = 1), data BLOB NOT NULL);
CREATE TRIGGER applied_first AFTER INSERT ON journal BEGIN DELETE FROM look; END;
CREATE TRIGGER applied_more AFTER UPDATE ON journal BEGIN DELETE FROM look; END;
CREATE TRIGGER removed AFTER DELETE ON journal BEGIN DELETE FROM look; END;

-- The records of one batch that set single values, or say where the run comes from: what a child inherits follows from them.
CREATE TABLE record (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, journal INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX record_by_run ON record (run);

-- Points. A stream is what one journal holds of series that stand in the same rows: the order of its first row, its lowest step.
CREATE TABLE stream (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, journal INTEGER NOT NULL, type INTEGER NOT NULL, clock_axis INTEGER NOT NULL,
    order_time INTEGER NOT NULL, position INTEGER NOT NULL, lowest INTEGER NOT NULL, paths BLOB NOT NULL
);
CREATE INDEX stream_by_run ON stream (run);
-- Rows that do not fill a chunk yet: steps, times, sequences, then column by column, as they are.
CREATE TABLE tail (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, count INTEGER NOT NULL, low_step INTEGER NOT NULL,
    high_step INTEGER NOT NULL, is_increasing INTEGER NOT NULL, high_time INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX tail_by_stream ON tail (stream);
-- A row group holds what its columns share. Each chunk is one column of it; some that follow each other share a row, which has the
-- number of the first: see `chunk_number`. Their statistics, ends and data stand one behind the other.
CREATE TABLE row_group (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, count INTEGER NOT NULL, low_step INTEGER NOT NULL,
    high_step INTEGER NOT NULL, is_increasing INTEGER NOT NULL, high_time INTEGER NOT NULL, is_open INTEGER NOT NULL,
    steps BLOB NOT NULL, times BLOB NOT NULL, sequences BLOB NOT NULL
);
CREATE INDEX row_group_by_stream ON row_group (stream, low_step);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, statistics BLOB, ends BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE preview (
    run INTEGER NOT NULL, path INTEGER NOT NULL, step INTEGER NOT NULL, journal INTEGER NOT NULL, sequence INTEGER NOT NULL,
    time INTEGER NOT NULL, value BLOB NOT NULL, completion REAL, PRIMARY KEY (run, path, step, journal)
) WITHOUT ROWID;

-- What readers ask for: the attributes of each run, inherited ones included, side by side. A shape says which paths they have, and
-- of what types: it is shared by all runs that have the same. `RunValues` says what the columns hold.
CREATE TABLE shape (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, runs INTEGER NOT NULL, others INTEGER NOT NULL, data BLOB NOT NULL
);
-- Numbers, which most filters and sorts read of all runs, stand by themselves, those of many runs on a page.
CREATE TABLE attribute (run INTEGER PRIMARY KEY, shape INTEGER NOT NULL, numbers BLOB NOT NULL);
CREATE INDEX attribute_by_shape ON attribute (shape);
CREATE TABLE detail (run INTEGER PRIMARY KEY, series BLOB NOT NULL, texts BLOB NOT NULL, rest BLOB NOT NULL);
-- What a run with a parent would have at the paths of its own series if it had logged nothing to them.
CREATE TABLE inherited (
    run INTEGER PRIMARY KEY, shape INTEGER NOT NULL, numbers BLOB NOT NULL, series BLOB NOT NULL, texts BLOB NOT NULL,
    rest BLOB NOT NULL
);
"""


def open_file(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the index file at `path`, and make it anew if it is damaged or of another version.

    Raises:
        StaleIndexError: It is opened for reading only, and is not there, damaged, or of another version.
        ForeignIndexError: It is no index of ours; it is left as it is.
        UnusableIndexError: It cannot be written, or stays locked.
    """
    if read_only:
        return _open_to_read(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _open_in_turn(path)
        except sqlite3.OperationalError:
            raise  # locked, or no space: the file itself is not to blame
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            if (reason := _why_foreign(path, error)) is not None:
                raise _foreign(path, reason) from error
            delete_file(path)
            return _open_in_turn(path)
    except (OSError, sqlite3.OperationalError) as error:
        raise refusal(path, error) from error


def place_of(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of its name; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _why_foreign(path: Path, error: sqlite3.DatabaseError) -> str | None:
    """Return why a file is none of ours that SQLite cannot read; None if something tells that it was once an index.

    What tells is our mark in its header, or the lock beside it, which a project makes where it keeps its index. A file that SQLite
    can read must not be opened here: to close it takes all locks on it from this process, those of its other connections, too, and
    other processes then write as if nobody had it open.
    """
    if not is_damage(error):
        return None
    lock = path.with_suffix(".lock")
    try:
        with path.open("rb") as file:
            head = file.read(_APPLICATION_ID_OFFSET + 4)
        has_lock = lock.is_file() and not lock.stat().st_size
    except OSError:
        return None
    is_database = head[: len(_MAGIC)] == _MAGIC
    if not head or has_lock or (is_database and head[_APPLICATION_ID_OFFSET:] == APPLICATION_ID.to_bytes(4, "big")):
        return None
    return f"it is no index that can be recognised ({error})" if is_database else "it is no database"


def foreign_reason(path: Path) -> str | None:
    """Return why the file at `path` is none of ours, in a sentence; None if it is, or cannot be told at this moment."""
    try:
        with contextlib.closing(_connect(f"file:{quote(str(path.absolute()))}?mode=ro", is_uri=True)) as connection:
            _check_owner(connection, path)
    except ForeignIndexError as error:
        return str(error)
    except sqlite3.DatabaseError as error:
        reason = _why_foreign(path, error)
        return None if reason is None else str(_foreign(path, reason))
    return None


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    """Look whose file it is, before anything in it is touched."""
    number, listed = connection.execute(_OWNER).fetchone()  # in one statement: another process may be making it
    tables = set(json.loads(listed))
    with contextlib.suppress(FileNotFoundError):  # in memory
        if not (number or tables) and path.stat().st_size == 1:  # which SQLite takes for none
            raise _foreign(path, "it is no database")
    if number == APPLICATION_ID or tables >= _EARLIER_TABLES or not (number or tables):
        return
    shown = f"with the tables {', '.join(map(repr, sorted(tables)[:3]))}" if tables else f"with the id {number:#x}"
    raise _foreign(path, f"it is a database of something else, {shown}")


def _foreign(path: Path, what: str) -> ForeignIndexError:
    return ForeignIndexError(
        f"{str(path)!r} is not an index of runfork and was left as it is: {what}; name another file, move it away, or set "
        "RUNFORK_INDEX_DIR"
    )


def refusal(path: Path, error: BaseException) -> UnusableIndexError:
    """Return the error that says that the index at `path` cannot be used."""
    return UnusableIndexError(
        f"the index {str(path)!r} cannot be used ({error}); free space, make it writable, or set RUNFORK_INDEX_DIR"
    )


def close_file(connection: sqlite3.Connection) -> None:
    """Close the file, shortened first if much of it is free: what tails took, that have become chunks since."""
    with contextlib.closing(connection), contextlib.suppress(sqlite3.Error):  # locked, or only to read: another time
        connection.execute("PRAGMA busy_timeout = 0")
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        if free * _FREE_SHARE > pages:
            connection.executescript("PRAGMA incremental_vacuum")  # `execute` would free but one page


def delete_file(path: Path) -> None:
    """Delete the index and what SQLite keeps beside it."""
    with locked(path.parent, _LOCK_SECONDS):
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


def is_damage(error: BaseException) -> bool:
    """Return whether an error of SQLite says that the file itself is broken."""
    words = str(error).lower()
    if type(error) is sqlite3.DatabaseError and not words:
        return True  # SQLite quotes what it found in the file, and it was no text
    return any(sign in words for sign in _DAMAGE) and type(error) in (sqlite3.DatabaseError, sqlite3.OperationalError)


def _connect(target: str, *, is_uri: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        target,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        uri=is_uri,
    )
    with _closing_if_it_fails(connection):
        try:
            connection.execute("PRAGMA cache_size = -65536")
        except UnicodeDecodeError as error:  # SQLite quotes what it found in the place of a table's definition
            raise sqlite3.DatabaseError(f"malformed database schema ({error.object!r:.80})") from error
        connection.execute("PRAGMA temp_store = MEMORY")  # what a batch would undo, too
        return connection


@contextlib.contextmanager
def _closing_if_it_fails(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:  # an interrupt, too: nobody will hold it
        connection.close()
        raise


def _open_to_read(path: Path) -> sqlite3.Connection:
    advice = f"the index {str(path)!r} cannot be read as it is; open the project once with the right to write"
    try:
        connection = _connect(f"file:{quote(str(path.absolute()))}?mode=ro", is_uri=True)
        with _closing_if_it_fails(connection):
            _check_owner(connection, path)
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version != SCHEMA_VERSION:
                raise StaleIndexError(f"{advice} (its version is {version}, this runfork's {SCHEMA_VERSION})")
            return connection
    except sqlite3.DatabaseError as error:
        if (reason := _why_foreign(path, error)) is not None:
            raise _foreign(path, reason) from error
        raise StaleIndexError(f"{advice} ({error})") from error


def _open_in_turn(path: Path) -> sqlite3.Connection:
    """Open to write. SQLite does not wait where several turn a new file to WAL at once, so this does.

    Nor does it try again where the file, or what it keeps beside it, is deleted at that moment.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    tries = 0
    while True:
        try:
            return _open_to_write(path) if path.exists() else _make(path)
        except sqlite3.OperationalError as error:
            tries += "locked" not in str(error)
            if tries > OPEN_TRIES or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _make(path: Path) -> sqlite3.Connection:
    """Make a new file where somebody deleted the old one.

    What SQLite kept beside that must go: readers that have the old file open share it, and would read the new one by it.
    """
    with locked(path.parent, _LOCK_SECONDS):
        if not path.exists():
            for suffix in ("-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
        return _open_to_write(path)


def _open_to_write(path: Path) -> sqlite3.Connection:
    connection = _connect(str(path), is_uri=False)
    with _closing_if_it_fails(connection):
        _check_owner(connection, path)
        connection.execute("PRAGMA page_size = 4096")  # of the last page of each chunk half is lost
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 8192")
        _create_tables(connection, path)
        return connection


def _create_tables(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,):
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return
    connection.execute("BEGIN IMMEDIATE")  # another process may be at it; whoever comes second finds the work done
    try:
        _check_owner(connection, path)  # nobody else's, either, that has appeared since
        if connection.execute("PRAGMA user_version").fetchone() != (SCHEMA_VERSION,):
            old = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            for (name,) in old.fetchall():
                quoted = name.replace('"', '""')
                connection.execute(f'DROP TABLE "{quoted}"')
            for statement in _statements(TABLES):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:  # an interrupt, too: half of the tables are none
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """Split a script; `executescript` would commit the transaction first."""
    found, current = [], ""
    for line in script.splitlines():
        current += line + "\n"
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found
