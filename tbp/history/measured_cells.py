"""The sessions of one run of a series → its measured cell: work, limit, ratios and circumstances in brief."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tbp.asv.sessions import CALM_SHARE, Session
from tbp.model.cells import CellCounted, MeasuredCell, RatioToVariant
from tbp.statistics.robust import median, median_error
from tbp.statistics.student_t import ratio_interval


def measured_cell(sessions: Sequence[Session]) -> MeasuredCell | None:
    """None where nothing was measured."""
    measured = [session for session in sessions if session.wall_s]
    if not measured:
        return None
    last = measured[-1]
    counted = next((session.counts for session in measured if session.counts is not None), CellCounted())
    share, bound = _share_of_roof(measured, counted)
    return MeasuredCell(
        counted=counted,
        ratios=tuple(_ratios(measured)),
        time_s=median([session.median_s for session in measured]),
        roof_share=share,
        bound=bound,
        roof_dtype=last.roof_dtype,
        first_call_s=median([session.first_call_s for session in measured if session.first_call_s > 0]),
        energy_j=median([session.energy_j for session in measured if session.energy_j > 0]),
        throttled=max(session.throttled for session in measured),
        processor_mhz=max(session.processor_mhz for session in measured),
        threads=last.threads,
        omp_wait_policy=last.omp_wait_policy,
        isa=last.isa,
        engine=last.engine,
        float32_products=last.float32_products,
    )


def _ratios(sessions: Sequence[Session]) -> Iterator[RatioToVariant]:
    for variant in dict.fromkeys(name for session in sessions for name in session.ratios):
        turns = [(session, session.ratios[variant]) for session in sessions if variant in session.ratios]
        # One kind for all of them: a median over both kinds would be of neither.
        busy = any(session.device == "cpu" and session.processor_share < CALM_SHARE for session, _ in turns)
        of_sessions = [ratios.cpu if busy else ratios.wall for _, ratios in turns]
        medians = [median(ratios) for ratios in of_sessions]
        if all(value > 0 for value in medians):
            interval = ratio_interval(medians, _error_within(of_sessions))
            yield RatioToVariant(variant, median(medians), *interval, len(medians), busy)


def _error_within(sessions: Sequence[Sequence[float]]) -> float:
    """The standard error that the mean of the sessions' medians would have if no session differed from another.

    Of 165 ratios to a twin, of three sessions each, two were beyond the interval of medians alike by luck: ±.1 %.
    """
    errors = [median_error(ratios) / median(ratios) for ratios in sessions]
    return math.sqrt(sum(error**2 for error in errors)) / len(errors)


def _share_of_roof(sessions: Sequence[Session], counted: CellCounted) -> tuple[float, str]:
    """Share and what bounds: the longer of FLOPs ÷ the roof's FLOP/s and bytes ÷ its bytes/s is the least time."""
    shares = []
    for session in sessions:
        compute_s = _seconds(counted.flops, session.roof_flop_per_s)
        memory_s = _seconds(counted.bytes_moved, session.roof_bytes_per_s)
        # A roof of bytes alone bounds nothing where the FLOPs are not known.
        if compute_s > 0 and session.median_s > 0:
            bound = "bandwidth" if memory_s > compute_s else "compute"
            shares.append((max(compute_s, memory_s) / session.median_s, bound))
    if not shares:
        return math.nan, ""
    bounds = [bound for _, bound in shares]
    return median([share for share, _ in shares]), max(sorted(set(bounds)), key=bounds.count)


def _seconds(work: float | None, per_s: float) -> float:
    return work / per_s if work is not None and per_s > 0 else 0.0
