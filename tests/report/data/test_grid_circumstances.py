"""The circumstances of the grid: only what differs, once for all series that share it."""

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.model.measured_with import MeasuredWith
from tbp.model.points import PointColumns, columns
from tbp.report.data.grid_circumstances import GridCircumstances, numbers_on

from ...histories import points

TABLE = (
    {"driver": "550", "GPU": "H100"},
    {"driver": "570", "GPU": "H100"},
    {},
    {"driver": "570", "GPU": "H100", "threads": "2"},
)


def runs(index: list[int], numbers: tuple[tuple[int, str], ...] = ()) -> PointColumns:
    return replace(columns(points([1.0] * len(index))), measured_with=MeasuredWith(TABLE, np.array(index), numbers))


def test_what_is_the_same_everywhere_is_left_out() -> None:
    grid = GridCircumstances()
    assert grid.add([(np.arange(4), runs([0, 0, 1, 1]))]) == 0
    assert grid.payload() == {
        "names": ["driver"], "table": [["550"], ["570"], [""], ["570"]], "stretches": [((0, 0), (2, 1))],
    }  # fmt: skip


def test_series_of_the_same_runs_share_their_stretches() -> None:
    grid = GridCircumstances()
    numbers = [grid.add([(np.arange(4), runs(index))]) for index in ([0, 0, 1, 1], [1, 1, 1, 0], [0, 0, 1, 1])]
    assert numbers == [0, 1, 0]
    assert grid.payload()["stretches"] == [((0, 0), (2, 1)), ((0, 1), (3, 0))]


def test_runs_without_a_column_are_left_out_and_lines_follow() -> None:
    grid = GridCircumstances()
    grid.add([(np.array([-1, 0, 1]), runs([0, 1, 1])), (np.array([5, 4]), runs([0, 3]))])
    assert grid.payload()["stretches"] == [((0, 1), (4, 3), (5, 0))]


def test_where_nothing_is_known_nothing_is_shipped() -> None:
    grid = GridCircumstances()
    assert grid.add([(np.arange(2), columns(points([1.0, 1.0])))]) == 0
    assert grid.payload() == {"names": [], "table": [], "stretches": []}


def test_equal_entries_of_two_tables_are_one() -> None:
    grid = GridCircumstances()
    other = runs([0, 1])
    known = MeasuredWith(tuple(dict(entry) for entry in TABLE[::-1]), np.array([3, 2]))
    assert [grid.add([(np.arange(2), each)]) for each in (other, replace(other, measured_with=known))] == [0, 0]


@pytest.mark.parametrize(
    ("places", "on"),
    [
        ([0, 1, 2, 3], ((0, "9"), (2, "1"))),
        ([-1, -1, 0, 1], ((0, "9"), (0, "1"))),  # the later one holds from the first column on
        ([-1, 0, 7, 9], ((0, "9"), (7, "1"))),
    ],
)
def test_numbers_by_column(places: list[int], on: tuple[tuple[int, str], ...]) -> None:
    assert numbers_on(np.array(places), runs([0] * 4, ((0, "9"), (2, "1")))) == on
