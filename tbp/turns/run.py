"""``tbp gate`` from two hashes to a ``Comparison``: environments, cells, pairs, judgements.

Nothing is stored. A budget ends all waiting: what is known then is the result, and so it is after an interrupt.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf, isfinite

from msgspec import Struct, field

from tbp.asv.checkouts import WAITING, Checkout, checkouts
from tbp.asv.runner import interruptible
from tbp.errors import ExitCode, NothingMeasured
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.series import Better
from tbp.project.asv_config import AsvConfig
from tbp.project.bench_filter import BenchFilter, bench_filter
from tbp.project.directions import direction
from tbp.project.policy import Policy, read_policy
from tbp.system.children import marking
from tbp.traces.calls.names import NameRule
from tbp.turns.attribution import explained
from tbp.turns.budget import Budget
from tbp.turns.cells import SIDES, TIMED, Cell, CellFailed, Side
from tbp.turns.counts import counted
from tbp.turns.discovery import COUNTED, discovered
from tbp.turns.evidence import Evidence, Limits
from tbp.turns.judging import effect_notes, judgements
from tbp.turns.measuring import Folders, Measuring
from tbp.turns.policy import run_gate
from tbp.turns.progress import GateProgress
from tbp.turns.worker_process import Deadline, OutOfTime
from tbp.wording import words
from tbp.wording.phrases import MEASURED_IN_TURNS

MOST_NAMED = 5  # benchmarks, where none matches

INTERRUPTED = "interrupted"
# Of a budget, kept for ending processes, judging and printing: a second or two of three minutes.
ENDING_SHARE = 0.02


class GateRequest(Struct, frozen=True):
    """The benchmarks to measure, and how."""

    bench: tuple[str, ...] = ()  # patterns of --bench; empty: all
    environment: str = ""  # asv's -E
    threads: int = 1
    limits: Limits = field(default_factory=Limits)
    budget_s: float = inf  # of wall time, for everything
    machine: str = ""  # as it is called in the verdict; empty: by its host name

    @property
    def out_of_time(self) -> str:
        """Why measuring stopped, where time was short."""
        return f"the budget of {self.budget_s / 60:g} min ended"


class Gated(Struct, frozen=True):
    """The result of a gate, and whether somebody ended it early."""

    comparison: Comparison
    is_interrupted: bool = False

    def exit_code(self, verdict: ExitCode) -> ExitCode:
        """``verdict``, that of the comparison, unless it is only what an interrupt left."""
        return ExitCode.INTERRUPTED if self.is_interrupted and verdict is not ExitCode.REGRESSION else verdict


class MeasuredCells(Struct):
    """The result so far: it grows while the gate runs, so that an interrupt leaves it whole."""

    evidence: Sequence[Evidence] = ()
    settled: list[Judgement] = field(default_factory=list)  # on cells that are not measured
    judged: tuple[Judgement, ...] = ()
    notes: list[str] = field(default_factory=list)
    is_interrupted: bool = False


def gate(config: AsvConfig, baseline: ComparedCommit, contender: ComparedCommit, request: GateRequest) -> Gated:
    """Measure both commits in turns and judge every benchmark that can be timed.

    An interrupt, or a SIGTERM like one, ends it: what was known by then is given, if there were benchmarks by then.

    Raises:
        RunFailed: a commit could not be installed, or not within the budget.
        NothingMeasured: neither commit has a benchmark of that name that can be timed, or none was found in time.
        UsageError: a pattern is no regular expression.
        KeyboardInterrupt: it was interrupted before there was anything to measure.
    """
    start_s = time.monotonic()
    is_wanted = bench_filter(request.bench)
    deadline = Deadline(start_s + request.budget_s * (1 - ENDING_SHARE))
    with interruptible(), marking(), GateProgress() as progress:
        commits = (baseline.commit, contender.commit)
        waits = partial(progress.line, f"tbp: {WAITING}")
        with checkouts(config, commits, request.environment, progress.say, deadline.left_s, waits) as pair:
            measured = _measured(config, dict(zip(SIDES, pair, strict=True)), is_wanted, request, deadline, progress)
    everything = (*measured.judged, *measured.settled)
    comparison = Comparison(
        project=config.project,
        baseline=baseline,
        contender=contender,
        method=MEASURED_IN_TURNS,
        judgements=tuple(sorted(everything, key=lambda judgement: (judgement.benchmark, judgement.parameters))),
        machine=request.machine or platform.node(),
        environment=pair[0].environment,
        seconds=time.monotonic() - start_s,
        notes=tuple(measured.notes),
    )
    return Gated(comparison, measured.is_interrupted)


def _measured(
    config: AsvConfig,
    sides: Mapping[Side, Checkout],
    is_wanted: BenchFilter,
    request: GateRequest,
    deadline: Deadline,
    progress: GateProgress,
) -> MeasuredCells:
    """Everything that processes say of both sides."""
    policy = read_policy(config.policy_file)
    progress.say("looking for benchmarks")
    start_s = time.monotonic()
    discovered_cells = _discovered(sides, deadline, request)
    cells, absent = _matched(discovered_cells, is_wanted)
    if not cells and not absent:
        names = list(dict.fromkeys(cell.benchmark for cell in discovered_cells["head"]))
        shown = words.named(names, MOST_NAMED) or "none"
        unmatched = f"no benchmark of {config.path.parent} matches --bench; the suites have {shown}"
        nothing = f"{config.path.parent} has no benchmark that can be measured: `tbp check` looks for the reason"
        raise NothingMeasured(unmatched if request.bench else nothing)
    timed, counts = [[cell for cell in cells if (cell.kind == TIMED) is is_timed] for is_timed in (True, False)]
    # To look for benchmarks is to import them: about what workers will take until they are ready.
    budget = Budget(lambda: deadline.left_s, request.budget_s, time.monotonic() - start_s)
    known = MeasuredCells([Evidence(cell) for cell in timed], absent)
    if counts:
        _count(sides, counts, known, request, progress, deadline, policy)
    if timed and not known.is_interrupted:
        take_turns(sides, known, request, progress, budget, deadline, policy.names)
    return known


def _count(
    sides: Mapping[Side, Checkout],
    cells: Sequence[Cell],
    known: MeasuredCells,
    request: GateRequest,
    progress: GateProgress,
    deadline: Deadline,
    policy: Policy,
) -> None:
    """Take the values of ``cells``, which give them by themselves, and add what is said of them to ``known``.

    It comes before all timing: it takes moments, and a budget must not end with it undone.
    """
    progress.say(f"counting {words.count(len(cells), 'benchmark')}")
    with Folders(sides, deadline) as folders:
        try:
            failed = folders.fill(cells)
            known.settled += failed.values()
            sound = [cell for cell in cells if cell not in failed]
            with Measuring(sides, folders, request.threads, None, deadline).counting(sound) as value_of:
                known.settled += counted(sound, value_of, partial(_better, policy), request.limits, request.out_of_time)
        except OutOfTime:
            known.notes.append(f"{request.out_of_time} before {words.count(len(cells), 'benchmark')} could be counted")
        except KeyboardInterrupt:
            known.is_interrupted = True


def _better(policy: Policy, cell: Cell) -> Better:
    return direction(cell.benchmark, cell.kind, cell.unit, policy).better


def take_turns(
    sides: Mapping[Side, Checkout],
    known: MeasuredCells,
    request: GateRequest,
    progress: GateProgress,
    budget: Budget,
    deadline: Deadline,
    rules: Sequence[NameRule] = (),
) -> None:
    """Measure the cells of ``known``, and add all that is said of them; ``rules`` are for names of operators."""
    cells = [each.cell for each in known.evidence]
    with Folders(sides, deadline) as folders:
        measuring = Measuring(sides, folders, request.threads, budget, deadline, progress.cell)
        ended = ""
        try:
            _fill(folders, known, cells)
            run_gate(known.evidence, measuring, request.limits, progress.turn, budget)
        except OutOfTime:
            pass
        except KeyboardInterrupt:
            known.is_interrupted, ended = True, INTERRUPTED
        if not ended and any(each.wants_pairs for each in known.evidence):
            ended = request.out_of_time
        known.judged = judgements(known.evidence, request.limits, ended)
        if not known.is_interrupted:
            _explain(known, cells, measuring, progress, rules)
    known.notes += effect_notes(known.judged)
    known.notes += measuring.notes()
    known.notes += _ending(known, ended, isfinite(request.budget_s))


def _fill(folders: Folders, known: MeasuredCells, cells: Sequence[Cell]) -> None:
    failed = folders.fill(cells)
    known.settled += failed.values()
    known.evidence = [each for each in known.evidence if each.cell not in failed]


def _explain(
    known: MeasuredCells, cells: Sequence[Cell], measuring: Measuring, progress: GateProgress, rules: Sequence[NameRule]
) -> None:
    progress.say("tracing what changed")
    try:
        known.judged = explained(known.judged, cells, measuring.recording, rules)
    except KeyboardInterrupt:
        known.is_interrupted = True


def _ending(known: MeasuredCells, ended: str, has_budget: bool) -> list[str]:
    """A sentence where it ended before all was decided."""
    measurable = [each for each in known.evidence if each.state is None]
    left = sum(each.wants_pairs for each in measurable)
    if not (ended and left):
        return []
    more = "; a larger --budget, or fewer benchmarks (--bench), decide more" if has_budget else ""
    return [f"{ended} with {left:,} of {words.count(len(measurable), 'benchmark')} undecided{more}"]


def _discovered(sides: Mapping[Side, Checkout], deadline: Deadline, request: GateRequest) -> dict[Side, list[Cell]]:
    try:
        return discovered(sides, deadline, (TIMED, *COUNTED))
    except CellFailed as failed:
        raise NothingMeasured(f"{failed}; `asv check` shows more") from None
    except OutOfTime:
        raise NothingMeasured(f"{request.out_of_time} before the benchmarks were found; give it more time") from None


def _matched(
    discovered_cells: Mapping[Side, Sequence[Cell]], is_wanted: BenchFilter
) -> tuple[list[Cell], list[Judgement]]:
    """The cells that both sides have, and a judgement for each that only one has."""
    by_name = {
        side: {
            (cell.benchmark, cell.parameters): cell
            for cell in discovered_cells[side]
            if is_wanted(cell.benchmark, cell.parameters)
        }
        for side in SIDES
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
