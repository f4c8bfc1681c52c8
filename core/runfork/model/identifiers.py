"""Names of projects, runs and writers: how they are made, checked, and turned into file names."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime, timezone
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, cast

from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.model.messages import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_NAME_BYTES = 730
_MAX_DIRECTORY_BYTES = 200
_ATTEMPT_BYTES = 16
_LISTED = 5
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_PLAIN_BYTES = frozenset(f"{_ALPHABET}{_ALPHABET.upper()}_.- ()+,=@".encode())
_ADJECTIVES = (
    "able amber ample bold brave breezy bright brisk calm candid clever cosmic crisp curious daring deft eager early "
    "earnest fair fancy fleet fond frank fresh gentle glad golden grand happy hardy humble jolly keen kind lively loyal "
    "lucid lucky mellow merry mild modest neat nimble noble polite proud quick quiet ready robust royal serene sharp "
    "silver sleek smart snug solid spry steady sunny swift tidy tranquil valiant vivid warm wise witty young zesty"
).split()
_NOUNS = (
    "acorn albatross alder antelope aspen badger beacon beaver birch bison brook canyon cedar comet condor coral cove "
    "crane cypress delta dolphin dune eagle ember falcon fern finch fjord fox garnet gazelle geyser glacier grove gull "
    "harbor hawk heron ibis iris island jaguar juniper kestrel lagoon lake lark lemur lily lynx maple marten meadow "
    "mesa monarch moose nebula oak ocean orca osprey otter owl pebble pelican petrel pine plover prairie puffin quartz "
    "raven reef ridge river robin salmon seal sparrow spruce stork summit swallow swan tern thistle tiger valley walrus willow wren"
).split()


def check_project(project: object) -> str:
    """Return `project` if it has the form ``workspace/project``.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It has not exactly one slash, or an empty part.
    """
    if not isinstance(project, str):
        raise ArgumentTypeError(f"project must be a string like 'workspace/project', found {project!r}")
    parts = project.split("/")
    if len(parts) != 2 or not all(part.strip(" .") for part in parts) or "\0" in project:  # noqa: PLR2004
        raise ArgumentError(
            f"project must have the form 'workspace/project' with exactly one slash, found {project!r}; "
            f"pass for example project='local/{(parts[-1].strip(' .') or 'digits')}'"
        )
    _check_size(project, "project")
    return project


def check_run_id(run_id: object, argument: str = "run_id") -> str:
    """Return `run_id` if it can name a run: non-empty, at most 730 bytes of UTF-8, without a slash.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It breaks a rule.
    """
    name = _check_name(run_id, argument)
    if "/" in name:
        raise ArgumentError(f"{argument} must not contain '/', found {name!r}; use {name.replace('/', '-')!r} instead")
    return name


def check_experiment_name(name: object) -> str:
    """Return `name` if it can name an experiment: non-empty, at most 730 bytes of UTF-8; any characters.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It is empty or too long.
    """
    return _check_name(name, "experiment_name")


def check_mark_id(mark_id: object) -> str:
    """Return `mark_id` if it can name a checkpoint mark: non-empty, at most 730 bytes of UTF-8.

    Raises:
        ArgumentTypeError: It is no string.
        ArgumentError: It is empty, too long, or no valid text.
    """
    return _check_name(mark_id, "mark_id")


def _check_name(name: object, argument: str) -> str:
    if not issubclass(type(name), str):
        remedy = f"; pass '{name}'" if type(name) is int else ""
        raise ArgumentTypeError(f"{argument} must be a string, found {shown(name)}{remedy}")
    name = str.__str__(cast("str", name))
    if not name.strip():
        remedy = "pass the run id of the parent" if argument == "fork_run_id" else "leave it out to have one chosen"
        raise ArgumentError(f"{argument} must not be empty, found {name!r}; {remedy}")
    _check_size(name, argument)
    return name


def _check_size(name: str, argument: str) -> None:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ArgumentError(f"{argument} must be valid text, found {name!r} with a lone surrogate; rename it") from None
    if size > MAX_NAME_BYTES or "\0" in name:
        raise ArgumentError(
            f"{argument} may have {MAX_NAME_BYTES} bytes and no NUL, found {size} bytes in {name[:40]!r}..."
        )


def several_runs(name: str, run_ids: Sequence[str], *, argument: str = "") -> ArgumentError:
    """Return the error that says that the beginning of a run id means several runs."""
    listed = ", ".join(run_ids[:_LISTED]) + (", ..." if len(run_ids) > _LISTED else "")
    return ArgumentError(f"{argument}{name!r} names {len(run_ids)} runs: {listed}; give more of the run id")


def new_run_id() -> str:
    """Return a new readable run id, such as ``swift-dolphin-20250319124841544-y56es`` (time in UTC)."""
    moment = datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S%f")[:-3]
    return "-".join((*_choose(_ADJECTIVES, _NOUNS), moment, random_suffix(5)))


def attempt_ids(run_id: str, resumed: tuple[str, int], launch: str | None) -> Iterator[str]:
    """Yield the run ids that attempts from one checkpoint may have, in the order in which they are taken.

    An attempt is a job that is started again with its run id, where its run went on behind the checkpoint. All processes of a
    launch work out the same ids. That of the mark is not asked: each rank may have saved a mark of its own.

    Args:
        run_id: The id that all attempts were given.
        resumed: Run and micro-step of the checkpoint.
        launch: What the processes of this launch share, or None.
    """
    import hashlib

    place = "\0".join((resumed[0], str(resumed[1]), launch or ""))
    base = run_id.encode()[: MAX_NAME_BYTES - _ATTEMPT_BYTES].decode(errors="ignore")
    first = f"{base}-{hashlib.sha256(place.encode()).hexdigest()[:6]}"
    yield first
    for number in count(2):
        yield f"{first}-{number}"


def generated_prefix(run_id: str) -> str | None:
    """Return the readable words that a generated run id begins with; None of an id that somebody chose."""
    found = _GENERATED.fullmatch(run_id)
    return found[1] if found else None


_GENERATED = re.compile(r"([a-z]+-[a-z]+)-\d{17}-[a-z0-9]{5}")


def new_writer_name(*, created: int, host: str, pid: int) -> str:
    """Return a new journal's name; names sort by `created` (microseconds since 1970)."""
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(created // 1_000_000))
    return f"{moment}.{created % 1_000_000:06d}-{_plain_host(host)}-{pid}-{random_suffix(6)}"


@lru_cache(maxsize=1)
def _plain_host(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", host)[:40].strip("-") or "host"


def random_suffix(length: int) -> str:
    """Return `length` random lower-case letters and digits."""
    return "".join(_choose(*[_ALPHABET] * length))


def _choose(*from_each: Sequence[str]) -> list[str]:
    """Return one at random of each."""
    # by the system's generator: that of `random` is often seeded, and its ids would come again; `secrets` takes 4 ms to import
    number, chosen = int.from_bytes(os.urandom(8 * len(from_each)), "little"), []
    for options in from_each:
        number, place = divmod(number, len(options))
        chosen.append(options[place])
    return chosen


@lru_cache(maxsize=1024)
def directory_name(name: str) -> str:
    """Return a file name for `name`: readable, safe on every file system, different for different names."""
    quoted = "".join(chr(byte) if byte in _PLAIN_BYTES else f"%{byte:02X}" for byte in name.encode())
    if quoted.startswith("."):
        quoted = "%2E" + quoted[1:]
    if quoted.endswith((".", " ")):
        quoted = quoted[:-1] + ("%2E" if quoted[-1] == "." else "%20")
    if len(quoted) <= _MAX_DIRECTORY_BYTES:
        return quoted
    import hashlib

    digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
    return f"{quoted[: _MAX_DIRECTORY_BYTES - 20].rstrip('%')}~{digest}"


def name_of_directory(directory: str) -> str:
    """Return the name that `directory_name` was given; of a shortened one, its beginning."""
    from urllib.parse import unquote

    return unquote(directory.partition("~")[0])
