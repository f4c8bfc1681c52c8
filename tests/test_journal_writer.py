import gc
import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from runfork.disk.takeover import Takeover
from runfork.journal.format import Kind, encode_file_header, encode_frame, encode_json
from runfork.journal.writer import MAX_BACKLOG_BYTES, JournalWriter, NullWriter
from runfork.model.steps import NO_STEP
from runfork.testing.journals import batches_of
from runfork.testing.waits import HANG_SECONDS, until


def frame(number, size=0, kind=Kind.HEARTBEAT):
    return encode_frame(kind, encode_json({"n": number, "pad": "p" * size}), time=number, step=NO_STEP)


def numbers_in(path):
    return [record.body["n"] for batch in batches_of(path) for record in batch.records]


def damage_in(path):
    return [damage for batch in batches_of(path) for damage in batch.damage]


HEADER = {"project": "t/p", "run_id": "r", "writer": "w", "created": 0}


class Journal:
    """A writer with its surroundings: the folder it writes to, and what it told."""

    def __init__(self, folder):
        self.folder = folder
        self.told: list[str] = []
        self.forked = 0
        self.begun = 0
        self.writer = JournalWriter(self.begin, on_trouble=self.told.append, on_fork=self.on_fork)

    def begin(self):
        self.begun += 1
        name = f"{os.getpid()}-{self.begun}"
        return self.folder / f"{name}.journal", encode_file_header({**HEADER, "writer": name})

    def on_fork(self):
        self.forked += 1


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "run")
    yield made
    made.writer.close()


def test_the_file_appears_with_the_first_record(journal):
    assert (journal.writer.path, journal.writer.has_begun) == (None, False)
    assert journal.writer.write(frame(1))

    assert numbers_in(journal.writer.path) == [1]
    assert journal.writer.size == journal.writer.path.stat().st_size
    assert journal.writer.has_begun


def test_a_record_is_in_the_file_when_the_call_returns(journal):
    for number in range(5):
        journal.writer.write(frame(number))

        assert numbers_in(journal.writer.path) == list(range(number + 1))


def test_syncing_leaves_nothing_unsynced(journal):
    journal.writer.write(frame(1))
    before = journal.writer.unsynced_bytes
    journal.writer.sync()

    assert (before, journal.writer.unsynced_bytes) == (journal.writer.size, 0)


def test_syncing_before_the_first_record_does_nothing(journal):
    journal.writer.sync()

    assert journal.told == []


def test_a_closed_writer_counts_what_it_refuses(journal):
    journal.writer.write(frame(1))
    journal.writer.close()
    journal.writer.close()

    assert not journal.writer.write(frame(2))
    assert journal.writer.lost_records == 1
    assert numbers_in(journal.writer.path) == [1]


def test_threads_do_not_tear_each_others_records(journal):
    def log(start):
        for number in range(start, start + 500):
            journal.writer.write(frame(number, size=number % 300))

    threads = [threading.Thread(target=log, args=(1000 * one,)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = numbers_in(journal.writer.path)

    assert sorted(found) == sorted(1000 * one + number for one in range(8) for number in range(500))
    assert [n for n in found if n < 1000] == list(range(500))


def test_a_journal_that_was_deleted_is_told_at_the_next_sync(journal):
    journal.writer.write(frame(1))
    journal.writer.path.unlink()
    journal.writer.sync()

    assert ["was deleted" in sentence for sentence in journal.told] == [True]


# A disk that refuses


def test_records_wait_in_memory_until_the_folder_can_be_made(journal):
    journal.folder.write_text("a file where the folder should be")
    assert not journal.writer.write(frame(1))
    assert not journal.writer.write(frame(2))
    assert journal.writer.backlog_bytes == len(frame(1)) + len(frame(2))
    journal.folder.unlink()
    journal.writer.sync()

    assert numbers_in(journal.writer.path) == [1, 2]
    assert (journal.writer.backlog_bytes, journal.writer.lost_records) == (0, 0)


def test_the_disk_is_tried_again_while_logging_goes_on(journal):
    journal.folder.write_text("a file where the folder should be")
    journal.writer.write(frame(0))
    journal.folder.unlink()
    written = [1]

    def is_written():
        done = journal.writer.write(frame(written[-1]))
        if not done:
            written.append(written[-1] + 1)
        return done

    until(is_written)

    assert numbers_in(journal.writer.path) == list(range(written[-1] + 1))


def test_trouble_is_told_once_and_says_what_to_do(journal):
    journal.folder.write_text("a file where the folder should be")
    for number in range(100):
        journal.writer.write(frame(number))

    assert len(journal.told) == 1
    assert journal.told[0].startswith("the journal of this run cannot be written ([Errno ")
    assert journal.told[0].endswith("move the file away, or name another directory with RUNFORK_DIR")


def test_beyond_16_mebibytes_the_newest_records_are_counted_as_lost(journal):
    journal.folder.write_text("a file where the folder should be")
    for number in range(20):
        journal.writer.write(frame(number, size=1024 * 1024))
    assert journal.writer.backlog_bytes <= MAX_BACKLOG_BYTES
    assert journal.writer.lost_records == 5
    journal.folder.unlink()
    journal.writer.sync()

    assert numbers_in(journal.writer.path) == list(range(15))


def test_what_still_waits_when_the_writer_is_closed_is_lost_and_told(journal):
    journal.folder.write_text("a file where the folder should be")
    journal.writer.write(frame(1))
    journal.writer.close()

    assert (journal.writer.lost_records, journal.writer.backlog_bytes) == (1, 0)
    assert journal.told[-1] == "1 record of the journal of this run could not be written: lost"


@pytest.fixture
def file_size_limit():
    """Limit how long files may get: writes beyond are cut short, then refused, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size if size is not None else soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, previous)


@pytest.mark.parametrize("room", [0, 1, 31, 32, 33, 100, 1023])
def test_a_write_that_is_cut_short_leaves_no_torn_record(journal, file_size_limit, room):
    journal.writer.write(frame(1))
    size = journal.writer.size
    file_size_limit(size + room)
    assert not journal.writer.write(frame(2, size=1024))
    assert journal.writer.path.stat().st_size == size == journal.writer.size
    file_size_limit(None)
    journal.writer.sync()
    journal.writer.write(frame(3))

    assert numbers_in(journal.writer.path) == [1, 2, 3]
    assert damage_in(journal.writer.path) == []


def test_a_header_that_is_cut_short_leaves_no_file(journal, file_size_limit):
    file_size_limit(10)
    assert not journal.writer.write(frame(1))
    assert list(journal.folder.iterdir()) == []
    file_size_limit(None)
    journal.writer.sync()

    assert numbers_in(journal.writer.path) == [1]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting needs to be allowed")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_costs_nothing_once_there_is_space_again(small_disk):
    journal = Journal(small_disk / "run")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 200 * 1024)
    for number in range(200):
        journal.writer.write(frame(number, size=1000))
    assert journal.writer.backlog_bytes > 0
    ballast.unlink()
    journal.writer.sync()
    journal.writer.close()

    assert numbers_in(journal.writer.path) == list(range(200))
    assert damage_in(journal.writer.path) == []


# Going on in another journal


def test_restarting_takes_over_what_was_logged_and_leaves_the_old_file_to_the_caller(journal):
    journal.writer.write(frame(0, kind=Kind.CREATE))
    journal.writer.write(frame(1))
    left = journal.writer.path
    assert left == journal.writer.restart(Takeover(journal.folder).records)
    journal.writer.write(frame(2))

    assert left != journal.writer.path
    assert numbers_in(journal.writer.path) == [1, 2]
    assert numbers_in(left) == [0, 1]


def test_restarting_takes_over_what_waits_in_memory(journal):
    journal.folder.write_text("a file where the folder should be")
    journal.writer.write(frame(0, kind=Kind.LINEAGE))
    journal.writer.write(frame(1))
    journal.folder.unlink()
    assert journal.writer.restart(Takeover(journal.folder).records) is None

    assert numbers_in(journal.writer.path) == [1]


def test_restarting_before_the_first_record_is_nothing(journal):
    assert journal.writer.restart(Takeover(journal.folder).records) is None
    assert not journal.writer.has_begun


def test_restarting_from_a_journal_that_is_gone_goes_on_and_tells(journal):
    journal.writer.write(frame(1))
    journal.writer.path.unlink()
    assert journal.writer.restart(Takeover(journal.folder).records) is None
    journal.writer.write(frame(2))

    assert numbers_in(journal.writer.path) == [2]
    assert "could not be read again" in journal.told[0]


# Forked children


def test_nothing_is_left_of_writers_that_are_gone(tmp_path):
    def pass_by(number):
        made = Journal(tmp_path / str(number))
        made.writer.write(frame(1))
        made.writer.close()

    pass_by(0)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(1, 51):
        pass_by(number)
    gc.collect()
    more = len(gc.get_objects()) - before

    assert more < 50


def test_a_forked_child_begins_a_journal_of_its_own_with_its_first_record(journal):
    journal.writer.write(frame(1))
    parents = journal.writer.path
    child = os.fork()
    if child == 0:
        has_forgotten = journal.forked == 1 and journal.writer.path is None and not journal.writer.has_begun
        journal.writer.write(frame(2))
        os._exit(0 if has_forgotten else 1)
    assert os.waitpid(child, 0)[1] == 0
    journal.writer.write(frame(3))

    assert numbers_in(parents) == [1, 3]
    assert [numbers_in(path) for path in journal.folder.iterdir() if path != parents] == [[2]]


def test_a_child_that_was_forked_while_another_thread_was_writing_is_not_stuck(journal):
    is_over = threading.Event()

    def log():
        while not is_over.is_set():
            journal.writer.write(frame(1))

    thread = threading.Thread(target=log)
    thread.start()
    statuses = []
    for _ in range(20):
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            journal.writer.write(frame(2))
            os._exit(0)
        statuses.append(os.waitpid(child, 0)[1])
    is_over.set()
    thread.join()

    assert statuses == [0] * 20


def test_a_killed_process_loses_no_record_that_a_call_returned_for(tmp_path, start_script):
    process = start_script(
        f"""
        import itertools, sys
        from pathlib import Path
        from runfork.journal.format import Kind, encode_file_header, encode_frame, encode_json
        from runfork.journal.writer import JournalWriter

        path = Path({str(tmp_path)!r}) / "killed.journal"
        writer = JournalWriter(lambda: (path, encode_file_header({HEADER})), on_trouble=print)
        for number in itertools.count():
            writer.write(encode_frame(Kind.HEARTBEAT, encode_json({{"n": number}}), time=0, step=0))
            sys.stdout.write(f"{{number}}\\n")
            sys.stdout.flush()
        """
    )
    for _ in range(300):
        process.stdout.readline()
    process.kill()
    rest = process.communicate(timeout=HANG_SECONDS)[0].split("\n")
    acknowledged = int(rest[-2]) if len(rest) > 1 else 299
    found = numbers_in(tmp_path / "killed.journal")

    assert found == list(range(len(found)))
    assert len(found) > acknowledged


def test_a_disabled_writer_takes_everything_and_writes_nothing():
    writer = NullWriter()

    assert writer.write(b"anything")
    writer.sync()
    writer.close()
    assert (writer.path, writer.size, writer.has_begun) == (None, 0, False)


def test_a_signal_handler_may_write_in_the_middle_of_a_write(tmp_path, run_script):
    done = run_script(
        f"""
        import signal
        from pathlib import Path
        from runfork.journal.format import Kind, encode_file_header, encode_frame, encode_json
        from runfork.journal.writer import JournalWriter

        def frame(number):
            return encode_frame(Kind.HEARTBEAT, encode_json({{"n": number, "pad": "p" * 5000}}), time=0, step=0)

        path = Path({str(tmp_path)!r}) / "signals.journal"
        writer = JournalWriter(lambda: (path, encode_file_header({HEADER})), on_trouble=print)
        handled = 0
        def handle(*_):
            global handled
            handled += 1
            writer.write(frame(-1))
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for number in range(5000):
            writer.write(frame(number))
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(handled)
        """
    )
    found = numbers_in(tmp_path / "signals.journal")

    assert done.returncode == 0, done.stderr
    assert [number for number in found if number >= 0] == list(range(5000))
    assert done.stdout == f"{found.count(-1)}\n"
    assert damage_in(tmp_path / "signals.journal") == []


def interrupted(act, *, at, handle):
    """Do something, and `handle` at the `at`-th point where Python looks at signals: where a function begins or C has returned.

    Returns:
        Whether there is such a point.
    """
    seen = 0

    def look(called, event, _):
        nonlocal seen
        if event in ("call", "c_return") and called.f_globals["__name__"].startswith("runfork."):
            seen += 1
            if seen == at:
                handle()  # which is not looked at itself

    sys.setprofile(look)
    try:
        act()
    finally:
        sys.setprofile(None)
    return seen >= at


def descriptors_of(path):
    known = path.stat()
    found = []
    for number in range(256):
        with suppress(OSError):
            found += [number] if os.path.samestat(os.fstat(number), known) else []
    return found


def write_first(writer):
    assert writer.write(frame(0))


def write_and_rest(writer):
    write_first(writer)
    writer.sync()
    writer.release()


def write_and_lose(writer):
    write_first(writer)
    os.close(writer._fd)


BEFORE = {
    "nothing was written": lambda _: None,
    "it is open": write_first,
    "it was released": write_and_rest,
    "the program closed it": write_and_lose,
}
ACTS = {"write": lambda writer: writer.write(frame(2)), "sync": JournalWriter.sync, "release": JournalWriter.release}


def at_each_point(folder, before, act):
    """Yield a journal and how many records it begins with, after a handler wrote at each point of an act in turn, or after it."""
    at, is_interrupted = 0, True
    while is_interrupted:
        at += 1
        journal = Journal(folder / f"{at}")
        writer = journal.writer
        BEFORE[before](writer)
        count = 1 if writer.has_begun else 0
        is_interrupted = interrupted(lambda: act(writer), at=at, handle=lambda: writer.write(frame(1)))  # noqa: B023
        if not is_interrupted:
            writer.write(frame(1))
        yield journal, count
        assert ["the program closed the file"] * ("program" in before) == [one[:27] for one in journal.told]
    assert at > 2


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("before", BEFORE)
def test_a_signal_handler_may_write_at_any_point(tmp_path, before, act):
    for journal, count in at_each_point(tmp_path, before, ACTS[act]):
        writer = journal.writer
        writer.write(frame(3))
        path = writer.path

        assert sorted([0] * count + [1, 3] + [2] * (act == "write")) == sorted(numbers_in(path))
        assert [writer._fd] == descriptors_of(path)
        writer.close()
        assert ([], 0) == (descriptors_of(path), writer.unsynced_bytes)


@pytest.mark.parametrize("before", BEFORE)
def test_a_signal_handler_may_write_at_any_point_of_the_end(tmp_path, before):
    for journal, count in at_each_point(tmp_path, before, JournalWriter.close):
        writer = journal.writer
        found = numbers_in(writer.path) if writer.path else []

        assert count + 1 == len(found) + writer.lost_records
        assert writer.path is None or descriptors_of(writer.path) == []


@pytest.mark.parametrize("place", ["begin", "open_descriptor", "sign", "append"])
def test_a_signal_handler_may_write_while_the_journal_is_made(tmp_path, run_script, place):
    done = run_script(
        f"""
        import signal
        from pathlib import Path
        from runfork.journal import writer as module
        from runfork.journal.format import Kind, encode_file_header, encode_frame, encode_json

        def frame(number):
            return encode_frame(Kind.HEARTBEAT, encode_json({{"n": number}}), time=0, step=0)

        def interrupted(call):
            def interrupt(*arguments):
                found = call(*arguments)
                if not handled:
                    handled.append(None)
                    signal.raise_signal(signal.SIGUSR1)
                return found
            return interrupt

        handled = []
        path = Path({str(tmp_path)!r}) / "signals.journal"
        begin = lambda: (path, encode_file_header({HEADER}))
        if {place!r} == "begin":
            begin = interrupted(begin)
        else:
            setattr(module, {place!r}, interrupted(getattr(module, {place!r})))
        writer = module.JournalWriter(begin, on_trouble=print)
        signal.signal(signal.SIGUSR1, lambda *_: writer.write(frame(-1)))
        assert writer.write(frame(0)) and writer.write(frame(1)) and handled
        """
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert numbers_in(tmp_path / "signals.journal") == [-1, 0, 1]
    assert damage_in(tmp_path / "signals.journal") == []


def test_what_waits_is_written_once_though_signal_handlers_write_meanwhile(tmp_path, run_script):
    done = run_script(
        f"""
        import signal
        from pathlib import Path
        from runfork.journal import writer as module
        from runfork.journal.format import Kind, encode_file_header, encode_frame, encode_json

        def frame(number):
            return encode_frame(Kind.HEARTBEAT, encode_json({{"n": number}}), time=0, step=0)

        def interrupted(*arguments):
            found = append(*arguments)
            if len(handled) < 5:  # the first interrupts the journal's making: what it writes waits
                signal.raise_signal(signal.SIGUSR1)
            return found

        def handle(*_):
            handled.append(-1 - len(handled))
            writer.write(frame(handled[-1]))

        handled, append = [], module.append
        module.append = interrupted
        path = Path({str(tmp_path)!r}) / "signals.journal"
        writer = module.JournalWriter(lambda: (path, encode_file_header({HEADER})), on_trouble=print)
        signal.signal(signal.SIGUSR1, handle)
        assert writer.write(frame(0)) and writer.write(frame(1)) and writer.backlog_bytes == 0
        """
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert numbers_in(tmp_path / "signals.journal") == [-1, -2, -3, -4, -5, 0, 1]
    assert damage_in(tmp_path / "signals.journal") == []
