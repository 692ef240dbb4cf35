"""The series that a pattern means, among the cells of both ends."""

from collections.abc import Iterator
from math import inf

import pytest

from tbp.bisect.turns import PairsOfSeries, chosen
from tbp.errors import NothingMeasured, UsageError
from tbp.project.bench_filter import exact_regex
from tbp.statistics.paired_ratios import Pair
from tbp.turns.cells import Cell
from tbp.turns.measuring import Measuring
from tbp.turns.policy import Answer
from tbp.turns.worker_process import Deadline

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


def test_what_is_not_timed_has_another_way():
    counted = Cell("speed.track_total", 0, (), kind="track", unit="rows")
    both = [*CELLS, counted]
    assert chosen("total", [CELLS[0], counted], both) == ("speed.time_total", ())
    way = r"matches speed\.track_total, and tbp bisects times only: `asv run GOOD\^\.\.BAD --bench '\^speed"
    with pytest.raises(NothingMeasured, match=way):
        chosen("track", both, both)


class InterruptedAtTheEnd(Measuring):
    """Measures a pair, and is interrupted while its workers end."""

    def __init__(self) -> None:
        pass

    def __call__(self, *_: object) -> Iterator[tuple[Cell, Answer]]:
        try:
            yield CELLS[0], Pair(0.1, 0.1, 1.0, 1.1)
        finally:
            raise KeyboardInterrupt


def test_an_interrupt_while_the_workers_end_is_not_swallowed():
    pairs = PairsOfSeries(InterruptedAtTheEnd(), CELLS[0], Deadline(inf))
    with pytest.raises(KeyboardInterrupt):
        pairs.next(0)
