"""The lineage as a tree in the terminal."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from runfork.cli.drawing.tree import draw_tree
from runfork.index.memory import MemoryIndex
from runfork.reading.family import read_family
from runfork.testing.histories import EPOCH, HistoryWriter

SECOND = 1_000_000


def add_run(index, run_id, name=None, *, fork=None, steps=(), configs=None, at=0):
    writer = HistoryWriter(run_id, now=EPOCH + at * 1000 * SECOND).create(name, fork=fork).configs(configs or {})
    for step in steps:
        writer.metrics({"loss": 1.0}, step)
    index.apply(writer.batch())


def forked():
    """Return an index of three runs on a trunk, with a side branch of two that leaves its root."""
    index = MemoryIndex()
    add_run(index, "root", "gull", steps=range(0, 101, 10), configs={"lr": 0.1})
    add_run(index, "side", fork=("root", 50), steps=[60], configs={"lr": 0.3}, at=1)
    add_run(index, "side-2", fork=("side", 60), steps=[70], at=2)
    add_run(index, "middle", "gull", fork=("root", 80), steps=[90, 120], at=3)
    add_run(index, "head", "gull", fork=("middle", 90), steps=[100, 150], configs={"lr": 0.2, "new": 1}, at=4)
    return index


def drawn(index, focus="head", *, name: str | None = "gull", width=44, **options):
    lines = draw_tree(read_family(index, focus, experiment_name=name), width=width, **options)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_the_trunk_stays_in_its_column_and_branches_leave_it():
    starts = [line.split("  ")[0] for line in drawn(forked()) if any(symbol in line for symbol in "●○")]

    assert starts == ["● root", "├─○ side", "│ ○ side-2", "● middle", "● head"]


def test_a_lineage_of_a_hundred_forks_is_no_wider_than_one_of_two():
    index = MemoryIndex()
    add_run(index, "run-000", "gull")
    for at in range(1, 100):
        add_run(index, f"run-{at:03}", "gull", fork=(f"run-{at - 1:03}", at), at=at)

    lines = drawn(index, "run-099")

    assert len(lines) == 100
    assert all(line.startswith("● run-") for line in lines)


def test_each_line_tells_fork_step_and_what_is_kept_and_pruned():
    lines = drawn(forked(), width=200)

    assert "0\u201380, pruned to 100" in lines[0]
    assert "@80" in next(line for line in lines if "middle" in line)
    assert "@50  60" in next(line for line in lines if "side " in line)


def test_changes_stand_below_the_fork_beside_the_rails():
    lines = drawn(forked())

    assert lines[1:3] == ["├─○ side    @50  60", "│ │   lr: 0.1 → 0.3"]
    assert lines[-2:] == ["    lr: 0.1 → 0.2", "    + new = 1"]


def test_many_changes_are_cut_short_and_counted():
    index = forked()
    add_run(index, "last", "gull", fork=("head", 150), configs={f"c{at}": at for at in range(9)}, at=5)

    lines = drawn(index, "last")

    assert lines[-1] == "    and 5 more changes (--all-changes)"
    assert len(drawn(index, "last", shown_changes=None)) == len(lines) + 4


def test_one_change_more_is_shown_rather_than_counted():
    index = forked()
    add_run(index, "last", "gull", fork=("head", 150), configs={f"c{at}": at for at in range(5)}, at=5)

    assert drawn(index, "last", shown_changes=4) == drawn(index, "last", shown_changes=None)


def test_the_bar_draws_kept_pruned_and_the_fork():
    lines = drawn(forked(), width=120)

    root, head = lines[0], next(line for line in lines if line.startswith("● head"))
    assert root.endswith("╌")
    assert "━" in root
    assert head.rstrip().endswith("━")
    assert "◆" in head


def test_the_runs_of_a_sweep_keep_their_own_steps():
    index = MemoryIndex()
    for at in range(5):
        add_run(index, f"trial-{at}", "sweep", steps=[0, 10], at=at)

    lines = [line for line in drawn(index, "trial-4", name="sweep", width=120) if line]

    assert len(lines) == 5
    assert not any("pruned" in line or "╌" in line for line in lines)
    assert all("0\u201310" in line for line in lines)


def test_runs_without_points_are_drawn_where_they_forked():
    index = forked()
    add_run(index, "mistyped", "gull", fork=("middle", 90), at=6)

    assert any("○ mistyped" in line and "no points" in line for line in drawn(index))


def test_families_of_other_roots_are_set_apart():
    index = forked()
    add_run(index, "other", "gull", steps=[1], at=-1)

    lines = drawn(index)

    assert lines[lines.index("") + 1].startswith("○ other")


def test_a_pending_fork_says_that_its_parent_is_missing():
    index = MemoryIndex()
    add_run(index, "orphan", fork=("nobody", 7))

    assert "@7 of nobody, not here yet" in drawn(index, "orphan", name=None)[0]


def test_names_take_the_place_of_ids():
    assert drawn(forked(), names={"root": "short"})[0].startswith("● short")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    index = forked()
    add_run(index, "日本語の実行", "gull", fork=("head", 150), configs={"text": "長い" * 100, "x" * 300: 1}, at=6)

    assert max(map(cell_len, drawn(index, "日本語の実行", width=width))) <= width


def test_control_characters_move_no_cursor():
    index = MemoryIndex()
    add_run(index, "evil\x1b[2Jrun", "gull", configs={"a": "b\nc\rd"})
    add_run(index, "child", "gull", fork=("evil\x1b[2Jrun", 1), configs={"a": "x\x9b2Jy"}, at=1)

    text = "".join(drawn(index, "child", width=200))

    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in text)
