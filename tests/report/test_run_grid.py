import math

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.model import points
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, State
from tbp.report.base.commit_order import commit_order
from tbp.report.base.render import script_json
from tbp.report.data.run_grid import (
    BEND,
    DIGITS,
    EXACT,
    FAILED,
    MIDDLE,
    MOST_COMMITS,
    NO_RUN,
    SCALE,
    SKIPPED,
    Columns,
    _codes,
    packed,
    payload,
)


def unpacked(own, columns: int) -> list[float | str]:
    """As static/base/run_grid.js reads it: values, or what there is instead."""
    cells = own.cells.ljust(2 * columns, DIGITS[0])
    read: list[float | str] = []
    for column in range(columns):
        code = 64 * DIGITS.index(cells[2 * column]) + DIGITS.index(cells[2 * column + 1])
        if code < EXACT:
            read.append({NO_RUN: "none", FAILED: "failed", SKIPPED: "skipped"}[code])
            continue
        level = [own.segments[0], *(s for s in own.segments if s[0] <= column)][-1][1]
        read.append(own.exact[column] if code == EXACT else level * math.exp(BEND * math.sinh((code - MIDDLE) / SCALE)))
    return read


def columns_of(history) -> Columns:
    return Columns.of([point.commit for point in history.points])


@pytest.mark.parametrize("factor", [1.0, 1.001, 0.98, 1.5, 3.0, 0.01, 400.0])
def test_a_value_is_kept_to_a_fifth_of_a_percent_of_its_change(make_history, factor) -> None:
    history = make_history((1e-3, 1e-3, 1e-3, factor * 1e-3), State.NO_CHANGE, changes=())
    value = unpacked(packed(history, columns_of(history)), 4)[3]
    change = abs(math.log(factor))
    assert abs(math.log(value / (factor * 1e-3))) <= 1e-4 + 2e-3 * change


def test_a_segment_is_held_against_the_level_before(make_history) -> None:
    history = make_history((1.0, 1.0, 1.0, 1.2, 1.2), changes=(ChangeEvidence(Change(3, 1.0, 1.2, 0.001, True)),))
    own = packed(history, columns_of(history))
    assert own.segments == ((0, 1.0, 1.0), (3, 1.2, 1.0))
    assert unpacked(own, 5) == pytest.approx([1.0, 1.0, 1.0, 1.2, 1.2])
    assert [(mark.column, mark.glyph, mark.words, mark.tone, mark.size) for mark in own.marks] == [
        (3, "▲", "▲ +20 % slower", "worse", 0.2)
    ]


def test_what_a_ratio_cannot_hold_is_kept_exactly(make_history) -> None:
    history = make_history((0.0, -1.0, 1e9, 1.0, 1.0, 1.0), State.NO_CHANGE, changes=())
    assert unpacked(packed(history, columns_of(history)), 6)[:3] == [0.0, -1.0, 1e9]


@pytest.mark.parametrize("factor", [900.0, 2_834.0, 2_865.0, 2_897.0, 1 / 2_834.0, 1 / 2_897.0])
def test_a_value_near_the_farthest_ratio_is_kept(make_history, factor) -> None:
    """Ratios of 2,834 to 2,897 had the code 4,096, of which two digits of base 64 have none."""
    history = make_history((1.0, 1.0, 1.0, factor, 1.0), State.NO_CHANGE, changes=())
    assert unpacked(packed(history, columns_of(history)), 5)[3] == pytest.approx(factor, rel=0.02)


def test_every_ratio_has_two_digits_or_is_kept_exactly() -> None:
    values = np.concatenate([np.exp(np.linspace(-700, 700, 20_001)), [0.0, -1.0, 5e-324, math.inf, -math.inf]])
    codes = _codes(values, np.ones(len(values)))
    assert codes.min() >= EXACT
    assert codes.max() < len(DIGITS) ** 2


@pytest.mark.parametrize("values", [(1e-300, 1e300), (1e300, 1e-300), (5e-324, 1.0), (-1e300, 1e300), (0.0, 1e-310)])
def test_a_ratio_that_is_no_number_is_kept_exactly(make_history, values) -> None:
    change = ChangeEvidence(Change(1, *values, 0.001, True))
    own = packed(history := make_history((values[0], *values), changes=(change,)), columns_of(history))
    assert unpacked(own, 3)[1] == values[0]


def test_no_run_a_failed_and_a_skipped_one_differ(make_history) -> None:
    failed = make_history((1.0, math.nan), State.FAILED)
    skipped = make_history((1.0, math.nan), State.SKIPPED)
    assert unpacked(packed(failed, columns_of(failed)), 3) == [pytest.approx(1.0), "failed", "none"]
    assert unpacked(packed(skipped, columns_of(skipped)), 3)[1] == "skipped"


def test_suspects_and_other_causes_have_marks_of_their_own(make_history) -> None:
    changes = (
        ChangeEvidence(Change(1, 1.0, 2.0, 0.001, True, ChangeKind.HARDWARE, "cores 2 → 4")),
        ChangeEvidence(Change(3, 2.0, 2.1, 0.04, False)),
    )
    own = packed(history := make_history((1.0, 2.0, 2.0, 2.1), changes=changes), columns_of(history))
    assert [(mark.glyph, mark.tone) for mark in own.marks] == [("△", "plain"), ("◇", "suspect")]
    assert len(own.segments) == 2  # a suspect moves no level


def test_only_the_newest_commits_have_a_column(make_history) -> None:
    history = make_history([1.0] * (MOST_COMMITS + 5), State.NO_CHANGE)
    told = payload([history], commit_order([history]), "")
    assert len(told["commits"]) == MOST_COMMITS
    assert told["commits"][0][0] == history.points[5].commit.short


def test_ten_thousand_series_stay_small(make_history) -> None:
    history = make_history([1.0 + 0.01 * (place % 7) for place in range(165)], State.NO_CHANGE)
    one, two = (len(script_json(payload([history] * n, commit_order([history]), ""))) for n in (1, 2))
    assert 10_600 * (two - one) < 6e6


def test_points_in_columns_are_packed_as_points_of_their_own(make_history) -> None:
    values = [1.0, math.nan, 1.2, 0.0, 1.1] * 50
    changes = (ChangeEvidence(Change(3, 1.0, 1.2, 0.001, True)), ChangeEvidence(Change(230, 1.2, 1.1, 0.001, True)))
    single = make_history(values, changes=changes)
    order = tuple(point.commit for point in single.points)
    kept = [place for place in range(len(values)) if place % 7]  # not every commit has a run of the series
    columns = points.PointColumns(
        order=order,
        commit_index=np.array(kept, np.int32),
        outcome=np.array([points.OUTCOMES.index(single.points[place].outcome) for place in kept], np.int8),
        value=np.array([single.points[place].value for place in kept]),
        low=np.full(len(kept), math.nan),
        high=np.full(len(kept), math.nan),
        comparable=np.array([place > 60 for place in kept]),
        sessions={},
        reasons={},
    )
    in_columns = replace(single, points=points.Points(columns))
    as_tuple = replace(single, points=tuple(points.Points(columns)))
    assert packed(in_columns, Columns.of(order)) == packed(as_tuple, Columns.of(order))
    assert payload([in_columns], order, "") == payload([as_tuple], order, "")
