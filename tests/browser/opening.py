"""Pages in a real browser, opened from the disk as a reader opens them, and what none of them may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DESKTOP, PHONE = (1280, 900), (390, 844)


@contextmanager
def quiet_page(browser: Any, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Iterator[Any]:
    """An empty page; on leaving, that nothing was complained about and nothing but files was asked for."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith("file:") else elsewhere.append(asked.url))
    try:
        yield page
    finally:
        context.close()
    assert complaints == []
    assert elsewhere == []


@contextmanager
def opened(
    browser: Any, path: Path, size: tuple[int, int] = DESKTOP, scheme: str = "light", fragment: str = ""
) -> Iterator[Any]:
    """The page at ``path``, as ``quiet_page``."""
    with quiet_page(browser, size, scheme) as page:
        page.goto(path.as_uri() + fragment)
        yield page


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
