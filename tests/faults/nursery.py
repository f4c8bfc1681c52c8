"""Processes that are killed: forked in milliseconds by one that has everything imported, and watched through shared memory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runfork.testing.waits import HANG_SECONDS

HOME = Path(__file__).resolve().parents[2]
SLOTS = 8


@dataclass(frozen=True)
class Fate:
    """How a process ended, and what it had said by then.

    Args:
        slots: The numbers that it wrote.
        status: Its exit status; minus the number of the signal that ended it.
    """

    slots: tuple[int, ...]
    status: int

    @property
    def is_killed(self) -> bool:
        """Whether it was SIGKILL that ended it."""
        return self.status == -signal.SIGKILL


class Nursery:
    """Forks victims one after the other. Use `nursery`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def kill(
        self,
        victim: str,
        *,
        slot: int = 0,
        value: int = 0,
        seconds: float = 0.0,
        signal_number: int = signal.SIGKILL,
        **arguments: Any,
    ) -> Fate:
        """Start a victim (a function of `tests.faults.victims`), and kill it `seconds` after it wrote `value` or more to `slot`.

        A victim that ends before is not killed. One that lives a minute after another signal is killed by SIGKILL.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"victim": victim, "slot": slot, "value": value, "seconds": seconds, "arguments": arguments}
        order["signal"] = int(signal_number)
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the nursery ended: {self._process.wait()}"
        slots, status = json.loads(answer)
        return Fate(tuple(slots), status)


@contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """Start a nursery with the environment of this moment; what victims write to stderr goes to `log`."""
    paths = [str(HOME), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )
    try:
        yield Nursery(process)
    finally:
        process.communicate(timeout=HANG_SECONDS)  # the end of its stdin ends it


def _serve() -> None:
    import mmap

    from tests.faults import victims

    from runfork.plugins import load_plugins
    from runfork.writing import BUILT_IN

    load_plugins(built_in=BUILT_IN)  # what a process imports in its first moments is imported already
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while line := sys.stdin.readline():
        order = json.loads(line)
        memory = mmap.mmap(-1, SLOTS * 8)
        with memoryview(memory).cast("q") as slots:
            pid = os.fork()
            if pid == 0:
                getattr(victims, order["victim"])(slots, **order["arguments"])
                sys.exit(0)
            status = _await(pid, slots, order)
            answers.write(json.dumps([list(slots), status]) + "\n")
            answers.flush()
        memory.close()


def _await(pid: int, slots: "memoryview[int]", order: dict[str, Any]) -> int:
    """Kill the victim at its moment, and return its exit status."""
    limit = time.monotonic() + HANG_SECONDS
    moment = None
    while True:
        now = time.monotonic()
        if moment is None and slots[order["slot"]] >= order["value"]:
            moment = now + order["seconds"]
        if (moment is not None and now >= moment) or now > limit:
            os.kill(pid, order["signal"] if now <= limit else signal.SIGKILL)
            if order["signal"] == signal.SIGKILL or now > limit:
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            moment = float("inf")
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0 if moment is not None and moment - now < 0.002 else 0.0002)


if __name__ == "__main__":
    _serve()
