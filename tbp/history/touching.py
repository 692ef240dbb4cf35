"""The commits of an event that touch the benchmarks or their requirements, rather than the code under test.

Takes events and the files that commits touch, gives the events with those commits named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from tbp.history.events import Event, Touching
from tbp.history.ranges import CommitOrder

# Commits of a range: among more, some touch the requirements in any case.
MOST_COMMITS = 100

# Folder beside a suite's module that holds its builds, as in tbp's own benchmarks and those of ``tbp demo``.
WORKLOADS = "workloads"

# Files that say which packages there are, how they are built and what asv does; by name, wherever they lie.
_REQUIREMENTS = re.compile(
    r"(?:^|/)(?:asv\.conf\.json\w*|pyproject\.toml|setup\.(?:py|cfg)|pipfile"
    r"|requirements/[^/]+\.(?:txt|in)|[\w.-]*(?:requirements|constraints)[\w.-]*\.(?:txt|in|ya?ml)"
    r"|environment[\w.-]*\.ya?ml|[^/]*\.lock|[^/]*[-.]lock\.(?:json|ya?ml|toml)|pylock[\w.-]*\.toml)$",
    re.IGNORECASE,
)


def to_ask(events: Iterable[Event], order: CommitOrder) -> list[str]:
    """The hashes whose files git must list: of the confirmed changes of the code, the newest event first."""
    return [commit_hash for event in events if _is_looked_up(event) for commit_hash in _hashes(event, order)]


def with_touching(
    events: Sequence[Event], order: CommitOrder, touched: Mapping[str, tuple[str, ...]], benchmark_dir: str
) -> tuple[Event, ...]:
    """``events`` with the commits in their ranges that touch the benchmark's own file, its requirements or asv's.

    ``touched`` has the paths that each commit touches; ``benchmark_dir`` is the folder that benchmarks are in.
    """
    return tuple(
        replace(event, touching=_touching(event, order, touched, benchmark_dir)) if _is_looked_up(event) else event
        for event in events
    )


def _is_looked_up(event: Event) -> bool:
    return event.is_verdict and event.range.commits <= MOST_COMMITS


def _touching(
    event: Event, order: CommitOrder, touched: Mapping[str, tuple[str, ...]], benchmark_dir: str
) -> tuple[Touching, ...]:
    modules = {path for change in event.members for path in _modules(change.history.key.benchmark, benchmark_dir)}
    commits = []
    for commit_hash in _hashes(event, order):
        paths = touched.get(commit_hash, ())
        files = tuple(path for path in paths if _REQUIREMENTS.search(path) or _is_module(path, modules))
        if files:
            commits.append(Touching(commit_hash, files))
    return tuple(commits)


def _hashes(event: Event, order: CommitOrder) -> Sequence[str]:
    return order.hashes[event.range.start : event.range.end + 1]


def _modules(benchmark: str, benchmark_dir: str) -> list[str]:
    """Paths that a benchmark may be written in: its name begins with that of its module, which may be in a package.

    A module of that name in a folder ``workloads`` beside it is part of it: the builds of its suites.
    """
    package = benchmark_dir.strip("/").rpartition("/")[2]
    modules = []
    for name in benchmark.split(".")[:-1]:
        modules += [f"{package}/{name}", f"{package}/{WORKLOADS}/{name}"]
        package = f"{package}/{name}"
    return [f"{module}{ending}" for module in modules for ending in (".py", "/__init__.py")]


def _is_module(path: str, modules: AbstractSet[str]) -> bool:
    """True for one of ``modules``, at the top or deeper: asv.conf.json may be in a folder of the repository."""
    parts = path.split("/")
    return any("/".join(parts[at:]) in modules for at in range(len(parts)))
