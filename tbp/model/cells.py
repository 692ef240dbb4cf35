"""Cells: how much work a step is, how near the machine's limit it runs, and what it was held against.

The ruler records all of this beside the samples (``tbp.bench``). Nothing here is judged over commits.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class CellCounted(Struct, frozen=True):
    """Numbers of a step that carry no noise, as its session has them; None where unknown."""

    tokens: float | None = None  # of one run
    flops: float | None = None  # of one run, analytic
    bytes_moved: float | None = None  # least traffic with memory of one run
    operators: float | None = None
    dispatched: Mapping[str, int] = {}  # calls of each operator
    peak_bytes: float | None = None
    model_bytes: float | None = None  # on disk
    memory_bytes: float | None = None  # of parameters and buffers
    error: float | None = None  # the largest relative error among the outputs
    max_abs_error: float | None = None  # of the output against its reference
    cosine_error: float | None = None  # of the output: 1 − cosine similarity
    device_s: float | None = None  # in which the GPU works
    learning_rates: tuple[float, ...] = ()  # of a schedule, at each step of the optimizer


class RatioToVariant(Struct, frozen=True):
    """Time of a variant ÷ time of another one, sampled in turns in the same processes; below 1 it is faster."""

    variant: str  # the other one: a baseline or the twin
    ratio: float  # median of the processes' medians
    low: float  # ends of the 99 % interval of the processes' medians; NaN for a single process
    high: float
    processes: int
    of_cpu_time: bool  # the machine was busy, and CPU time is compared instead of wall time


class MeasuredCell(Struct, frozen=True):
    """The sessions of one run of a series, in brief; NaN, 0 or empty where nothing is known."""

    counted: CellCounted = CellCounted()
    ratios: tuple[RatioToVariant, ...] = ()
    time_s: float = float("nan")  # of one run, median of the sessions
    roof_share: float = float("nan")  # least time that the machine could take for it ÷ ``time_s``
    bound: str = ""  # "compute" or "bandwidth": which of the two the least time is
    roof_dtype: str = ""
    first_call_s: float = float("nan")
    energy_j: float = float("nan")  # of one run
    throttled: int = 0
    processor_mhz: int = 0
    threads: int = 0
    omp_wait_policy: str = ""
    isa: str = ""
    engine: str = ""  # of quantised products
    float32_products: str = ""  # "highest": without TF32
