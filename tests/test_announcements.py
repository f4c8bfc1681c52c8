from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runfork import Run
from runfork.capture.console import ConsoleCapture
from runfork.testing.waits import until
from runfork.writing.announcements import say_closed, say_created, say_forked
from runfork.writing.status import RunStatus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNFORK_QUIET", raising=False)


@pytest.fixture
def spoken(capsys: pytest.CaptureFixture[str]):
    def lines() -> list[str]:
        return capsys.readouterr().err.splitlines()

    return lines


def a_run(data_directory: Path, run_id: str = "swift-dolphin-20250319124841544-y56es", **changes: Any) -> Any:
    directory = data_directory / "tests" / "project" / run_id
    directory.mkdir(parents=True)
    facts = {
        "project": "tests/project",
        "run_id": run_id,
        "directory": directory,
        "is_disabled": False,
        "rank": 0,
        "attempt_of": None,
        "writer": SimpleNamespace(backlog_bytes=0),
        "url": None,
    }
    return SimpleNamespace(**{**facts, **changes})


def test_created_run_says_where_it_is_and_how_to_see_it(data_directory: Path, spoken) -> None:
    run = a_run(data_directory)
    say_created(run)

    assert [
        f"runfork: run {run.run_id} is written to {run.directory}; see it with: runfork show swift-dolphin"
    ] == spoken()


def test_a_run_without_a_place_says_what_stands_there(data_directory: Path, spoken) -> None:
    data_directory.write_text("no folder")
    with Run(run_id="r", source_tracking_config=None) as run:
        pass
    lines = spoken()

    assert f"runfork: run r cannot be written to {run.directory} yet" in lines
    assert not [line for line in lines if "see it with" in line]
    assert run.status.problems[0] == (
        f"the journal of this run cannot be written ([Errno 20] this is a file, and no folder: '{data_directory}'); "
        "training goes on, up to 16 MiB wait in memory: move the file away, or name another directory with RUNFORK_DIR"
    )


def test_short_name_that_means_several_runs_is_not_offered(data_directory: Path, spoken) -> None:
    a_run(data_directory, "swift-dolphin-20250101124841544-aaaaa")
    run = a_run(data_directory)
    say_created(run)

    assert spoken()[0].endswith(f"runfork show {run.run_id}")


def test_in_a_project_of_very_many_runs_the_id_is_shown_whole(
    data_directory: Path, spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runfork.writing.announcements.MOST_LOOKED_AT", 2)
    run = a_run(data_directory)
    for name in ("one", "other"):
        say_created(run)
        a_run(data_directory, name)
    say_created(run)

    assert ["swift-dolphin", "swift-dolphin", run.run_id] == [line.rpartition(" ")[2] for line in spoken()]


def test_name_that_was_given_is_shown_whole(data_directory: Path, spoken) -> None:
    say_created(a_run(data_directory, "my run"))

    assert spoken()[0].endswith("runfork show 'my run'")


def test_command_names_what_the_command_line_would_not_find(
    data_directory: Path, spoken, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = a_run(data_directory, project="tests/project")
    monkeypatch.setenv("RUNFORK_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("RUNFORK_PROJECT", "other/project")
    say_created(run)

    assert spoken()[0].endswith(f"runfork show swift-dolphin --dir {data_directory} --project tests/project")


def test_fork_says_its_parent_and_step(data_directory: Path, spoken) -> None:
    say_forked(a_run(data_directory, "child"), "parent", 120.0)
    say_forked(a_run(data_directory, "other"), "parent", 0.5)

    assert [
        "runfork: run child is forked from parent at step 120",
        "runfork: run other is forked from parent at step 0.5",
    ] == spoken()


def test_closed_run_says_its_state_and_losses(data_directory: Path, spoken) -> None:
    say_closed(a_run(data_directory, "good"), RunStatus("finished"))
    losses = RunStatus("failed", dropped_values=3, lost_records=1)
    say_closed(a_run(data_directory, "bad"), losses)

    assert ["runfork: run good finished", "runfork: run bad failed: 3 values dropped, 1 record lost"] == spoken()


@pytest.mark.parametrize("variable", ["RUNFORK_QUIET", "RANK"])
def test_quiet_processes_say_nothing(
    data_directory: Path, spoken, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    run = a_run(data_directory, rank=int(os.environ.get("RANK", "0")))
    say_created(run)
    say_forked(run, "parent", 1)
    say_closed(run, RunStatus("finished"))

    assert [] == spoken()


def test_disabled_run_says_nothing(data_directory: Path, spoken) -> None:
    say_created(a_run(data_directory, is_disabled=True))

    assert [] == spoken()


def test_lines_are_seen_and_not_captured(data_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.StringIO()
    kept: list[str] = []
    monkeypatch.setattr(sys, "stderr", seen)
    capture = ConsoleCapture(lambda _name, lines, _time: kept.extend(lines))
    capture.start()
    say_closed(a_run(data_directory, "r"), RunStatus("finished"))
    capture.stop()

    assert "runfork: run r finished\n" == seen.getvalue()
    assert [] == kept


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("printed", "break_"),
    [
        ("1/5 ━━━ 0s 16ms/step - loss: 5.4", "\n"),
        ("\r 20%|██        | 1/5", "\n"),
        ("done\n", ""),
        ("done\n\x1b[?25h\x1b[0m", ""),
        ("\x1b[1mbold\x1b[0m", "\n"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_lines_do_not_stand_behind_a_progress_bar(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch, name: str, printed: str, break_: str
) -> None:
    seen = Terminal()
    monkeypatch.setattr(sys, "stderr", seen)
    monkeypatch.setattr(sys, "stdout", seen)
    capture = ConsoleCapture(lambda *_: None)
    capture.start()
    getattr(sys, name).write("begin\n")
    getattr(sys, name).write(printed)
    say_closed(a_run(data_directory, "r"), RunStatus("finished"))
    say_closed(a_run(data_directory, "s"), RunStatus("finished"))
    capture.stop()

    assert f"begin\n{printed}{break_}runfork: run r finished\nrunfork: run s finished\n" == seen.getvalue()


def test_a_bar_on_stdout_is_none_in_the_file_that_stderr_goes_to(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    monkeypatch.setattr(sys, "stdout", Terminal())
    capture = ConsoleCapture(lambda *_: None)
    capture.start()
    sys.stdout.write("1/5")
    say_closed(a_run(data_directory, "r"), RunStatus("finished"))
    capture.stop()

    assert "runfork: run r finished\n" == seen.getvalue()


@pytest.mark.parametrize("stream", [None, io.TextIOWrapper(io.BytesIO())], ids=["missing", "closed"])
def test_stream_that_cannot_be_written_is_left_alone(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch, stream: io.TextIOWrapper | None
) -> None:
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    say_closed(a_run(data_directory), RunStatus("finished"))


def test_a_run_says_that_it_is_created_and_closed(spoken) -> None:
    run = Run(source_tracking_config=None)
    run.close()

    assert [f"runfork: run {run.run_id} is written to", f"runfork: run {run.run_id} finished"] == [
        line.split(" /")[0] for line in spoken()
    ]


def test_a_fork_says_so(spoken) -> None:
    with Run(run_id="mother", source_tracking_config=None) as mother:
        mother.log_metrics({"loss": 1.0}, step=7)
    Run(run_id="daughter", fork_run_id="mother", fork_step=7, source_tracking_config=None).close()

    assert "runfork: run daughter is forked from mother at step 7" in spoken()


def test_a_run_that_becomes_another_one_says_where_it_lies_then(spoken) -> None:
    with Run(run_id="mother", source_tracking_config=None) as mother:
        mother.log_metrics({"loss": 1.0}, step=7)
        mark = mother.checkpoint_mark(7)
    spoken()
    run = Run(run_id="provisional", source_tracking_config=None)
    until(lambda: run._journal.said_as)
    run.resume(mark, policy="continue")
    run.close()
    lines = [line.partition(";")[0] for line in spoken()]
    expected = [
        f"runfork: run provisional is written to {mother.directory.with_name('provisional')}",
        "runfork: run provisional goes on as mother",
        f"runfork: run mother is written to {mother.directory}",
        "runfork: run mother finished",
    ]

    assert expected == lines
