r"""The query language: filters as text, for the command line, the UI and Neptune's own clients.

::

    filter     = all { "OR" all }
    all        = one { "AND" one }
    one        = "NOT" one | "(" filter ")" | "TRUE" | "FALSE" | condition
    condition  = attribute ( operator value | "EXISTS" | "NOT" "EXISTS" )
    attribute  = path [ ":" type ] | "last" "(" path [ ":" type ] ")"
    operator   = "==" | "=" | "!=" | ">" | ">=" | "<" | "<=" | [ "NOT" ] "MATCHES" | [ "NOT" ] "CONTAINS"
    path       = "`" any text "`" | a word
    value      = '"' any text '"' | a number | a datetime | "true" | "false"

Example: ``(`train/loss`:float_series < "0.3") AND NOT (`sys/tags`:string_set CONTAINS "debug")``.

- A back-tick inside a path is written twice. Nothing else in a path is escaped.
- Inside a quoted value ``\\`` is a backslash and ``\"`` a quote; any other backslash stands for itself.
- Types have the query API's names; those of Neptune's server (``floatSeries``, ``stringSet``, ...) are read too.
- A value is read by the attribute's type; of an attribute without a type a quoted one is a string, and a bare one a
  number, a bool or a datetime. Datetimes are ISO 8601 (bare ones with a ``T``); without an offset they are local time.
- Keywords are read in any case. A word has no blanks, quotes, back-ticks, parentheses, nor any of ``: = ! < >``.
- The empty text is ``TRUE``.

What stands here knows the text, and not what filters are: `runfork.model.filters` says what is made of each part, and how filters
are printed. Reading gives back what was printed, for every filter whose values fit their attribute's type and whose `AllOf` and
`AnyOf` have no single part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from runfork.errors import ArgumentError
from runfork.model.attributes import AttributeType, check_path

if TYPE_CHECKING:
    from collections.abc import Callable

Operator = Literal["==", "!=", ">", ">=", "<", "<=", "MATCHES", "NOT MATCHES", "CONTAINS", "NOT CONTAINS", "EXISTS"]
FilterValue = float | int | bool | str | datetime | None

F = TypeVar("F")

MAX_DEPTH = 100
"""Parentheses and NOTs within each other; deeper text is refused rather than overflowing the stack."""

_TYPES = {kind.value: kind.value for kind in AttributeType} | {
    "floatSeries": "float_series",
    "stringSeries": "string_series",
    "histogramSeries": "histogram_series",
    "fileRefSeries": "file_series",
    "fileRef": "file",
    "stringSet": "string_set",
    "experimentState": "string",
}
_AGGREGATES = ("last", "min", "max", "average", "variance")
_SYMBOLS: dict[str, Operator] = {"==": "==", "=": "==", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_KEYWORDS = frozenset({"AND", "OR", "NOT", "EXISTS", "MATCHES", "CONTAINS", "TRUE", "FALSE"})
_NUMBERS = frozenset({"float", "int", "float_series"})


@dataclass(frozen=True)
class Parts(Generic[F]):
    """What filters are made of.

    Args:
        compare: Takes a path, its type or None, an operator and a value: None for EXISTS only.
        negate: Makes what holds where its part does not.
        all_of: Makes what holds where every part does, and always where there is none.
        any_of: Makes what holds where at least one part does.
    """

    compare: Callable[[str, str | None, Operator, FilterValue], F]
    negate: Callable[[F], F]
    all_of: Callable[[tuple[F, ...]], F]
    any_of: Callable[[tuple[F, ...]], F]


def print_comparison(path: str, kind: str | None, operator: Operator, value: FilterValue) -> str:
    """Return one attribute compared with one value as text."""
    left = "`" + path.replace("`", "``") + "`" + (f":{kind}" if kind is not None else "")
    if operator == "EXISTS":
        return f"{left} EXISTS"
    text = print_value(value)
    if isinstance(value, str) or kind is not None:
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{left} {operator} {text}"


def print_value(value: FilterValue) -> str:
    """Return a value as text, without quotes: numbers exactly, datetimes as ISO 8601 with their offset."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.astimezone()).isoformat()
    return str(value)


_INTEGER = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_FLOAT = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)", re.IGNORECASE | re.ASCII)


def read_value(text: str, kind: str | None) -> FilterValue:
    """Return the value that `text` stands for, compared with an attribute of type `kind`; None is a bare value.

    Raises:
        ArgumentError: `text` is none of that type.
    """
    if kind in _NUMBERS:
        return _read_bool(text) if text.lower() in ("true", "false") else _read_number(text)
    if kind == "bool":
        return _read_bool(text)
    if kind == "datetime":
        return _read_datetime(text)
    return text if kind is not None else _read_bare(text)


def _read_bare(text: str) -> FilterValue:
    if text.lower() in ("true", "false"):
        return _read_bool(text)
    if _DATETIME.fullmatch(text):
        return _read_datetime(text)
    return _read_number(text)


def _read_number(text: str) -> int | float:
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    raise ArgumentError(f"a value must be a number here, found {text!r:.80}; strings stand in double quotes")


def _read_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ArgumentError(f'a bool must be "true" or "false", found {text!r:.80}')
    return text.lower() == "true"


_DATETIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|[+-]\d\d(?::?\d\d(?::?\d\d(?:\.\d{1,6})?)?)?)?",
    re.IGNORECASE | re.ASCII,
)


def _read_datetime(text: str) -> datetime:
    found = _DATETIME.fullmatch(text.strip())
    try:
        value = None if found is None else _as_datetime(found)
    except (ValueError, OverflowError, OSError):
        value = None
    if value is None:
        raise ArgumentError(f"a datetime must be ISO 8601 such as 2026-01-31T12:00:00+00:00, found {text!r:.80}")
    return value


def _as_datetime(found: re.Match[str]) -> datetime:
    # Python 3.10's fromisoformat knows neither Z nor other fractions than three or six digits.
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    micros = int((found[7] or "0")[:6].ljust(6, "0"))
    value = datetime(year, month, day, hour, minute, second, micros, tzinfo=_read_offset(found[8]))
    return value if value.tzinfo else value.astimezone()


def _read_offset(text: str | None) -> timezone | None:
    if text is None or text in "Zz":
        return timezone.utc if text else None
    digits = text[1:].replace(":", "")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4] or 0), float(digits[4:] or 0)
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-offset if text[0] == "-" else offset)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


_TOKEN = re.compile(
    r"""
      (?P<blank>\s+)
    | (?P<path>`(?:[^`]|``)*`)
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:[\d:.,]+(?:Z|[+-][\d:.]+)?(?![^\s()]))
    | (?P<symbol>==|!=|>=|<=|[=<>():])
    | (?P<word>[^\s`"():=!<>]+)
    """,
    re.VERBOSE | re.DOTALL,
)


def _tokens(text: str) -> list[_Token]:
    found = []
    start = 0
    while start < len(text):
        match = _TOKEN.match(text, start)
        if match is None:
            raise _error(text, start, _unknown(text[start]))
        if match.lastgroup != "blank":
            found.append(_Token(match.lastgroup or "", match[0], start))
        start = match.end()
    return [*found, _Token("end", "", len(text))]


def _unknown(character: str) -> str:
    if character in '`"':
        name = "path" if character == "`" else "value"
        return f"the {name} that begins here has no closing {character}"
    return f"{character!r} means nothing here; quote it if it belongs to a path or a value"


def _error(text: str, start: int, problem: str) -> ArgumentError:
    error = ArgumentError(f"cannot read the filter {text!r:.200} at character {start + 1}: {problem}")
    error.position = start
    return error


def parse_text(text: str, parts: Parts[F]) -> F:
    """Read a filter from text, and make it of `parts`.

    Raises:
        ArgumentError: It does not follow the grammar; the message names the character, counted from 1.
    """
    parser = _Parser(text, parts)
    if parser.is_next("end"):
        return parts.all_of(())
    condition = parser.filter(0)
    if not parser.is_next("end"):
        raise parser.error("AND, OR or the end")
    return condition


class _Named(NamedTuple):
    """An attribute, and its type where that was said."""

    path: str
    kind: str | None


class _Parser(Generic[F]):
    """Reads tokens from left to right; one method per rule of the grammar."""

    def __init__(self, text: str, parts: Parts[F]) -> None:
        self.text = text
        self.parts = parts
        self.tokens = _tokens(text)
        self.position = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.next
        self.position += token.kind != "end"
        return token

    def is_next(self, kind: str, text: str | None = None) -> bool:
        return self.next.kind == kind and (text is None or self.next.text == text)

    def keyword(self) -> str | None:
        word = self.next.text.upper()
        return word if self.next.kind == "word" and word in _KEYWORDS else None

    def skip_keyword(self, word: str) -> bool:
        if self.keyword() != word:
            return False
        self.take()
        return True

    def skip_symbol(self, symbol: str, *, wanted: str | None = None) -> bool:
        if self.is_next("symbol", symbol):
            self.take()
            return True
        if wanted is not None:
            raise self.error(wanted)
        return False

    def error(self, wanted: str) -> ArgumentError:
        found = "the end" if self.is_next("end") else repr(self.next.text)
        return _error(self.text, self.next.start, f"expected {wanted}, found {found:.80}")

    def filter(self, depth: int) -> F:
        return self.joined(depth, "OR", self.all, self.parts.any_of)

    def all(self, depth: int) -> F:
        return self.joined(depth, "AND", self.one, self.parts.all_of)

    def joined(self, depth: int, word: str, rule: Callable[[int], F], whole: Callable[[tuple[F, ...]], F]) -> F:
        found = [rule(depth)]
        while self.skip_keyword(word):
            found.append(rule(depth))
        return found[0] if len(found) == 1 else whole(tuple(found))

    def one(self, depth: int) -> F:
        if depth > MAX_DEPTH:
            problem = f"more than {MAX_DEPTH} parentheses and NOTs stand within each other; simplify the filter"
            raise _error(self.text, self.next.start, problem)
        if self.skip_keyword("NOT"):
            return self.parts.negate(self.one(depth + 1))
        if self.skip_keyword("TRUE"):
            return self.parts.all_of(())
        if self.skip_keyword("FALSE"):
            return self.parts.any_of(())
        if self.skip_symbol("("):
            condition = self.filter(depth + 1)
            self.skip_symbol(")", wanted="AND, OR or a closing parenthesis")
            return condition
        return self.condition()

    def condition(self) -> F:
        attribute = self.aggregate() or self.attribute()
        is_negated = self.skip_keyword("NOT")
        if self.skip_keyword("EXISTS"):
            exists = self.parts.compare(*attribute, "EXISTS", None)
            return self.parts.negate(exists) if is_negated else exists
        if self.skip_keyword("MATCHES"):
            return self.parts.compare(*attribute, "NOT MATCHES" if is_negated else "MATCHES", self.string())
        if self.skip_keyword("CONTAINS"):
            return self.parts.compare(*attribute, "NOT CONTAINS" if is_negated else "CONTAINS", self.string())
        if is_negated:
            raise self.error("EXISTS, MATCHES or CONTAINS after NOT")
        return self.compared(attribute)

    def compared(self, attribute: _Named) -> F:
        operator = _SYMBOLS.get(self.next.text) if self.next.kind == "symbol" else None
        if operator is None:
            raise self.error("an operator (== != > >= < <= MATCHES CONTAINS EXISTS)")
        self.take()
        return self.parts.compare(*attribute, operator, self.value(attribute.kind))

    def aggregate(self) -> _Named | None:
        following = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        if self.next.kind != "word" or (following.kind, following.text) != ("symbol", "("):
            return None
        name = self.next.text.lower()
        if self.keyword() or name not in _AGGREGATES:
            raise self.error("an attribute or last(attribute)")
        if name != "last":
            problem = (
                f"filters compare the last value of a series, not its {name}; write last(...), or sort by {name}(...)"
            )
            raise _error(self.text, self.next.start, problem)
        self.take()
        self.take()
        attribute = self.attribute()
        self.skip_symbol(")", wanted="a closing parenthesis")
        return attribute

    def attribute(self) -> _Named:
        if self.next.kind not in ("path", "word") or self.keyword():
            raise self.error("an attribute path such as `train/loss`")
        token = self.take()
        path = token.text[1:-1].replace("``", "`") if token.kind == "path" else token.text
        kind = self.type() if self.skip_symbol(":") else None
        try:
            return _Named(check_path(path), kind)
        except ArgumentError as error:
            raise _error(self.text, token.start, str(error)) from None

    def type(self) -> str:
        if self.next.kind != "word" or self.next.text not in _TYPES:
            raise self.error(f"one of the types {', '.join(kind.value for kind in AttributeType)}")
        return _TYPES[self.take().text]

    def string(self) -> str:
        if not self.is_next("quoted"):
            raise self.error("a quoted string")
        return _unescape(self.take().text)

    def value(self, kind: str | None) -> Any:
        if self.next.kind not in ("quoted", "word", "datetime"):
            raise self.error("a value")
        token = self.take()
        is_quoted = token.kind == "quoted"
        if is_quoted and kind is None:
            return _unescape(token.text)
        try:
            bare = None if is_quoted else _read_bare(token.text)
            if bare is not None and kind is None:
                return bare
            return read_value(_unescape(token.text) if is_quoted else token.text, kind)
        except ArgumentError as error:
            raise _error(self.text, token.start, str(error)) from None


def _unescape(quoted: str) -> str:
    return re.sub(r'\\([\\"])', r"\1", quoted[1:-1])
