"""asv in a repository before tbp comes: its configuration, its suites, and folders that only look like them.

Nothing is imported: files are read as text, or as JSON5 by ``tbp.project.asv_config``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from tbp.project.asv_config import DEFAULT_NAMES
from tbp.project.git import GitFailed, git, lines_of
from tbp.system.bounded import read_plain

# asv's benchmarks, as functions and methods or as classes; https://asv.readthedocs.io/en/stable/writing_benchmarks.html
_BENCHMARK = re.compile(
    rb"^\s*(?:def (?:time|timeraw|mem|peakmem|track|torchtime)_\w+|class \w+\(bench\.Suite\))", re.MULTILINE
)
_BY_NAME = re.compile(rb"^(?:def|class) (?:Time|Mem|PeakMem|Track)[A-Z_]\w*", re.MULTILINE)
_NO_PROJECT = ("test", "doc", "example")  # beginnings of folders
_TRACKED = re.compile(rb"^\s*def (track_\w+)", re.MULTILINE)
MOST_BYTES = 1_000_000
MOST_FILES = 2_000


def configurations(folder: Path) -> tuple[Path, ...]:
    """asv's configurations in ``folder``, or else one level below it, as in ``asv_bench``; those of tests are data."""
    here = tuple(folder / name for name in DEFAULT_NAMES if (folder / name).exists())
    if here:
        return here
    with suppress(GitFailed):
        patterns = [f":(glob)*/{name}" for name in DEFAULT_NAMES]
        known = lines_of(git(folder, "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns))
        return tuple(sorted(folder / name for name in known if not name.startswith(_NO_PROJECT)))
    return ()


def has_benchmarks(folder: Path) -> bool:
    """True of a folder with benchmarks of asv in it."""
    return any(_BENCHMARK.search(text) or _BY_NAME.search(text) for text in _sources(folder))


def benchmark_folder(folder: Path) -> str:
    """The name of the folder for suites: ``benchmarks``, unless that has something else in it, such as tests."""
    path = folder / "benchmarks"
    is_free = not path.exists() or has_benchmarks(path) or not any(_sources(path))
    return "benchmarks" if is_free else "asv_benchmarks"


def tracked(folder: Path) -> tuple[str, ...]:
    """The names of ``track_*`` benchmarks in ``folder``."""
    return tuple(sorted({name.decode() for text in _sources(folder) for name in _TRACKED.findall(text)}))


def _sources(folder: Path) -> list[bytes]:
    texts = []
    for path in sorted(folder.rglob("*.py"))[:MOST_FILES]:
        with suppress(OSError):
            texts.append(read_plain(path, MOST_BYTES))
    return [text for text in texts if text.strip()]
