"""Journals cut at every byte, bits flipped, blocks zeroed, moved and doubled, garbage added: all else is read, all damage told."""

from __future__ import annotations

import os
import random
import struct
import time

import pytest
from tests.faults.damage import RELEASED, Specimen, read, write_run

from runfork.journal.format import Kind, encode_file_header, encode_frame
from runfork.journal.header import read_identity
from runfork.journal.reader import JournalReader
from runfork.model.steps import NO_STEP

MEBIBYTE = 1024 * 1024


@pytest.fixture(params=["released", "short", "long"])
def specimen(request, data_directory):
    """A sound journal: one of every kind of record, and two that were written now."""
    if request.param == "released":
        return Specimen(RELEASED, "the released")
    steps = 20 if request.param == "short" else 250
    return Specimen(write_run(request.param, steps=steps), f"a {request.param}")


@pytest.fixture
def damaged(data_directory, specimen):
    """Where damaged copies are written: where the journal would lie."""
    folder = data_directory / "team" / "digits" / str(specimen.identity["run_id"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{specimen.identity['writer']}.journal"


@pytest.fixture
def chance():
    return random.Random(7)


def limits(chance):
    return chance.choice([2**26, 2**26, 33, 200, 5000])


@pytest.mark.timeout(1800)
def test_a_journal_that_is_cut_at_any_byte_is_read_up_to_there(specimen, damaged, rounds, tried):
    size = len(specimen.data)
    stride = 1 if size < 5000 else rounds(83, 5)
    damaged.write_bytes(specimen.data)
    cuts = range(size, -1, -stride)
    for cut in cuts:
        os.truncate(damaged, cut)
        found = read(damaged)

        assert found.items == {one.start: specimen.items[one.start] for one in specimen.frames
                               if one.end <= cut and one.start in specimen.items}  # fmt: skip
        assert found.damage == []
    tried(
        f"{specimen.name} journal cut at {'every byte' if stride == 1 else 'many bytes'}",
        times=len(cuts),
        outcome="every whole record before the cut read, nothing else",
    )


@pytest.mark.timeout(1800)
def test_a_flipped_bit_costs_one_record_at_most(specimen, damaged, chance, rounds, tried):
    bits = range(8 * len(specimen.data))
    if (few := rounds(200, 15_000)) < len(bits):
        bits = chance.sample(bits, few)
    for bit in bits:
        data = bytearray(specimen.data)
        data[bit // 8] ^= 1 << bit % 8
        found = specimen.check(damaged, bytes(data), limit=limits(chance))

        names = sum(one.is_sound for one in found.damage)
        assert len(found.items) >= len(specimen.items) - 1 or names  # a SCHEMA frame without a second copy
        assert found.damage or found.end < len(data)
    tried(
        f"{specimen.name} journal with one bit flipped",
        times=len(bits),
        outcome="one record lost and told, all others read exactly",
    )


@pytest.mark.parametrize("block", [512, 4096])
def test_a_block_of_zeros_costs_the_records_that_it_touches(specimen, damaged, chance, rounds, tried, block):
    places = [*range(0, len(specimen.data), block)]
    places += [chance.randrange(len(specimen.data)) for _ in range(rounds(20, 400))]
    for place in places:
        data = bytearray(specimen.data)
        stop = min(place + block, len(data))
        data[place:stop] = bytes(stop - place)
        specimen.check(damaged, bytes(data), limit=limits(chance))
    tried(
        f"{specimen.name} journal with {block} bytes zeroed",
        times=len(places),
        outcome="the records touched lost and told",
    )


def test_sectors_that_change_places_or_come_twice_make_nothing_up(specimen, damaged, chance, rounds, tried):
    sectors = len(specimen.data) // 512
    for number in range(times := rounds(60, 2000)):
        one, other = (512 * chance.randrange(sectors + 1) for _ in range(2))
        data = bytearray(specimen.data)
        first, second = bytes(data[one : one + 512]), bytes(data[other : other + 512])
        if number % 2 and len(first) == len(second):
            data[one : one + 512] = second
        data[other : other + len(first)] = first
        damaged.write_bytes(data)
        found, expected = read(damaged, limit=limits(chance)), specimen.expected(bytes(data))

        assert found.items.items() >= expected.items()
        assert {repr(item) for item in found.items.values()} <= specimen.contents
    tried(
        f"{specimen.name} journal with sectors swapped or doubled",
        times=times,
        outcome="all other records read, none made up",
    )


def test_garbage_at_the_end_or_between_records_costs_nothing(specimen, damaged, chance, rounds, tried):
    other = Specimen(write_run("other", steps=30))
    for number in range(times := rounds(40, 1000)):
        garbage = [
            lambda: chance.randbytes(chance.randrange(1, 9000)),
            lambda: bytes(chance.randrange(1, 9000)),
            lambda: other.data[chance.randrange(len(other.data)) :][:32],
            lambda: b"RF" * chance.randrange(1, 3000),
        ][number % 4]()
        at = chance.choice([one.end for one in specimen.frames]) if number % 3 else len(specimen.data)
        data = specimen.data[:at] + garbage + specimen.data[at:]
        damaged.write_bytes(data)
        found = read(damaged, limit=limits(chance))

        shifted = {offset + len(garbage) * (offset >= at): item for offset, item in specimen.items.items()}
        assert shifted == found.items
        assert sum(one.length for one in found.damage) + len(data) - found.end == len(garbage)
    tried(
        f"{specimen.name} journal with garbage between records or at the end",
        times=times,
        outcome="every record read; the garbage told",
    )


def test_records_of_another_journal_are_taken_for_none_of_this_one(data_directory, chance, rounds, tried):
    specimen, other = Specimen(write_run("one", steps=60)), Specimen(write_run("other", steps=90))
    for number in range(times := rounds(40, 2000)):
        first, last = sorted(chance.choice(other.frames).start for _ in range(2))
        foreign = other.data[: last + 1] if number % 2 else other.data[first:last]
        if number % 3:  # beside the journal's own records
            at = chance.choice([one.end for one in specimen.frames])
            data = specimen.data[:at] + foreign + specimen.data[at:]
            expected = {offset + len(foreign) * (offset >= at): item for offset, item in specimen.items.items()}
        else:  # in their place
            at = chance.randrange(specimen.first_frame, len(specimen.data))
            data = specimen.data[:at] + foreign[: len(specimen.data) - at] + specimen.data[at + len(foreign) :]
            expected = specimen.expected(data)
        specimen.path.write_bytes(data)
        found = read(specimen.path, limit=limits(chance))

        assert found.items == expected
        assert not foreign or found.damage or found.end < len(data)
    tried(
        "journals with records of another in them", times=times, outcome="none of them read, all told, no own one lost"
    )


def test_a_journal_that_holds_its_own_bytes_again_says_the_same(specimen, damaged):
    damaged.write_bytes(specimen.data + specimen.data)
    found = read(damaged)

    again = {offset + len(specimen.data): item for offset, item in specimen.items.items()}
    assert found.items == {**specimen.items, **again}
    assert [(one.offset, one.length) for one in found.damage] == [(len(specimen.data), specimen.first_frame)]


@pytest.mark.parametrize("what", ["zeros", "noise", "magic", "version", "length", "cut away"])
def test_without_its_header_a_journal_is_read_all_the_same(specimen, damaged, chance, what):
    data = bytearray(specimen.data)
    first = specimen.first_frame
    if what in ("zeros", "noise"):
        data[:first] = bytes(first) if what == "zeros" else chance.randbytes(first)
    elif what == "cut away":
        del data[:first]
    else:
        place = {"magic": 3, "version": 8, "length": 11}[what]
        data[place] ^= 0x80
    damaged.write_bytes(data)
    found = read(damaged)

    shift = len(data) - len(specimen.data)
    assert {offset + shift: item for offset, item in specimen.items.items()} == found.items
    identity = read_identity(damaged)
    assert identity is not None
    names = ("project", "run_id", "writer", "created")
    assert {name: identity[0][name] for name in names} == {name: specimen.identity[name] for name in names}
    assert (len(found.damage), found.damage[0].offset if found.damage else 0) == (1, 0)


def test_without_its_first_blocks_a_journal_is_read_under_the_names_of_its_folders(specimen, damaged):
    data = bytes(4096) + specimen.data[4096:]
    found = specimen.check(damaged, data)

    if found.items:
        identity = read_identity(damaged)
        assert identity is not None
        assert (identity[0]["run_id"], identity[0]["writer"]) == (specimen.identity["run_id"], damaged.stem)


@pytest.mark.parametrize("what", ["emptied", "folder", "pipe", "dangling", "loop", "unreadable"])
def test_a_journal_that_is_none_any_more_hurts_no_other(data_directory, what):
    from runfork.reading.project import Project

    path, whole = write_run("gone", steps=3), write_run("whole", steps=3)
    del whole
    path.unlink()
    if what == "emptied":
        path.write_bytes(b"")
    elif what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what in ("dangling", "loop"):
        path.symlink_to(path if what == "loop" else path.with_name("nothing"))
    else:
        path.write_bytes(b"secret")
        path.chmod(0)
    with Project.open(directory=data_directory) as project:
        project.refresh()
        runs = set(project.index.nodes())

    assert "whole" in runs


BLOCK = b"".join(
    encode_frame(Kind.METRICS, struct.pack("<4d", *[step / 3] * 4), time=step, step=step, schema=1)
    for step in range(16384)
)
"""A MiB of rows."""


def flipped(data, chance, *, every):
    """Flip a bit in each stretch of `every` bytes."""
    for at in range(10_000, len(data) - every, every):
        data[at + chance.randrange(every // 2)] ^= 1 << chance.randrange(8)


KINDS_OF_DAMAGE = {
    "a flipped bit per MiB": lambda data, chance: flipped(data, chance, every=MEBIBYTE),
    "a flipped bit per 4 KiB": lambda data, chance: flipped(data, chance, every=4096),
    "zeros in a quarter": lambda data, chance: data.__setitem__(
        slice(-len(data) // 2, -len(data) // 4), bytes(len(data) // 4)
    ),
    "noise in a quarter": lambda data, chance: data.__setitem__(
        slice(-len(data) // 2, -len(data) // 4), chance.randbytes(len(data) // 4)
    ),
    "frames cut short in a quarter": lambda data, chance: data.__setitem__(
        slice(-len(data) // 2, -len(data) // 4), BLOCK[:-7] * (len(data) // 4 // len(BLOCK))
    ),
    "what looks like names in a quarter": lambda data, chance: data.__setitem__(
        slice(-len(data) // 2, -len(data) // 4), b"\x03\0RF" * (len(data) // 16)
    ),
}


@pytest.mark.parametrize("kind", KINDS_OF_DAMAGE)
def test_the_time_to_read_past_damage_grows_with_the_size_alone(data_directory, chance, rounds, tried, kind):
    path = data_directory / "w.journal"
    data_directory.mkdir()
    header = encode_file_header({"project": "a/b", "run_id": "r", "writer": "w"})
    names = encode_frame(Kind.SCHEMA, b"a\0b\0c\0d", time=0, step=NO_STEP, schema=1)
    seconds = []
    small, large = rounds(4, 8), rounds(16, 128)
    for blocks in (small, small, large):
        data = bytearray(header + names + BLOCK * blocks)
        KINDS_OF_DAMAGE[kind](data, chance)
        path.write_bytes(data)
        started, rows, start, reader = time.process_time(), 0, 0, JournalReader(path)
        while (batch := reader.read(start)) is not None and batch.end > start:
            start, rows = batch.end, rows + sum(len(one.steps) for one in batch.rows)
        seconds.append(time.process_time() - started)

        assert rows > 0.7 * blocks * 16384
    ratio = seconds[2] / min(seconds[:2])

    assert ratio < 3 * large / small  # quadratic would be (large / small) ** 2
    tried(f"{large} MiB with {kind}", times=3, outcome=f"read in {ratio:.1f} times what {small} MiB take")


def test_a_long_stretch_of_zeros_needs_little_memory(data_directory, run_script, rounds, tried):
    size = rounds(2**29, 2**30)
    specimen, damaged = Specimen(RELEASED), data_directory / "w.journal"
    data_directory.mkdir()
    with damaged.open("wb") as file:
        file.write(specimen.data)
        file.seek(size, 1)  # a hole
        file.write(encode_frame(Kind.CONFIGS, b'{"end": ["int", 1]}', time=0, step=NO_STEP))
    done = run_script(
        f"""
        import resource
        from pathlib import Path
        from runfork.journal.reader import JournalReader
        reader, start, damage = JournalReader(Path({str(damaged)!r})), 0, []
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        while (batch := reader.read(start)) is not None and batch.end > start:
            start, damage = batch.end, damage + batch.damage
        print(damage[0].length, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        """
    )

    assert done.stderr == ""
    length, kilobytes = map(int, done.stdout.split())
    assert length == size
    assert kilobytes < 300_000
    tried(
        f"a journal with {size / 2**30:g} GiB of zeros in it",
        times=1,
        outcome=f"read with {kilobytes // 1024} MiB of memory",
    )
