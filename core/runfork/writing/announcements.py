"""What a run says of itself on stderr: one line when it is created, forked and closed.

It is said beside training; in a notebook at once, so that it stands below the cell that did it.

``RUNFORK_QUIET=1`` keeps it quiet; in distributed training only rank 0 speaks. The lines bypass the run's own console capture,
because what they say is in the run anyway.
"""

from __future__ import annotations

import os
import shlex
import sys
from itertools import islice
from typing import TYPE_CHECKING

from runfork.capture.console import line_break, uncaptured
from runfork.disk.layout import Store, default_project, find_data_directory
from runfork.disk.starting_directory import find_shell
from runfork.model.identifiers import generated_prefix
from runfork.model.messages import plural
from runfork.model.steps import format_step, shown_step, to_micro_steps
from runfork.settings import said_by

if TYPE_CHECKING:
    from pathlib import Path

    from runfork.model.marks import Mark
    from runfork.writing.run_journal import RunJournal
    from runfork.writing.status import RunStatus

MOST_LOOKED_AT = 1000
"""In a project of more runs, the id is named whole: looking through them would cost more than all else that a run does."""


def say_created(run: RunJournal) -> None:
    """Say where the run lies and how to look at it."""
    if is_quiet(run):
        return
    run_id = run.run_id
    if run.writer.backlog_bytes:
        text = f"run {run_id} cannot be written to {run.directory} yet"
    else:
        text = f"run {run_id} is written to {run.directory}; {_where_to_look(run)}"
    if run.run_id != run_id:  # training has made it another one in the meantime
        say_created(run)
        return
    run.said_as = run_id
    _say(run, text)


def say_moved(run: RunJournal) -> None:
    """Say where the run lies, if that was said of it under another id; of attempts the fork says why."""
    earlier, run_id = run.said_as, run.run_id
    if earlier in (None, run_id):
        return
    if earlier != run.attempt_of:
        _say(run, f"run {earlier} goes on as {run_id}")
    say_created(run)


def say_forked(run: RunJournal, parent: str, step: float) -> None:
    """Say what the run was forked from."""
    again = f": another attempt of {run.attempt_of}, which keeps its points" if run.attempt_of is not None else ""
    _say(run, f"run {run.run_id} is forked from {parent} at step {format_step(to_micro_steps(step))}{again}")


def say_replaced(run: RunJournal, by: RunJournal) -> None:
    """Say that a run of an earlier cell made room for another one of its name."""
    if run.run_id != by.run_id:
        name = f"of {run.experiment_name!r}" if run.experiment_name else "without a name"
        _say(
            run,
            f"run {by.run_id} takes the place of {run.run_id}, the run {name} of an earlier cell; log to that again and it goes on",
        )


def say_closed(run: RunJournal, status: RunStatus) -> None:
    """Say how the run ended, and what of it could not be kept."""
    lost = [
        f"{plural(count, noun)} {what}"
        for count, noun, what in ((status.dropped_values, "value", "dropped"), (status.lost_records, "record", "lost"))
        if count
    ]
    _say(run, f"run {run.run_id} {status.state}{': ' if lost else ''}{', '.join(lost)}")


def say_continued(run: RunJournal, last: int | None) -> None:
    """Say that a run is continued that has points already, up to the step `last` (micro-steps); None where it is not known."""
    points = "" if last is None else f", with points up to step {shown_step(last)},"
    _say(
        run,
        f"run {run.run_id} exists{points} and is continued: what is logged at steps that "
        "it has replaces what is shown there; the replaced points stay, see them with fetch_metrics(..., replaced=True); "
        f"for a run of its own, leave out {said_by('run_id', run.run_id)}",
    )


def say_evaluated(run: RunJournal, mark: Mark, *, is_taken: bool) -> None:
    """Say whose weights `run` holds results of, and why that run does not hold them itself."""
    why = ", which has other results there" if is_taken else ""
    _say(run, f"run {run.run_id} holds an evaluation of run {mark.run_id} at step {format_step(mark.step)}{why}")


def say_suggestion(run: RunJournal, mark: Mark, code: str) -> None:
    """Say which run the weights of `run` come from, and how to make it the parent."""
    _say(
        run,
        f"run {run.run_id} begins with the weights that {mark.run_id} saved at step {format_step(mark.step)}, "
        f"in a file that does not say so; to fork from there: {code}",
    )


def is_quiet(run: RunJournal) -> bool:
    """Return whether nothing is said of `run`."""
    is_muted = os.environ.get("RUNFORK_QUIET", "").lower() in ("1", "true", "on", "yes")
    return is_muted or run.is_disabled or run.rank != 0


def _say(run: RunJournal, text: str) -> None:
    stream = uncaptured(sys.stderr)
    if stream is None or is_quiet(run):
        return
    try:
        stream.write(f"{line_break()}runfork: {text}\n")
        stream.flush()
    except (OSError, ValueError):
        return  # closed, or a pipe that nobody reads: there is nobody to tell


def _where_to_look(run: RunJournal) -> str:
    """Return what leads to the run: its page where a web UI runs, else what is typed to see it."""
    url = run.url
    if url is not None:
        return f"see it at {url}"
    return f"see it with: {_show_command(run) if find_shell() is None else _show_expression(run)}"


def _show_command(run: RunJournal) -> str:
    """Return the command that shows the run, typed where the program was started."""
    words = ["runfork", "show", _short_name(run.run_id, run.directory.parent)]
    directory = run.directory.parents[2]
    if find_data_directory() != directory:
        words += ["--dir", str(directory)]
    if run.project != _default_project() and (
        os.environ.get("RUNFORK_PROJECT") or len(Store(directory).projects()) > 1
    ):
        words += ["--project", run.project]
    return shlex.join(words)


def _show_expression(run: RunJournal) -> str:
    """Return the Python expression that shows the run, for where commands are not at hand."""
    arguments = [f"runs=[{run.run_id!r}]", "attributes='.*'"]
    directory = run.directory.parents[2]
    if find_data_directory() != directory:
        arguments.append(f"directory={str(directory)!r}")
    if run.project != _default_project():
        arguments.append(f"project={run.project!r}")
    return f"runfork.fetch_metrics({', '.join(arguments)})"


def _default_project() -> str:
    """Return the project that is read where none is named."""
    return os.environ.get("RUNFORK_PROJECT") or os.environ.get("NEPTUNE_PROJECT") or default_project()


def _short_name(run_id: str, project_directory: Path) -> str:
    """Return the beginning of a generated run id, if no other run of the project begins with it, as far as a short look tells."""
    short = generated_prefix(run_id)
    if short is None:
        return run_id
    try:
        with os.scandir(project_directory) as entries:
            seen = [entry.name.startswith(short) for entry in islice(entries, MOST_LOOKED_AT + 1)]
    except OSError:
        return run_id
    return short if sum(seen) <= 1 and len(seen) <= MOST_LOOKED_AT else run_id
