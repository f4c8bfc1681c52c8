"""Checkpoints of the Trainer: where the one lies that was just written, and whose the weights in a folder are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runfork.training.loaded_checkpoint import LoadedCheckpoint, checkpoint_path
from runfork_hf.trainer.state_file import find_mark_in_directory

if TYPE_CHECKING:
    from runfork.training.checkpoint_log import CheckpointLog
    from runfork.writing.run import Run


def log_saved(log: CheckpointLog, run: Run, args: Any, state: Any, *, step: float, mark: str) -> None:
    """Log the checkpoint that the Trainer has just written.

    Args:
        log: The run's checkpoints so far.
        run: Where to.
        args: The Trainer's arguments.
        state: Its state.
        step: The main step of the checkpoint.
        mark: The id of its mark.
    """
    name = _monitored(args)
    log.note(
        run,
        str(_saved_path(args, state, mark)),
        step=step,
        texts={"best_model_path": state.best_model_checkpoint},
        numbers={"score": _score(state, name) if name else None, "best_model_score": state.best_metric},
    )


def describe_monitor(args: Any) -> dict[str, Any]:
    """Return ``checkpoints/monitor`` and ``checkpoints/mode`` where checkpoints are compared; else nothing."""
    name = _monitored(args)
    return {"checkpoints/monitor": name, "checkpoints/mode": "max" if args.greater_is_better else "min"} if name else {}


def _monitored(args: Any) -> str | None:
    metric: str | None = args.metric_for_best_model
    return f"eval_{metric}" if metric and not metric.startswith("eval_") else metric


def _saved_path(args: Any, state: Any, mark: str) -> Path:
    """Return the folder of the checkpoint of this step; in a search it lies in a folder of the trial, and has this mark."""
    output, name = Path(args.output_dir).absolute(), f"checkpoint-{state.global_step}"
    if state.is_hyper_param_search:
        for path in sorted(output.glob(f"*/{name}"), reverse=True):
            if (loaded := mark_in_weights(str(path))) is not None and (loaded.mark or {}).get("mark") == mark:
                return path
    return output / name


def _score(state: Any, metric: str) -> float | None:
    """Return the metric if it was evaluated at this very step."""
    for entry in reversed(state.log_history):
        if entry.get("step") != state.global_step:
            return None
        if metric in entry:
            return float(entry[metric])
    return None


def mark_in_weights(path: str) -> LoadedCheckpoint | None:
    """Return the checkpoint of ours that a model's weights were read from, if the folder is one."""
    try:
        mark = find_mark_in_directory(path)
    except (OSError, ValueError, RecursionError):  # the last of JSON that is nested without end
        return None
    return LoadedCheckpoint(mark, checkpoint_path(path)) if mark else None
