# pyright: reportArgumentType=false, reportOptionalMemberAccess=false
import sys
import threading

from runfork.testing.waits import until
from runfork.writing import shared_thread
from runfork.writing.shared_thread import Lane


def lane(every_second=lambda: None, failures=None, *, of="test", first_seconds=1.0):
    told = (failures if failures is not None else []).append
    return Lane(of, every_second=every_second, on_failure=told, first_seconds=first_seconds)


def names_of_threads():
    return [thread.name for thread in threading.enumerate()]


def test_jobs_run_in_order_on_the_thread():
    done = []
    one = lane()
    one.start()
    for number in range(50):
        one.tell(lambda number=number: done.append((number, threading.current_thread().name)))

    assert one.leave(10)
    assert done == [(number, "test") for number in range(50)]


def test_jobs_that_were_told_before_the_start_are_done():
    done = []
    one = lane()
    one.tell(lambda: done.append(1))
    one.start()

    assert one.leave(10)
    assert done == [1]


def test_a_job_that_raises_is_told_and_the_next_one_runs():
    failures: list[Exception] = []
    done: list[int] = []
    one = lane(failures=failures)
    one.tell(lambda: 1 // 0)
    one.tell(lambda: done.append(1))
    one.start()

    assert one.leave(10)
    assert [type(error) for error in failures] == [ZeroDivisionError]
    assert done == [1]


def test_recurring_work_goes_on_although_it_raises_and_although_there_are_jobs(monkeypatch):
    monkeypatch.setattr(Lane, "INTERVAL_SECONDS", 0.01)
    calls = []

    def work():
        calls.append(1)
        raise ValueError

    one = lane(work, first_seconds=0.0)
    one.start()
    until(lambda: one.tell(lambda: None) or len(calls) > 5)

    assert one.leave(10)


def test_a_job_that_does_not_end_is_left_behind():
    release = threading.Event()
    one = lane()
    one.start()
    one.tell(release.wait)

    assert not one.leave(0.05)
    release.set()
    until(lambda: "test" not in names_of_threads())


def test_a_job_may_end_the_lane_that_runs_it():
    stopped = []
    one = lane()
    one.start()
    one.tell(lambda: stopped.append((one.is_current_thread, one.leave(10))))
    until(lambda: stopped)

    assert stopped == [(True, True)]
    assert not one.is_current_thread


def test_leaving_with_a_lane_that_was_never_started_is_nothing():
    one = lane()

    assert one.leave(1)
    assert not one.is_started


def test_a_forgotten_lane_may_be_started_anew():
    done = []
    one = lane()
    one.tell(lambda: done.append("parent's"))
    one.forget()
    one.tell(lambda: done.append("child's"))
    one.start()

    assert one.leave(10)
    assert done == ["child's"]


def test_settling_without_time_to_wait_ends_at_once_while_a_job_goes_on():
    one = lane()
    one.start()
    goes_on = threading.Event()
    one.tell(lambda: goes_on.wait(60))
    waiter = threading.Thread(
        target=lambda: [one.join(seconds) for seconds in (0.0, 1e-7, 5e-7, 1e-6, 1e-5) * 4000], daemon=True
    )
    waiter.start()
    waiter.join(30)
    goes_on.set()

    assert not waiter.is_alive()
    assert one.leave(30)


def test_a_job_that_is_waited_for_is_done_behind_those_before_it():
    done = []
    one = lane()
    one.start()
    one.tell(lambda: done.append("before"))

    assert one.do(lambda: done.append("it"), 10)
    assert done == ["before", "it"]
    assert one.leave(10)


def test_whoever_waits_for_a_job_that_raises_goes_on():
    failures: list[Exception] = []
    one = lane(failures=failures)
    one.start()

    assert one.do(lambda: 1 // 0, 10)
    assert one.leave(10)
    assert [type(error) for error in failures] == [ZeroDivisionError]


def test_the_last_job_leaves_the_thread():
    done = []
    one = lane()
    one.start()

    assert one.do(lambda: done.append("last"), 10, is_last=True)
    one.tell(lambda: done.append("too late"))
    until(lambda: "test" not in names_of_threads())
    assert one.leave(10)
    assert done == ["last"]


def test_nobody_wakes_the_thread_to_wait_where_nothing_is_to_be_done():
    one = lane()
    one.start()
    assert one.join(10)
    goes_on = threading.Event()
    one.tell(goes_on.wait)

    assert not one.join(0.01)
    until(lambda: one.served_by)
    assert not one.join(0.01)
    goes_on.set()
    assert one.leave(10)


def test_jobs_that_several_threads_tell_are_all_done_with_nobody_waiting(monkeypatch):
    monkeypatch.setattr(Lane, "INTERVAL_SECONDS", 60.0)
    done: list[int] = []
    one = lane(first_seconds=60.0)
    one.start()

    def tell():
        for _ in range(2000):
            one.tell(lambda: done.append(1))

    tellers = [threading.Thread(target=tell) for _ in range(4)]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join()
    until(lambda: len(done) == 8000)

    assert one.leave(10)


def test_a_signal_handler_may_wait_for_jobs_wherever_it_interrupts_who_tells_one(monkeypatch):
    monkeypatch.setattr(Lane, "INTERVAL_SECONDS", 60.0)
    one = lane(first_seconds=60.0)
    one.start()
    waited: list[bool] = []

    def interrupt(frame, event, called):
        if event == "c_return" and frame.f_globals is vars(shared_thread) and called.__name__ == "append":
            sys.setprofile(None)
            waited.append(one.join(2))

    sys.setprofile(interrupt)
    one.tell(lambda: None)
    sys.setprofile(None)

    assert waited == [True]
    assert one.leave(10)


def test_a_lane_of_many_jobs_lets_others_have_their_turn():
    done = []
    many, other = lane(), lane()
    for one in (many, other):
        one.start()
    begun = threading.Event()
    many.tell(lambda: begun.wait(60))

    def job():
        done.append("many")
        threading.Event().wait(shared_thread.TURN_SECONDS)

    for _ in range(10):
        many.tell(job)
    other.tell(lambda: done.append("other"))
    begun.set()

    assert all(one.leave(30) for one in (many, other))
    assert done.index("other") < 9


def test_a_lane_that_is_held_up_holds_up_no_other():
    release = threading.Event()
    stuck, other = lane(), lane()
    stuck.start()
    other.start()
    stuck.tell(lambda: release.wait(60))
    done = []
    stuck.tell(lambda: done.append("stuck"))
    other.tell(lambda: done.append("other"))

    assert other.join(30)
    assert done == ["other"]
    release.set()
    assert stuck.leave(30)
    assert other.leave(30)
    assert done == ["other", "stuck"]
    until(lambda: "test" not in names_of_threads())


def test_lanes_that_nobody_waits_for_look_after_each_other(monkeypatch):
    monkeypatch.setattr(shared_thread, "HELD_UP_SECONDS", 0.01)
    monkeypatch.setattr(Lane, "INTERVAL_SECONDS", 0.01)
    release, calls = threading.Event(), []
    elsewhere, stuck = lane(of="other test"), lane()
    busy = lane(lambda: calls.append(1))
    for one in (elsewhere, stuck, busy):
        one.start()
    stuck.tell(lambda: release.wait(60))
    until(lambda: stuck.served_by)
    before = len(calls)
    until(lambda: len(calls) > before + 5)

    release.set()
    assert all(one.leave(30) for one in (elsewhere, stuck, busy))


def test_where_all_threads_are_held_up_at_once_the_next_job_of_any_lane_frees_them(monkeypatch):
    monkeypatch.setattr(shared_thread, "HELD_UP_SECONDS", 0.2)
    monkeypatch.setattr(Lane, "INTERVAL_SECONDS", 0.01)
    release, calls = threading.Event(), []
    stuck = [lane(of=name) for name in ("test", "other test")]
    told, untold = lane(), lane(lambda: calls.append(1), of="other test")
    for one in (*stuck, told, untold):
        one.start()
    for one in stuck:
        one.tell(lambda: release.wait(60))
    until(lambda: all(one.served_by is not None for one in stuck))
    before = len(calls)
    until(lambda: told.tell(lambda: None) or len(calls) > before + 5)

    release.set()
    assert all(one.leave(30) for one in (*stuck, told, untold))


def test_lanes_share_a_thread_that_ends_with_the_last():
    lanes = [lane() for _ in range(5)]
    served = []
    for one in lanes:
        one.tell(lambda: served.append(threading.current_thread()))
        one.start()
    assert all(one.join(30) for one in lanes)
    count = names_of_threads().count("test")

    assert all(one.leave(30) for one in lanes[1:])
    assert "test" in names_of_threads()
    assert lanes[0].leave(30)
    assert (count, len(set(served))) == (1, 1)
    assert "test" not in names_of_threads()


def test_a_job_may_end_the_lane_of_another_run():
    one, other = lane(), lane()
    one.start()
    other.start()
    left = []
    one.tell(lambda: left.append(other.leave(30)))

    assert one.leave(30)
    assert left == [True]
