"""The nightly job: time and trace the commits that are new, then report.

New are the first-parent commits after the newest measured one. They run oldest first, each stored when it is done, so
a night that is interrupted goes on where it stopped. A commit that does not build is stored as failed and not tried
again.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tbp.asv.config import AsvConfig
from tbp.asv.results import read_results
from tbp.asv.runner import Ran, require_asv, run_asv, run_commits
from tbp.errors import NothingMeasured, UnreadableInput, UsageError

# Where nothing has been measured yet, the whole history would take days: start with a few commits.
FIRST_NIGHT = 3


@dataclass(frozen=True)
class Night:
    """What a night measured: commits oldest first, and how asv ended (None when there was nothing new)."""

    commits: tuple[str, ...]
    ran: Ran | None


def new_commits(config: AsvConfig, most: int) -> tuple[str, ...]:
    """The commits to measure, oldest first, at most ``most`` (the oldest of them, so that none is passed over).

    Raises:
        UsageError: the configuration names no local repository, or git is missing.
        UnreadableInput: git cannot read the repository.
    """
    if config.repository is None:
        raise UsageError(f"{config.path}: repo is an address; tbp nightly needs a local clone: set repo to its folder")
    history = _first_parents(config.repository, config.branches[0])
    try:
        measured = set(read_results(config.results_dir).commits)
    except NothingMeasured:
        measured = set()
    newest = next((place for place, commit in enumerate(history) if commit in measured), None)
    pending = history[:FIRST_NIGHT] if newest is None else history[:newest]
    return tuple(reversed(pending))[:most]


def measure(config: AsvConfig, commits: Sequence[str], bench: Sequence[str], heard: Callable[[str], None]) -> Night:
    """Run asv over ``commits``.

    Raises:
        UsageError: asv or torch is missing.
        RunFailed: asv measured nothing.
    """
    if not commits:
        return Night((), None)
    require_asv()
    run_asv(["machine", "--yes", "--config", config.path.name], config.path.parent)
    ran = run_commits(config.path, commits, bench=bench, options=["--record-samples", "--show-stderr"], heard=heard)
    return Night(tuple(commits), ran)


def _first_parents(repository: Path, branch: str) -> list[str]:
    """The branch's commits, newest first."""
    if not repository.is_dir():
        raise UnreadableInput(f"cannot enter {repository}: no such folder; correct repo in asv.conf.json")
    command = ["git", "rev-list", "--first-parent", branch, "--"]
    try:
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError:
        raise UsageError("git is not installed or not on PATH; install git, then run tbp nightly again") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["git failed"])[-1]
        raise UnreadableInput(
            f"git cannot list branch {branch} of {repository}: {reason}; correct repo or branches in asv.conf.json"
        )
    return done.stdout.split()
