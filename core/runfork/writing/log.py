"""What can be logged to a run: the ``log_*`` methods, and how each value is checked on its way to the recorder."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from runfork.advice import Advised
from runfork.errors import ArgumentError, ArgumentTypeError
from runfork.journal.format import NAMESPACE, Kind
from runfork.model.attributes import AttributeType, check_path, check_series_path, is_system_path
from runfork.model.conversion import convert_config, convert_text, plain_value
from runfork.model.flattening import flatten, told_name
from runfork.model.histograms import convert_histogram
from runfork.model.messages import shown
from runfork.model.named_parts import MAX_PARTS, Unreadable, named_parts, unreadable
from runfork.model.secrets import mask_config
from runfork.model.steps import to_micro_steps
from runfork.writing.recorder import Recorder, check_mapping

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from runfork.types import File, Histogram
    from runfork.writing.problems import Problems

__all__ = ["Logbook"]

WRITABLE_SYSTEM_PATHS = frozenset(
    {"sys/description", "sys/archived", "sys/tags", "sys/group_tags", "sys/integration/name", "sys/integration/version"}
)


class Logbook(Advised):
    """The logging side of a run. Every method may be called from any thread.

    A run hands in where records go (`recorder`), where problems are counted (`problems`) and where files are kept.
    """

    recorder: Recorder
    problems: Problems
    watched_thread: int | None = None
    """The thread whose next log call sets this back to None: how a notebook learns which cells use which runs."""

    @cached_property
    def _own(self) -> dict[Kind, dict[str, Any]]:
        return {}

    @property
    def directory(self) -> Path:
        """The folder of journals and files."""
        raise NotImplementedError

    @property
    def is_disabled(self) -> bool:
        """Whether nothing is written."""
        raise NotImplementedError

    def _convert_value(self, value: object) -> object | None:
        """Return a known form of a value of an unknown type, or None."""
        raise NotImplementedError

    def _sync_file(self, path: Path) -> None:
        """Have a file that was kept reach the disk, soon."""
        raise NotImplementedError

    # Series

    def log_metrics(
        self,
        data: Mapping[str, Any],
        step: float,
        *,
        timestamp: datetime | float | None = None,
        preview: bool = False,
        preview_completion: float | None = None,
    ) -> None:
        """Append one point to each of several float series.

        Args:
            data: Path to number: int, float, NumPy scalar, 0-d array or one-element tensor; NaN and infinities are kept.
                A value that is no number is dropped with a warning, the others are logged.
            step: ``0 <= step < 1e12``, six decimals; any order. At a step that the series has in this run, the new value wins.
            timestamp: When it was measured: datetime (naive: local) or Unix seconds; default now. For one that is no time
                (NaT, NaN, milliseconds) now stands, with a warning.
            preview: A provisional point, replaced by a later preview or a committed point at its step.
            preview_completion: How complete the preview is, 0 to 1.

        Raises:
            ArgumentTypeError: `data` is no mapping, or `step` no number.
            ArgumentError: `step` is out of range; nothing was logged.
        """
        if self.watched_thread is not None:
            self._note_use()
        if timestamp is None and not preview and preview_completion is None:
            self.recorder.log_metrics(data, step)
            return
        completion = _check_completion(preview, preview_completion)
        self.recorder.log_row(data, step, timestamp=timestamp, completion=completion)

    def log_string_series(
        self, data: Mapping[str, str], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several string series; texts have at most 1 MiB of UTF-8. Arguments as in `log_metrics`."""
        body: dict[str, Any] = {}
        for path, value in self._checked(data, AttributeType.STRING_SERIES, "string series"):
            try:
                body[path] = convert_text(value)
            except ArgumentError as error:
                self.problems.drop(f"string {path!r}", f"string {path!r:.80} was not logged: {error}")
        self._log_points(Kind.STRINGS, body, step, timestamp)

    def log_histograms(
        self, histograms: Mapping[str, Histogram], step: float, *, timestamp: datetime | float | None = None
    ) -> None:
        """Append one point to each of several histogram series. Arguments as in `log_metrics`, values `runfork.Histogram`."""
        body: dict[str, Any] = {}
        for path, value in self._checked(histograms, AttributeType.HISTOGRAM_SERIES, "histograms"):
            try:
                body[path] = convert_histogram(value)
            except ArgumentError as error:
                self.problems.drop(f"histogram {path!r}", f"histogram {path!r:.80} was not logged: {error}")
        self._log_points(Kind.HISTOGRAMS, body, step, timestamp)

    def log_files(
        self,
        files: Mapping[str, str | os.PathLike[str] | bytes | File],
        step: float,
        *,
        timestamp: datetime | float | None = None,
    ) -> None:
        """Append one file to each of several file series; contents are copied now. Arguments as in `log_metrics`."""
        to_micro_steps(step)
        self._log_points(Kind.FILES, self._kept_files(files, AttributeType.FILE_SERIES), step, timestamp)

    def _log_points(self, kind: Kind, body: Mapping[str, Any], step: float, timestamp: object) -> None:
        if self.watched_thread is not None:
            self._note_use()
        moment, is_given = self.recorder.moment_of(timestamp), timestamp is not None
        self.recorder.record_points(kind, body, step=to_micro_steps(step), time_us=moment, is_given=is_given)

    # Single values

    def log_configs(self, data: Any, flatten: bool = False, cast_unsupported: bool = False) -> None:
        """Set single values; a later one replaces an earlier one, the family of types of a path stays.

        Nested mappings, dataclasses and namespaces become ``a/b/c`` paths. What becomes of each kind of value stands in
        ``docs/values.md``; one that raises when it is read is dropped alone.

        Args:
            data: Mapping, dataclass or namespace; None does nothing.
            flatten: Accepted for scripts written for Neptune; nested values are always flattened.
            cast_unsupported: Accepted for scripts written for Neptune; unknown values always become strings.

        Raises:
            ArgumentTypeError: `data` has no named parts.
        """
        del flatten, cast_unsupported
        if data is not None:
            self._record_own(Kind.CONFIGS, self._config_body(data))

    def describe(self, values: Any, *, replaces: Iterable[str], keeps_own: bool = False) -> None:
        """Say anew, and whole, what some namespaces hold: what stood below them and is not said again is gone.

        For what is described as a whole, such as a trainer's settings: a fork then does not show the values of its parent that
        it has no more. All single values and files below the namespaces that were set before, or are inherited, are gone unless
        `values` holds them; series are not touched. A value elsewhere is set as by `log_configs`.

        Args:
            values: As in `log_configs`: mapping, dataclass or namespace, the namespaces' own names at its front.
            replaces: The namespaces, such as ``["trainer", "model/config"]``. Those of runfork itself (``sys/``, ``runtime/``,
                ``source_code/``) cannot be replaced.
            keeps_own: What `log_configs` and `assign_files` of this object set below the namespaces stays, unless `values` says
                otherwise: for integrations, which share namespaces with their users.

        Raises:
            ArgumentTypeError: `values` has no named parts, or `replaces` is no list of namespaces.
            ArgumentError: A namespace cannot be replaced; nothing was logged.
        """
        spaces = _check_namespaces(replaces)
        self.recorder.types.release(spaces)
        replaced = {space: [NAMESPACE, None] for space in spaces}
        own = {
            kind: _below(spaces, self._own.get(kind, {})) if keeps_own else {} for kind in (Kind.CONFIGS, Kind.FILES)
        }
        body = self._config_body(values)
        self._record_values(Kind.CONFIGS, {**replaced, **own[Kind.CONFIGS], **body, **replaced})
        self._record_values(Kind.FILES, {path: file for path, file in own[Kind.FILES].items() if path not in body})

    def _note_use(self) -> None:
        if threading.get_ident() == self.watched_thread:
            self.watched_thread = None

    def _record_own(self, kind: Kind, body: Mapping[str, Any]) -> None:
        """Append single values, and remember that it was the user who set them."""
        self._own.setdefault(kind, {}).update(body)
        self._record_values(kind, body)

    def _record_values(self, kind: Kind, body: Mapping[str, Any]) -> None:
        if self.watched_thread is not None:
            self._note_use()
        self.recorder.record_values(kind, body)

    def _config_body(self, data: Any) -> dict[str, Any]:
        """Return what a CONFIGS record holds of `data`: without the values that cannot be logged, each of which is told."""
        body: dict[str, Any] = {}
        for path, value in _flatten(data, on_twice=self._tell_twice).items():
            try:
                name = check_path(path) if type(value) is not Unreadable else path
                kind, converted = convert_config(value, fallback=self._convert_value, mask=partial(mask_config, name))
                self._check_writable(name)
            except ArgumentError as error:
                what = told_name("config", path, value)
                self.problems.drop(what, f"{what} not logged: {error}")
                continue
            if self.recorder.types.claim(name, kind):
                body[name] = [kind.value, converted]
        return body

    def _tell_twice(self, path: str) -> None:
        self.problems.drop(
            f"twice {path!r}",
            f"two values of one call have the path {path!r:.80}: the last was logged; rename the other",
        )

    def assign_files(self, files: Mapping[str, str | os.PathLike[str] | bytes | File]) -> None:
        """Set single files; contents are copied now, so the originals may change or go afterwards.

        Args:
            files: Path of the attribute to path on disk, contents, or `runfork.File`. A file that cannot be read is
                dropped with a warning.
        """
        self._record_own(Kind.FILES, self._kept_files(files, AttributeType.FILE))

    def add_tags(self, tags: Iterable[str], group_tags: bool = False) -> None:
        """Add tags (or group tags).

        Raises:
            ArgumentTypeError: `tags` is not a collection of strings.
        """
        self._change_tags("add", tags, group_tags=group_tags)

    def remove_tags(self, tags: Iterable[str], group_tags: bool = False) -> None:
        """Remove tags (or group tags); those of the parent stay the parent's.

        Raises:
            ArgumentTypeError: `tags` is not a collection of strings.
        """
        self._change_tags("remove", tags, group_tags=group_tags)

    def _change_tags(self, change: str, tags: Iterable[str], *, group_tags: bool) -> None:
        if issubclass(type(tags), str) or not hasattr(type(tags), "__iter__"):
            raise ArgumentTypeError(f"tags must be a list of strings, found {shown(tags)}; pass [{shown(tags)}]")
        names: list[str] = []
        try:
            names.extend(islice(iter(tags), MAX_PARTS))
        except Exception as error:  # what goes through the tags may raise anything; those so far are kept
            self.problems.drop("tags", f"some tags were not logged: {unreadable(error).reason}")
        if not all(issubclass(type(name), str) for name in names):
            raise ArgumentTypeError(f"tags must be strings, found {shown(names)}")
        if names:
            plain = [str.__str__(name) for name in names]
            self._record_values(Kind.TAGS, {"sys/group_tags" if group_tags else "sys/tags": {change: plain}})

    def _checked(self, data: object, kind: AttributeType, what: str) -> list[tuple[str, Any]]:
        """Return the items of `data` whose path is fit for `kind`."""
        parts = named_parts(check_mapping(data, f"{what} must be a dict of path to value"))
        trouble = parts if isinstance(parts, Unreadable) else parts.trouble if parts is not None else None
        if trouble is not None:
            self.problems.drop(what, f"some {what} were not logged: {trouble.reason}")
        if parts is None or isinstance(parts, Unreadable):
            return []
        found = []
        for path, value in parts.items:
            try:
                name = check_series_path(path) if kind.is_series else check_path(path)
            except ArgumentError as error:
                self.problems.drop(f"path {shown(path)}", f"{shown(path)} was not logged: {error}")
                continue
            if self.recorder.types.claim(name, kind):
                found.append((name, value))
        return found

    def _kept_files(self, files: object, kind: AttributeType) -> dict[str, Any]:
        try:
            from runfork.disk.logged_files import FOLDER, keep_file
        except (ImportError, OSError) as error:  # no file can be opened, not even ours
            self.problems.lose("files", f"files could not be copied to {self.directory} ({error}); check the disk")
            return {}
        body: dict[str, Any] = {}
        for path, value in self._checked(files, kind, "files"):
            if self.is_disabled:
                continue
            try:
                kept = keep_file(value, self.directory)
            except ArgumentError as error:
                self.problems.drop(f"file {path!r}", f"file {path!r:.80} was not logged: {error}")
            except (OSError, MemoryError) as error:
                self.problems.lose(
                    "files", f"file {path!r:.80} could not be copied to {self.directory} ({error}); check the disk"
                )
            else:
                body[path] = {"sha256": kept.sha256, "size": kept.size_bytes, "mime": kept.mime_type, "name": kept.name}
                self._sync_file(self.directory / FOLDER / kept.sha256)
        return body

    def _check_writable(self, path: str) -> None:
        if path.startswith("sys/") and path not in WRITABLE_SYSTEM_PATHS and not path.startswith("sys/resume/"):
            raise ArgumentError(f"{path!r} is written by runfork itself; choose a path outside sys/")


def _below(spaces: Iterable[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in values.items() if path.startswith(tuple(spaces))}


def _check_namespaces(spaces: object) -> list[str]:
    """Return namespaces, each with the slash at its end."""
    if isinstance(spaces, (str, bytes)) or not isinstance(spaces, Iterable):
        raise ArgumentTypeError(f"replaces must be a list of namespaces, found {spaces!r:.80}; pass [{spaces!r:.80}]")
    found = []
    for space in spaces:
        name = check_path(space).strip("/")
        if not name or is_system_path(f"{name}/"):
            raise ArgumentError(
                f"{space!r} cannot be replaced: it is runfork's own, or everything; name another namespace"
            )
        found.append(f"{name}/")
    return found


def _check_completion(preview: bool, completion: object) -> float | None:
    if completion is None:
        return 0.0 if preview else None
    number: Any = None
    with suppress(ArgumentError):
        number = plain_value(completion)
    if not preview and number != 1.0:
        raise ArgumentError(f"preview_completion={shown(completion)} needs preview=True")
    if type(number) not in (int, float):
        raise ArgumentTypeError(f"preview_completion must be a number from 0 to 1, found {shown(completion)}")
    if not preview:
        return None
    return 0.0 if math.isnan(number) else min(max(float(number), 0.0), 1.0)


_flatten = flatten  # the argument of `log_configs` has the same name
