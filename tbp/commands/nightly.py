"""The nightly job: time and trace the commits that are new, measure them in turns with earlier ones, then report.

New are the first-parent commits after the newest measured one. They run oldest first, each stored when all of its
benchmarks are done, so a night that is interrupted goes on where it stopped: a commit half measured is measured again.
A commit that does not build is stored as failed and not tried again. Which regressions are news is told by
``tbp.history.already_reported``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tbp.asv.ratios import add_ratios
from tbp.asv.results import read_results
from tbp.asv.runner import Ran, interruptible, require_asv, run_asv, run_commits
from tbp.asv.session_files import SESSION_END
from tbp.errors import NothingMeasured, UnreadableInput
from tbp.gate.night import Tracked, measure_night
from tbp.history.already_reported import untold
from tbp.project.asv_config import AsvConfig
from tbp.project.branch import branch_of, first_parents
from tbp.project.git import GitFailed
from tbp.report.site.load import Stored, by_themselves
from tbp.traces.recording import TRACE_END

# Where nothing has been measured yet, the whole history would take days: start with a few commits.
FIRST_NIGHT = 3
# A hidden file or a trace without its session that is older belongs to no run that still goes on: both are there for
# the seconds between the end of a timing and the writing of its session (``tbp.bench.recorder``).
ABANDONED_S = 3600.0


@dataclass(frozen=True)
class Pending:
    """What a night has to do; hashes, oldest first."""

    commits: tuple[str, ...]  # never measured
    # Measured before, and given to asv once more: it completes what was cut off between two environments, and where
    # none of the new commits can be imported it still finds the benchmarks, so that the new ones are stored as failed.
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Night:
    """What a night measured: commits oldest first, and how asv ended (None when there was nothing new)."""

    commits: tuple[str, ...]
    ran: Ran | None


def pending(config: AsvConfig, most: int) -> Pending:
    """The commits to measure, at most ``most`` (the oldest of them, so that none is passed over).

    Raises:
        UsageError: the configuration names no local repository.
        UnreadableInput: git is missing or cannot read the repository.
    """
    history = _first_parents(config)
    measured, healthy = _stored(config.results_dir)
    newest = next((place for place, commit in enumerate(history) if commit in measured), None)
    new = history[:FIRST_NIGHT] if newest is None else history[:newest]
    sound = next((commit for commit in history if commit in healthy), None)
    before = [] if newest is None else [history[newest]]
    if sound is not None and sound not in before:
        before.append(sound)
    return Pending(tuple(reversed(new))[:most], tuple(reversed(before)))


def measure(config: AsvConfig, night: Pending, bench: Sequence[str], heard: Callable[[str], None]) -> Night:
    """Run asv over the commits of ``night``. What killed runs left in the results is cleared away first.

    Raises:
        UsageError: asv or torch is missing.
        RunFailed: asv measured nothing.
    """
    if not night.commits:
        return Night((), None)
    require_asv()
    remove_abandoned(config.results_dir)
    for path in set_aside(config.results_dir, (*night.before, *night.commits)):
        heard(f"tbp: {path.stem} was cut off while it was written; it is now {path.name}, its commit is measured again")
    run_asv(["machine", "--yes", "--config", config.path.name], config.path.parent)
    # A benchmark that a commit has a value for, or has failed in, is not run again there.
    options = ["--record-samples", "--show-stderr", "--skip-existing"]
    ran = run_commits(config.path, (*night.before, *night.commits), bench=bench, options=options, heard=heard)
    return Night(night.commits, ran)


def measure_in_turns(store: Stored, commits: Sequence[str], minutes: float, heard: Callable[[str], None]) -> int:
    """Pairs of ``commits``, which were measured tonight, against earlier ones; stored when this ends, however it ends.

    ``store`` is what the results say by now. Returns of how many series there is something new; where nothing can be
    measured in turns, ``heard`` is told why.
    """
    if store.config is None or not (commits and minutes):
        return 0
    tracked = _tracked(store, commits)
    try:
        with interruptible():
            measure_night(store.config, tracked, commits, 60 * minutes, heard)
    finally:
        add_ratios(store.folder, [(series.key, ratio) for series in tracked for ratio in series.made])
    return sum(bool(series.made) for series in tracked)


def _tracked(store: Stored, commits: Sequence[str]) -> list[Tracked]:
    """The series of this machine that are times and were measured tonight, as they are without pairs."""
    machine = _own_machine(store.folder, commits)
    is_untold = untold(store.folder)
    return [
        Tracked(
            history.key,
            history.points,
            [evidence.change for evidence in history.changes],
            list(store.ratios.of.get(history.key, ())),
            store.policy.relevant,
            partial(is_untold, history),
        )
        for history in by_themselves(store)
        if history.unit == "seconds" and history.key.machine == machine
    ]


def _own_machine(results_dir: Path, commits: Iterable[str]) -> str:
    """asv's name for this machine: whose results were written last. Empty where tonight left none."""
    paths = [path for commit in commits for path in results_dir.glob(f"*/{commit[:8]}-*.json")]
    return max(paths, key=lambda path: path.stat().st_mtime_ns).parent.name if paths else ""


def remove_abandoned(results_dir: Path) -> int:
    """Delete what killed runs left beside the results: files half written, and traces that have no session.

    Returns how many files that was. Whatever is younger than ``ABANDONED_S`` may belong to a run that goes on.
    """
    horizon_s = time.time() - ABANDONED_S
    removed = 0
    for path in (*results_dir.rglob(".unfinished-*"), *_lone_traces(results_dir)):
        with suppress(FileNotFoundError):  # another night was quicker
            if path.stat().st_mtime < horizon_s:
                path.unlink()
                removed += 1
    return removed


def set_aside(results_dir: Path, commits: Iterable[str]) -> list[Path]:
    """Give asv's result files of ``commits`` that are no JSON a name that asv passes over; their new paths.

    asv writes in place, and refuses to measure a commit whose file was cut off.
    """
    aside = []
    for path in sorted({path for commit in commits for path in results_dir.glob(f"*/{commit[:8]}-*.json")}):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            aside.append(path.replace(path.with_name(f"{path.name}.unreadable")))
    return aside


def _lone_traces(results_dir: Path) -> Iterable[Path]:
    for path in results_dir.glob(f"*/*.traces/*/*{TRACE_END}"):
        if not path.with_name(path.name.removesuffix(TRACE_END) + SESSION_END).exists():
            yield path


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
