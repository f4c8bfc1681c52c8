"""The benchmarks run, and their arithmetic is right."""

import json
import sys

import pytest
from benchmarks.peers.roster import ADAPTERS, about, adapter_class
from benchmarks.peers.scenarios import SCENARIOS
from benchmarks.peers.tables import report
from benchmarks.peers.tracker import TableTracker
from benchmarks.peers.workload import Points, best_of, count_right, metric_names, table_rows, values_at
from benchmarks.reporting.documents import markdown_table, replace_section
from benchmarks.reporting.figures import folder_bytes, percentile, short
from benchmarks.runs import table as runs_table
from tests.measured import measured

OPENING = {
    "date": "2026-01-01",
    "commit": "c",
    "python": "3",
    "machine": "m",
    "network": "n",
    "command": "x",
    "trackers": [{"name": "us", "version": "1", "mode": "m", "on_return": "r", "reading": "w"}],
}


def cells(text, tracker):
    return [
        [cell.strip() for cell in line.split("|")[2:-1]]
        for line in text.splitlines()
        if line.startswith(f"| {tracker} |")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_tiny_pass_puts_us_through_every_scenario_and_finds_all_that_was_logged(tmp_path):
    files = "--out", tmp_path / "out.jsonl", "--data", tmp_path / "data"

    told = measured("peers", *"--here --only runfork --effort tiny".split(), *files)

    _, *lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {line["scenario"] for line in lines} == set(SCENARIOS)
    assert [line for line in lines if "error" in line or "error" in line.get("read", {})] == []
    read = [(line["steps"], line["read"]["right"]) for line in lines if "steps" in line]
    assert len(read) == 4
    assert all(logged == right > 0 for logged, right in read)
    (table,) = [line["read"] for line in lines if line["scenario"] == "table"]
    assert table["is_right"]
    assert "\n".join(told).count("### ") == len(SCENARIOS)


def test_a_tiny_pass_measures_what_charts_and_consoles_wait_for():
    sizes = "--charted 2 --points 500 --lines 4000 --streamed 2000 --rounds 1"

    told = "\n".join(measured("drawing", *sizes.split()))

    for what in ("2 runs x 500", "again", "has grown", "gaussian", "12 charts", "the end of 4000 lines", "a search"):
        assert what in told
    assert "2000 points as CSV" in told
    assert "MB" in told


@pytest.mark.skipif(sys.platform != "linux", reason="counts the time of processes")
def test_a_tiny_pass_measures_what_readers_wait_for(tmp_path):
    sizes = "--runs 5 --sessions 1 --large 5 --configs 8 --charted 2 --points 500 --metrics 20 --noise 2000 --rounds 1"

    told = "\n".join(measured("readers", *sizes.split(), "--data", tmp_path))

    for what in (
        "first listing",
        "again, new process",
        "long-lived",
        "filter and sort",
        "opened and closed",
        "brought in",
    ):
        assert what in told
    for what in ("1000 buckets of 2 runs", "a row of 20 metrics seen", "kB a run", "B a point"):
        assert what in told


def test_every_tracker_has_an_adapter_with_pinned_versions():
    for adapter in ADAPTERS:
        told = about(adapter)

        assert all("==" in one or one.startswith(".") for one in told.requirements)
        assert told.mode
        assert told.on_return
        assert not told.has_table or issubclass(adapter_class(adapter), TableTracker)


def test_percentiles_are_values_that_were_measured():
    assert [percentile([1, 2, 3, 4, 100], share) for share in (0, 0.5, 0.99, 1)] == [1, 3, 100, 100]


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), (0.0, "0"), (7, "7"), (1234567.8, "1,234,568"), (99.96, "100"), (9.996, "10.0"), (1.239, "1.24")],
)
def test_numbers_are_told_with_three_digits(number, text):
    assert short(number) == text


def test_the_size_of_a_folder_counts_files_at_every_depth(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "one").write_bytes(b"123")
    (tmp_path / "a" / "b" / "two").write_bytes(b"45")

    assert folder_bytes(tmp_path) == 5


def test_what_was_logged_is_told_from_what_was_not():
    names = metric_names(10)
    logged = [values_at(step, names)[names[9]] for step in range(5)]

    assert count_right(Points(range(5), logged), 9) == 5
    assert count_right(Points(range(5), [*logged[:4], 0.0]), 9) == 4
    assert count_right(Points([0, 0], [logged[0], logged[0]]), 9) == 1


def test_the_best_runs_pass_the_filter_and_come_in_order():
    rows = {row.run_id: row for row in table_rows(500)}

    best = [rows[run_id] for run_id in best_of(rows.values())]

    assert len(best) == 20
    assert all(row.configs["opt"] == "adam" and row.metrics["m1"] > 0.5 for row in best)
    assert best == sorted(best, key=lambda row: -row.metrics["m0"])
    assert all(len(row.configs) == 50 and len(row.metrics) == 10 for row in rows.values())


def test_a_table_shows_the_median_of_rounds_and_the_longest_call():
    rounds = [{"p50": 2.0, "p99": 5.0, "max": 10.0}, {"p50": 4.0, "p99": 7.0, "max": 300.0}]
    line = {"scenario": "calls", "metrics": 10, "load": 1.0}
    lines = [{**line, "tracker": "us", **one} for one in rounds] + [{**line, "tracker": "bare floor", **rounds[0]}]

    text = report(OPENING, lines)

    assert cells(text, "us")[-1] == ["- / - / -", "3.00 / 6.00 / 300", "- / - / -", "- / - / -", "1.50", "-"]


def test_a_table_says_how_many_steps_were_lost_and_what_failed():
    lost = {"steps": 100, "loop": 2.0, "read": {"steps": 90, "right": 90}}
    line = {"tracker": "us", "scenario": "killed", "load": 1.0}
    failed = {"pause": 0.003, "error": "Traceback\nValueError: no", "read": {}}

    text = report(OPENING, [{**line, "pause": 0.0, **lost}, {**line, **failed}])

    assert cells(text, "us")[-1] == ["10 of 100", "0.20", "-", "-"]
    assert "- us: ValueError: no" in text


def test_a_section_of_a_document_is_replaced_and_the_rest_stays(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n", encoding="utf-8")

    replace_section(page, "x", "new \\1\n")
    replace_section(page, "x", "newer \\1\n")

    assert page.read_text(encoding="utf-8") == "a\n<!-- x -->\n\nnewer \\1\n\n<!-- /x -->\nb\n"
    with pytest.raises(ValueError, match="one section <!-- y -->"):
        replace_section(page, "y", "")


def test_tables_have_a_rule_under_the_head():
    assert markdown_table(["", "a"], [["x", "1"]]) == "|  | a |\n| --- | ---: |\n| x | 1 |"


def test_the_first_run_of_a_process_is_told_apart_from_further_ones():
    text = runs_table([[[0.001, 0.1, 0.2], [0.001, 0.004, 0.005], [0.001, 0.002, 0.003]]])

    assert cells(text, "the first of a process") == [["1.00", "100", "100", "100", "200", "200"]]
    assert cells(text, "each further one") == [["1.00", "3.00", "2.00", "3.00", "4.00", "5.00"]]
