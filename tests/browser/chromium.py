"""The Chromium of this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

COMMANDS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

FLAGS = [
    "--no-sandbox",  # a container's root has none
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
]

MISSING = (
    "there is no Chromium on this machine, which browser tests need: install it (Debian: apt-get install chromium; elsewhere:"
    " playwright install chromium); python3 recipes.py browser does the first where it may"
)


def find_chromium(playwright: Playwright) -> str | None:
    """Return the path of a Chromium: from the path, or what `playwright install` brought; None if there is none."""
    found = next((path for path in map(shutil.which, COMMANDS) if path), None)
    own = playwright.chromium.executable_path
    return found or (own if Path(own).is_file() else None)


def launch(playwright: Playwright) -> Browser:
    """Start a Chromium that reaches nothing beyond this machine. Tests without one fail."""
    path = find_chromium(playwright)
    if path is None:
        pytest.fail(MISSING, pytrace=False)
    return playwright.chromium.launch(executable_path=path, args=FLAGS, env=dict(os.environ))
