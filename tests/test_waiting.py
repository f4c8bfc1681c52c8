import threading
import time

import pytest

from runfork.testing.waits import HANG_SECONDS
from runfork.writing.waiting import JobQueue, Latch

SHORT = [-1.0, 0.0, 1e-9, 1e-7, 5e-7, 1e-6, 1e-5]


def ends(work, *, within_seconds=HANG_SECONDS):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(within_seconds)
    return not thread.is_alive()


@pytest.mark.parametrize("timeout_seconds", SHORT)
def test_no_wait_goes_on_after_its_time_however_short_it_was(timeout_seconds):
    seen = []

    def wait_often():
        queue: JobQueue[None] = JobQueue()
        for _ in range(2000):
            seen.append(Latch().wait(timeout_seconds))
            with pytest.raises(TimeoutError):
                queue.get(timeout_seconds)

    assert ends(wait_often)
    assert seen == [False] * 2000


def test_a_latch_stays_open_for_all_who_wait():
    latch = Latch()
    found = []
    threads = [threading.Thread(target=lambda: found.append(latch.wait(30))) for _ in range(3)]
    for thread in threads:
        thread.start()
    latch.set()
    latch.set()
    for thread in threads:
        thread.join()

    assert found == [True] * 3
    assert latch.wait(0)


def test_a_queue_hands_out_in_order_what_several_threads_put():
    queue: JobQueue[tuple[int, int]] = JobQueue()

    def put_many(who):
        for number in range(500):
            queue.put((who, number))

    threads = [threading.Thread(target=put_many, args=[who]) for who in range(4)]
    for thread in threads:
        thread.start()
    taken = [queue.get(30) for _ in range(2000)]

    for who in range(4):
        assert [number for one, number in taken if one == who] == list(range(500))
    with pytest.raises(TimeoutError):
        queue.get(0)


def test_what_comes_while_somebody_waits_is_taken_at_once():
    queue: JobQueue[str] = JobQueue()
    began = time.monotonic()
    threading.Timer(0.05, queue.put, ["late"]).start()

    assert queue.get(30) == "late"
    assert time.monotonic() - began < 10
