"""Drawing once before anybody asks: the first chart of a server does not wait for modules, files and connections then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runfork.model.attributes import AttributeType
from runfork.model.steps import MICRO
from runfork_server.drawing.frames import encode_frame
from runfork_server.drawing.lines import draw
from runfork_server.drawing.request import DrawingRequest

if TYPE_CHECKING:
    from runfork_server.served_project import ServedProject


def warm_up(project: ServedProject) -> None:
    """Draw the first steps of some line, for nobody."""
    for run_id in [*project.index.nodes()][-1:]:
        found = project.index.definitions(run_ids=[run_id], types=[AttributeType.FLOAT_SERIES])
        request = DrawingRequest((run_id,), tuple(one.path for one in found[:1]), x_range=(0, MICRO))
        encode_frame(draw(project.series, request), 0)
