"""Counters: what counts as one, on both sides of each limit."""

from collections.abc import Sequence

import pytest

from tbp.detection.counters import counter_changes
from tbp.detection.measured import measured


def places(values: Sequence[float], sessions: Sequence[Sequence[float]] | None = None) -> list[int] | None:
    """The indexes of the changes; None where it is no counter."""
    changes = counter_changes(measured(values, sessions))
    return None if changes is None else [change.index for change in changes]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([5.0] * 3, [], id="three equals"),
        pytest.param([5.0] * 2, None, id="two equals are no evidence"),
        pytest.param([5.0, 5.0, 7.0, 7.0], [2], id="two of each"),
        pytest.param([5.0, 7.0, 7.0, 7.0], None, id="one, then others"),
        pytest.param([5.0, 5.0, 5.0, 7.0], [3], id="a newest one after three"),
        pytest.param([5.0, 5.0, 7.0], None, id="a newest one after two"),
        pytest.param([5.0, 5.0, 6.0, 7.0, 7.0, 7.0], None, id="one between two levels"),
        pytest.param([5.0] * 4 + [9.0] + [5.0] * 14, [], id="a spike in 19"),
        pytest.param([5.0] * 4 + [9.0] + [5.0] * 4 + [8.0] + [5.0] * 9, None, id="two spikes in 19"),
        pytest.param([5.0] * 4 + [9.0] + [5.0] * 4 + [8.0] + [5.0] * 10, [], id="two spikes in 20"),
        pytest.param([5.0] * 4 + [9.0] + [5.0] * 4 + [7.0] * 4, [9], id="a spike and a step"),
        pytest.param([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0], None, id="three levels in seven"),
        pytest.param([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0], [2, 4], id="three levels in eight"),
        pytest.param([4.0] * 3 + [8.0] * 3 + [4.0] * 3 + [8.0] * 3, [3, 6, 9], id="three runs each are a stay"),
        pytest.param([4.0] * 6 + [8.0] * 2 + [4.0] * 2 + [8.0] * 6, None, id="two runs each are two modes"),
        pytest.param([4.0] * 6 + [8.0] * 2 + [4.0] * 8, [6, 8], id="there and back"),
    ],
)
def test_runs_of_equals_are_a_counter(values: list[float], expected: list[int] | None):
    assert places(values) == expected


def test_sessions_that_disagree_are_no_counter():
    assert places([5.0, 5.0, 7.0, 7.0], [[5.0, 5.0], [5.0], [7.0, 7.0], []]) == [2]
    assert places([5.0, 5.0, 7.0, 7.0], [[5.0, 5.0], [5.0], [7.0, 7.1], []]) is None


@pytest.mark.parametrize(("after", "confirmed"), [(10_006.0, True), (10_004.0, False), (9_994.0, True)])
def test_a_change_matters_from_half_a_thousandth_on(after: float, confirmed: bool):
    (change,) = counter_changes(measured([10_000.0] * 3 + [after] * 3)) or ()
    assert (change.p_value, change.confirmed) == (0, confirmed)
    assert change.doubt == ("" if confirmed else "certain, but too small to matter")


def test_a_change_from_zero_matters():
    (change,) = counter_changes(measured([0.0] * 3 + [1.0] * 3)) or ()
    assert (change.before, change.after, change.confirmed) == (0.0, 1.0, True)
