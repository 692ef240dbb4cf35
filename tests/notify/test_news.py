"""Regressions that are news: literal histories of one value per commit, and the note between two nights."""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.series import Better, SeriesKey
from tbp.nightly.told import (
    NIGHT,
    Delivery,
    Fate,
    Reported,
    ToldEvent,
    ToldNote,
    fate,
    id_at,
    merged,
    series_digest,
    untold_changes,
)
from tbp.nightly.told_file import NAME, merged_notes, note_bytes, note_of, read_note, untold
from tbp.notify.news import brought_up_to_date, by_digest, first_told, news, noted, standing
from tbp.report.base.report_data import ReportData

from ..histories import numbered, points, report

KEY = SeriesKey("suite.track_calls", (("n", "1"),), "box", "env")
OTHER = SeriesKey("suite.track_calls", (("n", "2"),), "box", "env")
RUNS = 30


def history(*regressed_at: int, key: SeriesKey = KEY, recovered_at: Sequence[int] = ()) -> History:
    """Thirty runs; each regression doubles the level, and each recovery brings it back."""
    steps = sorted([*((at, 2.0) for at in regressed_at), *((at, 0.5) for at in recovered_at)])
    levels = [1.0]
    for _, factor in steps:
        levels.append(levels[-1] * factor)
    changes = tuple(
        ChangeEvidence(Change(at, before, after, 0.0, confirmed=True))
        for (at, _), (before, after) in zip(steps, pairwise(levels), strict=True)
    )
    state = State.REGRESSION if levels[-1] > 1 else State.RECOVERED if steps else State.NO_CHANGE
    return History(key, "calls", Better.LOWER, tuple(points([1.0] * RUNS)), state, changes)


def accepted(of: History) -> History:
    """``of``, whose regressions the project acknowledges."""
    changes = tuple(replace(each, change=replace(each.change, acknowledged="worth it")) for each in of.changes)
    return replace(of, changes=changes, state=State.ACKNOWLEDGED)


def told(*at: int, key: SeriesKey = KEY, to: str = NIGHT) -> ToldNote:
    """A note of regressions of one series at these runs."""
    events = [
        ToldEvent(id_at(numbered(run).hash), frozenset({Reported(series_digest(key), numbered(run).hash)}),
                  {to: Delivery(1, Fate.STANDS)})
        for run in at
    ]  # fmt: skip
    return ToldNote({event.id: event for event in events}, frozenset({to}))


def fresh(data: ReportData, note: ToldNote, target: str = NIGHT) -> list[int]:
    """The commits of the events that are news."""
    return [int(event.event.range.first.hash) for event in news(standing(data), note, target)]


@pytest.mark.parametrize(
    ("told_at", "regressed_at", "news_at"),
    [
        ([], [20], [20]),
        ([20], [20], []),
        ([20], [20, 25], [25]),  # another one on top of it
        ([20], [23], []),  # later runs moved it
        ([20], [26], [26]),  # too far away to be the same
        ([20], [18, 20], []),  # later runs showed an earlier part of it
        ([20], [10, 20], [10]),  # nobody heard of the older one
        ([10, 20], [10, 20], []),
    ],
)
def test_news_is_what_was_not_told_there_or_close_by(
    told_at: Sequence[int], regressed_at: Sequence[int], news_at: Sequence[int]
):
    assert fresh(report(history(*regressed_at)), told(*told_at)) == news_at


def test_a_second_regression_after_a_recovery_is_news_though_it_is_close():
    assert fresh(report(history(20, 24, recovered_at=[22])), told(20)) == [24]


def test_a_series_that_joins_an_event_is_no_news_and_one_of_another_commit_is():
    joined, apart = report(history(20), history(20, key=OTHER)), report(history(20), history(5, key=OTHER))
    assert (fresh(joined, told(20)), fresh(apart, told(20))) == ([], [5])


def test_the_series_that_joined_carries_the_event_along():
    """The second series joins at 20; then the first one is gone, and the second settles at 22."""
    data = report(history(20), history(20, key=OTHER))
    note = brought_up_to_date(told(20), NIGHT, standing(data), by_digest(data.histories))
    assert fresh(report(history(22, key=OTHER)), note) == []
    assert fresh(report(history(22, key=OTHER)), told(20)) == [22]


def test_another_target_is_told_for_itself():
    assert fresh(report(history(20)), told(20), "slack") == [20]


def test_suspects_and_what_is_put_down_to_something_else_are_never_news():
    suspect = history(20)
    unsure = replace(suspect.changes[0], change=replace(suspect.changes[0].change, confirmed=False))
    assert fresh(report(replace(suspect, changes=(unsure,), state=State.SUSPECT)), ToldNote()) == []


@pytest.mark.parametrize("state", [State.STALE, State.VANISHED])
def test_what_is_no_longer_measured_is_no_news(state: State):
    assert fresh(report(replace(history(20), state=state)), ToldNote()) == []


def test_an_improvement_is_news_of_its_own_only():
    better = history(20)
    faster = ChangeEvidence(Change(20, 2.0, 1.0, 0.0, confirmed=True))
    data = report(replace(better, changes=(faster,), state=State.IMPROVEMENT))
    assert fresh(data, ToldNote()) == []
    (event,) = standing(data, is_better=True)
    note = noted(ToldNote(), event, "slack", is_better=True)
    assert news([event], note, "slack", is_better=True) == []
    assert fresh(report(history(20)), note, "slack") == [20], "a regression at its commit is another matter"


def test_what_was_accepted_is_news_once_it_no_longer_is(tmp_path: Path):
    stands = report(history(20))
    assert len(first_told(stands, tmp_path)) == 1
    assert first_told(report(accepted(history(20))), tmp_path) == []
    assert len(first_told(stands, tmp_path)) == 1
    assert first_told(stands, tmp_path) == []


def test_what_a_night_told_the_next_one_does_not(tmp_path: Path):
    steady, single, both = report(history()), report(history(20)), report(history(20), history(5, key=OTHER))
    assert [len(first_told(data, tmp_path)) for data in (steady, single, both, both, steady, both)] == [
        0,
        1,
        1,
        0,
        0,
        0,
    ]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize(
    ("now", "becomes"),
    [
        ([history(20)], Fate.STANDS),
        ([history(23)], Fate.STANDS),
        ([accepted(history(20))], Fate.ACCEPTED),
        ([history(20, recovered_at=[25])], Fate.RECOVERED),
        ([history()], Fate.DENIED),
        ([history(27)], Fate.DENIED),
        ([], Fate.UNKNOWN),
        ([replace(history(20), state=State.VANISHED)], Fate.UNKNOWN),
        ([accepted(history(20)), history(20, key=OTHER)], Fate.STANDS),
        ([accepted(history(20)), history(20, key=OTHER, recovered_at=[25])], Fate.ACCEPTED),
        ([replace(history(20), state=State.STALE), history(20, key=OTHER, recovered_at=[25])], Fate.RECOVERED),
    ],
)
def test_the_fate_of_a_told_event(now: Iterable[History], becomes: Fate):
    commit = numbered(20).hash
    changes = frozenset(Reported(series_digest(key), commit) for key in (KEY, OTHER))
    assert fate(ToldEvent("e", changes, {}), by_digest(now)) is becomes


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": 3}', b'{"format": 2, "events": [1]}', b"[" * 100_000])
def test_a_damaged_note_is_an_alarm_too_many_rather_than_one_too_few(tmp_path: Path, content: bytes):
    (tmp_path / NAME).write_bytes(content)
    assert len(first_told(report(history(20)), tmp_path)) == 1
    assert first_told(report(history(20)), tmp_path) == []


def test_a_note_of_the_first_format_is_read(tmp_path: Path):
    (tmp_path / NAME).write_text(
        json.dumps({"format": 1, "reported": [[["suite.track_calls", [["n", "1"]], "box", "env"], numbered(20).hash]]})
    )
    assert first_told(report(history(20)), tmp_path) == []
    assert read_note(tmp_path) == told(20)


def test_two_notes_are_joined_in_any_order():
    ours, theirs = told(20), merged(told(20, key=OTHER, to="slack"), told(5, to="webhook"))
    both = merged(ours, theirs)
    assert both == merged(theirs, ours) == merged(both, theirs)
    event = both.events[id_at(numbered(20).hash)]
    assert ({each.series for each in event.changes}, set(event.to)) == (
        {series_digest(KEY), series_digest(OTHER)}, {NIGHT, "slack"},
    )  # fmt: skip
    assert both.targets == {NIGHT, "slack", "webhook"}
    assert note_of(merged_notes(note_bytes(ours), note_bytes(theirs))) == both
    assert note_of(merged_notes(note_bytes(ours), b"{")) == ours


def test_of_two_deliveries_the_later_one_holds():
    (event,) = told(20).events.values()
    later = event.with_delivery(NIGHT, Fate.ACCEPTED, 7)
    notes = [ToldNote({event.id: each}) for each in (event, later)]
    assert merged(*notes) == merged(*reversed(notes)) == notes[1]


def test_before_the_first_night_nothing_is_untold_as_all_may_be_old(tmp_path: Path):
    stands = history(20)
    assert not untold(tmp_path)(stands, stands.changes[0].change)
    first_told(report(history()), tmp_path)
    assert untold(tmp_path)(stands, stands.changes[0].change)


@pytest.mark.parametrize(("regressed_at", "is_untold"), [(20, False), (23, False), (26, True)])
def test_a_regression_is_untold_unless_one_close_by_was_told(regressed_at: int, is_untold: bool):
    stands = history(regressed_at)
    assert untold_changes(told(20))(stands, stands.changes[0].change) is is_untold


def test_an_improvement_is_never_told_at_night():
    assert not untold_changes(told(20))(history(5), Change(5, 2.0, 1.0, 0.0, confirmed=True))
