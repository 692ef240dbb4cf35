"""The referee: lets one worker of each commit take turns at a benchmark.

Takes two live workers and a cell (a benchmark with one combination of its parameters), gives the ``Pair`` they make,
or why there is none. How many pairs are needed and what they mean is left to ``gate``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import msgspec
from msgspec import Struct

from tbp.asv.checkouts import Checkout
from tbp.statistics.paired_ratios import Block, Pair, Round
from tbp.turns.cells import SIDES, Cell, CellFailed, CellSkipped, Side
from tbp.turns.worker_process import Deadline, OutOfTime, Worker, WorkerLost, how_it_ended

# Samples of about 1 ms: one shorter than a scheduler slice is mostly untouched or discarded by the median.
SAMPLE_S = 0.001
# Short turns and many of them, both workers on one core. Spread of a pair's effect (sd over 8 pairs of the same commit,
# two noisy cores, five steps of 0.5–2.4 ms): 8 rounds of 20 ms blocks 4–32 %, pinned to one core 1.3–5.8 %; 16 rounds
# of 10 ms pinned 0.8–2.8 %; 32 rounds of 5 ms pinned 0.8–3.9 % with less inside a pair. Two cores differ, as what else
# runs on them differs, and a block much longer than the neighbour's sees another machine than it did.
BLOCK_S = 0.005
ROUNDS = 32
WARMUP_S = 0.1
# A step of a second would take two minutes a pair with 32 rounds; it makes do with fewer.
PAIR_BUDGET_S = 2.0
MIN_ROUNDS = 2

# asv's own default for a benchmark that declares no timeout.
# A block takes what its samples took in calibration; more than this many times as long is a hang, not noise.
HANG_FACTOR = 50.0
MIN_BLOCK_TIMEOUT_S = 10.0
IMPORT_TIMEOUT_S = 300.0


class Team:
    """A worker for each commit; one that was lost is replaced when it is next needed."""

    def __init__(
        self,
        checkouts: Mapping[Side, Checkout],
        benchmarks: Iterable[str],
        threads: int = 1,
        cores: Sequence[int] = (),
        deadline: Deadline | None = None,
    ) -> None:
        self._checkouts = checkouts
        self._deadline = deadline
        self._benchmarks = sorted(benchmarks)  # whose suites a worker imports once, before it forks for a cell
        self._threads = threads
        self._cores = list(cores)  # both sides' while they are timed; none: wherever the system puts them
        self._workers: dict[Side, Worker] = {}
        self._in_cell: set[Side] = set()  # where a cell's process waits for its next turn
        self._unanswered: set[Side] = set()  # where a request is under way
        self._forks: dict[Side, bool] = {}

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *_: object) -> None:
        for side in SIDES:
            self._dismiss(side)

    def measure(self, cell: Cell, folders: Mapping[Side, str], first: Side) -> Pair:
        """One pair: both sides set up, warmed up and calibrated, then rounds of blocks, ``first`` beginning.

        ``folders`` is where each side runs; a ``setup_cache`` has left its pickle there.

        Raises:
            CellFailed: a side raised, died, hung or sent garbage.
            CellSkipped: a side cannot run the cell and says why.
            OutOfTime: the deadline passed.
        """
        try:
            self.assemble()
            self._set_up(cell, folders)
            plan = self._plan(cell)
            return Pair.of([self._round(plan, first if i % 2 == 0 else other(first)) for i in range(plan.rounds)])
        finally:
            self._tear_down(cell)

    def value(self, cell: Cell, side: Side, folder: str) -> float:
        """The value that the benchmark gives by itself on one side, in a process of its own.

        Raises:
            CellFailed, CellSkipped, OutOfTime: as ``measure``.
        """
        try:
            self.assemble()
            self._send(side, do="value", name=cell.benchmark, index=cell.index, folder=folder)
            reply = self._receive(side, cell.timeout_s)
            if "value" in reply or "skipped" in reply:
                self._expect(side, "ended", cell.timeout_s)
            if "skipped" in reply:
                raise CellSkipped(str(reply["skipped"]))
            if not isinstance(reply.get("value"), float):
                self._refuse(side, reply)
            return float(str(reply["value"]))
        finally:
            self._tear_down(cell)

    def trace(self, cell: Cell, folders: Mapping[Side, str], paths: Mapping[Side, Path]) -> bool:
        """Leave a trace of some calls of each side at ``paths``; False where the benchmark uses no torch.

        Raises:
            CellFailed, CellSkipped, OutOfTime: as ``measure``.
        """
        try:
            self.assemble()
            self._set_up(cell, folders)
            self._plan(cell)  # warms up
            traced = [self._trace(side, cell, str(paths[side])) for side in SIDES]
            return all(traced)
        finally:
            self._tear_down(cell)

    def _trace(self, side: Side, cell: Cell, path: str) -> bool:
        self._send(side, do="trace", path=path)
        return bool(self._expect(side, "traced", IMPORT_TIMEOUT_S + cell.timeout_s)["traced"])

    def assemble(self, *, tracing: bool = False) -> None:
        """Start the workers that are missing; both import at the same time, and what ``tracing`` needs.

        Raises:
            CellFailed: a worker cannot be started.
            OutOfTime: the deadline passed.
        """
        missing = [side for side in SIDES if not self._answers(side)]
        for side in missing:
            self._dismiss(side)
            try:
                self._workers[side] = Worker(self._checkouts[side], self._threads, self._deadline)
            except WorkerLost as lost:
                raise CellFailed(f"{side}: {lost}") from None
            self._send(side, do="import", names=self._benchmarks, tracing=tracing)
        for side in missing:
            self._forks[side] = bool(self._expect(side, "forks", IMPORT_TIMEOUT_S)["forks"])

    def _answers(self, side: Side) -> bool:
        """Asked, because a process that was just killed looks alive for a moment."""
        try:
            return side in self._workers and "forks" in self._workers[side].ask(
                MIN_BLOCK_TIMEOUT_S, do="import", names=[], tracing=False
            )
        except WorkerLost:
            return False

    def _set_up(self, cell: Cell, folders: Mapping[Side, str]) -> None:
        for side in SIDES:
            self._send(side, do="cell", name=cell.benchmark, index=cell.index, folder=folders[side])
        replies: dict[Side, dict[str, object]] = {}
        for side in SIDES:
            replies[side] = self._receive(side, cell.timeout_s)
            if "ready" in replies[side]:
                self._in_cell.add(side)
            elif "skipped" in replies[side]:
                self._expect(side, "ended", cell.timeout_s)
        for side, reply in replies.items():
            if "ready" not in reply and "skipped" not in reply:
                self._refuse(side, reply)
        skipped = {side: str(reply["skipped"]) for side, reply in replies.items() if "skipped" in reply}
        if skipped:
            where = "" if len(skipped) == len(SIDES) else f" (in {next(iter(skipped))} only)"
            raise CellSkipped(next(iter(skipped.values())) + where)

    def _tear_down(self, cell: Cell) -> None:
        """End the cell's processes; a worker that does not is dismissed, which costs the next cell an import."""
        for side in SIDES:
            if side in self._unanswered:
                self._dismiss(side)  # it is busy with what nobody waits for any more
            elif side in self._in_cell:
                with suppress(CellFailed, OutOfTime):
                    self._send(side, do="end")
                    self._expect(side, "ended", cell.timeout_s)
            if not self._forks.get(side, False):
                self._dismiss(side)  # it was the cell's process itself
        self._in_cell = set()

    def _dismiss(self, side: Side) -> None:
        self._in_cell.discard(side)
        self._unanswered.discard(side)
        self._forks.pop(side, None)
        if worker := self._workers.pop(side, None):
            worker.end()

    def _plan(self, cell: Cell) -> _Plan:
        numbers, costs = [], []
        for side in SIDES:
            self._send(side, do="calibrate", cores=self._cores, sample_s=SAMPLE_S, warmup_s=WARMUP_S)
            reply = self._expect(side, "number", cell.timeout_s)
            numbers.append(int(str(reply["number"])))
            costs.append(float(str(reply["sample_s"])) / numbers[-1])
        # The same number on both sides: the cost of the loop is then the same part of both.
        number, call_s = min(numbers), max(costs)
        samples = max(1, round(BLOCK_S / (number * call_s)))
        block_s = (samples + (samples > 1)) * number * call_s
        rounds = max(MIN_ROUNDS, min(ROUNDS, int(PAIR_BUDGET_S / (4 * block_s))))
        return _Plan(number, samples, rounds, max(MIN_BLOCK_TIMEOUT_S, HANG_FACTOR * block_s))

    def _round(self, plan: _Plan, first: Side) -> Round:
        blocks: dict[Side, list[Block]] = {"base": [], "head": []}
        for side in (first, other(first), other(first), first):
            self._send(side, do="block", number=plan.number, samples=plan.samples)
            blocks[side].append(block(side, self._expect(side, "wall_s", plan.timeout_s)))
        # Neighbours in time stand beside each other: the first two turns, and the last two.
        return Round((blocks["base"][0], blocks["base"][1]), (blocks["head"][0], blocks["head"][1]))

    def _send(self, side: Side, **request: object) -> None:
        with self._losing(side):
            self._unanswered.add(side)
            self._workers[side].send(**request)

    def _receive(self, side: Side, timeout_s: float) -> dict[str, object]:
        with self._losing(side):
            reply = self._workers[side].receive(timeout_s)
        self._unanswered.discard(side)
        return reply

    @contextmanager
    def _losing(self, side: Side) -> Iterator[None]:
        try:
            yield
        except WorkerLost as lost:
            self._dismiss(side)
            raise CellFailed(f"the worker of {side} {lost}") from None
        except OutOfTime:
            self._dismiss(side)
            raise

    def _expect(self, side: Side, key: str, timeout_s: float) -> dict[str, object]:
        reply = self._receive(side, timeout_s)
        if key not in reply:
            self._refuse(side, reply)
        return reply

    def _refuse(self, side: Side, reply: Mapping[str, object]) -> NoReturn:
        """Raise CellFailed for the last word of a cell's process, or for garbage, after which no answer is trusted."""
        self._in_cell.discard(side)
        if "failed" not in reply and "died" not in reply:
            self._dismiss(side)
        fail(side, reply)


class _Plan(Struct, frozen=True):
    number: int  # calls in a sample
    samples: int  # in a block
    rounds: int
    timeout_s: float  # of a block


def other(side: Side) -> Side:
    return "head" if side == "base" else "base"


def fail(side: Side, reply: Mapping[str, object]) -> NoReturn:
    """Raise CellFailed for a reply that is not the one asked for."""
    if "failed" in reply:
        lines = str(reply["failed"]).strip().splitlines()
        raise CellFailed(f"{side} raised {lines[-1] if lines else 'an error'}")
    if isinstance(status := reply.get("died"), int):
        raise CellFailed(f"the benchmark's process in {side} {how_it_ended(status)}")
    raise CellFailed(f"the worker of {side} sent garbage instead of an answer: {str(reply)[:80]}")


def block(side: Side, reply: Mapping[str, object]) -> Block:
    """A reply as a block. Raises CellFailed where a clock stood still or ran backwards: that is no measurement."""
    try:
        made = msgspec.convert(reply, Block)
    except msgspec.ValidationError:
        fail(side, reply)
    if not made.wall_s or min(made.wall_s) <= 0:
        raise CellFailed(f"{side} was timed at {min(made.wall_s, default=0)} s: its timer is too coarse for one call")
    return made


def make_cache(side: Side, checkout: Checkout, cell: Cell, folder: str, deadline: Deadline | None = None) -> None:
    """asv's ``setup_cache``, whose pickle it leaves in ``folder``. Raises CellFailed or OutOfTime."""
    try:
        with Worker(checkout, deadline=deadline) as worker:
            reply = worker.ask(cell.cache_timeout_s, do="setup_cache", name=cell.benchmark, folder=folder)
    except WorkerLost as lost:
        raise CellFailed(f"setup_cache in {side}: the worker {lost}") from None
    if "ended" not in reply:
        fail(side, reply)
