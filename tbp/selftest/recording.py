"""Checks of what is recorded: a session and a trace of a benchmark that runs as asv runs it."""

from __future__ import annotations

import gzip
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tbp import bench
from tbp.bench.surroundings import clock_mhz
from tbp.selftest.checks import Reading, check, close, quantity
from tbp.selftest.work import events_s, product

# Facts of a session that a driver or a system may keep to itself; a GPU's need the package nvidia-ml-py.
RECORDED = ("clock_mhz", "cpu_mhz", "governor", "energy_j", "throttled", "float32_products", "isa", "roof_flop_per_s")
# Kernels, and without a GPU the operator itself, as the profiler names their categories.
CATEGORIES = {"cuda": ("kernel",), "cpu": ("cpu_op",)}


@check("session and trace")
def session(device: bench.Device) -> Iterator[Reading]:
    """A product that asv's type times leaves a session with its facts, and a trace with its time."""
    call = product(device)
    with tempfile.TemporaryDirectory() as folder, _recording_to(folder):
        suite = SimpleNamespace(device=device.name, repeat=(10, 50, 0.2), warmup_time=0.05)
        benchmark = bench.TorchTime("selftest.torchtime_product", call, [suite])
        benchmark.do_setup()
        samples = benchmark.run()["samples"]
        sessions = sorted(Path(folder).rglob("*.session.json.gz"))
        yield Reading("sessions", str(len(sessions)), "1", len(sessions) == 1)
        facts = json.loads(gzip.decompress(sessions[0].read_bytes()))
        events = _trace(sessions[0].with_name(facts["trace"]))
    yield Reading("device", facts["device_name"], device.hardware, facts["device_name"] == device.hardware)
    further = {name: facts.get(name) for name in RECORDED}
    yield Reading(
        "told too", ", ".join(f"{name} {value}" for name, value in further.items() if value not in (None, "", 0))
    )
    steps = sum(1 for event in events if str(event.get("name")).startswith("ProfilerStep#"))
    yield Reading("steps in the trace", str(steps), "at least 3", steps >= 3)
    # On a CPU that others use too, the quickest of each are alike; on a GPU all are.
    typical, within = (statistics.median, 0.1) if device.name == "cuda" else (min, 0.5)
    expected_s = events_s(call, device) if device.name == "cuda" else min(samples)
    yield close("a product in the trace", _work_s(events, device.name, typical), expected_s, within)


@check("clocks while it works")
def clocks(device: bench.Device) -> Iterator[Reading]:
    """The GPU's clock before and while it works: one that falls far will change every number with the room's heat."""
    if device.name != "cuda":
        raise bench.Skip("tbp doctor has the clocks of the CPU")
    idle_mhz = clock_mhz(device)
    if not idle_mhz:
        raise bench.Skip("torch cannot read it: pip install nvidia-ml-py")
    call = product(device)
    seconds = events_s(call, device)
    for _ in range(int(1 / seconds)):
        call()
    busy_mhz = clock_mhz(device)
    device.synchronise()
    yield Reading("idle", quantity(idle_mhz * 1e6, "Hz"))
    yield Reading("after a second of products", quantity(busy_mhz * 1e6, "Hz"))


@contextmanager
def _recording_to(folder: str) -> Iterator[None]:
    """The variables that asv and tbp set in the process of a benchmark."""
    variables = {"TBP_RESULTS_DIR": folder, "ASV_COMMIT": "0" * 40, "ASV_ENV_NAME": "selftest", "TBP_MACHINE": "this"}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _trace(path: Path) -> list[Mapping[str, Any]]:
    events = json.loads(gzip.decompress(path.read_bytes()), strict=False)["traceEvents"]
    assert isinstance(events, list)
    return events


def _work_s(events: list[Mapping[str, Any]], device: str, typical: Callable[[list[float]], float]) -> float:
    """Typical seconds of the operator or kernel that takes longest."""
    spent: dict[str, list[float]] = {}
    for event in events:
        if event.get("cat") in CATEGORIES[device]:
            spent.setdefault(str(event["name"]), []).append(float(event["dur"]) / 1e6)
    return max(map(typical, spent.values()), default=0.0)
