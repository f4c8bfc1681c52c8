"""How evenly a page draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCROLL = """
([selector, frames, pixels]) => new Promise((done) => {
  const element = document.querySelector(selector);
  const times = [];
  const draw = (time) => {
    times.push(time);
    if (times.length > frames) return done(times);
    element.scrollTop += pixels;
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
})
"""

RECORD = """
() => {
  const times = (window.framesForTests = []);
  const draw = (time) => { if (window.framesForTests === times) { times.push(time); requestAnimationFrame(draw); } };
  requestAnimationFrame(draw);
}
"""
TAKE = "() => { const times = window.framesForTests; delete window.framesForTests; return times; }"


class FrameTimes(NamedTuple):
    """Milliseconds between frames."""

    frames: int
    p50: float
    p95: float
    longest: float


def times_between(moments: list[float]) -> FrameTimes:
    """Return what lies between moments in milliseconds."""
    gaps = np.diff(moments)
    p50, p95 = np.percentile(gaps, (50, 95))
    return FrameTimes(len(gaps), float(p50), float(p95), float(gaps.max()))


def scroll(page: Page, selector: str, *, frames: int = 120, pixels: int = 280) -> FrameTimes:
    """Scroll an element by so many pixels a frame; return the times between frames meanwhile."""
    return times_between(page.evaluate(SCROLL, [selector, frames, pixels]))


def start_recording(page: Page) -> None:
    """Note from now on when frames are drawn, while the test moves the mouse; `stop_recording` tells."""
    page.evaluate(RECORD)


def stop_recording(page: Page) -> FrameTimes:
    """Return the times between frames since `start_recording`."""
    return times_between(page.evaluate(TAKE))
