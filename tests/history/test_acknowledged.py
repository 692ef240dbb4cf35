from datetime import date
from math import nan

import pytest
from msgspec.structs import replace

from tbp.history.acknowledged import seen
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.series import Better, SeriesKey

from ..histories import numbered, points

TODAY = date(2026, 6, 1)
WORSE, BETTER = Change(6, 1.0, 1.5, 0.001, True), Change(12, 1.5, 1.2, 0.001, True)
SUSPECT = Change(14, 1.0, 1.1, 0.2, False)


def history(*changes: Change, state: State = State.NO_CHANGE, failed: bool = False) -> History:
    measured = points([1.0 + place / 1000 for place in range(15)] + [nan if failed else 1.015])
    evidence = tuple(ChangeEvidence(change) for change in changes)
    return History(SeriesKey("b", (), "m", "e"), "seconds", Better.LOWER, tuple(measured), state, evidence)


def shown(own: History, base: int | None = None) -> History:
    past = frozenset(numbered(place).hash for place in range(base + 1)) if base is not None else frozenset()
    return seen([own], (), TODAY, past)[0]


@pytest.mark.parametrize(
    ("base", "state", "index"),
    [(None, State.REGRESSION, 6), (5, State.REGRESSION, 6), (11, State.IMPROVEMENT, 12), (12, State.NO_CHANGE, None)],
)
def test_only_changes_after_the_base_count(base, state, index) -> None:
    own = shown(history(WORSE, BETTER, state=State.REGRESSION), base)
    assert own.state is state
    assert (own.standing.change.index if own.standing else None) == index
    assert len(own.changes) == 2  # the chart still shows them


def test_a_base_that_the_series_was_not_measured_at_parts_its_neighbours() -> None:
    own = history(WORSE, state=State.REGRESSION)
    assert seen([own], (), TODAY, {numbered(3).hash, "elsewhere"})[0].state is State.REGRESSION
    assert seen([own], (), TODAY, {"elsewhere"})[0].since == 0


def test_a_suspect_change_is_said_where_nothing_worse_is() -> None:
    assert shown(history(SUSPECT)).state is State.SUSPECT
    assert shown(history(WORSE, SUSPECT, state=State.REGRESSION)).state is State.REGRESSION
    assert shown(history(SUSPECT, state=State.FAILED, failed=True)).state is State.FAILED
    assert shown(history(SUSPECT), base=14).state is State.NO_CHANGE


@pytest.mark.parametrize("kind", [kind for kind in ChangeKind if kind is not ChangeKind.CODE])
def test_what_another_cause_explains_is_not_suspect(kind) -> None:
    assert shown(history(replace(SUSPECT, kind=kind))).state is State.NO_CHANGE


def test_what_is_certain_and_too_small_is_not_suspect() -> None:
    assert shown(history(replace(SUSPECT, p_value=0.0))).state is State.NO_CHANGE


@pytest.mark.parametrize("state", [State.STALE, State.VANISHED])
def test_what_is_no_longer_measured_stays_that(state) -> None:
    assert shown(history(WORSE, state=state)).state is state
