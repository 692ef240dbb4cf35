"""Results and sessions → the runs: the measuring of one commit on one machine in one environment, and its conditions.

Takes the results and sessions that ``tbp.asv`` read. Which values belong to one series is left to
``tbp.history``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import pandas as pd
from msgspec.structs import replace

from tbp.asv.results import RUN, Results
from tbp.asv.sessions import Session, Sessions
from tbp.model.runs import Run, fact_name, named_values
from tbp.model.series import Outcome, Setup
from tbp.project.commits import Commits


def runs(results: Results, sessions: Sessions, commits: Commits) -> tuple[Run, ...]:
    """Every run of the results at a known commit, oldest commit first, then by machine and environment."""
    position = {commit.hash: index for index, commit in enumerate(commits.order)}
    sessions_of = _sessions_of_runs(sessions)
    placed: list[tuple[int, Run]] = []
    for row in _heads(results.frame).to_dict("records"):
        index = position.get(row["commit"])
        if index is None:
            continue
        run = Run(
            commits.order[index],
            row["machine"],
            row["environment"],
            row["python"],
            _pins(row["requirements"]),
            _hardware(row["hardware"]),
            measured=row[Outcome.MEASURED],
            failed=row[Outcome.FAILED],
            skipped=row[Outcome.SKIPPED],
            started=None if pd.isna(row["started"]) else row["started"].to_pydatetime(),
        )
        of_run = sessions_of.get((run.setup, run.commit.hash))
        placed.append((index, _with_sessions(run, of_run) if of_run else run))
    return tuple(run for _, run in sorted(placed, key=lambda entry: (entry[0], entry[1].setup)))


def _heads(frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each run: its facts, how many series have each outcome, and when its measuring began."""
    groups = frame.groupby(RUN, observed=True)
    counts = {outcome: (frame["outcome"] == outcome).groupby(groups.ngroup()).sum() for outcome in Outcome}
    first = frame.drop_duplicates(RUN).sort_values(RUN).reset_index(drop=True)
    return first.assign(**counts, started=groups["started"].min().reset_index(drop=True))


@lru_cache
def _hardware(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((fact_name(name), value) for name, value in named_values(text))


@lru_cache  # most runs have equal texts
def _pins(text: str) -> tuple[tuple[str, str], ...]:
    """``numpy=1.26;torch=`` as pairs; asv leaves the version to the installer where there is none."""
    parts = (part.partition("=") for part in text.split(";"))
    return tuple((name, version) for name, _, version in parts if name)


def _sessions_of_runs(sessions: Sessions) -> Mapping[tuple[Setup, str], list[Session]]:
    """The sessions that are given out, by setup and commit of their run."""
    groups: dict[tuple[Setup, str], list[Session]] = {}
    for session in sessions.used:
        groups.setdefault((session.key.setup, session.commit), []).append(session)
    return groups


def _with_sessions(run: Run, sessions: Sequence[Session]) -> Run:
    """``run`` with what its sessions recorded; there is at least one."""
    clocks = [session.clock_mhz for session in sessions if session.clock_mhz > 0]
    newest = max(sessions, key=lambda session: session.started)
    return replace(
        run,
        started=min(session.started for session in sessions),
        torch=newest.torch,
        packages=tuple(sorted(named_values(newest.packages))),
        governors=tuple(sorted({session.governor for session in sessions if session.governor})),
        threads=tuple(sorted({session.threads for session in sessions if session.threads > 0})),
        devices=tuple(sorted({session.device_name for session in sessions if session.device_name})),
        clocks_mhz=(min(clocks), max(clocks)) if clocks else (),
    )
