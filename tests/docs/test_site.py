"""The docs site: it builds without a warning, no link is broken, and axe finds nothing wrong with its pages."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from ..browser.opening import DESKTOP, PHONE, opened, overflow, violations
from .documents import ROOT

pytestmark = pytest.mark.slow

# One of each kind: a picture, the form of the search, options in tables, wide tables beside blocks of code.
LOOKED_AT = ("index", "search", "reference/command-line", "reference/flops")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install --group docs")
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        str(ROOT / "docs"),
        str(folder),
    ]
    done = subprocess.run(command, env=os.environ | {"PYTHONWARNINGS": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


class Links(HTMLParser):
    """The names that a page has for its parts, and the addresses that it leads to or loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.names.add(value)
            elif name in ("href", "src") and value:
                self.addresses.add(value)


def test_no_link_inside_the_site_is_broken(site: Path) -> None:
    """Links of the theme and of generated parts too, with their anchors: what a reader can click on."""
    pages = {path.resolve(): Links(path) for path in site.rglob("*.html")}
    assert len(pages) > 40
    broken = []
    for path, page in pages.items():
        for address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            fragment = unquote(parts.fragment)
            has_part = not fragment or target not in pages or fragment in pages[target].names
            if not target.exists() or not has_part:
                broken.append((path.name, address))
    assert broken == []


def test_nothing_of_the_site_is_loaded_from_elsewhere(site: Path) -> None:
    texts = [path.read_text("utf-8") for path in [*site.rglob("*.html"), *site.rglob("*.css")]]
    loaded = [text for text in texts if 'src="http' in text or "url(http" in text or "@import" in text]
    assert loaded == []


def test_the_command_line_is_that_of_the_parser(site: Path) -> None:
    from tbp.cli import VERBS

    page = (site / "reference" / "command-line.html").read_text("utf-8")
    assert all(f'id="tbp-{verb.replace(" ", "-")}"' in page for verb in VERBS)
    assert "--false-discovery-rate" in page


@pytest.mark.browser
@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_page_is_for_everybody(site: Path, browser: Any, name: str) -> None:
    """axe finds nothing in light and dark, on a desktop and on a phone, and nothing is wider than the screen."""
    for size in (DESKTOP, PHONE):
        for scheme in ("light", "dark"):
            with opened(browser, site / f"{name}.html", size, scheme) as page:
                assert overflow(page) <= 0
                assert violations(page) == []


@pytest.mark.browser
def test_the_search_works_from_the_disk(site: Path, browser: Any) -> None:
    with opened(
        browser, site / "search.html", fragment="?q=yardstick", ready="#search-results p.search-summary"
    ) as page:
        page.locator("#search-results li", has_text="The ruler").wait_for()
