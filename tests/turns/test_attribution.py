"""What the gate says of the operators behind a change, from traces that torch records here."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.profiler import ProfilerActivity, profile, schedule

from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace
from tbp.turns import worker
from tbp.turns.attribution import MOST_EXPLAINED, NO_TIME, Record, Recording, explained
from tbp.turns.cells import Cell, CellFailed, Side
from tbp.turns.worker import LEAST_STEPS, STEPS, WorkerStep
from tbp.turns.worker_process import OutOfTime

CELL = Cell("suite.torchtime_step", 0, (("variant", "sdpa"),))
SQUARE = torch.randn(64, 64)


def judged(state: State, effect: float, cell: Cell = CELL) -> Judgement:
    return Judgement(cell.benchmark, cell.parameters, state, before=1e-3, after=1e-3 * (1 + effect), effect=effect)


def each(record: Record) -> Recording:
    return lambda cells: nullcontext(record)


def recording(base: Callable[[], object], head: Callable[[], object]) -> Recording:
    def record(cell: Cell, paths: Mapping[Side, Path]) -> bool:
        for call, path in ((base, paths["base"]), (head, paths["head"])):
            plan = schedule(wait=0, warmup=1, active=STEPS, repeat=1)
            with profile(activities=[ProfilerActivity.CPU], schedule=plan, acc_events=True) as profiler:
                for _ in range(1 + STEPS):
                    call()
                    profiler.step()
            profiler.export_chrome_trace(str(path))
        return True

    return each(record)


def once() -> object:
    return SQUARE @ SQUARE


def twice_and_softmax() -> object:
    return (SQUARE @ SQUARE @ SQUARE).softmax(-1)


def test_operators_with_more_calls_account_for_a_regression():
    [found] = explained([judged(State.REGRESSION, 1.0)], [CELL], recording(once, twice_and_softmax))
    said = " / ".join(found.operators)
    assert "aten::mm 1 → 2 calls" in said
    assert "aten::_softmax 0 → 1 calls" in said


def test_of_more_calls_that_took_less_time_under_the_profiler_only_the_count_is_told():
    # Milliseconds against microseconds: a busy machine that interrupts the smaller does not turn them round.
    large, small = torch.randn(4096, 4096), torch.randn(4, 4)
    base, head = (lambda: large.softmax(-1)), (lambda: small.softmax(-1).softmax(-1))
    [found] = explained([judged(State.REGRESSION, 0.1)], [CELL], recording(base, head))
    assert "aten::_softmax 1 → 2 calls" in found.operators


def test_operators_that_are_gone_account_for_an_improvement():
    [found] = explained([judged(State.IMPROVEMENT, -0.5)], [CELL], recording(twice_and_softmax, once))
    assert "aten::_softmax 1 → 0 calls" in " / ".join(found.operators)


def test_traces_without_a_difference_are_said_to_explain_nothing():
    [found] = explained([judged(State.REGRESSION, 0.1)], [CELL], recording(once, once))
    assert found.operators == ("the traces do not explain it: no operator changed in calls or, for sure, in time",)


def test_a_benchmark_without_torch_gets_no_sentence():
    [found] = explained([judged(State.REGRESSION, 0.1)], [CELL], each(lambda *_: False))
    assert found.operators == ()


def test_a_trace_that_cannot_be_had_changes_no_verdict():
    def record(*_: object) -> bool:
        raise CellFailed("head raised RuntimeError: no")

    [found] = explained([judged(State.REGRESSION, 0.1)], [CELL], each(record))
    assert found.state is State.REGRESSION
    assert found.operators == ("no trace explains it: head raised RuntimeError: no",)


def test_only_changes_are_traced_and_the_largest_regressions_first():
    cells = [Cell("suite.torchtime_step", i, (("size", str(i)),)) for i in range(MOST_EXPLAINED + 2)]
    traced: list[Cell] = []

    def record(cell: Cell, *_: object) -> bool:
        traced.append(cell)
        return False

    found = [judged(State.NO_CHANGE, 0.0, CELL), *(judged(State.REGRESSION, 0.1 + cell.index, cell) for cell in cells)]
    explained(found, [CELL, *cells], each(record))
    assert traced == cells[:1:-1]


def test_a_budget_that_ends_before_the_first_trace_is_said():
    def record(*_: object) -> bool:
        raise OutOfTime

    [found] = explained([judged(State.REGRESSION, 0.1)], [CELL], each(record))
    assert found.operators == (NO_TIME,)


def test_of_a_budget_that_ends_after_the_first_session_the_counts_are_told():
    recorded = iter([True])
    with recording(once, twice_and_softmax)([CELL]) as record_both:

        def record(cell: Cell, paths: Mapping[Side, Path]) -> bool:
            if next(recorded, False):
                return record_both(cell, paths)
            raise OutOfTime

        [found] = explained([judged(State.REGRESSION, 1.0)], [CELL], each(record))
    assert "aten::mm 1 → 2 calls" in " / ".join(found.operators)


@pytest.mark.parametrize(("budget_s", "steps"), [(60.0, STEPS), (0.0, LEAST_STEPS)])
def test_a_trace_has_as_many_steps_as_its_budget_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget_s: float, steps: int
):
    monkeypatch.setattr(worker, "TRACE_BUDGET_S", budget_s)
    cell = SimpleNamespace(func=once, _current_params=(), _setups=[])
    path = tmp_path / "head.pt.trace.json"
    assert WorkerStep(cell).trace(str(path)) is True
    assert session(read_trace(path)).table.steps == steps
