"""When each machine last measured anything, so that silence is not read as health.

Takes histories, gives a row for each machine and environment, the longest silent first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from msgspec import Struct

from tbp.model.changes import History, State
from tbp.model.points import MEASURED, columns, index_of
from tbp.model.series import Commit, Outcome, Setup
from tbp.report.base.report_data import ReportData
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.wording import words

MOST_NAMED = 3
"""Stale machines named in one sentence."""


class LastRun(Struct, frozen=True):
    """The newest commit that has a value from one machine and environment."""

    machine: str  # its identifier
    face: str  # what it is called
    environment: str
    commit: CommitLink | None  # None: nothing there ever had a value
    measured: str  # "12 benchmarks, 48 series"
    failed: str  # of that commit; empty where nothing did
    skipped: str
    is_stale: bool
    remark: str  # how far it is behind, and whether newer runs brought nothing


def last_runs(data: ReportData) -> tuple[LastRun, ...]:
    """A row for each machine and environment of ``data``, stale ones first, then by name."""
    rows = [_last_run(setup, histories, data) for setup, histories in sorted(data.by_setup.items())]
    return tuple(sorted(rows, key=lambda row: (not row.is_stale, row.machine, row.environment)))


def silence(runs: Sequence[LastRun]) -> str:
    """One sentence on all of them: who is silent, or that nobody is."""
    stale = [run for run in runs if run.is_stale]
    if stale:
        named = [f"{run.face} ({run.environment})" if run.environment else run.face for run in stale]
        since = max((run.commit.date for run in stale if run.commit), default="")
        since_when = f": nothing since {since}" if since else ""
        return f"{words.named(named, MOST_NAMED)} {'is' if len(named) == 1 else 'are'} stale{since_when}"
    last = max((run.commit for run in runs if run.commit), key=lambda link: link.date, default=None)
    if last is None:
        return "no machine has measured anything yet"
    behind = sum(bool(run.remark) for run in runs)
    where = words.count(len(runs), "machine and environment", "machines and environments")
    late = f", {behind:,} of them behind" if behind else ""
    return f"{where}{late}; newest commit {last.date}"


def _last_run(setup: Setup, histories: Sequence[History], data: ReportData) -> LastRun:
    last = [commit_of_series for history in histories if (commit_of_series := _last_measured(history)) is not None]
    commit = max(last, key=lambda commit: (commit.date, commit.hash), default=None)
    tried = max((history.points[-1].commit for history in histories if history.points), key=lambda commit: commit.date)
    outcomes = [(history, _outcome(history, commit)) for history in histories] if commit else []
    return LastRun(
        machine=setup.machine,
        face=data.faces.get(setup.machine, setup.machine),
        environment=setup.environment,
        commit=commit_link(commit, data.commit_url) if commit else None,
        measured=_tell(outcomes, Outcome.MEASURED) or "nothing yet",
        failed=_tell(outcomes, Outcome.FAILED),
        skipped=_tell(outcomes, Outcome.SKIPPED),
        is_stale=any(history.state is State.STALE for history in histories),
        remark=_remark(commit, tried, data.newest),
    )


def _tell(outcomes: Sequence[tuple[History, Outcome | None]], wanted: Outcome) -> str:
    """``2 benchmarks, 5 series``; empty for none."""
    alike = [history for history, outcome in outcomes if outcome is wanted]
    benchmarks = len({history.key.benchmark for history in alike})
    return f"{words.count(benchmarks, 'benchmark')}, {words.count(len(alike), 'series', 'series')}" if alike else ""


def _remark(commit: Commit | None, tried: Commit, newest: Commit | None) -> str:
    parts = []
    if commit is not None and newest is not None and (behind := newest.date - commit.date) >= timedelta(days=1):
        parts.append(f"{words.count(behind.days, 'day')} behind the newest commit with a result")
    if commit is None or (tried.hash != commit.hash and tried.date > commit.date):
        parts.append(f"nothing measured at {tried.short} ({words.moment(tried.date)})")
    return "; ".join(parts)


def _last_measured(history: History) -> Commit | None:
    """The newest commit with a value, of any version of the benchmark."""
    measured = np.flatnonzero(columns(history.points).outcome == MEASURED)
    return history.points[int(measured[-1])].commit if len(measured) else None


def _outcome(history: History, commit: Commit) -> Outcome | None:
    """The outcome of a series at ``commit``; None where it was not run there."""
    index = index_of(history.points, commit.hash)
    return None if index is None else history.points[index].outcome
