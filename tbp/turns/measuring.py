"""Pairs and traces of many cells, in worker processes that are started for each turn.

Takes two checkouts, gives what ``gate`` asks for: a pair of each cell. This is where processes, folders and the clock
are; which cell gets a pair is left to ``gate``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType

from tbp.asv.checkouts import Checkout
from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.system.children import temporary_folder
from tbp.turns.attribution import Record
from tbp.turns.budget import Budget
from tbp.turns.cells import SIDES, Cell, CellFailed, CellSkipped, Side
from tbp.turns.policy import Answer
from tbp.turns.referee import Team, make_cache
from tbp.turns.worker_process import Deadline, OutOfTime

# Below this share of interrupted blocks nothing is said: an idle machine has a few.
NOTED_SHARE = 0.1


class Folders:
    """The folders in which benchmarks run: an empty one for each side and set-up cache, gone in the end."""

    def __init__(self, sides: Mapping[Side, Checkout], deadline: Deadline | None = None) -> None:
        self._sides = sides
        self._deadline = deadline
        self._home = temporary_folder("tbp-gate-")
        self._made: dict[tuple[Side, str], str] = {}

    def __enter__(self) -> Folders:
        self._path = self._home.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._home.__exit__(kind, error, trace)

    def of(self, cell: Cell) -> dict[Side, str]:
        return {side: self._folder(side, cell.setup_cache or "") for side in SIDES}

    def _folder(self, side: Side, key: str) -> str:
        if (side, key) not in self._made:
            # Of equal length on both sides: see checkouts.FOLDERS.
            folder = self._path / side / f"{len(self._made) // 2}"
            folder.mkdir(parents=True)
            self._made[side, key] = str(folder)
        return self._made[side, key]

    def fill(self, cells: Sequence[Cell]) -> dict[Cell, Judgement]:
        """Run each ``setup_cache`` once a side; the cells whose cache could not be made are judged failed.

        Raises OutOfTime when the deadline passed.
        """
        failed: dict[str, str] = {}
        for cell in {cell.setup_cache: cell for cell in cells if cell.setup_cache is not None}.values():
            try:
                for side, folder in self.of(cell).items():
                    make_cache(side, self._sides[side], cell, folder, self._deadline)
            except CellFailed as error:
                failed[cell.setup_cache or ""] = str(error)
        return {
            cell: Judgement(cell.benchmark, cell.parameters, State.FAILED, reason=failed[cell.setup_cache])
            for cell in cells
            if cell.setup_cache in failed
        }


class Measuring:
    """Measures one pair of every cell asked for, in workers started for it; keeps how contended that was."""

    def __init__(
        self,
        sides: Mapping[Side, Checkout],
        folders: Folders,
        threads: int = 1,
        budget: Budget | None = None,
        deadline: Deadline | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """``ended`` is told of each pair that ended."""
        self._sides, self._folders, self._threads = sides, folders, threads
        self._budget, self._deadline, self._ended = budget or Budget(), deadline, ended
        self._contaminated: list[float] = []
        self._teams = 0

    def __call__(
        self, cells: Sequence[Cell], first: Side, has_room: Callable[[Cell], bool]
    ) -> Iterator[tuple[Cell, Answer]]:
        """Pairs of ``cells`` as they end; ``tbp.turns.policy.Measure`` has the arguments."""
        try:
            with self._team(cells) as team:
                start_s = time.monotonic()
                failed = _assembled(team)
                self._budget.workers_began(time.monotonic() - start_s)
                for cell in cells:
                    if has_room(cell):
                        yield cell, failed or self._pair(team, cell, first)
        except OutOfTime:
            return

    def _pair(self, team: Team, cell: Cell, first: Side) -> Answer:
        start_s = time.monotonic()
        try:
            pair = team.measure(cell, self._folders.of(cell), first)
        except (CellFailed, CellSkipped) as problem:
            return problem
        finally:
            self._budget.pair_ended(cell, time.monotonic() - start_s)
            self._ended()
        self._contaminated.append(pair.contaminated)
        return pair

    @contextmanager
    def recording(self, cells: Sequence[Cell]) -> Iterator[Record]:
        """Gives what records a trace of each side of one of ``cells``, in workers started for it.

        It raises CellFailed, CellSkipped or OutOfTime, as does starting the workers, which is left to the first trace.
        """
        with self._team(cells) as team:
            yield partial(self._trace, team)

    @contextmanager
    def counting(self, cells: Sequence[Cell]) -> Iterator[Callable[[Cell, Side], float]]:
        """Gives what gives the value of one of ``cells`` on a side; it raises as ``Team.value``."""
        with self._team(cells) as team:
            yield lambda cell, side: team.value(cell, side, self._folders.of(cell)[side])

    def _trace(self, team: Team, cell: Cell, paths: Mapping[Side, Path]) -> bool:
        team.assemble(tracing=True)
        return team.trace(cell, self._folders.of(cell), paths)

    def _team(self, cells: Sequence[Cell]) -> Team:
        self._teams += 1
        benchmarks = {cell.benchmark for cell in cells}
        return Team(self._sides, benchmarks, self._threads, self._cores(), self._deadline)

    def _cores(self) -> list[int]:
        """As many cores as threads, others from team to team; none where that would be all of them."""
        if not hasattr(os, "sched_getaffinity"):
            return []
        allowed = sorted(os.sched_getaffinity(0))
        if self._threads >= len(allowed):
            return []
        return [allowed[(self._teams + i) % len(allowed)] for i in range(self._threads)]

    def notes(self) -> Iterator[str]:
        yield from contention_notes(self._contaminated)


def contention_notes(shares: Sequence[float]) -> Iterator[str]:
    """A sentence where many blocks were interrupted; ``shares`` are those of each pair."""
    share = sum(shares) / len(shares) if shares else 0.0
    if share > NOTED_SHARE:
        yield f"other processes interrupted {share:.0%} of all blocks: a quieter machine would say more".replace(
            "%", " %"
        )


def _assembled(team: Team) -> CellFailed | None:
    """Start the workers; what is to be said of every cell where they cannot be."""
    try:
        team.assemble()
    except CellFailed as failed:
        return failed
    return None
