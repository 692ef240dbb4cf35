"""Pairs for a night: each new commit against the one at which its level begins, then fresh ones for what is suspected.

Takes series with what is known of them, measures pairs in the time there is, and stores their ratios beside the
results. Which pairs decide is ``tbp.history.paired_evidence``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import log1p

from msgspec import Struct, field
from msgspec.structs import replace

from tbp.asv.checkouts import WAITING, checkouts
from tbp.asv.ratios import Ratio, add_ratios
from tbp.asv.runner import interruptible
from tbp.errors import RunFailed
from tbp.history.paired_changes import level_begin, wanted, with_pairs
from tbp.history.paired_evidence import FRESH_LOOKS
from tbp.history.stored import Stored, by_themselves
from tbp.model import relevance
from tbp.model.changes import Change
from tbp.model.series import Point, SeriesKey, short_hash
from tbp.nightly.told_file import untold
from tbp.project.asv_config import AsvConfig
from tbp.statistics.paired_ratios import Pair
from tbp.turns.cells import SIDES, Cell, CellFailed, Side
from tbp.turns.discovery import discovered
from tbp.turns.evidence import agrees, estimated
from tbp.turns.measuring import Folders, Measuring
from tbp.turns.worker_process import Deadline, OutOfTime
from tbp.wording import words

# Of each benchmark of a new commit. With a spread of 3 % they see 5 % on the first night in four of five cases
# (tools/simulated_nights.py); more would take the time of fresh pairs, which decide.
NIGHT_PAIRS = 4
# Of the budget for new commits; the rest is for what they make suspect.
NEW_SHARE = 0.6

Heard = Callable[[str], None]


class Tracked(Struct):
    """A series that pairs may tell more of."""

    key: SeriesKey
    points: Sequence[Point]
    changes: Sequence[Change]  # those that it shows by itself
    ratios: list[Ratio]
    relevant: float = 0.0
    is_news: Callable[[Change], bool] = lambda change: False  # of a change: True where it was not reported yet
    made: list[Ratio] = field(default_factory=list)  # tonight
    identifier: str = ""  # asv's of the machine, under which ratios are stored; empty: the machine's name

    @property
    def fresh_pairs(self) -> int:
        """Fresh pairs measured tonight."""
        return sum(len(ratio.effects) for ratio in self.made if ratio.is_fresh)

    @property
    def stored_as(self) -> SeriesKey:
        """The series as the results folder has it, where machines have no names but asv's."""
        return replace(self.key, machine=self.identifier or self.key.machine)

    def add(self, ratio: Ratio) -> None:
        self.ratios.append(ratio)
        self.made.append(ratio)


class Task(Struct, frozen=True):
    """Pairs of two commits to measure, and of which series how many."""

    base: str
    head: str
    pairs: Mapping[SeriesKey, int]
    is_fresh: bool

    def __str__(self) -> str:
        why = "fresh pairs of" if self.is_fresh else "measuring in turns"
        both = f"{short_hash(self.head)} against {short_hash(self.base)}"
        return f"tbp: {why} {both}: {words.count(len(self.pairs), 'benchmark')}"


def tracked_series(store: Stored, machine: str) -> list[Tracked]:
    """The series of ``machine``, as asv calls it, that are times; with the changes that their runs alone show."""
    is_untold, name = untold(store.folder), store.fleet.now(machine)
    return [
        Tracked(
            history.key,
            history.points,
            [evidence.change for evidence in history.changes],
            list(store.ratios.of.get(history.key, ())),
            store.policy.relevant,
            partial(is_untold, history),
            identifier=machine,
        )
        for history in by_themselves(store)
        if history.unit == "seconds" and history.key.machine == name
    ]


def measure_in_turns(
    config: AsvConfig, tracked: Sequence[Tracked], commits: Sequence[str], budget_s: float, heard: Heard
) -> None:
    """Measure as ``measure_night`` does; the ratios are stored beside the results when this ends, however it ends."""
    try:
        with interruptible():
            measure_night(config, tracked, commits, budget_s, heard)
    finally:
        add_ratios(config.results_dir, [(series.stored_as, ratio) for series in tracked for ratio in series.made])


def measure_night(
    config: AsvConfig, tracked: Sequence[Tracked], commits: Sequence[str], budget_s: float, heard: Heard
) -> None:
    """Add tonight's ratios to ``tracked``; ``commits`` are the new ones, oldest first.

    What was measured when this is interrupted is there. What could not be measured is told ``heard``, with the reason.
    """
    night = _Night(config, tracked, heard)
    screening, deadline = Deadline.within(NEW_SHARE * budget_s), Deadline.within(budget_s)
    for task in new_tasks(tracked, commits):
        night.measure(task, screening)
    hopeless: set[tuple[str, str]] = set()
    while tasks := [task for task in fresh_tasks(tracked) if (task.base, task.head) not in hopeless]:
        if deadline.left_s <= 0:
            heard(f"tbp: the paired budget of {budget_s / 60:g} min ended before all that is suspected was decided")
            return
        if not night.measure(tasks[0], deadline):
            hopeless.add((tasks[0].base, tasks[0].head))


def new_tasks(tracked: Sequence[Tracked], commits: Sequence[str]) -> list[Task]:
    """Each new commit against the first of the level that a series is on: the newest commit first, then most series."""
    groups: dict[tuple[str, str], dict[SeriesKey, int]] = {}
    for series in tracked:
        changes = with_pairs(series.changes, series.points, series.ratios, series.relevant)
        begin = level_begin(changes, series.points)
        base = series.points[begin].commit.hash
        for point in series.points[begin + 1 :]:
            if point.has_level and point.commit.hash in commits:
                groups.setdefault((base, point.commit.hash), {})[series.key] = NIGHT_PAIRS
    order = sorted(groups, key=lambda pair: (-commits.index(pair[1]), -len(groups[pair])))
    return [Task(base, head, groups[base, head], is_fresh=False) for base, head in order]


def fresh_tasks(tracked: Sequence[Tracked]) -> list[Task]:
    """The fresh pairs that would decide most of what is suspected, most series first."""
    groups: dict[tuple[str, str], dict[SeriesKey, int]] = {}
    for series in tracked:
        next_pairs = wanted(series.changes, series.points, series.ratios, series.relevant, series.is_news)
        if next_pairs is not None and series.fresh_pairs + next_pairs.pairs <= max(FRESH_LOOKS):
            base, head = series.points[next_pairs.base], series.points[next_pairs.head]
            groups.setdefault((base.commit.hash, head.commit.hash), {})[series.key] = next_pairs.pairs
    order = sorted(groups, key=lambda pair: -len(groups[pair]))
    return [Task(base, head, groups[base, head], is_fresh=True) for base, head in order]


class _Night:
    """Measures tasks; what hinders several of them is told once."""

    def __init__(self, config: AsvConfig, tracked: Sequence[Tracked], heard: Heard) -> None:
        self._config, self._heard = config, heard
        self._tracked = {series.key: series for series in tracked}
        self._reported: set[str] = set()

    def measure(self, task: Task, deadline: Deadline) -> bool:
        """Measure what is asked, as far as time allows; whether any ratio came of it."""
        if deadline.left_s <= 0:
            return False
        self._heard(str(task))
        pairs: dict[SeriesKey, list[Pair]] = {}
        ratios: list[Ratio] = []
        try:
            waits = partial(self._heard, f"tbp: {WAITING}")
            with checkouts(self._config, (task.base, task.head), timeout_s=deadline.left_s, waits=waits) as both:
                sides = dict(zip(SIDES, both, strict=True))
                cells = _cells(discovered(sides, deadline), task, both[0].environment)
                with Folders(sides, deadline) as folders:
                    failed = folders.fill(list(cells.values()))
                    cells = {key: cell for key, cell in cells.items() if cell not in failed}
                    _take_turns(cells, task, Measuring(sides, folders, deadline=deadline), deadline, pairs)
        except (RunFailed, CellFailed) as problem:
            self._tell(
                f"tbp: {short_hash(task.head)} is not measured in turns with {short_hash(task.base)}: ", str(problem)
            )
        except OutOfTime:
            pass
        finally:
            for key, series_pairs in pairs.items():
                if (ratio := ratio_of(task, series_pairs)) is not None:
                    self._tracked[key].add(ratio)
                    ratios.append(ratio)
        return bool(ratios)

    def _tell(self, lead: str, why: str) -> None:
        if why not in self._reported:
            self._reported.add(why)
            self._heard(f"{lead}{why}")


def _cells(discovered_cells: Mapping[Side, Sequence[Cell]], task: Task, environment: str) -> dict[SeriesKey, Cell]:
    """The cells that the task asks for and both commits have."""
    common = {(cell.benchmark, cell.parameters) for cell in discovered_cells["base"]}
    by_name = {(cell.benchmark, cell.parameters): cell for cell in discovered_cells["head"]}
    names = {key: (key.benchmark, key.parameters) for key in task.pairs if key.environment == environment}
    return {key: by_name[name] for key, name in names.items() if name in common and name in by_name}


def _take_turns(
    cells: Mapping[SeriesKey, Cell],
    task: Task,
    measuring: Measuring,
    deadline: Deadline,
    pairs: dict[SeriesKey, list[Pair]],
) -> None:
    """Fill ``pairs``, a pair of each cell at a time; one that fails or is skipped gets no more."""
    keys = {cell: key for key, cell in cells.items()}
    out: set[Cell] = set()
    for turn in range(max(task.pairs.values())):
        active = [cell for cell, key in keys.items() if turn < task.pairs[key] and cell not in out]
        if not active or deadline.left_s <= 0:
            return
        for cell, answer in measuring(active, SIDES[turn % 2], lambda cell: deadline.left_s > 0):
            if isinstance(answer, Pair):
                pairs.setdefault(keys[cell], []).append(answer)
            else:
                out.add(cell)


def ratio_of(task: Task, pairs: Sequence[Pair]) -> Ratio | None:
    """The ratio of the pairs; none where CPU time does not bear witness to a change in wall time."""
    if len(pairs) < 2:
        return None
    effect = estimated(pairs).effect
    if abs(effect) >= log1p(relevance.TWO_COMMITS) and not agrees(pairs, effect):
        return None
    return Ratio(task.base, task.head, tuple(pair.effect for pair in pairs), task.is_fresh)
