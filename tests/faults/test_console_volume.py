from __future__ import annotations

import hashlib
import sys
from collections import Counter

import pytest
from tests.faults.children import run_child

from runfork.index.interface import PointsRequest, SeriesKey
from runfork.reading.project import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

MEBIBYTE = 1024 * 1024
LINE_BYTES = 128


def captured(run_id: str, stream: str = "stdout") -> list[str]:
    """Return the lines of a stream in the order of their times."""
    with Project.open() as project:
        project.refresh()
        found = project.index.points(PointsRequest([SeriesKey(run_id, f"runtime/{stream}")]))
    return list(found[0].values) if found else []


def start(run_id: str) -> str:
    return f"""
os.environ["RUNFORK_CONSOLE"] = "1"
import runfork
run = runfork.Run(run_id={run_id!r}, source_tracking_config=None)
"""


PRINT_MUCH = """
def line(number):
    return f"{number:09d} " + "abcdefghij" * 11 + f" {number * 7919 % 10**6:06d}"

def spend(count, first=0):
    began = time.process_time()
    for number in range(first, first + count):
        print(line(number))
    return (time.process_time() - began) / count * 1e6

bare = spend(20_000)
os.environ["RUNFORK_CONSOLE"] = "1"
import runfork
run = runfork.Run(run_id="much", source_tracking_config=None)
await_plugins(run)
result["captured_us"] = spend(COUNT // 20)
before = megabytes()
result["captured_us"] = spend(COUNT - COUNT // 20, COUNT // 20)
result["grown"] = megabytes() - before
result["bare_us"] = bare
result["status"] = [run.status.lost_records, run.status.dropped_values]
run.close()
result["journal_bytes"] = run.status.written_bytes
"""

READ_MUCH = """
import hashlib
from runfork.index.interface import PointsRequest, SeriesKey
from runfork.reading.project import Project
key = SeriesKey("much", "runtime/stdout")
began = time.perf_counter()
with Project.open() as project:
    project.refresh()
    result["drain_seconds"] = time.perf_counter() - began
    result["drain_peak"] = peak_megabytes()
    last = project.index.points(PointsRequest([key], tail=1))[0]
    result["last"] = last.values
    begin = min(writer.identity["created"] for writer in project.index.writers().values())
    end = int(last.steps[-1])
    width = (end - begin) // 100 + 1
    digest, count = hashlib.sha256(), 0
    for low in range(begin, end + 1, width):
        for found in project.index.points(PointsRequest([key], step_range=(low, low + width - 1))):
            count += len(found.values)
            digest.update("".join(text + "\\n" for text in found.values).encode())
    result["digest"], result["count"] = digest.hexdigest(), count
result["peak"] = peak_megabytes()
"""


def test_a_flood_of_lines_is_kept_in_order_while_memory_stays_flat(rounds, tried, tmp_path):
    size = rounds(16, 1024) * MEBIBYTE
    count = size // LINE_BYTES

    written = run_child(f"COUNT = {count}" + PRINT_MUCH, tmp_path)
    read = run_child(READ_MUCH, tmp_path)

    def line(number: int) -> str:
        return f"{number:09d} " + "abcdefghij" * 11 + f" {number * 7919 % 10**6:06d}"

    digest = hashlib.sha256()
    for number in range(count):
        digest.update(line(number).encode() + b"\n")

    assert [0, 0] == written["status"]
    assert (count, [line(count - 1)]) == (read["count"], read["last"])
    assert digest.hexdigest() == read["digest"]
    assert written["grown"] < 8
    tried(
        f"{size // MEBIBYTE} MiB of console output, one print per line",
        times=count,
        outcome=f"every line kept, in order; memory grew by {written['grown']:.1f} MB; print() took "
        f"{written['captured_us']:.1f} us of CPU instead of {written['bare_us']:.1f}; the reader peaked at {read['peak']:.0f} MB",
    )


PRINT_ODDLY = """
import threading
out = sys.stdout

def case(name):
    print(f"=== {name}")

case("binary past the capture")
out.buffer.write(bytes(range(256)) * 100 + b"\\n")
out.buffer.flush()
case("control characters")
print("a\\0b\\x07c\\x7fd")
case("colours")
print("\\x1b[1;31mred\\x1b[0m \\x1b[38;2;1;2;3mtrue\\x1b[m")
case("windows")
out.write("one\\r\\ntwo\\r\\n")
case("carriage returns only")
for number in range(1000):
    out.write(f"state {number}\\r")
out.write("\\n")
case("characters")
for character in "0123456789" * (CHARACTERS // 10):
    out.write(character)
out.write("\\n")
case("pieces")
for number in range(1000):
    print(number, end=" ", flush=True)
print()
case("endless")
for _ in range(MEGABYTES):
    out.write("x" * 1_000_000)
print("end")
case("endless at once")
print("y" * (MEGABYTES * 1_000_000))
case("undecodable")
print(b"caf\\xe9".decode("utf-8", "surrogateescape").encode("utf-8", "backslashreplace").decode())
case("nothing")
print("")
print("", end="")
out.write("")
case("unicode")
print("\\u65e5\\u672c \\U0001f680 e\\u0301 \\u2028 x")
case("threads")
def chatter(name):
    for number in range(LINES):
        out_line = f"{name}:{number}"
        sys.stdout.write(out_line + "\\n")
threads = [threading.Thread(target=chatter, args=(name,)) for name in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
case("end")
result["status"] = [run.status.lost_records, run.status.dropped_values, len(run.status.problems)]
run.close()
result["peak"] = peak_megabytes()
"""


def split_cases(lines: list[str]) -> dict[str, list[str]]:
    cases: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if line.startswith("=== "):
            current = cases.setdefault(line[4:], [])
        else:
            current.append(line)
    return cases


def test_odd_output_is_kept_as_it_would_be_read(rounds, tried, tmp_path):
    characters, megabytes, count = rounds(100_000, 1_000_000), rounds(10, 100), rounds(2_000, 50_000)
    sizes = f"CHARACTERS, MEGABYTES, LINES = {characters}, {megabytes}, {count}\n"

    written = run_child(sizes + start("odd") + PRINT_ODDLY, tmp_path)
    cases = split_cases(captured("odd"))
    spoken = cases.pop("threads")

    assert [0, 0, 0] == written["status"]
    assert "x" * megabytes * 1_000_000 + "end" == "".join(cases.pop("endless"))
    assert "y" * megabytes * 1_000_000 == "".join(cases.pop("endless at once"))
    assert "0123456789" * (characters // 10) == "".join(cases.pop("characters"))
    assert {
        "binary past the capture": [],
        "control characters": ["abcd"],
        "colours": ["red true"],
        "windows": ["one", "two"],
        "carriage returns only": ["state 999"],
        "pieces": [" ".join(map(str, range(1000))) + " "],
        "undecodable": ["caf\\udce9"],
        "nothing": [""],
        "unicode": ["\u65e5\u672c \U0001f680 e\u0301 \u2028 x"],
        "end": [],
    } == cases
    assert Counter(f"{name}:{number}" for name in range(8) for number in range(count)) == Counter(spoken)
    by_thread = {name: [line for line in spoken if line.startswith(f"{name}:")] for name in range(8)}
    assert all(lines == [f"{name}:{number}" for number in range(count)] for name, lines in by_thread.items())
    tried(
        f"odd console output: {characters:,} writes of one character, two lines of {megabytes} MB, binary, NULs, colours, "
        f"carriage returns, eight threads of {count:,} lines",
        times=1,
        outcome=f"each line kept once and in its thread's order; peak memory {written['peak']:.0f} MB",
    )
