"""The operators that make a rank late."""

from tbp.traces.devices.late_operators import LateOperator, late_operators
from tbp.traces.operators.operators import OPERATOR_COLUMNS, OperatorTable
from tbp.traces.reading.columns import typed


def table(device_us: float = 0.0, **self_us: float) -> OperatorTable:
    rows = [{"operator": name, "self_us": time, "self_device_us": device_us} for name, time in self_us.items()]
    return OperatorTable(typed([{**dict.fromkeys(OPERATOR_COLUMNS, 0), **row} for row in rows], OPERATOR_COLUMNS), 1)


def test_what_takes_longer_than_on_the_usual_rank_is_named_and_waiting_is_not():
    usual = [table(mm=100, add=50, cudaStreamSynchronize=10), table(mm=110, add=50), table(mm=90, add=50)]
    late = table(mm=300, add=40, cudaStreamSynchronize=900, new=100, tiny=1, **{"gloo:all_reduce": 500})
    assert late_operators(late, usual) == (LateOperator("mm", 200, "host"), LateOperator("new", 100, "host"))


def test_the_clock_is_that_on_which_more_takes_longer():
    assert late_operators(table(500.0, mm=100), [table(100.0, mm=90)] * 2) == (LateOperator("mm", 400, "device"),)
    assert late_operators(table(mm=90), [table(mm=90)]) == ()
