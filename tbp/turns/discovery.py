"""The cells that can be timed or counted in each of two commits, as the workers find them in the suites."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack

import msgspec

from tbp.asv.checkouts import Checkout
from tbp.system.python_text import plain_value
from tbp.turns.cells import SIDES, TIMED, Cell, CellFailed, Side
from tbp.turns.referee import IMPORT_TIMEOUT_S, fail
from tbp.turns.worker_process import Deadline, Worker, WorkerLost

# asv's types whose benchmarks give a value by themselves; of "memory" that is the size of an object.
COUNTED = ("track", "peakmemory", "memory")


def discovered(
    checkouts: Mapping[Side, Checkout], deadline: Deadline | None = None, kinds: Collection[str] = (TIMED,)
) -> dict[Side, list[Cell]]:
    """Every cell of ``kinds``, which are asv's types, in each commit; both look at once, as nothing is timed yet.

    Raises:
        CellFailed: the suites cannot even be looked for.
        OutOfTime: the deadline passed.
    """
    cells: dict[Side, list[Cell]] = {}
    with ExitStack() as stack:
        workers: dict[Side, Worker] = {}
        try:
            for side in SIDES:
                workers[side] = stack.enter_context(Worker(checkouts[side], deadline=deadline))
                workers[side].send(do="discover")
            for side in SIDES:
                known = _cells(side, workers[side].receive(IMPORT_TIMEOUT_S), checkouts[side].timeout_s)
                cells[side] = [cell for cell in known if cell.kind in kinds]
        except (WorkerLost, msgspec.ValidationError) as error:
            raise CellFailed(f"the suites of {side} cannot be looked for: {error}") from None
    return cells


def _cells(side: Side, reply: Mapping[str, object], timeout_s: float) -> list[Cell]:
    if "benchmarks" not in reply:
        fail(side, reply)
    return [
        cell for suite in msgspec.convert(reply["benchmarks"], list[_Discovered]) for cell in suite.cells(timeout_s)
    ]


class _Discovered(msgspec.Struct):
    """A benchmark in the reply of a worker."""

    name: str
    parameter_names: list[str]
    parameters: list[list[str]]
    setup_cache: str | None
    timeout_s: float | None
    cache_timeout_s: float | None
    kind: str = TIMED
    unit: str = "seconds"

    def cells(self, default_timeout_s: float) -> Iterator[Cell]:
        for index, values in enumerate(self.parameters):
            names = self.parameter_names if len(self.parameter_names) == len(values) else map(str, range(len(values)))
            shown = tuple((name, plain_value(value)) for name, value in zip(names, values, strict=True))
            timeout_s, cache_timeout_s = (each or default_timeout_s for each in (self.timeout_s, self.cache_timeout_s))
            yield Cell(
                self.name, index, shown, self.setup_cache, timeout_s, cache_timeout_s, kind=self.kind, unit=self.unit
            )
