"""Pairs of two commits of one series: this is where checkouts, processes and the clock of a bisection are."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from math import inf

from msgspec import Struct, field

from tbp.asv.checkouts import WAITING, Checkout, checkouts
from tbp.bisect.trials import SeriesName
from tbp.errors import NothingMeasured, RunFailed, UsageError
from tbp.model.comparison import Judgement
from tbp.model.series import series_name
from tbp.project.asv_config import AsvConfig
from tbp.project.bench_filter import bench_filter
from tbp.project.policy import read_policy
from tbp.statistics.paired_ratios import Pair
from tbp.system.progress import Progress
from tbp.turns.attribution import explained
from tbp.turns.cells import SIDES, TIMED, Cell, CellFailed, CellSkipped, Side
from tbp.turns.discovery import COUNTED, discovered
from tbp.turns.evidence import Limits
from tbp.turns.measuring import Folders, Measuring
from tbp.turns.worker_process import Deadline, OutOfTime
from tbp.wording import words

MOST_NAMED = 8  # series that a message names where a pattern finds several
NOT_OFFERED = "the suite does not offer it there: its module cannot be imported, or the commit lacks what it measures"


class BisectRequest(Struct, frozen=True):
    """The series to search, and how."""

    bench: str  # pattern; it must find one series
    environment: str = ""  # asv's -E
    threads: int = 1
    limits: Limits = field(default_factory=Limits)
    budget_s: float = inf  # of wall time, for everything
    machine: str = ""  # as it is called in the answer; empty: by its host name
    into_merges: bool = False  # go on inside a merge that is the culprit
    restart: bool = False  # forget what an earlier try measured


class CannotMeasure(Exception):
    """One of the two commits cannot be measured; the message says why."""


class Turns:
    """Lets two commits take turns at one series; both are installed only as long as that takes."""

    def __init__(self, config: AsvConfig, request: BisectRequest, deadline: Deadline, progress: Progress) -> None:
        self._config, self._request, self._deadline, self._progress = config, request, deadline, progress
        self.environment = ""  # asv's name, once something was installed

    def resolved(self, base: str, head: str) -> SeriesName:
        """The series that both commits have and the request means.

        Raises:
            UsageError: it means several.
            NothingMeasured: it means none that both have.
            CannotMeasure: a commit cannot be installed, or its suites not be looked for.
            OutOfTime: the deadline passed.
        """
        with self._installed(base, head) as sides:
            cells = self._discovered(sides)
        return chosen(self._request.bench, cells["base"], cells["head"])

    @contextmanager
    def of(self, base: str, head: str, series: SeriesName) -> Iterator[PairsOfSeries]:
        """Gives what measures pairs of the two commits.

        Raises:
            CannotMeasure: one of the two does not build, or lacks the series.
            OutOfTime: the deadline passed.
        """
        with self._installed(base, head) as sides:
            cells = self._discovered(sides)
            names = {_name(cell) for cell in cells["base"]}
            cell = next((cell for cell in cells["head"] if _name(cell) == series and series in names), None)
            if cell is None:
                raise CannotMeasure(NOT_OFFERED)
            with Folders(sides, self._deadline) as folders:
                if failed := folders.fill([cell]):
                    raise CannotMeasure(failed[cell].reason)
                measuring = Measuring(sides, folders, self._request.threads, None, self._deadline)
                yield PairsOfSeries(measuring, cell, self._deadline)

    def explained(self, base: str, head: str, series: SeriesName, judgement: Judgement) -> tuple[str, ...]:
        """Sentences on the operators that account for ``judgement``; empty without torch. Raises as ``of``."""
        rules = read_policy(self._config.policy_file).names
        with self.of(base, head, series) as pairs:
            self._progress.say("tracing what changed")
            (judged,) = explained([judgement], [pairs.cell], pairs.measuring.recording, rules)
        return judged.operators

    @contextmanager
    def _installed(self, base: str, head: str) -> Iterator[Mapping[Side, Checkout]]:
        if self._deadline.left_s <= 0:
            raise OutOfTime
        left_s, waits = self._deadline.left_s, partial(self._progress.line, f"tbp: {WAITING}")
        environment, say = self._request.environment, self._progress.say
        with ExitStack() as stack:
            try:
                both = stack.enter_context(checkouts(self._config, (base, head), environment, say, left_s, waits))
            except RunFailed as failed:
                if self._deadline.left_s <= 0:
                    raise OutOfTime from None
                if os.strerror(errno.ENOSPC) in str(failed):
                    raise  # no fault of the commit
                raise CannotMeasure(str(failed)) from None
            self.environment = both[0].environment
            yield dict(zip(SIDES, both, strict=True))

    def _discovered(self, sides: Mapping[Side, Checkout]) -> Mapping[Side, Sequence[Cell]]:
        self._progress.say("looking for the benchmark")
        try:
            return discovered(sides, self._deadline, (TIMED, *COUNTED))
        except CellFailed as failed:
            raise CannotMeasure(str(failed)) from None


class PairsOfSeries:
    """Measures pairs of two commits that are installed."""

    def __init__(self, measuring: Measuring, cell: Cell, deadline: Deadline) -> None:
        self.measuring, self.cell, self._deadline = measuring, cell, deadline

    def next(self, turn: int) -> Pair:
        """One more pair; the sides begin in turns.

        Raises:
            CannotMeasure: a side failed, or skips the series.
            OutOfTime: the deadline passed.
        """
        if self._deadline.left_s > 0:
            # To its end: an iterator that is dropped halfway swallows an interrupt that comes while the workers end.
            for _, answer in tuple(self.measuring([self.cell], SIDES[turn % 2], lambda cell: True)):
                if isinstance(answer, CellFailed | CellSkipped):
                    raise CannotMeasure(str(answer))
                return answer
        raise OutOfTime


def chosen(bench: str, base: Sequence[Cell], head: Sequence[Cell]) -> SeriesName:
    """The series that ``bench`` means among the timed cells of both ends; a whole name goes before a part of several.

    Raises:
        UsageError: it means several, which the message names.
        NothingMeasured: it means none that both have, or only such as are not timed.
    """
    is_wanted = bench_filter([bench])
    names = {
        side: {_name(cell): None for cell in cells if cell.kind == TIMED}
        for side, cells in (("GOOD", base), ("BAD", head))
    }
    wanted = [name for name in names["GOOD"] if name in names["BAD"] and is_wanted(*name)]
    if whole := [name for name in wanted if bench in (name[0], series_name(*name))]:
        wanted = whole
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        shown = words.named([series_name(*name) for name in wanted], MOST_NAMED)
        raise UsageError(f"{bench!r} matches {len(wanted):,} benchmarks, name one of them: {shown}")
    for side, lacking in (("GOOD", "BAD"), ("BAD", "GOOD")):
        if any(is_wanted(*name) for name in names[side]):
            raise NothingMeasured(f"{bench!r} is in {side}, and not in {lacking}: {NOT_OFFERED}")
    if counted := next((cell.benchmark for cell in head if cell.kind != TIMED and is_wanted(*_name(cell))), ""):
        raise NothingMeasured(
            f"{bench!r} matches {counted}, and tbp bisects times only: `asv run GOOD^..BAD --bench '^{counted}'` "
            "measures its value at each commit, and `tbp report` then names the commit that changed it"
        )
    raise NothingMeasured(
        f"no benchmark that can be timed matches {bench!r}: the suites have "
        f"{words.named([series_name(*name) for name in names['BAD']], MOST_NAMED) or 'none'}"
    )


def _name(cell: Cell) -> SeriesName:
    return cell.benchmark, cell.parameters
