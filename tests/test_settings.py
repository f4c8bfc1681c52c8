import pytest

from runfork import Run
from runfork.errors import ArgumentError, RunforkWarning
from runfork.settings import VARIABLES, Settings


@pytest.fixture(autouse=True)
def _no_variables(data_directory, monkeypatch):
    for names in VARIABLES.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)


def test_defaults_keep_everything_on_this_machine():
    settings = Settings.from_environment()

    assert (settings.mode, settings.on_error, settings.resume_policy) == ("offline", "warn", "fork")
    assert (settings.project, settings.directory, settings.run_id) == (None, None, None)
    assert settings.monitoring_seconds == 10
    assert settings.console is True


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("RUNFORK_PROJECT", "a/b", "project", "a/b"),
        ("NEPTUNE_PROJECT", "a/b", "project", "a/b"),
        ("RUNFORK_DIR", "/x", "directory", "/x"),
        ("RUNFORK_INDEX_DIR", "/x", "index_directory", "/x"),
        ("RUNFORK_MODE", "disabled", "mode", "disabled"),
        ("NEPTUNE_MODE", "offline", "mode", "offline"),
        ("NEPTUNE_MODE", "async", "mode", "offline"),
        ("RUNFORK_MODE", "async", "mode", "offline"),
        ("RUNFORK_ON_ERROR", "raise", "on_error", "raise"),
        ("RUNFORK_RESUME", "continue", "resume_policy", "continue"),
        ("RUNFORK_MONITORING_SECONDS", "0.5", "monitoring_seconds", 0.5),
        ("RUNFORK_CONSOLE", "off", "console", False),
        ("RUNFORK_CONSOLE", "TRUE", "console", True),
        ("RUNFORK_RUN_ID", "r", "run_id", "r"),
        ("NEPTUNE_CUSTOM_RUN_ID", "r", "run_id", "r"),
    ],
)
def test_every_variable_is_heeded(monkeypatch, variable, text, name, value):
    monkeypatch.setenv(variable, text)

    assert value == getattr(Settings.from_environment(), name)


def test_a_variable_that_is_named_nearly_like_one_of_ours_is_told(data_directory, monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJCT", "a/b")
    monkeypatch.setenv("RUNFORK_OF_A_PLUGIN", "1")
    for name in ("QUIET", "PLUGINS", "TRACE_HOOKS", "DEBUG"):
        monkeypatch.setenv(f"RUNFORK_{name}", "")
    with pytest.warns(RunforkWarning) as told:
        Run(source_tracking_config=None).close()

    assert ["the environment variable RUNFORK_PROJCT is no setting of runfork; did you mean RUNFORK_PROJECT?"] == [
        str(one.message) for one in told
    ]


def test_our_variable_comes_before_neptunes(monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJECT", "a/ours")
    monkeypatch.setenv("NEPTUNE_PROJECT", "a/theirs")

    assert Settings.from_environment().project == "a/ours"


def test_an_empty_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("RUNFORK_PROJECT", "")
    monkeypatch.setenv("NEPTUNE_PROJECT", "a/theirs")

    assert Settings.from_environment().project == "a/theirs"


def test_overrides_come_before_the_environment_unless_they_are_none(monkeypatch):
    monkeypatch.setenv("RUNFORK_MODE", "disabled")

    assert Settings.from_environment(mode="offline").mode == "offline"
    assert Settings.from_environment(mode=None).mode == "disabled"
    assert Settings(mode="disabled").with_overrides(mode=None, console=False) == Settings(
        mode="disabled", console=False
    )


def test_neptunes_async_is_taken_for_offline():
    assert Settings(mode="async") == Settings(mode="offline") == Settings(mode="disabled").with_overrides(mode="async")
    assert Settings.from_environment(mode="async").mode == "offline"


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("RUNFORK_PROJECT", "digits", "RUNFORK_PROJECT: project must have the form"),
        (
            "RUNFORK_MODE",
            "online",
            "RUNFORK_MODE must be one of offline, disabled, found 'online'; runs are always written to disk first",
        ),
        ("RUNFORK_ON_ERROR", "explode", "RUNFORK_ON_ERROR must be one of warn, raise, found 'explode'"),
        ("RUNFORK_RESUME", "maybe", "RUNFORK_RESUME must be one of fork, continue, new, found 'maybe'"),
        (
            "RUNFORK_MONITORING_SECONDS",
            "often",
            "RUNFORK_MONITORING_SECONDS must be a number of seconds, found 'often'",
        ),
        ("RUNFORK_MONITORING_SECONDS", "-1", "RUNFORK_MONITORING_SECONDS must be 0"),
        ("RUNFORK_MONITORING_SECONDS", "nan", "RUNFORK_MONITORING_SECONDS must be 0"),
        ("RUNFORK_CONSOLE", "maybe", "RUNFORK_CONSOLE must be 1 or 0, found 'maybe'"),
        ("RUNFORK_RUN_ID", "a/b", "RUNFORK_RUN_ID must not contain '/', found 'a/b'"),
    ],
)
def test_a_variable_with_a_value_that_is_not_allowed_is_named(monkeypatch, variable, text, said):
    monkeypatch.setenv(variable, text)

    with pytest.raises(ArgumentError, match=f"^{said}"):
        Settings.from_environment()


@pytest.mark.parametrize("mode", ["online", "", 3, ["offline"]])
def test_a_setting_with_a_value_that_is_not_allowed_is_named(mode):
    with pytest.raises(ArgumentError, match="^mode must be one of offline, disabled, found "):
        Settings(mode=mode)
