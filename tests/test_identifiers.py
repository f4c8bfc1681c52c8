import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.identifiers import (
    check_experiment_name,
    check_project,
    check_run_id,
    directory_name,
    name_of_directory,
    new_run_id,
    new_writer_name,
)

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=300)


@pytest.mark.parametrize("project", ["local/digits", "a b/c d", "ä/ß", "a.b/c-d", "a~/b~"])
def test_two_words_with_a_slash_are_a_project(project):
    assert project == check_project(project)


@pytest.mark.parametrize("project", ["", "digits", "/", "a/", "/b", "a/b/c", " /b", "./..", "a/..", "a/\0"])
def test_a_project_without_exactly_one_slash_between_names_is_refused(project):
    said = (
        "project must have the form 'workspace/project' with exactly one slash, found "
        + repr(project)
        + "; pass for example project='local/"
    )

    with pytest.raises(ArgumentError, match=re.escape(said)):
        check_project(project)


def test_the_example_in_the_message_uses_the_name_that_was_meant():
    with pytest.raises(ArgumentError, match="project='local/digits'"):
        check_project("digits")


@pytest.mark.parametrize("project", ["a/\ud800", "a/" + "b" * 731, "ä" * 366 + "/b"])
def test_a_project_that_cannot_be_stored_is_refused(project):
    with pytest.raises(ArgumentError, match="lone surrogate|may have 730 bytes"):
        check_project(project)


@pytest.mark.parametrize("value", [None, 1, b"a/b", ["a/b"]])
def test_names_are_strings(value):
    with pytest.raises(ArgumentTypeError, match="project must be a string"):
        check_project(value)
    with pytest.raises(ArgumentTypeError, match="run_id must be a string, found "):
        check_run_id(value)
    with pytest.raises(ArgumentTypeError, match="experiment_name must be a string"):
        check_experiment_name(value)


def test_a_run_id_has_no_slash_and_the_message_offers_one_without():
    with pytest.raises(ArgumentError, match="^run_id must not contain '/', found 'a/b'; use 'a-b' instead$"):
        check_run_id("a/b")


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_an_empty_name_is_refused(name):
    with pytest.raises(ArgumentError, match="^run_id must not be empty, found .*; leave it out to have one chosen$"):
        check_run_id(name)
    with pytest.raises(ArgumentError, match="^fork_run_id must not be empty, found .*; pass the run id of the parent$"):
        check_run_id(name, "fork_run_id")
    with pytest.raises(ArgumentError, match="^experiment_name must not be empty, found .*; leave it out"):
        check_experiment_name(name)


@pytest.mark.parametrize("name", ["x" * 731, "ä" * 366, "a\0b"])
def test_a_name_that_is_too_long_or_has_nul_is_refused(name):
    with pytest.raises(ArgumentError, match="^run_id may have 730 bytes and no NUL, found .* bytes in '"):
        check_run_id(name)


def test_a_name_with_a_lone_surrogate_is_refused():
    with pytest.raises(ArgumentError, match="must be valid text"):
        check_run_id("a\ud800")


def test_experiment_names_may_be_anything_else():
    assert check_experiment_name("a/b, c: d & e | f") == "a/b, c: d & e | f"


def test_new_run_ids_are_readable_valid_and_different():
    made = {new_run_id() for _ in range(200)}

    assert len(made) == 200
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{17}-[a-z0-9]{5}", check_run_id(run_id)) for run_id in made)


@given(st.lists(st.integers(0, 4 * 10**15), min_size=2, max_size=5))
def test_writer_names_sort_by_start(moments):
    names = [new_writer_name(created=moment, host="h", pid=1)[:22] for moment in sorted(moments)]

    assert names == sorted(names)


@pytest.mark.parametrize("host", ["node-01.cluster.local", "", "Ünï/cödé", "x" * 500, "../.."])
def test_writer_names_are_safe_file_names(host):
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,120}", new_writer_name(created=0, host=host, pid=42))


@given(NAMES)
def test_a_directory_name_is_one_safe_component(name):
    made = directory_name(name)

    assert re.fullmatch(r"[A-Za-z0-9_. ()+,=@%~-]{1,200}", made)
    assert not made.startswith(".")
    assert not made.endswith((".", " "))


@given(NAMES, NAMES)
def test_different_names_have_different_directories(one, other):
    assert (one == other) == (directory_name(one) == directory_name(other))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=15))
def test_a_directory_gives_the_name_back(name):
    assert name == name_of_directory(directory_name(name))


def test_a_shortened_directory_gives_the_beginning_of_the_name_back():
    name = "ä" * 300

    assert name.startswith(name_of_directory(directory_name(name)).rstrip("�"))


@pytest.mark.parametrize(
    ("name", "directory"), [(".index", "%2Eindex"), ("a.", "a%2E"), ("a/b", "a%2Fb"), ("..", "%2E%2E")]
)
def test_names_that_mean_something_to_file_systems_are_quoted(name, directory):
    assert directory == directory_name(name)
