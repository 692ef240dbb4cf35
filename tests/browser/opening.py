"""Pages in a real browser, opened from the disk as a reader opens them, and what none of them may do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DESKTOP, PHONE = (1280, 900), (390, 844)


@contextmanager
def quiet_page(browser: Any, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Iterator[Any]:
    """An empty page; on leaving, that nothing was complained about and nothing but files was asked for.

    A blob is what the page itself made, such as a picture of a chart.
    """
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "blob:")) else elsewhere.append(asked.url))
    try:
        yield page
    finally:
        context.close()
    assert complaints == []
    assert elsewhere == []


@contextmanager
def opened(
    browser: Any, path: Path, size: tuple[int, int] = DESKTOP, scheme: str = "light", *, fragment: str = "",
    ready: str = "",
) -> Iterator[Any]:  # fmt: skip
    """The page at ``path``, as ``quiet_page``, once there is an element ``ready``."""
    with quiet_page(browser, size, scheme) as page:
        page.goto(path.as_uri() + fragment)
        if ready:
            page.wait_for_selector(ready)
        yield page


@contextmanager
def without_scripts(browser: Any, path: Path) -> Iterator[Any]:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    yield page
    context.close()


def reload(page: Any, ready: str) -> None:
    page.reload()
    page.wait_for_selector(ready)


def unfold(page: Any, within: str = "details") -> None:
    for folded in page.locator(within).all():
        folded.evaluate("one => { one.open = true; }")


def assert_harmless(page: Any) -> None:
    """No name of the report has become an element, a handler or a link, or is too wide."""
    assert page.locator("main img, main b script, main script, [onload], [onerror], body script").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.title() != "owned"
    assert overflow(page) <= 0


def wait_until(page: Any, expression: str) -> None:
    """Returns once ``expression`` is true in the page.

    ``page.wait_for_function`` asks a second time with an eval in the page, which the page's policy forbids.
    """
    for _ in range(1000):
        if page.evaluate(f"Boolean({expression})"):
            return
        page.wait_for_timeout(10)
    raise AssertionError(f"never true: {expression}")


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def violations(page: Any, where: str = "document") -> list[str]:
    """What axe finds wrong in ``where`` (an expression), each with the elements it is about."""
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    # Evaluated, since the page's policy forbids a script element; without preload, which would fetch the styles.
    page.evaluate(Path(package.__file__).with_name("axe.min.js").read_text("utf-8"))
    found = page.evaluate(f"axe.run({where}, {{ preload: false }}).then((result) => result.violations)")
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]
