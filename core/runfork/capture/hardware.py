"""Hardware metrics: samplers of CPU, memory, disk, network, this process and NVIDIA GPUs, a plugin of ``register_samplers``.

Names carry their units. Counts and MiB of disk and network are those since the sampler was made; they are the whole machine's.
A GPU's number is that of ``nvidia-smi``; where ``CUDA_VISIBLE_DEVICES`` names GPUs, the others are left out.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import psutil

from runfork.hooks import Sampler, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MIB = 1024.0**2
_GIB = 1024.0**3
_MILLIWATTS = 1000.0


@hookimpl
def register_samplers() -> list[Sampler]:
    """Return the samplers that work on this machine."""
    kinds: tuple[Callable[[], Sampler], ...] = (
        CpuSampler,
        MemorySampler,
        DiskSampler,
        NetworkSampler,
        ProcessSampler,
        NvidiaSampler,
    )
    samplers = []
    for kind in kinds:
        try:
            sampler = kind()
            readings = sampler.sample()
        except (psutil.Error, OSError, RuntimeError, NotImplementedError, AttributeError, ValueError):
            continue  # containers and other systems do not offer everything
        if readings:
            samplers.append(sampler)
    return samplers


class _Unbound(Sampler):
    """A sampler that holds nothing."""

    def close(self) -> None:
        """Release nothing."""


class CpuSampler(_Unbound):
    """Use of all CPUs since the last sample, 0 to 100."""

    def sample(self) -> Mapping[str, float]:
        """Return ``cpu/percent``."""
        return {"cpu/percent": psutil.cpu_percent(None)}


class MemorySampler(_Unbound):
    """Memory and swap of the machine."""

    def sample(self) -> Mapping[str, float]:
        """Return what is used, in GiB and percent."""
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return {
            "memory/virtual_used_GiB": (memory.total - memory.available) / _GIB,
            "memory/virtual_utilized_percent": memory.percent,
            "memory/swap_used_GiB": swap.used / _GIB,
            "memory/swap_utilized_percent": swap.percent,
        }


class _Counters(_Unbound):
    """Counters of the machine that only grow: what was added since the start, and the rate since the last sample.

    Args:
        read: Returns the counters, or None where the system has none.
        names: Name of a reading by name of its counter; names that end in MiB count bytes and get a rate.
    """

    def __init__(self, read: Callable[[], Any], names: Mapping[str, str]) -> None:
        self._read = read
        self._names = names
        self._first = self._last = self._values()
        self._time = time.monotonic()

    def _values(self) -> dict[str, float]:
        counters = self._read()
        return {} if counters is None else {counter: float(getattr(counters, counter)) for counter in self._names}

    def sample(self) -> Mapping[str, float]:
        """Return the readings."""
        values, moment = self._values(), time.monotonic()
        seconds = max(moment - self._time, 1e-3)
        readings: dict[str, float] = {}
        for counter, value in values.items():
            name = self._names[counter]
            unit = _MIB if name.endswith("MiB") else 1.0
            readings[name] = max(0.0, value - self._first.get(counter, value)) / unit
            if unit == _MIB:
                readings[f"{name}_per_second"] = max(0.0, value - self._last.get(counter, value)) / unit / seconds
        self._last, self._time = values, moment
        return readings


class DiskSampler(_Counters):
    """What all disks of the machine read and wrote."""

    def __init__(self) -> None:
        super().__init__(
            psutil.disk_io_counters,
            {
                "read_count": "disk/read_count",
                "write_count": "disk/write_count",
                "read_bytes": "disk/read_MiB",
                "write_bytes": "disk/write_MiB",
            },
        )


class NetworkSampler(_Counters):
    """What all network interfaces of the machine sent and received."""

    def __init__(self) -> None:
        super().__init__(psutil.net_io_counters, {"bytes_sent": "network/sent_MiB", "bytes_recv": "network/recv_MiB"})


class ProcessSampler:
    """This process and its descendants, such as the workers of data loaders."""

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._known: dict[int, psutil.Process] = {}

    def sample(self) -> Mapping[str, float]:
        """Return memory and threads in use, and CPU in percent of one CPU since the last sample."""
        memory = cpu = threads = count = 0.0
        for process in self._family():
            try:
                with process.oneshot():
                    memory += process.memory_info().rss
                    cpu += process.cpu_percent(None)
                    threads += process.num_threads()
                    count += 1
            except psutil.Error:
                continue  # it ended, or belongs to somebody else
        return {
            "process/rss_memory_MiB": memory / _MIB,
            "process/own_rss_memory_MiB": self._own.memory_info().rss / _MIB,
            "process/cpu_percent": cpu,
            "process/threads_count": threads,
            "process/processes_count": count,
        }

    def _family(self) -> list[psutil.Process]:
        """Return this process and its descendants, as the same objects each time: their CPU use counts from call to call."""
        try:
            descendants = self._own.children(recursive=True)
        except psutil.Error:
            descendants = []
        self._known = {child.pid: self._same(child) for child in descendants}
        return [self._own, *self._known.values()]

    def _same(self, child: psutil.Process) -> psutil.Process:
        known = self._known.get(child.pid)
        return known if known == child and known is not None else child

    def close(self) -> None:
        """Release what is known of other processes."""
        self._known.clear()


class NvidiaSampler:
    """NVIDIA GPUs, by the library that the driver brings; without a driver there are no readings, and none are tried for."""

    def __init__(self) -> None:
        self._gpus = visible_gpus()

    def sample(self) -> Mapping[str, float]:
        """Return utilization, memory, temperature and power of every GPU, as far as it tells them."""
        readings: dict[str, float] = {}
        for number, handle in self._gpus.items():
            for name, read in _GPU_READINGS.items():
                value = _ask(read, handle)
                if value is not None:
                    readings[f"gpu/{number}/{name}"] = value
        return readings

    def close(self) -> None:
        """Let go of the driver's library."""
        if self._gpus:
            self._gpus = {}
            _ask(lambda nvml, _: nvml.nvmlShutdown(), None)


_GPU_READINGS: dict[str, Callable[[Any, Any], float]] = {
    "utilization_percent": lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
    "memory_used_GiB": lambda nvml, handle: nvml.nvmlDeviceGetMemoryInfo(handle).used / _GIB,
    "memory_utilized_percent": lambda nvml, handle: _memory_percent(nvml.nvmlDeviceGetMemoryInfo(handle)),
    "temperature_celsius": lambda nvml, handle: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
    "power_watts": lambda nvml, handle: nvml.nvmlDeviceGetPowerUsage(handle) / _MILLIWATTS,
}


def _memory_percent(memory: Any) -> float:
    return 100.0 * float(memory.used) / float(memory.total)


def _ask(read: Callable[[Any, Any], Any], handle: Any) -> float | None:
    """Return a reading, or None if this GPU or driver does not tell it."""
    import pynvml

    try:
        value = read(pynvml, handle)
    except (pynvml.NVMLError, OSError, AttributeError, ZeroDivisionError):
        return None
    return None if value is None else float(value)


def visible_gpus() -> dict[int, Any]:
    """Return the handles of the GPUs that this process may use, by their number; nothing without a driver.

    The driver's library stays initialized; who calls this calls ``nvmlShutdown`` once if it returned any.
    """
    if not _has_driver():
        return {}
    import pynvml

    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError, OSError):
        return {}
    try:
        everything = {
            number: pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())
        }
        gpus = _visible(os.environ.get("CUDA_VISIBLE_DEVICES"), everything, pynvml)
    except pynvml.NVMLError:
        gpus = {}
    if not gpus:
        pynvml.nvmlShutdown()
    return gpus


def _has_driver() -> bool:
    """Return whether the driver's library can be loaded, as pynvml does it: that package alone takes 40 ms to be imported."""
    if os.name == "nt":
        return True
    from ctypes import CDLL

    try:
        CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def decoded(text: str | bytes) -> str:
    """Return what the driver's library says as text: an older package of the same name gives bytes."""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _visible(variable: str | None, gpus: dict[int, Any], nvml: Any) -> dict[int, Any]:
    """Return those of `gpus` that ``CUDA_VISIBLE_DEVICES`` names: numbers, or beginnings of UUIDs, up to the first unknown one.

    Numbers are taken to count as the driver does, which is so where all GPUs are alike or ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.
    """
    if variable is None:
        return gpus
    visible: dict[int, Any] = {}
    for name in variable.split(","):
        number = _number_of(name.strip(), gpus, nvml)
        if number is None:
            break
        visible[number] = gpus[number]
    return visible


def _number_of(name: str, gpus: dict[int, Any], nvml: Any) -> int | None:
    if name.isdecimal():
        return int(name) if int(name) in gpus else None
    if name.startswith("MIG-"):
        return _number_of_mig(name, gpus, nvml)
    for number, handle in gpus.items():
        if name.startswith("GPU-") and decoded(nvml.nvmlDeviceGetUUID(handle)).startswith(name):
            return number
    return None


def _number_of_mig(name: str, gpus: dict[int, Any], nvml: Any) -> int | None:
    """Return the GPU that a MIG instance is a part of."""
    try:
        parent = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvml.nvmlDeviceGetHandleByUUID(name))
        number = int(nvml.nvmlDeviceGetIndex(parent))
    except nvml.NVMLError:
        return None
    return number if number in gpus else None
