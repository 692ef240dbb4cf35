"""Which raw traces stay: those of the newest runs, and of both sides of each change."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.asv.sessions import Sessions
from tbp.history.kept_traces import kept_runs, prune_plan
from tbp.history.stored import stored
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.series import Better, SeriesKey
from tbp.project.policy import Policy

from ..histories import numbered, points, session


def test_traces_of_runs_without_a_result_stay(traced_results: Path):
    (traced_results / "box" / "aaaaaaaa-env.json").unlink()
    plan = prune_plan(replace(stored(None, traced_results), policy=Policy(keep_traces_of_newest_runs=0)))
    assert (len(plan.removable), plan.kept_traces, plan.unplaced) == (3, 3, 3)


def test_the_traces_of_all_ranks_go_or_stay_together(traced_results: Path):
    store = stored(None, traced_results)
    first = store.sessions.sessions[0]
    of_rank = first.trace.with_name("x.rank1.pt.trace.json.gz")
    of_rank.write_bytes(b"a trace")
    sessions = (replace(first, rank_traces=(of_rank,)), *store.sessions.sessions[1:])
    store = replace(store, sessions=replace(store.sessions, sessions=sessions))
    none, all_of_them = (prune_plan(replace(store, policy=Policy(keep_traces_of_newest_runs=runs))) for runs in (0, 9))
    assert (len(none.removable), none.kept_traces) == (7, 0)
    assert {first.trace, of_rank} <= {*none.removable}
    assert (all_of_them.removable, all_of_them.kept_traces) == ((), 7)


KEY = SeriesKey("suite.time_thing", (), "box", "env")


def history(traced: str, changes: tuple[int, ...]) -> tuple[History, Sessions]:
    """A series with a run for each character of ``traced``: "t" has a raw trace, "o" its table, "." neither."""
    ends = {"t": ".pt.trace.json.gz", "o": ".operators.json.gz"}
    traces = [Path(f"x{ends[mark]}") if mark in ends else None for mark in traced]
    sessions = (
        session(KEY, numbered(place).hash, wall_s=(1.0,) * 10, trace=trace) for place, trace in enumerate(traces)
    )
    evidence = tuple(ChangeEvidence(Change(place, 1.0, 2.0, 0.001, True)) for place in changes)
    of = KEY, "seconds", Better.LOWER, tuple(points([1.0] * len(traced)))
    return History(*of, State.NO_CHANGE, evidence), Sessions(tuple(sessions))


@pytest.mark.parametrize(
    ("traced", "changes", "most", "kept"),
    [
        ("tttttt", (), 2, {4, 5}),
        ("tttttt", (), 0, set()),
        ("ttttt.", (), 2, {3, 4}),  # the newest with a trace
        ("tttttt", (2,), 1, {1, 2, 5}),
        ("tt..tt", (3,), 1, {1, 4, 5}),  # the nearest on both sides
        ("t.o.tt", (3,), 0, {0, 4}),
        ("tttttt", (2, 4), 0, {1, 2, 3, 4}),
        ("tt..tt", (2, 4), 0, {1, 4}),  # never across another change
    ],
)
def test_the_newest_runs_and_both_sides_of_a_change_keep_theirs(
    traced: str, changes: tuple[int, ...], most: int, kept: set[int]
):
    assert {int(commit) for _, commit in kept_runs(*history(traced, changes), most)} == kept
