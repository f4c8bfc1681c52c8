"""Plugins of somebody's that misbehave, installed as pip would."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from runfork.disk.layout import Store
from runfork.testing.journals import configs_of, points_of
from runfork.testing.waits import HANG_SECONDS
from runfork.testing.warm import RUN_MODULES, start_warm

if TYPE_CHECKING:
    from pathlib import Path

TRAINING = """
import json, sys, threading, time
site, resumes, seconds = json.loads(sys.argv[1])
sys.path.insert(0, site)
from runfork import Run

class Quantity:
    def __str__(self):
        return 'seven'

def seconds_of(call, *arguments, **options):
    start = time.monotonic()
    call(*arguments, **options)
    return time.monotonic() - start

def begin():
    if resumes:
        run.resume(mark)
    run.log_configs({'q': Quantity(), 'plain': 1})
    run.log_configs({'q2': Quantity()})

with Run(run_id='parent', source_tracking_config=None, settings=None) as parent:
    parent.log_metrics({'a': 1}, step=1)
    mark = parent.checkpoint_mark(1)
run = Run('exp', run_id='r', source_tracking_config=None)
waited = seconds_of(begin)
slowest, step, deadline = 0.0, 2, time.monotonic() + seconds
while time.monotonic() < deadline:
    slowest = max(slowest, seconds_of(run.log_metrics, {'a': step}, step=step))
    step += 1
    time.sleep(0.0005)
deadline = time.monotonic() + 60
while (unsynced := run.status.unsynced_bytes) and time.monotonic() < deadline:
    time.sleep(0.01)
close = seconds_of(run.close)
print(json.dumps({'steps': step, 'slowest': slowest, 'close': close, 'waited': waited, 'unsynced': unsynced,
                  'is_closed': run.is_closed, 'problems': run.status.problems}))
"""

ARGUMENTS = {
    "convert_value": "value",
    "find_checkpoint_mark": "path",
    "decide_resume": "run, mark",
    "collect_system_attributes": "run",
    "register_samplers": "",
    "after_run_created": "run",
    "after_run_forked": "run, parent, step",
    "after_run_closed": "run",
}
"""The hooks that a run calls, and their arguments."""


def install(site: Path, code: str, name: str = "lab") -> None:
    """Install a plugin into a folder that is on the path."""
    site.mkdir(exist_ok=True)
    module = f"{name}_plugin"
    (site / f"{module}.py").write_text(f"from runfork import hookimpl\n{code}", encoding="utf-8")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[runfork]\n{name} = {module}\n", encoding="utf-8")


def hook(name: str, body: str) -> str:
    """Return the code of a hook."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"@hookimpl(tryfirst=True)\ndef {name}({ARGUMENTS[name]}):\n{lines}\n"


class Training:
    """A process that trains while a plugin misbehaves.

    Args:
        folder: A folder of its own.
        code: The plugin ``lab``.
        seconds: How long it trains.
        resumes: Whether it forks from a checkpoint first.
    """

    def __init__(self, folder: Path, code: str, *, seconds: float = 0.05, resumes: bool = True) -> None:
        folder.mkdir()
        self.folder = folder
        install(folder / "site", code)
        install(
            folder / "site",
            hook("after_run_closed", f"open({str(folder / 'other')!r}, 'a').write(run.run_id + ' ')"),
            "other",
        )
        environment = {
            "RUNFORK_PLUGINS": "lab,other",
            "RUNFORK_DIR": str(folder / "data"),
        }
        script = folder / "training.py"
        script.write_text(TRAINING, encoding="utf-8")
        self._process = start_warm(
            script,
            json.dumps([str(folder / "site"), resumes, seconds]),
            modules=RUN_MODULES,
            cwd=folder,
            environment={**os.environ, **environment},
        )

    def result(self) -> dict[str, Any]:
        """Wait for its end; returns what it told, after a look at whether training was right."""
        try:
            out, err = self._process.communicate(timeout=HANG_SECONDS)
        finally:
            self._process.kill()
        assert self._process.returncode == 0, err
        assert "Traceback" not in err, err
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        run_directory = Store(self.folder / "data").run_directory("tests/project", "r")
        told["configs"] = configs_of(run_directory)
        told["points"] = points_of(run_directory, "a")
        told["others"] = (
            (self.folder / "other").read_text(encoding="utf-8").split() if (self.folder / "other").exists() else []
        )
        assert told["slowest"] < 4
        assert told["unsynced"] == 0
        return told
