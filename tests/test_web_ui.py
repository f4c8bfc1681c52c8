"""What a ``runfork ui`` leaves for the user's other programs: found while it runs, and no longer."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from runfork.disk.web_ui import find_page, leave_address, take_away

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "http://127.0.0.1:7355/"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where processes of this test leave their addresses."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "runfork" / "ui"


def left_by_another(state: Path, data: Path, name: str = "999999", **changes: Any) -> Path:
    """Leave what another server would have left; `changes` say how it differs from what this process leaves."""
    own = leave_address(data, ADDRESS)
    assert own is not None
    said = {**json.loads(own.read_bytes()), **changes}
    other = own.with_name(own.name.replace(str(os.getpid()), name))
    other.write_text(json.dumps(said), encoding="utf-8")
    take_away(own)
    assert own.parent == state
    return other


def test_a_page_is_found_while_it_is_served_whatever_names_are_like(data_directory: Path) -> None:
    assert find_page(data_directory, "w/p", "r") is None

    left = leave_address(data_directory, ADDRESS)

    assert find_page(data_directory, "w/p", "r") == f"{ADDRESS}p/w/p/run?run=r"
    assert find_page(data_directory, "w p/ü?", "a/b&c#") == f"{ADDRESS}p/w%20p/%C3%BC%3F/run?run=a%2Fb%26c%23"
    take_away(left)
    take_away(left)
    assert find_page(data_directory, "w/p", "r") is None


def test_only_its_user_can_read_what_is_left(data_directory: Path, state: Path) -> None:
    left = leave_address(data_directory, ADDRESS)

    assert left is not None
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert [left] == [*state.iterdir()]
    assert not data_directory.exists()


def test_another_data_directory_is_not_meant_and_a_link_to_this_one_is(data_directory: Path, tmp_path: Path) -> None:
    data_directory.mkdir()
    leave_address(data_directory, ADDRESS)
    (tmp_path / "link").symlink_to(data_directory)

    assert find_page(tmp_path / "other", "w/p", "r") is None
    assert find_page(tmp_path / "link", "w/p", "r") is not None


def test_of_two_servers_the_one_begun_last_is_meant(data_directory: Path, state: Path) -> None:
    later = left_by_another(state, data_directory, address="http://127.0.0.1:1/", begun=4e9)
    leave_address(data_directory, ADDRESS)

    assert str(find_page(data_directory, "w/p", "r")).startswith("http://127.0.0.1:1/p/")
    later.unlink()
    assert str(find_page(data_directory, "w/p", "r")).startswith(ADDRESS)


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "elsewhere"},
        {"process_start": 1.0},  # the number of the process was given to another one
        {"pid": 2**22 + 1},  # it crashed
        {"boot_id": "another:pid:[1]"},
        {"pid": "1"},
        {"address": None},
        {"begun": "today"},
        {"directory": 7},
    ],
)
def test_what_does_not_surely_run_here_is_not_named(data_directory: Path, state: Path, changes: dict[str, Any]) -> None:
    left_by_another(state, data_directory, **changes)

    assert find_page(data_directory, "w/p", "r") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_damaged_is_passed_over(data_directory: Path, state: Path, content: bytes) -> None:
    left_by_another(state, data_directory).write_bytes(content)
    leave_address(data_directory, ADDRESS)

    assert find_page(data_directory, "w/p", "r") is not None


def test_what_crashed_servers_left_is_swept_by_the_next_one(data_directory: Path, state: Path) -> None:
    crashed = left_by_another(state, data_directory, pid=2**22 + 1)
    earlier = left_by_another(state, data_directory, "999998", boot_id="another:pid:[1]")
    hidden = left_by_another(state, data_directory, "999997", host="elsewhere")
    left = leave_address(data_directory, ADDRESS)

    assert not crashed.exists()
    assert not earlier.exists()
    assert {left, hidden} == {*state.iterdir()}


def test_where_nothing_can_be_left_nothing_is_said(data_directory: Path, state: Path) -> None:
    state.parent.parent.mkdir(parents=True)
    state.parent.write_text("a file", encoding="utf-8")

    assert leave_address(data_directory, ADDRESS) is None
    take_away(None)
    assert find_page(data_directory, "w/p", "r") is None
