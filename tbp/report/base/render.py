"""Data → HTML and JavaScript text, with everything foreign escaped.

Takes the data of a page and its template, gives whole files as text; writing them belongs to ``site``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from tbp.report.base.packing import packed
from tbp.system.strict_json import strict_json
from tbp.wording import words

_HERE = Path(__file__).parent.parent
STATIC = _HERE / "static"
"""The folder of the scripts and styles that pages load."""

STYLES = ("base/style.css", "pages/pages.css")
"""Every page has both, as a report of one file has."""

MARK = "written by tbp report"
"""In the first line of every file of a site, so that a later build knows which files it may replace or remove."""

# What stands around the content of a page in base.html; all else there is escaped, and so cannot hold either.
_BEFORE_MAIN, _AFTER_MAIN = b'<main id="main">\n', b"\n</main>\n<footer>"

# Scripts and styles come from files beside the page only: `file:` is what 'self' does not cover in every browser
# when a page is opened from a disk. plotly.js sets style attributes and a style element; it keeps the camera
# button's picture in a data: or blob: URL.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


OF_EVERY_PAGE = ("base/app", "base/words")
"""The scripts that every page of a site has, by its template."""

OF_SEARCH = ("base/dom", "base/unpacking", "base/search")
"""The scripts that every page has where there are series to find; those of pages build on the first two."""

SCRIPT_OF_SINGLE_FILE = "base/single_file"
"""The script that only a report of one file has: it shows the pages that lie in its templates."""


class NavigationEntry(Struct, frozen=True):
    """A page that every page links to."""

    file: str
    title: str


class Frame(Struct, frozen=True):
    """Facts that the surroundings of every page show."""

    project: str
    newest: str  # date of the newest commit with a result, with its zone; empty without any
    version: str
    root: str = ""  # from the page to the site's folder: "" or "../"
    points: str = "points.csv"  # the file of all points
    is_single: bool = False  # one file holds the whole site, and nothing lies beside it
    navigation: tuple[NavigationEntry, ...] = ()
    has_search: bool = False  # there are series to find


class RenderedPage(Struct, frozen=True):
    """A page without its surroundings, which a site and a report of one file put around it."""

    file: str  # relative to the site
    title: str
    main: str  # HTML
    scripts: tuple[str, ...] = ()  # relative to the static folder, without ``.js``, in the order in which they run
    opens: tuple[str, ...] = ()  # data files that are loaded with the page


class DataFile(Struct, frozen=True):
    """Data for scripts: values, each with the function of tbp's scripts that takes it."""

    name: str  # relative to the site
    calls: tuple[tuple[str, object], ...]

    @property
    def script(self) -> str:
        return "".join(script_call(function, value) for function, value in self.calls)


def within(frame: Frame) -> Frame:
    """``frame`` as the content of a page knows it: without what only its surroundings show."""
    return replace(frame, newest="", navigation=())


def main_html(template: str, page: object, frame: Frame) -> str:
    """The content of a page made by ``template``, which knows ``page`` and ``within(frame)``."""
    return _environment().get_template(template).render(page=page, frame=within(frame))


def main_of(file: bytes) -> bytes:
    """The content of the page that a file of the site has; nothing where the file is no such page."""
    start, end = file.find(_BEFORE_MAIN), file.rfind(_AFTER_MAIN)
    return file[start + len(_BEFORE_MAIN) : end] if 0 <= start < end else b""


def fragment_html(template: str, content: object) -> str:
    """A part of a page made by ``template``, which knows ``content``."""
    return _environment().get_template(template).render(content=content)


def macro_html(template: str, macro: str, content: object) -> Markup:
    """A part of a page made by a macro of ``template``, which takes ``content``."""
    return Markup(getattr(_environment().get_template(template).module, macro)(content))


def page_html(page: RenderedPage, frame: Frame) -> str:
    """A file of the site: it loads scripts, styles and data from files beside it."""
    return (
        _environment()
        .get_template("base.html")
        .render(page=_marked(page), frame=frame, styles=STYLES, search=OF_SEARCH if frame.has_search else ())
    )


def single_html(pages: Sequence[RenderedPage], data: Iterable[DataFile], frame: Frame) -> str:
    """All pages in one file that begins with the first of them.

    The others lie in templates, the data in blocks of JSON that no browser runs, and each script is there once, allowed
    by its digest.
    """
    search = OF_SEARCH if frame.has_search else ()
    used = dict.fromkeys(
        (*OF_EVERY_PAGE, *search, SCRIPT_OF_SINGLE_FILE, *(script for page in pages for script in page.scripts))
    )
    scripts = [script_text(f"{name}.js") for name in used]
    vendors = sorted(STATIC.glob("vendor/*.txt")) if any(name.startswith("vendor/") for name in used) else []
    licences = [path.read_text("utf-8") for path in vendors]
    # Nothing in a script may end its element or hide the end.
    if any(mark in text.lower() for text in (*scripts, *licences) for mark in ("</script", "<!--")):
        raise ValueError("a static script holds the end of its own element")
    return (
        _environment()
        .get_template("single.html")
        .render(
            page=_marked(pages[0]),
            others=[_marked(page) for page in pages[1:]],
            frame=frame,
            policy=_own_scripts_policy(scripts),
            styles=[Markup(static_text(name)) for name in STYLES],
            blocks=[
                (file.name, function, Markup(script_json(value))) for file in data for function, value in file.calls
            ],
            scripts=[Markup(script) for script in scripts],
            licences=[Markup(licence) for licence in licences],
        )
    )


def _marked(page: RenderedPage) -> dict[str, object]:
    """``page`` for a template that surrounds it: its content is HTML already."""
    return {**{name: getattr(page, name) for name in page.__struct_fields__}, "main": Markup(page.main)}


def static_text(name: str) -> str:
    """A script or style by its name in the static folder."""
    return (STATIC / name).read_text("utf-8")


@cache
def script_text(name: str) -> str:
    """A script by its name in the static folder, as readers load it: without our comments and indentation.

    No text of a script goes over several lines, so what begins a line is nothing that a reader sees.
    """
    text = static_text(name)
    if name.startswith("vendor/"):
        return text
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("//")]
    return "\n".join([f"// {MARK}", *lines, ""])


def _own_scripts_policy(scripts: Sequence[str]) -> str:
    """The policy of a page that holds its scripts itself: these and no others."""
    allowed = _sources(scripts)
    return CONTENT_SECURITY_POLICY.replace("'self' file:;", f"{allowed};", 1).replace("'self' file: ", "")


def _sources(scripts: Sequence[str]) -> str:
    """Each of ``scripts`` as a policy names it, by its SHA-256 digest."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def flames_html(scripts: Sequence[str], **page: object) -> str:
    """A file of its own: styles, scripts and data are in it, and the policy names each script by its digest.

    ``scripts`` are ours or of ``script_call``: they are not escaped.
    """
    policy = (
        f"default-src 'none'; script-src {_sources(scripts)}; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )
    style, template = Markup(static_text(STYLES[0])), _environment().get_template("flames.html")
    return template.render(page=page, policy=policy, scripts=[*map(Markup, scripts)], style=style)


def script_call(function: str, value: object) -> str:
    """JavaScript that hands ``value`` to ``function``: data for pages opened from a disk, where fetching fails."""
    return f"// {MARK}\n{function}({script_json(value)});\n"


def packed_call(function: str, value: object) -> tuple[str, object]:
    """A call of a ``DataFile`` for data that grows with the runs; its function is called when it is unpacked."""
    return "tbp.packed", [function, packed(value)]


def script_json(value: object) -> str:
    """JSON in ASCII that ends no script element and no line; NaN and infinities become null."""
    text = strict_json(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _visible(value: object) -> object:
    """The text that a template prints, without characters that act unseen; markup consists of such texts."""
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        auto_reload=False,  # templates do not change under a running report
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = words.percent
    environment.globals.update(mark=MARK, policy=CONTENT_SECURITY_POLICY)
    return environment
