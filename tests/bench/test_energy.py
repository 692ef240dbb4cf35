"""Energy, clocks and throttling from folders that look as Linux writes them."""

import sys
import types
from pathlib import Path

import pytest
import torch

from tbp.bench import energy, surroundings
from tbp.bench.clock import Timing
from tbp.bench.devices import Device

CPU = Device("cpu", "a processor", lambda: None)
GPU = Device("cuda", "a device", lambda: None)
TIMING = Timing(1, (0.5, 0.5, 0.5), (), ())


def test_rapl_adds_the_packages_and_not_their_parts(tmp_path: Path):
    for name, microjoules in (("intel-rapl:0", 1_500_000), ("intel-rapl:1", 500_000), ("intel-rapl:0:0", 9_000_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "energy_uj").write_text(f"{microjoules}\n")
    assert energy.joules(CPU, tmp_path) == 2.0
    assert energy.joules(CPU, tmp_path / "none") is None


def test_a_call_has_its_part_of_the_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = iter([10.0, 12.0, 13.0])
    monkeypatch.setattr(energy.time, "perf_counter", lambda: next(clock))
    (tmp_path / "intel-rapl:0").mkdir()
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    counter.write_text("1000000")
    meter = energy.Meter(CPU, tmp_path)
    counter.write_text("9000000")
    assert meter.joules_per_call(TIMING) == 2.0, "8 J in 2 s, and a call takes half a second"
    counter.write_text("0")
    assert meter.joules_per_call(TIMING) is None, "the counter began again"


def test_a_gpu_is_asked_through_nvml_and_may_be_silent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert (energy.joules(GPU), surroundings.throttled(GPU)) == (None, None)
    nvml = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: 2500,
        nvmlDeviceGetCurrentClocksThrottleReasons=lambda handle: 4,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert (energy.joules(GPU), surroundings.throttled(GPU)) == (2.5, 4)


def test_the_clock_and_the_throttling_of_the_processor(tmp_path: Path):
    for core, khz, count in (("cpu0", 2_900_000, 3), ("cpu1", 3_100_000, 5)):
        (tmp_path / core / "cpufreq").mkdir(parents=True)
        (tmp_path / core / "cpufreq" / "scaling_cur_freq").write_text(f"{khz}\n")
        (tmp_path / core / "thermal_throttle").mkdir()
        (tmp_path / core / "thermal_throttle" / "package_throttle_count").write_text(f"{count}\n")
    assert (surroundings.cpu_mhz(tmp_path), surroundings.throttled(CPU, tmp_path)) == (3100, 5)
    assert (surroundings.cpu_mhz(tmp_path / "no"), surroundings.throttled(CPU, tmp_path / "no")) == (None, None)


def test_instruction_sets_are_those_that_decide(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surroundings, "cpu_flags", lambda: frozenset({"sse2", "amx_int8", "avx512_vnni"}))
    assert surroundings.isa() == f"{torch.backends.cpu.get_cpu_capability()} amx_int8 avx512_vnni"
