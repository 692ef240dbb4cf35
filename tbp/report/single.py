"""A whole site in one HTML file, to send or to attach to a build.

Takes the files of a site, gives one: the index is its page, the others lie in templates that static/single.js shows,
their data in blocks of JSON that no browser runs, and every script once, allowed by its hash. Nothing is loaded.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from tbp.report.pages import CONTENT_SECURITY_POLICY, script_hashes_policy

FIRST_SCRIPTS = ("static/app.js", "static/single.js")
"""In this order: what comes later may use the first and is watched by the second."""

_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_MAIN = re.compile(r'<main id="main">\n(.*)\n</main>', re.DOTALL)
_SCRIPT = re.compile(r'<script (?:defer )?src="(?:\.\./)?([^"]*)"></script>\n?')
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]*)">')
_CALL = re.compile(r"// [^\n]*\n([A-Za-z.]+)\((.*)\);\n", re.DOTALL)


@dataclass(frozen=True)
class _Page:
    """What one page has of its own. Its texts are HTML, escaped where they were made."""

    name: str
    title: str
    main: str
    scripts: tuple[str, ...]

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
    blocks = [_block(name, contents[name].decode()) for page in pages.values() for name in page.calls]
    templates = [_template(page) for page in pages.values() if page.name != index]
    policy = script_hashes_policy([_hash(script) for script in scripts])
    head, foot = _SCRIPT.sub("", document).split("</body>")
    head = head.replace(str(escape(CONTENT_SECURITY_POLICY)), str(escape(policy)), 1)
    head = _STYLE.sub(lambda found: f"<style>{contents[found[1]].decode()}</style>", head)
    head = head.replace("<body>", f'<body data-calls="{" ".join(pages[index].calls)}">', 1)
    # Nothing in a script may end its element or hide the end.
    if any(mark in script.lower() for script in scripts for mark in ("</script", "<!--")):
        raise ValueError("a static script holds the end of its own element")
    run = [f"<script>{script}</script>\n" for script in scripts]
    return "".join([head, *templates, *dict.fromkeys(blocks), *run, "</body>", foot]).encode()


def _page(name: str, document: str) -> _Page:
    title, main = _TITLE.search(document), _MAIN.search(document)
    if title is None or main is None:
        raise ValueError(f"{name} is not made of base.html")
    return _Page(name, title[1], main[1], tuple(_SCRIPT.findall(document)))


def _template(page: _Page) -> str:
    name, calls = escape(page.name), escape(" ".join(page.calls))
    title = escape(Markup(page.title).unescape())
    return f'<template data-page="{name}" data-title="{title}" data-calls="{calls}">\n{page.main}\n</template>\n'


def _block(name: str, script: str) -> str:
    """``tbp.chart({…});`` as data; it is JSON in which ``pages.script_json`` left no ``<``."""
    call = _CALL.fullmatch(script)
    if call is None or "<" in call[2]:
        raise ValueError(f"{name} is no call with JSON")
    return f'<script type="application/json" data-file="{escape(name)}" data-call="{call[1]}">{call[2]}</script>\n'


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
