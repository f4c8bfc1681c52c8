"""Regular expressions that take for ever stop nobody but whoever asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.servers import P, until_read

from runfork_server import trying
from runfork_server.trying import try_pattern

if TYPE_CHECKING:
    import httpx

ENDLESS = "(x+x+)+y"


@pytest.fixture
def long_names(open_run, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> httpx.Client:
    """A client of a server with a run of which much is long."""
    monkeypatch.setattr(trying, "LONGEST_SECONDS", 0.5)
    run = open_run(run_id="r", experiment_name="x" * 200)
    run.log_configs({"x" * 200: 1, "note": "x" * 200})
    run.close()
    until_read(client, run_count=1)
    return client


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("attributes/search", {"q": ENDLESS}),
        ("attributes/search", {"q": f"lr | !{ENDLESS}"}),
        ("differences", {"run_ids": ["r"], "q": ENDLESS}),
        ("runs/search", {"filter": f'note MATCHES "{ENDLESS}"'}),
        ("runs/search", {"filter": f'lr == 1 OR NOT experiment NOT MATCHES "{ENDLESS}"'}),
    ],
)
def test_a_pattern_that_takes_for_ever_is_refused(long_names: httpx.Client, what: str, body: dict[str, Any]) -> None:
    answer = long_names.post(f"{P}/{what}", json=body)

    assert answer.status_code == 400
    assert "takes longer than" in answer.json()["detail"]
    assert long_names.get("/healthz").status_code == 200


def test_a_pattern_with_repeats_that_ends_is_answered(long_names: httpx.Client) -> None:
    found = long_names.post(f"{P}/attributes/search", json={"q": "^(no|x)+te$"}).json()

    assert [one["path"] for one in found["attributes"]] == ["note"]


@pytest.mark.parametrize(
    "pattern", ["loss", "^train/.*loss", r"a\+\*\{1,2\}(b)", "[+*)]+[*+)]x*", "lr | !^sys/ & a.*b.*"]
)
def test_what_cannot_multiply_is_not_tried(pattern: str) -> None:
    def texts() -> list[str]:
        raise AssertionError("it was tried")

    try_pattern(pattern, texts)
