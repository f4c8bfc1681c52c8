"""Text with colours and the like, and how it is written: with the sequences by which terminals choose them (SGR). Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_WRITTEN = 65_536
"""Characters of a text with its sequences; longer ones have no styles."""

MAX_PARTS = 1000
"""How many pieces of a text are read that differ in style; the last one is plain."""

_MAX_PARAMETERS = 256
"""Characters between a sequence's beginning and end; a longer one changes nothing."""

_OF_STYLES = "0123456789;:"
"""Other characters are in sequences that end in "m", too, and choose something else."""

_SEQUENCE = re.compile(r"\x1b\[([0-9;:]*)m")
_COLOURS, _OWN_COLOUR = {38: "foreground", 48: "background"}, {39: "foreground", 49: "background"}
_UNDERLINE_COLOUR = 58
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_TWO_LINES_BELOW = 21
_OFF = {22: "bold dim", 23: "italic", 24: "underline", 27: "inverse", 29: "strike"}
_FOREGROUND, _BACKGROUND, _BRIGHT = 30, 40, 60
"""Where the sequences for eight colours begin, and how far from them those for the bright ones."""

_EIGHT, _LARGEST = 8, 255


class Style(NamedTuple):
    """How characters look. A colour is a number of the palette (0 to 255), "#rrggbb", or None: the terminal's own."""

    foreground: int | str | None = None
    background: int | str | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    strike: bool = False


PLAIN = Style()


class StyledText(str):
    """A text that knows how it is written with its styles. It equals the plain text, and what is made of it is plain.

    `written` is the text with sequences that choose styles, and no others; it begins and ends in the terminal's own style.
    """

    __slots__ = ("written",)
    written: str


def with_writing(text: str, written: str) -> StyledText:
    """Return a text that is written as `written`."""
    made = StyledText(text)
    made.written = written
    return made


def styled(text: str, written: str, before: Style, after: Style) -> str:
    """Return a text with its styles; itself where there are none to be seen, or too many.

    Args:
        text: The text.
        written: The same with sequences that choose styles.
        before: The style at its beginning.
        after: The style at its end.
    """
    if not text or (before is PLAIN and "\x1b" not in written.replace("\x1b[0m", "").replace("\x1b[m", "")):
        return text
    begin = "" if before is PLAIN else sequence(before)
    end = "" if after is PLAIN else sequence(PLAIN)
    whole = f"{begin}{written}{end}"
    return with_writing(text, whole) if len(whole) <= MAX_WRITTEN else text


def parts_of(text: str) -> list[tuple[str, Style]]:
    """Return the pieces of a text that have one style each."""
    return read_parts(text.written) if isinstance(text, StyledText) else [(text, PLAIN)]


# Sequences


def restyled(style: Style, parameters: str) -> Style:
    """Return the style after a sequence: `parameters` stands between ``ESC [`` and ``m``. What is unknown changes nothing."""
    return style if len(parameters) > _MAX_PARAMETERS else _restyled(style, parameters)


@lru_cache(maxsize=1024)
def _restyled(style: Style, parameters: str) -> Style:
    if parameters.strip(_OF_STYLES):
        return style
    fields = parameters.split(";")
    while fields:
        code, *details = fields.pop(0).split(":")
        number = int(code or 0)
        if number in _COLOURS or number == _UNDERLINE_COLOUR:
            colour = _colour(details or _take_details(fields))
            if number in _COLOURS and colour is not None:
                style = _with(style, _COLOURS[number], colour)
        else:
            style = _changed(style, number, is_off=details[:1] == ["0"])
    return PLAIN if style == PLAIN else style


def _changed(style: Style, number: int, *, is_off: bool) -> Style:
    if number == 0:
        return PLAIN
    if number == _TWO_LINES_BELOW:
        return style._replace(underline=True)
    if number in _ON:
        return _with(style, _ON[number], not is_off)
    if number in _OFF:
        return _with(style, _OFF[number], False)
    if number in _OWN_COLOUR:
        return _with(style, _OWN_COLOUR[number], None)
    for name, first in (("foreground", _FOREGROUND), ("background", _BACKGROUND)):
        for begin, colour in ((first, 0), (first + _BRIGHT, _EIGHT)):
            if begin <= number < begin + _EIGHT:
                return _with(style, name, number - begin + colour)
    return style


def _with(style: Style, names: str, value: int | str | bool | None) -> Style:
    changes: dict[str, Any] = dict.fromkeys(names.split(), value)
    return style._replace(**changes)


def _take_details(fields: list[str]) -> list[str]:
    """Take the parameters that belong to a colour, where semicolons part them."""
    size = {"5": 2, "2": 4}.get(fields[0] if fields else "", 0)
    taken = fields[:size]
    del fields[:size]
    return taken


def _colour(details: list[str]) -> int | str | None:
    """Return a colour by its parameters: 5 and a number, or 2 and red, green, blue, perhaps with a colour space before them."""
    kind, *rest = details or [""]
    try:
        numbers = [int(one or 0) for one in (rest[1:] if kind == "2" and len(rest) > 3 else rest)]  # noqa: PLR2004
    except ValueError:
        return None
    wanted = {"5": 1, "2": 3}.get(kind)
    if wanted is None or len(numbers) < wanted or any(one > _LARGEST for one in numbers[:wanted]):
        return None
    return numbers[0] if kind == "5" else "#{:02x}{:02x}{:02x}".format(*numbers[:3])


@lru_cache(maxsize=1024)
def sequence(style: Style) -> str:
    """Return the sequence that chooses a style, whatever was chosen before."""
    codes = [0, *(code for code, name in _ON.items() if getattr(style, name))]
    for colour, first in ((style.foreground, _FOREGROUND), (style.background, _BACKGROUND)):
        if isinstance(colour, str):
            codes += [first + 8, 2, *bytes.fromhex(colour[1:])]
        elif colour is not None and colour < 2 * _EIGHT:
            codes.append(first + colour if colour < _EIGHT else first + _BRIGHT + colour - _EIGHT)
        elif colour is not None:
            codes += [first + 8, 5, colour]
    return f"\x1b[{';'.join(map(str, codes))}m"


def write_parts(parts: Iterable[tuple[str, Style]]) -> str:
    """Return pieces of a text with the sequences that choose their styles."""
    written = []
    before = PLAIN
    for part, style in parts:
        if part and style != before:
            written.append(sequence(style))
            before = style
        written.append(part)
    if before != PLAIN:
        written.append(sequence(PLAIN))
    return "".join(written)


def read_parts(written: str) -> list[tuple[str, Style]]:
    """Return the pieces of a text that was written with sequences, each with its style; no more than `MAX_PARTS`."""
    parts: list[tuple[str, Style]] = []
    style = PLAIN
    begin = 0
    for found in _SEQUENCE.finditer(written):
        if begin < found.start():
            _add_part(parts, written[begin : found.start()], style)
            if len(parts) == MAX_PARTS - 1:
                rest = without_styles(written[found.end() :])
                return [*parts, (rest, PLAIN)] if rest else parts
        begin = found.end()
        style = restyled(style, found[1])
    if begin < len(written):
        _add_part(parts, written[begin:], style)
    return parts


def _add_part(parts: list[tuple[str, Style]], text: str, style: Style) -> None:
    if parts and parts[-1][1] == style:
        text = parts.pop()[0] + text
    parts.append((text, style))


def style_after(written: str, style: Style) -> Style:
    """Return the style at the end of what was written, if it was `style` at its beginning."""
    if "\x1b" not in written:
        return style
    reset = max(written.rfind("\x1b[0m"), written.rfind("\x1b[m"))
    for found in _SEQUENCE.finditer(written, max(reset, 0)):
        style = restyled(style, found[1])
    return style


def without_styles(written: str) -> str:
    """Return a text without the sequences that choose styles."""
    return _SEQUENCE.sub("", written) if "\x1b" in written else written
