"""Most series of a machine that move at one commit are a question; a commit that moved some of them is none."""

from msgspec.structs import replace

from tbp.history.series import Change, ChangeEvidence, ChangeKind, State
from tbp.report.at_once import LEAST_SERIES, at_once, brief, of_benchmark, sentence
from tbp.report.benchmark_files import wanted
from tbp.report.pages import Frame
from tbp.report.summary import summary

VALUES = (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)


def moved(make_history, number: int, *, after: float = 2.0, kind: ChangeKind = ChangeKind.CODE, confirmed=True, **more):
    change = Change(3, 1.0, after, 0.001, confirmed, kind)
    return [
        make_history(VALUES, changes=(ChangeEvidence(change),), benchmark=f"a.time_{place}", **more)
        for place in range(number)
    ]


def steady(make_history, number: int, **more):
    return [make_history((1.0,) * 6, State.NO_CHANGE, benchmark=f"b.time_{place}", **more) for place in range(number)]


def test_most_series_of_a_machine_at_one_commit_are_asked_about(make_history, make_report) -> None:
    series = [*moved(make_history, 5), *moved(make_history, 1, after=0.5), *steady(make_history, 3)]
    series[5] = replace(series[5], key=replace(series[5].key, benchmark="c.time_down"))
    (found,) = at_once(series)
    assert sentence(found) == (
        "6 of 9 series of bench-1 · py3.13 moved at 03c0ffee, 5 up and 1 down: was it the machine rather than the code?"
    )
    notes = summary(make_report(*series)).notes
    assert notes[-1].said == brief(found)
    assert notes[-1].href.startswith("changes.html#at-")


def test_suspects_count_and_what_is_explained_does_not(make_history) -> None:
    assert len(at_once(moved(make_history, 5, confirmed=False))) == 1
    assert at_once(moved(make_history, 5, kind=ChangeKind.DEPENDENCY)) == ()


def test_counters_that_repeat_exactly_are_the_code(make_history) -> None:
    exact = [
        replace(own, changes=(ChangeEvidence(replace(own.changes[0].change, p_value=0.0)),))
        for own in moved(make_history, 9)
    ]
    assert at_once(exact) == ()


def test_a_commit_that_moved_a_part_of_them_is_the_code(make_history) -> None:
    assert at_once([*moved(make_history, 5), *steady(make_history, 6)]) == ()
    assert at_once(moved(make_history, LEAST_SERIES - 1)) == ()
    one = [replace(own, key=replace(own.key, benchmark="a.time_x")) for own in moved(make_history, 9)]
    assert at_once(one) == ()  # the series of one benchmark share their code


def test_another_machine_does_not_dilute_it(make_history) -> None:
    (found,) = at_once([*moved(make_history, 5), *steady(make_history, 30, machine="bench-2")])
    assert (found.machine, found.moved, found.of) == ("bench-1", 5, 5)


def test_the_page_of_a_benchmark_among_them_says_so_and_no_other(make_history, make_report) -> None:
    series = [*moved(make_history, 5), *steady(make_history, 2)]
    asked = {own.benchmark: own.at_once for own in wanted(make_report(*series), Frame("x", "", "1"))}
    assert [one.moved for one in asked["a.time_0"]] == [5]
    assert asked["b.time_0"] == ()
    assert of_benchmark(at_once(series), series[:1]) == asked["a.time_0"]
