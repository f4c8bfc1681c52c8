"""The reader's side: bringing an index up to date from journals, states of runs, families of forks, what is damaged.

It may import errors, types, settings, model, journal, disk, index, hooks, plugins.
"""

from __future__ import annotations

__all__ = ["BUILT_IN"]

BUILT_IN = ("runfork.reading.indexes",)
"""The indexes that come with runfork, as plugins like everyone's."""
