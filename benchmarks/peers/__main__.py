"""The same work for runfork, its peers and the bare floor: ``python -m benchmarks.peers``.

Makes one environment per tracker (some gigabytes, once), then measures, and prints Markdown. Linux only.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.peers import isolation
from benchmarks.peers.environments import HOME, Environments
from benchmarks.peers.laboratory import Laboratory
from benchmarks.peers.roster import ADAPTERS, about
from benchmarks.peers.scenarios import FULL, SCENARIOS, SHORT, TINY, measure
from benchmarks.peers.tables import report
from benchmarks.reporting.documents import replace_section
from benchmarks.reporting.machine import describe_checkout, describe_machine, today

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
EFFORTS = {"short": SHORT, "full": FULL, "tiny": TINY}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--only", type=_some(ADAPTERS), default=list(ADAPTERS), metavar="A,B", help=", ".join(ADAPTERS))
    parser.add_argument(
        "--scenarios", type=_some(SCENARIOS), default=list(SCENARIOS), metavar="A,B", help=", ".join(SCENARIOS)
    )
    parser.add_argument(
        "--effort", choices=EFFORTS, default="short", help="short: half an hour; full: hours; tiny: does it work?"
    )
    parser.add_argument("--full", action="store_const", const="full", dest="effort", help="the same as --effort full")
    parser.add_argument("--out", type=Path, help="results as JSON lines; default: results/ here, named after the time")
    parser.add_argument(
        "--data", type=Path, default=HERE / ".work", help="folder for what trackers write, on the disk to measure"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="put the tables into FILE, between <!-- peers --> marks"
    )
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="measure nothing, make the tables of these results"
    )
    parser.add_argument("--install", action="store_true", help="make the environments, and no more")
    parser.add_argument(
        "--here", action="store_true", help="runfork and the floor run in this environment, not in one of their own"
    )
    return parser.parse_args(given)


def main() -> None:
    """Measure, and tell."""
    asked = arguments()
    results = asked.results or _measured(asked)
    if results is None:
        return
    opening, *rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    text = report(opening, rows)
    print(text)
    if asked.report is not None:
        replace_section(asked.report, "peers", text)


def _measured(asked: argparse.Namespace) -> Path | None:
    environments = Environments(HERE / ".venvs", sys.executable if asked.here else None)
    for adapter in asked.only:
        environments.install(about(adapter))
    if asked.install:
        return None
    out: Path = asked.out or HERE / "results" / time.strftime("%Y-%m-%d-%H%M%S.jsonl")
    out.parent.mkdir(parents=True, exist_ok=True)
    asked.data.mkdir(parents=True, exist_ok=True)
    is_alone = isolation.leave_network()
    isolation.adopt_orphans()
    with (
        tempfile.TemporaryDirectory(dir=asked.data) as data,
        tempfile.TemporaryDirectory(prefix="peers-") as homes,
        out.open("w", encoding="utf-8") as lines,
    ):
        print(json.dumps(_opening(asked, environments, is_alone=is_alone)), file=lines)
        laboratory = Laboratory(environments, Path(data) / "data", Path(homes))
        for found in measure(laboratory, asked.only, EFFORTS[asked.effort], asked.scenarios):
            print(json.dumps(found), file=lines, flush=True)
            _tell(found)
    return out


def _opening(asked: argparse.Namespace, environments: Environments, *, is_alone: bool) -> dict[str, Any]:
    trackers = []
    for one in map(about, asked.only):
        versions = environments.versions(one)
        told = {"name": one.name, "mode": one.mode, "on_return": one.on_return, "reading": one.reading}
        trackers.append({**told, "version": ", ".join(f"{name} {version}" for name, version in versions.items())})
    return {
        "date": today(),
        "commit": describe_checkout(HOME),
        "python": platform.python_version(),
        "machine": describe_machine(asked.data),
        "network": "no network but loopback" if is_alone else "network not cut off (that takes root)",
        "command": shlex.join(["python3", "recipes.py", "bench", "peers", *sys.argv[1:]]),
        "trackers": trackers,
    }


def _tell(found: dict[str, Any]) -> None:
    told = {
        key: round(value, 4) if isinstance(value, float) else value for key, value in found.items() if key != "read"
    }
    print(json.dumps(told), file=sys.stderr, flush=True)


def _some(known: Any) -> Any:
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown} not among {', '.join(known)}")
        return names

    return chosen


if __name__ == "__main__":
    main()
