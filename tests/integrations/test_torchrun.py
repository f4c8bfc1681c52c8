"""A job under ``torchrun`` that fails, and is started again by it: no attempt hides another, and all ranks agree."""

import os

import pytest
from tests.integrations import user_scripts

from runfork.testing.reading import History

pytest.importorskip("torch")

TRAIN = """
import json, os, sys, time
from pathlib import Path
from runfork import Run

attempt, rank = int(os.environ["TORCHELASTIC_RESTART_COUNT"]), int(os.environ["RANK"])
checkpoint = Path("checkpoint.json")
saved = json.loads(checkpoint.read_text()) if checkpoint.exists() else {}
run = Run("digits", resume_from=saved, source_tracking_config=None)
Path(f"ready-{attempt}-{rank}").touch()
while len(list(Path().glob(f"ready-{attempt}-*"))) < 2:  # where others have a process group
    time.sleep(0.01)
for step in range(saved.get("step", 0) + 1, 29 if attempt == 0 else 25):
    run.log_metrics({f"loss/{rank}": float(attempt)}, step=step)
    if step == 20 and rank == 0:
        checkpoint.write_text(json.dumps({"step": step, "runfork": run.checkpoint_mark(step)}))
if attempt == 0:
    Path(f"logged-{rank}").touch()
    while len(list(Path().glob("logged-*"))) < 2:
        time.sleep(0.01)
    sys.exit(rank)  # rank 1 fails
"""


def test_restarts_by_torchrun_keep_apart_what_each_attempt_logged(data_directory, tmp_path, monkeypatch):
    monkeypatch.setenv("RUNFORK_RUN_ID", "job")
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    torchrun = tmp_path / "torchrun.py"
    torchrun.write_text("from torch.distributed.run import main; main()", encoding="utf-8")
    arguments = "--standalone --nproc-per-node 2 --max-restarts 1 train.py".split()
    ours = {name: value for name, value in os.environ.items() if name.startswith("RUNFORK_")}
    user_scripts.finish(user_scripts.start(torchrun, *arguments, framework="lightning", folder=tmp_path, **ours))
    history = History(data_directory)
    (second,) = set(history.runs) - {"job"}

    assert history.parent(second) == ("job", 20)
    for rank in range(2):
        assert history.own_points("job", f"loss/{rank}") == dict.fromkeys(range(1, 29), 0.0)
        assert history.own_points(second, f"loss/{rank}") == dict.fromkeys(range(21, 25), 1.0)
