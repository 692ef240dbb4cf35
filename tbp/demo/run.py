"""The demo from end to end: repository → asv run over its commits, with traces → report.

Everything lies under one folder. ``sample`` is the repository, with asv's results and traces in ``sample/.asv``.
``site`` is the report, and ``home`` the home directory that asv and virtualenv get.
"""

from __future__ import annotations

import os
import site
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from tbp.asv.runner import progress_percent, require_asv, run_asv, run_commits
from tbp.demo.repository import create
from tbp.errors import RunFailed, UsageError

# Shown to users before it starts; measured on two shared cores.
EXPECTED = "three to five minutes"


class Demo(Struct, frozen=True):
    """A measured demo: its folders and its commits."""

    sample: Path
    site: Path
    commits: tuple[str, ...]  # oldest first
    seconds: float  # of asv run


def prepare(out: Path) -> Path:
    """The empty folder the demo is made in.

    Raises:
        UsageError: there is something in it already, or it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise UsageError(f"{out} is not empty; choose another folder with --out, or remove it first")
    except OSError as error:
        raise UsageError(f"cannot make {out}: {error.strerror or error}; choose another folder with --out") from None
    return out.resolve()


def measure(out: Path, say: Callable[[str], None], progress: Callable[[float], None]) -> Demo:
    """Make the repository under ``out`` and run asv over its commits.

    Rounds are interleaved: each commit is measured in three passes over the whole history. So the machine's drift is
    not mistaken for a commit's doing.

    Raises:
        UsageError: git, asv or torch is missing.
        RunFailed: git or asv failed.
    """
    require_asv()
    sample = out / "sample"
    commits = create(sample, datetime.now(UTC))
    say(f"made {len(commits)} commits in {sample}")
    environment = _environment(out / "home")
    named = run_asv(["machine", "--yes"], sample, environment=environment)
    if named.status != 0:
        raise RunFailed(f"asv machine ended with status {named.status}: {named.output.strip()}")
    say(f"timing and tracing every commit with asv: {EXPECTED} on two cores")

    def report_progress(line: str) -> None:
        percent = progress_percent(line)
        if percent is not None:
            progress(percent)

    started = time.monotonic()
    ran = run_commits(
        sample / "asv.conf.json",
        commits,
        options=["--interleave-rounds", "--record-samples", "--show-stderr"],
        environment=environment,
        heard=report_progress,
    )
    if ran.some_failed:
        (out / "asv.log").write_text(ran.output, encoding="utf-8")
        say(f"some benchmarks failed; asv's output is in {out / 'asv.log'}")
    return Demo(sample, out / "site", commits, time.monotonic() - started)


def _environment(home: Path) -> dict[str, str]:
    """The user's environment with ``home`` as home directory, so that nothing is left in the user's."""
    home.mkdir()
    directories = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    # A user's site-packages depend on HOME; keep those that this Python sees.
    directories["PYTHONUSERBASE"] = site.getuserbase()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ASV_", "TBP_"))}
    return inherited | directories


def progress_bar(percent: float) -> None:
    """A line on stderr that grows in place; nothing where stderr is no terminal."""
    if sys.stderr.isatty():
        filled = int(percent / 100 * 30)
        end = "\n" if percent >= 100 else ""
        print(f"\r  [{'#' * filled}{'.' * (30 - filled)}] {percent:3.0f} %", end=end, file=sys.stderr, flush=True)
