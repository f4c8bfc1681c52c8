"""What code a run is made with: commit, branch, changes, remotes and command line; in a notebook, its cells."""

from __future__ import annotations

import os
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runfork.capture.source_code import MAX_DIFF_BYTES, MAX_TEXT, Repository
from runfork.model.secrets import mask_arguments
from runfork.types import File
from runfork.writing.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runfork.capture.source_code import SourceTrackingConfig
    from runfork.writing.log import Log
    from runfork.writing.run_journal import RunJournal

PATCH_TYPE = "application/patch"
SAME_SECONDS = 60.0
"""Runs that a program opens within so long are described by what git said once: their code was imported before. A notebook asks for
each: what its cells do is edited meanwhile."""


def collect_source_code(
    journal: RunJournal, log: Log, config: SourceTrackingConfig, *, asks_anew: bool = True
) -> dict[str, Any]:
    """Return configs that describe the code, as full paths; files that `config` asks for are assigned to the run.

    Only rank 0 of a distributed program describes it.

    Args:
        journal: The run's.
        log: The run's.
        config: What is asked for.
        asks_anew: Whether git is asked, also where it said something a moment ago.
    """
    if journal.rank != 0:
        return {}
    notebook = Notebook.find()
    moment = time.monotonic() if asks_anew or notebook is not None else time.monotonic() // SAME_SECONDS
    asked = None if config.repository is None else os.fspath(config.repository)
    found = dict(_description(asked, _working_directory(), moment))
    needs_diffs = config.upload_diff_head or config.upload_diff_upstream
    repository = Repository.find(config.repository) if needs_diffs else None
    if config.upload_run_command and (command := _run_command(notebook)):
        found["run_command"] = command
    files = _files(config, repository, is_script=notebook is None)
    if notebook is not None and config.upload_entry_point:
        files["entry_point"] = notebook.source_file()
        notebook.keep_source(journal, f"{config.namespace}/entry_point")
    if repository is not None and repository.has_left_out:
        journal.problems.tell(
            "changes",
            f"changes of the source code are not uploaded: the patch is longer than {MAX_DIFF_BYTES >> 20} MiB; "
            "commit them, or let git ignore large files",
        )
    if files:
        log.assign_files({f"{config.namespace}/{name}": file for name, file in files.items()})
    return {f"{config.namespace}/{name}": value for name, value in found.items()}


@lru_cache(maxsize=4)
def _description(directory: str | None, _working_directory: str | None, _moment: float) -> Mapping[str, Any]:
    """Return what git says of the repository: it is asked five times, which takes longer than all else that is done beside."""
    repository = Repository.find(directory)
    return {} if repository is None else repository.describe()


def _working_directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  a string is all that is needed
    except OSError:  # it was deleted
        return None


def _run_command(notebook: Notebook | None) -> str | None:
    """Return what was started: the command, or the notebook, whose kernel's command says nothing."""
    if notebook is not None and notebook.is_kernel:
        return notebook.path
    return mask_arguments(sys.orig_argv or sys.argv)[:MAX_TEXT] or None


def _files(config: SourceTrackingConfig, repository: Repository | None, *, is_script: bool) -> dict[str, File]:
    files: dict[str, File] = {}
    if config.upload_entry_point and is_script and (script := _entry_point()):
        files["entry_point"] = File(script)
    if repository is not None and config.upload_diff_head and (patch := repository.diff_head()):
        files["diff/head"] = File(patch, mime_type=PATCH_TYPE, name="head.patch")
    if repository is not None and config.upload_diff_upstream and (found := repository.diff_upstream()):
        base, patch = found
        files[f"diff/{base}"] = File(patch, mime_type=PATCH_TYPE, name=f"{base}.patch")
    return files


def _entry_point() -> str | None:
    """Return the script or module that was started, if it is a file."""
    path = getattr(sys.modules.get("__main__"), "__file__", None) or (sys.argv[0] if sys.argv else None)
    return os.path.abspath(path) if path and os.path.isfile(path) else None  # noqa: PTH100, PTH113 - None and "" pass through
