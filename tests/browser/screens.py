"""What stands on the screen, as pixels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Locator, Page

    Pixels = NDArray[np.int16]


def pixels_of(shown: Page | Locator, **options: Any) -> Pixels:
    """Return what a page or an element shows, as rows x columns x (red, green, blue); options go to Playwright's screenshot."""
    image = Image.open(io.BytesIO(shown.screenshot(**options)))
    return np.asarray(image.convert("RGB"), dtype=np.int16)


def is_near(pixels: Pixels, colour: tuple[int, int, int], *, tolerance: int = 12) -> NDArray[np.bool_]:
    """Return which pixels have a colour, rows x columns."""
    near: NDArray[np.bool_] = np.all(
        np.abs(pixels - np.array(colour, dtype=np.int16)) <= tolerance, axis=2, keepdims=True
    )
    return near[:, :, 0]


def column_saturation(pixels: Pixels) -> NDArray[np.int16]:
    """Return of each column how far its most colourful pixel is from grey: 0 to 255."""
    saturation: NDArray[np.int16] = (pixels.max(axis=2) - pixels.min(axis=2)).max(axis=0)
    return saturation


def difference(one: Pixels, other: Pixels, *, tolerance: int = 12) -> float:
    """Return the share of pixels that differ, 1.0 where the sizes do."""
    if one.shape != other.shape:
        return 1.0
    return float((np.abs(one - other) > tolerance).any(axis=2).mean())
