"""asv's benchmark type ``torchtime_*``: one set-up per process, tbp's timing loop, a session after the timing.

asv's own ``time_*`` runs ``setup`` before every timed call and knows no device. This type is found by its own prefix
because asv's built-in types match names first. ``register`` makes asv_runner know it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import asv_runner.benchmarks
import torch
from asv_runner.benchmarks._base import Benchmark, _get_first_attr

from .clock import Clock, SamplingPlan, seconds_of, time_calls
from .devices import Device, cache_flush, device, settle
from .energy import Meter
from .recorder import Destination, Further, record
from .roof import roof
from .suite import Suite
from .turns import MIN_ROUNDS, in_turns
from .yardstick import cpu_yardstick


class TorchTime(Benchmark):  # type: ignore[misc]  # asv_runner ships no types
    """Times ``torchtime_*`` functions and methods.

    Honours asv's attributes ``repeat``, ``number``, ``sample_time``, ``warmup_time``, ``rounds`` and ``timeout``, and
    ``device`` ("cpu" or "cuda"), which is synchronised. Without it the device is CUDA once the process uses CUDA. With
    ``cold = True`` the caches are flushed before each sample, which then is a single call.
    """

    name_regex = re.compile("^(TorchTime[A-Z_].+)|(torchtime_.+)$")

    def __init__(self, name: str, func: Any, attr_sources: list[Any]) -> None:
        super().__init__(name, func, attr_sources)
        self._setups: list[Callable[..., None]]
        self.type = "time"
        self.unit = "seconds"
        self.rounds = int(self._attribute("rounds", 3))

    def _attribute(self, name: str, default: Any) -> Any:
        return _get_first_attr(self._attr_sources, name, default)

    def do_setup(self) -> bool:
        """asv's set-up, with torch's threads settled first; a skipped cell leaves a session with the reason."""
        settle()
        skipped: list[str] = []
        self._setups = [_noting_skips(setup, skipped) for setup in self._setups]
        skip = bool(super().do_setup())
        destination = Destination.from_environment()
        if skip and skipped and destination is not None:
            record(destination, self.name, self._named_parameters(), device("cpu"), None, None, skipped=skipped[0])
        return skip

    def run(self, *parameters: Any) -> dict[str, Any]:
        """asv's form of a result: all samples, in seconds per call, and the calls per sample."""

        def call() -> object:
            return self.func(*parameters)

        on, suite, plan = self._device(), self._suite(), self._plan()
        first_call_s = seconds_of(call, on)
        if suite is not None and suite.first_call_s is not None:
            first_call_s = suite.first_call_s  # called in its set-up already
        start_s, meter = time.perf_counter(), Meter(on)
        # A GPU has a clock of its own, which the CPU's yardstick does not follow.
        stick = cpu_yardstick() if on.name == "cpu" else None
        flush = cache_flush(on) if self._attribute("cold", False) else None
        clock = Clock() if suite is None or suite.step.cpu_s is None else Clock(cpu_s=suite.step.cpu_s)
        timing = time_calls(call, on, plan, clock, yardstick=stick, flush=flush)
        destination = Destination.from_environment()
        if destination is not None:
            energy_j, throttled = meter.joules_per_call(timing), meter.throttled()
            measuring_s = time.perf_counter() - start_s
            known = Further(first_call_s=first_call_s, energy_j=energy_j, throttled=throttled, measuring_s=measuring_s)
            if suite is not None:
                further = _of_suite(known, on, plan, suite, clock, timing.number if flush is None else 0)
            else:
                further = _under_roof(known, on, torch.float32, 0)
            with suite.step.within() if suite is not None else nullcontext():
                record(destination, self.name, self._named_parameters(), on, timing, call, further=further)
        return {"samples": list(timing.wall_s), "number": timing.number}

    def _plan(self) -> SamplingPlan:
        return SamplingPlan().with_asv(
            repeat=self._attribute("repeat", 0),
            number=int(self._attribute("number", 0)),
            warmup_s=float(self._attribute("warmup_time", -1)),
            sample_s=self._attribute("sample_time", None),
        )

    def _suite(self) -> Suite | None:
        """The suite that this is the timing of; None for a function or class of the user's."""
        owner = getattr(self.func, "__self__", None)
        return owner if isinstance(owner, Suite) else None

    def _device(self) -> Device:
        declared = self._attribute("device", None)
        if declared is None:
            in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
            declared = "cuda" if in_use else "cpu"
        return device(str(declared))

    def _named_parameters(self) -> dict[str, str]:
        return dict(zip(self.param_names, map(str, self._current_params), strict=True))


def _of_suite(known: Further, on: Device, plan: SamplingPlan, suite: Suite, clock: Clock, number: int) -> Further:
    """``known`` with the ratios to other variants, the counts, the roof, and what records its ranks."""
    hasty = plan.max_samples < MIN_ROUNDS  # asv run --quick
    beside = {} if hasty else suite.beside()
    start_s = time.perf_counter()
    # The run itself, as those beside it: through asv's function a step of 5 µs takes 9 % longer than its twin.
    ratios = in_turns(suite.step.run, beside, on, plan, clock, number)
    known = replace(known, ratios=ratios, measuring_s=known.measuring_s + time.perf_counter() - start_s)
    known = replace(known, counts=suite.counted(), rank_traces=suite.step.rank_traces)
    with suite.step.within():
        return _under_roof(known, on, suite.dtype, suite.counted().bytes_moved or 0)


def _under_roof(known: Further, on: Device, dtype: torch.dtype, step_bytes: int) -> Further:
    start_s = time.perf_counter()
    top = roof(on, dtype, step_bytes)
    spent_s = known.measuring_s + time.perf_counter() - start_s
    return replace(known, roof=top, roof_dtype=str(dtype).removeprefix("torch."), measuring_s=spent_s)


def _noting_skips(setup: Callable[..., None], reasons: list[str]) -> Callable[..., None]:
    """``setup`` that also adds the reason of a skip to ``reasons``; asv itself only prints the reason."""

    def noting(*arguments: object) -> None:
        try:
            setup(*arguments)
        except NotImplementedError as error:
            reasons.append(str(error) or "not implemented")
            raise

    return noting


def register() -> None:
    """Make asv_runner know the type; a second call changes nothing."""
    types = asv_runner.benchmarks.benchmark_types
    if not any(known.__name__ == TorchTime.__name__ for known in types):
        types.append(TorchTime)
