from msgspec.structs import replace

from tbp.model.changes import Break, ChangeKind, Circumstance, History, State
from tbp.report.pages.benchmark.page import UNFOLDED, BenchmarkPage

from ...histories import page_of

SAME = (Circumstance("python", "3.13", "3.13"), Circumstance("processor", *2 * (f"Example CPU {'x' * 90}",)))
OTHER = (Circumstance("torch", "2.12", "2.13"),)


def with_known(history: History, circumstances: tuple[Circumstance, ...]) -> History:
    return replace(history, changes=tuple(replace(one, circumstances=circumstances) for one in history.changes))


def page(make_report, *histories: History) -> BenchmarkPage:
    return page_of(histories[0].key.benchmark, make_report(*histories))


def named(make_history, place: int, *args, **fields) -> History:
    return make_history(*args, parameters=(("variant", f"v{place}"),), **fields)


def test_a_commit_that_moved_several_series_is_told_once_and_linked(make_history, make_change, make_report) -> None:
    histories = [
        with_known(named(make_history, place, changes=(make_change(3, 1e-3, (place + 2) * 1e-3),)), SAME)
        for place in range(3)
    ]
    better = (make_change(2, 2e-3, 1e-3),)
    improved = named(make_history, 7, (2e-3, 2e-3, 1e-3, 1e-3), State.IMPROVEMENT, changes=better)
    alone = with_known(improved, SAME)
    found = page(make_report, *histories, alone)
    (one,) = found.together
    assert (one.commit.short, one.moved) == ("03c0ffee", "3 of 4 series moved")
    assert one.how == "3 regressions; +100 % to +300 %"
    assert one.before.short == "02c0ffee"
    assert one.around.sentence == f"Nothing else that is recorded changed: python 3.13, processor {SAME[1].before}."
    for section in found.sections[:3]:
        link = section.changes[0].together
        assert (link.anchor, link.words) == (one.anchor, "3 of 4 series moved")
        assert link.rest == " at this commit; nothing else that is recorded changed."
        assert link.tells_around
        assert link.tells_before
    other = found.sections[3].changes[0]
    assert other.together is None
    assert (other.around_at.anchor, other.around_at.words) == (one.anchor, "the same as at 03c0ffee")


def test_what_a_series_was_measured_with_stays_with_it_where_it_differs(make_history, make_report) -> None:
    histories = [with_known(named(make_history, place), SAME if place else OTHER) for place in range(3)]
    found = page(make_report, *histories)
    (one,) = found.together
    assert (one.around.brief, one.whose) == ("Nothing else that is recorded changed", " of 2 of these series")
    links = [section.changes[0].together for section in found.sections]
    assert [link is not None and link.tells_around for link in links] == [False, True, True]
    assert found.sections[0].changes[0].around.sentence == "What changed besides the code: torch."
    assert found.sections[0].changes[0].around_at is None


def test_changes_at_different_commits_refer_to_the_first_that_tells_the_same(
    make_history, make_change, make_report
) -> None:
    histories = [
        with_known(named(make_history, at, (1.0, 1.0, 1.0, 2.0, 2.0), changes=(make_change(at, 1.0, 2.0),)), SAME)
        for at in (1, 2)
    ]
    first, second = (section.changes[0] for section in page(make_report, *histories).sections)
    assert first.around_at is None
    assert second.around_at.anchor == first.around_anchor != ""
    assert second.around_at.words == "the same as for variant=v1 at 01c0ffee"
    alone = page(make_report, histories[0]).sections[0].changes[0]
    assert (alone.around_at, alone.around_anchor) == (None, "")
    twice = tuple(change for history in histories for change in history.changes)
    newest, oldest = page(make_report, replace(histories[0], changes=twice)).sections[0].changes
    assert (newest.around_at, oldest.around_at and oldest.around_at.words) == (None, "the same as at 02c0ffee")


def test_what_is_short_is_told_again(make_history, make_change, make_report) -> None:
    histories = [
        with_known(named(make_history, at, (1.0, 1.0, 1.0, 2.0, 2.0), changes=(make_change(at, 1.0, 2.0),)), SAME[:1])
        for at in (1, 2)
    ]
    assert all(section.changes[0].around_at is None for section in page(make_report, *histories).sections)


def test_only_the_worst_changed_series_are_open_and_the_others_say_what_happened(make_history, make_report) -> None:
    found = page(make_report, *(named(make_history, place) for place in range(UNFOLDED + 2)))
    assert [section.unfolded for section in found.sections] == [True] * UNFOLDED + [False] * 2
    assert found.sections[-1].brief == "1.00 ms → 1.20 ms since 03c0ffee; now 1.20 ms"
    assert page(make_report, make_history((1.0,) * 5, State.NO_CHANGE)).sections[0].unfolded


def test_a_break_of_several_series_is_told_once(make_history, make_report) -> None:
    version = Break(2, ChangeKind.HARNESS, "benchmark version a → b", comparable=False)
    three = [replace(named(make_history, place), breaks=(version,)) for place in range(3)]
    found = page(make_report, *three)
    assert [(one.whose, one.is_of_all) for one in found.breaks] == [("in all 3 series", True)]
    assert all(not section.breaks and not section.shared for section in found.sections)
    found = page(make_report, *three, named(make_history, 3))
    assert [one.whose for one in found.breaks] == ["in 3 of 4 series"]
    assert sorted(len(section.shared) for section in found.sections) == [0, 1, 1, 1]
    assert len(page(make_report, three[0], named(make_history, 3)).sections[0].breaks) == 1


def test_the_place_of_all_series_is_told_once(make_history, make_report) -> None:
    here, there = make_history(), make_history(machine="elsewhere")
    assert page(make_report, here, named(make_history, 1)).setup_name == "bench-1 · py3.13"
    found = page(make_report, here, there)
    assert found.setup_name == ""
    assert [section.setup_name for section in found.sections] == ["bench-1 · py3.13", "elsewhere · py3.13"]
    assert page(make_report, here).sections[0].setup_name == "bench-1 · py3.13"


def test_a_page_tells_the_event_of_the_whole_site(make_history, make_report) -> None:
    own = [named(make_history, place, machine=on) for place in range(2) for on in ("m1", "m2")]
    other = make_history(benchmark="b.time_other", machine="m1")
    found = page(make_report, *own, other)
    (one,) = found.together
    on_both = "on both machines that measured it"
    assert (one.event.link, one.event.rest) == ("In the whole report 5 series of 2 benchmarks moved", on_both)
    assert one.event.anchor == one.commit.anchor
    blocks = [section.changes[0] for section in found.sections]
    assert all(block.event is None and block.together is not None for block in blocks)
    lone = page(make_report, other, *own).sections[0].changes[0]
    assert (lone.event.link, lone.event.rest) == ("5 series of 2 benchmarks moved at 03c0ffee", on_both)
    assert page(make_report, other).sections[0].changes[0].event is None


def test_series_that_saw_it_at_other_commits_are_told_together(make_history, make_change, make_report) -> None:
    histories = [named(make_history, place) for place in range(3)]
    few = histories[2]
    last = replace(few, points=(few.points[0], few.points[4]), changes=(make_change(1, 1e-3, 1.2e-3),))
    found = page(make_report, *histories[:2], last)
    (one,) = found.together
    assert (one.commit.short, one.moved, one.of_several) == ("03c0ffee", "3 of 3 series moved", "")
    blocks = {section.changes[0].commit.short: section.changes[0] for section in found.sections if section.changes}
    assert blocks["04c0ffee"].together.rest.startswith(" in this event")
    assert (blocks["04c0ffee"].of_several, blocks["03c0ffee"].of_several) == ("one of 4 commits", "")
