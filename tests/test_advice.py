"""One sentence each for who comes from another tracker."""

import re
from typing import Any

import pytest

import runfork
from runfork import Run, advice
from runfork.errors import ArgumentError
from runfork.training.run_handle import RunHandle


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("log", r"run\.log_metrics\(.*step=1\).*, run\.log_configs"),
        ("config", r"run\.log_configs\("),
        ("log_metric", r"run\.log_metrics\("),
        ("log_params", r"run\.log_configs\("),
        ("log_artifact", r"run\.assign_files\("),
        ("finish", r"run\.close\(\)"),
        ("stop", r"run\.close\(\)"),
        ("id", r"run\.run_id"),
        ("get_run_url", r"run\.url .*runfork show"),
    ],
)
def test_what_other_trackers_runs_can_do_is_said_in_our_words(run, name, said):
    with pytest.raises(AttributeError, match=rf"^'Run' object has no attribute '{name}'; .*{said}"):
        getattr(run, name)

    assert not hasattr(run, name)


def test_what_nobody_has_gets_no_advice(run):
    with pytest.raises(AttributeError, match=r"^'Run' object has no attribute 'nosuch'$"):
        getattr(run, "nosuch")  # noqa: B009  as a user's line would


def test_python_can_suggest_the_name_that_was_meant(run):
    with pytest.raises(AttributeError) as raised:
        run.log_config({})  # where nobody catches it: "Did you mean: 'log_configs'?"

    assert (raised.value.name, raised.value.obj) == ("log_config", run)


def test_a_run_is_no_dict_of_fields(run):
    with pytest.raises(TypeError, match=r"^run\['train/loss'\] is not how a run is read or written: run\.log_metrics"):
        run["train/loss"].append(0.3)
    with pytest.raises(TypeError, match=r"^run\['params'\] = \.\.\. is not how a run is written: run\.log_configs"):
        run["params"] = {"lr": 0.1}
    handle: Any = RunHandle(lambda: run)  # what `logger.experiment` is
    with pytest.raises(TypeError, match=r"^run\['train/loss'\] is not how a run is read or written: run\.log_metrics"):
        handle["train/loss"].append(0.3)
    with pytest.raises(TypeError, match="not iterable"):
        list(run)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("init", r"runfork\.Run\('experiment'\) begins a run"),
        ("init_run", r"runfork\.Run\("),
        ("start_run", r"runfork\.Run\("),
        ("log", r"run\.log_metrics\("),
        ("login", "no account is needed"),
        ("Api", r"runfork\.fetch_runs_table"),
        ("autolog", "RunforkLogger"),
    ],
)
def test_what_other_trackers_modules_can_do_is_said_in_our_words(name, said):
    with pytest.raises(AttributeError, match=f"^module 'runfork' has no attribute '{name}'; .*{said}"):
        getattr(runfork, name)


def test_what_the_advice_names_is_there(run):

    sentences = " ".join([*advice._OF_A_RUN.values(), *advice._OF_THE_MODULE.values()])
    for name in set(re.findall(r"\brun\.(\w+)", sentences)):
        assert hasattr(run, name), name
    for name in set(re.findall(r"\brunfork\.(\w+)", sentences)):
        assert hasattr(runfork, name), name
    assert not [name for name in advice._OF_A_RUN if hasattr(run, name)]
    assert not [name for name in advice._OF_THE_MODULE if hasattr(runfork, name)]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda run: run.log_metrics({"a": 1}), "log_metrics"),
        (lambda run: run.log_configs(), "log_configs"),
        (lambda run: run.checkpoint_mark(), "checkpoint_mark"),
        (lambda run: run.add_tags(), "add_tags"),
    ],
)
def test_an_argument_that_is_missing_is_missing_from_a_method_of_run(run, call, name):
    with pytest.raises(TypeError, match=rf"^Run\.{name}\(\) missing 1 required positional argument"):
        call(run)

    assert getattr(Run, name).__qualname__ == f"Run.{name}"


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("online", "leave mode out"),
        ("debug", "mode='disabled'"),
        ("read-only", "runfork.fetch_runs_table()"),
        ("x", "'x'"),
    ],
)
def test_a_mode_of_other_trackers_is_said_in_our_words(mode, said):
    with pytest.raises(ArgumentError, match=rf"^mode must be one of offline, disabled, found '{mode}'") as caught:
        Run(mode=mode)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("name", "experiment_name= names the experiment"),
        ("id", "run_id= names the run"),
        ("config", "run.log_configs("),
        ("tags", "run.add_tags("),
        ("save_dir", "Settings(directory=...)"),
        ("api_token", "no account is needed"),
        ("experiment_nam", "did you mean 'experiment_name'?"),
    ],
)
def test_an_argument_of_other_trackers_is_said_in_our_words(name, said):
    arguments: Any = {name: "x"}
    with pytest.raises(TypeError) as caught:
        Run(**arguments)

    assert str(caught.value).startswith(f"Run() got an unexpected keyword argument '{name}'; ")
    assert said in str(caught.value)


def test_an_argument_that_nobody_has_gets_no_advice():
    with pytest.raises(TypeError, match=r"^Run\(\) got an unexpected keyword argument 'nosuch'$"):
        Run(nosuch=1)  # type: ignore[call-arg]


def test_a_class_made_of_run_may_take_arguments_of_its_own(run):
    class Mine(Run):
        def __init__(self, *, config: dict[str, Any], **options: Any) -> None:
            super().__init__(**options)
            self.log_configs(config)

    with Mine(config={"lr": 0.1}, run_id="mine", source_tracking_config=None) as mine:
        assert mine.run_id == "mine"
    with pytest.raises(TypeError, match=r"^Mine\(\) got an unexpected keyword argument 'name'; experiment_name="):
        Mine(config={}, name="x")
