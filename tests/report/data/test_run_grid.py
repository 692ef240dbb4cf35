import math
import random

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.model import points
from tbp.model.changes import ChangeKind, State
from tbp.report.base.packing import packed as pack
from tbp.report.data.run_grid import MOST_COMMITS, GridColumns, GridRow, grid_row, payload

from ...histories import change, changes


def read(row: GridRow, columns: int) -> list[float | str]:
    """As static/base/run_grid.js reads it: values, or what there is instead."""
    cells: list[float | str] = [*row.values.tolist()] + [math.nan] * (columns - len(row.values))
    for column, value in enumerate(cells):
        if math.isnan(value):
            cells[column] = "failed" if column in row.failed else "skipped" if column in row.skipped else "none"
    return cells


def columns_of(history) -> GridColumns:
    return GridColumns.of([point.commit for point in history.points])


@pytest.mark.parametrize("factor", [1.0, 1.001, 0.98, 1.5, 3.0, 0.01, 400.0, 2_865.0])
def test_a_value_keeps_five_digits(make_history, factor) -> None:
    history = make_history((1.2345e-3, 1.2345e-3, 1.2345e-3, factor * 1.2345e-3), State.NO_CHANGE, changes=())
    values = read(grid_row(history, columns_of(history), 0), 4)
    assert values == pytest.approx([1.2345e-3] * 3 + [factor * 1.2345e-3], rel=1e-4)


def test_a_segment_is_held_against_the_level_before(make_history) -> None:
    history = make_history((1.0, 1.0, 1.0, 1.2, 1.2), changes=changes((3, 1.0, 1.2)))
    drawn = grid_row(history, columns_of(history), 0)
    assert drawn.segments == ((0, 1.0, 1.0), (3, 1.2, 1.0))
    assert read(drawn, 5) == pytest.approx([1.0, 1.0, 1.0, 1.2, 1.2])
    assert [(mark.column, mark.glyph, mark.words, mark.tone, mark.size) for mark in drawn.marks] == [
        (3, "▲", "▲ +20 % slower", "worse", 0.2)
    ]


@pytest.mark.parametrize("values", [(0.0, -1.0, 1e9), (1e-300, 1e300, 1.0), (5e-324, 1.0, 3.0), (-1e300, 1e300, 0.0)])
def test_values_far_apart_are_kept(make_history, values) -> None:
    history = make_history(values, State.NO_CHANGE, changes=())
    largest = max(map(abs, values))
    assert read(grid_row(history, columns_of(history), 0), 3) == pytest.approx(list(values), abs=1e-10 * largest)


def test_no_run_a_failed_and_a_skipped_one_differ(make_history) -> None:
    failed = make_history((1.0, math.nan), State.FAILED)
    skipped = make_history((1.0, math.nan), State.SKIPPED)
    assert read(grid_row(failed, columns_of(failed), 0), 3) == [pytest.approx(1.0), "failed", "none"]
    assert read(grid_row(skipped, columns_of(skipped), 0), 3)[1] == "skipped"


def test_suspects_and_other_causes_have_marks_of_their_own(make_history) -> None:
    explained = change(1, 1.0, 2.0, kind=ChangeKind.HARDWARE, explanation="cores 2 → 4")
    history = make_history((1.0, 2.0, 2.0, 2.1), changes=(explained, change(3, 2.0, 2.1, 0.04, False)))
    row = grid_row(history, columns_of(history), 0)
    assert [(mark.glyph, mark.tone) for mark in row.marks] == [("△", "plain"), ("◇", "suspect")]
    assert len(row.segments) == 2  # a suspect moves no level


def test_only_the_newest_commits_have_a_column(make_history, make_report) -> None:
    history = make_history([1.0] * (MOST_COMMITS + 5), State.NO_CHANGE)
    shipped = payload(make_report(history))
    assert len(shipped["commits"]) == MOST_COMMITS
    assert shipped["commits"][0]["short"] == history.points[5].commit.short


def test_ten_thousand_series_stay_small(make_history, make_report) -> None:
    chance = random.Random(1)
    several = [
        make_history([1e-3 * math.exp(chance.gauss(0, 0.02)) for _ in range(165)], State.NO_CHANGE) for _ in range(40)
    ]
    few, many = (len(pack(payload(make_report(*several[:n])))) for n in (20, 40))
    print(f"{(many - few) / 20 / 165:.2f} B a run")
    assert 10_600 * (many - few) / 20 < 6e6


def test_points_in_columns_are_packed_as_points_of_their_own(make_history, make_report) -> None:
    values = [1.0, math.nan, 1.2, 0.0, 1.1] * 50
    single = make_history(values, changes=changes((3, 1.0, 1.2), (230, 1.2, 1.1)))
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
    data = make_report(in_columns, commits=order)
    assert pack(payload(data)) == pack(payload(replace(data, histories=(as_tuple,))))
