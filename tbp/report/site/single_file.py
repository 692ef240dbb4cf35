"""A whole site in one HTML file, to send or to attach to a build.

Takes the files of a site, gives one: the index is its page, the others lie in templates that static/single.js shows,
their data in blocks of JSON that no browser runs, and every script once, allowed by its hash. Nothing is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup, escape
from msgspec import Struct

from tbp.report.base.render import CONTENT_SECURITY_POLICY, own_scripts_policy

FIRST_SCRIPTS = ("static/app.js", "static/single.js")
"""In this order: what comes later may use the first and is watched by the second."""

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_MAIN = re.compile(r'<main id="main">\n(.*)\n</main>', re.DOTALL)
_SCRIPT = re.compile(r'<script (?:defer )?src="(?:\.\./)?([^"]*)"></script>\n?')
_STYLE = re.compile(r'<link rel="stylesheet" href="(?:\.\./)?([^"]*)">\n?')
_CALL = re.compile(r"// [^\n]*\n([A-Za-z.]+)\((.*)\);\n")


class _Page(Struct, frozen=True):
    """What one page has of its own. Its texts are HTML, escaped where they were made."""

    name: str
    title: str
    main: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]

    @property
    def calls(self) -> tuple[str, ...]:
        """The data it hands to scripts."""
        return tuple(name for name in self.scripts if name.startswith("data/"))


def single_file(contents: Mapping[str, bytes], index: str) -> bytes:
    """The site of ``contents`` (file name → bytes) as one page that begins with ``index``."""
    pages = {name: _page(name, content.decode()) for name, content in contents.items() if name.endswith(".html")}
    document = contents[index].decode()
    used = [name for page in pages.values() for name in page.scripts if name.startswith("static/")]
    scripts = [contents[name].decode() for name in dict.fromkeys((*FIRST_SCRIPTS, *used))]
    styles = dict.fromkeys(name for page in pages.values() for name in page.styles)
    blocks = [_blocks(name, content.decode()) for name, content in contents.items() if name.startswith("data/")]
    templates = [_template(page) for page in pages.values() if page.name != index]
    policy = own_scripts_policy(scripts)
    head, foot = _SCRIPT.sub("", document).split("</body>")
    head = head.replace(str(escape(CONTENT_SECURITY_POLICY)), str(escape(policy)), 1)
    head = _STYLE.sub("", head)
    head = head.replace(
        "</head>", "".join(f"<style>{contents[name].decode()}</style>\n" for name in styles) + "</head>", 1
    )
    head = head.replace("<body>", f'<body data-calls="{" ".join(pages[index].calls)}">', 1)
    # Nothing in a script may end its element or hide the end.
    if any(mark in script.lower() for script in scripts for mark in ("</script", "<!--")):
        raise ValueError("a static script holds the end of its own element")
    run = [f"<script>{script}</script>\n" for script in scripts]
    return "".join([head, *templates, *blocks, *run, "</body>", foot]).encode()


def _page(name: str, document: str) -> _Page:
    title, main = _TITLE.search(document), _MAIN.search(document)
    if title is None or main is None:
        raise ValueError(f"{name} is not made of base.html")
    return _Page(name, title[1], main[1], tuple(_SCRIPT.findall(document)), tuple(_STYLE.findall(document)))


def _template(page: _Page) -> str:
    name, calls = escape(page.name), escape(" ".join(page.calls))
    title = escape(Markup(page.title).unescape())
    return f'<template data-page="{name}" data-title="{title}" data-calls="{calls}">\n{page.main}\n</template>\n'


def _blocks(name: str, script: str) -> str:
    """``tbp.chart({…});`` as data; it is JSON in which ``pages.script_json`` left no ``<`` and no line end."""
    calls = _CALL.findall(script)
    if "<" in script or _CALL.sub("", script):
        raise ValueError(f"{name} is more than calls with JSON")
    file = escape(name)
    return "".join(
        f'<script type="application/json" data-file="{file}" data-call="{called}">{value}</script>\n'
        for called, value in calls
    )
