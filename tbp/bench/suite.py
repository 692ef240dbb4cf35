"""Suites: which workloads asv times, over which shapes, dtypes and devices.

A suite is a declaration; ``Suite`` turns it into asv's parameters and benchmarks:

    class Quick(bench.Suite):
        family = "attention"
        variants = ("naive", "sdpa", "sdpa_twin")
        shapes = {"sequence_length": (256,)}

gives ``Quick.torchtime_step`` and one ``Quick.track_*`` per counter, over variant × sequence_length × dtype × device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch

from . import counters
from .clock import PROTOCOL
from .devices import device as find_device
from .devices import require, settle_threads
from .oracle import check
from .workloads import Case, Step, Workload, find


class Suite:
    """Declare ``family``, ``variants`` and ``shapes``; the rest has defaults.

    Raises:
        LookupError: (when the class is made) a variant, or the baseline of one, is not registered.
    """

    family: ClassVar[str]
    variants: ClassVar[Sequence[str]]
    shapes: ClassVar[Mapping[str, Sequence[int]]] = {}
    fixed: ClassVar[Mapping[str, int]] = {}  # part of the shape that asv does not vary
    dtypes: ClassVar[Sequence[str]] = ("float32",)
    devices: ClassVar[Sequence[str]] = ("cpu", "cuda")
    counters: ClassVar[Sequence[str]] = ("operators", "peak_bytes")
    rounds: ClassVar[int] = 3  # processes; the unit of evidence is the process, not the sample
    version: ClassVar[str] = str(PROTOCOL)
    timeout: ClassVar[float] = 300.0

    params: ClassVar[list[Sequence[str | int]]]
    param_names: ClassVar[list[str]]

    workload: Workload
    case: Case
    step: Step
    device: str
    error: float

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not hasattr(cls, "variants"):
            return  # a base of several suites
        workloads = [find(cls.family, variant) for variant in cls.variants]
        for workload in workloads:
            for compared in (workload.baseline, workload.twin):
                if compared is not None:
                    find(cls.family, compared)
        labels = [workload.label for workload in workloads]
        cls.params = [labels, *cls.shapes.values(), list(cls.dtypes), list(cls.devices)]
        cls.param_names = ["variant", *cls.shapes, "dtype", "device"]
        # Attached here, because asv takes every class of a module for a suite, an imported base class too.
        cls.torchtime_step = _torchtime_step  # type: ignore[attr-defined]
        for counter in cls.counters:
            setattr(cls, f"track_{counter}", COUNTERS[counter])
        if "cuda" in cls.devices:
            cls.track_device_seconds = _device_seconds_of(cls.params)  # type: ignore[attr-defined]

    def setup(self, *values: Any) -> None:
        """Build the step and check it against its reference.

        Raises:
            Skip: this cell cannot run on this machine or in this commit.
            WrongResult: the variant computes something else than its reference.
        """
        variant, *sizes, dtype_name, self.device = values
        settle_threads()
        find_device(self.device)
        dtype = getattr(torch, dtype_name)
        require(self.device, dtype)
        self.workload = find(self.family, variant.split(" v")[0])
        shape = {**self.fixed, **dict(zip(self.shapes, sizes, strict=True))}
        self.case = Case(shape, dtype, self.device)
        self.step = self.workload.build(self.case)
        self.error = check(self.workload, self.case, self.step)


def _torchtime_step(self: Suite, *values: Any) -> object:
    return self.step.run()


def _track_operators(self: Suite, *values: Any) -> int:
    return counters.operators(self.step.run)


def _track_peak_bytes(self: Suite, *values: Any) -> int:
    return counters.peak_bytes(self.step.run, self.device)


def _track_model_bytes(self: Suite, *values: Any) -> int | float:
    return counters.model_bytes(self.step.module) if self.step.module is not None else float("nan")


def _track_flops(self: Suite, *values: Any) -> int | float:
    return self.step.flops if self.step.flops is not None else float("nan")


def _track_error(self: Suite, *values: Any) -> float:
    return self.error


def _counter(function: Callable[..., float], unit: str) -> Callable[..., float]:
    """``function`` with the attributes that asv reads: a unit, and a version that edits of this file do not change."""
    function.unit = unit  # type: ignore[attr-defined]
    function.version = str(PROTOCOL)  # type: ignore[attr-defined]
    return function


def _device_seconds_of(params: list[Sequence[str | int]]) -> Callable[..., float]:
    """The benchmark of the GPU's own time, over the CUDA cells among ``params``: the last of them is the device."""

    def track_device_seconds(self: Suite, *values: Any) -> float:
        return counters.device_seconds(self.step.run)

    track_device_seconds.params = [*params[:-1], ["cuda"]]  # type: ignore[attr-defined]
    return _counter(track_device_seconds, "seconds")


COUNTERS: dict[str, Callable[..., float]] = {
    "operators": _counter(_track_operators, "operators"),
    "peak_bytes": _counter(_track_peak_bytes, "bytes"),
    "model_bytes": _counter(_track_model_bytes, "bytes"),
    "flops": _counter(_track_flops, "FLOP"),
    "error": _counter(_track_error, "relative error"),
}
