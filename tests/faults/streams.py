"""Things that programs do to their standard streams, done before, while and after a run is open: a script, and its scenarios.

``python streams.py OUT NAME ...`` does each scenario in a process of its own (made by ``os.fork()``, which is quick), once with a
run and once without, and appends a line of JSON to OUT for each: what every way of printing did.
"""

import contextlib
import gc
import importlib
import io
import itertools
import json
import logging
import os
import sys
import warnings
from pathlib import Path

PLACES = ("before", "while", "after")
_COUNTER = itertools.count()


class OnlyWrite:
    """As little of a stream as ``print`` needs."""

    def __init__(self):
        self.texts = []

    def write(self, text):
        self.texts.append(text)


class NoFlush(OnlyWrite):
    def flush(self):
        raise RuntimeError("no flush")


class NoWrite(OnlyWrite):
    def write(self, text):
        raise RuntimeError("no write")

    def flush(self):
        pass


class NoAttributes:
    """A stream that raises where others say AttributeError."""

    def write(self, text):
        return len(text)

    def __getattr__(self, name):
        raise RuntimeError(name)


class Wrapper:
    """Stands before a stream, as colorama's and notebooks' do."""

    def __init__(self, stream):
        self.wrapped = stream

    def write(self, text):
        self.wrapped.write(text.upper())

    def __getattr__(self, name):
        return getattr(self.wrapped, name)


def close():
    sys.stdout.close()


def close_errors():
    sys.stderr.close()


def close_descriptor():
    os.close(1)


def close_all_descriptors():
    for number in range(3):
        os.close(number)


def no_stream():
    sys.stdout = None


def no_streams():
    sys.stdout = sys.stderr = None


def delete():
    del sys.stdout


def in_memory():
    sys.stdout = io.StringIO()


def only_write():
    sys.stdout = OnlyWrite()


def only_write_errors():
    sys.stderr = OnlyWrite()


def cannot_flush():
    sys.stdout = NoFlush()
    logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))


def cannot_write():
    sys.stdout = NoWrite()


def cannot_write_errors():
    sys.stderr = NoWrite()


def no_attributes():
    sys.stdout = NoAttributes()


def wrap():
    sys.stdout = Wrapper(sys.stdout)


def rewrap():
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)


def detach():
    sys.stdout.detach()  # type: ignore[union-attr]


def reconfigure():
    sys.stdout.reconfigure(encoding="ascii", errors="strict")  # type: ignore[union-attr]


def redirect():
    contextlib.redirect_stdout(io.StringIO()).__enter__()


def original():
    sys.stdout = sys.__stdout__


def full():
    sys.stdout = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115  it stays open


def full_descriptor():
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def broken_pipe():
    reader, writer = os.pipe()
    os.close(reader)
    sys.stdout = os.fdopen(writer, "w")


def raising_handler():
    class Handler(logging.Handler):
        def emit(self, record):
            raise RuntimeError("no log")

    logging.getLogger("runfork").addHandler(Handler())


SCENARIOS = (
    close, close_errors, close_descriptor, close_all_descriptors, no_stream, no_streams, delete, in_memory, only_write,
    only_write_errors, cannot_flush, cannot_write, cannot_write_errors, no_attributes, wrap, rewrap, detach, reconfigure, redirect,
    original, full, full_descriptor, broken_pipe, raising_handler,
)  # fmt: skip


def ways_of_printing():
    """Yield (name, function) of what programs do with their streams."""
    yield "print", lambda: print("line")
    yield "print non-ASCII", lambda: print("жук")
    yield "print and flush", lambda: print("part", end="", flush=True)
    yield "write", lambda: sys.stdout.write("text\n")
    yield "writelines", lambda: sys.stdout.writelines(["a\n", "b\n"])
    yield "isatty", lambda: sys.stdout.isatty()  # noqa: PLW0108  asked of the stream that is there then
    yield "fileno", lambda: sys.stdout.fileno()  # noqa: PLW0108  asked of the stream that is there then
    yield "encoding", lambda: sys.stdout.encoding
    yield "closed", lambda: sys.stdout.closed
    yield "print errors", lambda: print("line", file=sys.stderr)
    yield "warn", lambda: warnings.warn(f"warning {next(_COUNTER)} of the program", stacklevel=1)  # else told once
    yield "flush", lambda: sys.stdout.flush()  # noqa: PLW0108  asked of the stream that is there then


def outcomes():
    return [[name, outcome_of(way)] for name, way in ways_of_printing()]


def outcome_of(way):
    try:
        way()
    except BaseException as error:
        return type(error).__name__
    return "ok"


class Training:
    """A program that prints, and logs if it has a run."""

    def __init__(self, has_run, run_id):
        self.has_run = has_run
        self.run_id = run_id
        self.run = None
        self.ours = []

    def open(self):
        if self.has_run:
            from runfork import Run

            self.run = self.attempt(lambda: Run(run_id=self.run_id, source_tracking_config=None))

    def log(self, step):
        run = self.run
        if run is not None:
            self.attempt(lambda: run.log_metrics({"a": step}, step=step))
            self.attempt(lambda: run.log_metrics({"b": "no number"}, step=step))
            self.attempt(lambda: run.log_configs({"c": step}))
            self.attempt(lambda: run.assign_files({"no": "/no/such/file"}))
            self.attempt(lambda: run.problems.tell(f"{step}", "something about the disk"))

    def close(self):
        if self.run is not None:
            self.attempt(self.run.close)

    def attempt(self, call):
        """Note what runfork raises: nothing may."""
        try:
            return call()
        except BaseException as error:
            self.ours.append(repr(error))


def train(scenario, place, *, has_run, run_id):
    training = Training(has_run, run_id)
    found = []
    for number, now in enumerate(PLACES):
        if place == now:
            scenario()
        training.log(number)
        found.append(outcomes())
        if now == "before":
            training.open()
        elif now == "while":
            training.close()
    return {"printing": found, "ours": training.ours}


def main():
    out, *names = sys.argv[1:]
    import runfork.capture.console
    import runfork.plugins
    import runfork.writing
    from runfork.testing.warm import RUN_MODULES

    for module in RUN_MODULES:
        importlib.import_module(module)
    runfork.plugins.load_plugins(built_in=runfork.writing.BUILT_IN)  # once, before the forks
    gc.freeze()  # what is here at the end of each child need not be copied to be looked through
    chosen = [scenario for scenario in SCENARIOS if scenario.__name__ in names]
    for scenario, place, has_run in itertools.product(chosen, PLACES, (True, False)):
        name = f"{scenario.__name__}-{place}"
        child = os.fork()
        if child == 0:
            told = train(scenario, place, has_run=has_run, run_id=name)
            with Path(out).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"scenario": name, "has_run": has_run, **told}) + "\n")
            sys.exit(0)  # as programs end: with what is done at exit
        _, status = os.waitpid(child, 0)
        with Path(out).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"scenario": name, "has_run": has_run, "status": status}) + "\n")


if __name__ == "__main__":
    main()
