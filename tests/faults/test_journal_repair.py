"""Repairs: every record that could be read is read afterwards, at the same place, however the repair is interrupted."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
from contextlib import closing, suppress

import pytest
from tests.faults.comparison import contents_of
from tests.faults.damage import Specimen, read, write_run

from runfork.disk.layout import Store, journals_of
from runfork.errors import FormatError
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex
from runfork.journal.format import FRAME_HEADER, Kind, encode_frame
from runfork.journal.header import read_identity
from runfork.journal.repair import KEPT, RepairError, repair_journal
from runfork.model.steps import NO_STEP
from runfork.reading.project import Project
from runfork.testing.journals import batches_of

PROJECT = "tests/project"


@pytest.fixture
def specimen(data_directory):
    return Specimen(write_run("swift", steps=60))


def harmed(data, chance, *, times=None):
    """Return a copy with up to five kinds of damage in it, one after the other."""
    found = bytearray(data)
    for _ in range(times or chance.randrange(1, 6)):
        at, length = chance.randrange(len(found)), chance.choice([1, 40, 512, 4096])
        kind = chance.randrange(7)
        if kind == 0:
            found[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            found[at : at + length] = bytes(len(found[at : at + length]))
        elif kind == 2:
            found[at : at + length] = chance.randbytes(len(found[at : at + length]))
        elif kind == 3:
            found += chance.choice([bytes(length), chance.randbytes(length), found[:length]])
        elif kind == 4 and len(found) > 1000:
            del found[-chance.randrange(1, 200) :]
        elif kind == 5:
            found[at:at] = chance.randbytes(length)
        else:
            found[chance.randrange(min(250, len(found)))] ^= 0x10
    return bytes(found)


def order_times(path):
    return [(record.offset, record.order_time) for batch in batches_of(path) for record in batch.records]


def test_a_repair_changes_nothing_that_can_be_read(specimen, rounds, tried):
    chance, path = random.Random(3), specimen.path
    repaired = nothing = 0
    for _ in range(times := rounds(80, 6000)):
        data = harmed(specimen.data, chance)
        path.write_bytes(data)
        try:
            before, orders, identity = read(path), order_times(path), read_identity(path)
        except FormatError:
            nothing += 1
            continue
        done = repair_journal(path)
        after = read(path)

        assert after.items == before.items
        assert order_times(path) == orders
        assert read_identity(path) is None or identity is not None
        assert [
            one for one in after.damage if one.offset > 0 and one.length >= FRAME_HEADER.size and not one.is_sound
        ] == []
        assert repair_journal(path) is None
        if done is not None:
            repaired += 1
            assert done.kept.read_bytes() == data
            assert identity is not None
            assert read_identity(path)[0] == identity[0]  # type: ignore[index]
            assert journals_of(path.parent) == [path]
            done.kept.unlink()
    tried(
        "repairs of journals with up to five kinds of damage",
        times=times,
        outcome=f"{repaired} repaired: the same records at the same offsets; {nothing} held no frame any more",
    )


def test_the_index_stays_right_when_a_journal_is_repaired_under_it(specimen, data_directory, rounds, tried):
    chance, path = random.Random(5), specimen.path
    for number in range(times := rounds(12, 300)):
        part = specimen.data[: specimen.first_frame + number * len(specimen.data) // (2 * times)]
        path.write_bytes(part)
        with closing(SqliteIndex(data_directory / f"{number}.sqlite3")) as index:
            project = Project(PROJECT, Store(data_directory), index)
            project.refresh()  # the index has a part of the journal when the rest comes, damaged
            found = harmed(specimen.data[len(part) :], chance, times=2)
            path.write_bytes(part + found)
            project.refresh()
            before = contents_of(index)
            repair_journal(path)
            project.refresh()
            after = contents_of(index)
            fresh = Project(PROJECT, Store(data_directory), MemoryIndex())
            fresh.refresh()
            anew = contents_of(fresh.index)
        for one in (before, after, anew):
            del one["journals"]

        assert after == before
        assert anew == before
        for kept in path.parent.glob(f"*{KEPT}*"):
            kept.unlink()
    tried("journals damaged behind what an index held, then repaired", times=times, outcome="the index as if made anew")


def test_what_an_index_holds_already_stays_when_it_is_damaged_later(specimen, data_directory):
    with Project.open(directory=data_directory) as project:
        half = next(one.end for one in specimen.frames if one.end > len(specimen.data) // 2)
        specimen.path.write_bytes(specimen.data[:half])
        project.refresh()
        data = bytearray(specimen.data)
        data[specimen.first_frame + 500 : half - 500] = bytes(half - 1000 - specimen.first_frame)
        specimen.path.write_bytes(data)
        project.refresh()
        found = contents_of(project.index)
        specimen.path.write_bytes(specimen.data)
        with Project.open(directory=data_directory, index_uri="memory://") as whole:
            whole.refresh()
            expected = contents_of(whole.index)

    assert found["points"] == expected["points"]
    assert found["values"] == expected["values"]


def test_a_journal_that_became_shorter_is_indexed_anew(specimen, data_directory):
    with Project.open(directory=data_directory) as project:
        project.refresh()
        specimen.path.write_bytes(specimen.data[: len(specimen.data) // 2])
        project.refresh()
        found = contents_of(project.index)
        with Project.open(directory=data_directory, index_uri="memory://") as whole:
            whole.refresh()

            assert found["points"] == contents_of(whole.index)["points"]


def test_rows_whose_names_come_later_are_indexed_when_they_have_come(specimen, data_directory):
    names = next(one for one in specimen.frames if one.kind == Kind.SCHEMA)
    data = bytearray(specimen.data)
    data[names.end - 1] ^= 1
    again = encode_frame(
        Kind.SCHEMA,
        specimen.data[names.start + FRAME_HEADER.size : names.end],
        time=0,
        step=NO_STEP,
        schema=names.schema,
    )
    while again in data:  # repeated on close
        del data[data.index(again) : data.index(again) + len(again)]
    row = next(one for one in specimen.frames if one.kind == Kind.METRICS and one.schema == names.schema)
    copies = [one for one in specimen.frames if one.kind == Kind.SCHEMA and one.schema == names.schema][1:]
    for copy in copies:
        data[copy.end - 1] ^= 1
    specimen.path.write_bytes(data)
    with Project.open(directory=data_directory) as project:
        project.refresh()
        assert row.start not in read(specimen.path).items
        with specimen.path.open("ab") as file:
            file.write(again)
        project.refresh()
        with Project.open(directory=data_directory, index_uri="memory://") as whole:
            whole.refresh()

            assert contents_of(project.index)["points"] == contents_of(whole.index)["points"]
    assert row.start in read(specimen.path).items


def test_a_copy_of_a_journal_hides_nothing_of_the_journal(specimen, data_directory):
    """The copy is shorter, and is found first."""
    folder = data_directory / "tests" / "project" / "a copy"
    folder.mkdir()
    (folder / specimen.path.name).write_bytes(specimen.data[: len(specimen.data) // 2])
    (specimen.path.parent / "0.journal").write_bytes(specimen.data[: len(specimen.data) // 3])
    with Project.open(directory=data_directory) as project:
        project.refresh()
        (writer,) = project.index.writers().values()

        assert writer.applied == len(specimen.data)


def test_a_journal_that_is_written_meanwhile_is_not_repaired(specimen, monkeypatch):
    copy = shutil.copyfile

    def copy_and_write(source, target):
        copy(source, target)
        with source.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr("shutil.copyfile", copy_and_write)
    data = specimen.data[:-3]
    specimen.path.write_bytes(data)

    with pytest.raises(RepairError, match="was written to in the meantime"):
        repair_journal(specimen.path)
    assert specimen.path.read_bytes().startswith(data)
    assert [one.name for one in specimen.path.parent.iterdir() if one.name != "files"] == [specimen.path.name]


def test_a_file_system_without_second_names_keeps_a_copy(specimen, monkeypatch):
    def refuse(*_):
        raise PermissionError("no links here")

    monkeypatch.setattr("os.link", refuse)
    specimen.path.write_bytes(specimen.data[:-3])
    done = repair_journal(specimen.path)

    assert done is not None
    assert done.kept.read_bytes() == specimen.data[:-3]
    assert read(specimen.path).items == {
        at: item for at, item in specimen.items.items() if at < read(specimen.path).end
    }


def test_a_stretch_longer_than_any_frame_is_filled(specimen):
    gap = 130 * 2**20 + 17
    with specimen.path.open("r+b") as file:
        file.seek(0, 2)
        end = encode_frame(Kind.CONFIGS, b"{}", time=0, step=NO_STEP, schema=specimen.identity["tag"])
        file.seek(gap, 1)
        file.write(end)
    done = repair_journal(specimen.path)

    assert done is not None
    assert done.filled == gap
    assert read(specimen.path).damage == []
    assert list(read(specimen.path).items) == [*specimen.items, len(specimen.data) + gap]


@pytest.mark.timeout(1800)
def test_a_repair_that_is_killed_leaves_the_journal_as_it_was_or_repaired(data_directory, start_script, rounds, tried):
    chance = random.Random(11)
    path = write_run("big", steps=30)
    row = struct.pack("<d", 1.0)
    tag = Specimen(path).identity["tag"]
    number = (tag + 99) % 2**32
    schema = encode_frame(Kind.SCHEMA, b"filled", time=0, step=NO_STEP, schema=number)
    rows = b"".join(encode_frame(Kind.METRICS, row, time=1, step=step, schema=number) for step in range(30_000))
    sound = path.read_bytes() + schema + rows
    data = bytearray(sound)
    for at in range(10_000, len(data), 50_000):
        data[at : at + 512] = bytes(512)
    path.write_bytes(data)
    assert len(read(path).items) > 25_000
    expected, outcomes = read(path).items, {"as it was": 0, "repaired": 0}
    for _ in range(times := rounds(12, 200)):
        process = start_script(
            f"""
            import sys
            from pathlib import Path
            from runfork.journal.repair import repair_journal
            print("ready", flush=True)
            repair_journal(Path({str(path)!r}))
            """
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        wait(process, chance.random() ** 2 / 2)
        process.kill()
        process.wait()

        outcomes["as it was" if path.read_bytes() == data else "repaired"] += 1
        assert read(path).items == expected
        assert journals_of(path.parent) == [path]
        path.write_bytes(data)
        for kept in path.parent.glob(f"*{KEPT}*"):
            assert kept.read_bytes() == data
            kept.unlink()
    assert repair_journal(path) is not None
    assert read(path).damage == []
    tried(
        "repairs killed by SIGKILL at a random moment",
        times=times,
        outcome=f"the journal as it was ({outcomes['as it was']}) or repaired ({outcomes['repaired']}), no record lost",
    )


def wait(process, seconds):
    """Let a process run for a while, or to its end."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
