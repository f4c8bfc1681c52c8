"""One sentence for who comes from another tracker: what a name that is not ours is called here."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_Function = TypeVar("_Function", bound="Callable[..., None]")

_METRICS = "run.log_metrics({'train/loss': 0.3}, step=1) logs the numbers of a step"
_CONFIGS = "run.log_configs({'lr': 0.1}) logs single values"
_FILES = "run.assign_files({'model': 'model.pt'}) keeps a file, run.log_files(..., step=1) one of each step"
_TEXTS = "run.log_string_series({'note': 'text'}, step=1) logs texts"
_HISTOGRAMS = "run.log_histograms({'h': runfork.Histogram(...)}, step=1) logs histograms"
_TAGS = "run.add_tags(['tag']) adds tags"
_END = "run.close() ends the run, and so does the end of the process"
_NOTHING = "it is not needed: what a log call was given is on disk when it returns"
_READ = "runfork.fetch_runs_table() and runfork.fetch_metrics() read what was logged, `runfork show` shows it"
_URL = "run.url is its page in a `runfork ui` that runs, `runfork show` shows it in the terminal"
_NO_ACCOUNT = "no account is needed: runs are written to the directory .runfork, or to RUNFORK_DIR"
_BEGIN = "runfork.Run('experiment') begins a run, whose methods log"

_OF_A_RUN = {
    **dict.fromkeys(("log",), f"{_METRICS}, {_CONFIGS}"),
    **dict.fromkeys(("log_metric", "add_scalar", "add_scalars", "track", "append", "extend"), _METRICS),
    **dict.fromkeys(("config", "summary", "log_param", "log_params", "log_hyperparams", "assign"), _CONFIGS),
    **dict.fromkeys(("log_artifact", "log_artifacts", "log_image", "log_figure", "use_artifact"), _FILES),
    **dict.fromkeys(("save", "upload", "upload_files", "track_files", "log_model"), _FILES),
    **dict.fromkeys(("log_text", "add_text"), _TEXTS),
    **dict.fromkeys(("add_histogram", "log_histogram"), _HISTOGRAMS),
    **dict.fromkeys(("tags", "set_tag", "set_tags", "add_tag"), f"{_TAGS}, {_CONFIGS}"),
    **dict.fromkeys(("finish", "stop", "end", "end_run"), _END),
    **dict.fromkeys(("sync", "wait", "flush", "define_metric", "watch"), _NOTHING),
    **dict.fromkeys(("id", "run_name"), "run.run_id is its id, run.experiment_name its experiment"),
    "name": "run.experiment_name is its experiment, run.run_id its id",
    **dict.fromkeys(("get_url", "get_run_url", "get_experiment_url"), _URL),
    **dict.fromkeys(("fetch", "exists", "history"), _READ),
}
_OF_THE_MODULE = {
    **dict.fromkeys(("init", "init_run", "start_run", "init_project", "set_experiment", "create_run"), _BEGIN),
    **dict.fromkeys(("log_metric", "log_metrics"), f"{_BEGIN}: {_METRICS}"),
    **dict.fromkeys(("log", "log_param", "log_params", "config"), f"{_BEGIN}: {_METRICS}, {_CONFIGS}"),
    **dict.fromkeys(("log_artifact", "log_artifacts", "save"), f"{_BEGIN}: {_FILES}"),
    **dict.fromkeys(("finish", "end_run"), _END),
    **dict.fromkeys(("login", "set_tracking_uri"), _NO_ACCOUNT),
    "autolog": "RunforkLogger() of runfork_lightning, RunforkCallback() of runfork_hf and runfork_keras log by themselves",
    **dict.fromkeys(("Api", "get_run", "search_runs"), _READ),
}

_OF_ARGUMENTS = {
    **dict.fromkeys(("name", "experiment", "run_name", "task_name"), "experiment_name= names the experiment"),
    **dict.fromkeys(("id", "version", "custom_run_id", "with_id"), "run_id= names the run"),
    **dict.fromkeys(("project_name", "entity", "workspace"), "project='workspace/project' names the project"),
    **dict.fromkeys(
        ("directory", "dir", "log_dir", "logdir", "save_dir", "repo"),
        "runs are written to the directory .runfork, to RUNFORK_DIR, or to settings=runfork.Settings(directory=...)",
    ),
    "resume": "resume_from= takes a checkpoint, settings=runfork.Settings(resume_policy=...) says what resuming makes of the run",
    "tags": f"on a run, {_TAGS}",
    **dict.fromkeys(("api_key", "api_token", "token", "host", "tracking_uri"), _NO_ACCOUNT),
    **dict.fromkeys(("config", "params", "hparams"), f"on a run, {_CONFIGS}"),
    **dict.fromkeys(
        ("group", "job_type"), "group_tags of a run say what it belongs to: run.add_tags(['tag'], group_tags=True)"
    ),
    "notes": "run.log_configs({'sys/description': 'text'}) describes a run",
}


_OF_MODES = {
    **dict.fromkeys(("online", "sync", "shared", "cloud"), "runs are always written to disk first: leave mode out"),
    **dict.fromkeys(("debug", "dryrun"), "mode='disabled' writes nothing"),
    "read-only": _READ,
}


class Advised:
    """What raises, with advice, for what other trackers' runs can do."""

    if not TYPE_CHECKING:  # type checkers shall find that there is no such attribute

        def __getattr__(self, name: str) -> Any:
            """Raise AttributeError; Python asks here for what is not there."""
            advice = _OF_A_RUN.get(name)
            message = f"{type(self).__name__!r} object has no attribute {name!r}" + (f"; {advice}" if advice else "")
            raise AttributeError(message, name=name, obj=self)  # Python suggests names that are nearly so

        def __getitem__(self, path: object) -> Any:
            """Raise TypeError: a run is no dict of its fields."""
            raise TypeError(f"run[{path!r:.80}] is not how a run is read or written: {_METRICS}, {_CONFIGS}; {_READ}")

        def __setitem__(self, path: object, value: object) -> None:
            """Raise TypeError, as `__getitem__`."""
            raise TypeError(f"run[{path!r:.80}] = ... is not how a run is written: {_CONFIGS}, {_METRICS}")

        __iter__ = None  # else Python would take it for a sequence
        __contains__ = None


def advice_for_module(name: str) -> str:
    """Return what is said after ``module 'runfork' has no attribute``: advice, where there is some."""
    advice = _OF_THE_MODULE.get(name)
    return f"; {advice}" if advice else ""


def advice_for_mode(mode: object) -> str:
    """Return what is said after ``mode must be one of ...``: advice, where another tracker has such a mode."""
    advice = _OF_MODES.get(mode) if isinstance(mode, str) else None
    return f"; {advice}" if advice else ""


def unknown_argument(function: str, name: str, known: Collection[str]) -> TypeError:
    """Return the error for a keyword argument that `function` does not take: in Python's words, and with what it may mean."""
    from difflib import get_close_matches

    advice = _OF_ARGUMENTS.get(name)
    if advice is None and (close := get_close_matches(name, known, n=1)):
        advice = f"did you mean {close[0]!r}?"
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}" + (f"; {advice}" if advice else ""))


def with_advice(constructor: _Function) -> _Function:
    """Return a constructor that gives advice where it is called with a keyword argument that it does not take."""
    code = constructor.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]

    @wraps(constructor)
    def construct(self: Any, /, *arguments: Any, **options: Any) -> None:
        for name in options:
            if name not in known:
                raise unknown_argument(type(self).__name__, name, known)
        constructor(self, *arguments, **options)

    return cast("_Function", construct)
