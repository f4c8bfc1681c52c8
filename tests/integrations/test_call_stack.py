"""How a call ended that was under way when we were told of it."""

from __future__ import annotations

import contextlib
import pickle
import sys
import threading
from types import SimpleNamespace

import pytest

from runfork.testing.waits import HANG_SECONDS
from runfork.training.call_stack import OngoingCall, frames, is_of


def plain(note):
    note()


def valued(note):
    note()
    return {"a": [1, 2]}


def early(note):
    while True:
        with contextlib.ExitStack() as stack:
            stack.callback(list)
            note()
            return 1


def recovered(note):
    try:
        note()
        dict[str, int]()["a"]
    except KeyError:
        return "none"
    finally:
        sys.intern("a")


def raising(note):
    note()
    raise ValueError("no")


def failing_inside(note):
    note()
    return abs(int("x"))


def failing_at_last(note):
    try:
        note()
    finally:
        raise ValueError("no")


@pytest.mark.parametrize("call", [plain, valued, early, recovered, lambda note: note()])
def test_a_call_that_returns_has_returned(call):
    seen = SimpleNamespace()

    def note():
        seen.call = OngoingCall(sys._getframe(1))
        seen.within = seen.call.outcome

    call(note)

    assert ("running", "returned") == (seen.within, seen.call.outcome)


@pytest.mark.parametrize("call", [raising, failing_inside, failing_at_last])
def test_a_call_that_raises_has_raised_whether_or_not_its_traceback_is_kept(call):
    seen = SimpleNamespace()

    def note():
        seen.call = OngoingCall(sys._getframe(1))
        seen.other = OngoingCall(sys._getframe(1))

    with pytest.raises(ValueError, match=r"no|invalid") as kept:
        call(note)
    with_traceback = seen.call.outcome
    del kept

    assert ("raised", "raised") == (with_traceback, seen.other.outcome)


def test_a_call_on_another_thread_runs_as_long_as_it_does():
    seen, go_on = SimpleNamespace(), threading.Event()
    begun = threading.Event()

    def work():
        seen.call = OngoingCall(sys._getframe(0))
        begun.set()
        go_on.wait(HANG_SECONDS)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(HANG_SECONDS)
    within = seen.call.outcome
    go_on.set()
    thread.join(HANG_SECONDS)

    assert ("running", "returned") == (within, seen.call.outcome)


def test_a_copy_says_what_was_known():
    seen = SimpleNamespace()

    def note():
        seen.call = OngoingCall(sys._getframe(1))

    with contextlib.suppress(ValueError):
        raising(note)

    assert pickle.loads(pickle.dumps(seen.call)).outcome == "raised"
    assert OngoingCall(None).outcome == "returned"


def test_frames_are_those_above_and_know_their_package():
    found = list(frames())

    assert found[0] is sys._getframe(0)
    assert found[1] is sys._getframe(1)
    assert 2 == len(list(frames(2)))
    assert (True, False) == (is_of(found[0], "tests"), is_of(found[1], "tests"))
    assert is_of(found[1], "_pytest")
