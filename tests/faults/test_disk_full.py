"""A disk that is full, then is not: for the journal, for logged files and for the index. Real file systems, mounted and filled."""

import errno
import hashlib
import logging
import math
import os
import random
import resource
import signal
import time

import pytest
from tests.faults.disks import PAGE, small_disk

from runfork import Histogram, Run
from runfork.disk.layout import Store
from runfork.journal.format import Kind
from runfork.testing.journals import batches_of, configs_of, points_of, records_of
from runfork.testing.waits import HANG_SECONDS

CALL_SECONDS = 5.0
"""No call may take longer while the disk refuses; it takes microseconds, but the machine may be busy."""

KINDS = {
    "metrics": lambda run, number: run.log_metrics({"a": number}, step=number),
    "metrics under new names": lambda run, number: run.log_metrics({f"new/{number}": number}, step=number),
    "many metrics": lambda run, number: run.log_metrics({f"m{index}": number for index in range(700)}, step=number),
    "previews": lambda run, number: run.log_metrics({"a": number}, step=number, preview=True, preview_completion=0.5),
    "configs": lambda run, number: run.log_configs({f"c/{number}": "x" * 100}),
    "strings": lambda run, number: run.log_string_series({"s": "y" * 300}, step=number),
    "histograms": lambda run, number: run.log_histograms({"h": Histogram((0, 1), counts=(number,))}, step=number),
    "tags": lambda run, number: run.add_tags([f"tag {number}"]),
    "marks": lambda run, number: run.checkpoint_mark(number),
    "states": lambda run, number: run.set_status("failed", ValueError(number)),
    "console lines": lambda run, number: run._life.background.take_lines("stdout", [f"line {number}"], 10**15 + number),
}


@pytest.fixture
def disk(tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk", "40m") as found:
        monkeypatch.setenv("RUNFORK_DIR", str(found.path / "data"))
        yield found


@pytest.fixture
def folder(disk):
    return Store(disk.path / "data").run_directory("tests/project", "r")


@pytest.fixture(autouse=True)
def told(caplog):
    """What runfork says to the program's log."""
    caplog.set_level(logging.WARNING, "runfork")
    return lambda: caplog.messages


def new_run():
    return Run(run_id="r", source_tracking_config=None)


def contents_of(folder):
    """Return all that a run's journals hold, in order: rows as (step, paths, values), records as (kind, body); and the damage."""
    found, damage = [], []
    for path in sorted(folder.glob("*.journal")):
        for batch in batches_of(path):
            damage += batch.damage
            rows = [
                (int(sequence), int(step), rows.paths, tuple(values))
                for rows in batch.rows
                for sequence, step, values in zip(rows.sequences, rows.steps, rows.values.tolist(), strict=True)
            ]
            found += sorted(
                rows + [(one.offset, one.kind, dict(one.body)) for one in batch.records], key=lambda one: one[0]
            )
    return [rest for _, *rest in found], damage


def timed(call, *arguments):
    start = time.monotonic()
    call(*arguments)
    assert time.monotonic() - start < CALL_SECONDS


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_logged_while_the_disk_was_full_is_there_once_there_is_space(kind, disk, folder, told, rounds, tried):
    log = KINDS[kind]
    gaps = [random.Random(kind).randrange(0, 4 * PAGE) for _ in range(rounds(2, 25))]
    for attempt, gap in enumerate(gaps):
        run_id = f"r{attempt}"
        run = Run(run_id=run_id, source_tracking_config=None)
        expected = 0
        for number in range(20):
            log(run, number)
        size = run.journal.size
        disk.fill(leave=gap)
        for number in range(20, 120):
            # The first of these still fit, one is cut short by the disk, the others are refused.
            timed(log, run, number)
        while not run.status.waiting_bytes:
            expected += 1
            timed(log, run, 120 + expected)
        disk.clear()
        for number in range(10_000, 10_020):
            timed(log, run, number)
        run.close()
        status = run.status
        contents, damage = contents_of(folder.with_name(run_id))
        reference = Run(run_id="reference", project="tests/reference", source_tracking_config=None)
        for number in [*range(20), *range(20, 120), *range(121, 121 + expected), *range(10_000, 10_020)]:
            log(reference, number)
        reference.close()
        other, _ = contents_of(reference.directory)
        for path in reference.directory.glob("*.journal"):
            path.unlink()

        assert size > 0
        assert damage == []
        assert (status.lost_records, status.waiting_bytes) == (0, 0)
        assert essence(contents) == essence(other)
        assert configs_of(folder.with_name(run_id))["sys/diagnostics/lost_records"] == 0
        assert "No space left on device" in configs_of(folder.with_name(run_id))["sys/diagnostics/problems"]
        assert sum(f"{run_id}/" in message and "cannot be written" in message for message in told()) == 1
    tried(
        f"the disk was filled while {kind} were logged, and freed again",
        times=len(gaps),
        outcome="every record is there, once, in order and undamaged; no call raised or took long; told once",
    )


def essence(contents):
    """Leave out what differs between any two runs: identity, diagnostics, environment, times."""
    own = ("sys/", "runtime/details", "runtime/environment")
    found = []
    for first, *rest in contents:
        if first in (Kind.CREATE, Kind.HEARTBEAT, Kind.SCHEMA):
            continue
        if first == Kind.CONFIGS:
            body = {path: value for path, value in rest[0].items() if not path.startswith(own)}
            if body:
                found.append((first, body))
        elif first == Kind.MARK:
            found.append((first, {key: value for key, value in rest[0].items() if key != "mark"}))
        else:
            found.append((first, *rest))
    return found


def test_what_does_not_fit_into_memory_is_counted_exactly_and_told_once(disk, folder, told, tried):
    run = new_run()
    run.log_string_series({"s": "first"}, step=0)
    disk.fill()
    refused = set()
    total = 300
    for number in range(1, total):
        before = run.status.lost_records
        timed(lambda step: run.log_string_series({"s": f"{step}:".ljust(100_000, "x")}, step=step), number)
        if run.status.lost_records > before:
            refused.add(number)
    disk.clear()
    for number in range(total, total + 5):
        run.log_string_series({"s": f"{number}:"}, step=number)
    run.close()
    found = [record.step // 1_000_000 for record in records_of(folder, Kind.STRINGS)]
    texts = {record.body["s"].split(":")[0] for record in records_of(folder, Kind.STRINGS)}
    configs = configs_of(folder)

    assert refused
    assert found == [number for number in range(total + 5) if number not in refused]
    assert texts == {"first", *map(str, found[1:])}
    assert configs["sys/diagnostics/lost_records"] == len(refused)
    assert sum("cannot be written" in message for message in told()) == 1
    tried(
        "30 MB were logged while the disk was full",
        times=total,
        outcome=f"{total - len(refused)} calls waited in memory and were written; the {len(refused)} others were counted, exactly",
    )


def test_a_disk_that_stays_full_costs_what_came_since_and_nothing_before(disk, folder, told, tried):
    run = new_run()
    for step in range(1000):
        run.log_metrics({"a": step}, step=step)
    disk.fill()
    for step in range(1000, 20_000):
        run.log_metrics({"a": step}, step=step)
    acknowledged = run.status.written_bytes
    start = time.monotonic()
    run.close()
    found = [step for step, _ in points_of(folder, "a")]

    assert time.monotonic() - start < 15
    assert run.status.lost_records > 0
    assert found == list(range(len(found)))
    assert 1000 <= len(found) < 20_000
    assert acknowledged == run.status.written_bytes
    assert sum(message.endswith("could not be written: lost") for message in told()) == 1
    tried(
        "a run was closed on a disk that stayed full",
        times=1,
        outcome="all before the disk was full is there; the number of records lost was told once; close() did not wait",
    )


def test_a_process_that_is_killed_while_the_disk_is_full_loses_only_what_its_status_called_waiting(
    disk, folder, start_script, rounds, tried
):
    count = rounds(3, 30)
    for attempt in range(count):
        folder = folder.with_name(f"r{attempt}")
        process = start_script(
            f"""
import sys
from runfork import Run
run = Run(run_id='r{attempt}', source_tracking_config=None)
step = 0
while True:
    run.log_metrics({{'a': step, 'b': -step}}, step=step)
    print(step, run.status.waiting_bytes, flush=True)
    step += 1
"""
        )
        for _ in range(100):
            process.stdout.readline()
        disk.fill(leave=random.Random(attempt).randrange(3 * PAGE))
        safe = -1
        for line in process.stdout:
            step, waiting = map(int, line.split())
            if waiting:
                break
            safe = step
        process.kill()
        process.communicate(timeout=HANG_SECONDS)
        disk.clear()
        found = [step for step, _ in points_of(folder, "a")]

        assert safe >= 100
        assert found[: safe + 1] == list(range(safe + 1))
        assert [step for step, _ in points_of(folder, "b")] == found
    tried("a process was killed while its disk was full", times=count, outcome="every acknowledged point is there")


def test_logged_files_are_whole_or_not_there_and_those_lost_are_counted(disk, folder, told, tmp_path, rounds, tried):
    run = new_run()
    original = tmp_path / "original.bin"
    kept, lost = {}, []
    count = rounds(40, 400)
    randomness = random.Random(7)
    for number in range(count):
        data = randomness.randbytes(randomness.choice((10, 5000, 300_000)))
        if number % 7 == 3:
            disk.fill(leave=randomness.randrange(100 * PAGE))
        elif number % 7 == 6:
            disk.clear()
        before = run.status.dropped_values
        if number % 2:
            original.write_bytes(data)
        run.log_files({"f": original if number % 2 else data}, step=number)
        if run.status.dropped_values > before:
            lost.append(number)
        else:
            kept[number] = data
    disk.clear()
    run.close()
    found = {record.step // 1_000_000: record.body["f"] for record in records_of(folder, Kind.FILES)}
    names = {path.name for path in (folder / "files").iterdir()}

    assert lost
    assert kept
    assert list(found) == list(kept)
    for number, data in kept.items():
        assert found[number]["sha256"] == hashlib.sha256(data).hexdigest()
        assert (folder / "files" / found[number]["sha256"]).read_bytes() == data
    assert names == {body["sha256"] for body in found.values()}
    assert configs_of(folder)["sys/diagnostics/dropped_values"] == len(lost)
    assert sum("could not be copied" in message for message in told()) == 1
    tried(
        "files were logged while the disk went full and free again",
        times=count,
        outcome=f"{len(kept)} are there to the last byte, {len(lost)} were refused, counted and told once; no torn file was left",
    )


@pytest.fixture
def file_size_limit():
    """Set how large a file may become: a quota, which cuts writes short at any byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda limit: resource.setrlimit(resource.RLIMIT_FSIZE, (soft if limit is None else limit, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, previous)


def test_a_quota_that_cuts_a_record_short_at_any_byte_costs_nothing(
    data_directory, file_size_limit, told, rounds, tried
):
    count = rounds(60, 1500)
    run = new_run()
    randomness = random.Random(3)
    step = 0
    for _ in range(count):
        file_size_limit(run.journal.size + randomness.randrange(200))
        for _ in range(8):
            run.log_metrics({"a": step, "b": math.sqrt(step)}, step=step)
            step += 1
        file_size_limit(None)
        run.journal.sync()
    run.close()
    _, damage = contents_of(run.directory)

    assert damage == []
    assert points_of(run.directory, "a") == [(number, float(number)) for number in range(step)]
    assert points_of(run.directory, "b") == [(number, math.sqrt(number)) for number in range(step)]
    assert run.status.lost_records == 0
    assert sum(os.strerror(errno.EFBIG) in message for message in told()) == 1
    tried(
        "a quota cut a write short at a random byte, and was lifted",
        times=count,
        outcome="every point is there, none torn",
    )
