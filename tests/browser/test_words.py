"""Words are explained where they stand: by pointer, keyboard and touch, and on one page."""

import pytest

from .opening import DESKTOP, PHONE, opened, overflow, violations, wait_until
from .test_site import benchmark_page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MARKED = "document.querySelectorAll('.term').length > 1"


def test_a_word_is_explained_by_keyboard_and_escape_closes_it(browser, plausible_site) -> None:
    with opened(browser, plausible_site.parent / "machines.html") as page:
        wait_until(page, MARKED)
        word = page.locator(".term").first
        word.focus()
        tip = page.locator("#word-tip")
        assert tip.is_visible()
        assert tip.inner_text().startswith(word.inner_text())
        assert word.get_attribute("aria-describedby") == "word-tip"
        page.keyboard.press("Escape")
        assert not tip.is_visible()


def test_each_word_is_marked_once_a_page(browser, plausible_site) -> None:
    with opened(browser, benchmark_page(plausible_site, "attention")) as page:
        wait_until(page, MARKED)
        words = [text.lower() for text in page.locator(".term").all_inner_texts()]
        assert len(words) == len(set(words))


def test_a_state_is_explained_under_the_pointer(browser, plausible_site) -> None:
    with opened(browser, plausible_site.parent / "index.html") as page:
        wait_until(page, "tbp.words.meanings.size > 10")
        page.locator(".tile.regression .number").hover()
        wait_until(page, "!document.getElementById('word-tip').hidden")
        assert "for the worse" in page.inner_text("#word-tip")
        page.mouse.move(2, 2)
        wait_until(page, "document.getElementById('word-tip').hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_page_of_words_has_them_all(browser, plausible_site, size, scheme) -> None:
    with opened(browser, plausible_site.parent / "words.html", size, scheme) as page:
        assert "twin" in page.inner_text("#words")
        assert overflow(page) <= 0
        assert violations(page) == []
    with opened(browser, plausible_site.parent / "machines.html", size, scheme) as page:
        assert page.locator("footer a[href$='words.html']").count() == 1
        wait_until(page, MARKED)
        page.locator(".term").first.click()
        wait_until(page, "!document.getElementById('word-tip').hidden")
        assert overflow(page) <= 0
        assert violations(page) == []
