"""From results to histories, with traces that are made of literals."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from tbp.asv.declarations import Benchmark
from tbp.asv.results import Results, read_results
from tbp.asv.sessions import Session, Sessions
from tbp.errors import UnreadableTrace
from tbp.history.agreement import WEAK_P
from tbp.history.build import histories
from tbp.model.changes import ChangeKind, History, State
from tbp.model.measured_with import NUMBER as NUMBER_OF_CALLS
from tbp.model.points import columns
from tbp.model.series import Better, Outcome, SeriesKey
from tbp.project.commits import read_commits
from tbp.project.policy import Policy
from tbp.traces.operators.operators import OPERATOR_COLUMNS, PER_STEP_COLUMNS, OperatorTable, TraceSession
from tbp.traces.reading.columns import COUNT, NUMBER
from tbp.traces.recording import About, Recording

from ..histories import session
from ..result_frames import frame_of

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = SeriesKey("m.time_it", (), "box", "env")
NAN = float("nan")
SESSIONS_S = [
    [1.02, 0.97, 1.00], [0.96, 1.03, 1.05], [1.01, 0.99, 0.94], [1.04, 0.98, 1.02],
    [0.95, 1.00, 1.03], [1.03, 1.06, 0.99], [0.98, 0.96, 1.01], [1.00, 1.02, 0.97],
]  # fmt: skip


def name(i: int) -> str:
    return f"{i:x}" * 40


def results(
    values: Sequence[float],
    versions: str = "",
    unit: str = "seconds",
    kind: str = "time",
    requirements: Sequence[str] = (),
) -> Results:
    rows = []
    for i, value in enumerate(values):
        outcome = Outcome.SKIPPED if np.isnan(value) else Outcome.MEASURED
        version = versions[i] if versions else "v"
        rows.append(
            {
                "commit": name(i), "date": START + timedelta(days=i), "outcome": outcome, "value": value, "q25": value,
                "q75": value, "number": 1.0, "version": version, "unit": unit, "type": kind,
                "requirements": requirements[i] if requirements else "",
            }
        )  # fmt: skip
    return Results(frame_of(rows), {"m.time_it": Benchmark("m.time_it", kind, unit, "w")}, ())


def sessions(runs_s: Sequence[Sequence[float]], traced: Sequence[int] = ()) -> Sessions:
    def made(i: int, j: int, wall_s: float) -> Session:
        trace = {"trace": Path(f"{i}/{j}")} if i in traced else {"trace_note": "switched off"}
        return session(KEY, name(i), str(j), (wall_s,), **trace)

    return Sessions(tuple(made(i, j, wall_s) for i, run_s in enumerate(runs_s) for j, wall_s in enumerate(run_s)))


class Shelf:
    """Traces by commit: one call of ``aten::masked_fill_`` is added at the fifth. Remembers what was read."""

    def __init__(self, changes_at: int = 4) -> None:
        self.read: list[Path] = []
        self.changes_at = changes_at

    def __call__(self, path: Path) -> Recording:
        self.read.append(path)
        calls = 2 if int(path.parts[0]) >= self.changes_at else 1
        numbers = {column: [100.0] for column, kind in OPERATOR_COLUMNS.items() if kind == NUMBER}
        frame = pd.DataFrame(
            {
                "operator": ["aten::masked_fill_"],
                **numbers,
                "calls": [float(calls)],
                "shapes": [""],
                "recorded": [""],
                "source": [""],
            }
        )
        counts = {column: [calls] * 20 for column, kind in PER_STEP_COLUMNS.items() if kind == COUNT}
        times = {"calls": float(calls), "self_us": 100.0 * calls, "self_device_us": 0.0}
        per_step = pd.DataFrame(counts | {"step": range(20)}).assign(operator="aten::masked_fill_", **times)
        table = OperatorTable(frame[list(OPERATOR_COLUMNS)], 20)
        session = TraceSession(table, per_step[list(PER_STEP_COLUMNS)], 100.0 * calls)
        return Recording(path, session, About(steps=20))


def history(
    measured: Results, kept: Sessions | None = None, shelf: Shelf | None = None, policy: Policy | None = None
) -> History:
    (only,) = histories(measured, kept or Sessions(), read_commits(measured.commits), shelf or Shelf(), policy=policy)
    return only


def slower() -> list[list[float]]:
    return [[s * 1.3 for s in run] if i >= 4 else run for i, run in enumerate(SESSIONS_S)]


def medians_s(runs_s: Sequence[Sequence[float]]) -> list[float]:
    return [float(np.median(run)) for run in runs_s]


def test_a_regression_names_its_commit_and_its_operator():
    shelf = Shelf()
    found = history(results(medians_s(slower())), sessions(slower(), traced=range(8)), shelf)
    assert found.state is State.REGRESSION
    assert found.standing.change.index == 4
    difference = found.standing.difference
    assert difference.rows["operator"].tolist() == ["aten::masked_fill_"]
    assert difference.rows["calls_after"].tolist() == [2.0]
    assert found.operators_commit == found.points[7].commit
    assert found.noise_between < 0.05
    # Three sessions on both sides of the change and of the newest commit, each read once.
    assert sorted({path.parts[0] for path in shelf.read}) == ["3", "4", "7"]
    assert len(shelf.read) == 9


def test_the_traces_that_are_read_are_announced_in_their_order():
    shelf, announced = Shelf(), list[Path]()
    measured = results(medians_s(slower()))
    traced = sessions(slower(), traced=[0, 1, 5, 6])
    histories(measured, traced, read_commits(measured.commits), shelf, announce=announced.extend)
    assert [path.parts[0] for path in announced] == [*"666111555"]
    assert shelf.read == announced


def test_a_busy_night_is_suspect_as_its_traces_do_not_show_it():
    """Eight runs, the newest 2.49 × as slow, and a step that did what it had done at a hundredth more time."""
    runs_s = [*SESSIONS_S[:7], [s * 2.49 for s in SESSIONS_S[7]]]
    shelf = Shelf(changes_at=99)
    found = history(results(medians_s(runs_s)), sessions(runs_s, traced=range(8)), shelf)
    assert (found.state, found.standing) == (State.NO_CHANGE, None)  # until it is seen among others: ``perspective``
    change = found.suspect.change
    assert change.index == 7
    assert change.p_value >= WEAK_P
    same = "its traces show the same operators and calls before and after"
    assert change.doubt == f"{same}, and a step that changed by 0 %"
    # Without traces the same run is a regression: nothing speaks against it.
    assert history(results(medians_s(runs_s)), sessions(runs_s)).state is State.REGRESSION


def test_a_change_whose_interval_reaches_zero_is_only_suspect():
    """Two modes whose shares moved: ranks are sure of it, and the medians may be where they were."""
    low, high = [1.08] * 8, [1.29] * 8
    values = [*low, 1.29, 1.29] * 12 + [*high, 1.08, 1.08] * 12
    values = [value - i * 1e-9 for i, value in enumerate(values)]  # no counter, and no trend to speak of
    found = history(results(values))
    (what,) = found.changes
    assert (found.standing, found.suspect, what.change.doubt) == (None, what, "its 99 % interval includes 0")


def test_the_nearest_traces_are_compared_and_named():
    found = history(results(medians_s(slower())), sessions(slower(), traced=[1, 6]))
    assert found.standing.difference is not None
    assert found.standing.note == "traces of 11111111 and 66666666, the nearest that were recorded"


def test_without_a_trace_the_change_says_so():
    found = history(results(medians_s(slower())), sessions(slower(), traced=[0]))
    assert found.standing.difference is None
    assert found.standing.note == "no readable trace after it: switched off"


def test_an_unreadable_trace_is_a_problem_and_not_the_end():
    def broken(path: Path) -> Recording:
        raise UnreadableTrace(f"{path} is broken")

    problems: list[str] = []
    measured = results(medians_s(slower()))
    kept = sessions(slower(), traced=range(8))
    (found,) = histories(measured, kept, read_commits(measured.commits), broken, problems)
    assert found.state is State.REGRESSION
    assert found.operators is None
    assert "7/0 is broken" in problems


def test_an_improvement_and_a_recovery():
    faster = [[s * 0.7 for s in run] if i >= 4 else run for i, run in enumerate(SESSIONS_S)]
    assert history(results(medians_s(faster)), sessions(faster)).state is State.IMPROVEMENT
    back = [[s * 1.5 for s in run] if 3 <= i < 6 else run for i, run in enumerate(SESSIONS_S)]
    recovered = history(results(medians_s(back)), sessions(back))
    assert [e.change.index for e in recovered.changes] == [3, 6]
    assert recovered.state is State.RECOVERED


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([NAN, NAN], State.SKIPPED),
        ([1.0], State.NOT_ENOUGH_DATA),
        ([1.0, 1.01, 0.99, 1.0], State.NOT_ENOUGH_DATA),
        ([1.0, 1.01, 0.99] * 4, State.NO_CHANGE),
        ([1.0, 1.01, 0.99, NAN], State.SKIPPED),
    ],
)
def test_states_without_a_change(values: list[float], state: State):
    assert history(results(values)).state is state


def test_sessions_make_a_short_series_enough():
    assert history(results(medians_s(SESSIONS_S)), sessions(SESSIONS_S)).state is State.NO_CHANGE


def test_a_counter_changes_for_sure_and_its_unit_gives_the_direction():
    values = [10.0, 10.0, 10.0, 12.0]
    assert history(results(values, unit="tokens/s", kind="track")).state is State.IMPROVEMENT
    assert history(results(values, unit="operators", kind="track")).state is State.REGRESSION


def test_only_the_declared_version_is_judged():
    found = history(results([1.0, 1.0, 9.0, 9.1, 9.0], versions="vvwww"))
    assert [point.comparable for point in found.points] == [False, False, True, True, True]
    assert found.changes == ()
    (only,) = found.breaks
    assert (only.index, only.kind, only.comparable) == (2, ChangeKind.HARNESS, False)
    assert only.explanation == "benchmark version v → w"
    # None of the declared version: that of the newest run.
    found = history(results([1.0, 1.0, 9.0, 9.1, 9.0], versions="vvxxx"))
    assert [point.comparable for point in found.points] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("levels", "relevant", "state"),
    [
        ((1000, 1420, 1040), 0.0, State.REGRESSION),
        ((1000, 1420, 1040), 0.05, State.RECOVERED),  # what is left is nothing that this project alerts about
        ((1000, 1420, 800), 0.0, State.IMPROVEMENT),
    ],
)
def test_the_state_is_the_balance_of_the_confirmed_changes(levels, relevant, state):
    values = [float(level) for level in levels for _ in range(4)]
    measured = results(values, unit="operators", kind="track")
    assert history(measured, policy=Policy(relevant=relevant)).state is state


def test_a_shift_with_a_new_requirement_is_no_regression():
    requirements = ["torch=2.12"] * 4 + ["torch=2.13"] * 4
    found = history(results(medians_s(slower()), requirements=requirements), sessions(slower()))
    assert found.state is State.NO_CHANGE
    assert found.standing is None
    change = found.explained.change
    assert (change.index, change.kind, change.explanation) == (4, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13")
    assert [one.index for one in found.breaks] == [4]


def test_what_changed_two_runs_after_a_suspect_step_is_not_its_cause():
    """As one level the runs scatter by a third of it, which would reach three runs far."""
    values = [0.504, 0.505, 0.508, 0.692, 0.631, 0.861, 0.679, 0.832]
    requirements = ["torch=2.12"] * 5 + ["torch=2.13"] * 3
    (evidence,) = history(results(values, requirements=requirements)).changes
    assert (evidence.change.index, evidence.change.confirmed) == (3, False)
    assert evidence.change.kind is ChangeKind.CODE


def test_another_torch_in_the_sessions_is_a_dependency_change():
    kept = sessions(slower())
    torches = [replace(one, torch="2.12" if one.commit < name(4) else "2.13") for one in kept.sessions]
    found = history(results(medians_s(slower())), Sessions(tuple(torches)))
    assert found.explained.change.explanation == "torch 2.12 → 2.13"


def test_the_project_says_the_direction_and_what_it_alerts_about():
    values = [10.0] * 4 + [12.0] * 4
    measured = results(values, unit="operators", kind="track")
    policy = Policy(better=((re.compile("time_it"), Better.HIGHER),))
    assert history(measured, policy=policy).state is State.IMPROVEMENT
    found = history(measured, policy=Policy(relevant=0.5))
    assert found.state is not State.REGRESSION
    assert found.changes[0].change.doubt == "smaller than the 50 % that this project counts as a change"


def test_where_nothing_says_what_is_better_a_change_is_a_change():
    """30 kernels → 60 is twice as much; no unit and no name says whether that is for the worse."""
    for values in ([30.0] * 4 + [60.0] * 4, [60.0] * 4 + [30.0] * 4):
        found = history(results(values, unit="kernels", kind="track"))
        assert (found.state, found.better, found.better_by) == (State.CHANGED, Better.UNKNOWN, "")
        assert found.standing is not None


def test_a_history_says_how_its_direction_is_known():
    rate = history(results([30.0] * 4 + [60.0] * 4, unit="tokens/s", kind="track"))
    assert (rate.state, rate.better, rate.better_by) == (State.IMPROVEMENT, Better.HIGHER, "unit tokens/s")
    assert history(results([1.0] * 4)).better_by == "time"


@pytest.mark.parametrize(("project", "series"), [("lightning", 120), ("mjwarp", 280), ("pyg", 12)])
def test_real_projects_have_few_findings(real_results: Callable[[str], Path], project: str, series: int):
    measured = read_results(real_results(project))
    found = histories(measured, Sessions(), read_commits(measured.commits), Shelf())
    assert len(found) == series
    states = Counter(history.state for history in found)
    # A GPU project's series are so quiet that steps of 2 % are told: 173 of its 280 moved, most at commits that moved
    # many of them at once.
    moved = states[State.REGRESSION] + states[State.CHANGED] + states[State.IMPROVEMENT]
    assert moved < series * (2 / 3 if project == "mjwarp" else 1 / 3)
    # The longest have 1,055 runs, and shifts that can be seen by eye: eight among 157 runs of one, ten among 822 of
    # another. Counters change for sure.
    certain = [sum(what.change.confirmed for what in history.changes) for history in found]
    assert all(changes <= 8 + len(history.points) / 80 for changes, history in zip(certain, found, strict=True))


def test_every_run_has_its_circumstances_by_a_number_in_a_table_that_the_series_share():
    """Dependencies are left out: a commit may change them. A run without a value has none."""
    rows = [
        {"benchmark": benchmark, "commit": name(i), "date": START + timedelta(days=i), "number": number, "value": value,
         "outcome": Outcome.MEASURED if value else Outcome.FAILED, "python": "3.13", "requirements": f"torch={i}",
         "hardware": f"driver={550 if i < 2 else 570}"}
        for benchmark, numbers in (("m.time_it", (9, 9, 9, 9)), ("m.time_that", (900, 900, 9, 9)))
        for i, (number, value) in enumerate(zip(numbers, (1.0, 1.0, 1.0, None), strict=True))
    ]  # fmt: skip
    measured = Results(frame_of(rows), {}, ())
    both = histories(measured, Sessions(), read_commits(measured.commits), Shelf())
    known = [columns(each.points).measured_with for each in both]
    assert [each.of_runs for each in known if each is not None] == [
        [{"driver": "550"}, {"driver": "550"}, {"driver": "570"}, {}],
        [{"driver": "550", NUMBER_OF_CALLS: "900"}] * 2
        + [{"driver": "570", NUMBER_OF_CALLS: "9"}, {NUMBER_OF_CALLS: "9"}],
    ]
    assert known[0] is not None
    assert known[1] is not None
    assert known[0].table is known[1].table
    assert known[0].index.dtype == np.uint8
