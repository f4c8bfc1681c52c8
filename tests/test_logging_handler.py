from __future__ import annotations

import logging
import sys
import threading

import pytest

from runfork import Run
from runfork.errors import ArgumentError
from runfork.journal.format import Kind
from runfork.journal.reader import JournalReader
from runfork.writing.logging_handler import RunforkLoggingHandler


@pytest.fixture
def run():
    run = Run(source_tracking_config=None)
    yield run
    run.close()


@pytest.fixture
def logger():
    logger = logging.getLogger("test_logging_handler")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)


def points(run: Run, path: str = "runtime/logs") -> list[tuple[int, str]]:
    """Return (micro-step, text) of a string series as the run's journal holds it."""
    journal = run.status.journal
    assert journal is not None
    batch = JournalReader(journal).read()
    assert batch is not None
    found = []
    for record in batch.records:
        if record.kind is Kind.STRINGS and path in record.body:
            assert record.clock_axis
            value = record.body[path]
            lines = value if isinstance(value, list) else [value]
            found += [(record.step + place, line) for place, line in enumerate(lines)]
    return found


def texts(run: Run, path: str = "runtime/logs") -> list[str]:
    return [text for _, text in points(run, path)]


def test_record_is_in_the_journal_when_the_call_returns(run: Run, logger: logging.Logger) -> None:
    handler = RunforkLoggingHandler(run=run)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.info("loss is %s", 0.3)

    assert ["INFO loss is 0.3"] == texts(run)


def test_record_stands_at_the_time_it_was_made(run: Run, logger: logging.Logger) -> None:
    logger.addHandler(RunforkLoggingHandler(run=run))
    record = logger.makeRecord(logger.name, logging.INFO, __file__, 1, "hello", (), None)
    logger.handle(record)

    assert [(round(record.created * 1_000_000), "hello")] == points(run)


def test_lines_of_a_record_are_points_of_their_own(run: Run, logger: logging.Logger) -> None:
    logger.addHandler(RunforkLoggingHandler(run=run))
    logger.error("first\n\nthird")
    logger.error("fourth")

    steps = [step for step, _ in points(run)]
    assert ["first", "", "third", "fourth"] == texts(run)
    assert steps == sorted(set(steps))


def test_traceback_is_kept(run: Run, logger: logging.Logger) -> None:
    logger.addHandler(RunforkLoggingHandler(run=run))
    empty: dict[str, int] = {}
    try:
        empty["missing"]
    except KeyError:
        logger.exception("failed")

    assert "KeyError: 'missing'" == texts(run)[-1]


def test_level_and_filters_are_heeded(run: Run, logger: logging.Logger) -> None:
    handler = RunforkLoggingHandler(run=run, level="WARNING")
    handler.addFilter(lambda record: "secret" not in record.getMessage())
    logger.addHandler(handler)
    logger.info("too low")
    logger.warning("secret")
    logger.warning("taken")

    assert ["taken"] == texts(run)


def test_path_can_be_chosen(run: Run, logger: logging.Logger) -> None:
    logger.addHandler(RunforkLoggingHandler(run=run, attribute_path="logs/train"))
    logger.info("x")

    assert ["x"] == texts(run, "logs/train")


def test_path_that_cannot_be_is_refused(run: Run) -> None:
    with pytest.raises(ArgumentError, match="1024 bytes"):
        RunforkLoggingHandler(run=run, attribute_path="x" * 2000)


def test_long_line_is_cut_between_characters(run: Run, logger: logging.Logger) -> None:
    logger.addHandler(RunforkLoggingHandler(run=run))
    logger.info("é" * 600_000)

    assert [1024 * 1024, 1_200_000 - 1024 * 1024] == [len(text.encode()) for text in texts(run)]


def test_record_that_cannot_be_formatted_does_not_raise(
    run: Run, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = RunforkLoggingHandler(run=run)
    for message in ("%d", "next %s"):
        handler.handle(logger.makeRecord(logger.name, logging.INFO, __file__, 1, message, ("one",), None))

    assert ["next one"] == texts(run)
    assert "Logging error" in capsys.readouterr().err


def test_records_after_the_run_was_closed_are_let_go(run: Run, logger: logging.Logger) -> None:
    logger.addHandler(RunforkLoggingHandler(run=run))
    logger.info("before")
    run.close()
    logger.info("after")

    assert ["before"] == texts(run)
    assert 0 == run.status.dropped_values


def test_record_made_while_a_record_is_handled_does_not_recurse(run: Run, logger: logging.Logger) -> None:
    class Chatty(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            logger.info("formatting")
            return super().format(record)

    handler = RunforkLoggingHandler(run=run)
    handler.setFormatter(Chatty())
    logger.addHandler(handler)
    logger.info("once")

    assert ["once"] == texts(run)


def test_threads_lose_no_record(run: Run, logger: logging.Logger) -> None:
    logger.addHandler(RunforkLoggingHandler(run=run))

    def chatter(name: int) -> None:
        for number in range(100):
            logger.info("%d:%d", name, number)

    threads = [threading.Thread(target=chatter, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = points(run)
    assert {f"{name}:{number}" for name in range(4) for number in range(100)} == {text for _, text in found}
    assert 400 == len({step for step, _ in found})


def test_logging_by_the_holder_of_the_runs_lock_does_not_deadlock(run: Run, logger: logging.Logger) -> None:
    handler = RunforkLoggingHandler(run=run)
    logger.addHandler(handler)
    handler.acquire()
    thread = threading.Thread(target=logger.info, args=("x",), daemon=True)
    thread.start()
    thread.join(10)
    handler.release()

    assert ["x"] == texts(run)


def test_run_exports_the_handler() -> None:
    import runfork

    assert runfork.RunforkLoggingHandler is sys.modules[RunforkLoggingHandler.__module__].RunforkLoggingHandler
