"""The first screen of the index as data, and as HTML where names are hostile."""

import pytest
from msgspec.structs import replace

from tbp.model.changes import Circumstance, State
from tbp.report.base.render import Frame, main_html
from tbp.report.data.atom_feed import feed_xml
from tbp.report.pages.changes.page import changes_page
from tbp.report.pages.index.answer import AnswerPart
from tbp.report.pages.index.data import index_data
from tbp.report.pages.index.page import summary
from tbp.report.parts.event_words import author, sureness

from ...histories import HOSTILE, change, changes, commit, history, page_of, report

NAN = float("nan")


def first_screen(*histories, **fields) -> AnswerPart:
    return summary(report(*histories, **fields)).answer


def by(own, place: int, **fields):
    """The series with one commit written by somebody."""
    points = list(own.points)
    points[place] = replace(points[place], commit=replace(points[place].commit, **fields))
    return replace(own, points=tuple(points))


def test_a_card_says_what_moved_whose_it_is_and_how_sure() -> None:
    (card,) = first_screen(by(history(), 3, author="Ann Author", subject="Fuse the mask")).cards
    assert (card.effect, card.state, card.extent) == ("▲ +20 % slower", State.REGRESSION, "")
    assert (card.author, card.commit.subject, card.commit.short) == ("Ann Author", "Fuse the mask", "03c0ffee")
    assert card.sure == "almost certain: noise alone looks like this less than once in 1,000 times"
    (named,) = card.named
    assert (named.effect, named.levels) == ("", "1.00 ms → 1.20 ms")
    assert card.still == "still so on 2026-05-05"
    assert card.beside == "The results do not record what the runs were measured with"
    assert card.href == f"changes.html#{card.anchor}"


def test_a_card_says_which_commits_noise_leaves_possible() -> None:
    noisy = report(history((1e-3, 1.05e-3, 1e-3, 1.1e-3, 1.15e-3, 1.1e-3, 1.15e-3)))
    page = summary(noisy)
    (card,) = page.answer.cards
    assert card.unsure == "noise leaves 2 commits possible, 02c0ffee..04c0ffee"
    drawn = main_html("index.html", page, Frame("example", "", "1"))
    assert "Most likely commit" in drawn
    assert [row.between for row in page.rows] == [card.unsure]
    assert "Noise leaves 2 commits possible, 02c0ffee..04c0ffee." in drawn
    (row,) = changes_page(noisy).rows
    assert row.range == "Noise leaves 2 commits possible, 02c0ffee..04c0ffee"
    assert b"noise leaves 2 commits possible, 02c0ffee..04c0ffee" in feed_xml(noisy)
    (section,) = page_of(noisy.histories[0].key.benchmark, noisy).sections
    assert section.changes[0].event.rest == "noise leaves 2 commits possible, 02c0ffee..04c0ffee"


def test_a_card_of_several_series_names_three_and_the_machines_that_agree() -> None:
    several = [history(machine=machine, benchmark=f"{name}.time") for name in "abc" for machine in ("m1", "m2")]
    (card,) = first_screen(*several).cards
    assert (card.extent, card.more, card.seen_by) == (
        "6 regressions of 3 benchmarks", 3, "on both machines that measured it",
    )  # fmt: skip
    assert [(series.benchmark, series.setup_name) for series in card.named] == [
        ("a.time", "m1"), ("b.time", "m1"), ("c.time", "m1"),
    ]  # fmt: skip


def test_a_card_says_what_changed_besides_the_code() -> None:
    own = history()
    (evidence,) = own.changes
    around = (Circumstance("cpu", "EPYC 1", "EPYC 1"), Circumstance("torch", "2.6", "2.7"))
    (card,) = first_screen(replace(own, changes=(replace(evidence, circumstances=around),))).cards
    assert card.beside == "What changed besides the code: torch"


def test_a_card_of_two_benchmarks_names_both_in_the_order_of_their_changes() -> None:
    sizes = {("a", "m1"): 1.5, ("a", "m2"): 1.4, ("a", "m3"): 1.3, ("b", "m1"): 1.2}
    several = [
        history((1e-3, 1e-3, 1e-3, to * 1e-3, to * 1e-3), machine=machine, benchmark=f"{name}.time")
        for (name, machine), to in sizes.items()
    ]
    (card,) = first_screen(*several).cards
    assert [(series.benchmark, series.setup_name) for series in card.named] == [
        ("a.time", "m1"), ("a.time", "m2"), ("b.time", "m1"),
    ]  # fmt: skip


def test_a_range_has_everybody_who_wrote_in_it() -> None:
    own = history((1e-3, NAN, NAN, 1.2e-3, 1.2e-3))
    hashes = tuple(point.commit.hash for point in own.points)
    written = {1: "Ann", 2: "Bob", 3: "Ann"}
    in_ranges = {hashes[at]: replace(commit(at), author=name) for at, name in written.items()}
    (card,) = first_screen(own, order=hashes, in_ranges=in_ranges).cards
    assert (card.of_several, card.author) == ("one of 3 commits", "one of Ann, Bob")
    assert [(each.short, each.author) for each in card.in_range] == [
        ("03c0ffee", "Ann"), ("02c0ffee", "Bob"), ("01c0ffee", "Ann"),
    ]  # fmt: skip
    assert author(["Ann", "Bob", "Cy", "Di"]) == "one of Ann, Bob, Cy and 1 more"


def test_without_a_repository_it_is_said_that_nobody_is_known() -> None:
    assert "no git repository was found beside the results" in first_screen(history()).missing
    assert first_screen(by(history(), 3, author="Ann")).missing == ""
    assert first_screen(history((1.0,) * 5, State.NO_CHANGE)).missing == ""


@pytest.mark.parametrize(
    ("p_value", "in_turns", "text"),
    [
        (0.0, "", "certain: runs of one commit give exactly the same value"),
        (0.0009, "", "almost certain: noise alone looks like this less than once in 1,000 times"),
        (0.009, "", "very likely: noise alone looks like this less than once in 100 times"),
        (0.04, "", "likely: noise alone looks like this less than once in 20 times"),
        (NAN, "", ""),
        (NAN, "00c0ffee" * 5, "measured in turns against 00c0ffee"),
    ],
)
def test_how_sure_a_change_is_in_words(p_value, in_turns, text) -> None:
    own = history(changes=(change(3, 1e-3, 1.2e-3, p_value=p_value, in_turns=in_turns),))
    (event,) = report(own).events
    assert sureness(event.changes) == text


def test_how_sure_the_first_series_is_holds_for_no_other() -> None:
    exact = history(changes=(change(3, 1.0, 2.0, p_value=0.0),), benchmark="a.track_operators")
    timed = history(changes=(change(3, 1e-3, 1.2e-3, p_value=0.0004),), benchmark="b.time_step")
    (event,) = report(exact, timed).events
    assert sureness(event.changes) == "certain: runs of one commit give exactly the same value (the first series)"
    assert sureness(event.changes[1:]).startswith("almost certain")


def test_older_events_are_lines_by_age_and_improvements_are_apart() -> None:
    def moved(at: int, factor: float, name: str):
        values = [1.0] * at + [factor] * (120 - at)
        state = State.REGRESSION if factor > 1 else State.IMPROVEMENT
        return history(values, state, changes=changes((at, 1.0, factor)), benchmark=name)

    screen = first_screen(*(moved(at, 1.3, f"b{at}.time") for at in (115, 100, 60, 1)), moved(117, 0.5, "c.time"))
    assert screen.new == 1
    assert [(group.heading, group.lines) for group in screen.groups] == [
        ("Up to a month before the newest result", (1,)),
        ("Up to three months before the newest result", (2,)),
        ("Up to a year before the newest result", (3,)),
    ]
    assert [card.effect for card in screen.better] == ["▼ −50 % faster"]
    assert screen.better_said == "1 series better than before, from 1 commit"
    assert [choice.better for choice in screen.choices][:2] == ["", "1 series improved in the 7 days to 2026-08-28"]


def test_the_events_of_the_script_name_the_rows_of_their_series() -> None:
    found = summary(
        report(history(benchmark="b.time"), history(benchmark="a.time", values=(1.0,) * 5, state=State.NO_CHANGE))
    )
    (event,) = index_data(found)["events"]
    card = found.answer.cards[0]
    assert event == [card.anchor, "2026-05-04T12:00:00", (0,), ()]
    assert found.rows[0].benchmark == "b.time"


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_people_and_subjects_stay_texts(name: str) -> None:
    own = by(history(benchmark=name), 3, author=name, subject=name)
    html = main_html("index.html", summary(report(own)), Frame(name, "", "1"))
    assert "<script>alert" not in html
    assert "\u202e" not in html
