"""The plugin of ``convert_value`` that comes last: what is told of values of any type."""

from __future__ import annotations

from runfork.hooks import hookimpl
from runfork.model.unknown_types import known_form


@hookimpl(trylast=True)
def convert_value(value: object) -> object | None:
    """Return a known form of `value`; None where reading it fails, which whoever asks finds out, and tells the user."""
    try:
        return known_form(value)
    except Exception:  # the value's own methods may raise anything, which is no failure of this plugin
        return None
