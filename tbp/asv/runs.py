"""Results and sessions → the runs: what was measured of one commit on one machine in one environment, and with what.

Takes what ``tbp.asv.results`` and ``tbp.asv.sessions`` read. Which values belong to one series is left to
``tbp.history``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from tbp.asv.repository import Commits
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
    counts = _counts(results.points)
    circumstances = results.points.drop_duplicates(list(Place._fields))
    own_sessions = _by_place(sessions)
    found: list[tuple[int, Run]] = []
    columns = (*Place._fields, "python", "requirements", "hardware")
    for values in zip(*(circumstances[name] for name in columns), strict=True):
        machine, environment, commit, python, requirements, hardware = map(str, values)
        if commit in position:
            place = Place(machine, environment, commit)
            run = Run(
                commits.order[position[commit]],
                machine,
                environment,
                python=python,
                requirements=tuple(named_values(requirements)),
                hardware=tuple((HARDWARE_NAMES.get(name, name), value) for name, value in named_values(hardware)),
                measured=counts.get((*place, Outcome.MEASURED), 0),
                failed=counts.get((*place, Outcome.FAILED), 0),
                skipped=counts.get((*place, Outcome.SKIPPED), 0),
            )
            found.append((position[commit], _with_sessions(run, own_sessions.get(place, ()))))
    return tuple(run for _, run in sorted(found, key=lambda one: (one[0], one[1].machine, one[1].environment)))


def _counts(points: pd.DataFrame) -> Mapping[tuple[str, ...], int]:
    """How many series there are of each place and outcome."""
    sizes = points.groupby([*Place._fields, "outcome"], observed=True).size()
    return {tuple(key): int(size) for key, size in sizes.items() if isinstance(key, tuple)}


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
