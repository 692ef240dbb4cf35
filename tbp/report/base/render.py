"""Data → HTML and JavaScript text, with everything foreign escaped.

Takes what ``summary`` and ``detail`` found, gives whole files as text; writing them belongs to ``site``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from tbp.report.site.known_templates import known_templates
from tbp.wording import words

_HERE = Path(__file__).parent.parent
STATIC = _HERE / "static"
"""What pages load: scripts and styles."""

MARK = "written by tbp report"
"""In the first line of every file of a site, so that a later build knows which files it may replace or remove."""

# Scripts and styles come from files beside the page only: `file:` is what 'self' does not cover in every browser
# when a page is opened from a disk. plotly.js sets style attributes and a style element; it keeps the camera
# button's picture in a data: or blob: URL.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


def own_scripts_policy(scripts: Sequence[str]) -> str:
    """The policy of a page that holds its scripts itself: these and no others."""
    allowed = _sources(scripts)
    return CONTENT_SECURITY_POLICY.replace("'self' file:;", f"{allowed};", 1).replace("'self' file: ", "")


def _sources(scripts: Sequence[str]) -> str:
    """Each of ``scripts`` as a policy names it, by its SHA-256 digest."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


NAVIGATION = (
    ("index.html", "Summary"),
    ("changes.html", "Changes"),
    ("charts.html", "Charts"),
    ("heatmap.html", "Heatmap"),
    ("compare.html", "Compare"),
    ("machines.html", "Machines"),
    ("compression.html", "Compression"),
)
"""The pages every page links to: file and name."""


class Frame(Struct, frozen=True):
    """What surrounds every page."""

    project: str
    newest: str  # date of the newest commit with a result, with its zone; empty without any
    version: str
    root: str = ""  # from the page to the site's folder: "" or "../"
    points: str = "points.csv"  # the file of all points
    is_single: bool = False  # one file holds the whole site, and nothing lies beside it
    has_compression: bool = True  # whether there is something on that page


def index_html(summary: object, frame: Frame) -> str:
    return _environment().get_template("index.html").render(summary=summary, frame=frame)


def benchmark_html(page: object, frame: Frame) -> str:
    return _environment().get_template("benchmark.html").render(page=page, frame=frame)


def flames_html(page: Any) -> str:
    """A file of its own: styles, scripts and data are in it, and the policy names each script by its digest."""
    allowed = _sources(page.scripts)
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    scripts, style = [Markup(script) for script in page.scripts], Markup(page.style)
    template = _environment().get_template("flames.html")
    return template.render(page=page, policy=policy, scripts=scripts, style=style)


def page_html(template: str, page: object, frame: Frame) -> str:
    """The page made by ``template``, which knows ``page``."""
    return _environment().get_template(template).render(page=page, frame=frame)


def script_call(function: str, value: object) -> str:
    """JavaScript that hands ``value`` to ``function``: data for pages opened from a disk, where fetching fails."""
    return f"// {MARK}\n{function}({script_json(value)});\n"


def script_json(value: object) -> str:
    """JSON in ASCII that ends no script element and no line; NaN and infinities become null."""
    text = strict_json(value, (",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def strict_json(value: object, separators: tuple[str, str] = (", ", ": ")) -> str:
    """JSON in ASCII with null for NaN and infinities, which it has not."""
    try:
        return json.dumps(value, allow_nan=False, separators=separators)
    except ValueError:  # there is one
        return json.dumps(finite(value), allow_nan=False, separators=separators)


def finite(value: object) -> object:
    """``value`` with null for NaN and infinities, which JSON has not."""
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _visible(value: object) -> object:
    """What a template prints, without characters that act unseen; markup is made of texts that went through here."""
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        bytecode_cache=known_templates(),
        autoescape=True,
        auto_reload=False,  # templates do not change under a running report
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(mark=MARK, policy=CONTENT_SECURITY_POLICY, navigation=NAVIGATION)
    return environment
