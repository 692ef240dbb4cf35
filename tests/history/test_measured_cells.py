"""Sessions of a run in brief: the share of the roof that binds, and ratios of turns over processes."""

import math
from typing import Any

import pytest

from tbp.asv.sessions import Session, TurnsInSession
from tbp.history.measured_cells import measured_cell
from tbp.model.cells import CellCounted
from tbp.model.series import SeriesKey

from ..histories import session

KEY = SeriesKey("attention.Quick.torchtime_step", (("variant", "sdpa"),), "m", "e")


def measured(*walls: tuple[float, ...], cpu_share: float = 1.0, **fields: Any) -> Session:
    wall_s = (2e-3,) * 10
    turns = {"naive": TurnsInSession(walls[0], walls[-1])} if walls else {}
    cpu_s = tuple(cpu_share * value for value in wall_s)
    return session(KEY, "c", wall_s=wall_s, cpu_s=cpu_s, device="cpu", ratios=turns, **fields)


def test_no_sessions_are_no_cell():
    assert measured_cell([]) is None
    assert measured_cell([session(KEY, "c", wall_s=(), skipped="no GPU")]) is None


@pytest.mark.parametrize(
    ("bytes_moved", "share", "bound"),
    [
        (1e6, 0.5, "compute"),  # 1 ms for its FLOPs, .1 ms for its bytes, and it takes 2 ms
        (1.5e7, 0.75, "bandwidth"),
    ],
)
def test_the_longer_of_the_two_least_times_binds(bytes_moved: float, share: float, bound: str):
    work = CellCounted(flops=1e7, bytes_moved=bytes_moved)
    cell = measured_cell([measured(counts=work, roof_flop_per_s=1e10, roof_bytes_per_s=1e10), measured()])
    assert cell is not None
    assert (cell.roof_share, cell.bound, cell.time_s) == (pytest.approx(share), bound, 2e-3)


def test_without_flops_there_is_no_roof():
    cell = measured_cell([measured(counts=CellCounted(bytes_moved=1e6), roof_flop_per_s=1e10, roof_bytes_per_s=1e10)])
    assert cell is not None
    assert math.isnan(cell.roof_share)
    assert cell.bound == ""


def test_a_ratio_is_the_median_of_the_processes_medians():
    calm = [measured((0.3, 0.5, 0.4)), measured((0.6, 0.6)), measured((0.5,))]
    cell = measured_cell(calm)
    assert cell is not None
    (ratio,) = cell.ratios
    assert (ratio.variant, ratio.ratio, ratio.processes, ratio.of_cpu_time) == ("naive", 0.5, 3, False)
    # The logs are −.9163, −.5108 and −.6931: their sd .2032, and t(.995, 2) = 9.925.
    reach = 9.925 * 0.2032 / 3**0.5
    assert (ratio.low, ratio.high) == pytest.approx((0.5 * math.exp(-reach), 0.5 * math.exp(reach)), rel=1e-3)


def test_processes_that_are_alike_by_luck_are_no_surer_than_their_turns():
    turns = (0.48, 0.49, 0.5, 0.51, 0.52)
    cell = measured_cell([measured(turns), measured(turns), measured(turns)])
    assert cell is not None
    # The median deviation is .01 of .5, so of 5 turns the median's error is 1.25 × 1.4826 × .02 ÷ √5 = .0166.
    reach = 2.576 * 0.0166 / 3**0.5
    assert (cell.ratios[0].low, cell.ratios[0].high) == pytest.approx(
        (0.5 * math.exp(-reach), 0.5 * math.exp(reach)), rel=1e-3
    )


def test_one_process_has_no_interval():
    cell = measured_cell([measured((0.5,))])
    assert cell is not None
    assert math.isnan(cell.ratios[0].low)


def test_on_a_busy_machine_cpu_time_is_compared():
    cell = measured_cell([measured((0.3,), (0.5,)), measured((9.0,), (0.6,), cpu_share=0.4)])
    assert cell is not None
    assert [(ratio.ratio, ratio.of_cpu_time) for ratio in cell.ratios] == [(0.55, True)]
