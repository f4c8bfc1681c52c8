"""Which process logs."""

from __future__ import annotations

import json
import os
import sys


def is_logging_process() -> bool:
    """Return whether this process is the one that logs: the only one, or the first of those that train one model."""
    if _number("WORLD_SIZE", 1) > 1:
        return _number("RANK", 0) == 0
    if "TF_CONFIG" in os.environ:
        return _is_chief(os.environ["TF_CONFIG"])
    keras = sys.modules.get("keras")
    if keras is None or keras.backend.backend() != "jax":  # asking jax starts it, with the memory of all devices
        return True
    return bool(sys.modules["jax"].process_index() == 0)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdigit() else default


def _is_chief(text: str) -> bool:
    """Return whether TensorFlow's description of a cluster makes this its chief, or its first worker where it has none."""
    try:
        described = json.loads(text)
        task = described.get("task", {})
        kind, index = task.get("type", "chief"), int(task.get("index", 0))
        has_chief = "chief" in described.get("cluster", {})
    except (ValueError, TypeError, AttributeError):
        return True
    return kind in ("chief", "master") or (kind == "worker" and index == 0 and not has_chief)
