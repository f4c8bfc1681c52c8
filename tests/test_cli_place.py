"""Which data directory and project a command reads."""

from __future__ import annotations

import re

from tests.command_line import call, call_json

from runfork import Run

PROJECT = "tests/project"


def test_a_missing_data_directory_is_told_in_one_sentence(tmp_path):
    result = call("ls", "--dir", str(tmp_path / "nowhere"), exit_code=1)

    assert re.fullmatch(r"runfork: there is no data directory at '.*nowhere'; .*--dir\n", result.stderr)


def test_a_data_directory_that_is_a_file_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    result = call("ls", "--dir", str(tmp_path / "file"), exit_code=1)

    assert re.fullmatch(r"runfork: the data directory '.*file' is a file, .*; name another with --dir\n", result.stderr)


def test_the_only_project_is_read_if_none_was_asked_for(lineage, monkeypatch):
    monkeypatch.delenv("RUNFORK_PROJECT")

    assert call_json("ls")["project"] == PROJECT


def test_a_project_without_runs_names_those_that_have(lineage):
    with Run(None, project="other/things"):
        pass

    message = call("ls", "--project", "tests/projects", exit_code=1).stderr

    assert "'tests/projects' has no runs" in message
    assert "found 'other/things', 'tests/project'" in message
    assert message.rstrip().endswith("--project tests/project")


def test_the_default_project_without_runs_names_those_that_have(lineage, monkeypatch, tmp_path):
    monkeypatch.delenv("RUNFORK_PROJECT")
    monkeypatch.chdir(tmp_path)
    with Run(None, project="other/things"):
        pass

    assert "the default project 'local/" in call("ls", exit_code=1).stderr


def test_the_second_part_of_a_project_is_enough(lineage):
    assert call_json("ls", "--project", "project")["project"] == PROJECT
