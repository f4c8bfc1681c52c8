"""What figures were measured on, in words."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import psutil

_MEASURED = ("benchmarks", "core", "integrations", "pyproject.toml")


def describe_machine(folder: Path) -> str:
    """Return processor, cores, memory, system and the file system of a folder in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{_processor()}, {cores} cores, {memory:.0f} GiB, {system}, {_file_system(folder)}"


def describe_checkout(home: Path) -> str:
    """Return the commit of a checkout, and whether what is measured, or measures, was changed since."""
    commit = _git(home, "rev-parse", "--short", "HEAD") or "unknown commit"
    return f"{commit}, changed" if _git(home, "status", "--porcelain", "--", *_MEASURED) else commit


def today() -> str:
    """Return the date, in UTC."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")


def _git(home: Path, *asked: str) -> str:
    return subprocess.run(["git", *asked], cwd=home, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    parts = [one for one in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(one.mountpoint)]
    return max(parts, key=lambda one: len(one.mountpoint)).fstype if parts else "unknown file system"
