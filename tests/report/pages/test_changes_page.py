from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from tbp.history.events import Touching
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.series import Better, Commit
from tbp.model.triage import Triage
from tbp.report.base.render import Frame, main_html
from tbp.report.base.report_data import Base
from tbp.report.pages.changes.page import MOST_ITEMS_OF_A_ROW, changes_page
from tbp.report.pages.index.page import summary
from tbp.report.parts import addresses
from tbp.report.parts.change_sorts import Sort

from ...histories import history, report

VALUES = (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)
TWICE = (1.0, 1.0, 1.5, 1.5, 2.0, 2.0)


def page(*histories, **fields):
    return changes_page(report(*histories, **fields))


def found(*changes: Change) -> tuple[ChangeEvidence, ...]:
    return tuple(ChangeEvidence(change) for change in changes)


DOUBLED = found(Change(3, 1.0, 2.0, 0.001, True))


def test_an_event_is_one_row_and_the_newest_is_first() -> None:
    smaller, later = (1.0, 1.0, 1.0, 1.1, 1.1, 1.1), (2.0, 2.0, 2.0, 2.0, 1.0, 1.0)
    first = history(smaller, changes=found(Change(3, 1.0, 1.1, 0.001, True)), benchmark="a.time_x")
    second = history(VALUES, changes=DOUBLED, benchmark="b.time_y")
    third = history(later, changes=found(Change(4, 2.0, 1.0, 0.001, True)), benchmark="c.time_z")
    said = page(first, second, third)
    assert [row.commit.short[:2] for row in said.rows] == ["04", "03"]
    assert [item.benchmark for item in said.rows[1].items] == ["b.time_y", "a.time_x"]
    assert [(lead.of, lead.item.effect) for lead in said.rows[1].leads] == [("largest regression", "▲ +100 % slower")]
    assert said.rows[0].sorts == (Sort.IMPROVEMENT,)
    assert said.verdict == "2 events: 1 made something worse, 1 made something better."


def test_a_regression_that_was_undone_says_where() -> None:
    own = history(VALUES, changes=found(Change(1, 1.0, 2.0, 0.0004, True), Change(3, 2.0, 1.0, 0.0004, True)))
    said = page(own)
    assert [row.leads[0].item.remark for row in said.rows] == ["p < 0.001", "p < 0.001, recovered at 03c0ffee"]


def test_changes_and_the_summary_count_the_same(make_report) -> None:
    """A regression, its recovery and a new regression: the series is one regression in both, and its past is listed."""
    steps = found(
        Change(1, 1.0, 2.0, 0.001, True), Change(2, 2.0, 1.0, 0.001, True), Change(4, 1.0, 3.0, 0.001, True)
    )  # fmt: skip
    again = history((1.0, 2.0, 1.0, 1.0, 3.0), changes=steps, benchmark="a.time_x")
    undone = found(Change(1, 1.0, 2.0, 0.001, True), Change(3, 2.0, 1.0, 0.001, True, is_recovery=True))
    back = history(VALUES, State.RECOVERED, changes=undone, benchmark="b.time_x")
    better = history(VALUES[::-1], State.IMPROVEMENT, changes=found(Change(3, 2.0, 1.0, 0.001, True)))
    data = make_report(again, back, better)
    counted = {tile.state.value: tile.number for tile in changes_page(data).chips}
    tiles = {tile.state.value: tile.number for tile in summary(data).tiles}
    assert tiles == {"regression": 1, "improvement": 1, "recovered": 1}
    assert counted == {**tiles, "earlier": 2}
    assert changes_page(data).counts.endswith(" 3 earlier changes of series are listed, but not counted.")
    assert changes_page(data).verdict == (
        "4 events: 1 made something worse, 1 made something better, 2 undone or outweighed later."
    )


def test_suspects_beyond_those_of_the_summary_are_counted_apart() -> None:
    doubtful = Change(3, 1.0, 2.0, 0.2, False)
    suspect = history(VALUES, State.SUSPECT, changes=found(doubtful), benchmark="a.time_x")
    both = [
        history((1.0, 2.0, 2.0, 2.2), changes=found(Change(1, 1.0, 2.0, 0.001, True), doubtful), benchmark=name)
        for name in ("b.time_x", "c.time_x")
    ]
    data = report(suspect, *both)
    assert {tile.state: tile.number for tile in changes_page(data).chips}[Sort.SUSPECT] == 3
    assert {tile.state: tile.number for tile in summary(data).tiles}[State.SUSPECT] == 1
    assert changes_page(data).counts.endswith(" 2 suspects are of series that the summary lists in another state.")


def test_the_newest_change_is_suspect_also_where_a_regression_stands() -> None:
    steps = found(Change(1, 1.0, 2.0, 0.001, True), Change(5, 2.0, 2.2, 0.04, False, doubt="one run"))
    own = history((1.0, 2.0, 2.0, 2.0, 2.0, 2.2), changes=steps)
    assert [row.sorts for row in page(own).rows] == [(Sort.SUSPECT,), (Sort.REGRESSION,)]


def test_another_torch_and_a_suspect_are_named_as_what_they_are() -> None:
    other = Change(3, 1.0, 2.0, 0.001, True, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13")
    unsure = Change(3, 1.0, 1.02, 0.04, False, doubt="its runs disagree")
    moved = (found(other), "a.time_x", State.NO_CHANGE), (found(unsure), "b.time_x", State.SUSPECT)
    said = page(*(history(VALUES, state, changes=what, benchmark=name) for what, name, state in moved))
    suspect, explained = said.rows
    assert (explained.sorts, suspect.sorts) == ((Sort.EXPLAINED,), (Sort.SUSPECT,))
    assert explained.other_changes == ("dependency change: torch 2.12 → 2.13",)
    assert suspect.leads[0].item.remark == "suspect: its runs disagree"
    assert explained.anchor != suspect.anchor
    assert said.verdict == (
        "Nothing is confirmed worse or better. 2 events: 1 not caused by the code, 1 only suspected."
    )


def test_a_change_for_better_or_worse_is_neither() -> None:
    one = history(VALUES, State.CHANGED, changes=DOUBLED, better=Better.UNKNOWN)
    said = page(one)
    assert said.verdict == "1 event: 1 changed something, for better or worse."
    assert said.rows[0].sorts == (Sort.CHANGED,)
    assert said.rows[0].leads[0].item.effect == "▲ +100 % higher"
    assert said.rows[0].accepting == ()


def test_a_change_after_unmeasured_commits_is_put_down_to_all_of_them() -> None:
    seldom = history((1.0, float("nan"), float("nan"), 2.0), changes=DOUBLED)
    assert page(seldom).rows[0].range == "Made by this commit or one of the 2 before it, after 00c0ffee"


def test_unmeasured_commits_of_the_branch_count_here_as_everywhere() -> None:
    """This page once counted commits with a result only, and called the first of them the cause."""
    own = history((1.0, 1.0, 1.0, 2.0), changes=DOUBLED)
    hashes = [point.commit.hash for point in own.points]
    order = (*hashes[:3], "x", "y", *hashes[3:])
    assert page(own, order=order).rows[0].range == "Made by this commit or one of the 2 before it, after 02c0ffee"


def on(machine: str, at: Sequence[int], value: Sequence[float], **fields) -> History:
    """A series of one machine that measured some of the commits; it moved where its first value changes."""
    step = next((place for place, own in enumerate(value) if own != value[0]), 0)
    changes = found(Change(step, value[0], value[step], 0.001, True)) if step else ()
    plain = history((1.0,) * 20, changes=changes, machine=machine, **fields)
    points = (replace(plain.points[place], value=own) for place, own in zip(at, value, strict=True))
    return replace(plain, points=tuple(points))


def test_machines_that_measure_different_commits_see_one_event() -> None:
    few = on("few", (0, 4, 8), (1.0, 1.0, 1.5))
    others = on("others", (1, 6, 9), (1.0, 1.0, 1.4))
    order = tuple(point.commit.hash for point in history((1.0,) * 20).points)
    (row,) = page(few, others, order=order).rows
    assert row.commit.short == "08c0ffee"
    assert row.range == (
        "Made by this commit or the one before it, after 06c0ffee; "
        "going by any one of the series, one of 3 commits or more"
    )
    assert row.seen_by == "On both machines that measured it"
    assert [item.alone for item in row.items] == [
        "going by this series alone, one of 4 commits", "going by this series alone, one of 3 commits",
    ]  # fmt: skip
    # Commits that a series saw it at are ids too: other pages link to them.
    assert row.anchors == (addresses.commit_anchor(others.points[2].commit.hash),)
    assert row.accepting == ("tbp ack 06c0ffee..08c0ffee --reason 'why it is accepted'",)


def test_a_step_on_one_of_three_machines_is_asked_about() -> None:
    every = tuple(range(20))
    moved = on("moved", every, (1.0,) * 10 + (1.5,) * 10)
    calm = [on(name, every, (1.0,) * 20) for name in ("calm-1", "calm-2")]
    (row,) = page(moved, *calm).rows
    assert row.is_one_machine
    assert row.seen_by == "Only on machine moved, not on calm-1, calm-2: did the machine change, rather than the code?"
    assert row.sorts == (Sort.REGRESSION,)  # it is asked, and as confirmed as before


def test_the_commits_that_touch_the_benchmark_are_named_and_escaped() -> None:
    own = history((1.0, float("nan"), 2.0), changes=found(Change(2, 1.0, 2.0, 0.001, True)))
    (event,) = report(own).events
    touching = (Touching(own.points[1].commit.hash, ("<b>/requirements.txt",)),)
    data = report(own, joined=(replace(event, touching=touching),))
    found_page = changes_page(data)
    assert found_page.rows[0].touching == (
        "Of 2 commits, 1 changes the benchmark itself or its requirements: 01c0ffee (<b>/requirements.txt)"
    )
    assert "<b>/req" not in main_html("changes.html", found_page, Frame("example", "", "1"))


def test_a_commit_that_moved_everything_lists_the_worst_and_counts_the_rest() -> None:
    histories = [
        history(VALUES, changes=found(Change(3, 1.0, 1 + size / 100, 0.001, True)), benchmark=f"a.time_{size}")
        for size in range(5, 45)
    ]
    row = page(*histories).rows[0]
    assert row.items[0].benchmark == "a.time_44"
    assert (len(row.items), row.more) == (MOST_ITEMS_OF_A_ROW, 40 - MOST_ITEMS_OF_A_ROW)
    assert row.chips[0].number == 40


def test_an_accepted_regression_is_acknowledged_and_no_longer_one() -> None:
    reason = "exact softmax is worth it"
    accepted = Change(3, 1.0, 2.0, 0.001, True, acknowledged=reason)
    one = history(VALUES, changes=(ChangeEvidence(accepted, triage=Triage(reason=reason)),), benchmark="a.time_x")
    said = page(one)
    assert said.rows[0].sorts == (Sort.ACKNOWLEDGED,)
    assert said.rows[0].is_accepted
    assert [note.text for note in said.rows[0].triage] == [f"acknowledged: {reason}"]
    assert said.verdict == "1 event: 1 worse and accepted."
    other = history(VALUES, changes=DOUBLED, benchmark="b.time_y")
    assert not page(one, other).rows[0].is_accepted  # not all of it is


def test_what_changed_up_to_the_base_is_counted_only() -> None:
    changes = found(Change(2, 1.0, 1.5, 0.001, True), Change(4, 1.5, 2.0, 0.001, True))
    twice = history(TWICE, changes=changes)
    said = page(twice, base=Base("v1.0", twice.points[2].commit))
    assert [row.commit.short[:2] for row in said.rows] == ["04"]
    assert said.base.startswith("Only events after v1.0 (02")
    assert said.base.endswith("; 1 earlier event is left out.")


def test_how_sure_a_change_is_stands_beside_it() -> None:
    sure = Change(3, 1.0, 2.0, 0.0001, True, low=0.9, high=1.1)
    item = page(history(VALUES, changes=found(sure))).rows[0].leads[0].item
    assert item.remark == "99 % CI +90 to +110 %, p < 0.001"
    assert item.levels == "1.00 s → 2.00 s (+1.00 s)"


def test_the_largest_of_both_directions_are_told() -> None:
    sizes = {"a.time_small": 1.023, "b.time_large": 0.75, "c.time_smaller": 0.9}
    histories = [
        history(VALUES, changes=found(Change(3, 1.0, size, 0.001, True)), benchmark=name)
        for name, size in sizes.items()
    ]
    said = page(*histories)
    assert [(lead.of, lead.item.benchmark) for lead in said.rows[0].leads] == [
        ("largest regression", "a.time_small"),
        ("largest improvement", "b.time_large"),
    ]
    assert said.verdict == "1 event: 1 made some series worse and others better."
    assert said.counts.endswith("for the change that the summary lists it for.")


def test_a_regression_has_the_command_that_accepts_it() -> None:
    why = "--reason 'why it is accepted'"
    one = history(VALUES, changes=DOUBLED, benchmark="a.time_x; rm -rf ~")
    (row,) = page(one).rows
    assert row.accepting == (f"tbp ack 02c0ffee..03c0ffee {why}",)
    (row,) = page(one, history(VALUES, changes=DOUBLED, benchmark="b.time_y")).rows
    assert row.accepting[1:] == (
        f"tbp ack 'a.time_x; rm -rf ~' 03c0ffee {why}", f"tbp ack b.time_y 03c0ffee {why}",
    )  # fmt: skip
    better = history(VALUES, changes=found(Change(3, 2.0, 1.0, 0.001, True)))
    assert page(better).rows[0].accepting == ()


def test_commands_that_are_not_listed_are_counted() -> None:
    (row,) = page(*(history(VALUES, changes=DOUBLED, benchmark=f"a.time_{name}") for name in "uvwxyz")).rows
    assert (len(row.accepting), row.more_accepting) == (5, 2)


def test_a_commit_that_moved_most_of_a_machine_is_asked_about() -> None:
    moved = [history(VALUES, changes=DOUBLED, benchmark=f"a.time_{number}") for number in range(6)]
    (row,) = page(*moved).rows
    assert row.at_once == (
        "6 of 6 series of bench-1 · py3.13 moved at 03c0ffee, all up: did the machine change, rather than the code?",
    )


def test_without_a_change_the_page_says_so() -> None:
    assert page(history((1.0, 1.0), State.NO_CHANGE)).verdict == "No series has changed."
    assert page().rows == ()


def test_commits_are_in_order_of_history_whatever_their_dates() -> None:
    plain = history(TWICE, changes=found(Change(2, 1.0, 1.5, 0.001, True), Change(4, 1.5, 2.0, 0.001, True)))
    points = list(plain.points)
    early = points[0].commit.date - timedelta(days=9)
    points[4] = replace(points[4], commit=Commit(points[4].commit.hash, early))
    rebased = replace(plain, points=tuple(points))
    order = tuple(point.commit for point in points)
    shown = changes_page(report(rebased, commits=order))
    assert [row.commit.short[:2] for row in shown.rows] == ["04", "02"]
