"""The docs site: Sphinx reads these Markdown files through MyST, and furo shows them. ``nox -s docs`` builds it.

Sphinx is asked to treat each warning as an error, so a link or an anchor that leads nowhere ends the build.
"""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

from pages_from_code import GENERATED

project = "tbp"
copyright = ""  # noqa: A001 – Sphinx's name
extensions = ["myst_parser"]
exclude_patterns = ["notebooks/*"]
nitpicky = True
smartquotes = False  # a command is copied as it stands

myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]  # a page may begin with ## below its title, as GitHub shows it

html_theme = "furo"
html_title = "tbp"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_show_search_summary = False  # it fetches pages, which no browser allows from a disk
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["static"]
html_js_files = [("accessible.js", {"defer": "defer"})]
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# `nox -s docs -- links` asks every address. These answer no program, or need somebody who is logged in.
linkcheck_anchors = False
linkcheck_timeout = 20

_ENTRY = re.compile(r"^(?:## (?P<caption>.+)|- \[[^\]]+\]\((?P<page>[\w./-]+)\.md\))", re.MULTILINE)


def navigation(markdown: str) -> str:
    """A hidden table of contents for each heading of an index whose list links to pages: the site's navigation."""
    pages: dict[str, list[str]] = {}
    caption = ""
    for entry in _ENTRY.finditer(markdown):
        caption = entry["caption"] or caption
        if entry["page"]:
            pages.setdefault(caption, []).append(entry["page"])
    return "".join(
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"
        for caption, names in pages.items()
    )


def complete(app: Sphinx, name: str, source: list[str]) -> None:
    """Puts into a page what is made when the site is built: its generated parts, and the navigation of an index."""
    if name.rpartition("/")[2] == "index":
        source[0] += navigation(source[0])
    for marker, make in GENERATED.items():
        if marker in source[0]:
            source[0] = source[0].replace(marker, make())


def setup(app: Sphinx) -> None:
    """Sphinx calls this once."""
    app.connect("source-read", complete)
