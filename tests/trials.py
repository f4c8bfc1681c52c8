"""A pytest plugin: the short and the long form of tests, and a table of what they tried and what happened.

``pytest`` runs the short form; ``pytest --long`` the long one. A test says with `tried` what it did; of a property, its name
says it. The table ends the report, and ``--trials FILE`` puts it into a Markdown file, too, between ``<!-- trials -->`` and
``<!-- /trials -->``.
"""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

PROPERTY = "trial"
HEAD = "| Test | What was tried | How often | What happened |"
FAULTS, PROPERTIES = "### Faults", "### Properties"

settings.register_profile("short", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("brief", deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])


class Tried(Protocol):
    """What the fixture `tried` is."""

    def __call__(self, what: str, *, times: int, outcome: str) -> None:
        """Put a line into the table."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("trials")
    group.addoption("--long", action="store_true", dest="is_long", help="the long form: an hour rather than minutes")
    group.addoption("--brief", action="store_true", dest="is_brief", help="ten examples of each property")
    group.addoption("--trials", type=Path, metavar="FILE", help="put what was tried into a Markdown file")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile(next((name for name in ("long", "brief") if config.getoption(f"is_{name}")), "short"))


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> Callable[[int, int], int]:
    """Choose between two numbers: `rounds(short, long)`."""
    return lambda short, long: long if pytestconfig.getoption("is_long") else short


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Tried:
    """Say what was tried, how often, and what happened; shown if the test passes."""

    def say(what: str, *, times: int, outcome: str) -> None:
        record_property(PROPERTY, [what, times, outcome])

    return say


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Count the examples of a property."""
    test: Any = getattr(item, "obj", None)
    if not is_hypothesis_test(test):
        return (yield)
    inner, count = test.hypothesis.inner_test, 0

    @wraps(inner)
    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        return inner(*arguments, **options)

    test.hypothesis.inner_test = counted
    try:
        return (yield)
    finally:
        test.hypothesis.inner_test = inner
        what = item.name.removeprefix("test_").replace("_", " ")
        item.user_properties.append((PROPERTY, [what, count, "held"]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    passed = [report for report in terminalreporter.stats.get("passed", []) if report.when == "call"]
    rows = sorted(
        (Path(report.nodeid.split("::")[0]), what, times, outcome)
        for report in passed
        for name, (what, times, outcome) in report.user_properties
        if name == PROPERTY
    )
    if not rows:
        return
    terminalreporter.section("what was tried")
    for _, what, times, outcome in rows:
        terminalreporter.write_line(f"{times:>9,} x {what}: {outcome}")
    if (document := config.getoption("trials")) is not None:
        write_tables(document, rows)


def write_tables(document: Path, rows: list[tuple[Path, str, int, str]]) -> None:
    """Put rows into the tables of a document, one for faults and one for all else; those of other tests stay."""
    text = document.read_text(encoding="utf-8") if document.exists() else "<!-- trials -->\n<!-- /trials -->\n"
    begin, end = (text.index(mark) for mark in ("<!-- trials -->", "<!-- /trials -->"))
    tables: dict[str, dict[tuple[str, ...], str]] = {FAULTS: {}, PROPERTIES: {}}
    heading = FAULTS
    for line in text[begin:end].splitlines():
        heading = line if line in tables else heading
        if line.startswith("| `"):
            tables[heading][tuple(line.split(" | ")[:2])] = line
    for path, what, times, outcome in rows:
        heading = FAULTS if path.parent.name == "faults" else PROPERTIES
        tables[heading][f"| `{path.stem}`", what] = f"| `{path.stem}` | {what} | {times:,} | {outcome} |"
    lines = ["<!-- trials -->"]
    for heading, table in tables.items():
        lines += [heading, "", HEAD, "|---|---|---:|---|", *(table[key] for key in sorted(table)), ""]
    document.write_text(text[:begin] + "\n".join(lines) + text[end:], encoding="utf-8")
