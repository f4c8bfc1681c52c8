"""From results to Markdown."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.reporting.documents import markdown_table
from benchmarks.reporting.figures import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.peers.scenarios import Result

MILLI, MICRO, MEGA = 1e3, 1e6, 1e6
FLOOR = "bare floor"
WIDTHS = (1, 10, 100, 1000)

Rows = list["Result"]


def report(opening: Mapping[str, Any], results: Rows) -> str:
    """Return all tables of a pass.

    Args:
        opening: The first line of the results: machine, command, and who took part.
        results: The others.
    """
    loads = [one["load"] for one in results]
    about = (
        f"{opening['date']}, runfork {opening['commit']}, Python {opening['python']}; {opening['machine']}; "
        f"load average {min(loads, default=0):.1f} to {max(loads, default=0):.1f}; {opening['network']}.\n\n"
        f"```sh\n{opening['command']}\n```"
    )
    parts = [about, _participants(opening["trackers"])]
    for name, (title, tell) in TABLES.items():
        if found := [one for one in results if one["scenario"] == name]:
            parts += [f"### {title}", tell(found), *_troubles(found)]
    return "\n\n".join(parts) + "\n"


def _participants(trackers: list[dict[str, str]]) -> str:
    columns = {
        "name": "",
        "version": "version",
        "mode": "mode",
        "on_return": "when a call has returned",
        "reading": "read with",
    }
    return markdown_table(list(columns.values()), [[one[key] for key in columns] for one in trackers], numbers=False)


def _start_up(results: Rows) -> str:
    def row(rows: Rows) -> list[str]:
        timed = [short(_median(rows, key, MILLI)) for key in ("import", "open", "first_log", "close")]
        return [
            *timed,
            short(_median(rows, "cpu")),
            short(_median(rows, "peak_bytes", 1 / MEGA)),
            _most(rows, "processes"),
        ]

    head = ["import, ms", "open, ms", "first call, ms", "close, ms", "CPU of all, s", "peak memory, MB", "processes"]
    return _table(head, results, row)


def _calls(results: Rows) -> str:
    floor = [one for one in results if one["tracker"] == FLOOR]

    def cell(rows: Rows, width: int) -> str:
        found = [one for one in rows if one["metrics"] == width]
        worst = max((one["max"] for one in found if "max" in one), default=None)
        return " / ".join([short(_median(found, "p50")), short(_median(found, "p99")), short(worst)])

    def ratio(rows: Rows, width: int) -> str:
        ours, bare = (_median([one for one in some if one["metrics"] == width], "p50") for some in (rows, floor))
        return "-" if ours is None or bare is None else short(ours / bare)

    def row(rows: Rows) -> list[str]:
        return [*(cell(rows, width) for width in WIDTHS), *(ratio(rows, width) for width in (10, 1000))]

    plural = [f"{width:,} metric{'s' * (width > 1)}" for width in WIDTHS]
    return _table([*plural, "times floor, 10", "times floor, 1,000"], results, row)


def _sustained(results: Rows) -> str:
    def row(rows: Rows) -> list[str]:
        rates = [one["points"] / one["total"] for one in rows if "points" in one]
        cpu = [(one["cpu"] - one["cpu_alone"]) / one["points"] * MICRO for one in rows if "points" in one]
        sizes = [one["bytes"] / one["points"] for one in rows if "points" in one]
        after = [one["read"]["bytes"] / one["points"] for one in rows if "points" in one and "bytes" in one["read"]]
        return [
            _most(rows, "points"),
            short(_middle(rates)),
            short(_middle(cpu)),
            short(_median(rows, "peak_bytes", 1 / MEGA)),
            short(_middle(sizes)),
            short(_middle(after)),
            _right(rows),
        ]

    head = ["points", "points/s until on disk", "CPU of all, s per million", "peak memory, MB", "bytes/point"]
    return _table([*head, "with what reading adds", "right when read back"], results, row)


def _million(results: Rows) -> str:
    def row(rows: Rows) -> list[str]:
        (one,) = rows[:1]
        if "points" not in one:
            return ["-"] * 6
        back = one["read"]
        each = [short(one["total"] / one["points"] * MICRO), short(one["bytes"] / one["points"])]
        return [short(one["points"]), *each, short(back.get("first")), short(back.get("second")), _right(rows)]

    head = ["steps in the time", "us/step until on disk", "bytes/point", "first read, s", "second read, s"]
    return _table([*head, "right when read back"], results, row)


def _killed(results: Rows) -> str:
    def cells(rows: Rows, *, is_paced: bool) -> list[str]:
        for one in rows:
            if bool(one["pause"]) == is_paced and "steps" in one and "right" in one["read"]:
                lost = one["steps"] - one["read"]["right"]
                return [f"{lost:,} of {one['steps']:,}", short(lost / one["steps"] * one["loop"])]
        return ["-", "-"]

    def row(rows: Rows) -> list[str]:
        return [*cells(rows, is_paced=False), *cells(rows, is_paced=True)]

    return _table(["tight loop: steps lost", "that is, s", "paced: steps lost", "that is, s"], results, row)


def _runs(results: Rows) -> str:
    def row(rows: Rows) -> list[str]:
        (one,) = rows[:1]
        if "runs" not in one:
            return ["-"] * 9
        sizes = (one["bytes"], one["again"].get("bytes", 0))
        each = [short(one["total"] / one["runs"] * MILLI), *(short(size / one["runs"] / 1e3) for size in sizes)]
        back = one["read"]
        times = [short(each["import"] + each["first"]) if "first" in each else "-" for each in (back, one["again"])]
        times += [short(back.get(key)) for key in ("second", "filter")]
        answer = {True: "yes", False: "NO", None: "-"}[back.get("is_right")]
        return [short(one["runs"]), *each, *times, answer]

    head = ["runs in the time", "ms/run", "kB/run", "with what reading adds", "list all, s", "in another process, s"]
    head += ["again in that process, s", "filter and sort, s", "right"]
    return _table(head, results, row)


TABLES: Mapping[str, tuple[str, Callable[[Rows], str]]] = {
    "calls": ("One call, microseconds: p50 / p99 / longest", _calls),
    "sustained": ("Sustained: rows of 1,000 metrics, until closed and synced to disk", _sustained),
    "million": ("A million steps of one metric", _million),
    "killed": ("SIGKILL right after the last call has returned", _killed),
    "table": ("2,000 runs with 50 configs, 10 metrics and 10 steps", _runs),
    "start_up": ("Start-up, in a new process and an empty folder", _start_up),
}
"""Each scenario's title and table."""


def _table(head: list[str], results: Rows, row: Callable[[Rows], list[str]]) -> str:
    trackers = list(dict.fromkeys(one["tracker"] for one in results))
    rows = [[tracker, *row([one for one in results if one["tracker"] == tracker])] for tracker in trackers]
    return markdown_table(["", *head], rows)


def _troubles(results: Rows) -> list[str]:
    """Say what did not end well; daemons that were killed after single calls are expected."""
    found: dict[str, None] = {}
    for one in results:
        for part in (one, one.get("read", {}), one.get("again", {})):
            if "error" in part or (part.get("trouble") and one["scenario"] != "calls"):
                why = str(part.get("error") or part["trouble"]).strip().splitlines()[-1]
                found[f"- {one['tracker']}: {why[:200]}"] = None
    return ["\n".join(found)] if found else []


def _right(rows: Rows) -> str:
    for one in rows:
        if "steps" in one and "right" in one["read"]:
            return "all" if one["read"]["right"] == one["steps"] else f"{one['read']['right']:,} of {one['steps']:,}"
    return "-"


def _middle(numbers: Iterable[float]) -> float | None:
    found = list(numbers)
    return median(found) if found else None


def _median(rows: Rows, key: str, scale: float = 1) -> float | None:
    return _middle(one[key] * scale for one in rows if key in one)


def _most(rows: Rows, key: str) -> str:
    return short(max((one[key] for one in rows if key in one), default=None))
