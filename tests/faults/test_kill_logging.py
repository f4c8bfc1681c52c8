import random
from collections import Counter

from tests.faults.mixture import Expected, found
from tests.faults.nursery import nursery
from tests.faults.victims import CALLS, CLOSED, CLOSING, PHASE, STARTED

from runfork.disk.layout import Store
from runfork.reading.fsck import inspect_store
from runfork.reading.project import Project

NAME = "tests/project"
MOST_CALLS = 120


def a_moment(dice):
    """Return when to kill: during start-up, among the log calls, or during the close."""
    chosen = dice.random()
    if chosen < 0.2:
        return "start-up", {"slot": PHASE, "value": STARTED, "seconds": dice.uniform(0, 0.008)}
    if chosen < 0.8:
        return "logging", {"slot": CALLS, "value": dice.randrange(MOST_CALLS), "seconds": dice.uniform(0, 0.0015)}
    return "close", {"slot": PHASE, "value": CLOSING, "seconds": dice.uniform(0, 0.006)}


def test_what_was_acknowledged_is_there_after_sigkill_at_any_moment(
    data_directory, tmp_path, monkeypatch, rounds, tried
):
    monkeypatch.setenv("RUNFORK_CONSOLE", "1")
    times = rounds(50, 1000)
    dice = random.Random(times)
    store = Store(data_directory)
    calls, killed = 0, Counter[str]()
    project = None
    with nursery(tmp_path / "errors") as victims:
        for number in range(times):
            kind, moment = a_moment(dice)
            fate = victims.kill("log_mixture", run_id=f"run-{number}", seed=number, calls=MOST_CALLS, **moment)
            calls += fate.slots[CALLS]
            killed[kind] += fate.is_killed
            if project is None and not store.project_directory(NAME).is_dir():
                continue
            project = project or Project.open()
            project.refresh()
            assert_is_there(project, f"run-{number}", number, fate)
    assert project is not None
    damaged = [writer for writer in project.index.writers().values() if writer.damage]
    project.close()
    inspection = inspect_store(store, [NAME], has_contents=True)
    torn = [problem for problem in inspection.problems if not problem.is_loss]
    tried(
        "SIGKILL of a process that logs everything that can be logged",
        times=times,
        outcome=f"{killed['start-up']} times during start-up, {killed['logging']} among the log calls, {killed['close']} during "
        f"close; {calls:,} log calls had returned, all of them were read back exactly; {len(torn)} records were cut off "
        "within a call that had not returned, and were reported as that",
    )

    assert [damaged, inspection.has_losses] == [[], False]
    assert [line for line in (tmp_path / "errors").read_text().splitlines() if not line.startswith("call ")] == []
    assert min(killed.values()) > 0


def assert_is_there(project, run_id, seed, fate):
    """All calls that returned, nothing else but the one that had begun."""
    acknowledged = fate.slots[CALLS]
    expected = Expected(seed).up_to(acknowledged)
    state = project.index.values([run_id], paths=["sys/state"]).get(run_id, {}).get("sys/state")
    seen = found(project.index, project.store, NAME, run_id)
    if seen != expected.everything:
        assert acknowledged < MOST_CALLS, f"{run_id}: other than what was logged"
        assert seen == expected.up_to(acknowledged + 1).everything, run_id
    if fate.slots[PHASE] > STARTED:
        assert state.value == "finished" if fate.slots[PHASE] == CLOSED else state.value in ("lost", "finished")
