"""The commits that a night has to measure, and measuring one of them with asv.

First come those at which a night was stopped, then the first-parent commits after the newest measured one, the newest
first, then the gaps that earlier nights left. A commit is stored when all of its benchmarks are done; one that does not
build is stored as failed and not tried again. What has a result of this machine, or of another with its name, is not
measured again.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from tbp.asv.fleet import fleet_of, name_on_arrival
from tbp.asv.leftovers import (
    MACHINES,
    add_machine_facts,
    machine_facts,
    remove_abandoned,
    set_aside,
    set_machine_aside,
)
from tbp.asv.passed_environment import passed_on
from tbp.asv.reasons import END as REASONS_END
from tbp.asv.reasons import stored_outputs
from tbp.asv.result_file import ASV_FACTS, facts_of
from tbp.asv.results import read_results
from tbp.asv.runner import Ran, require_asv, run_asv, run_commits
from tbp.asv.sessions import Sessions
from tbp.errors import NothingMeasured, UnreadableInput
from tbp.model.series import short_hash
from tbp.project.asv_config import AsvConfig
from tbp.project.bench_filter import asv_patterns
from tbp.project.branch import branch_of, first_parents
from tbp.project.git import GitFailed
from tbp.project.machine_rules import rule_of
from tbp.project.policy import read_policy
from tbp.system.children import temporary_folder

# Where a machine has measured nothing yet, the whole history would take days: start with a few commits.
FIRST_NIGHT = 3
# Of the branch's newest commits. Ten nights that end early leave no larger hole with the 20 commits that a night
# measures at most; older holes are of a history that was measured here and there on purpose.
GAPS_AMONG = 200


# Of the disk with the results. A commit's environment and traces take some hundred MB; with less it would fail again.
ROOM_BYTES = 1_000_000_000
NO_ROOM = ("No space left on device", "Disk quota exceeded")  # as Python and the system say it


class Pending(Struct, frozen=True):
    """The work of nights on one machine; hashes, in the order of measuring."""

    new: tuple[str, ...]
    stopped: tuple[str, ...] = ()  # measured in part: asv is asked for the rest
    gaps: tuple[str, ...] = ()
    # The newest commit in which something could be measured. asv gets it behind each commit: where that cannot be
    # imported it still finds the benchmarks, so that the commit is stored as failed.
    sound: str = ""

    @property
    def commits(self) -> tuple[str, ...]:
        """All of them."""
        return *self.stopped, *self.new, *self.gaps


def machine_name(name: str) -> str:
    """asv's name for this machine: ``name``, or else that of the host."""
    return name or platform.node()


def name_of(config: AsvConfig, machine: str) -> str:
    """The name of ``machine``, this one, by the project's rules: others with it measure the same commits in its stead.

    Raises:
        UsageError: asv is missing, or pyproject.toml asks for what cannot be meant.
        RunFailed: asv could not be started.
    """
    policy = read_policy(config.policy_file)
    rule = rule_of(policy.machines, machine)
    if rule is None or not rule.facts:
        return machine if rule is None else rule.called({})
    require_asv()
    facts = _facts(config, passed_on(os.environ, policy.pass_environment))
    return name_on_arrival(machine, facts_of(facts), policy.machines)


def pending(
    config: AsvConfig,
    machine: str,
    stopped: Collection[str] = (),
    elsewhere: Collection[str] = (),
    name: str = "",
    shared: Collection[str] = (),
    tonight: Collection[str] = (),
) -> Pending:
    """The commits that ``machine`` has not measured, without those that are measured ``elsewhere`` at the moment.

    Another machine with its ``name``, by the project's rules, measures in its stead; none does where that is empty.
    Of ``shared`` commits another runner has the results. Those of ``tonight`` had their turn, whatever came of it.
    ``stopped`` are those at which a night was interrupted; one that failed for want of room counts as such.

    Raises:
        UsageError: the configuration names no local repository.
        UnreadableInput: git is missing or cannot read the repository.
    """
    history = branch_history(config)
    measured, healthy = _stored(config, machine, name or machine)
    measured |= set(shared)
    indices = [index for index, commit in enumerate(history) if commit in measured]
    newest, oldest = (indices[0], indices[-1]) if indices else (FIRST_NIGHT, 0)
    stopped = {*stopped, *without_room(config.results_dir, machine, measured)}
    until = min(len(history), max(oldest, FIRST_NIGHT), GAPS_AMONG)  # a first night may have been stopped
    passed_over = {*elsewhere, *tonight}
    free = [commit not in measured | passed_over for commit in history]
    return Pending(
        new=tuple(commit for commit, is_free in zip(history[:newest], free, strict=False) if is_free),
        stopped=tuple(commit for commit in history if commit in stopped and commit in measured - passed_over),
        gaps=tuple(history[index] for index in range(newest, until) if free[index]),
        sound=next((commit for commit in history if commit in healthy and commit not in elsewhere), ""),
    )


def branch_history(config: AsvConfig) -> list[str]:
    """The commits of the branch along first parents, newest first.

    Raises:
        UsageError, UnreadableInput: as ``pending``.
    """
    repository = config.local_repository
    try:
        return first_parents(repository, branch_of(repository, config.branch))
    except GitFailed as failed:
        raise UnreadableInput(
            f"cannot list the commits of the branch: {failed}; repo and branches are set in {config.path}"
        ) from None


class AsvMeasuring(Struct, frozen=True):
    """How commits are measured tonight."""

    config: AsvConfig
    machine: str
    patterns: tuple[str, ...]  # asv's; none: all benchmarks
    environment: dict[str, str]  # of asv

    def __call__(self, commit: str, sound: str, heard: Callable[[str], None]) -> Ran:
        """Runs asv for ``commit``; results that are stored already are kept. Raises RunFailed: asv measured nothing."""
        was_full = commit in without_room(self.config.results_dir, self.machine, (commit,))
        for path in set_aside(self.config.results_dir, (sound, commit) if sound else (commit,)):
            heard(
                f"tbp: {path.stem} was cut off while it was written; it is now {path.name}, "
                "its commit is measured again"
            )
        # A benchmark that a commit has a value for, or has failed in, is not run again there, but for want of room.
        skipped = "--skip-existing-successful" if was_full else "--skip-existing"
        options = ["--record-samples", skipped, f"--machine={self.machine}"]
        return run_commits(
            self.config.path,
            list(dict.fromkeys(filter(None, (commit, sound)))),
            bench=self.patterns,
            options=options,
            environment=self.environment,
            heard=heard,
        )


def without_room(results_dir: Path, machine: str, commits: Iterable[str]) -> frozenset[str]:
    """The ``commits`` with a failure for want of room on the disk; none while the disk has little."""
    failed = {short_hash(path.name) for path in (results_dir / machine).glob(f"*{REASONS_END}") if _had_no_room(path)}
    has_room = bool(failed) and shutil.disk_usage(results_dir).free >= ROOM_BYTES
    return frozenset(commit for commit in commits if has_room and short_hash(commit) in failed)


def _had_no_room(path: Path) -> bool:
    return any(words in output for output in stored_outputs(path).values() for words in NO_ROOM)


def prepared(config: AsvConfig, machine: str, bench: Sequence[str], heard: Callable[[str], None]) -> AsvMeasuring:
    """Clears away what killed runs left, and has asv describe this machine.

    Raises:
        UsageError: asv is missing, or a pattern of ``bench`` takes too long.
        RunFailed: asv could not be started.
    """
    patterns = asv_patterns(bench)
    require_asv()
    remove_abandoned(config.results_dir)
    if machines := set_machine_aside():
        heard(
            f"tbp: asv's description of this machine was cut off while it was written; it is now {machines}, and asv "
            "makes it anew: if the machine had a name of your choice, `asv machine` sets it again"
        )
    environment = passed_on(os.environ, read_policy(config.policy_file).pass_environment)
    _describe(config, machine, environment)
    return AsvMeasuring(config, machine, tuple(patterns), environment)


def _describe(config: AsvConfig, machine: str, environment: dict[str, str]) -> None:
    """Has asv store the processor, memory and system of this machine under its name.

    Of a machine that it is given a name for, asv stores nothing else: the facts are those of the host's name.
    """
    facts = _facts(config, environment)
    run_asv([*_machine_verb(config), f"--machine={machine}"], config.path.parent, environment=environment)
    known = {name: value for name, value in facts.items() if name in ASV_FACTS and value}
    add_machine_facts(Path(MACHINES).expanduser(), machine, known)


def _facts(config: AsvConfig, environment: dict[str, str]) -> dict[str, str]:
    """The facts that asv finds out of this machine; nothing is stored."""
    with temporary_folder() as home:
        run_asv(_machine_verb(config), config.path.parent, environment=environment | {"HOME": str(home)})
        return machine_facts(home / Path(MACHINES).name, platform.node())


def _machine_verb(config: AsvConfig) -> list[str]:
    return ["machine", "--yes", "--config", config.path.name]


def _stored(config: AsvConfig, machine: str, name: str) -> tuple[set[str], set[str]]:
    """The commits with a result of a machine with this name, and those in which ``machine`` could measure something.

    Whatever another machine could measure, asv would measure again on this one.
    """
    try:
        frame = read_results(config.results_dir).frame
    except NothingMeasured:
        return set(), set()
    here = frame[frame["machine"] == machine]
    measured = set(here["commit"].unique())
    fleet = fleet_of(frame, Sessions(), read_policy(config.policy_file).machines)  # by facts of asv, as ``name_of``
    measured |= {commit for (_, _, commit), run in fleet.runs.items() if run.name == name}
    return measured, set(here["commit"][here["value"].notna()].unique())
