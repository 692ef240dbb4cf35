"""The regressions that earlier nights reported, so that each of them raises the alarm once.

Takes tonight's histories, gives the regressions that no night before reported, and notes them. They need not be of
tonight's commits: later runs often confirm a level first, and an interrupted night reports nothing.
The note lies in the results folder, where the next night finds it, under a name that asv passes over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path

from msgspec import Struct
from msgspec.structs import astuple

from tbp.history.paired_evidence import SETTLING_RUNS
from tbp.model.changes import Change, History
from tbp.model.series import Point, SeriesKey
from tbp.system.bounded import read_plain
from tbp.system.whole_files import write_whole

NAME = "nightly.reported"
# History of the file.
#   1  first
FORMAT = 1
MOST_BYTES = 16_000_000  # of the note: 50,000 regressions


class Reported(Struct, frozen=True):
    """One regression: its series and the commit it was put down to."""

    key: SeriesKey
    commit: str  # full hash


def first_reported(
    regressions: Iterable[History], results_dir: Path, accepted: Iterable[History] = ()
) -> list[History]:
    """The ``regressions``, histories with one that stands, that are reported for the first time tonight.

    A second call gives none. Regressions of ``accepted`` are forgotten: once their acknowledgement expires they are
    news again. Raises OSError when the note cannot be written.
    """
    standing = list(regressions)
    before = _read(results_dir / NAME)
    fresh = news(standing, before)
    forgotten = {regression for history in [*standing, *accepted] for regression in _accepted(history)}
    now = (before - forgotten) | {regression for history in standing for regression in _standing(history)}
    if now != before:
        _write(results_dir / NAME, now)
    return fresh


def news(standing: Iterable[History], before: Set[Reported]) -> list[History]:
    """The histories with a regression that is none of ``before``, nor one of them at its settled place."""
    return [
        history
        for history in standing
        if not all(_is_known(history, regression, before) for regression in _standing(history))
    ]


def untold(results_dir: Path) -> Callable[[History, Change], bool]:
    """Returns a test of a change: True for a regression that no night reported.

    Without a note none is: all there is may be old.
    """
    path = results_dir / NAME
    before = _read(path)
    is_first = not path.exists()

    def is_untold(history: History, change: Change) -> bool:
        if is_first or not change.is_worse(history.better):
            return False
        commits = {point.commit.hash for point in _near(history.points, change.index)}
        return not any(old.key == history.key and old.commit in commits for old in before)

    return is_untold


def _near(points: Sequence[Point], index: int) -> Sequence[Point]:
    return points[max(0, index - SETTLING_RUNS) : index + SETTLING_RUNS + 1]


def _standing(history: History) -> list[Reported]:
    """The regressions of a series that stand and that nobody accepted."""
    return _named(history, history.balance.regressions if history.balance is not None else ())


def _accepted(history: History) -> list[Reported]:
    return _named(history, history.balance.accepted if history.balance is not None else ())


def _named(history: History, changes: Iterable[int]) -> list[Reported]:
    runs = [history.changes[change].change.index for change in changes]
    return [Reported(history.key, history.points[run].commit.hash) for run in runs]


def _is_known(history: History, regression: Reported, before: Set[Reported]) -> bool:
    """True where a regression was reported at its commit or a few runs away.

    Further runs may show that a level shifted some runs earlier or later. Where it was reported a few runs away, no
    change is left there now, or later runs showed an earlier part of it.
    """
    if regression in before:
        return True
    runs = {point.commit.hash: run for run, point in enumerate(history.points)}
    confirmed = {evidence.change.index for evidence in history.changes if evidence.change.is_verdict}
    at = runs[regression.commit]
    old = {runs[known.commit] for known in before if known.key == history.key and known.commit in runs}
    return any(abs(run - at) <= SETTLING_RUNS and (run > at or run not in confirmed) for run in old)


def _read(path: Path) -> frozenset[Reported]:
    """The noted regressions; none where there is no note or it is damaged: rather an alarm too many than too few."""
    try:
        note = json.loads(read_plain(path, MOST_BYTES))
        if note["format"] != FORMAT:
            return frozenset()
        return frozenset(
            Reported(SeriesKey(benchmark, tuple((name, value) for name, value in parameters), machine, environment), by)
            for (benchmark, parameters, machine, environment), by in note["reported"]
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()


def _write(path: Path, reported: Set[Reported]) -> None:
    note = {"format": FORMAT, "reported": sorted((astuple(entry.key), entry.commit) for entry in reported)}
    write_whole(path, json.dumps(note, indent=1).encode())
