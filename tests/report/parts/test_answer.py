"""The sentence of a report, the windows of its news, and the commands to go on with."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.runs import Run
from tbp.model.series import Better
from tbp.report.base.report_data import Base, Since
from tbp.report.parts.addresses import failure
from tbp.report.parts.answer import answer, too_few
from tbp.report.parts.next_steps import next_steps
from tbp.report.parts.windows import EVER, days_before, windows

from ...histories import FIRST_DAY, change, changes, commit, history, report

CELL = r"'^attention\.Quick\.torchtime_step\([^-.\w]?sdpa[^-.\w]?\)$'"


def moved(at: int, *, of: int = 40, size: float = 1.2, name: str = "a.time", **fields):
    """A series of a run a day that moved once."""
    values = [1.0] * at + [size] * (of - at)
    return history(values, changes=changes((at, 1.0, size)), benchmark=name, **fields)


def test_the_sentence_counts_what_is_new_and_what_stands() -> None:
    new = [moved(38, name=name) for name in ("a.time", "b.time")]
    data = report(*new, moved(5, name="c.time"))
    sentence = "2 new regressions in the 7 days to 2026-06-09, from 1 commit; 3 stand, from 2 commits."
    assert answer(data).sentence == sentence
    # As many series as events, or all of them new: the list below has no other number.
    old = [moved(5, name="c.time"), moved(9, name="d.time")]
    assert answer(report(*old)).sentence == "No new regression in the 7 days to 2026-06-09; 2 stand."
    assert answer(report(*new)).sentence == "2 new regressions in the 7 days to 2026-06-09, from 1 commit; 2 stand."
    assert answer(report(moved(5))).sentence == "No new regression in the 7 days to 2026-06-09; 1 stands."
    calm = history((1.0,) * 40, State.NO_CHANGE)
    assert answer(report(calm)).sentence == "No new regression in the 7 days to 2026-06-09; none stands."


def test_a_change_of_unknown_merit_is_news_and_no_regression() -> None:
    new = moved(38, better=Better.UNKNOWN, state=State.CHANGED)
    found = answer(report(new))
    assert found.sentence.endswith("; none stands; 1 series newly changed, for better or worse.")
    assert [standing.event.range.first.short for standing in found.events] == ["38c0ffee"]


def test_silence_is_no_health() -> None:
    calm, failed = history((1.0,) * 9, State.NO_CHANGE), history((float("nan"),) * 9, State.FAILED)
    assert answer(report(calm, failed)).sentence.endswith("; none stands; 1 of 2 series failed.")
    assert answer(report(failed)).sentence == "No verdict yet on any of 1 series (1 failed)."
    assert answer(report()).sentence == "Nothing has been measured yet."


def test_series_with_too_few_runs_are_no_all_clear() -> None:
    calm = history((1.0,) * 40, State.NO_CHANGE)
    few = [history((1.0, 1.1), State.NOT_ENOUGH_DATA, benchmark=name) for name in ("a.time", "b.time")]
    data = report(calm, *few)
    assert answer(data).sentence.endswith("; none stands; 2 of 3 series have too few runs to tell.")
    assert answer(report(calm, few[0])).sentence.endswith("; none stands; 1 of 2 series has too few runs to tell.")
    failed = history((float("nan"),) * 9, State.FAILED, benchmark="c.time")
    assert answer(report(calm, failed, *few)).sentence.endswith(
        "; none stands; 1 of 4 series failed; 2 have too few runs to tell."
    )
    assert answer(report(moved(5), *few)).sentence.endswith("; 1 stands."), "which says enough"


def test_a_suspect_series_is_no_all_clear() -> None:
    suspect = history((1.0,) * 9, State.SUSPECT)
    calm = history((1.0,) * 40, State.NO_CHANGE)
    assert answer(report(calm, suspect)).sentence.endswith("; none stands; 1 of 2 series is suspect.")
    few = history((1.0, 1.1), State.NOT_ENOUGH_DATA, benchmark="a.time")
    assert answer(report(suspect, suspect, few)).sentence.endswith(
        "; none stands; 2 of 3 series are suspect; 1 has too few runs to tell."
    )


def test_series_with_too_few_runs_name_what_would_decide() -> None:
    few = history((1.0, 1.1), State.NOT_ENOUGH_DATA)
    wanted = "1 series has too few runs to tell: 10 of each are wanted, or 4 with 3 sessions each"
    assert too_few(report(few)) == f"{wanted}; `tbp gate 00c0ffee 01c0ffee` decides today"
    plain = replace(few, points=tuple(replace(point, sessions=()) for point in few.points))
    assert "sessions" not in too_few(report(plain)), "asv's own suites have none"
    assert too_few(report(history((1.0,), State.NOT_ENOUGH_DATA))) == wanted, "there is nothing to compare with"
    assert too_few(report(history((1.0,) * 40, State.NO_CHANGE))) == ""


def test_a_base_begins_the_sentence() -> None:
    own = moved(38)
    data = report(own, base=Base("v1", own.points[3].commit))
    assert answer(data).sentence.startswith("Since v1: 1 new regression in the 7 days")


def test_what_was_undone_is_no_news_and_a_series_that_moved_twice_is_one() -> None:
    undone = history(
        [1.0] * 36 + [2.0] * 2 + [1.0] * 2, State.RECOVERED, changes=changes((36, 1.0, 2.0), (38, 2.0, 1.0))
    )
    twice = history(
        [1.0] * 36 + [2.0] * 2 + [3.0] * 2, changes=changes((36, 1.0, 2.0), (38, 2.0, 3.0)), benchmark="b.time"
    )
    found = answer(report(undone, twice))
    assert found.sentence == "1 new regression in the 7 days to 2026-06-09, from 2 commits; 1 stands."
    assert [standing.event.range.first.short for standing in found.better] == ["38c0ffee"]
    assert found.better_within(found.window) == 1


def test_events_are_by_day_and_of_a_day_by_their_size() -> None:
    """The commits of the places 37 and 38 are of one day."""

    def of_one_day(own):
        day = own.points[38].commit.date
        early = replace(own.points[37], commit=replace(own.points[37].commit, date=day - timedelta(hours=2)))
        return replace(own, points=(*own.points[:37], early, *own.points[38:]))

    moves = ((37, 1.9, "large.time"), (38, 1.3, "small.time"), (20, 5.0, "older.time"))
    data = report(*(of_one_day(moved(at, size=size, name=name)) for at, size, name in moves))
    assert [each.changes[0].history.key.benchmark for each in answer(data).events] == [
        "large.time", "small.time", "older.time",
    ]  # fmt: skip


def test_new_events_come_first_also_where_the_window_begins_within_a_day() -> None:
    """The commits of the places 32 and 33 are of one day; the one of 33 is new, and smaller."""

    def of_one_day(own):
        day = own.points[32].commit.date
        late = replace(own.points[33], commit=replace(own.points[33].commit, date=day + timedelta(hours=2)))
        return replace(own, points=(*own.points[:33], late, *own.points[34:]))

    data = report(*(of_one_day(moved(at, size=size, name=f"b{at}.time")) for at, size in ((32, 3.0), (33, 1.3))))
    found = answer(data)
    assert [each.changes[0].history.key.benchmark for each in found.events] == ["b33.time", "b32.time"]
    assert len(found.new) == 1


def test_the_largest_of_an_event_leads_it_whatever_its_merit() -> None:
    sizes = {"a.track": 1.1, "b.track": 0.2, "c.track": 1.5}
    several = [
        moved(38, name=name, size=size, better=Better.UNKNOWN, state=State.CHANGED) for name, size in sizes.items()
    ]
    (standing,) = answer(report(*several)).events
    assert [each.history.key.benchmark for each in standing.changes] == ["b.track", "c.track", "a.track"]


def test_the_windows_have_names_for_the_address_and_words_for_the_reader() -> None:
    data = report(moved(5))
    assert [(each.name, each.label, each.words) for each in windows(data)] == [
        ("night", "Last night", "in the last night"),
        ("7", "7 days", "in the 7 days to 2026-06-09"),
        ("30", "30 days", "in the 30 days to 2026-06-09"),
        ("all", "Everything", ""),
    ]
    found = answer(data)
    assert found.sentence_on(windows(data)[-1]) == "1 regression stands, from 1 commit."


@pytest.mark.parametrize(
    ("since", "sentence"),
    [
        (Since("3", FIRST_DAY, 3), "1 new regression in the 3 days to 2026-06-09, from 1 commit; 2 stand."),
        (Since("1", FIRST_DAY, 1), "No new regression in the 1 day to 2026-06-09; 2 stand."),
        (Since("v1", FIRST_DAY + timedelta(days=4)), "2 new regressions since v1, from 2 commits; 2 stand."),
        (Since("v2", FIRST_DAY + timedelta(days=5)), "1 new regression since v2, from 1 commit; 2 stand."),
    ],
)
def test_a_reader_may_ask_since_when(since: Since, sentence: str) -> None:
    data = report(moved(37), moved(5, name="b.time"), since=since)
    assert answer(data).sentence == sentence
    assert windows(data)[0].name == "since"


def run(day: int, started: datetime | None) -> Run:
    return Run(commit(day), "bench-1", "py3.13", started=started)


def test_the_last_night_has_all_commits_that_no_night_before_measured() -> None:
    """Of a weekend three commits are measured in one night, with ten minutes between them."""
    night = datetime(2026, 6, 9, 22, tzinfo=UTC)
    starts = [night - timedelta(hours=24), *(night + timedelta(minutes=10 * minutes) for minutes in range(3))]
    runs = tuple(run(day, start) for day, start in zip((36, 37, 38, 39), starts, strict=True))
    data = report(moved(37), moved(36, name="b.time"), runs=runs)
    assert windows(data)[0].since == commit(36).date
    assert answer(data).sentence_on(windows(data)[0]) == ("1 new regression in the last night, from 1 commit; 2 stand.")
    undated = report(moved(37), runs=tuple(run(day, None) for day in (38, 39)))
    assert windows(undated)[0].since == commit(38).date


def test_a_date_at_the_beginning_of_time_is_no_error() -> None:
    assert days_before(EVER + timedelta(days=3), 30) == EVER


def test_the_next_step_of_one_commit_measures_both_sides_and_acks_are_for_all_of_it() -> None:
    (standing,) = answer(report(history())).events
    steps = next_steps(standing)
    assert steps.first == steps.gate == f"tbp gate 02c0ffee 03c0ffee --bench {CELL}"
    assert (steps.halve, steps.show) == ("", "git show 03c0ffee")
    assert steps.accept == "tbp ack 02c0ffee..03c0ffee --reason 'why it is accepted'"
    assert steps.look_after == "tbp ack 02c0ffee..03c0ffee --status investigating --owner 'NAME'"


def test_a_range_is_searched_first() -> None:
    own = history((1e-3, float("nan"), float("nan"), 1.2e-3, 1.2e-3))
    (standing,) = answer(report(own)).events
    steps = next_steps(standing)
    assert steps.first == steps.halve == f"tbp bisect {CELL} 00c0ffee 03c0ffee"
    assert steps.show == ""


def test_a_search_takes_times_only_and_a_gate_prefers_them() -> None:
    """A range of commits without a time is searched by one run of asv, at its middle commit."""
    values = (1.0, float("nan"), float("nan"), 9.0, 9.0)
    bytes_only = history(values, benchmark="a.track_peak_bytes", unit="bytes", parameters=())
    (standing,) = answer(report(bytes_only)).events
    steps = next_steps(standing)
    middle = "$(git rev-list --first-parent --bisect 00c0ffee..03c0ffee)"
    assert steps.first == steps.halve == f"asv run --bench '^a\\.track_peak_bytes(\\(|$)' \"{middle}\"'^!'"
    assert steps.gate == "tbp gate 00c0ffee 03c0ffee --bench '^a\\.track_peak_bytes(\\(|$)'"
    timed = history((1e-3, 1e-3, 1e-3, 1.2e-3, 1.2e-3))
    exact = history((1.0, 1.0, 1.0, 9.0, 9.0), benchmark="a.track_peak_bytes", unit="bytes")
    (standing,) = answer(report(exact, timed)).events
    assert standing.changes[0].history.unit == "bytes"
    assert next_steps(standing).gate == f"tbp gate 02c0ffee 03c0ffee --bench {CELL}"


def test_what_is_certain_is_not_measured_again() -> None:
    exact = history(changes=(change(3, 1e-3, 1.2e-3, p_value=0),))
    (standing,) = answer(report(exact)).events
    assert next_steps(standing).first == "git show 03c0ffee"


def test_a_hash_that_is_none_makes_no_command() -> None:
    own = history()
    odd = tuple(
        replace(point, commit=replace(point.commit, hash=f"$(rm {place})")) for place, point in enumerate(own.points)
    )
    (standing,) = answer(report(replace(own, points=odd))).events
    assert not any(
        getattr(next_steps(standing), name) for name in ("first", "gate", "halve", "show", "accept", "look_after")
    )


def test_why_a_series_failed_is_shown_by_asv_only_if_asked() -> None:
    failed = history((float("nan"),) * 2, State.FAILED, benchmark="a.time_it")
    command = failure(failed.key, failed.points[-1].commit)
    assert command.startswith(r"asv run --show-stderr --bench '^a\.time_it")
    assert command.endswith("'01c0ffee^!'")
