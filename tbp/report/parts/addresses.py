"""Addresses in a report: file names and anchors for hostile benchmark names, commit links, commands to copy.

Pure functions from names to strings that are safe in a file name, in a URL or in a shell.
"""

from __future__ import annotations

import re
import shlex
from base64 import b32encode
from hashlib import sha256
from urllib.parse import quote

from tbp.model.changes import History
from tbp.model.series import Commit, SeriesKey, short_hash
from tbp.project.bench_filter import exact_regex
from tbp.project.links import web_address

INDEX = "index.html"
"""The page that a reader opens."""

SLUG_LENGTH = 60
"""Characters of a name kept in a file name: readable, and far below the 255 bytes a file system allows."""

DIGEST_LENGTH = 24
"""Characters of base32, five bits each: a pair of names with one digest takes 2^60 tries, 80,000 with 32 bits."""

ANCHOR_LENGTH = 16
"""Two series that share an anchor, found in 2^40 tries, are still on one page; and an index has 10,000 anchors."""

HASH = re.compile(r"[0-9a-fA-F]{4,64}")


def digest(text: str, length: int = DIGEST_LENGTH) -> str:
    """Letters and digits that tell two names apart whose slugs are equal; nobody can make two names with one digest."""
    return b32encode(sha256(text.encode("utf-8", "surrogatepass")).digest())[:length].decode().lower()


def slug(name: str) -> str:
    """``name`` as a file name without its extension: ASCII, no dots or separators, unlike every other name's."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", name)[:SLUG_LENGTH].strip("-")
    return f"{readable}-{digest(name)}" if readable else digest(name)


def page_file(benchmark: str) -> str:
    """The benchmark's page, relative to the site."""
    return f"benchmarks/{slug(benchmark)}.html"


def data_file(benchmark: str) -> str:
    """The benchmark's chart data, relative to the site."""
    return f"data/{slug(benchmark)}.js"


def more_file(benchmark: str) -> str:
    """The chart data of the series that are not drawn at first, relative to the site. No other slug has a dot."""
    return f"data/{slug(benchmark)}.more.js"


def part_file(benchmark: str, part: str) -> str:
    """A part of what a page of many series, or of long evidence, does not hold itself; relative to the site."""
    return f"data/{slug(benchmark)}.part-{part}.js"


def anchor(key: SeriesKey) -> str:
    """The id of a series on its benchmark's page."""
    return "s-" + digest(repr((key.benchmark, key.parameters, key.machine, key.environment)), ANCHOR_LENGTH)


def series_href(history: History) -> str:
    """The series on its benchmark's page, from the site's folder."""
    return f"{page_file(history.key.benchmark)}#{anchor(history.key)}"


def commit_anchor(commit_hash: str) -> str:
    """The id of a commit on the page of changes."""
    return "at-" + digest(commit_hash, ANCHOR_LENGTH)


def changes_of(commit: Commit) -> str:
    """The changes that a commit made, relative to the site."""
    return f"changes.html#{commit_anchor(commit.hash)}"


def accept(benchmark: str, commit: Commit) -> str:
    """The command that accepts what the commit did to the benchmark; empty when the hash is none."""
    if not HASH.fullmatch(commit.hash) or not benchmark.isprintable() or benchmark.startswith("-"):
        return ""
    return f"tbp ack {shlex.quote(benchmark)} {short_hash(commit.hash)} --reason 'why it is accepted'"


def accept_event(before: Commit | None, first: Commit, options: str = "--reason 'why it is accepted'") -> str:
    """The command that accepts the event between the two commits, whoever saw it; empty when a hash is none.

    Other ``options`` of ``tbp ack`` say something else of it.
    """
    hashes = [commit.hash for commit in (before, first) if commit is not None]
    if not all(map(HASH.fullmatch, hashes)):
        return ""
    return f"tbp ack {'..'.join(short_hash(name) for name in hashes)} {options}"


def commit_href(commit_url: str, commit: Commit) -> str:
    """A link to the commit; empty unless ``commit_url`` is http(s) with a host."""
    prefix = web_address(commit_url)
    return prefix + quote(commit.hash, safe="", errors="replace") if prefix else ""


def bench_regex(key: SeriesKey) -> str:
    """A regex for ``asv run --bench`` that picks this series; without parameters, all series of the benchmark.

    asv matches ``name(param, param)`` where each parameter is a repr; a series has them without the quotes of strings.
    """
    return exact_regex(key.benchmark, [value for _, value in key.parameters])


def middle(before: Commit, after: Commit) -> str:
    """The commit that git would bisect to between the two, as a shell has it: for ``reproduction``."""
    return f'"$(git rev-list --first-parent --bisect {before.short}..{after.short})"'


def reproduction(key: SeriesKey, commit: Commit, revision: str = "") -> str:
    """The command that measures this series on this commit, or on another ``revision``; empty when the hash is none."""
    if not HASH.fullmatch(commit.hash):
        return ""
    measured = f"{revision}'^!'" if revision else shlex.quote(f"{commit.short}^!")
    return f"asv run --bench {shlex.quote(bench_regex(key))} {measured}"


def failure(key: SeriesKey, commit: Commit) -> str:
    """The command that shows why this series has no value on this commit; empty when the hash is none.

    asv stores no reason, and prints what a benchmark printed only if it is asked to.
    """
    return reproduction(key, commit).replace("asv run ", "asv run --show-stderr ", 1)


def gate(key: SeriesKey, before: Commit, after: Commit) -> str:
    """The command that measures both commits in turns on this series; empty where a hash is none."""
    if not all(HASH.fullmatch(commit.hash) for commit in (before, after)):
        return ""
    return f"tbp gate {before.short} {after.short} --bench {shlex.quote(bench_regex(key))}"


def bisect(key: SeriesKey, before: Commit, after: Commit) -> str:
    """The command that searches the commits after ``before`` for the one that changed this series; empty as ``gate``.

    Its search follows first parents, as ranges do.
    """
    if not all(HASH.fullmatch(commit.hash) for commit in (before, after)):
        return ""
    return f"tbp bisect {shlex.quote(bench_regex(key))} {before.short} {after.short}"


def raw_traces(key: SeriesKey, *commits: Commit) -> str:
    """The command that writes this series' traces of these commits for ui.perfetto.dev; empty when a hash is none."""
    if not all(HASH.fullmatch(commit.hash) for commit in commits):
        return ""
    names = [commit.short for commit in commits]
    return f"tbp export --perfetto traces-{'-'.join(names)} --bench {shlex.quote(bench_regex(key))} {' '.join(names)}"
