"""The lineage as a tree: one line per run, the focus' own lineage as the trunk, side branches beside it.

The trunk stays in its column however deep the lineage is; a branch moves one step to the right only where it leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from runfork.cli.formats import format_range, format_value, one_line, state_style
from runfork.model.steps import format_step, shown_step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runfork.cli.drawing.canvas import Span
    from runfork.model.differences import Change
    from runfork.reading.family import Family, Member

_FOCUS, _ANCESTOR, _SIDE = "●", "●", "○"
_KEPT, _BESIDE, _PRUNED, _FORK = "━", "─", "╌", "◆"
_NARROW = 100
_MIN_BAR = 16
_MAX_BAR = 72
_SHOWN_CHANGES = 4


@dataclass(frozen=True)
class TreeLine:
    """One run in its place.

    Args:
        run_id: The run.
        prefix: What stands left of its symbol: rails of the branches that pass by.
        rails: What stands left of further lines that belong to the run.
    """

    run_id: str
    prefix: str
    rails: str


def arrange(family: Family) -> list[TreeLine]:
    """Return the runs of a family from top to bottom, parents before children, each with its rails."""
    trunk = set(family.lineage)
    rows: list[TreeLine] = []
    seen: set[str] = set()
    waiting = [(root, "", "") for root in reversed(family.roots)]
    while waiting:
        run_id, lead, left = waiting.pop()  # what stands before its symbol, and the rails left of its column
        if run_id in seen or run_id not in family.members:
            continue
        seen.add(run_id)
        children = [child for child in family.children.get(run_id, []) if child in family.members]
        straight = _straight_on(children, trunk)
        branches = [child for child in children if child != straight]
        rows.append(TreeLine(run_id, lead, left + ("│ " if children else "  ")))
        if straight is not None:
            waiting.append((straight, left, left))
        for branch in reversed(branches):
            is_last = straight is None and branch == branches[-1]
            waiting.append((branch, left + ("└─" if is_last else "├─"), left + ("  " if is_last else "│ ")))
    return rows


def _straight_on(children: Sequence[str], trunk: set[str]) -> str | None:
    """Return the child that continues in its parent's column: the trunk's, else an only child."""
    on_trunk = next((child for child in children if child in trunk), None)
    if on_trunk is not None:
        return on_trunk
    return children[0] if len(children) == 1 else None


def draw_tree(
    family: Family,
    *,
    width: int,
    names: Mapping[str, str] | None = None,
    shown_changes: int | None = _SHOWN_CHANGES,
) -> list[Span]:
    """Return the lines of a family's tree.

    Args:
        family: The family.
        width: Characters across.
        names: What to call runs; those that are not in it by their id.
        shown_changes: How many changed configs to tell for each fork; None is all.
    """
    rows = arrange(family)
    tree = _TreeStyle(names or {}, is_narrow=width < _NARROW)
    cells = [_cells(row, family, tree) for row in rows]
    widths = [max(cell_len(text) for text, _ in column) for column in zip(*cells, strict=True)]
    used = sum(size + 2 for size in widths if size)
    bar_width = min(width - used, _MAX_BAR)
    last_step = max((one.extent.own[1] for one in family.members.values() if one.extent.own), default=0)
    lines: list[Span] = []
    for row, cell in zip(rows, cells, strict=True):
        if lines and row.run_id in family.roots:
            lines.append([("", None)])
        line: Span = []
        for (text, style), size in zip(cell, widths, strict=True):
            if size:
                line += [(text, style), (" " * (size - cell_len(text) + 2), None)]
        if bar_width >= _MIN_BAR and last_step:
            line += _bar(family.members[row.run_id], family, last_step, bar_width)
        lines.append(_cut(line, width))
        lines.extend(_change_lines(row, family.members[row.run_id].changes, width, shown_changes))
    return lines


@dataclass(frozen=True)
class _TreeStyle:
    names: Mapping[str, str]
    is_narrow: bool

    def name(self, run_id: str) -> str:
        return one_line(self.names.get(run_id, run_id))


def _cells(row: TreeLine, family: Family, tree: _TreeStyle) -> list[tuple[str, str | None]]:
    member = family.members[row.run_id]
    is_focus = row.run_id == family.focus
    symbol = _FOCUS if is_focus else (_ANCESTOR if member.extent.is_in_lineage else _SIDE)
    style = "bold" if is_focus else (None if member.extent.is_in_lineage else "dim")
    name = f"{row.prefix}{symbol} {tree.name(row.run_id)}"
    fork = member.node.fork
    origin = f"@{format_step(fork.step)}" if fork is not None else ""
    if fork is not None and member.is_pending:
        origin += f" of {tree.name(fork.parent)}, not here yet"
    return [
        (name, style),
        (origin, "yellow" if member.is_pending else None),
        (_steps_text(member, tree), style if style == "dim" else None),
        (member.state or "", state_style(member.state)),
        (_role(row.run_id, family), style),
    ]


def _role(run_id: str, family: Family) -> str:
    node, is_head = family.members[run_id].node, family.members[run_id].is_head
    asked = family.experiment_name
    if run_id == family.focus and asked is not None and node.experiment_name == asked:
        return "head"
    other = node.experiment_name is not None and node.experiment_name != asked
    name = one_line(node.experiment_name or "")
    if is_head and (asked is None or other):
        return f"head of {name}"
    return name if other and asked is not None else ("archived" if node.is_archived else "")


def _steps_text(member: Member, tree: _TreeStyle) -> str:
    extent = member.extent
    if extent.own is None:
        return "no points"
    if extent.pruned is None or (
        extent.kept is not None and shown_step(extent.kept[1]) == shown_step(extent.pruned[1])
    ):
        return format_range(*(extent.kept or extent.own))
    if extent.kept is None:
        return f"{format_range(*extent.own)} pruned"
    join = f" {_PRUNED} " if tree.is_narrow else ", pruned to "
    return f"{format_range(*extent.kept)}{join}{shown_step(extent.pruned[1])}"


def _bar(member: Member, family: Family, last_step: int, width: int) -> Span:
    def cell(step: int) -> int:
        return min(step * width // (last_step + 1), width - 1)

    cells: list[tuple[str, str | None]] = [(" ", None)] * width
    extent = member.extent
    beside = None if extent.is_in_lineage else extent.own
    kept_style = "green" if member.node.run_id == family.focus else "cyan"
    for part, symbol, style in (
        (extent.pruned, _PRUNED, "dim"),
        (extent.kept, _KEPT, kept_style),
        (beside, _BESIDE, "dim"),
    ):
        if part is not None:
            first, last = map(cell, part)
            cells[first : last + 1] = [(symbol, style)] * (last + 1 - first)
    if member.node.fork is not None:
        cells[cell(min(member.node.fork.step, last_step))] = (_FORK, "bold" if extent.is_in_lineage else "dim")
    return cells


def _change_lines(row: TreeLine, changes: Sequence[Change], width: int, shown: int | None) -> Iterator[Span]:
    limit = len(changes) if shown is None or len(changes) == shown + 1 else shown  # one more takes no more room
    for change in changes[:limit]:
        yield _cut([(row.rails, None), (f"  {_describe(change)}", "dim")], width)
    if len(changes) > limit:
        yield _cut([(row.rails, None), (f"  and {len(changes) - limit} more changes (--all-changes)", "dim")], width)


def _describe(change: Change) -> str:
    path = one_line(change.path)
    if change.before is None:
        return f"+ {path} = {format_value(change.after)}"
    if change.after is None:
        return f"- {path}, was {format_value(change.before)}"
    return f"{path}: {format_value(change.before)} → {format_value(change.after)}"


def _cut(line: Span, width: int) -> Span:
    """Cut a line at `width` characters, with an ellipsis; blanks at its end go."""
    while line and not line[-1][0].strip():
        line = line[:-1]
    if cell_len("".join(text for text, _ in line).rstrip()) <= width:
        return line
    fitted: Span = []
    left = width - 1
    for text, style in line:
        if cell_len(text) > left:
            return [*fitted, (set_cell_size(text, left), style), ("…", style)]
        fitted.append((text, style))
        left -= cell_len(text)
    return fitted
