"""What a long-lived reader tells of changes, and how a second thread reads beside the one that drains."""

import shutil
from typing import Any

import pytest

from runfork import Run
from runfork.index.interface import StaleIndexError, UnusableIndexError
from runfork.reading.project import Project


def make(run_id: str, **kwargs: Any) -> Run:
    return Run(run_id=run_id, source_tracking_config=None, **kwargs)


@pytest.fixture(params=[None, "memory://"], ids=["sqlite", "memory"])
def project(request, data_directory):
    make("a").close()
    make("b").close()
    with Project.open(index_uri=request.param) as opened:
        opened.refresh()
        opened.take_changed()
        yield opened


def test_a_new_reader_cannot_tell_what_changed(data_directory):
    make("a").close()
    with Project.open() as project:
        project.refresh()

        assert project.take_changed() is None
        assert project.take_changed() == set()


def test_nothing_has_changed_where_nothing_was_written(project):
    project.refresh()

    assert project.take_changed() == set()


def test_a_run_that_logs_and_one_that_is_new_have_changed(project):
    with make("a") as again, make("c"):
        again.log_metrics({"loss": 1.0}, step=1)
        project.refresh()

        assert project.take_changed() == {"a", "c"}


def test_a_run_whose_state_alone_is_another_has_changed(project):
    run = make("c")
    project.refresh()
    project.take_changed()
    run.close()
    project.refresh()

    assert project.take_changed() == {"c"}


def test_a_run_that_was_deleted_has_changed(project):
    shutil.rmtree(project.store.run_directory(project.name, "a"))
    project.refresh()

    assert project.take_changed() == {"a"}
    assert set(project.index.nodes()) == {"b"}


def test_what_another_reader_brought_in_has_changed(project):
    with make("a") as again, make("c"), Project.open() as other:
        again.log_metrics({"loss": 1.0}, step=1)
        other.refresh()
        project.refresh()

    assert project.take_changed() == {"a", "c"}


def test_a_project_opened_beside_sees_what_was_brought_in(data_directory):
    make("a").close()
    with Project.open() as project, project.open_beside() as beside:
        before = set(beside.index.nodes())
        project.refresh()

        assert (before, set(beside.index.nodes())) == (set(), {"a"})


def test_what_is_kept_in_memory_cannot_be_opened_beside(data_directory):
    with Project.open() as project:
        assert not project.is_shared
        with pytest.raises(UnusableIndexError, match="is kept in memory, and cannot be opened twice"):
            project.open_beside()


def test_an_index_that_was_replaced_is_given_up_by_all_that_read_it(data_directory):
    make("a").close()
    with Project.open() as project, project.open_beside() as beside:
        project.refresh()
        shutil.rmtree(data_directory / ".index")
        make("b").close()
        with Project.open() as other:
            other.refresh()

            with pytest.raises(StaleIndexError, match="deleted or replaced"):
                beside.index.nodes()
            project.refresh()
            with project.open_beside() as anew:
                assert set(anew.index.nodes()) == set(project.index.nodes()) == {"a", "b"}
