"""The series that a pattern means, among the cells of both ends."""

import pytest

from tbp.bisect.turns import chosen
from tbp.errors import NothingMeasured, UsageError
from tbp.project.bench_filter import exact_regex
from tbp.turns.cells import Cell

CELLS = [
    Cell("speed.time_total", 0, ()),
    Cell("speed.time_total_twice", 0, ()),
    Cell("speed.time_sorted", 0, (("n", "10"),)),
    Cell("speed.time_sorted", 1, (("n", "100"),)),
]


@pytest.mark.parametrize("bench", ["speed.time_total", "twice", "time_sorted (n=100)", r"sorted\(10\)"])
def test_a_name_a_part_or_a_pattern_means_one_series(bench: str):
    assert chosen(bench, CELLS, CELLS)[0].startswith("speed.time_")


def test_a_whole_name_goes_before_longer_ones():
    assert chosen("speed.time_total", CELLS, CELLS) == ("speed.time_total", ())


@pytest.mark.parametrize("cell", CELLS)
def test_the_pattern_of_a_report_s_next_step_means_its_series(cell: Cell):
    pattern = exact_regex(cell.benchmark, [value for _, value in cell.parameters])
    assert chosen(pattern, CELLS, CELLS) == (cell.benchmark, cell.parameters)


def test_several_are_named():
    with pytest.raises(
        UsageError, match=r"matches 2 benchmarks, .*: speed.time_sorted \(n=10\), speed.time_sorted \(n=1"
    ):
        chosen("time_sorted", CELLS, CELLS)


def test_a_series_that_one_end_lacks_is_not_measured():
    with pytest.raises(NothingMeasured, match="is in BAD, and not in GOOD"):
        chosen("twice", CELLS[:1], CELLS)
    with pytest.raises(NothingMeasured, match=r"the suites have speed\.time_total"):
        chosen("nothing", CELLS, CELLS)
