"""Results and sessions → the runs: what was measured of one commit on one machine in one environment, and with what.

Takes what ``tbp.asv.results`` and ``tbp.asv.sessions`` read. Which values belong to one series is left to
``tbp.history``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from tbp.asv.repository import Commits
from tbp.asv.result_table import Table, keys
from tbp.asv.results import Results
from tbp.asv.sessions import Session, Sessions
from tbp.history.circumstances import HARDWARE_NAMES, named_values
from tbp.history.series import Outcome
from tbp.report.model import Run


class Place(NamedTuple):
    """What there is only one run of."""

    machine: str
    environment: str
    commit: str  # full hash


def runs(results: Results, sessions: Sessions, commits: Commits) -> tuple[Run, ...]:
    """Every run of the results at a known commit, oldest commit first, then by machine and environment."""
    position = {commit.hash: place for place, commit in enumerate(commits.order)}
    own_sessions = _by_place(sessions)
    found: list[tuple[int, Run]] = []
    for (machine, environment, commit, python, requirements, hardware), counts in _stated(results.points):
        if commit in position:
            place = Place(machine, environment, commit)
            run = Run(
                commits.order[position[commit]],
                machine,
                environment,
                python=python,
                requirements=_asked(requirements),
                hardware=_hardware(hardware),
                measured=counts.get(Outcome.MEASURED, 0),
                failed=counts.get(Outcome.FAILED, 0),
                skipped=counts.get(Outcome.SKIPPED, 0),
            )
            found.append((position[commit], _with_sessions(run, own_sessions.get(place, ()))))
    return tuple(run for _, run in sorted(found, key=lambda one: (one[0], one[1].machine, one[1].environment)))


def _stated(points: Table) -> Iterator[tuple[list[str], dict[Outcome, int]]]:
    """Of each run what its file says, and how many series there are of each outcome."""
    _, first, run = np.unique(keys([points.labels(name) for name in Place._fields]), True, True)
    outcomes = points.outcome.items
    sizes = np.bincount(run * len(outcomes) + points.outcome.codes, minlength=len(first) * len(outcomes))
    columns = [points.labels(name) for name in (*Place._fields, "python", "requirements", "hardware")]
    for row, counts in zip(first.tolist(), sizes.reshape(len(first), -1).tolist(), strict=True):
        said = [column.items[column.codes[row]] for column in columns]
        yield said, dict(zip(outcomes, counts, strict=True))


@lru_cache
def _hardware(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((HARDWARE_NAMES.get(name, name), value) for name, value in named_values(text))


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
    """``run`` with what its sessions say."""
    if not sessions:
        return run
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
