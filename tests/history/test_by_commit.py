"""Changes of several series, by commit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tbp.history.by_commit import changes_by_commit, every_change_by_commit
from tbp.history.series import (
    Better,
    Change,
    ChangeEvidence,
    ChangeKind,
    Commit,
    History,
    Outcome,
    Point,
    SeriesKey,
    State,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
NAN = math.nan


def history(name: str, values: Sequence[float], index: int, **fields: object) -> History:
    points = tuple(
        Point(Commit(f"c{i}", START + timedelta(days=i)), Outcome.MEASURED, value) for i, value in enumerate(values)
    )
    change = Change(index, values[0], values[-1], **{"p_value": 0.001, "confirmed": True, **fields})  # type: ignore[arg-type]
    return History(
        SeriesKey(name, (), "m", "e"), "seconds", Better.LOWER, points, State.REGRESSION, (ChangeEvidence(change),)
    )


def test_changes_at_one_commit_are_one_group_and_the_worst_is_first():
    found = changes_by_commit(
        [
            history("small", [1.0, 1.0, 1.1, 1.1], 2),
            history("faster", [1.0, 1.0, 1.0, 0.5], 3),
            history("large", [1.0, 1.0, 1.5, 1.5], 2),
        ]
    )
    assert [(group.commit.hash, group.last_good and group.last_good.hash) for group in found] == [
        ("c2", "c1"),
        ("c3", "c2"),
    ]
    assert [one.history.key.benchmark for one in found[0].changes] == ["large", "small"]
    assert (found[0].worst, found[1].worst) == (0.5, -0.5)


def test_unmeasured_commits_are_counted():
    series = [history("a", [1.0, NAN, 1.5, 1.5], 2)]
    assert changes_by_commit(series)[0].unmeasured == 1
    order = ["c0", "x", "c1", "y", "z", "c2", "c3"]
    assert changes_by_commit(series, order)[0].unmeasured == 4
    # Another series that has a value in between narrows it down.
    assert changes_by_commit([*series, history("b", [1.0, 1.0, 1.2, 1.2], 2)], order)[0].unmeasured == 2


def test_what_is_suspect_or_not_the_code_s_is_left_out():
    assert changes_by_commit([history("a", [1.0, 1.5], 1, confirmed=False)]) == ()
    assert changes_by_commit([history("a", [1.0, 1.5], 1, kind=ChangeKind.HARDWARE)]) == ()


def test_every_change_has_suspects_but_not_what_is_certainly_too_small():
    order = ["c0", "c1"]
    assert len(every_change_by_commit([history("a", [1.0, 1.5], 1, confirmed=False)], order)) == 1
    assert every_change_by_commit([history("a", [1.0, 1.0001], 1, confirmed=False, p_value=0.0)], order) == ()


def test_a_change_from_zero_is_the_worst():
    found = changes_by_commit([history("a", [0.0, 4.0], 1), history("b", [1.0, 1.0, 9.0], 2)])
    assert [group.worst for group in found] == [math.inf, 8.0]
