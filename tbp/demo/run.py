"""The demo from end to end: repository → asv run over its commits, with traces → report.

Everything lies under one folder. ``sample`` is the repository, with asv's results and traces in ``sample/.asv``.
``site`` is the report, and ``home`` the home directory that asv and virtualenv get.
"""

from __future__ import annotations

import os
import site
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from msgspec import Struct

from tbp.asv.passed_environment import passed_on
from tbp.asv.runner import hear_asv, require_asv, run_asv, run_commits
from tbp.demo.repository import create
from tbp.errors import RunFailed, UsageError
from tbp.system.progress import Progress
from tbp.system.whole_files import write_whole

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


def measure(out: Path, progress: Progress) -> Demo:
    """Make the repository under ``out`` and run asv over its commits.

    Rounds are interleaved: each commit is measured in three passes over the whole history. So the machine's drift is
    not mistaken for a commit's doing.

    Raises:
        UsageError: git, asv or torch is missing.
        RunFailed: git or asv failed.
    """
    require_asv("torch", "virtualenv")
    sample = out / "sample"
    commits = create(sample, datetime.now(UTC))
    progress.line(f"made {len(commits)} commits in {sample}")
    environment = _environment(out / "home")
    named = run_asv(["machine", "--yes"], sample, environment=environment)
    if named.status != 0:
        raise RunFailed(f"asv machine ended with status {named.status}: {named.output.strip()}")
    progress.line(f"timing and tracing every commit with asv: {EXPECTED} on two cores")
    started = time.monotonic()
    ran = run_commits(
        sample / "asv.conf.json",
        commits,
        options=["--interleave-rounds", "--record-samples", "--show-stderr"],
        environment=environment,
        heard=partial(hear_asv, progress, is_kept=False),
    )
    if ran.some_failed:
        write_whole(out / "asv.log", ran.output.encode())
        progress.line(f"some benchmarks failed; asv's output is in {out / 'asv.log'}")
    return Demo(sample, out / "site", commits, time.monotonic() - started)


def _environment(home: Path) -> dict[str, str]:
    """The user's environment with ``home`` as home directory, so that nothing is left in the user's."""
    home.mkdir()
    directories = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    # A user's site-packages depend on HOME; keep those that this Python sees.
    directories["PYTHONUSERBASE"] = site.getuserbase()
    passed = {name: value for name, value in passed_on(os.environ).items() if not name.startswith(("ASV_", "TBP_"))}
    return passed | directories
