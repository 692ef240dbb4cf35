"""The state that an entry of acks.toml gives: to one benchmark, to a whole event, and once a fix is measured."""

from datetime import date
from math import nan
from pathlib import Path

import pytest

from tbp.history.acknowledged import seen
from tbp.history.ranges import CommitOrder
from tbp.history.triage import unknown_fixes
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.series import Better, SeriesKey
from tbp.model.triage import TriageStatus
from tbp.project.acknowledgements import Ack, unmatched

from ..histories import numbered, points

TODAY = date(2026, 6, 1)
FILE = Path("reports/acks.toml")
SLOWER = (1.0,) * 6 + (2.0,) * 4


def slow(values=SLOWER, at=6, machine="m", benchmark="suite.time_x", *more: Change) -> History:
    """A series that doubles at the run ``at``; NaN is a commit that its machine did not measure."""
    measured = tuple(point for point in points(values) if point.value == point.value)
    index = [point.commit for point in measured].index(numbered(at))
    evidence = tuple(map(ChangeEvidence, (Change(index, 1.0, 2.0, 0.001, True), *more)))
    key = SeriesKey(benchmark, (), machine, "e")
    return History(key, "seconds", Better.LOWER, measured, State.REGRESSION, evidence, noise_between=0.001)


def name(place: int) -> str:
    return numbered(place).hash


def of_event(first: int, last_before: int | None = None, **fields) -> Ack:
    after = name(last_before) if last_before is not None else ""
    return Ack("*", name(first), "r", is_event=True, after=after, **fields)


def states(histories, *acks: Ack, order: CommitOrder | None = None) -> list[State]:
    return [shown.state for shown in seen(histories, acks, TODAY, order=order)]


# One machine measures every second commit, and so sees the change later.
FEW = slow((1.0, nan, 1.0, nan, 1.0, nan, nan, 2.0, nan, 2.0), 7, "few")


@pytest.mark.parametrize(
    "ack",
    [of_event(6, 5), of_event(6), of_event(7, 4), of_event(9, 3), Ack("*.time_*", name(6), "r", None, True)],
    ids=["its range", "its commit", "wider", "much wider", "a pattern of its benchmarks"],
)
def test_an_event_is_all_series_that_moved_on_every_machine(ack: Ack) -> None:
    histories = [slow(), slow(machine="n"), slow(benchmark="other.time_y"), FEW]
    assert states(histories, ack) == [State.ACKNOWLEDGED] * 4
    assert unmatched(seen(histories, [ack], TODAY), [ack], FILE) == []


@pytest.mark.parametrize(
    "ack", [of_event(5, 4), of_event(8), of_event(5, 2), Ack("b.*", name(6), "r", is_event=True)],
    ids=["the commit before", "a later one", "a range that ends before it", "another benchmark"],
)  # fmt: skip
def test_another_event_stands(ack: Ack) -> None:
    (shown,) = seen([slow()], [ack], TODAY)
    assert (shown.state, shown.changes[0].triage) == (State.REGRESSION, None)
    assert unmatched([shown], [ack], FILE)[0].startswith(f"{FILE}: there is no regression of {ack.subject} to ")


@pytest.mark.parametrize(
    ("ack", "state"),
    [
        (of_event(6), State.ACKNOWLEDGED),  # one commit of its range, which is 5 to 7
        (of_event(6, 4), State.ACKNOWLEDGED),
        (of_event(7, 3), State.ACKNOWLEDGED),
        (of_event(6, 3), State.REGRESSION),  # 4 to 6: both ranges have commits that the other one has not
        (of_event(8, 5), State.REGRESSION),
    ],
)
def test_two_ranges_that_only_touch_are_two_events(ack: Ack, state: State) -> None:
    order = CommitOrder([name(at) for at in range(10)], [point.commit for point in FEW.points + slow().points[8:9]])
    assert states([FEW], ack, order=order) == [state]


def test_an_entry_for_one_commit_leaves_the_machine_that_saw_it_elsewhere() -> None:
    assert states([slow(), FEW], Ack("suite.time_x", name(6), "r")) == [State.ACKNOWLEDGED, State.REGRESSION]


@pytest.mark.parametrize("ack", [Ack("suite.time_x", name(6), "r"), of_event(6, 5)], ids=["a commit", "an event"])
def test_a_change_that_further_runs_moved_by_a_run_stays_accepted(ack: Ack) -> None:
    noisy = (1.0, 1.02, 1.0, 1.02, 1.0, 1.02, 1.04, 1.06, 1.08, 1.06, 1.08, 1.06, 1.08)
    assert states([slow(noisy, 7)], ack) == [State.ACKNOWLEDGED]
    calm = tuple(1.0 if at < 7 else 1.06 for at in range(13))
    assert states([slow(calm, 7)], ack) == [State.REGRESSION], "where noise leaves no other commit"


def test_a_second_event_in_the_same_series_stands() -> None:
    later = Change(8, 2.0, 3.0, 0.001, True)
    regressed = slow((1.0,) * 6 + (2.0,) * 2 + (3.0,) * 2, 6, "m", "suite.time_x", later)
    (shown,) = seen([regressed], [of_event(6, 5)], TODAY)
    assert shown.state is State.REGRESSION
    assert [evidence.triage is not None for evidence in shown.changes] == [True, False]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (TriageStatus.ACKNOWLEDGED, State.ACKNOWLEDGED),
        (TriageStatus.EXPECTED, State.ACKNOWLEDGED),
        (TriageStatus.WONTFIX, State.ACKNOWLEDGED),
        (TriageStatus.INVESTIGATING, State.REGRESSION),
    ],
)
def test_only_investigating_leaves_the_verdict_as_it_is(status: TriageStatus, state: State) -> None:
    ack = Ack("suite.time_x", name(6), "r", status=status, owner="Ada", link="https://example.org/7")
    (shown,) = seen([slow()], [ack], TODAY)
    assert shown.state is state
    triage = shown.changes[0].triage
    assert (triage.status, triage.owner, triage.link, triage.entries) == (status, "Ada", "https://example.org/7", (1,))


def test_an_entry_that_accepts_counts_before_one_that_investigates() -> None:
    looked_into = Ack("suite.*", name(6), "r", status=TriageStatus.INVESTIGATING, owner="Ada")
    acks = [looked_into, of_event(6, until=TODAY)]
    for order in (acks, acks[::-1]):
        (shown,) = seen([slow()], order, TODAY)
        assert (shown.state, shown.changes[0].triage.entries) == (State.ACKNOWLEDGED, (1, 2))
        assert unmatched([shown], order, FILE) == []
    (shown,) = seen([slow()], [looked_into, of_event(6, until=date(2026, 5, 31))], TODAY)
    assert shown.changes[0].triage.owner == "Ada"  # what has expired comes last


def test_a_day_that_has_passed_is_told_and_accepts_nothing() -> None:
    (shown,) = seen([slow()], [of_event(6, until=date(2026, 5, 31))], TODAY)
    assert (shown.state, shown.changes[0].triage.is_expired) == (State.REGRESSION, True)


def fixed(commit: str) -> Ack:
    return Ack("suite.time_x", name(6), "", status=TriageStatus.FIXED, fixed_in=commit)


@pytest.mark.parametrize(
    ("values", "state", "seen_by"),
    [
        (SLOWER, State.ACKNOWLEDGED, ""),
        ((*SLOWER, 2.0), State.REGRESSION, name(10)),
        ((*SLOWER, 2.0, 2.01, 1.99), State.REGRESSION, name(12)),
        ((*SLOWER, 1.0), State.ACKNOWLEDGED, ""),
        ((*SLOWER, 1.3), State.ACKNOWLEDGED, ""),
        ((*SLOWER, 1.0, 2.0, 1.0), State.ACKNOWLEDGED, ""),
        ((*SLOWER, nan), State.ACKNOWLEDGED, ""),
    ],
    ids=["no run since", "one run since", "three", "mended", "nearer to mended", "one of three is out of line", "none"],
)
def test_what_is_fixed_is_accepted_until_a_run_since_still_shows_it(values, state, seen_by) -> None:
    regressed = slow(values)
    order = CommitOrder([name(at) for at in range(13)], [point.commit for point in regressed.points])
    (shown,) = seen([regressed], [fixed(name(10))], TODAY, order=order)
    assert (shown.state, shown.changes[0].triage.seen_by) == (state, seen_by)


def test_a_rest_that_a_fix_leaves_is_said() -> None:
    partly = Change(10, 2.0, 1.4, 0.001, True)
    regressed = slow((*SLOWER, 1.4, 1.4, 1.4, 1.4), 6, "m", "suite.time_x", partly)
    (shown,) = seen([regressed], [fixed(name(10))], TODAY)
    assert (shown.state, shown.changes[0].triage.seen_by) == (State.REGRESSION, name(13))


def test_what_a_fix_mended_is_no_regression_and_said_of_nobody() -> None:
    mended = Change(10, 2.0, 1.0, 0.001, True)
    regressed = slow((*SLOWER, 1.0, 1.0, 1.0, 1.0), 6, "m", "suite.time_x", mended)
    (shown,) = seen([regressed], [fixed(name(10))], TODAY)
    assert (shown.state, shown.changes[0].triage.seen_by) == (State.RECOVERED, "")


def test_a_throughput_is_mended_when_it_is_higher_again() -> None:
    for last, state in ((99.0, State.ACKNOWLEDGED), (52.0, State.REGRESSION)):
        measured = tuple(points((100.0,) * 6 + (50.0,) * 4 + (last,)))
        evidence = (ChangeEvidence(Change(6, 100.0, 50.0, 0.001, True)),)
        key = SeriesKey("suite.time_x", (), "m", "e")
        regressed = History(key, "it/s", Better.HIGHER, measured, State.REGRESSION, evidence)
        assert states([regressed], fixed(name(10))) == [state]


def test_a_fix_that_the_branch_does_not_have_is_a_problem() -> None:
    order = CommitOrder([name(at) for at in range(10)], [point.commit for point in slow().points])
    ack = fixed("abcdef1234")
    assert states([slow()], ack, order=order) == [State.ACKNOWLEDGED]
    (problem,) = unknown_fixes([ack, fixed(name(8))], order, FILE)
    assert problem.startswith(f"{FILE}: suite.time_x at 00000000 is to be fixed in abcdef12, which the branch does not")


def test_an_entry_is_held_against_the_benchmarks_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    is_of, benchmarks = Ack.is_of, []

    def counted(ack: Ack, benchmark: str) -> bool:
        benchmarks.append(ack.benchmark)
        return is_of(ack, benchmark)

    monkeypatch.setattr(Ack, "is_of", counted)
    histories = [slow(benchmark=f"b.time_{number}") for number in range(5)]
    acks = [*(Ack(f"b.time_{number}", name(6), "r") for number in range(5)), Ack("b.time_[34]", name(6), "r")]
    entries = [history.changes[0].triage.entries for history in seen(histories, acks, TODAY)]
    assert entries == [(1,), (2,), (3,), (4, 6), (5, 6)]
    assert sorted(benchmarks) == [*(f"b.time_{number}" for number in range(5)), *["b.time_[34]"] * 5]
