"""False discovery across the series of one report.

Takes the changes of every series; gives them with those demoted to suspect that so many series would bring by chance
alone. The method and what it was measured to do are in docs/explanation/change-points.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from tbp.model.changes import Change
from tbp.statistics.benjamini_hochberg import benjamini_hochberg


def controlled(changes: Sequence[Sequence[Change]], rate: float) -> list[tuple[Change, ...]]:
    """``changes`` of each series, with at most ``rate`` of those confirmed expected to be false.

    Benjamini-Hochberg over every series in which chance could bring a change: once for each change, by its p-value,
    and once with 1 where it has none. Suspects are not among those judged. A certain change (p = 0, of a counter)
    neither needs the correction nor may make room for others.
    """
    judged = [
        (series, change) for series, of_series in enumerate(changes) for change in of_series if _is_judged(change)
    ]
    quiet = sum(not any(change.confirmed for change in of_series) for of_series in changes)
    corrected = benjamini_hochberg([*(change.p_value for _, change in judged), *[1.0] * quiet])
    doubt = f"not sure enough among the {len(changes):,} series of this report"
    failed = {(series, change) for (series, change), q in zip(judged, corrected, strict=False) if q > rate}
    return [
        tuple(replace(c, confirmed=False, doubt=doubt) if (series, c) in failed else c for c in of_series)
        for series, of_series in enumerate(changes)
    ]


def _is_judged(change: Change) -> bool:
    return change.confirmed and change.p_value > 0
