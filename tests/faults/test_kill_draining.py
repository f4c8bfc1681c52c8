import hashlib
import random
import sqlite3
from collections import Counter

from tests.faults.comparison import assert_equal_contents
from tests.faults.nursery import nursery
from tests.faults.victims import CLOSED, CLOSING, PHASE, STARTED

from runfork import Run, Settings
from runfork.disk.layout import Store
from runfork.reading.fsck import inspect_store
from runfork.reading.project import Project
from runfork.testing.waits import until

NAME = "tests/project"
ROWS = 3000
"""Rows that are logged between two kills; six times as many fill a row group."""


class Growth:
    """Runs that grow from round to round: rows that fill chunks, texts that do, short runs that are over, and forks."""

    def __init__(self, directory):
        self._settings = Settings.from_environment(directory=str(directory))
        self._long = Run("long", run_id="long", source_tracking_config=None, settings=self._settings)
        self._rows = 0
        self._rounds = 0

    def grow(self):
        for step in range(self._rows, self._rows + ROWS):
            self._long.log_metrics({"a": step * 0.1, "b": -step, "c": 1.0}, step=step)
        self._long.log_metrics({"a": 0.5}, step=self._rows // 2)  # out of order
        for line in range(20):
            self._long.log_string_series({"text": f"line {line} " * 200}, step=self._rows + line)
        self._long.log_configs({f"round/{self._rounds}": self._rounds})
        self._rows += ROWS
        parent = f"short-{self._rounds - 1}" if self._rounds % 5 else "long"
        fork_step = self._rounds if self._rounds % 5 else min(self._rows // 3, 500)
        with Run(
            "short",
            run_id=f"short-{self._rounds}",
            fork_run_id=parent,
            fork_step=fork_step,
            source_tracking_config=None,
            settings=self._settings,
        ) as run:
            run.log_configs({"round": self._rounds})
            for step in range(50):
                run.log_metrics({"a": step, "only/here": self._rounds}, step=fork_step + step)
        self._rounds += 1

    def end(self):
        self._long.close()


def outdate(path):
    """Make the index one of another version, which is built anew."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()


def a_moment(dice, seconds):
    """Return when to kill: while journals are applied, or while the file is closed, which moves the log into it."""
    if dice.random() < 0.75:
        return "refresh", {"slot": PHASE, "value": STARTED, "seconds": dice.uniform(0, seconds)}
    return "close", {"slot": PHASE, "value": CLOSING, "seconds": dice.uniform(0, 0.004)}


def test_an_index_whose_drain_was_killed_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, rounds, tried):
    killed, rebuilt, compared, times = Counter[str](), 0, 0, 0
    for story in range(rounds(1, 10)):
        dice = random.Random(story)
        directory = tmp_path / f"story-{story}"
        monkeypatch.setenv("RUNFORK_DIR", str(directory))
        growth = Growth(directory)
        with nursery(tmp_path / "errors") as victims:
            for _ in range(rounds(20, 30)):
                growth.grow()
                index = Store(directory).index_path(NAME)
                if index is not None and dice.random() < 0.2 and index.is_file():
                    outdate(index)
                    rebuilt += 1
                kind, moment = a_moment(dice, 0.08)
                fate = victims.kill("refresh", **moment)
                assert fate.is_killed or fate.slots[PHASE] == CLOSED
                killed[kind] += fate.is_killed
                times += 1
                if dice.random() < 0.12:
                    compared += 1
                    assert_the_next_goes_on(f"sqlite:///{tmp_path}/fresh-{story}-{compared}.sqlite3")
        growth.end()
        assert_the_next_goes_on("memory://")
    tried(
        "SIGKILL of a process that brings the index up to date",
        times=times,
        outcome=f"{killed['refresh']} in the middle of it, {killed['close']} while it closed the file, {rebuilt} of them while it "
        f"was built anew; the next reader went on; the index equalled a new one, {compared} times in between, and at the end one "
        "in memory",
    )

    assert (tmp_path / "errors").read_text() == ""
    assert min(killed.values()) > 0


def assert_the_next_goes_on(uri):
    def have_read_alike():
        project.refresh()
        fresh.refresh()
        found, expected = project.index.writers(), fresh.index.writers()
        return {key: one.applied for key, one in found.items()} == {key: one.applied for key, one in expected.items()}

    with Project.open() as project, Project.open(index_uri=uri) as fresh:
        until(have_read_alike)  # the long run may write a sign of life in between
        assert not project.unreadable
        assert_equal_contents(project.index, fresh.index)


def test_a_killed_inspection_leaves_everything_as_it_was(data_directory, tmp_path, rounds, tried):
    growth = Growth(data_directory)
    growth.grow()
    growth.end()
    before = digests(data_directory)
    times = rounds(20, 200)
    dice = random.Random(times)
    with nursery(tmp_path / "errors") as victims:
        killed = sum(
            victims.kill("inspect", slot=PHASE, value=STARTED, seconds=dice.uniform(0, 0.02)).is_killed
            for _ in range(times)
        )
    inspection = inspect_store(Store(data_directory), [NAME], has_contents=True)
    tried(
        "SIGKILL of a process that looks for damage", times=times, outcome=f"{killed} ended early; no byte was changed"
    )

    assert digests(data_directory) == before
    assert inspection.problems == []
    assert killed > 0


def digests(directory):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.rglob("*")) if path.is_file()
    }
