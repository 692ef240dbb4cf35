"""Circumstances as an index into a table that all series share."""

import numpy as np
import pytest

from tbp.model.measured_with import NUMBER, MeasuredWith

TABLE = ({"driver": "550"}, {"driver": "570"})


def known(numbers: tuple[tuple[int, str], ...] = ()) -> MeasuredWith:
    return MeasuredWith(TABLE, np.array([0, 0, 1, 0], np.uint8), numbers)


def test_runs_share_the_table() -> None:
    runs = known().of_runs
    assert runs == [TABLE[0], TABLE[0], TABLE[1], TABLE[0]]
    assert runs[0] is runs[1] is runs[3] is TABLE[0]


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ((), [None] * 4),
        (((0, "9"), (3, "1")), ["9", "9", "9", "1"]),
        (((1, "9"), (2, "1")), [None, "9", "1", "1"]),
    ],
)
def test_a_number_holds_until_the_next_one(numbers: tuple[tuple[int, str], ...], texts: list[str | None]) -> None:
    runs = known(numbers).of_runs
    assert [run.get(NUMBER) for run in runs] == texts
    assert [run["driver"] for run in runs] == ["550", "550", "570", "550"]


def test_a_part_has_no_numbers_of_the_whole() -> None:
    part = known(((0, "9"), (3, "1"))).part(1, 3)
    assert part.of_runs == [TABLE[0], TABLE[1]]
