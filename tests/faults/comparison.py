"""Everything that an index holds, comparable with what another one holds."""

from typing import Any

import numpy as np
from tests.answers import plain_value

from runfork.index.interface import Index, PointsRequest, RunsQuery, SeriesKey, Writer


def contents_of(index: Index) -> dict[str, Any]:
    """Return all runs, journals, attributes and points of an index."""
    nodes = index.nodes()
    values = index.values(list(nodes))
    keys = [
        SeriesKey(run_id, path)
        for run_id in sorted(nodes)
        for path, value in values[run_id].items()
        if value.type.is_series
    ]
    return {
        "nodes": nodes,
        "journals": {key: _as_read(writer) for key, writer in index.writers().items()},
        "definitions": index.definitions(),
        "heads": sorted(row.node.run_id for row in index.runs(RunsQuery(heads_only=True)).rows),
        "values": {
            run_id: {path: plain_value(value) for path, value in found.items()} for run_id, found in values.items()
        },
        "points": {
            series.key: [_bytes_of(part) for part in (series.steps, series.times, series.values, series.sources)]
            for series in index.points(PointsRequest(keys, previews=True))
        },
    }


def _as_read(writer: Writer) -> Writer:
    """Return what is known of a journal, but for when a reader looked, and what the file system said then."""
    carry = {name: value for name, value in writer.carry.items() if name not in ("seen", "file")}
    return writer._replace(carry=carry)


def _bytes_of(column: Any) -> Any:
    return column.tobytes() if isinstance(column, np.ndarray) else column


def assert_equal_contents(index: Index, other: Index) -> None:
    """Compare two indexes, part by part."""
    found, expected = contents_of(index), contents_of(other)
    for part, content in expected.items():
        if isinstance(content, dict):
            assert list(found[part]) == list(content), part
            for key, value in content.items():
                assert found[part][key] == value, (part, key)
        else:
            assert found[part] == content, part
