"""Where a run takes place: user, host, Python, platform, packages, CPUs and GPUs; a plugin of ``collect_system_attributes``.

No framework is imported, and no environment variable is logged, since they hold secrets.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any

import psutil

from runfork.capture.hardware import decoded, visible_gpus
from runfork.disk.installed import installed
from runfork.hooks import hookimpl
from runfork.model.attributes import MAX_STRING_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import Distribution

    from runfork.hooks import OpenRun

_GIB = 1024.0**3
_NAME_LINE = re.compile(r"^Name:[ \t]*(\S+)", re.MULTILINE)
_VERSION_LINE = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE)


@hookimpl
def collect_system_attributes(run: OpenRun) -> Mapping[str, Any]:
    """Return what is known of this process's surroundings; ranks above 0 tell only of their machine."""
    gpus = _describe_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"))
    details = f"{run.runtime_namespace}/details"
    found: dict[str, Any] = {f"{details}/{name}": value for name, value in _details(gpus).items()}
    if run.rank == 0:
        found.update(_system(gpus))
        packages, found["sys/environment/packages_digest"] = _packages(installed())
        if len(packages.encode()) < MAX_STRING_BYTES:
            found[f"{details}/packages"] = packages
    return found


def _system(gpus: _Gpus) -> dict[str, Any]:
    found: dict[str, Any] = {
        "sys/owner": _owner(),
        "sys/hostname": socket.gethostname(),
        "sys/environment/python": platform.python_version(),
        "sys/environment/platform": platform.platform(),
    }
    if gpus.names:
        found["sys/environment/gpu_names"] = sorted(set(gpus.names.values()))
    if gpus.cuda:
        found["sys/environment/cuda"] = gpus.cuda
    if gpus.driver:
        found["sys/environment/nvidia_driver"] = gpus.driver
    return found


def _details(gpus: _Gpus) -> dict[str, Any]:
    found: dict[str, Any] = {
        "hostname": socket.gethostname(),
        **_machine(),
        "cpu_usable_num": _usable_cpus(),
        "gpu_num": len(gpus.names),
    }
    found.update({f"gpu/{number}/name": name for number, name in gpus.names.items()})
    return {name: value for name, value in found.items() if value is not None}


def _owner() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _usable_cpus() -> int | None:
    """Return how many CPUs this process may run on, which schedulers limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count()


@dataclass
class _Gpus:
    """Names of GPUs by number, and versions of driver and CUDA (the latest that the driver supports)."""

    names: dict[int, str] = field(default_factory=dict)
    cuda: str | None = None
    driver: str | None = None


@lru_cache(maxsize=1)
def _machine() -> Mapping[str, Any]:
    """Return how many cores and GiB of memory there are."""
    return {
        "cpu_num": psutil.cpu_count(logical=False),
        "cpu_logical_num": psutil.cpu_count(),
        "memory_total_GiB": psutil.virtual_memory().total / _GIB,
    }


@lru_cache(maxsize=1)
def _describe_gpus(_visible: str | None) -> _Gpus:
    gpus = _Gpus()
    if not (handles := visible_gpus()):
        return gpus
    import pynvml

    try:
        for number, handle in handles.items():
            gpus.names[number] = decoded(pynvml.nvmlDeviceGetName(handle))
        gpus.driver = decoded(pynvml.nvmlSystemGetDriverVersion())
        version = pynvml.nvmlSystemGetCudaDriverVersion()
        gpus.cuda = f"{version // 1000}.{version % 1000 // 10}"
    except pynvml.NVMLError:
        pass  # what it told so far is kept
    finally:
        pynvml.nvmlShutdown()
    return gpus


@lru_cache(maxsize=1)
def _packages(_installed: object) -> tuple[str, str]:
    """Return the packages, a line each, and the digest of that: once in a process, unless others were installed since."""
    packages = "\n".join(list_packages())
    return packages, hashlib.sha256(packages.encode()).hexdigest()


def list_packages() -> list[str]:
    """Return the installed distributions as ``name==version``, sorted; of two with one name the one that is imported."""
    found: dict[str, str] = {}
    for distribution in distributions():
        name, version = _name_and_version(distribution)
        if name:
            key = re.sub(r"[-_.]+", "-", name).lower()
            found.setdefault(key, f"{name}=={version}")
    return [found[key] for key in sorted(found)]


def _name_and_version(distribution: Distribution) -> tuple[str | None, str | None]:
    """Read two lines of the metadata; `Distribution.metadata` would parse all of it, a hundred times slower."""
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    except (OSError, ValueError):
        return None, None
    head = text.partition("\n\n")[0]
    name, version = _NAME_LINE.search(head), _VERSION_LINE.search(head)
    return (name[1] if name else None), (version[1] if version else None)
