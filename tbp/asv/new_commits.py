"""The commits that a night has to measure, and measuring them with asv.

New are the first-parent commits after the newest measured one. They run oldest first, each stored when all of its
benchmarks are done, so a night that is interrupted goes on where it stopped: a commit half measured is measured again.
A commit that does not build is stored as failed and not tried again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from tbp.asv.leftovers import remove_abandoned, set_aside, set_machine_aside
from tbp.asv.passed_environment import passed_on
from tbp.asv.results import read_results
from tbp.asv.runner import Ran, require_asv, run_asv, run_commits
from tbp.errors import NothingMeasured, UnreadableInput
from tbp.project.asv_config import AsvConfig
from tbp.project.bench_filter import asv_patterns
from tbp.project.branch import branch_of, first_parents
from tbp.project.git import GitFailed
from tbp.project.policy import read_policy

# Where nothing has been measured yet, the whole history would take days: start with a few commits.
FIRST_NIGHT = 3


class Pending(Struct, frozen=True):
    """The work of a night; hashes, oldest first."""

    commits: tuple[str, ...]  # never measured
    # Measured before, and given to asv once more: it completes what was cut off between two environments, and where
    # none of the new commits can be imported it still finds the benchmarks, so that the new ones are stored as failed.
    before: tuple[str, ...] = ()


def pending(config: AsvConfig, most: int) -> Pending:
    """The commits to measure, at most ``most`` (the oldest of them, so that none is passed over).

    Raises:
        UsageError: the configuration names no local repository.
        UnreadableInput: git is missing or cannot read the repository.
    """
    history = _first_parents(config)
    measured, healthy = _stored(config.results_dir)
    newest = next((index for index, commit in enumerate(history) if commit in measured), None)
    new = history[:FIRST_NIGHT] if newest is None else history[:newest]
    sound = next((commit for commit in history if commit in healthy), None)
    before = [] if newest is None else [history[newest]]
    if sound is not None and sound not in before:
        before.append(sound)
    return Pending(tuple(reversed(new))[:most], tuple(reversed(before)))


def measure(
    config: AsvConfig, night: Pending, bench: Sequence[str], hear: Callable[[str], None], machine: str = ""
) -> Ran | None:
    """Run asv over the commits of ``night``; None where there are none. What killed runs left is cleared away first.

    The results are those of ``machine``; of the host's name where it is empty.

    Raises:
        UsageError: asv is missing, or a pattern of ``bench`` takes too long.
        RunFailed: asv measured nothing.
    """
    if not night.commits:
        return None
    patterns = asv_patterns(bench)
    require_asv()
    remove_abandoned(config.results_dir)
    for path in set_aside(config.results_dir, (*night.before, *night.commits)):
        hear(f"tbp: {path.stem} was cut off while it was written; it is now {path.name}, its commit is measured again")
    if machines := set_machine_aside():
        hear(
            f"tbp: asv's description of this machine was cut off while it was written; it is now {machines}, and asv "
            "makes it anew: if the machine had a name of your choice, `asv machine` sets it again"
        )
    environment = passed_on(os.environ, read_policy(config.policy_file).pass_environment)
    of_machine = [f"--machine={machine}"] if machine else []
    run_asv(
        ["machine", "--yes", "--config", config.path.name, *of_machine], config.path.parent, environment=environment
    )
    # A benchmark that a commit has a value for, or has failed in, is not run again there.
    options = ["--record-samples", "--skip-existing", *of_machine]
    commits = (*night.before, *night.commits)
    return run_commits(config.path, commits, bench=patterns, options=options, environment=environment, heard=hear)


def _stored(results_dir: Path) -> tuple[set[str], set[str]]:
    """Every commit with a result, and those of them in which something could be measured."""
    try:
        frame = read_results(results_dir).frame
    except NothingMeasured:
        return set(), set()
    return set(frame["commit"].unique()), set(frame["commit"][frame["value"].notna()].unique())


def _first_parents(config: AsvConfig) -> list[str]:
    """The branch's commits, newest first."""
    repository = config.local_repository
    try:
        return first_parents(repository, branch_of(repository, config.branch))
    except GitFailed as failed:
        raise UnreadableInput(
            f"cannot list the commits of the branch: {failed}; repo and branches are set in {config.path}"
        ) from None
