"""asv's benchmark type ``torchtime_*``: one set-up per process, tbp's timing loop, a session after the timing.

asv's own ``time_*`` runs ``setup`` before every timed call and knows no device. This type is found by its own prefix
because asv's built-in types match names first. ``register`` makes asv_runner know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import asv_runner.benchmarks
import torch
from asv_runner.benchmarks._base import Benchmark, _get_first_attr

from .clock import Clock, SamplingPlan, time_calls
from .devices import Device, device, settle_threads
from .recorder import Destination, record
from .roof import cpu_roof_flop_per_s
from .suite import Suite
from .workloads import Step
from .yardstick import cpu_yardstick


class TorchTime(Benchmark):  # type: ignore[misc]  # asv_runner ships no types
    """Times ``torchtime_*`` functions and methods.

    Honours asv's attributes ``repeat``, ``number``, ``sample_time``, ``warmup_time``, ``rounds`` and ``timeout``, and
    ``device`` ("cpu" or "cuda"), which is synchronised. Without it the device is CUDA once the process uses CUDA.
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
        settle_threads()
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

        call()
        on = self._device()
        plan = SamplingPlan().with_asv(
            repeat=self._attribute("repeat", 0),
            number=int(self._attribute("number", 0)),
            warmup_s=float(self._attribute("warmup_time", -1)),
            sample_s=self._attribute("sample_time", None),
        )
        # A GPU has a clock of its own, which the CPU's yardstick does not follow.
        step = self._step()
        clock = Clock(cpu_s=step.cpu_s) if step is not None and step.cpu_s is not None else None
        timing = time_calls(call, on, plan, clock, yardstick=cpu_yardstick() if on.name == "cpu" else None)
        destination = Destination.from_environment()
        if destination is not None:
            roof = cpu_roof_flop_per_s() if on.name == "cpu" else 0.0
            traces = step.rank_traces if step is not None else None
            record(
                destination,
                self.name,
                self._named_parameters(),
                on,
                timing,
                call,
                roof_flop_per_s=roof,
                rank_traces=traces,
            )
        return {"samples": list(timing.wall_s), "number": timing.number}

    def _step(self) -> Step | None:
        """The step that is timed; None for a function or class of the user's."""
        owner = getattr(self.func, "__self__", None)
        return owner.step if isinstance(owner, Suite) else None

    def _device(self) -> Device:
        declared = self._attribute("device", None)
        if declared is None:
            in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
            declared = "cuda" if in_use else "cpu"
        return device(str(declared))

    def _named_parameters(self) -> dict[str, str]:
        return dict(zip(self.param_names, map(str, self._current_params), strict=True))


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
