"""The pictures of the documents, light and dark: ``python3 -m tests.browser.docs_pictures [PART OF A NAME ...]``, or the recipe.

They show a project that ``runfork demo`` made, beside a sweep that is drawn from seeds.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from tests.browser import charts, chromium
from tests.browser.contexts import Contexts
from tests.browser.demos import Demo, make_demo
from tests.browser.ui_servers import UiServer
from tests.browser.visits import Visit
from tests.browser.watching import Watch
from tests.drawn_journals import EPOCH, Rows, draw_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (1280, 720)
PIXELS_PER_POINT = 1.5
MOST_COLOURS = 256
MOST_BYTES = 120_000
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <selectfont><rejectfont>
    <pattern><patelt name="family"><string>DejaVu Sans</string></patelt></pattern>
    <pattern><patelt name="family"><string>DejaVu Sans Mono</string></patelt></pattern>
    <pattern><patelt name="family"><string>Liberation Sans</string></patelt></pattern>
    <pattern><patelt name="family"><string>Liberation Mono</string></patelt></pattern>
  </rejectfont></selectfont>
  <match target="pattern"><edit name="family" mode="append_last"><string>Inter</string></edit></match>
  <match target="pattern"><test name="family"><string>Menlo</string></test>
    <edit name="family" mode="prepend" binding="same"><string>JetBrains Mono</string></edit></match>
  <match target="pattern"><test name="family"><string>monospace</string></test>
    <edit name="family" mode="prepend" binding="same"><string>JetBrains Mono</string></edit></match>
</fontconfig>
"""
"""Readers' machines have better fonts than those that take pictures: Debian's fonts-inter and fonts-jetbrains-mono stand in."""
WANTED_FONTS = {"Inter", "JetBrains Mono"}

BIRDS = ("gull", "heron", "plover", "avocet", "tern", "curlew", "dunlin", "petrel", "skua", "knot", "ruff", "whimbrel")
STEPS_PER_EPOCH, EPOCHS = 23, 12
MINUTE = 60_000_000


def draw_sweep(demo: Demo) -> None:
    """Draw a sweep into the project of the demo: a model a bird, every third one forked with a lower learning rate."""
    random = np.random.default_rng(7)
    for number, bird in enumerate(BIRDS):
        rate, hidden = float(np.round(10 ** random.uniform(-2, -0.3), 3)), int(2 ** random.integers(4, 8))
        state = ("finished", "finished", "finished", "failed")[number % 4]
        steps = range(1, (EPOCHS if state == "finished" else 7) * STEPS_PER_EPOCH)
        loss = 2.2 * np.exp(-np.arange(len(steps)) * (rate + 0.02) / 9) + 0.18 + random.normal(0, 0.035, len(steps))
        configs: dict[str, object] = {"hparams/lr": rate, "hparams/hidden": hidden}
        _draw(demo, f"{bird}-1", bird, steps, loss, configs, state=state, minute=number)
        if number % 3 == 0:
            cut = 5 * STEPS_PER_EPOCH
            later = range(cut + 1, EPOCHS * STEPS_PER_EPOCH)
            begin = float(loss[cut - 1])
            lower = begin * np.exp(-np.arange(len(later)) / 70) + 0.1 + random.normal(0, 0.02, len(later))
            changed = {**configs, "hparams/lr": rate / 5}
            _draw(demo, f"{bird}-2", bird, later, lower, changed, fork=(f"{bird}-1", cut), minute=number + 20)


def _draw(
    demo: Demo,
    run_id: str,
    bird: str,
    steps: range,
    loss: NDArray[np.float64],
    configs: dict[str, object],
    *,
    minute: int,
    state: str = "finished",
    fork: tuple[str, int] | None = None,
) -> None:
    ends = [at for at, step in enumerate(steps) if step % STEPS_PER_EPOCH == STEPS_PER_EPOCH - 1]
    seen = [steps[at] for at in ends]
    smooth = np.convolve(np.pad(loss, 4, mode="edge"), np.ones(9) / 9, mode="valid")[ends]
    draw_run(
        demo.directory,
        run_id,
        project=demo.project,
        experiment=bird,
        created=EPOCH + minute * MINUTE,
        fork=fork,
        configs=configs,
        rows=[
            Rows(steps, {"train/loss": loss.tolist()}),
            Rows(seen, {"val/loss": (smooth * 1.1).tolist(), "val/accuracy": (1 - smooth / 2.4).tolist()}),
        ],
        state=state,
    )


def pages(trained: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each picture and the path of its page; `trained` are the runs of the demo."""
    killed, resumed, slower, head = trained
    base, columns = f"p/{Demo.project}", "val/loss,min(val/loss),val/accuracy,hparams/lr,hparams/hidden"
    drawn = f"{head},gull-2,heron-1,avocet-2,plover-1"
    yield "charts", f"{base}/charts?" + urlencode({"eyes": drawn, "charts": "train|val"})
    yield "table", f"{base}/table?" + urlencode({"columns": columns, "open": head})
    yield "filter", f"{base}/table?" + urlencode({"columns": columns, "mode": "runs"})
    yield "run", f"{base}/run?" + urlencode({"run": head})
    yield "compare", f"{base}/compare?" + urlencode({"with": f"{head},{slower},{resumed},{killed}"})
    yield "lineage", f"{base}/lineage?" + urlencode({"family": "digits"})


def take(parts: Sequence[str]) -> None:
    """Take the pictures whose names have one of these parts, or all."""
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        _choose_fonts(Path(temporary, "fonts.conf"))
        demo, browser = make_demo(Path(temporary)), chromium.launch(playwright)
        trained = demo.runs
        draw_sweep(demo)
        server = UiServer(demo.directory, Path(temporary, "printed"))
        try:
            for name, path in pages(trained):
                if not parts or any(part in name for part in parts):
                    for scheme in SCHEMES:
                        _take_one(browser, server, path, name, scheme)
        finally:
            server.stop()
            browser.close()


def _choose_fonts(file: Path) -> None:
    """Let the browser that is started take the fonts that pictures are to have, if they are there."""
    command = shutil.which("fc-list")
    listed = command and subprocess.run([command, ":", "family"], capture_output=True, text=True, check=True).stdout
    if listed and WANTED_FONTS <= {name.strip() for line in listed.splitlines() for name in line.split(",")}:
        file.write_text(FONTS, encoding="utf-8")
        os.environ["FONTCONFIG_FILE"] = str(file)


def _take_one(browser: Browser, server: UiServer, path: str, name: str, scheme: Literal["light", "dark"]) -> None:
    watch = Watch()
    visit = Visit(Contexts(browser), watch)
    page = visit(server, path, size=SIZE, scheme=scheme, device_scale_factor=PIXELS_PER_POINT)
    _prepare(page, name)
    charts.settle(watch, page)
    written = _write(page.screenshot(), FOLDER / f"{name}-{scheme}.png")
    visit.close()
    print(f"{name}-{scheme}.png", f"{written / 1000:.0f} kB", *watch.troubles(), sep="  ", flush=True)


def _prepare(page: Page, name: str) -> None:
    """Do what the picture is to show."""
    if name == "filter":
        page.keyboard.press("/")
        page.keyboard.type("hparams/lr <= 0.1 and val/")
        page.get_by_role("option").first.wait_for()


def _write(screenshot: bytes, file: Path) -> int:
    """Write a picture with few colours; return its bytes."""
    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    palette = Image.new("P", (1, 1))
    # Of the colours that are there most: those of surfaces and lines stay what they are.
    colours, counts = np.unique(np.asarray(image).reshape(-1, 3), axis=0, return_counts=True)
    palette.putpalette(colours[np.argsort(-counts)[:MOST_COLOURS]].ravel().tolist())
    few = image.quantize(palette=palette, dither=Image.Dither.NONE)
    file.parent.mkdir(exist_ok=True)
    few.save(file, optimize=True)
    size = file.stat().st_size
    assert size <= MOST_BYTES, f"{file.name} has {size} bytes"
    return size


if __name__ == "__main__":
    os.environ["RUNFORK_QUIET"] = "1"
    take(sys.argv[1:])
