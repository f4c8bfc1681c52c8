# pyright: reportArgumentType=false, reportOptionalMemberAccess=false
import threading

from runfork.testing.waits import until
from runfork.writing.keeper import Keeper


def keeper(every_second=lambda: None, failures=None):
    return Keeper("test", every_second=every_second, on_failure=(failures if failures is not None else []).append)


def test_jobs_run_in_order_on_the_keepers_thread():
    done = []
    one = keeper()
    one.start()
    for number in range(50):
        one.tell(lambda number=number: done.append((number, threading.current_thread().name)))

    assert one.stop(10)
    assert done == [(number, "test") for number in range(50)]


def test_jobs_that_were_told_before_the_start_are_done():
    done = []
    one = keeper()
    one.tell(lambda: done.append(1))
    one.start()

    assert one.stop(10)
    assert done == [1]


def test_a_job_that_raises_is_told_and_the_next_one_runs():
    failures: list[Exception] = []
    done: list[int] = []
    one = keeper(failures=failures)
    one.tell(lambda: 1 // 0)
    one.tell(lambda: done.append(1))
    one.start()

    assert one.stop(10)
    assert [type(error) for error in failures] == [ZeroDivisionError]
    assert done == [1]


def test_recurring_work_goes_on_although_it_raises_and_although_there_are_jobs(monkeypatch):
    monkeypatch.setattr(Keeper, "INTERVAL_SECONDS", 0.01)
    calls = []

    def work():
        calls.append(1)
        raise ValueError

    one = keeper(work)
    one.start()
    until(lambda: one.tell(lambda: None) or len(calls) > 5)

    assert one.stop(10)


def test_a_job_that_does_not_end_is_left_behind():
    release = threading.Event()
    one = keeper()
    one.start()
    one.tell(release.wait)

    assert not one.stop(0.05)
    release.set()
    until(lambda: not one._thread.is_alive())


def test_a_job_may_stop_the_keeper_that_runs_it():
    stopped = []
    one = keeper()
    one.start()
    one.tell(lambda: stopped.append((one.is_current_thread, one.stop(10))))
    until(lambda: stopped)

    assert stopped == [(True, True)]
    assert not one.is_current_thread


def test_stopping_a_keeper_that_was_never_started_is_nothing():
    one = keeper()

    assert one.stop(1)
    assert not one.is_started


def test_a_forgotten_keeper_may_be_started_anew():
    done = []
    one = keeper()
    one.tell(lambda: done.append("parent's"))
    one.forget()
    one.tell(lambda: done.append("child's"))
    one.start()

    assert one.stop(10)
    assert done == ["child's"]


def test_settling_without_time_to_wait_ends_at_once_while_a_job_goes_on():
    one = keeper()
    one.start()
    goes_on = threading.Event()
    one.tell(lambda: goes_on.wait(60))
    waiter = threading.Thread(
        target=lambda: [one.settle(seconds) for seconds in (0.0, 1e-7, 5e-7, 1e-6, 1e-5) * 4000], daemon=True
    )
    waiter.start()
    waiter.join(30)
    goes_on.set()

    assert not waiter.is_alive()
    assert one.stop(30)
