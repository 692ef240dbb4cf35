"""The cell: how much work a step is, what it computes and with what, beside its times in the session.

Measured in passes by themselves, after the timing. The first session of an asv run measures its cell; the later ones
and the ``track_*`` benchmarks of that run take the numbers from its session, since they carry no noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import nn

from . import counters
from .devices import Device
from .oracle import Closeness
from .workloads import Step


@dataclass(frozen=True)
class CellCounts:
    """Numbers of a step that are the same in every session; None where unknown or not of the step's kind."""

    tokens: int | None = None  # of one run
    flops: int | None = None  # of one run, analytic: 2 per multiply-add, causal attention half of S²
    bytes_moved: int | None = None  # least traffic with memory of one run
    operators: int | None = None  # dispatched by one run
    dispatched: Mapping[str, int] = field(default_factory=dict)  # calls of each of them: "aten::addmm": 4
    peak_bytes: int | None = None  # most bytes alive at once during a run, above those before it
    model_bytes: int | None = None  # of the serialised state: on disk
    memory_bytes: int | None = None  # of parameters and buffers: in memory
    error: float | None = None  # the largest relative error among the outputs
    max_abs_error: float | None = None  # of the output against its reference
    cosine_error: float | None = None  # of the output: 1 − cosine similarity
    device_s: float | None = None  # in which the GPU works, of one run
    learning_rates: Sequence[float] = ()  # of a schedule, at each step of the optimizer


def counts(step: Step, device: Device, close: Closeness) -> CellCounts:
    """All of ``CellCounts``, each counted in a pass of its own, because counting slows what it counts.

    Of a step that other processes take, whose operators are not seen here, it has tokens and errors alone.
    """
    known = CellCounts(tokens=step.tokens, error=close.error, max_abs_error=close.max_abs, cosine_error=close.cosine)
    if step.rank_traces is not None:
        return known
    module = step.module
    return replace(
        known,
        flops=step.flops,
        bytes_moved=least_bytes(step),
        operators=counters.operators(step.run),
        dispatched=counters.dispatched(step.run),
        peak_bytes=counters.peak_bytes(step.run, device.name),
        model_bytes=counters.model_bytes(module) if module is not None else None,
        memory_bytes=counters.memory_bytes(module) if module is not None else None,
        device_s=counters.device_seconds(step.run) if device.name == "cuda" else None,
        learning_rates=tuple(step.learning_rates()) if step.learning_rates is not None else (),
    )


def least_bytes(step: Step) -> int:
    """``Step.bytes_moved``, or weights, inputs and output once each; of an embedding's table a run reads few rows."""
    if step.bytes_moved is not None:
        return step.bytes_moved
    modules = step.module.modules() if step.module is not None else ()
    read = [module for module in modules if not isinstance(module, nn.Embedding)]
    weights = [tensor for module in read for tensor in (*module.parameters(False), *module.buffers(False))]
    return sum(counters.data_bytes(tensor) for tensor in (*weights, *step.inputs, step.output()))
