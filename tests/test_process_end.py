"""Who looks out for the end of the process: one for all runs, whatever threads open and close them."""

from __future__ import annotations

import sys
import threading
from typing import Any

from runfork.writing import process_end
from runfork.writing.process_end import ProcessEnd


class Life:
    """Of an open run."""


def test_threads_that_open_runs_at_once_share_one_and_the_last_gives_all_back(monkeypatch):
    before = sys.exit, threading.excepthook
    first, second = Life(), Life()
    found: dict[Any, Any] = {}

    def join(life):
        found[life] = ProcessEnd.join(life)

    other = threading.Thread(target=join, args=(second,))

    def find_program():
        monkeypatch.undo()
        other.start()
        other.join(0.2)  # it comes in between, unless it is kept out
        return process_end._find_program()

    monkeypatch.setattr(process_end, "_find_program", find_program)
    join(first)
    other.join()
    one, another = found[first], found[second]
    lives = [*one.lives]
    one.leave(first)
    is_ours = hasattr(sys.exit, "of")
    another.leave(second)

    assert one is another
    assert lives == [first, second]
    assert is_ours
    assert (sys.exit, threading.excepthook) == before
