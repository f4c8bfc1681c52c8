"""Journals whose frames and checksums are sound, and whose contents are anything at all."""

from __future__ import annotations

import json
import struct
from zlib import crc32

from hypothesis import strategies as st
from tests.strategies import CHARACTERS

from runfork.journal.format import FILE_VERSION, MAGIC, Kind, encode_frame
from runfork.model.steps import MAX_MICRO_STEP, NO_STEP

NOW = 1_790_000_000_000_000
TEXTS = st.sampled_from(
    ["", "r", "good", "../../x", "a/b", "\ud800", "x\0y", "a" * 800, "[red]", "\x1b[31m", "\u202e", "é"]
) | st.text(CHARACTERS, max_size=3)
NUMBERS = (
    st.integers(-3, 9)
    | st.sampled_from([NOW, 2**31, 2**53, 2**63 - 1, -(2**63), 2**63, 2**70, 10**400, MAX_MICRO_STEP, -(10**400)])
    | st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf"), 1e308])
)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
INTEGERS_64 = st.sampled_from(
    [0, 1, 1_000_000, NOW, MAX_MICRO_STEP, MAX_MICRO_STEP + 1, -1, 2**63 - 1, -(2**63), NO_STEP]
) | st.integers(-(2**63), 2**63 - 1)
PATHS = (
    st.sampled_from(
        [
            "loss",
            "a/b",
            "sys/state",
            "sys/name",
            "sys/tags",
            "sys/archived",
            "sys/creation_time",
            "",
            "/",
            "\ud800",
            "x\0y",
        ]
    )
    | TEXTS
)


def mostly(right):
    """Return what is right, and now and then something else."""
    return st.one_of(right, right, right, ANYTHING)


def bodies(**fields):
    """Return objects with such fields, some of them missing, and others that nobody knows."""
    return st.fixed_dictionaries(
        {}, optional={**{name: mostly(value) for name, value in fields.items()}, "other": ANYTHING}
    )


def by_path(value):
    return st.dictionaries(PATHS, mostly(value), max_size=4)


NAMES = st.sampled_from(["r", "odd", "good", "elsewhere"])
STEPS = st.integers(0, 20) | INTEGERS_64
LINEAGE = bodies(
    parent=NAMES,
    step=STEPS,
    mark=st.sampled_from(["m", "n"]),
    mark_time=INTEGERS_64,
    inherit_configs=st.booleans(),
    checkpoint=TEXTS,
    policy=TEXTS,
)
TYPED = st.tuples(
    mostly(
        st.sampled_from(
            [
                "float",
                "int",
                "bool",
                "string",
                "datetime",
                "string_set",
                "none",
                "namespace",
                "float_series",
                "file",
                "later",
            ]
        )
    ),
    ANYTHING,
).map(list)
BODIES = {
    Kind.CREATE: bodies(
        run_id=NAMES,
        project=st.just("tests/project"),
        experiment_name=TEXTS,
        creation_time=INTEGERS_64,
        inherit_configs=st.booleans(),
        fork=LINEAGE,
        attempt_of=NAMES,
        journals=st.dictionaries(TEXTS, INTEGERS_64, max_size=2),
    ),
    Kind.LINEAGE: LINEAGE,
    Kind.CONFIGS: by_path(TYPED),
    Kind.STRINGS: by_path(TEXTS | st.lists(TEXTS, max_size=3)),
    Kind.HISTOGRAMS: by_path(
        bodies(
            edges=st.lists(NUMBERS, max_size=4),
            counts=st.lists(NUMBERS, max_size=3),
            densities=st.lists(NUMBERS, max_size=3),
        )
    ),
    Kind.FILES: by_path(bodies(sha256=TEXTS | st.just("0" * 64), size=NUMBERS, mime=TEXTS, name=TEXTS)),
    Kind.TAGS: by_path(bodies(add=st.lists(TEXTS, max_size=2), remove=st.lists(TEXTS, max_size=2))),
    Kind.MARK: bodies(
        mark=st.sampled_from(["m", "n"]) | TEXTS,
        epoch=NUMBERS,
        fingerprint=TEXTS,
        cuts=st.dictionaries(PATHS, INTEGERS_64, max_size=2),
        journals=st.dictionaries(TEXTS, INTEGERS_64, max_size=2),
    ),
    Kind.STATUS: bodies(state=TEXTS, exception=bodies(type=TEXTS, message=TEXTS)),
    Kind.CLOSE: bodies(state=TEXTS),
    Kind.HEARTBEAT: ANYTHING,
}
SCHEMAS = st.lists(PATHS.map(lambda path: path.encode("utf-8", "surrogatepass")), max_size=3).map(
    b"\0".join
) | st.binary(max_size=6)
ROWS = st.lists(st.floats(width=64), max_size=4).map(
    lambda values: struct.pack(f"<{len(values)}d", *values)
) | st.binary(max_size=9)


def encoded(body):
    return json.dumps(body).encode("ascii")


@st.composite
def frames(draw):
    """Return the bytes of a frame."""
    kind = draw(
        st.sampled_from([*BODIES, *BODIES, Kind.SCHEMA, Kind.METRICS, Kind.PREVIEW, Kind.SELECTION])
        | st.integers(0, 255)
    )
    payload = (
        draw(SCHEMAS)
        if kind == Kind.SCHEMA
        else draw(ROWS)
        if kind in (Kind.METRICS, Kind.PREVIEW, Kind.SELECTION)
        else draw(
            st.one_of(
                *[mostly(BODIES.get(kind, ANYTHING)).map(encoded)] * 3, st.binary(max_size=5), st.just(b"[" * 100_000)
            )
        )
    )
    return encode_frame(
        kind,
        payload,
        time=draw(st.just(NOW) | INTEGERS_64),
        step=draw(STEPS | st.just(NO_STEP)),
        schema=draw(st.sampled_from([0, 1, 2])),
        flags=draw(st.sampled_from([0, 0, 1, 2, 255])),
    )


HEADERS = bodies(
    project=st.just("tests/project"),
    run_id=st.sampled_from(["odd", "good"]),
    writer=st.just("w"),
    created=st.just(NOW) | INTEGERS_64,
    tag=st.none(),
    host=TEXTS,
    pid=NUMBERS,
    boot_id=TEXTS,
    process_start=NUMBERS,
    rank=NUMBERS,
    forked_by=TEXTS,
    is_visitor=st.booleans(),
    journals=st.dictionaries(TEXTS, NUMBERS),
    flags_times=st.booleans(),
)
RIGHT = st.sampled_from(["odd", "good"]).map(
    lambda run_id: {"project": "tests/project", "run_id": run_id, "writer": "w", "created": NOW}
)


@st.composite
def odd_journals(draw):
    """Return the bytes of a journal."""
    header = encoded(draw(RIGHT | mostly(HEADERS)))
    crc = crc32(struct.pack("<HH", FILE_VERSION, len(header)) + header)
    head = struct.pack("<8sHHI", MAGIC, FILE_VERSION, len(header), crc) + header
    return head + b"".join(draw(st.lists(frames(), max_size=12)))
