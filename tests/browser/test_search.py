"""The search of all pages, in a real browser."""

import pytest

from tbp.report.site.build import write_single_file

from .opening import DESKTOP, PHONE, assert_harmless, opened, overflow, violations, wait_until
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIELD = "#search-all input"


def searched(page, text: str) -> list[str]:
    """The kinds of what is found, with their counts."""
    page.fill(FIELD, text)
    wait_until(page, "tbp.search.kinds.length")
    return page.locator("#finds [role=group]").evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))")


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_a_slash_opens_the_search_and_enter_leads_to_a_series(browser, plausible_site, size, scheme) -> None:
    with opened(browser, plausible_site.parent / "machines.html", size, scheme) as page:
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.name") == "search"
        assert searched(page, "sdpa attention 1024") == ["Series · 2"]
        assert violations(page) == []
        assert overflow(page) <= 0
        first, second = page.locator("#finds a").all()
        assert first.inner_text().endswith("✖ regression")
        assert (first.get_attribute("aria-selected"), second.get_attribute("aria-selected")) == ("true", "false")
        address = first.get_attribute("href").split("/")[-1]
        page.keyboard.press("ArrowDown")
        assert page.get_attribute(FIELD, "aria-activedescendant") == second.get_attribute("id")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        page.wait_for_selector("#chart[data-ready]")
        assert page.url.endswith(address)
        assert page.locator(f"[id='{address.split('#')[1]}'][open]").count() == 1


def test_every_kind_is_found_and_leads_to_its_place(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site), ready="#chart[data-ready]") as page:
        page.click("#search")
        wait_until(page, "tbp.search.kinds.length")
        assert searched(page, "") == ["Pages · 6"]
        assert [kind.split(" ")[0] for kind in searched(page, "t")] == [
            "Pages", "Benchmarks", "Series", "Events", "Commits", "Machines", "Words",
        ]  # fmt: skip
        assert page.locator("#finds a").count() == 20
        assert "type more" in page.inner_text("#search-all [role=status]")
        assert searched(page, "no such thing") == []
        # A whole hash finds its commit and the event that it made, with its anchor.
        commit = page.evaluate("tbp.commitList.hash[90]")
        assert [kind.split(" ")[0] for kind in searched(page, commit)] == ["Events", "Commits"]
        page.keyboard.press("Enter")
        page.wait_for_selector("#changes")
        assert page.locator(f"[id='{page.url.split('#')[1]}']").is_visible()
        # On the page itself, whatever its filter hides.
        page.fill("#changes-filter input[type=search]", "nothing has this")
        page.click("#search")
        searched(page, commit)
        page.locator("#finds a").first.click()
        wait_until(page, "!document.querySelector('#search-all').open")
        place = page.locator(f"[id='{page.url.split('#')[1]}']")
        wait_until(page, f"document.getElementById('{page.url.split('#')[1]}').checkVisibility()")
        assert 0 <= place.bounding_box()["y"] < 900
        page.click("#search")
        assert searched(page, "twin") == ["Words · 1"]
        page.keyboard.press("Enter")
        page.wait_for_selector("#words")
        assert page.locator(":target dt").inner_text() == "twin"


def test_a_slash_in_a_field_is_a_slash_and_escape_gives_the_focus_back(browser, plausible_site) -> None:
    with opened(browser, plausible_site.parent / "changes.html") as page:
        page.focus("#changes-filter input[type=search]")
        page.keyboard.press("/")
        assert page.input_value("#changes-filter input[type=search]") == "/"
        assert page.locator("#search-all[open]").count() == 0
        page.focus("#theme")
        page.keyboard.press("/")
        assert page.locator("#search-all[open]").count() == 1
        page.keyboard.press("Escape")
        assert page.locator("#search-all[open]").count() == 0
        assert page.evaluate("document.activeElement.id") == "theme"


def test_hostile_names_are_text(browser, hostile_site) -> None:
    with opened(browser, hostile_site.parent / "words.html", PHONE) as page:
        page.keyboard.press("/")
        assert len(searched(page, "script")) > 3
        assert page.locator("#finds :is(img, script, svg, b)").count() == 0
        assert_harmless(page)
        page.keyboard.press("Enter")
        page.wait_for_selector("#chart[data-ready]")
        assert_harmless(page)


def test_a_report_of_one_file_is_searched_too(browser, plausible_data, tmp_path) -> None:
    with opened(browser, write_single_file(plausible_data, tmp_path / "report.html")) as page:
        page.keyboard.press("/")
        assert searched(page, "sdpa attention 1024") == ["Series · 2"]
        page.keyboard.press("Enter")
        page.wait_for_selector("#chart[data-ready]")
        assert page.inner_text("h1").startswith("attention")
        page.keyboard.press("/")
        assert searched(page, "twin") == ["Words · 1"]
        page.keyboard.press("Enter")
        page.wait_for_selector("#words")
        assert page.locator("#search-all[open]").count() == 0
        assert "#/words.html#w-" in page.url
