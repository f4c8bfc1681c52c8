"""Whatever objects a program logs, and whatever they do when they are read: what is beside them is logged."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import warnings
from collections.abc import Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from tests.hostility import PlainMapping, hostile
from tests.strategies import examples

from runfork import File, Histogram
from runfork.errors import ArgumentError, RunforkWarning
from runfork.journal.format import Kind
from runfork.testing.journals import batches_of, configs_of, points_of, records_of

untyped: Any = Histogram
file_of: Any = File


class MissingValueError(Exception):
    """What OmegaConf raises for ``???``, and for an interpolation that leads nowhere."""


class Container(PlainMapping):
    """A mapping that raises for some of its values when they are read, as those of OmegaConf do."""

    def __getitem__(self, key: str) -> Any:
        value = self.parts[key]
        if value == "???":
            raise MissingValueError(f"Missing mandatory value: {key}\n    full_key: model.{key}")
        return value


@dataclasses.dataclass
class Settings:
    width: int = 3
    depth: int = 4


class Described(Settings):
    def __getattribute__(self, name: str) -> Any:
        if name == "depth":
            raise OSError("the disk is gone")
        return super().__getattribute__(name)


class Lazy(argparse.Namespace):
    def __getattribute__(self, name: str) -> Any:
        if name == "late":
            raise TimeoutError("not loaded")
        return super().__getattribute__(name)


Lazy.__name__ = "Namespace"


class Interrupted(PlainMapping):
    def __iter__(self) -> Any:
        yield "first"
        raise ConnectionError("the store went away")

    def keys(self) -> Any:
        return iter(self)


class Nameless:
    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            raise RuntimeError("working outside of context")
        return super().__getattribute__(name)


class Sizeless(list[int]):
    def __iter__(self) -> Any:
        raise OSError("closed")

    def __len__(self) -> int:
        raise OSError("closed")


def test_of_a_mapping_with_a_missing_value_the_others_are_logged(run):
    with pytest.warns(
        RunforkWarning,
        match=r"^config 'model/path' was not logged: it could not be read "
        r"\(MissingValueError: Missing mandatory value: path full_key: model\.path\); log what it stands for instead",
    ):
        run.log_configs({"model": Container({"path": "???", "width": 3, "deep": Container({"a": 1})}), "lr": 0.1})

    found = configs_of(run.directory)
    assert [found[path] for path in ("model/width", "model/deep/a", "lr")] == [3, 1, 0.1]


@pytest.mark.parametrize(
    ("make", "path", "reason", "kept"),
    [
        (lambda: Described(width=3), "v/depth", "OSError: the disk is gone", {"v/width": 3}),
        (lambda: Lazy(late=1, there=2), "v/late", "TimeoutError: not loaded", {"v/there": 2}),
        (lambda: Interrupted({"first": 1, "second": 2}), "v", "ConnectionError: the store went away", {"v/first": 1}),
        (Nameless, "v", "RuntimeError: working outside of context", {}),
        (Sizeless, "v", "OSError: closed", {}),
        (lambda: SimpleNamespace(a=Nameless(), b=1), "v/a", "RuntimeError: working outside of context", {"v/b": 1}),
        (lambda: [1, Container({"path": "???"})], "v", "MissingValueError: Missing mandatory value", {}),
    ],
)
def test_what_raises_when_it_is_read_costs_itself_alone(run, make, path, reason, kept):
    with pytest.warns(RunforkWarning, match=f"^config '{path}' was not logged: .*{reason}"):
        run.log_configs({"before": 1, "v": make(), "after": 2})

    found = configs_of(run.directory)
    assert {name: found.get(name) for name in ("before", "after", *kept)} == {"before": 1, "after": 2, **kept}
    assert run.status.dropped_values == 1


def test_of_configs_that_raise_themselves_what_was_read_is_logged(run):
    with pytest.warns(RunforkWarning, match="^some configs were not logged: it could not be read .ConnectionError"):
        run.log_configs(Interrupted({"first": 1, "second": 2}))

    assert configs_of(run.directory)["first"] == 1


def test_metrics_beside_one_that_raises_are_logged_each_time(run):
    for step in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RunforkWarning)
            run.log_metrics(Container({"loss": 0.5, "acc": "???", "deep": Container({"a": "???", "b": 1})}), step)
            run.log_metrics({"x": 1.0, "y": Nameless()}, step)

    assert [len(points_of(run.directory, path)) for path in ("loss", "deep/b", "x")] == [3, 3, 3]
    assert run.status.dropped_values == 9


class Endless(Mapping[str, Any]):
    """A mapping without an end, in width or in depth."""

    def __init__(self, *, is_deep: bool) -> None:
        self.is_deep = is_deep

    def __iter__(self) -> Any:
        return iter("ab") if self.is_deep else map(str, itertools.count())

    def __len__(self) -> int:
        return 2

    def __getitem__(self, key: str) -> Any:
        return Endless(is_deep=True) if self.is_deep else 1


@pytest.mark.parametrize("is_deep", [False, True])
def test_a_mapping_without_an_end_takes_nothing_from_those_beside_it(run, is_deep):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunforkWarning)
        run.log_configs({"endless": Endless(is_deep=is_deep), "deep": {"a": {"b": {"c": 1}}}, "last": 2})

    found = configs_of(run.directory)
    assert (found["deep/a/b/c"], found["last"]) == (1, 2)
    assert any("more than 100,000" in sentence for sentence in run.status.problems)


def test_a_path_of_text_that_raises_is_the_plain_text(run, tmp_path):
    class Odd(str):
        __slots__ = ()

        def __bool__(self) -> bool:
            raise RuntimeError("not now")

        __len__ = __iter__ = __hash__ = __str__ = __bool__  # type: ignore[assignment]

    (tmp_path / "f.txt").write_text("x")
    run.assign_files({"f": Odd(tmp_path / "f.txt"), "g": b"y"})

    kept = {path for record in records_of(run.directory, Kind.FILES) for path in record.body}
    assert (kept, run.status.dropped_values) == ({"f", "g"}, 0)


def test_a_collection_without_an_end_is_refused(run):
    class Repeated(list[str]):
        def __iter__(self) -> Any:
            return itertools.repeat("again")

    with pytest.warns(RunforkWarning, match="^config 'v' was not logged: a collection may have 1 MiB in all"):
        run.log_configs({"v": Repeated(), "good": 1})

    assert configs_of(run.directory)["good"] == 1


def test_a_file_that_will_not_say_its_class_costs_itself(run):
    def refuse(_: object) -> None:
        raise RuntimeError("not now")

    unwilling = type("Unwilling", (), {"__class__": property(refuse)})()
    with pytest.warns(RunforkWarning, match="^file 'bad' was not logged: it could not be read"):
        run.assign_files({"bad": unwilling, "good": b"x"})

    assert [["good"]] == [list(record.body) for record in records_of(run.directory, Kind.FILES)]


def test_an_interrupt_goes_through_while_configs_are_read(run):
    class Interrupting:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.log_configs({"a": Interrupting()})


def test_whatever_objects_raise_every_call_survives_and_logs_the_other_values(run, tried):
    said: list[int] = []

    def call(method: Any, *args: Any, **options: Any) -> None:
        with suppress(ArgumentError):
            method(*args, **options)

    @examples(40)
    @given(hostile())
    def holds(found_by):
        evil, n = found_by(), len(said)
        said.append(n)
        histogram = Histogram([0, 1], counts=[1])
        run.log_configs({f"{n}/c": 1, f"{n}/e": evil, f"{n}/nested": {"e": evil, "b": [evil], "good": 2}})
        for step in (0, 1):
            run.log_metrics({f"{n}/m": 1.5, f"{n}/em": evil}, step)
        run.log_metrics({f"{n}/k": 1.5, f"{n}/nested-m": {"a": evil, "good": 1}}, 0)
        run.log_string_series({f"{n}/s": "x", f"{n}/es": evil}, 0)
        run.log_histograms({f"{n}/h": histogram, f"{n}/eh": untyped(evil, counts=evil), f"{n}/ed": evil}, 0)
        run.assign_files({f"{n}/f": b"x", f"{n}/ef": evil, f"{n}/ff": file_of(evil, evil, evil)})
        run.log_files({f"{n}/fs": b"x", f"{n}/efs": file_of(b"x", name=evil)}, 0)
        for options in ({"timestamp": evil}, {"preview": True, "preview_completion": evil}):
            call(run.log_metrics, {f"{n}/o": 1}, 2, **options)
        for method in (run.log_metrics, run.log_string_series, run.log_histograms, run.log_files):
            call(method, {f"{n}/o": 1}, evil)
            call(method, evil, 0)
        for method in (run.log_configs, run.assign_files, run.add_tags, run.remove_tags, run.checkpoint_mark):
            call(method, evil)
        call(run.add_tags, ["t", evil])
        for name in ("epoch", "fingerprint", "cuts", "mark_id", "counter"):
            call(run.checkpoint_mark, 1, **{name: evil})
        call(run.checkpoint_mark, 1, cuts={f"{n}/m": evil})

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        holds()
    found = configs_of(run.directory)
    whole = list(batches_of(run.journal.path))
    paths = {path for batch in whole for rows in batch.rows for path in rows.paths}
    kinds = (Kind.STRINGS, Kind.HISTOGRAMS, Kind.FILES)
    others = {path for batch in whole for record in batch.records if record.kind in kinds for path in record.body}
    assert [damage for batch in whole for damage in batch.damage] == []
    for n in said:
        assert (found[f"{n}/c"], found[f"{n}/nested/good"]) == (1, 2)
        assert {f"{n}/m", f"{n}/k", f"{n}/nested-m/good"} <= paths
        assert {f"{n}/s", f"{n}/h", f"{n}/f", f"{n}/fs"} <= others
    tried(
        "objects that raise anywhere, or have no end, in every log call",
        times=len(said),
        outcome="the values beside them logged, nothing raised but our own errors, no record that readers refuse",
    )
