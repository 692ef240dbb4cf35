"""The commits of an event that touch what everything is measured with, rather than the code under test.

Takes events and the files that commits touch, gives the events with those commits named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from tbp.history.events import Event, Touching
from tbp.history.ranges import Line

MOST_COMMITS = 100
"""Of a range: among more, some touch the requirements in any case."""

# What says which packages, and how they are built and measured; by name, wherever it lies.
_REQUIREMENTS = re.compile(
    r"(?:^|/)(?:asv\.conf\.json\w*|pyproject\.toml|setup\.(?:py|cfg)|pipfile"
    r"|requirements/[^/]+\.(?:txt|in)|[\w.-]*(?:requirements|constraints)[\w.-]*\.(?:txt|in|ya?ml)"
    r"|environment[\w.-]*\.ya?ml|[^/]*\.lock|[^/]*[-.]lock\.(?:json|ya?ml|toml)|pylock[\w.-]*\.toml)$",
    re.IGNORECASE,
)


def asked_of(events: Iterable[Event], line: Line) -> list[str]:
    """The hashes to ask git for: of the confirmed changes of the code, the newest event first."""
    return [name for event in events if _is_asked(event) for name in _hashes(event, line)]


def with_touching(
    events: Sequence[Event], line: Line, touched: Mapping[str, tuple[str, ...]], benchmark_dir: str
) -> tuple[Event, ...]:
    """``events`` with the commits in their ranges that touch the benchmark's own file, its requirements or asv's.

    ``touched`` has the paths that each commit touches; ``benchmark_dir`` is the folder that benchmarks are in.
    """
    return tuple(_with_touching(event, line, touched, benchmark_dir) if _is_asked(event) else event for event in events)


def _is_asked(event: Event) -> bool:
    return event.is_verdict and event.range.commits <= MOST_COMMITS


def _with_touching(event: Event, line: Line, touched: Mapping[str, tuple[str, ...]], benchmark_dir: str) -> Event:
    own = {path for change in event.members for path in _files_of(change.history.key.benchmark, benchmark_dir)}
    found = []
    for name in _hashes(event, line):
        files = tuple(path for path in touched.get(name, ()) if _REQUIREMENTS.search(path) or _is_one(path, own))
        if files:
            found.append(Touching(name, files))
    return replace(event, touching=tuple(found)) if found else event


def _hashes(event: Event, line: Line) -> Sequence[str]:
    return line.hashes[event.range.start : event.range.end + 1]


def _files_of(benchmark: str, benchmark_dir: str) -> list[str]:
    """Paths that a benchmark may be written in: its name begins with that of its module, which may be in a package."""
    folder = benchmark_dir.strip("/").rpartition("/")[2]
    parts = benchmark.split(".")
    modules = ["/".join([folder, *parts[:length]]) for length in range(1, len(parts))]
    return [f"{module}{end}" for module in modules for end in (".py", "/__init__.py")]


def _is_one(path: str, own: AbstractSet[str]) -> bool:
    """Whether it is one of ``own``, at the top or deeper: asv.conf.json may be in a folder of its own."""
    parts = path.split("/")
    return any("/".join(parts[at:]) in own for at in range(len(parts)))
