"""Results and sessions → the runs: what was measured of one commit on one machine in one environment, and with what.

Takes what ``tbp.asv.results`` and ``tbp.asv.sessions`` read. Which values belong to one series is left to
``tbp.history``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from tbp.asv.result_table import Table, keys, moment
from tbp.asv.results import Results
from tbp.asv.sessions import Session, Sessions
from tbp.model.runs import Run, fact_name, named_values
from tbp.model.series import Outcome
from tbp.project.commits import Commits


class Place(NamedTuple):
    """What there is only one run of."""

    machine: str
    environment: str
    commit: str  # full hash


_SAID = (*Place._fields, "python", "requirements", "hardware")


def runs(results: Results, sessions: Sessions, commits: Commits) -> tuple[Run, ...]:
    """Every run of the results at a known commit, oldest commit first, then by machine and environment."""
    position = {commit.hash: place for place, commit in enumerate(commits.order)}
    own_sessions = _by_place(sessions)
    found: list[tuple[int, Run]] = []
    for machine, environment, commit, python, requirements, hardware, *rest in _stated(results.points):
        at = position.get(commit)
        if at is not None:
            run = Run(commits.order[at], machine, environment, python, _asked(requirements), _hardware(hardware), *rest)
            own = own_sessions.get(Place(machine, environment, commit)) if own_sessions else None
            found.append((at, _with_sessions(run, own) if own else run))
    return tuple(run for _, run in sorted(found, key=lambda one: (one[0], one[1].machine, one[1].environment)))


def _stated(points: Table) -> Iterator[tuple[Any, ...]]:
    """Yields for each run the facts of its file (see ``_SAID``), how many series were measured, failed and skipped, and
    when the first began.
    """
    _, first, run = np.unique(keys([points.labels(name) for name in Place._fields]), True, True)
    said = [points.labels(name).at(first) for name in _SAID]
    outcomes = points.outcome.items
    counts = []
    for outcome in (Outcome.MEASURED, Outcome.FAILED, Outcome.SKIPPED):
        is_of = points.outcome.codes == (outcomes.index(outcome) if outcome in outcomes else len(outcomes))
        counts.append(np.bincount(run[is_of], minlength=len(first)).tolist())
    started_ms = np.full(len(first), np.inf)
    np.fmin.at(started_ms, run, points.started_ms)
    started = [moment(own) if own < np.inf else None for own in started_ms.tolist()]
    return zip(*said, *counts, started, strict=True)


@lru_cache
def _hardware(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((fact_name(name), value) for name, value in named_values(text))


@lru_cache  # most runs say the same
def _asked(text: str) -> tuple[tuple[str, str], ...]:
    """``numpy=1.26;torch=`` as pairs; asv leaves the version to the installer where there is none."""
    parts = (part.partition("=") for part in text.split(";"))
    return tuple((name, version) for name, _, version in parts if name)


def _by_place(sessions: Sessions) -> Mapping[Place, list[Session]]:
    """The sessions that are given out, by run."""
    groups: dict[Place, list[Session]] = {}
    for session in sessions.used:
        groups.setdefault(Place(session.key.machine, session.key.environment, session.commit), []).append(session)
    return groups


def _with_sessions(run: Run, sessions: Sequence[Session]) -> Run:
    """``run`` with what its sessions say; there is one at least."""
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
