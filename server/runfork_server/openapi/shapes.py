"""The shapes of what is answered, as JSON schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runfork.model.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
WHOLE: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
TEXTS: Schema = {"type": "array", "items": TEXT}
ANYTHING: Schema = {}
TIME: Schema = {
    "description": "ISO 8601 in UTC with microseconds; microseconds since 1970 where no date can say it.",
    "type": ["string", "integer"],
}


def shape(name: str) -> Schema:
    """Return the reference to a shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Schema) -> Schema:
    """Return a schema that null satisfies, too."""
    return {"anyOf": [schema, {"type": "null"}]}


def some(schema: Schema) -> Schema:
    """Return a list of what a schema describes."""
    return {"type": "array", "items": schema}


def one_of(*words: str | None) -> Schema:
    """Return one of some words."""
    return {"enum": [*words]}


def members(description: str, properties: Mapping[str, Schema], *, optional: Sequence[str] = ()) -> Schema:
    """Return an object; all its members are there but those that are optional."""
    return {
        "description": description,
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
    }


STEPS = or_null({"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2})
STEP = or_null(NUMBER)
STATE = one_of("running", "finished", "failed", "aborted", "preempted", "lost", None)
_TERMINAL_COLOUR: Schema = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": 255}, {"type": "string", "pattern": "^#[0-9a-f]{6}$"}]
}
JSON_NUMBER: Schema = {"anyOf": [NUMBER, one_of("NaN", "Infinity", "-Infinity")]}

_OF_A_RUN: Mapping[str, Schema] = {
    "run_id": TEXT,
    "name": TEXT,
    "number": COUNT,
    "experiment": or_null(TEXT),
    "state": or_null(TEXT),
}
_OF_A_ROW: Mapping[str, Schema] = {
    **_OF_A_RUN,
    "created": TIME,
    "fork": or_null(shape("Fork")),
    "is_archived": FLAG,
    "is_head": FLAG,
    "run_count": COUNT,
    "run_place": COUNT,
    "last_step": STEP,
}

_OF_A_MARK: Mapping[str, Schema] = {
    "run_id": TEXT,
    "step": NUMBER,
    "mark_id": TEXT,
    "time": TIME,
    "epoch": or_null(WHOLE),
}

SHAPES: Mapping[str, Schema] = {
    "Problem": members(
        "What is wrong, as of RFC 9457; `detail` is the sentence that the command line would say.",
        {"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT, "position": COUNT},
        optional=("position",),
    ),
    "Fork": members(
        "Where a run left its parent; pending as long as the parent is not here.",
        {"parent": TEXT, "step": NUMBER, "is_pending": FLAG},
    ),
    "Reach": members(
        "What one run of a lineage contributes to the run that is looked at: which of its own steps are kept, which pruned.",
        {**_OF_A_RUN, "fork_step": STEP, "last": STEP, "kept": STEPS, "pruned": STEPS},
    ),
    "Typed": members("A value and its type.", {"type": one_of(*AttributeType), "value": ANYTHING}),
    "Change": members(
        "A config in which a run differs from its parent.",
        {"path": TEXT, "before": or_null(shape("Typed")), "after": or_null(shape("Typed"))},
    ),
    "Row": members(
        "A run of a table. `number` is its place among all runs by creation, `run_place` that among the `run_count` runs of its "
        "experiment, from 1; `values` are by the titles of columns.",
        {
            **_OF_A_ROW,
            "values": {"type": "object"},
            "lineage": some(shape("Reach")),
            "changes": some(shape("Change")),
        },
        optional=("lineage", "changes"),
    ),
    "Column": members(
        "A column of a table; its type is null where runs have several kinds.",
        {"title": TEXT, "path": TEXT, "aggregate": or_null(TEXT), "type": or_null(TEXT)},
    ),
    "Attribute": members(
        "What a run has at a path: of series the last value, and statistics.",
        {
            "type": one_of(*AttributeType),
            "value": ANYTHING,
            "source_run": TEXT,
            "time": TIME,
            "statistics": {"type": "object"},
        },
        optional=("statistics",),
    ),
    "Mark": members("A checkpoint that a run wrote.", _OF_A_MARK),
    "Checkpoint": members(
        "A checkpoint that a run can be forked from, and where it lay when it was written.",
        {**_OF_A_MARK, "checkpoint": or_null(TEXT)},
    ),
    "Member": members(
        "A run of a family: its own steps, and what the focus shows of them.",
        {
            **_OF_A_ROW,
            "first_step": STEP,
            "own": STEPS,
            "kept": STEPS,
            "pruned": STEPS,
            "is_in_lineage": FLAG,
            "is_pending": FLAG,
            "changes": some(shape("Change")),
            "marks": some(shape("Mark")),
            "ended": or_null(TIME),
        },
    ),
    "Difference": members(
        "What several runs have at a path, in their order; of metrics the last, the least or the greatest value.",
        {
            "path": TEXT,
            "aggregate": one_of("last", "min", "max", None),
            "type": or_null(TEXT),
            "group": one_of("configs", "series", "system", "text"),
            "values": some(ANYTHING),
            "differs": FLAG,
            "delta": some(or_null(JSON_NUMBER)),
            "percent": some(or_null(NUMBER)),
            "goal": one_of("min", "max", None),
        },
    ),
    "Point": members(
        "A point of a series.",
        {
            "run_id": TEXT,
            "source_run": TEXT,
            "step": NUMBER,
            "value": JSON_NUMBER,
            "time": TIME,
            "relative": NUMBER,
        },
    ),
    "File": members(
        "A file that a run logged; it may not be here, where the data directory was copied in part.",
        {
            "path": TEXT,
            "step": STEP,
            "name": TEXT,
            "size_bytes": COUNT,
            "mime_type": TEXT,
            "sha256": TEXT,
            "source_run": TEXT,
            "is_there": FLAG,
        },
    ),
    "Line": members(
        "A line of console output, by its number in what is shown; `updates` counts the earlier states of a progress bar that "
        "became it, `cut` the characters that a page leaves out; `styles` says which characters (Unicode code points: from, up to) "
        "have colours and the like.",
        {
            "n": COUNT,
            "path": TEXT,
            "time": TIME,
            "seconds": NUMBER,
            "text": TEXT,
            "is_error": FLAG,
            "updates": COUNT,
            "cut": COUNT,
            "styles": some(
                {"type": "array", "prefixItems": [COUNT, COUNT, shape("Style")], "minItems": 3, "maxItems": 3}
            ),
        },
        optional=("cut", "styles"),
    ),
    "Style": members(
        "How characters look where they do not look as usual; a colour is a number of a terminal's palette or `#rrggbb`.",
        {
            "foreground": _TERMINAL_COLOUR,
            "background": _TERMINAL_COLOUR,
            "bold": FLAG,
            "dim": FLAG,
            "italic": FLAG,
            "underline": FLAG,
            "inverse": FLAG,
            "strike": FLAG,
        },
        optional=("foreground", "background", "bold", "dim", "italic", "underline", "inverse", "strike"),
    ),
    "Bar": members(
        "A progress bar that is still drawn, and no line yet.",
        {"path": TEXT, "time": TIME, "seconds": NUMBER, "text": TEXT, "is_error": FLAG, "updates": COUNT},
    ),
}
