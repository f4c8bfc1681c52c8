"""The web UI as it was built: small, and at home; on what the wheel and the sdist install, and in the checkout."""

import gzip
import re
from importlib.resources import files
from pathlib import Path

import pytest

LIMIT_BYTES = 150_000
"""Of all that a browser loads, gzipped."""

NAMES_OF_STANDARDS = ("http://www.w3.org/",)
"""What XML calls SVG and MathML by: names, which nobody loads."""

LICENSES = "licenses.md"


@pytest.fixture(scope="module")
def static():
    folder = Path(str(files("runfork_server"))) / "static"
    assert (folder / "index.html").is_file(), "the web UI is not built; python3 recipes.py ui builds it"
    return folder


def loaded(static):
    """Return the files that a browser may load."""
    return [path for path in static.rglob("*") if path.is_file() and path.name not in {LICENSES, ".built-from"}]


def test_the_bundle_is_small(static):
    sizes = {str(path.relative_to(static)): len(gzip.compress(path.read_bytes())) for path in loaded(static)}

    told = "\n".join(f"{size:8} {name}" for name, size in sorted(sizes.items(), key=lambda one: -one[1]))
    print(f"gzipped bytes:\n{told}\n{sum(sizes.values()):8} in all")
    assert sum(sizes.values()) <= LIMIT_BYTES, f"the bundle outgrew its {LIMIT_BYTES} bytes:\n{told}"


def test_nothing_is_loaded_from_elsewhere(static):
    # An address with a scheme, or one that takes the page's: in a string, in url(...), in an attribute.
    address = re.compile(r"""(?:https?|wss?)://[^\s"'`<>()]*|(?<=["'`(])//[\w.-]+\.\w+[^\s"'`<>()]*""")
    found = {
        (str(path.relative_to(static)), one)
        for path in loaded(static)
        for one in address.findall(path.read_text(encoding="utf-8", errors="replace"))
        if not one.startswith(NAMES_OF_STANDARDS)
    }

    assert found == set()


def test_what_changes_has_its_content_in_its_name(static):
    names = [path.name for path in (static / "assets").iterdir()]

    assert names
    assert [name for name in names if not re.search(r"-[\w-]{8}\.\w+$", name)] == []


def test_addresses_in_the_page_are_relative(static):
    page = (static / "index.html").read_text(encoding="utf-8")

    assert re.findall(r'(?:src|href)="(?!\./)[^"]*"', page) == []


def test_the_bundle_brings_the_licences_of_what_is_in_it(static):
    text = (static / LICENSES).read_text(encoding="utf-8")

    assert "preact" in text


def test_neither_sources_nor_tools_are_installed(static):
    found = [path for path in static.parent.rglob("*") if path.suffix in {".ts", ".tsx", ".map"}]

    assert found == []
    assert not (static.parent / "node_modules").exists()
