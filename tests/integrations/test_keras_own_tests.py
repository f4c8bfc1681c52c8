"""Keras' own callback tests, which ship in its wheel, pass with our callback in every ``fit``."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tests.integrations import user_scripts

from runfork.testing.waits import HANG_SECONDS

tiny = pytest.importorskip("tests.integrations.tiny_keras")

FOLDER = Path(tiny.keras.__file__).parent / "src" / "callbacks"
HOME = Path(__file__).resolve().parents[2]


def outcomes(store, *options):
    """Run the tests, and return the outcome of each by name."""
    files = sorted(str(file) for file in FOLDER.glob("*_test.py"))
    flags = (
        "-q -rA --tb=native --timeout=120 --continue-on-collection-errors -p no:cacheprovider -p no:randomly -W ignore"
    )
    ours = {name: value for name, value in os.environ.items() if name.startswith("RUNFORK_")}
    arguments = [*flags.split(), "-c", os.devnull, "--rootdir", str(FOLDER), *options, *files]
    out, errors = user_scripts.pytest(*arguments, framework="keras", folder=store.parent, **ours).communicate(
        timeout=HANG_SECONDS
    )
    found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) (\S+::\S+)", out, re.MULTILINE)
    assert found, out[-3000:] + errors[-3000:]
    return {name: outcome for outcome, name in found}, out


@pytest.mark.skipif(not list(FOLDER.glob("*_test.py")), reason="this version of Keras ships no tests")
def test_callback_tests_of_keras_have_the_same_outcomes_with_us(store):
    without, _ = outcomes(store)
    injected, output = outcomes(store, "-p", "tests.integrations.keras_injection")
    passed = {name for name, outcome in without.items() if outcome == "PASSED"}

    assert len(passed) > 20
    assert {} == {name: injected.get(name) for name in passed if injected.get(name) != "PASSED"}, output[-6000:]
    assert list((store / "local").iterdir()), "the callback logged nothing"
