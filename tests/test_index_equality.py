"""Random histories, in random portions and orders, read the same from the SQLite index as from the one in memory."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.answers import assert_equal_buckets, assert_equal_points, assert_equal_runs, assert_equal_values
from tests.strategies import BUCKETS, POINTS, QUERIES, SIZES, examples, histories, lineages

from runfork.errors import ArgumentError, NotFoundError
from runfork.index.memory import MemoryIndex
from runfork.index.sqlite import SqliteIndex
from runfork.journal.format import Kind
from runfork.journal.records import Record
from runfork.model.attributes import AttributeType
from runfork.model.patterns import Pattern, compile_pattern

ACTIONS = [
    "look",
    "look",
    "reopen",
    "other",
    "together",
    "apart",
    "again",
    "gap",
    "broken",
    "late break",
    "states",
    "remove",
]
PLANS = st.lists(st.lists(st.sampled_from(ACTIONS), max_size=2), max_size=12)


class Pair:
    """The same history in memory and in a file; the file is written through either of two handles and read through a third."""

    def __init__(self, path, sizes):
        self.path, self.sizes = path, sizes
        self.memory = MemoryIndex()
        self.sqlite = SqliteIndex(path, sizes=sizes)
        self.idle = SqliteIndex(path, sizes=sizes)
        self.follower = SqliteIndex(path, read_only=True)
        self.together = ExitStack()
        self.is_together = False
        self.applied = []

    def close(self):
        self.apart()
        for one in (self.sqlite, self.idle, self.follower):
            one.close()

    def apply(self, batch):
        self.memory.apply(batch)
        self.sqlite.apply(batch)
        self.applied.append(batch)

    def begin_together(self):
        if not self.is_together:
            self.together.enter_context(self.sqlite.together())
            self.is_together = True

    def apart(self):
        self.together.close()
        self.is_together = False

    def reopen(self):
        self.apart()
        self.sqlite.close()
        self.sqlite = SqliteIndex(self.path, sizes=self.sizes)

    def change_hands(self):
        self.apart()
        self.sqlite, self.idle = self.idle, self.sqlite

    @property
    def readers(self):
        return [self.sqlite] if self.is_together else [self.sqlite, self.idle, self.follower]

    def do(self, action, batches, number):
        """Do something after which both must still say the same."""
        event(action)
        if action == "look":
            for reader in self.readers:
                assert_equal_values(reader, self.memory)
            assert_equal_points(self.sqlite, self.memory, [{"previews": True}])
        elif action == "reopen":
            self.reopen()
        elif action == "other":
            self.change_hands()
        elif action == "together":
            self.begin_together()
        elif action == "apart":
            self.apart()
        elif action == "again":
            self.apply(self.applied[number % len(self.applied)])
        elif action == "remove":
            self.remove(sorted(self.memory.nodes())[number % 2 :: 3])
        elif action == "states":
            self.set_states(["running", "failed", "lost"][number % 3])
        else:
            self.fail(action, batches[number:])

    def remove(self, run_ids):
        """Remove runs, look, and bring in again what was there of them."""
        for index in (self.memory, self.sqlite):
            index.remove(run_ids)
        self.do("look", [], 0)
        for batch in [one for one in self.applied if one.key.run_id in run_ids]:
            self.memory.apply(batch)
            self.sqlite.apply(batch)

    def set_states(self, state: str):
        known = dict.fromkeys(sorted(self.memory.nodes())[:2], state)
        for index in (self.memory, self.sqlite):
            index.set_states(known)
            with pytest.raises(NotFoundError):
                index.set_states({"a": "failed", "unknown": "failed"})

    def fail(self, action, coming):
        """Let a batch fail: one that does not follow, or one that breaks at its beginning or at its end."""
        if action == "gap":
            for batch in coming[:1]:
                for index in (self.memory, self.sqlite):
                    with pytest.raises(ArgumentError, match="must begin at byte"):
                        index.apply(replace(batch, start=batch.end + 1000, end=batch.end + 2000))
            return
        bad = Record(Kind.MARK, 1, 0, 0, 0, clock_axis=False, body={})
        if action == "late break":
            bad = Record(Kind.STRINGS, 1, 0, 0, 0, clock_axis=False, body={"bad": object()})
        for batch in coming[:1]:
            with pytest.raises((KeyError, TypeError)):
                self.sqlite.apply(replace(batch, records=[*batch.records, bad]))


@contextmanager
def pairs(sizes):
    with tempfile.TemporaryDirectory() as directory:
        pair = Pair(Path(directory) / "index.db", sizes)
        try:
            yield pair
        finally:
            pair.close()


def assert_equal_answers(one, other, *, points, buckets, queries):
    """Ask in all five shapes."""
    assert one.nodes() == other.nodes()
    assert one.marks(sorted(one.nodes())) == other.marks(sorted(one.nodes()))
    assert one.writers() == other.writers()
    assert_equal_values(one, other)
    assert_equal_values(one, other, paths=["x", "sys/tags", "nobody/has/it"])
    pattern = compile_pattern("x | arch")
    assert_equal_values(one, other, pattern=pattern)
    assert one.definitions() == other.definitions()
    restricted = {"run_ids": ["a", "b", "unknown"], "pattern": pattern}
    assert one.definitions(**restricted) == other.definitions(**restricted)
    exact = {"pattern": Pattern(names=frozenset({"x", "sys/tags", "nobody/has/it"}))}
    assert one.definitions(**exact) == other.definitions(**exact)
    assert one.definitions(**exact, run_ids=["a", "c"]) == other.definitions(**exact, run_ids=["a", "c"])
    types = [AttributeType.FLOAT_SERIES, AttributeType.STRING, AttributeType.BOOL]
    assert one.definitions(types=types) == other.definitions(types=types)
    assert_equal_points(one, other, [{}, {"replaced": True}, *points])
    assert_equal_buckets(one, other, buckets)
    assert_equal_runs(one, other, queries)


@pytest.mark.timeout(3600)
def test_equal_histories_give_equal_answers(tried):
    seen = []

    @examples(80)
    @given(histories(), SIZES, PLANS, POINTS, BUCKETS, QUERIES)
    def holds(batches, sizes, plan, points, buckets, queries):
        with pairs(sizes) as pair:
            for number, batch in enumerate(batches, start=1):
                pair.apply(batch)
                for action in plan[number - 1] if number <= len(plan) else ():
                    pair.do(action, batches, number)
            pair.apart()
            for reader in pair.readers:
                assert_equal_answers(reader, pair.memory, points=points, buckets=buckets, queries=queries)
        seen.append(len(batches))

    holds()
    tried(
        "histories of any kind, brought into the SQLite index and the one in memory in portions of any order, the file reopened, "
        "written through two handles, followed by a reader, with batches that fail",
        times=len(seen),
        outcome=f"{sum(seen):,} batches, equal answers in all five shapes",
    )


@pytest.mark.timeout(3600)
def test_equal_lineages_give_equal_answers(tried):
    seen = []

    @examples(50)
    @given(lineages(), SIZES)
    def holds(batches, sizes):
        with pairs(sizes) as pair:
            for batch in batches:
                pair.apply(batch)
                assert_equal_values(pair.sqlite, pair.memory)
            assert pair.sqlite.nodes() == pair.memory.nodes()
            assert pair.sqlite.definitions() == pair.memory.definitions()
            assert_equal_points(pair.sqlite, pair.memory, [{"previews": True}, {"replaced": True}])
        seen.append(len(batches))

    holds()
    tried(
        "lineages of four runs, with late news, compared after every batch",
        times=len(seen),
        outcome=f"{sum(seen):,} batches, equal answers in both indexes",
    )


@pytest.mark.timeout(1800)
def test_the_order_between_journals_does_not_matter(tried):
    seen = []

    @examples(30)
    @given(histories(), st.data())
    def holds(batches, data):
        names = data.draw(st.permutations([batch.key for batch in batches]))
        queues = {name: [batch for batch in batches if batch.key == name] for name in names}
        one, other = MemoryIndex(), MemoryIndex()
        for batch in batches:
            one.apply(batch)
        for name in names:
            other.apply(queues[name].pop(0))

        assert other.nodes() == one.nodes()
        assert_equal_values(other, one)
        assert_equal_points(other, one, [{"previews": True}])
        seen.append(len(batches))

    holds()
    tried("one history in two orders of arrival", times=len(seen), outcome="equal answers")
