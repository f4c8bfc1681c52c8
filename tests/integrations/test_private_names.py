"""Each private name of a framework that our code uses has a canary."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.integrations.private_names import PrivateName, check

REPOSITORY = Path(__file__).parents[2]
OWN = {"_replace", "_runfork_callback", "_runfork_hooks"}
"""Names with an underscore that are no framework's: of named tuples, and what we put somewhere."""


def private_names(path):
    """Yield the names with an underscore that a module reads of anything but itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not is_own(node.value):
            yield node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"getattr", "hasattr"}:
            name = node.args[1]
            if isinstance(name, ast.Constant) and str(name.value).startswith("_"):
                yield name.value


def is_own(owner):
    return isinstance(owner, ast.Name) and owner.id in {"self", "cls"}


def test_each_private_name_has_a_canary():
    used = {name for path in (REPOSITORY / "integrations").rglob("*.py") for name in private_names(path)}
    canaries = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*_private_names.py")
    )

    lacking = {name for name in used - OWN if not name.startswith("__") and name not in canaries}

    assert used
    assert lacking == set()


@pytest.mark.parametrize("is_as_known", [lambda _seen: False, lambda seen: seen.gone])
def test_a_canary_says_which_version_broke_which_name_and_what_needs_it(is_as_known):
    with pytest.raises(pytest.fail.Exception, match=r"pytest \d.* broke thing\._inner.* We need it for: the mark"):
        check("pytest", PrivateName("thing._inner", "the mark", is_as_known), object())
