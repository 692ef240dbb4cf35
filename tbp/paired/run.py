"""``tbp gate`` from two hashes to a ``Comparison``: environments, cells, pairs, judgements.

This is where processes, folders and the clock meet the policy of ``gate``; nothing is stored.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tbp.asv.checkouts import Checkout, checkouts
from tbp.asv.config import AsvConfig
from tbp.errors import NothingMeasured, UsageError
from tbp.history.series import State
from tbp.paired.attribution import explained
from tbp.paired.estimate import Pair
from tbp.paired.gate import Limits, judgements, run_gate
from tbp.paired.referee import SIDES, Cell, CellFailed, CellSkipped, Side, Team, discovered, make_cache
from tbp.verdict.judgement import Comparison, Judged, Judgement

METHOD = "measured in turns"


@dataclass(frozen=True)
class Wanted:
    """What to measure, and how."""

    bench: Sequence[str] = ()  # regular expressions over "benchmark(parameter, …)", as asv's --bench; empty: all
    environment: str = ""  # asv's -E
    threads: int = 1
    limits: Limits = field(default_factory=Limits)


def gate(config: AsvConfig, baseline: Judged, contender: Judged, wanted: Wanted) -> Comparison:
    """Measure both commits in turns and judge every benchmark that can be timed.

    Raises:
        RunFailed: a commit could not be installed.
        NothingMeasured: neither commit has a benchmark of that name that can be timed.
        UsageError: a pattern is no regular expression.
    """
    progress = Progress()
    try:
        return _gate(config, baseline, contender, wanted, progress)
    finally:
        progress.end()  # what comes next, an error too, begins a line of its own


def _gate(config: AsvConfig, baseline: Judged, contender: Judged, wanted: Wanted, progress: Progress) -> Comparison:
    start_s = time.monotonic()
    patterns = _compiled(wanted.bench)
    pair = checkouts(config.path, (baseline.commit, contender.commit), wanted.environment, progress.say)
    sides = dict(zip(SIDES, pair, strict=True))
    progress.say("looking for benchmarks")
    found = _discovered(sides)
    cells, absent = _matched(found, patterns)
    if not cells and not absent:
        raise NothingMeasured(
            f"no benchmark of {config.path.parent} that can be timed matches; `asv check` and --bench name them"
        )
    with _Folders(sides) as folders:
        failed = folders.fill(cells)
        ready = [cell for cell in cells if cell not in failed]
        measure = _Measure(sides, folders, wanted.threads, progress)
        evidence = run_gate(ready, measure, wanted.limits, progress.stage)
        progress.say("tracing what changed")
        judged = explained(judgements(evidence, wanted.limits), ready, measure.record)
    made = (*judged, *failed.values(), *absent)
    return Comparison(
        project=config.project,
        baseline=baseline,
        contender=contender,
        method=METHOD,
        judgements=tuple(sorted(made, key=lambda one: (one.benchmark, one.parameters))),
        machine=platform.node(),
        environment=pair[0].environment,
        seconds=time.monotonic() - start_s,
        notes=tuple(measure.notes()),
    )


def _compiled(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    try:
        return [re.compile(pattern) for pattern in patterns]
    except re.error as error:
        raise UsageError(f"--bench {error.pattern!r} is no regular expression: {error}") from None


def _discovered(sides: Mapping[Side, Checkout]) -> dict[Side, list[Cell]]:
    try:
        return discovered(sides)
    except CellFailed as failed:
        raise NothingMeasured(f"{failed}; `asv check` shows more") from None


def _matched(
    found: Mapping[Side, Sequence[Cell]], patterns: Sequence[re.Pattern[str]]
) -> tuple[list[Cell], list[Judgement]]:
    """The cells that both sides have, and a judgement for each that only one has."""

    def wanted(cell: Cell) -> bool:
        # What asv matches: the name, and with parameters the name with their values.
        name = (
            f"{cell.benchmark}({', '.join(value for _, value in cell.parameters)})"
            if cell.parameters
            else cell.benchmark
        )
        return not patterns or any(pattern.search(name) or pattern.search(cell.benchmark) for pattern in patterns)

    by_name = {
        side: {(cell.benchmark, cell.parameters): cell for cell in found[side] if wanted(cell)} for side in SIDES
    }
    base, head = by_name["base"], by_name["head"]
    common = [cell for key, cell in head.items() if key in base]
    absent = [
        Judgement(
            *key, State.SKIPPED, reason=f"not in {'base' if key in head else 'head'}: the suite does not offer it there"
        )
        for key in sorted(base.keys() ^ head.keys())
    ]
    return common, absent


class _Folders:
    """Where benchmarks run: an empty folder for each side and set-up cache, gone in the end."""

    def __init__(self, sides: Mapping[Side, Checkout]) -> None:
        self._sides = sides
        self._home = tempfile.TemporaryDirectory(prefix="tbp-gate-")
        self._made: dict[tuple[Side, str], str] = {}

    def __enter__(self) -> _Folders:
        return self

    def __exit__(self, *_: object) -> None:
        self._home.cleanup()

    def of(self, cell: Cell) -> dict[Side, str]:
        return {side: self._folder(side, cell.setup_cache or "") for side in SIDES}

    def _folder(self, side: Side, key: str) -> str:
        if (side, key) not in self._made:
            # Of equal length on both sides: see checkouts.FOLDERS.
            folder = Path(self._home.name) / side / f"{len(self._made) // 2}"
            folder.mkdir(parents=True)
            self._made[side, key] = str(folder)
        return self._made[side, key]

    def fill(self, cells: Sequence[Cell]) -> dict[Cell, Judgement]:
        """Run each ``setup_cache`` once a side; the cells whose cache could not be made are judged failed."""
        failed: dict[str, str] = {}
        for cell in {cell.setup_cache: cell for cell in cells if cell.setup_cache is not None}.values():
            try:
                for side, folder in self.of(cell).items():
                    make_cache(side, self._sides[side], cell, folder)
            except CellFailed as error:
                failed[cell.setup_cache or ""] = str(error)
        return {
            cell: Judgement(cell.benchmark, cell.parameters, State.FAILED, reason=failed[cell.setup_cache])
            for cell in cells
            if cell.setup_cache in failed
        }


class _Measure:
    """Measures one pair of every cell asked for, in workers started for it; keeps how contended that was."""

    def __init__(self, sides: Mapping[Side, Checkout], folders: _Folders, threads: int, progress: Progress) -> None:
        self._sides, self._folders, self._threads, self._progress = sides, folders, threads, progress
        self._contaminated: list[float] = []
        self._pairs = 0

    def __call__(self, cells: Sequence[Cell], first: Side) -> dict[Cell, Pair | CellFailed | CellSkipped]:
        found: dict[Cell, Pair | CellFailed | CellSkipped] = {}
        with Team(self._sides, {cell.benchmark for cell in cells}, self._threads, self._cores()) as team:
            for cell in cells:
                try:
                    found[cell] = pair = team.measure(cell, self._folders.of(cell), first)
                    self._contaminated.append(pair.contaminated)
                except (CellFailed, CellSkipped) as problem:
                    found[cell] = problem
                self._progress.cell()
        return found

    def record(self, cell: Cell, paths: Mapping[Side, Path], steps: int) -> bool:
        """A trace of each side, in workers started for it. Raises CellFailed or CellSkipped."""
        with Team(self._sides, [cell.benchmark], self._threads, self._cores()) as team:
            return team.trace(cell, self._folders.of(cell), paths, steps)

    def _cores(self) -> list[int]:
        """As many cores as threads, others from pair to pair; none where that would be all of them."""
        if not hasattr(os, "sched_getaffinity"):
            return []
        allowed = sorted(os.sched_getaffinity(0))
        self._pairs += 1
        return (
            [allowed[(self._pairs + i) % len(allowed)] for i in range(self._threads)]
            if self._threads < len(allowed)
            else []
        )

    def notes(self) -> Iterator[str]:
        share = sum(self._contaminated) / len(self._contaminated) if self._contaminated else 0.0
        if share > NOTED_SHARE:
            yield f"other processes interrupted {share:.0%} of all blocks: a quieter machine would say more".replace(
                "%", " %"
            )


# Below this share of interrupted blocks nothing is said: an idle machine has a few.
NOTED_SHARE = 0.1


class Progress:
    """What is being done and how long it may take, on stderr; on a terminal one line that changes."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._start_s = time.monotonic()
        self._done = self._most = 0
        self._words = ""

    def say(self, words: str) -> None:
        if self._live:
            print(f"\r\x1b[K{words[:78]}", end="", file=sys.stderr, flush=True)

    def stage(self, name: str, pair: int, of: int, cells: int) -> None:
        """One more pair of a stage begins, with so many cells."""
        if pair == 0:
            self._start_s, self._done = time.monotonic(), 0
            if not self._live:
                print(f"{name} {cells} benchmarks, at most {of} pairs each", file=sys.stderr)
        self._most = self._done + (of - pair) * cells
        if pair == 1 and not self._live:
            print(f"at most {_minutes(self._left_s())} more", file=sys.stderr)
        self._words = f"{name}: pair {pair + 1} of at most {of}, {cells} benchmarks"
        self.say(self._words)

    def cell(self) -> None:
        self._done += 1
        self.say(f"{self._words}, at most {_minutes(self._left_s())} left")

    def _left_s(self) -> float:
        return (time.monotonic() - self._start_s) / self._done * (self._most - self._done)

    def end(self) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"
