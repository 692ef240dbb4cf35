"""The first screen in a real browser: its place, what is called new since when, and cards that a script puts there."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.model.series import Better
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_single_file, write_site

from ..histories import changes, history, report
from .opening import (
    DESKTOP,
    PHONE,
    assert_harmless,
    opened,
    overflow,
    quiet_page,
    reload,
    unfold,
    violations,
    wait_until,
    without_scripts,
)  # fmt: skip

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READY = "#windows[data-ready]"
FORBIDDEN = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } });"
DAYS = 120
# Six events of the newest week, and five that stand from before.
MOVES = [*range(113, 119), *range(60, 112, 13), 2]


def moved(at: int, size: float = 1.3, *, name: str = "", **fields) -> History:
    values = [1.0] * at + [size] * (DAYS - at)
    state = State.REGRESSION if size > 1 else State.IMPROVEMENT
    shifted = history(
        values, state, changes=changes((at, 1.0, size)), benchmark=name or f"suite.Case{at}.time_x", **fields
    )
    points = tuple(
        replace(point, commit=replace(point.commit, author="Ann Author", subject="Fuse the mask into attention"))
        for point in shifted.points
    )
    return replace(shifted, points=points)


def eventful() -> ReportData:
    several = [moved(at, 1.1 + at / 1000) for at in MOVES]
    twins = [moved(at, 1.2, machine="bench-2", name=f"other.Case{at}.time_x") for at in MOVES]
    unknown = replace(moved(117, 2.0, name="a.track_x"), better=Better.UNKNOWN, state=State.CHANGED, unit="widgets")
    return report(*several, *twins, unknown, moved(118, 0.5, name="b.time_y"), problems=("x.json is no JSON",))


@pytest.fixture(scope="module")
def data() -> ReportData:
    return eventful()


@pytest.fixture(scope="module")
def site(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(data, tmp_path_factory.mktemp("answer"))


@pytest.mark.parametrize(("size", "scheme", "lowest"), [(DESKTOP, "light", 320), (PHONE, "dark", 844)])
def test_the_first_event_is_on_the_first_screen_and_has_no_barrier(browser, site, size, scheme, lowest) -> None:
    with opened(browser, site, size=size, scheme=scheme, ready=READY) as page:
        box = page.locator(".event-card").first.bounding_box()
        assert box["y"] <= lowest
        unfold(page)
        page.wait_for_timeout(100)
        assert overflow(page) <= 0
        # The table of all series is looked at in test_index.
        assert (
            violations(page, "{ include: [['#answer'], ['#windows'], ['#events'], ['.notes'], ['#last-runs']] }") == []
        )


def test_a_window_is_a_key_away_and_in_the_address_beside_the_filter(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        title = page.locator("#answer")
        assert title.inner_text() == page.locator("[data-usual]").get_attribute("data-sentence")
        week = page.locator(".event-card").count()
        month = page.locator("#windows button[value='30']")
        month.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#since=30"
        assert title.inner_text() == month.get_attribute("data-sentence")
        assert month.get_attribute("aria-pressed") == "true"
        page.fill("input[name=q]", "case2")
        assert page.evaluate("location.hash") == "#since=30&q=case2"
        page.click("#all")
        assert page.evaluate("location.hash") == "#since=30"
        assert not page.locator("#all").is_visible()
        reload(page, READY)
        assert title.inner_text() == month.get_attribute("data-sentence")
        page.locator("[data-usual]").click()
        assert page.evaluate("location.hash") == ""
        assert page.locator(".event-card").count() == week


def test_everything_is_a_card_and_more_are_a_button_away(browser, site) -> None:
    with opened(browser, site, fragment="#since=all", ready=READY) as page:
        wait_until(page, "document.querySelectorAll('#new-events .event-card').length === 8")
        page.focus("#more-events")
        page.keyboard.press("Enter")
        wait_until(page, f"document.querySelectorAll('#new-events .event-card').length === {len(MOVES)}")
        assert page.evaluate("document.activeElement.closest('.event-card') !== null")
        assert page.locator(".older:not(.better-events):visible").count() == 0


def test_a_line_opens_to_its_card_with_the_commands(browser, site) -> None:
    with opened(browser, site, ready=READY) as page:
        page.locator(".older:not(.better-events) > summary").first.click()
        page.locator(".event-lines summary").first.focus()
        page.keyboard.press("Enter")
        card = page.locator(".event-lines .event-card").first
        card.wait_for()
        assert "Ann Author" in card.inner_text()
        assert "tbp gate " in card.locator("code").first.inner_text()
        assert card.locator("button.copy").first.is_visible()
        card.locator("summary").click()
        assert "tbp ack " in card.inner_text()


def test_the_sentences_of_the_script_are_those_of_the_page(browser, site) -> None:
    """Only for the last visit does the script make one; it is the same function of the same events."""
    with opened(browser, site, ready=READY) as page:
        pairs = page.evaluate(
            """() => ["7", "30"].map((name) => {
              const button = document.querySelector(`#windows button[value="${name}"]`);
              const when = button.dataset.sentence.match(/in the .*? days to [-0-9]+/)[0];
              const events = tbp.events.filter(({ moment }) => moment > button.dataset.since);
              return [tbp.answerSentence(events, when, document.getElementById("answer").dataset),
                button.dataset.sentence];
            })"""
        )
        assert all(made == written for made, written in pairs)
        assert "newly changed" in pairs[0][0]


def test_the_last_visit_is_remembered_until_another_report_comes(browser, data, tmp_path) -> None:
    late = moved(112, 1.9, name="late.time_z")  # an older commit, confirmed since
    before = replace(data, histories=tuple(own for own in data.histories if "Case118" not in own.key.benchmark))
    site = write_site(before, tmp_path)
    with quiet_page(browser) as page:
        page.goto(site.as_uri())
        page.wait_for_selector(READY)
        assert page.locator("#windows button[value=visit]").count() == 0
        write_site(replace(data, histories=(*data.histories, late)), tmp_path)
        for _ in range(2):  # a reload is the same visit
            reload(page, READY)
            assert page.locator("#windows button[value=visit]").get_attribute("aria-pressed") == "true"
            assert page.inner_text("#answer").startswith("3 new regressions since your last visit on 20")
            assert ", from 2 commits; " in page.inner_text("#answer")
            assert page.locator("#new-events .event-card").count() == 2
        page.locator("#windows button[value='7']").click()
        assert page.evaluate("location.hash") == "#since=7"
        reload(page, READY)
        assert " in the 7 days to " in page.inner_text("#answer")


def test_a_browser_that_remembers_nothing_shows_the_newest_week(browser, site) -> None:
    with quiet_page(browser) as page:
        page.add_init_script(FORBIDDEN)
        page.goto(site.as_uri())
        page.wait_for_selector(READY)
        assert " in the 7 days to " in page.inner_text("#answer")
        assert page.locator("#windows button[value=visit]").count() == 0


def test_without_scripts_the_answer_and_its_events_are_there(browser, site) -> None:
    with without_scripts(browser, site) as page:
        assert page.locator(".event-card").count() == 6
        assert not page.locator("#windows").is_visible()
        line = page.locator(".event-lines a").first
        assert line.get_attribute("href").startswith("changes.html#at-")


def test_one_file_has_the_first_screen_as_well(browser, data, tmp_path) -> None:
    path = write_single_file(data, tmp_path / "report.html")
    with opened(browser, path, fragment="#since=all", ready=READY) as page:
        wait_until(page, "document.querySelectorAll('#new-events .event-card').length === 8")
        page.locator("#new-events .event-card h2 a").last.click()
        page.wait_for_selector("#changes")
        assert "#/changes.html#at-" in page.url


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_hostile_names_stay_texts_on_cards(browser, hostile_data, tmp_path, size) -> None:
    worse = tuple(replace(own, better=Better.LOWER) for own in hostile_data.histories)
    site = write_site(replace(hostile_data, histories=worse), tmp_path)
    with opened(browser, site, size=size, fragment="#since=all", ready=READY) as page:
        page.wait_for_selector("#new-events .event-card")
        unfold(page)
        assert_harmless(page)
