"""The console over HTTP: lines of all streams in one order, pages, progress bars, search, raw text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.consoles import Printer
from tests.servers import P, read_json, until_read

from runfork import Run
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.journal.format import Kind
from runfork.reading.project import Project
from runfork.testing.waits import until
from runfork_server.console import streams
from runfork_server.console.bars import bar_label
from runfork_server.console.view import MOST_CHARACTERS, ConsoleQuestion, Consoles

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    import httpx

SECOND = 1_000_000


def ask(client: httpx.Client, what: str = "", run: str = "talk", **asked: Any) -> dict[str, Any]:
    return read_json(client.get(f"{P}/console{what}", params={"run": run, **asked}))


def texts(client: httpx.Client, **asked: Any) -> list[str]:
    return [line["text"] for line in ask(client, **asked)["lines"]]


def test_what_a_program_prints_is_there_with_its_streams_and_times(
    run_script: Callable[[str], subprocess.CompletedProcess[str]], client: httpx.Client
) -> None:
    run_script("""
        import os, sys
        os.environ["RUNFORK_CONSOLE"] = "1"
        from runfork import Run
        with Run(run_id="talk", source_tracking_config=None):
            print("<script>alert(1)</script>")
            print("\\x1b[31mred\\x1b[0m", file=sys.stderr)
            print("10%\\r20%\\r100%")
            print("a\\u202e\\U0001f600 and \\udc80")
    """)
    until_read(client, run_count=1)

    found = ask(client)

    assert [(line["n"], line["path"], line["text"], line["is_error"]) for line in found["lines"]] == [
        (0, "runtime/stdout", "<script>alert(1)</script>", False),
        (1, "runtime/stderr", "red", True),
        (2, "runtime/stdout", "100%", False),
        (3, "runtime/stdout", "a\u202e\U0001f600 and \\udc80", False),
    ]
    assert (found["total"], found["ranks"], found["streams"]) == (4, [0], ["stdout", "stderr"])
    assert all(0 <= line["seconds"] < 60 for line in found["lines"])


@pytest.fixture
def both(open_run, client: httpx.Client) -> httpx.Client:
    """A server of a run that printed 100 lines to each of two streams in turn, and 10 from another process."""
    run = open_run(run_id="talk")
    printer, other = Printer(run), Printer(run, namespace="runtime/rank_3")
    for number in range(100):
        printer.write(f"out {number}\n")
        printer.write(f"ERR {number}\n", to="stderr")
        if number % 10 == 0:
            other.now = printer.now - 500
            other.write(f"other {number}\n")
    run.close()
    until_read(client, run_count=1)
    return client


def test_lines_of_all_streams_and_processes_are_in_the_order_in_which_they_appeared(both):
    found = ask(both, limit=1000)

    assert (found["total"], found["ranks"]) == (210, [0, 3])
    assert [line["n"] for line in found["lines"]] == list(range(210))
    times = [line["time"] for line in found["lines"]]
    assert times == sorted(times)
    assert [line["text"] for line in found["lines"]][:5] == ["out 0", "ERR 0", "other 0", "out 1", "ERR 1"]
    assert texts(both, stream="stderr", limit=3) == ["ERR 0", "ERR 1", "ERR 2"]
    assert texts(both, rank=3, offset=8) == ["other 80", "other 90"]
    assert texts(both, rank=7) == []


def test_pages_are_parts_of_the_whole_wherever_they_begin(both):
    whole = texts(both, limit=1000)

    for offset, limit in ((0, 1), (7, 13), (200, 1000), (210, 5), (5000, 5), (3, 0)):
        assert texts(both, offset=offset, limit=limit) == whole[offset : offset + limit]
    assert both.get(f"{P}/console", params={"run": "talk", "limit": 1001}).status_code == 400
    assert both.get(f"{P}/console", params={"run": "talk", "offset": -1}).status_code == 400
    assert both.get(f"{P}/console", params={"run": "nobody"}).status_code == 404
    assert both.get(f"{P}/console", params={"run": "talk", "stream": "stdin"}).status_code == 400


@pytest.mark.parametrize("portion", [65_536, 7])
def test_search_finds_lines_by_number_whatever_their_case(both, portion, monkeypatch):
    monkeypatch.setattr(streams, "LINES_AT_ONCE", portion)
    monkeypatch.setattr("runfork_server.console.view.LINES_AT_ONCE", portion)
    whole = texts(both, limit=1000)

    found = ask(both, "/search", q="rR 1")

    expected = [number for number, text in enumerate(whole) if "rr 1" in text.lower()]
    assert (found["total"], found["lines"]) == (len(expected), expected)
    assert ask(both, "/search", q="rR 1", limit=2)["lines"] == expected[:2]
    assert ask(both, "/search", q=".*")["total"] == 0
    assert ask(both, "/search", q="")["total"] == 0
    assert ask(both, "/search", q="other 50", stream="stdout")["total"] == 1
    assert both.get(f"{P}/console/search", params={"run": "talk"}).status_code == 400


def test_raw_text_is_all_lines(both, monkeypatch):
    whole = texts(both, limit=1000)
    monkeypatch.setattr("runfork_server.console.view._RAW_LINES", 9)

    answer = both.get(f"{P}/console/raw", params={"run": "talk"})

    assert answer.text == "".join(f"{text}\n" for text in whole)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert both.get(f"{P}/console/raw", params={"run": "talk", "stream": "stderr"}).text.count("\n") == 100


def test_a_run_without_output_has_no_lines(open_run, client):
    open_run(run_id="mute").close()
    until_read(client, run_count=1)

    found = ask(client, run="mute")

    assert (found["total"], found["lines"], found["ranks"], found["open"]) == (0, [], [], [])
    assert client.get(f"{P}/console/raw", params={"run": "mute"}).content == b""


def test_a_series_of_texts_that_somebody_calls_stdout_is_no_console(open_run, client):
    run = open_run(run_id="odd")
    run.log_string_series({"my/stdout": "text"}, step=1)
    run.close()
    until_read(client, run_count=1)

    assert ask(client, run="odd")["total"] == 0


def test_a_very_long_line_is_cut_on_pages_alone(open_run, client):
    run = open_run(run_id="talk")
    Printer(run).write("x" * 50_000 + "\n")
    run.close()
    until_read(client, run_count=1)

    (line,) = ask(client)["lines"]

    assert (line["text"], line["cut"]) == ("x" * MOST_CHARACTERS, 50_000 - MOST_CHARACTERS)
    assert len(client.get(f"{P}/console/raw", params={"run": "talk"}).text) == 50_001


# Colours


def test_lines_know_which_of_their_characters_have_colours(open_run, client):
    run = open_run(run_id="talk")
    printer = Printer(run)
    printer.write("plain\n\x1b[1;31mE\U0001f600ROR\x1b[0m at \x1b[38;2;255;128;0;48;5;17mx")
    printer.write("y\n", to="stdout")
    printer.write("still\n")
    printer.write("\x1b[4mother\x1b[m\n", to="stderr")
    printer.write("\x1b[mplain again\n")
    run.close()
    until_read(client, run_count=1)

    lines = ask(client)["lines"]

    orange = {"foreground": "#ff8000", "background": 17}
    assert [(line["text"], line.get("styles")) for line in lines] == [
        ("plain", None),
        ("E\U0001f600ROR at xy", [[0, 5, {"foreground": 1, "bold": True}], [9, 11, orange]]),
        ("still", [[0, 5, orange]]),
        ("other", [[0, 5, {"underline": True}]]),
        ("plain again", None),
    ]
    assert [line["text"] for line in ask(client, offset=2, limit=1)["lines"]] == ["still"]
    assert ask(client, "/search", q="31m")["total"] == 0


def test_raw_text_has_colours_where_they_are_asked_for(open_run, client):
    run = open_run(run_id="talk")
    Printer(run).write("plain\n\x1b[31mred\nstill\x1b[m\n")
    run.close()
    until_read(client, run_count=1)

    def raw(**asked: Any) -> str:
        found: str = client.get(f"{P}/console/raw", params={"run": "talk", **asked}).text
        return found

    assert raw() == raw(colours="false") == "plain\nred\nstill\n"
    assert raw(colours="true") == "plain\n\x1b[31mred\x1b[0m\n\x1b[0;31mstill\x1b[m\n"
    assert client.get(f"{P}/console/raw", params={"run": "talk", "colours": "red"}).status_code == 400


def test_colours_of_a_very_long_line_end_where_its_page_does(open_run, client):
    run = open_run(run_id="talk")
    Printer(run).write(f"{'x' * 9000}\x1b[31m{'y' * 9000}\x1b[32mz\x1b[0m\n")
    run.close()
    until_read(client, run_count=1)

    (line,) = ask(client)["lines"]

    assert line["styles"] == [[9000, MOST_CHARACTERS, {"foreground": 1}]]


def test_colours_that_are_not_those_of_the_line_are_not_shown(open_run, client):
    run = open_run(run_id="talk")
    body = {"runtime/stdout": ["one", "two"], "runtime/stdout_styled": ["\x1b[31m<b>\x1b[0m", "\x1b]0;x\x07two"]}
    run.recorder.record_points(Kind.STRINGS, body, step=SECOND, time_us=SECOND, clock_axis=True)
    run.close()
    until_read(client, run_count=1)

    assert [(line["text"], line.get("styles")) for line in ask(client)["lines"]] == [("one", None), ("two", None)]
    raw = client.get(f"{P}/console/raw", params={"run": "talk", "colours": "true"}).text
    assert raw == "one\ntwo\n"


# Progress bars


def draw_bars(printer: Printer) -> None:
    """Print what tqdm prints: two epochs, each a bar that is drawn anew for some seconds, with lines in between."""
    for epoch in range(2):
        printer.write(f"epoch {epoch} begins\n")
        for done in range(0, 101, 20):
            printer.write(f"\rtrain: {done:3}%|{'█' * (done // 10):10}| {done}/100", to="stderr", seconds=1.5)
        printer.write("\n", to="stderr", seconds=2.0)
        printer.write("10% better\n")
        for done in range(0, 101, 50):
            printer.write(f"\rvalidate: {done:3}%|{'█' * (done // 10):10}| {done}/100", to="stderr", seconds=1.5)
        printer.write("\n", to="stderr", seconds=2.0)


def test_a_progress_bar_is_one_line_that_knows_how_it_looked_before(open_run, client):
    run = open_run(run_id="talk")
    printer = Printer(run)
    draw_bars(printer)
    printer.end()
    run.close()
    until_read(client, run_count=1)
    with Project.open() as project:
        project.refresh()
        (states,) = project.index.points(PointsRequest([SeriesKey("talk", "runtime/stderr_progress")]))

    lines = ask(client)["lines"]

    bars = [line for line in lines if line["is_error"]]
    assert [line["text"].split(":")[0] for line in bars] == ["train", "validate"] * 2
    assert all("100%" in line["text"] for line in bars)
    assert [line["updates"] for line in lines if not line["is_error"]] == [0] * 4
    assert sum(line["updates"] for line in bars) == len(states.values)
    updates = ask(client, "/updates", n=bars[2]["n"])["updates"]
    assert len(updates) == bars[2]["updates"] > 3
    assert all(update["text"].startswith("train") for update in updates)
    assert all(bars[1]["time"] < update["time"] <= bars[2]["time"] for update in updates)
    assert ask(client, "/updates", n=0)["updates"] == []
    assert client.get(f"{P}/console/updates", params={"run": "talk", "n": 99}).status_code == 404
    assert client.get(f"{P}/console/updates", params={"run": "talk"}).status_code == 400


def test_a_bar_that_is_still_drawn_is_told_apart_from_lines(open_run, client):
    run = open_run(run_id="talk")
    printer = Printer(run)
    printer.write("begin\n")
    for done in (10, 20, 30):
        printer.write(f"\rtrain: {done}%|{'█' * (done // 10)}", seconds=1.5)
    until(lambda: until_read(client)["run_count"] == 1 and len(ask(client)["open"]) > 0)

    found = ask(client)

    assert [line["text"] for line in found["lines"]] == ["begin"]
    assert [(bar["text"], bar["updates"] > 1) for bar in found["open"]] == [("train: 30%|███", True)]
    printer.write("\r\x1b[Ktrain: 100%|██████████\n", seconds=3.0)
    printer.end()
    until(lambda: ask(client)["total"] == 2)
    assert ask(client)["open"] == []


def test_nested_bars_are_open_though_the_outer_one_changes_seldom(open_run, client):
    run = open_run(run_id="talk")
    printer = Printer(run)
    for inner in range(1, 6):
        printer.write(f"\router: 1/4\n\rinner: {inner}/9\x1b[A", to="stderr", seconds=1.5)
    until(lambda: until_read(client)["run_count"] == 1 and "inner: 5/9" in [bar["text"] for bar in ask(client)["open"]])

    assert [bar["text"] for bar in ask(client)["open"]] == ["outer: 1/4", "inner: 5/9"]
    run.close()


def test_a_run_that_ended_in_order_draws_no_bars(open_run, client):
    run = open_run(run_id="talk")
    printer = Printer(run)
    for done in (10, 20, 30):
        printer.write(f"\rtrain: {done}%", seconds=1.5)
    until(lambda: until_read(client)["run_count"] == 1 and len(ask(client)["open"]) > 0)
    printer.write("\r\x1b[K", seconds=1.5)  # wiped, as tqdm does with `leave=False`
    printer.end()
    run.close()

    until(lambda: ask(client)["open"] == [])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("train:  45%|████▌     | 45/100 [00:10<00:12, 4.5it/s]", "train"),
        (" 45%|████▌     | 45/100", ""),
        ("45/100 ━━━━━━━━ 0s 2ms/step - loss: 0.3", ""),
        ("Epoch 3:  45%", "epoch"),
        ("\x1b", None),
        ("loss went down", None),
    ],
)
def test_bars_are_told_apart_by_the_letters_before_their_numbers(text, label):
    assert bar_label(text) == label


# What is kept


def everything(project: Project) -> list[tuple[int, str, int]]:
    view = Consoles(project.index).view(ConsoleQuestion("talk"))
    return [(line["n"], line["text"], line["updates"]) for line in view.page(0, 10_000)["lines"]]


def test_a_console_that_grows_is_what_it_would_be_if_it_were_read_anew(data_directory):
    random = np.random.default_rng(0)
    with Run(run_id="talk", source_tracking_config=None) as run, Project.open() as project:
        project.refresh()
        consoles = Consoles(project.index)
        printer = Printer(run)
        for round_of_writing in range(12):
            for _ in range(int(random.integers(0, 5))):
                printer.write(f"line {random.integers(100)}\n", to=str(random.choice(["stdout", "stderr"])))
            if round_of_writing in (3, 7, 8):
                draw_bars(printer)
            project.refresh()
            if consoles.index is not project.index:
                consoles = Consoles(project.index)
            page = consoles.view(ConsoleQuestion("talk")).page(0, 10_000)

            assert [(line["n"], line["text"], line["updates"]) for line in page["lines"]] == everything(project)
        late = Printer(run)  # whose clock is back where that of the first one began: its lines come before others
        late.now += 5
        late.write("late\n", to="stderr")
        project.refresh()
        page = consoles.view(ConsoleQuestion("talk")).page(0, 10_000)
        assert [(line["n"], line["text"], line["updates"]) for line in page["lines"]] == everything(project)
        assert "late" in {text for _, text, _ in everything(project)}


def test_no_more_consoles_are_kept_than_there_is_room_for(data_directory, monkeypatch):
    monkeypatch.setattr("runfork_server.console.view.MOST_BYTES", 1000)
    for number in range(4):
        with Run(run_id=f"talk-{number}", source_tracking_config=None) as run:
            Printer(run).write("line\n" * 100)
    with Project.open() as project:
        project.refresh()
        consoles = Consoles(project.index)
        for number in range(4):
            assert consoles.view(ConsoleQuestion(f"talk-{number}")).total == 100

        assert sum(stream.bytes_kept for stream in consoles._streams.values()) <= 1000


def test_answers_are_json_whatever_was_printed(open_run, client):
    run = open_run(run_id="talk")
    Printer(run).write("\x00\x07\u2028\u2029\ufffe</script>\n")
    run.close()
    until_read(client, run_count=1)

    answer = client.get(f"{P}/console", params={"run": "talk"})

    assert json.loads(answer.content)["total"] == 1
