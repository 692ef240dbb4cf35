"""Most series of a machine that move at one commit are a question; a commit that moved some of them is none."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from tbp.history.circumstances import NUMBER, kind_of
from tbp.history.machine_wide_changes import LEAST_SERIES, at_once, of_benchmark
from tbp.history.shift_sentences import brief, sentence
from tbp.model.changes import Break, Change, ChangeEvidence, ChangeKind, Circumstance, History, State
from tbp.model.runs import Run
from tbp.report.base.render import Frame
from tbp.report.pages.benchmark.files import jobs
from tbp.report.pages.index.page import summary

VALUES = (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)


def moved(make_history, number: int, *, after: float = 2.0, kind: ChangeKind = ChangeKind.CODE, confirmed=True, **more):
    change = Change(3, 1.0, after, 0.001, confirmed, kind)
    names = [f"a.time_{place}" for place in range(number)]
    return [make_history(VALUES, changes=(ChangeEvidence(change),), benchmark=name, **more) for name in names]


def with_change(history: History, **fields) -> History:
    """The history with another change in place of its only one."""
    return replace(history, changes=(ChangeEvidence(replace(history.changes[0].change, **fields)),))


def steady(make_history, number: int, **more):
    return [make_history((1.0,) * 6, State.NO_CHANGE, benchmark=f"b.time_{place}", **more) for place in range(number)]


def test_most_series_of_a_machine_at_one_commit_are_asked_about(make_history, make_report) -> None:
    series = [*moved(make_history, 5), *moved(make_history, 1, after=0.5), *steady(make_history, 3)]
    series[5] = replace(series[5], key=replace(series[5].key, benchmark="c.time_down"))
    (found,) = at_once(series)
    assert sentence(found) == (
        "6 of 9 series of bench-1 · py3.13 moved at 03c0ffee, 5 up and 1 down: "
        "did the machine change, rather than the code?"
    )
    page = summary(make_report(*series))
    assert page.first.sentence == brief(found)
    assert page.first.href.startswith("changes.html#at-")


def test_what_most_series_have_left_is_said_after_the_verdict(make_history, make_report) -> None:
    back = ChangeEvidence(Change(5, 2.0, 1.0, 0.001, True))
    series = [replace(own, changes=(*own.changes, back)) for own in moved(make_history, 5)]
    page = summary(make_report(*series))
    assert "05c0ffee" in page.first.sentence
    assert [note.sentence for note in page.notes if "03c0ffee" in note.sentence] == [brief(at_once(series)[1])]


def test_suspects_count(make_history) -> None:
    assert len(at_once(moved(make_history, 5, confirmed=False))) == 1


def with_cause(history: History, name: str, before: str, after: str, *, has_moved: bool = True) -> History:
    cause = (Circumstance(name, before, after),)
    broken = replace(history, breaks=(Break(3, kind_of(name), "", causes=cause),))
    return with_change(broken, kind=kind_of(name), causes=cause) if has_moved else replace(broken, changes=())


def test_what_is_put_down_to_something_names_it(make_history) -> None:
    series = [with_cause(own, "torch", "2.12", "2.13") for own in moved(make_history, 6)]
    (found,) = at_once([*series, *steady(make_history, 2)])
    assert sentence(found) == (
        "torch changed from 2.12 to 2.13 for 6 of 8 series of bench-1 · py3.13 at 03c0ffee; "
        "6 levels moved with it, all up"
    )


def test_asv_s_number_is_said_with_its_medians_and_of_all_whose_number_fell(make_history) -> None:
    numbers = ("97,915", "9,000", "100,000", "50", "98,000", "99,000", "120,000")
    series = [
        with_cause(own, NUMBER, number, "1", has_moved=place < 5)
        for place, (own, number) in enumerate(zip(moved(make_history, 7), numbers, strict=True))
    ]
    (found,) = at_once(series)
    assert sentence(found) == (
        "calls per sample (asv's number) fell from about 98,000 to 1 for 7 of 7 series of bench-1 · py3.13 at "
        "03c0ffee; 5 levels moved with it, all up"
    )


def test_a_circumstance_that_moved_no_levels_is_not_worth_a_word(make_history) -> None:
    series = [with_cause(own, "system", "Linux 5", "Linux 6", has_moved=False) for own in moved(make_history, 9)]
    assert at_once(series) == ()


def test_what_follows_a_night_says_so(make_history) -> None:
    night = "runs measured from 2026-05-04 on"
    moves = moved(make_history, 5)
    series = [with_change(own, kind=ChangeKind.UNRECORDED, explanation=night) for own in moves]
    (found,) = at_once(series)
    assert brief(found) == (
        "5 of 5 series of bench-1 · py3.13 moved at 03c0ffee, all up, in runs measured from 2026-05-04 on, "
        "whatever their commit"
    )


def measured(history: History, hours: Sequence[float]) -> list[Run]:
    return [
        Run(point.commit, "bench-1", "py3.13", started=point.commit.date + timedelta(hours=hour))
        for point, hour in zip(history.points, hours, strict=True)
    ]


def test_commits_of_one_night_are_seen_as_one(make_history) -> None:
    """Noise puts some series' step a commit later."""
    series = moved(make_history, 6)
    series = [*series[:3], *(with_change(own, index=4) for own in series[3:])]
    assert at_once(series) == ()
    assert at_once(series, measured(series[0], [0, 0, 0, 0, 0, 0])) == ()
    (found,) = at_once(series, measured(series[0], [0, 0, 0, 48, 25, 2]))
    assert (found.moved, found.commit.short) == (6, "03c0ffee")
    assert len(of_benchmark([found], series[5:])) == 1


def test_older_commits_measured_when_it_had_changed_are_no_event_of_their_own(make_history) -> None:
    def twice(own: History) -> History:
        (late,) = with_cause(own, NUMBER, "100", "1").changes
        early = ChangeEvidence(replace(late.change, index=1))
        return replace(own, changes=(early, late))

    series = [twice(own) for own in moved(make_history, 5)]
    in_order = measured(series[0], [0, 0, 0, 0, 0, 0])
    assert len(at_once(series, in_order)) == 2
    (found,) = at_once(series, measured(series[0], [0, 24 * 9, 0, 0, 0, 0]))
    assert found.commit.short == "03c0ffee"


def test_counters_that_repeat_exactly_are_the_code(make_history) -> None:
    assert at_once([with_change(own, p_value=0.0) for own in moved(make_history, 9)]) == ()


def test_a_commit_that_moved_a_part_of_them_is_the_code(make_history) -> None:
    assert at_once([*moved(make_history, 5), *steady(make_history, 6)]) == ()
    assert at_once(moved(make_history, LEAST_SERIES - 1)) == ()
    one = [replace(own, key=replace(own.key, benchmark="a.time_x")) for own in moved(make_history, 9)]
    assert at_once(one) == ()  # the series of one benchmark share their code


def test_another_machine_does_not_dilute_it(make_history) -> None:
    (found,) = at_once([*moved(make_history, 5), *steady(make_history, 30, machine="bench-2")])
    assert (found.setup.machine, found.moved, found.of) == ("bench-1", 5, 5)


def test_the_page_of_a_benchmark_among_them_says_so_and_no_other(make_history, make_report) -> None:
    series = [*moved(make_history, 5), *steady(make_history, 2)]
    asked = {own.benchmark: own.at_once for own in jobs(make_report(*series), Frame("x", "", "1"))}
    assert [one.moved for one in asked["a.time_0"]] == [5]
    assert asked["b.time_0"] == ()
    assert of_benchmark(at_once(series), series[:1]) == asked["a.time_0"]
