"""Jobs that are started again under one run id: nothing that an attempt logged is hidden by the next, and all processes agree."""

from __future__ import annotations

import json
import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.run_records import bodies

from runfork import Run
from runfork.journal.format import Kind
from runfork.model.identifiers import MAX_NAME_BYTES, attempt_ids, check_run_id
from runfork.testing.reading import History
from runfork.testing.waits import HANG_SECONDS
from runfork.testing.warm import RUN_MODULES, WarmProcess, start_warm

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = """
import json, os, signal
from pathlib import Path
from runfork import Run

last, dies_at = int(os.environ["LAST"]), int(os.environ["DIES_AT"])
loads = Path(os.environ["LOADS"])
saved = json.loads(loads.read_text()) if loads.exists() else {}
late, waits = os.environ.get("LATE"), os.environ.get("WAITS")
run = Run("digits", resume_from=None if late else saved, source_tracking_config=None)
if late and saved:  # as integrations do: the framework loads its checkpoint after the run was made
    run.log_configs({"lr": 0.1})
    run.resume(saved)
print(run.run_id, flush=True)
if os.environ.get("DIES_BEFORE_IT_LOGS"):
    os.kill(os.getpid(), signal.SIGKILL)
if waits:
    input()
for step in range(saved.get("step", 0) + 1, last + 1):
    run.log_metrics({"loss": float(os.environ["ATTEMPT"])}, step=step)
    if step % 10 == 0 and run.rank == 0:
        Path("checkpoint.json").write_text(json.dumps({"step": step, "runfork": run.checkpoint_mark(step)}))
    if step == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)
if waits:
    print("logged", flush=True)
    input()
run.close()
"""


class Job:
    """A script that is started again and again under one run id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "train.py").write_text(TRAIN, encoding="utf-8")
        self.attempt = 0
        self.said = ""
        self.started: list[WarmProcess] = []

    def start(self, last: int, *, dies_at: int = 0, **environment: str) -> WarmProcess:
        settings = {
            "RUNFORK_QUIET": "0",
            "ATTEMPT": self.attempt,
            "LOADS": "checkpoint.json",
            "LAST": last,
            "DIES_AT": dies_at,
        }
        values = {**os.environ, **{name: str(value) for name, value in settings.items()}, **environment}
        process = start_warm(self.folder / "train.py", modules=RUN_MODULES, cwd=self.folder, environment=values)
        self.started.append(process)
        return process

    def run(self, last: int, *, dies_at: int = 0, **environment: str) -> str:
        """Start one process and wait for it; returns its run id."""
        self.attempt += 1
        process = self.start(last, dies_at=dies_at, **environment)
        out, self.said = process.communicate(timeout=HANG_SECONDS)
        expected = -signal.SIGKILL if dies_at or "DIES_BEFORE_IT_LOGS" in environment else 0
        assert (process.returncode, expected) == (expected, process.returncode), self.said
        return out.strip()


@pytest.fixture
def job(tmp_path, data_directory, monkeypatch):
    del data_directory
    monkeypatch.setenv("RUNFORK_RUN_ID", "job")
    found = Job(tmp_path)
    yield found
    for process in found.started:
        process.kill()
        if not process.stdout.closed:
            process.communicate(timeout=HANG_SECONDS)


def losses(history, run_id, inherit="lineage"):
    return history.points(run_id, "loss", inherit)


def steps_of(attempts):
    return {step: float(attempt) for attempt, steps in attempts.items() for step in steps}


@pytest.mark.parametrize("late", ["", "1"])
def test_job_that_was_killed_behind_its_checkpoint_goes_on_as_a_fork_of_its_own(job, data_directory, late):
    first = job.run(30, dies_at=17, LATE=late)
    second = job.run(12, LATE=late)
    history = History(data_directory)

    assert first == "job"
    assert second.startswith("job-")
    assert history.parent(second) == ("job", 10)
    assert losses(history, second) == steps_of({1: range(1, 11), 2: range(11, 13)})
    assert losses(history, "job", "own") == steps_of({1: range(1, 18)})
    assert [line for line in job.said.splitlines() if "forked" in line] == [
        f"runfork: run {second} is forked from job at step 10: another attempt of job, which keeps its points"
    ]
    assert 1 == job.said.count(f"run {second} is written to")
    assert history.values(second)["sys/name"] == "digits"
    assert history.project.experiments() == {"digits": second}


def test_second_attempt_says_whose_it_is_and_leaves_nothing_in_the_first(job, data_directory):
    job.run(30, dies_at=17)
    before = sorted((data_directory / "tests/project/job").iterdir())
    second = job.run(12, LATE="1")
    history = History(data_directory)
    folder = history.project.store.run_directory("tests/project", second)

    assert sorted((data_directory / "tests/project/job").iterdir()) == before
    (created,), (lineage,) = bodies(_At(folder), Kind.CREATE), bodies(_At(folder), Kind.LINEAGE)

    assert created["attempt_of"] == "job"
    assert created["fork"] == {name: lineage[name] for name in ("parent", "step", "mark", "mark_time", "journals")}
    assert history.values(second)["sys/forking/mark"] == lineage["mark"]
    assert history.values(second)["lr"] == 0.1
    assert history.values(second)["sys/custom_run_id"] == second


def test_job_that_ended_at_its_last_checkpoint_is_continued(job, data_directory):
    job.run(20)
    assert job.run(25) == "job"
    history = History(data_directory)

    assert losses(history, "job") == steps_of({1: range(1, 21), 2: range(21, 26)})
    assert history.runs == ["job"]
    assert "forked" not in job.said


def test_job_that_was_killed_at_its_last_checkpoint_is_continued(job, data_directory):
    job.run(20, dies_at=20)

    assert job.run(25) == "job"


def test_third_attempt_forks_from_the_second_where_that_wrote_the_checkpoint(job, data_directory):
    job.run(30, dies_at=17)
    second = job.run(30, dies_at=28)
    third = job.run(22)
    history = History(data_directory)

    assert len({"job", second, third}) == 3
    assert third.startswith("job-")
    assert history.parent(third) == (second, 20)
    assert losses(history, third) == steps_of({1: range(1, 11), 2: range(11, 21), 3: range(21, 23)})


def test_third_attempt_from_the_same_checkpoint_gets_an_id_of_its_own(job, data_directory):
    job.run(30, dies_at=17)
    second = job.run(30, dies_at=15)
    third = job.run(12)
    history = History(data_directory)

    assert third == f"{second}-2"
    assert history.parent(third) == ("job", 10)
    assert losses(history, second, "own") == steps_of({2: range(11, 16)})
    assert losses(history, third, "own") == steps_of({3: range(11, 13)})


def test_third_attempt_continues_the_second_where_that_ended_at_its_checkpoint(job, data_directory):
    job.run(30, dies_at=17)
    second = job.run(20)
    third = job.run(25)

    assert third == second
    assert losses(History(data_directory), second, "own") == steps_of({2: range(11, 21), 3: range(21, 26)})


def test_attempt_that_died_before_it_logged_leaves_no_gap(job, data_directory):
    job.run(30, dies_at=17)
    second = job.run(30, DIES_BEFORE_IT_LOGS="1")
    third = job.run(12)
    history = History(data_directory)

    assert third == f"{second}-2"
    assert losses(history, third) == steps_of({1: range(1, 11), 3: range(11, 13)})


def test_job_that_forks_from_another_run_and_is_started_again_from_there_begins_a_second_attempt(job, data_directory):
    pretrained = job.run(10, RUNFORK_RUN_ID="pretrained")
    first = job.run(30, dies_at=15)
    second = job.run(12)
    history = History(data_directory)

    assert (pretrained, first) == ("pretrained", "job")
    assert second.startswith("job-")
    assert history.parent(first) == history.parent(second) == ("pretrained", 10)
    assert losses(history, first, "own") == steps_of({2: range(11, 16)})
    assert losses(history, second, "own") == steps_of({3: range(11, 13)})


def test_script_without_a_checkpoint_that_is_run_twice_is_told_what_it_replaces(job, data_directory):
    job.run(7)
    job.run(5)
    told = [line for line in job.said.splitlines() if "exists" in line]

    assert len(told) == 1
    assert told[0].startswith(
        "runfork: run job exists, with points up to step 7, and is continued: what is logged at steps that"
    )
    assert "fetch_metrics(..., replaced=True)" in told[0]
    assert told[0].endswith("for a run of its own, leave out RUNFORK_RUN_ID")
    assert losses(History(data_directory), "job") == steps_of({2: range(1, 6), 1: (6, 7)})


def test_much_that_a_run_has_is_not_read_beside_training_to_say_that_it_is_continued(job, data_directory):
    with Run(project="tests/project", run_id="job", source_tracking_config=None) as run:
        run.log_metrics({"loss": 1.0}, step=1)
        for number in range(9):
            run.log_configs({f"much/{number}": "x" * 2**20})
    job.run(5)

    assert "run job exists and is continued: what is logged at steps that it has" in job.said


def test_first_attempt_is_told_nothing(job):
    job.run(3)

    assert "exists" not in job.said


def test_policy_new_makes_a_second_attempt_without_a_parent(job, data_directory):
    job.run(30, dies_at=17)
    second = job.run(12, RUNFORK_RESUME="new")
    history = History(data_directory)

    assert second.startswith("job-")
    assert history.parent(second) is None


def test_checkpoint_of_a_run_that_is_not_here_makes_a_pending_attempt(job, data_directory):
    job.run(10)
    (data_directory / "tests/project/job").rename(data_directory.parent / "elsewhere")
    second = job.run(12)

    assert second.startswith("job-")
    (data_directory.parent / "elsewhere").rename(data_directory / "tests/project/job")
    assert losses(History(data_directory), second) == steps_of({1: range(1, 11), 2: range(11, 13)})


# Several processes


class Launch:
    """Processes that torchrun started, each of which waits before it logs, and before it ends."""

    def __init__(self, job, *, last, dies_at=0, **environment):
        job.attempt += 1
        self.job, self.last, self.dies_at = job, last, dies_at
        self.environment = {
            "WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500", "WAITS": "1",
            "TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": "0", "LOADS": f"start_{job.attempt}.json", **environment,
        }  # fmt: skip
        if (job.folder / "checkpoint.json").exists():
            shutil.copy(job.folder / "checkpoint.json", job.folder / self.environment["LOADS"])
        self.processes = []

    def start(self, *ranks, **environment):
        """Start ranks at the same moment; returns their run ids."""
        started = [
            self.job.start(self.last, dies_at=self.dies_at, **{"RANK": str(rank), **self.environment, **environment})
            for rank in ranks
        ]
        self.processes += started
        return [process.stdout.readline().strip() for process in started]

    def start_one_by_one(self, *ranks):
        """Start each rank when the one before it has logged already; returns their run ids."""
        found = []
        for rank in ranks:
            found += self.start(rank)
            if not self.dies_at:
                self.log(self.processes[-1])
        return found

    def log(self, *processes):
        """Let processes log all that they have to log."""
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout.readline().strip() == ("" if self.dies_at else "logged")

    def end(self):
        """Wait for the end of all processes; returns what they said."""
        for process in self.processes:
            if process.poll() is None and not self.dies_at:
                process.stdin.write("\n\n")
                process.stdin.flush()
        return [process.communicate(timeout=HANG_SECONDS)[1] for process in self.processes]


def an_attempt(job, *ranks, last, dies_at=0, **environment):
    """Run processes to their end; returns their run ids."""
    launch = Launch(job, last=last, dies_at=dies_at, **environment)
    found = launch.start(*ranks)
    launch.log(*launch.processes)
    launch.end()
    return set(found)


def test_all_ranks_of_a_second_attempt_agree_at_whatever_moment_they_start(job, data_directory):
    assert an_attempt(job, 0, 1, 2, last=30, dies_at=17) == {"job"}
    second = Launch(job, last=12)
    ids = set(second.start_one_by_one(0, 2, 1))
    second.end()
    history = History(data_directory)

    assert len(ids) == 1
    assert ids != {"job"}
    assert losses(history, ids.pop()) == steps_of({1: range(1, 11), 2: range(11, 13)})


@pytest.mark.parametrize("count", ["0", "1"])
def test_all_ranks_agree_across_a_restart_with_the_same_port(job, data_directory, count):
    an_attempt(job, 0, 1, 2, last=30, dies_at=17)
    second = an_attempt(job, 0, 1, 2, last=30, dies_at=15)
    third = an_attempt(job, 0, 1, 2, last=12, TORCHELASTIC_RESTART_COUNT=count)
    history = History(data_directory)

    assert (len(second), len(third), len(second | third | {"job"})) == (1, 1, 3)
    assert losses(history, third.pop()) == steps_of({1: range(1, 11), 3: range(11, 13)})


def test_ranks_agree_where_one_of_them_died_before_it_had_a_run_the_last_time(job):
    an_attempt(job, 0, 1, 2, last=30, dies_at=17)
    second = an_attempt(job, 0, 2, last=30, dies_at=15)
    third = Launch(job, last=12)
    ids = set(third.start_one_by_one(1, 0, 2))

    assert len(ids) == 1
    assert not second & ids


def test_late_ranks_continue_the_run_that_the_first_one_continued_and_logged_to(job, data_directory):
    assert an_attempt(job, 0, 1, 2, last=20) == {"job"}
    second = Launch(job, last=25)

    assert set(second.start_one_by_one(0, 2, 1)) == {"job"}
    assert History(data_directory).runs == ["job"]


def test_late_ranks_of_a_first_attempt_are_told_nothing(job):
    first = Launch(job, last=5)
    first.start_one_by_one(1, 0)

    assert not any("exists" in said for said in first.end())


def test_ranks_that_share_an_id_fork_from_another_run_together(job, data_directory):
    job.run(10, RUNFORK_RUN_ID="pretrained")
    first = Launch(job, last=12)
    ids = set(first.start_one_by_one(0, 2, 1))
    said = first.end()
    history = History(data_directory)

    assert ids == {"job"}
    assert history.parent("job") == ("pretrained", 10)
    assert not any("Warning" in one for one in said)


def test_ranks_continue_a_run_together_where_the_policy_says_so(job, data_directory):
    job.run(10, RUNFORK_RUN_ID="first")
    second = Launch(job, last=12, RUNFORK_RUN_ID="", RUNFORK_RESUME="continue")

    assert set(second.start_one_by_one(0, 2, 1)) == {"first"}
    second.end()
    assert History(data_directory).runs == ["first"]


def test_ranks_may_have_saved_marks_of_their_own(job):
    an_attempt(job, 0, 1, 2, last=30, dies_at=17)
    saved = json.loads((job.folder / "checkpoint.json").read_text())
    second = Launch(job, last=12)
    ids = set()
    for rank in range(3):
        mine = {**saved, "runfork": {**saved["runfork"], "mark": f"of-rank-{rank}"}}
        (job.folder / f"rank_{rank}.json").write_text(json.dumps(mine))
        ids |= set(second.start(rank, LOADS=f"rank_{rank}.json"))

    assert len(ids) == 1


@pytest.mark.parametrize("last", [17, 10])
def test_processes_that_a_program_starts_agree(job, data_directory, run_script, last):
    job.run(last, dies_at=last)
    done = run_script(
        """
        import json, multiprocessing
        from runfork import Run

        def train(mark, say, go):
            run = Run("digits", resume_from=mark, source_tracking_config=None)
            say.put(run.run_id)
            run.log_metrics({"loss": 2.0}, step=11)
            go.wait(60)
            run.close()

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            say, go = context.Queue(), context.Event()
            mark = json.load(open("checkpoint.json"))
            children = [context.Process(target=train, args=(mark, say, go)) for _ in range(3)]
            for child in children:
                child.start()
                print(say.get(timeout=300))
            go.set()
            for child in children:
                child.join()
        """
    )
    ids = set(done.stdout.split())

    assert (done.returncode, len(ids)) == (0, 1), done.stderr
    assert ("job" in ids) == (last == 10)
    assert len(done.stdout.split()) == 3


def test_ranks_of_mpi_agree(job):
    job.run(30, dies_at=17)
    second = Launch(job, last=12, RANK="", WORLD_SIZE="", OMPI_COMM_WORLD_SIZE="3", SLURM_PROCID="0", SLURM_NTASKS="3")
    ids = {run_id for rank in range(3) for run_id in second.start(rank, RANK="", OMPI_COMM_WORLD_RANK=str(rank))}

    assert len(ids) == 1


def test_tasks_of_slurm_that_share_no_run_are_no_ranks(job, data_directory):
    run_id = job.run(3, RUNFORK_RUN_ID="", SLURM_PROCID="7", SLURM_NTASKS="20", SLURM_JOB_ID="1", RUNFORK_CONSOLE="1")
    history = History(data_directory)

    assert f"run {run_id} is written to" in job.said
    assert "source_code/run_command" not in history.values(run_id)  # not tracked here
    assert "sys/hostname" in history.values(run_id)
    assert [run_id] == list(history.points(run_id, "runtime/stdout").values())


def test_tasks_of_slurm_that_share_a_run_are_ranks(job, data_directory):
    job.run(3, SLURM_PROCID="2", SLURM_NTASKS="4", SLURM_JOB_ID="1", RUNFORK_CONSOLE="1")

    assert ["job"] == list(History(data_directory).points("job", "runtime/rank_2/stdout").values())


# Ids


@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=800).filter(
        lambda text: text.strip() and len(text.encode()) <= MAX_NAME_BYTES
    )
)
def test_ids_of_attempts_are_run_ids_and_differ(run_id):
    ids = attempt_ids(run_id, (run_id, 10_000_000), None)
    found = [next(ids) for _ in range(12)]

    assert len({*found, run_id}) == 13
    assert found == [check_run_id(one) for one in found]


class _At:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
