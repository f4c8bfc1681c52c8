import threading

import pytest

from runfork.errors import LoggingError, RunforkWarning
from runfork.writing.problems import MAX_SENTENCES, Problems


def test_a_cause_is_told_once_and_counted_every_time(recwarn):
    problems = Problems(raises=False)
    for _ in range(3):
        problems.drop("a", "a was dropped", count=2)

    assert [str(warning.message) for warning in recwarn] == ["a was dropped (told once; further ones are counted)"]
    assert problems.dropped_values == 6


def test_warnings_name_the_line_that_called_runfork():
    with pytest.warns(RunforkWarning) as caught:
        Problems(raises=False).warn("a", "sentence")

    assert caught[0].filename == __file__


def test_raising_is_for_values_only():
    problems = Problems(raises=True)
    with pytest.raises(LoggingError, match="^a was dropped$"):
        problems.drop("a", "a was dropped")
    with pytest.warns(RunforkWarning, match="^decided$"):
        problems.warn("b", "decided")
    problems.tell("c", "the disk")

    assert problems.sentences == ("decided", "the disk")


def test_what_the_environment_does_goes_to_the_logger(caplog, recwarn):
    problems = Problems(raises=False)
    problems.tell("disk", "the disk is full")
    problems.tell("disk", "the disk is still full")

    assert [record.getMessage() for record in caplog.records] == ["runfork: the disk is full"]
    assert list(recwarn) == []


def test_what_was_noted_is_told_later_and_stands_in_the_sentences_at_once(caplog):
    problems = Problems(raises=False)
    problems.note("a", "first")
    problems.note("a", "again")
    before = list(caplog.records)
    problems.tell_noted()
    problems.tell_noted()

    assert (before, problems.sentences) == ([], ("first",))
    assert [record.getMessage() for record in caplog.records] == ["runfork: first"]


def test_only_so_many_causes_are_remembered(recwarn):
    problems = Problems(raises=False)
    for number in range(MAX_SENTENCES + 50):
        problems.drop(f"cause {number}", f"sentence {number}")

    assert len(problems.sentences) == len(recwarn) == MAX_SENTENCES
    assert problems.dropped_values == MAX_SENTENCES + 50


def test_counting_from_many_threads_is_exact():
    problems = Problems(raises=False)
    problems.note("a", "known")

    def drop():
        for _ in range(1000):
            problems.drop("a", "x")

    threads = [threading.Thread(target=drop) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems.dropped_values == 8000
