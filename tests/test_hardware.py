from __future__ import annotations

import math
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest

from runfork import Run
from runfork.capture.hardware import (
    CpuSampler,
    DiskSampler,
    MemorySampler,
    NetworkSampler,
    NvidiaSampler,
    ProcessSampler,
    _visible,
    register_samplers,
    visible_gpus,
)
from runfork.journal.reader import JournalReader
from runfork.plugins import load_plugins
from runfork.testing.waits import until
from runfork.writing import BUILT_IN


def test_every_reading_is_a_finite_number_with_its_unit_in_the_name() -> None:
    units = ("percent", "GiB", "MiB", "MiB_per_second", "count", "celsius", "watts")
    for sampler in register_samplers():
        readings = sampler.sample()

        assert readings
        assert all(math.isfinite(value) and value >= 0 for value in readings.values())
        assert [] == [name for name in readings if not name.endswith(units)]
        sampler.close()


def test_samplers_of_a_machine_have_different_names() -> None:
    names = [name for sampler in register_samplers() for name in sampler.sample()]

    assert sorted(set(names)) == sorted(names)


def test_cpu_in_use_is_seen() -> None:
    sampler = CpuSampler()
    sampler.sample()
    busy_until = time.process_time() + 0.2
    while time.process_time() < busy_until:
        pass

    assert 0 < sampler.sample()["cpu/percent"] <= 100


def test_memory_in_use_is_less_than_there_is() -> None:
    used = MemorySampler().sample()["memory/virtual_used_GiB"]

    assert 0 < used < psutil.virtual_memory().total / 1024**3


def test_counters_begin_at_zero_and_grow() -> None:
    counters = SimpleNamespace(bytes_sent=5e9, bytes_recv=7e9)
    sampler = NetworkSampler()
    sampler._read = lambda: counters
    sampler._first = sampler._last = sampler._values()
    counters.bytes_sent += 3 * 1024**2

    readings = sampler.sample()
    assert 3 == readings["network/sent_MiB"]
    assert 0 == readings["network/recv_MiB"]
    assert readings["network/sent_MiB_per_second"] > 0
    assert 0 == sampler.sample()["network/sent_MiB_per_second"]


def test_counters_that_were_reset_are_not_negative() -> None:
    counters = SimpleNamespace(bytes_sent=5e9, bytes_recv=7e9)
    sampler = NetworkSampler()
    sampler._read = lambda: counters
    sampler._first = sampler._last = sampler._values()
    counters.bytes_sent = 0.0

    assert 0 == sampler.sample()["network/sent_MiB"]


def test_machine_without_disk_counters_has_no_readings() -> None:
    sampler = DiskSampler()
    sampler._read = lambda: None

    assert {} == sampler.sample()


def test_children_count_to_the_process() -> None:
    sampler = ProcessSampler()
    alone = sampler.sample()
    hold = "import sys; data = bytearray(64 * 1024**2); print('ready', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    both = sampler.sample()
    child.communicate("")
    after = sampler.sample()

    assert alone["process/processes_count"] + 1 == both["process/processes_count"]
    assert both["process/rss_memory_MiB"] > alone["process/rss_memory_MiB"] + 60
    assert alone["process/processes_count"] == after["process/processes_count"]


def test_cpu_of_children_is_seen() -> None:
    sampler = ProcessSampler()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        sampler.sample()
        until(lambda: sum(psutil.Process(child.pid).cpu_times()[:2]) > 0.2)
        used = sampler.sample()["process/cpu_percent"]
        child.kill()

    assert used > 0


def test_gpu_sampler_is_inert_without_a_driver() -> None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        sampler = NvidiaSampler()

        assert {} == sampler.sample()
        assert {} == visible_gpus()
        assert not any(isinstance(one, NvidiaSampler) for one in register_samplers())
        sampler.close()
    else:
        pynvml.nvmlShutdown()
        pytest.skip("this machine has an NVIDIA driver")


def test_without_a_driver_the_package_that_asks_it_is_not_imported(run_script: Any) -> None:
    done = run_script(
        """
        import sys
        from ctypes import CDLL
        from runfork.capture.hardware import visible_gpus
        visible_gpus()
        try:
            CDLL("libnvidia-ml.so.1")
        except OSError:
            print("pynvml" in sys.modules)
        """
    )

    assert done.stdout in ("False\n", ""), done.stderr  # nothing where there is a driver


def test_gpu_sampler_reads_every_gpu() -> None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        pytest.skip("this machine has no NVIDIA driver")
    number = min(visible_gpus())
    sampler = NvidiaSampler()
    readings = sampler.sample()
    sampler.close()
    pynvml.nvmlShutdown()

    assert readings[f"gpu/{number}/memory_used_GiB"] > 0
    assert {} == sampler.sample()


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("2,0", [2, 0]),
        ("1, 2", [1, 2]),
        ("1,-1,2", [1]),
        ("7", []),
        ("GPU-bbb", [1]),
        ("GPU-zzz", []),
    ],
)
def test_only_gpus_that_the_process_may_use_are_read(variable: str | None, expected: list[int]) -> None:
    uuids: list[Any] = ["GPU-aaaa", b"GPU-bbbb", "GPU-cccc"]
    library = SimpleNamespace(nvmlDeviceGetUUID=lambda handle: uuids[handle])

    assert expected == list(_visible(variable, {0: 0, 1: 1, 2: 2}, library))


def test_hook_register_samplers() -> None:
    plugins = load_plugins([], built_in=BUILT_IN)
    names = {name for sampler in plugins.register_samplers() for name in sampler.sample()}

    assert {"cpu/percent", "memory/virtual_used_GiB", "process/rss_memory_MiB"} <= names
    assert {} == plugins.failures


def test_run_samples_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNFORK_MONITORING_SECONDS", "0.1")
    run = Run(source_tracking_config=None)

    def sampled() -> bool:
        journal = run.status.journal
        batch = JournalReader(journal).read() if journal is not None else None
        rows = batch.rows if batch is not None else []
        return any("runtime/monitoring/cpu/percent" in row.paths and row.clock_axis for row in rows)

    until(sampled)
    run.close()

    assert 0 == run.status.dropped_values
