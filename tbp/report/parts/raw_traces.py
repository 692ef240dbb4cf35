"""The files that the profiler wrote, as links, and how to open them.

Takes where traces lie below the results folder, gives addresses; the site holds no trace, and opens none by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from tbp.model.changes import RecordedTraces
from tbp.report.parts import addresses
from tbp.wording import words

MOST_LINKED = 3
"""Files linked of each side: one is looked at, and the others are of the same step."""

BELOW_SITE = "../"
"""From the page of a benchmark to the site's folder."""


class RawTrace(Struct, frozen=True):
    """One file."""

    name: str  # its path in the results folder
    href: str  # empty where the results are not beside the site


class RawSide(Struct, frozen=True):
    """The files of one commit."""

    commit: str
    traces: tuple[RawTrace, ...]
    rest: str  # files that are not linked, and those that were pruned, in words


class RawTraces(Struct, frozen=True):
    """The files behind a section; ``command`` writes repaired copies, and is empty where there is nothing whole."""

    sides: tuple[RawSide, ...]
    command: str


def raw_traces(recorded: Iterable[RecordedTraces], results: str) -> RawTraces | None:
    """The files of one commit, or of the two of a change; None without any. ``results`` is as of ``ReportData``."""
    several = [side for side in recorded if side.files or side.pruned]
    # `tbp export` takes no pruned trace, and refuses a commit that has some.
    whole = [side for side in several if not side.pruned]
    command = addresses.raw_traces(whole[0].key, *dict.fromkeys(side.commit for side in whole)) if whole else ""
    return RawTraces(tuple(_side(side, results) for side in several), command) if several else None


def _side(recorded: RecordedTraces, results: str) -> RawSide:
    shown, more = recorded.files[:MOST_LINKED], len(recorded.files) - MOST_LINKED
    pruned = words.count(recorded.pruned, "trace")
    only = "of which only the operators are kept"
    rest = [f"{more:,} more" if more > 0 else "", f"{pruned} pruned, {only}" if recorded.pruned else ""]
    return RawSide(
        recorded.commit.short,
        tuple(RawTrace(file, _href(file, results)) for file in shown),
        "; ".join(filter(None, rest)),
    )


def _href(file: str, results: str) -> str:
    """The address of a file below the results folder; none of what would lead out of it."""
    parts = file.split("/")
    if not results or not all(parts) or any(part in (".", "..") for part in parts):
        return ""
    return f"{BELOW_SITE}{results}/{_quoted(parts)}"


def _quoted(parts: Iterable[str]) -> str:
    return "/".join(quote(os.fsencode(part), safe="") for part in parts)


def results_address(folder: Path, site: Path, project: Path) -> str:
    """The relative address of ``folder`` from ``site``; empty unless both are below ``project``.

    All three are absolute, without links. What lies elsewhere on the disk has nothing to do with the site, and would
    be nowhere once the project's folder is published or moved.
    """
    if not folder.is_relative_to(project) or not site.is_relative_to(project):
        return ""
    return _quoted(Path(os.path.relpath(folder, site)).parts)
