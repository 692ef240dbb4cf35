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
from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar

import torch

from . import counters
from .cell import CellCounts, counts
from .clock import PROTOCOL, seconds_of
from .counted import counted_before
from .devices import Skip, require, settle
from .devices import device as find_device
from .oracle import Closeness, closeness
from .recorder import Destination
from .shown_source import shown_as, source_of
from .workloads import TWIN_END, Case, Step, Workload, find

# History of the peak of memory, as PROTOCOL has that of times.
#   1  on the CPU without what the step frees of its last run, which was known or not by chance
#   2  above all that is alive before the step
PEAK = f"{PROTOCOL}, peak 2"


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
    cold: ClassVar[bool] = False  # True: the caches are flushed before each sample of one call
    rounds: ClassVar[int] = 3  # processes; the unit of evidence is the process, not the sample
    version: ClassVar[str] = str(PROTOCOL)
    timeout: ClassVar[float] = 300.0

    params: ClassVar[list[Sequence[str | int]]]
    param_names: ClassVar[list[str]]

    workload: Workload
    case: Case
    device: str
    parameters: dict[str, str]  # of this cell, as its session has them
    counts: CellCounts | None  # of an earlier session of this run; None: this process is the cell's first
    close: Closeness | None  # of the step to its reference; None where an earlier process checked it
    first_call_s: float | None  # None where the step was not called yet

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
        made = {"torchtime_step": _torchtime_step}
        made |= {f"track_{counter}": COUNTERS[counter] for counter in cls.counters}
        if "cuda" in cls.devices:
            made["track_device_seconds"] = _device_seconds_of(cls.params)
        source = source_of(cls, *(workload.build for workload in workloads))
        for name, function in made.items():
            setattr(cls, name, shown_as(source, function) if source else function)

    def setup(self, *values: Any) -> None:
        """Build the step and check it, unless an earlier process of the same asv run did.

        Raises:
            Skip: this cell cannot run on this machine or in this commit.
            WrongResult: the variant, or its baseline, does something else than its workload says.
        """
        variant, *sizes, dtype_name, self.device = values
        settle()
        find_device(self.device)
        dtype = getattr(torch, dtype_name)
        require(self.device, dtype)
        self.workload = find(self.family, variant.split(" v")[0])
        shape = {**self.fixed, **dict(zip(self.shapes, sizes, strict=True))}
        self.case = Case(shape, dtype, self.device)
        self.__dict__.pop("step", None)
        self.first_call_s, self.close = None, None
        self.parameters = dict(zip(self.param_names, map(str, values), strict=True))
        self.counts = self._counted_before(self.workload)
        if self.counts is None:
            self.first_call_s = seconds_of(self.step.run, find_device(self.device))
            self.close = closeness(self.workload, self.case, self.step)

    # asv keeps it below the source of the suite; of a set-up that a suite has itself, it keeps that.
    setup.pretty_source = 'def setup(self, *values):\n    """tbp builds the step, and checks it."""'  # type: ignore[attr-defined]

    @cached_property
    def step(self) -> Step:
        """The step of this cell, built when it is first asked for."""
        return self.workload.build(self.case)

    @property
    def error(self) -> float:
        """The largest relative error of the step's outputs; NaN where an earlier process checked them."""
        return self.close.error if self.close is not None else float("nan")

    def beside(self) -> dict[str, Callable[[], object]]:
        """The baseline and the twin of this cell's variant, ready to be called; a twin needs none of its own.

        The baseline is checked, unless an earlier process of the same asv run did: for this cell, or timing it.

        Raises:
            WrongResult: the baseline does something else than its workload says.
        """
        if self.workload.variant.endswith(TWIN_END):
            return {}
        ready: dict[str, Callable[[], object]] = {}
        for name in filter(None, (self.workload.baseline, self.workload.twin)):
            with suppress(Skip):
                other = find(self.family, name)
                step = other.build(self.case)
                is_twin = name == self.workload.twin
                if self.counts is None and not is_twin and self._counted_before(other) is None:
                    closeness(other, self.case, step)
                ready[name] = step.run
        return ready

    def _counted_before(self, workload: Workload) -> CellCounts | None:
        """The counts of this cell with that variant; None unless an earlier process of the same asv run checked it."""
        parameters = {**self.parameters, "variant": workload.label}
        return counted_before(Destination.from_environment(), _timed_name(type(self)), parameters)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which the step's products are computed."""
        return self.step.computes_in or self.case.dtype

    def counted(self) -> CellCounts:
        """The counts of this cell, from the run's first session or counted now."""
        if self.counts is None:
            assert self.close is not None, "a cell without counts is checked in its set-up"
            self.counts = counts(self.step, find_device(self.device), self.close)
        return self.counts


def _timed_name(suite: type[Suite]) -> str:
    """asv's name of the suite's ``torchtime_step``: the module below its package, the class, the method."""
    return ".".join([*suite.__module__.split(".")[1:], suite.__name__, "torchtime_step"])


def _torchtime_step(self: Suite, *values: Any) -> object:
    return self.step.run()


def _known(self: Suite, name: str, count: Callable[[], float]) -> float:
    """The count of that name from the run's first session, or counted now; NaN where the step has no such thing."""
    if self.counts is None:
        return count()
    value = getattr(self.counts, name)
    return float("nan") if value is None else value


def _track_operators(self: Suite, *values: Any) -> float:
    return _known(self, "operators", lambda: counters.operators(self.step.run))


def _track_peak_bytes(self: Suite, *values: Any) -> float:
    return _known(self, "peak_bytes", lambda: counters.peak_bytes(self.step.run, self.device))


def _track_model_bytes(self: Suite, *values: Any) -> float:
    def count() -> float:
        return counters.model_bytes(self.step.module) if self.step.module is not None else float("nan")

    return _known(self, "model_bytes", count)


def _track_flops(self: Suite, *values: Any) -> float:
    return _known(self, "flops", lambda: self.step.flops if self.step.flops is not None else float("nan"))


def _track_error(self: Suite, *values: Any) -> float:
    return _known(self, "error", lambda: self.error)


def _counter(function: Callable[..., float], unit: str, version: str = str(PROTOCOL)) -> Callable[..., float]:
    """``function`` with the attributes that asv reads: a unit, and a version that edits of this file do not change."""
    function.unit = unit  # type: ignore[attr-defined]
    function.version = version  # type: ignore[attr-defined]
    return function


def _device_seconds_of(params: list[Sequence[str | int]]) -> Callable[..., float]:
    """The benchmark of the GPU's own time, over the CUDA cells among ``params``: the last of them is the device."""

    def track_device_seconds(self: Suite, *values: Any) -> float:
        return _known(self, "device_s", lambda: counters.device_seconds(self.step.run))

    track_device_seconds.params = [*params[:-1], ["cuda"]]  # type: ignore[attr-defined]
    return _counter(track_device_seconds, "seconds")


COUNTERS: dict[str, Callable[..., float]] = {
    "operators": _counter(_track_operators, "operators"),
    "peak_bytes": _counter(_track_peak_bytes, "bytes", PEAK),
    "model_bytes": _counter(_track_model_bytes, "bytes"),
    "flops": _counter(_track_flops, "FLOP"),
    "error": _counter(_track_error, "relative error"),
}
