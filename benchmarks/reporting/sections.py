"""What a benchmark prints, as a section of a document."""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.reporting.documents import replace_section
from benchmarks.reporting.machine import describe_checkout, describe_machine, today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME = Path(__file__).resolve().parents[2]


def add_report_option(parser: argparse.ArgumentParser) -> None:
    """Give a command ``--report FILE``."""
    parser.add_argument("--report", type=Path, metavar="FILE", help="put what is measured into a section of FILE, too")


def run_command(name: str, description: str | None, measure: Callable[[Path], str]) -> None:
    """Be the command of a benchmark: tell what `measure` returns, which is called with an empty folder, as section `name`."""
    parser = argparse.ArgumentParser(description=description)
    add_report_option(parser)
    report = parser.parse_args().report
    with tempfile.TemporaryDirectory() as folder:
        text = f"{opening(Path(folder))}\n\n{measure(Path(folder))}"
    print(text)
    if report is not None:
        replace_section(report, name, text)


def opening(folder: Path) -> str:
    """Return when, of which version and on which machine something is measured that writes to `folder`."""
    return f"{today()}, {describe_checkout(HOME)}, {describe_machine(folder)}."


@contextmanager
def printed_section(name: str, report: Path | None, folder: Path) -> Iterator[None]:
    """Put what is printed meanwhile into the section `name` of the document `report`, as it is; None only prints."""
    if report is None:
        yield
        return
    both = _Both()
    with redirect_stdout(both):
        yield
    replace_section(report, name, f"{opening(folder)}\n\n```text\n{both.getvalue().rstrip()}\n```")


class _Both(io.StringIO):
    """Keeps what is written, and writes it on."""

    def __init__(self) -> None:
        super().__init__()
        self._onward = sys.stdout

    def write(self, text: str, /) -> int:
        self._onward.write(text)
        self._onward.flush()
        return super().write(text)
