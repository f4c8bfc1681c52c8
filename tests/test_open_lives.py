"""The lives of open runs: any thread looks at them while others come and go."""

from __future__ import annotations

import gc
import sys
import threading

import pytest

from runfork.writing.open_lives import OpenLives


class Life:
    """What is held."""


@pytest.fixture
def _many_turns():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_they_come_in_order_and_once():
    lives, first, second = OpenLives[Life](), Life(), Life()
    for life in (first, second, first):
        lives.add(life)

    assert [*lives] == [first, second]
    lives.discard(first)
    lives.discard(first)
    assert [*lives] == [second]


def test_one_that_nobody_holds_any_more_is_gone():
    lives, life = OpenLives[Life](), Life()
    lives.add(life)
    assert lives
    del life
    gc.collect()

    assert not lives
    assert [*lives] == []


@pytest.mark.usefixtures("_many_turns")
def test_threads_add_and_look_at_once():
    lives, errors = OpenLives[Life](), []

    def come_and_go():
        try:
            for _ in range(300):
                mine = [Life() for _ in range(20)]
                for life in mine:
                    lives.add(life)
                assert {*map(id, mine)} <= {*map(id, lives)}
                for life in mine[::2]:
                    lives.discard(life)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    gc.collect()
    assert [*lives] == []
