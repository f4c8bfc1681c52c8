"""Leaving secrets out of what is recorded: credentials in URLs, and arguments that look like passwords or tokens. Pure.

Errs towards masking: a harmless value that is masked costs a look elsewhere, a recorded secret costs a new one.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MASK", "is_secret_name", "mask_arguments", "mask_text", "without_credentials"]

MASK = "****"
_STAND_IN = "runfork_mask"

_ALWAYS_SECRET = frozenset(
    "apikey credential credentials passphrase passwd password passwords pwd secret secrets".split()
)
_SECRET_AT_THE_END = frozenset("auth authorization bearer key keys pass pin pw token".split())

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LOCATION_WORDS = frozenset("dir directory env file filename id name path size type url".split())

_URL_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*://)(?P<credentials>[^\s\"'<>]*)@")
_HAS_BAD_PORT = re.compile(r"[^/?#\s]*:(?!\d*(?:[/?#]|$))")
_ASSIGNMENT = re.compile(
    r"""(?P<name>[A-Za-z_][\w.\-/]*)(?P<between>["']?\s*(?:=|:(?!//))\s*(?:[Bb]earer\s+|[Bb]asic\s+)?)"""
    r"""(?P<value>"[^"]*"|'[^']*'|[^\s,;&"'(){}\[\]]+)"""
)
_SCHEMED = re.compile(r"\b([Bb]earer|[Bb]asic)\s+[\w\-.=+/~]{8,}")
_KNOWN_TOKENS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        hf_[A-Za-z0-9]{16,} | sk-[A-Za-z0-9_\-]{16,} | gh[pousr]_[A-Za-z0-9]{16,} | github_pat_\w{16,}
        | glpat-[\w\-]{16,} | xox[abeprs]-[\w\-]{10,} | A[KS]IA[0-9A-Z]{16} | pypi-[\w\-]{16,}
        | eyJ[\w\-]{8,}\.[\w\-]+(?:\.[\w\-]*)?
    )""",
    re.VERBOSE,
)


def is_secret_name(name: str) -> bool:
    """Return whether an option, variable or key of this name is likely to hold a secret.

    ``--api-key``, ``HF_TOKEN`` and ``db.password`` are; ``--tokenizer``, ``--max-tokens``, ``--key-dim`` and
    ``--token-file`` are not.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _LOCATION_WORDS:
        return False
    return words[-1] in _SECRET_AT_THE_END or any(word in _ALWAYS_SECRET for word in words)


def mask_arguments(arguments: Sequence[str]) -> str:
    """Return a command line as one would type it, with the values of arguments that look like secrets masked."""
    masked: list[str] = []
    hides_next = False
    for argument in arguments:
        if hides_next and not argument.startswith("--"):
            masked.append(MASK)
            hides_next = False
            continue
        masked.append(mask_text(argument))
        hides_next = argument.startswith("-") and "=" not in argument and is_secret_name(argument)
    # Quoting looks at what is masked, not at the asterisks.
    return shlex.join(argument.replace(MASK, _STAND_IN) for argument in masked).replace(_STAND_IN, MASK)


def mask_text(text: str) -> str:
    """Return `text` without credentials in URLs, values assigned to secret names, and well-known kinds of tokens."""
    text = _SCHEMED.sub(rf"\1 {MASK}", without_credentials(text))
    text = _ASSIGNMENT.sub(_mask_assignment, text)
    return _KNOWN_TOKENS.sub(MASK, text)


def _mask_assignment(found: re.Match[str]) -> str:
    if not is_secret_name(found["name"]):
        return found[0]
    return f"{found['name']}{found['between']}{MASK}"


def without_credentials(text: str) -> str:
    """Return `text` with user names and passwords removed from the URLs in it.

    ``https://user:token@host/path`` becomes ``https://host/path``; of ``ssh://git@host`` the user stays, since it is no secret.
    """
    return _URL_CREDENTIALS.sub(_without_credentials, text)


def _without_credentials(found: re.Match[str]) -> str:
    scheme, before = found["scheme"], found["credentials"]
    head, slash, rest = before.partition("/")
    if slash and not _HAS_BAD_PORT.match(before) and "@" not in head:
        return found[0]  # the @ is in the path
    if slash and "@" in head:
        return f"{scheme}{head.rpartition('@')[2]}{slash}{rest}@"
    user, colon, _ = before.partition(":")
    keeps_user = "ssh" in scheme and bool(colon or before)
    return f"{scheme}{user}@" if keeps_user and user else scheme
