"""That the benchmarks in a browser measure what they say."""

import re

from tests.measured import measured


def test_a_tiny_pass_measures_clicks_zooms_training_and_what_stays_behind():
    sizes = "--charted 3 --points 300 --cycles 2 --rounds 1 --seconds 1"

    cycles, click, first_paint, work, frames, *live = measured("ui", *sizes.split())

    assert re.search(r"a click draws them all, ms +[1-9]", click)
    assert re.search(r"from navigation to all of them, ms +[1-9]", first_paint)
    assert re.search(r"p50 / p95 ms +[1-9]", frames)
    assert re.search(r"main thread at work in a frame, p50 / p95 ms +\d", work)
    assert all(re.search(r"trains: .*, .* [1-9]", line) for line in (live[0], live[1], live[3]))
    assert cycles.startswith("2 times")


def test_a_tiny_pass_measures_tables_and_their_server():
    sizes = "--painted 20 --browsed 30 --rounds 1 --minutes 0 --seconds 0.3 --frames 10"

    start, _, paint, again, floor, reading, scrolled, *memory, passes, grown, idle = measured(
        "browsing", *sizes.split()
    )

    assert re.search(r"to its first page, ms +[1-9]", start)
    assert all(re.search(r", ms +[1-9]", line) for line in (paint, again, floor))
    assert re.search(r"for the first time, s +\d", reading)
    assert re.search(r"p50 / p95 ms +[1-9]", scrolled)
    assert [bool(re.search(r"MB +[1-9]", line)) for line in memory] == [True, True]
    assert re.search(r"ms a second +\d", idle)
    assert "3 times" in passes
    assert re.search(r"MB +-?\d", grown)
