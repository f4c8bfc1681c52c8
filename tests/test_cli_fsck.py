"""``runfork fsck``: every kind of problem is found, explained, and repaired where that gives up nothing."""

import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
from itertools import pairwise
from zlib import crc32

import pytest
from tests.command_line import call
from tests.run_records import change_header, leave_open_elsewhere, plain_settings

from runfork.disk.layout import Store, journals_of
from runfork.journal.format import FLAGS_TIMES, MAGIC, Kind, encode_frame
from runfork.journal.header import read_identity
from runfork.model.steps import NO_STEP
from runfork.reading.project import Project
from runfork.testing.journals import points_of

SWAN = """
from runfork import Run
with Run("swan", run_id="swan") as run:
    run.assign_files({"weights": b"12345"})
    for step in range(500):
        run.log_metrics({"loss": 1 / (step + 1), "acc": step / 500}, step=step)
"""


@pytest.fixture(scope="module")
def swan(tmp_path_factory):
    """The data directory of a run whose process has ended: 500 steps of two metrics, and a file."""
    directory = tmp_path_factory.mktemp("swan") / "data"
    settings = plain_settings(directory)
    subprocess.run([sys.executable, "-c", SWAN], cwd=directory.parent, env={**os.environ, **settings}, check=True)
    return directory


@pytest.fixture
def folder(data_directory, swan):
    """The folder of a copy of that run."""
    shutil.copytree(swan, data_directory)
    return data_directory / "tests" / "project" / "swan"


@pytest.fixture
def journal(folder):
    (path,) = journals_of(folder)
    return path


def fsck(*arguments, exit_code=0):
    return call("fsck", *arguments, exit_code=exit_code).stdout


def document(*arguments, exit_code=0):
    return json.loads(fsck("--json", *arguments, exit_code=exit_code))


def the_problem(*arguments, exit_code=0):
    (problem,) = document(*arguments, exit_code=exit_code)["problems"]
    return problem


def change(path, at, new):
    data = bytearray(path.read_bytes())
    data[at : at + len(new)] = new
    path.write_bytes(data)


def refreshed(directory):
    with Project.open(directory=directory) as project:
        project.refresh()
        return project.index.writers()


# What is told


def test_a_live_journal_may_end_within_a_record(lineage):
    (journal,) = (lineage / "tests" / "project" / "root").glob("*.journal")
    journal.write_bytes(journal.read_bytes()[:-5])

    assert document()["problems"] == []


def test_sound_journals_have_no_problem(lineage):
    found = document()

    assert found["problems"] == []
    assert (found["journals"], found["files"]) == (3, 1)
    assert found["points"] == 11 * 2 + 6 + 1


def test_what_was_skipped_is_told_and_nothing_is_changed(lineage):
    (journal,) = (lineage / "tests" / "project" / "root").glob("*.journal")
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 0xFF
    journal.write_bytes(data)

    told = fsck(exit_code=1)

    assert f"tests/project/root/{journal.name}" in told
    assert re.search(r"\d+ bytes at offset \d+ were skipped: ", told)
    assert journal.read_bytes() == data


def test_a_journal_that_was_cut_is_told_and_is_no_loss(data_directory, run_script):
    run_script("from runfork import Run\nRun(run_id='gone').close()")
    (journal,) = (data_directory / "tests" / "project" / "gone").glob("*.journal")
    journal.write_bytes(journal.read_bytes()[:-5])

    (problem,) = document()["problems"]

    assert "ends within a record" in problem["reason"]
    assert not problem["is_loss"]


def test_files_that_are_gone_or_changed_are_told(lineage):
    (kept,) = (lineage / "tests" / "project" / "head" / "files").iterdir()
    kept.chmod(0o644)
    kept.write_bytes(b"54321")

    assert document()["problems"] == []
    assert "not those that were logged" in document("--contents", exit_code=1)["problems"][0]["reason"]

    kept.unlink()
    assert "not there" in document(exit_code=1)["problems"][0]["reason"]


def test_damage_is_told_with_the_run_the_steps_and_what_to_do(folder, journal):
    change(journal, 12000, bytes(1000))
    text = fsck(exit_code=1)
    problem = the_problem(exit_code=1)
    steps = [step for step, _ in points_of(folder, "loss")]
    before, after = next((one, two) for one, two in pairwise(steps) if two > one + 1)

    assert f"lost: records of run 'swan', between steps {before} and {after}\n" in text
    assert "to do: nothing but a copy of the file brings them back; 'runfork fsck --repair'" in text
    assert (problem["kind"], problem["run_id"], problem["is_loss"]) == ("damage", "swan", True)
    assert problem["loss"]["steps"] == [before, after]


def test_a_loss_before_the_first_step_is_told_by_time(journal):
    data = journal.read_bytes()
    change(journal, data.index(b"sys/custom_run_id"), b"#")
    text = fsck(exit_code=1)

    assert re.search(r"lost: records of run 'swan', before step 0, between \d{4}-", text)


def test_a_damaged_header_is_told_as_no_loss(journal):
    change(journal, 20, b"\0")
    problem = the_problem()

    assert (problem["kind"], problem["is_loss"], problem["run_id"]) == ("header", False, "swan")
    assert "its first record, its folder and its name" in problem["reason"]


def test_a_header_that_took_the_first_records_with_it_is_a_loss(journal):
    change(journal, 0, bytes(700))

    assert (the_problem(exit_code=1)["kind"], the_problem(exit_code=1)["run_id"]) == ("header", "swan")


def test_rows_whose_names_are_lost_are_told(journal):
    data = bytearray(journal.read_bytes())
    while b"loss\0acc" in data:
        data[data.index(b"loss\0acc")] = 0
    journal.write_bytes(data)
    problems = document(exit_code=1)["problems"]

    assert "names" in {problem["kind"] for problem in problems}
    assert any(re.match(r"rows of schema \d+, whose paths are lost", problem["reason"]) for problem in problems)


def test_garbage_at_the_end_is_told_from_a_record_that_is_not_whole(journal):
    data = journal.read_bytes()
    journal.write_bytes(data + b"garbage " * 10)
    garbage = the_problem(exit_code=1)
    journal.write_bytes(data[:-3])
    torn = the_problem()

    assert (garbage["kind"], garbage["offset"], garbage["length"]) == ("damage", len(data), 80)
    assert (torn["kind"], torn["is_loss"]) == ("tail", False)


def test_a_few_stray_bytes_are_no_loss(journal):
    data = journal.read_bytes()
    header = read_identity(journal)
    assert header is not None
    record = encode_frame(Kind.HEARTBEAT, b"{}", time=0, step=NO_STEP, schema=header[0]["tag"])
    journal.write_bytes(data + b"stray" + record)

    assert (the_problem()["kind"], the_problem()["length"]) == ("stray", 5)


def test_an_empty_journal_is_told(folder):
    (folder / "0.journal").write_bytes(b"")
    (folder / "1.journal").write_bytes(MAGIC + b"\1")
    kinds = [(problem["kind"], problem["reason"][:29]) for problem in document()["problems"]]

    assert kinds == [("empty", "the journal is empty: its pro"), ("empty", "the journal ends within its h")]


def test_what_is_no_journal_inside_is_told(folder):
    (folder / "x.journal").write_bytes(b"something else entirely")

    assert "not a runfork journal" in the_problem(exit_code=1)["reason"]


@pytest.mark.parametrize("what", ["folder", "pipe", "link"])
def test_what_only_has_the_name_of_a_journal_is_told(folder, what):
    path = folder / "0.journal"
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "link": lambda: path.symlink_to("nowhere")}[what]()

    assert "named like a journal, and is none" in the_problem(exit_code=1)["reason"]


def test_a_journal_of_a_newer_version_says_to_upgrade(folder):
    checksum = crc32(struct.pack("<HH", 3, 2) + b"{}")
    (folder / "0.journal").write_bytes(struct.pack("<8sHHI", MAGIC, 3, 2, checksum) + b"{}")

    assert "upgrade runfork" in the_problem(exit_code=1)["reason"]


def test_a_journal_in_the_wrong_place_is_told_and_where_it_belongs(folder, data_directory):
    folder.rename(folder.with_name("another"))
    problem = the_problem()

    assert (problem["kind"], problem["is_loss"]) == ("misplaced", False)
    assert "by its header it is tests/project/swan/" in problem["reason"]


def test_a_copy_of_a_journal_is_told(folder, journal):
    (folder / "copy.journal").write_bytes(journal.read_bytes())
    problem = the_problem()

    assert (problem["kind"], problem["path"]) == ("copy", "tests/project/swan/copy.journal")


def test_files_that_nobody_needs_are_noted_and_are_no_problem(folder):
    (folder / "files" / ".part-x").write_bytes(b"half")
    (folder / "files" / ("0" * 64)).write_bytes(b"whole")
    found = document()

    assert found["problems"] == []
    assert [note["path"].rpartition("/")[2] for note in found["notes"]] == [".part-x", "0" * 64]
    assert "note: tests/project/swan/files/.part-x: part of a file" in fsck()


def test_a_damaged_index_is_told_and_repaired(data_directory, folder):
    refreshed(data_directory)
    path = Store(data_directory).index_path("tests/project")
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xa5" * len(data[8192:])
    path.write_bytes(data)

    assert (the_problem()["kind"], the_problem()["is_loss"]) == ("index", False)
    assert document("--repair")["problems"] == []
    assert not path.exists()
    assert [writer.key.run_id for writer in refreshed(data_directory).values()] == ["swan"]


def test_what_lies_in_the_place_of_the_index_and_is_none_is_told_and_never_deleted(data_directory, folder):
    path = Store(data_directory).index_path("tests/project")
    assert path is not None
    path.parent.mkdir(parents=True)
    path.write_text("dear diary")

    assert (the_problem()["kind"], the_problem()["is_loss"]) == ("foreign", False)
    assert "is not an index of runfork and was left as it is" in the_problem()["reason"]
    assert document("--repair")["problems"] == document()["problems"]
    assert path.read_text() == "dear diary"


def test_an_index_that_knows_more_than_the_journals_is_no_problem_readers_bring_it_up_to_date(
    data_directory, folder, journal
):
    refreshed(data_directory)
    journal.rename(data_directory / "elsewhere")

    assert document()["problems"] == []
    assert refreshed(data_directory) == {}


# What is repaired


def test_a_repair_leaves_no_damage_and_keeps_the_original(folder, journal):
    change(journal, 12000, bytes(1000))
    change(journal, 20, b"\0")
    damaged = journal.read_bytes() + b"garbage"
    journal.write_bytes(damaged)
    before = points_of(folder, "loss")
    text = fsck("--repair")

    assert "repaired tests/project/swan/" in text
    assert text.endswith("no damage\n")
    assert points_of(folder, "loss") == before
    assert journal.with_name(f"{journal.name}.damaged-1").read_bytes() == damaged
    assert f"note: tests/project/swan/{journal.name}.damaged-1: the damaged original" in fsck()
    assert document()["problems"] == []


def test_a_repair_says_in_json_what_it_did(journal):
    change(journal, 12000, bytes(1000))
    found = document("--repair")
    (repaired,) = found["repairs"]["journals"]

    assert found["problems"] == []
    assert [problem["kind"] for problem in found["repairs"]["problems"]] == ["damage"]
    assert (repaired["kept"], repaired["filled"] >= 1000) == (f"{repaired['path']}.damaged-1", True)


def test_a_second_repair_keeps_a_second_original(folder, journal):
    for number in (1, 2):
        change(journal, 5000 * number, bytes(100))
        fsck("--repair")

    assert [path.suffix for path in sorted(folder.glob("*.damaged-*"))] == [".damaged-1", ".damaged-2"]


def test_a_sound_directory_is_left_as_it_is(data_directory, folder):
    refreshed(data_directory)
    index = Store(data_directory).index_path("tests/project")
    assert index is not None
    before = {path: path.stat().st_mtime_ns for path in [index, *folder.rglob("*")]}
    fsck("--repair")

    assert {path: path.stat().st_mtime_ns for path in [index, *folder.rglob("*")]} == before


def test_a_journal_whose_process_lives_is_not_repaired(data_directory, start_script):
    process = start_script(
        """
        from runfork import Run
        run = Run("live", run_id="live")
        for step in range(100):
            run.log_metrics({"loss": 1.0}, step=step)
        print("ready", flush=True)
        input()
        """
    )
    assert process.stdout.readline() == "ready\n"
    (journal,) = journals_of(data_directory / "tests" / "project" / "live")
    change(journal, 2000, bytes(100))
    text = fsck("--repair", exit_code=1)
    process.kill()
    process.wait()

    assert f"not repaired tests/project/live/{journal.name}: its process lives" in text
    assert fsck("--repair").endswith("no damage\n")


def test_a_journal_whose_process_cannot_be_seen_is_noted_and_not_repaired_for_an_hour(folder, journal):
    leave_open_elsewhere(journal)
    change(journal, 2000, bytes(100))
    (note,) = document(exit_code=1)["notes"]
    refused = fsck("--repair", exit_code=1)
    os.utime(journal, (0, journal.stat().st_mtime - 3601))

    assert note["reason"].startswith(
        "its process, on host 'else', cannot be seen from here, and wrote less than an hour ago"
    )
    assert f"not repaired tests/project/swan/{journal.name}" in refused
    assert fsck("--repair").endswith("no damage\n")


def test_what_interrupted_processes_left_is_deleted(folder, journal):
    left = [folder / "files" / ".part-x", folder / f".{journal.name}.repair-x"]
    for path in left:
        path.write_bytes(b"half")
    fsck("--repair")

    assert [path for path in left if path.exists()] == []


def test_a_header_that_does_not_say_whose_the_journal_is_is_written_anew(folder, journal):
    before = points_of(folder, "loss")
    change_header(journal, created="yesterday")
    (problem,) = document()["problems"]
    fsck("--repair")

    assert (problem["kind"], problem["is_loss"]) == ("header", False)
    assert document()["problems"] == []
    assert points_of(folder, "loss") == before


def test_a_header_that_is_written_anew_says_still_which_process_wrote_it(folder, journal):
    def process():
        header = read_identity(journal)
        assert header is not None
        return [header[0].get(name) for name in ("host", "pid", "boot_id", "process_start", "rank", FLAGS_TIMES)]

    before = process()
    change(journal, journal.read_bytes().index(b'"writer":"') + len('"writer":"'), b"\xff")
    assert the_problem()["kind"] == "header"
    fsck("--repair")

    assert process() == before


def test_what_cannot_be_repaired_stays_a_loss(folder, journal):
    (folder / "files").joinpath(*[path.name for path in (folder / "files").iterdir()]).unlink()
    text = fsck("--repair", exit_code=1)

    assert text.endswith("1 problem left; no repair brings back what is gone; everything else can be read\n")
