"""What code a run is made with: commit, branch, changes, remotes and command line; in a notebook, its cells."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from runfork.capture.source_code import MAX_DIFF_BYTES, MAX_TEXT, Repository
from runfork.model.secrets import mask_arguments
from runfork.types import File
from runfork.writing.notebook import Notebook

if TYPE_CHECKING:
    from runfork.capture.source_code import SourceTrackingConfig
    from runfork.writing.log import Log
    from runfork.writing.run_journal import RunJournal

__all__ = ["collect_source_code"]

PATCH_TYPE = "application/patch"


def collect_source_code(journal: RunJournal, log: Log, config: SourceTrackingConfig) -> dict[str, Any]:
    """Return configs that describe the code, as full paths; files that `config` asks for are assigned to the run.

    Only rank 0 of a distributed program describes it.
    """
    if journal.rank != 0:
        return {}
    repository = Repository.find(config.repository)
    found: dict[str, Any] = {} if repository is None else repository.describe()
    notebook = Notebook.find()
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


def _run_command(notebook: Notebook | None) -> str | None:
    """Return what was started: the command, or the notebook, whose kernel's command says nothing."""
    if notebook is not None and notebook.is_kernel:
        return notebook.path
    import psutil

    try:
        arguments = psutil.Process().cmdline()
    except (psutil.Error, OSError):
        arguments = list(getattr(sys, "orig_argv", sys.argv))
    return mask_arguments(arguments)[:MAX_TEXT] or None


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
