"""Scripts as users start them: the environment has nothing of ours in it, and the framework was imported beforehand."""

from __future__ import annotations

import os
from pathlib import Path

from tests.integrations import run_pytest

from runfork.testing.waits import HANG_SECONDS
from runfork.testing.warm import WarmProcess, start_warm

MODULES = {
    "keras": ("tests.integrations.keras_driver", "tests.integrations.tiny_keras"),
    "lightning": (
        "tests.integrations.lightning_driver",
        "pytorch_lightning",
        "pytorch_lightning.callbacks",
        "runfork_lightning.logger",
        "omegaconf",
    ),
    "transformers": (
        "tests.integrations.hf_driver",
        "runfork_hf.trainer.callback",
        "transformers.trainer",
        "transformers.models.gpt2.modeling_gpt2",
    ),
}
"""What the contract's trainings import beforehand, too, by framework: so they share a server."""

SETTINGS = {
    "keras": (
        "KERAS_BACKEND",
        "JAX_COMPILATION_CACHE_DIR",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES",
    )
}
"""The variables that these modules read when they are imported."""


def start(script: Path, *arguments: str, framework: str, folder: Path, **environment: str) -> WarmProcess:
    """Start a script in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFORK_", "NEPTUNE_"))}
    return start_warm(
        script,
        *arguments,
        modules=MODULES[framework],
        cwd=folder,
        environment={**kept, **environment},
        settings=SETTINGS.get(framework, ()),
    )


def pytest(*arguments: str, framework: str, folder: Path, **environment: str) -> WarmProcess:
    """Start pytest in a folder."""
    return start(Path(run_pytest.__file__), *arguments, framework=framework, folder=folder, **environment)


def finish(process: WarmProcess) -> tuple[str, str]:
    """Wait for its end, which must be a good one; return stdout and stderr."""
    try:
        out, errors = process.communicate(timeout=HANG_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, out[-6000:] + errors[-3000:]
    return out, errors
