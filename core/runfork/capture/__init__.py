"""What is logged by itself: console, machine, hardware, source code; nothing here knows which run it goes to.

It may import model, disk, hooks.
"""

from __future__ import annotations

__all__: list[str] = []
