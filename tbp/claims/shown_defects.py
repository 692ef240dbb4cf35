"""Defects demonstrated here and now, in a process of their own: torch is imported there and nowhere else."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from tbp.asv.checkouts import Checkout
from tbp.errors import NothingMeasured, UsageError
from tbp.project.claims_file import KnownDefect
from tbp.turns.worker_process import Deadline, OutOfTime, Worker, WorkerLost
from tbp.wording.words import value_text

PROGRAM = Path(__file__).parents[1] / "defects" / "program.py"
# All demonstrations take 3 s on one core, torch imported; the import of torch on a cold disk alone may take a minute.
TOTAL_S = 300.0
START_S = 120.0
EACH_S = 60.0


class ShownOutcome(Struct, frozen=True):
    """The end of one snippet."""

    value: float = math.nan  # in the demonstration's unit
    error: str = ""  # that it raised


class ShownDefect(Struct, frozen=True):
    """A defect with what its naive and its right snippet gave."""

    name: str
    about: str = ""  # by the demonstration
    happens: str = ""  # by the claims file
    unit: str = ""
    naive: ShownOutcome = ShownOutcome()
    right: ShownOutcome = ShownOutcome()
    not_here: str = ""  # why it cannot be shown here: another torch, or another machine
    failed: str = ""  # the traceback of a demonstration that is broken itself


def shown_defects(
    names: Iterable[str],
    known: Iterable[KnownDefect] = (),
    ended: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> tuple[ShownDefect, ...]:
    """The defects called ``names``, or all; ``known`` of the claims file say what happens.

    Raises:
        UsageError: there is no demonstration of a name.
        NothingMeasured: there is no torch here, or the demonstrations cannot start.
    """
    happens = {defect.name: defect.happens for defect in known}
    checkout = Checkout("", sys.executable, dict(os.environ), "", "cpu", program=str(PROGRAM))
    deadline = Deadline.within(TOTAL_S)
    wanted = tuple(names)
    shown: list[ShownDefect] = []
    try:
        with Worker(checkout, deadline=deadline) as worker:
            there = _names(worker.ask(START_S, do="list"))
            if missing := [name for name in wanted if name not in there]:
                raise UsageError(f"there is no demonstration {value_text(missing[0])}; there are {', '.join(there)}")
            for name in wanted or there:
                shown.append(_shown(name, happens.get(name, ""), worker.ask(EACH_S, do="show", name=name)))
                ended(len(shown), len(wanted or there))
    except WorkerLost as lost:
        raise NothingMeasured(f"the demonstrations ended after {len(shown)}: their process {lost}") from None
    except OutOfTime:
        raise NothingMeasured(
            f"the demonstrations took {TOTAL_S:g} s, and {len(shown)} had ended: name fewer"
        ) from None
    return tuple(shown)


def _names(reply: Mapping[str, object]) -> tuple[str, ...]:
    if "missing" in reply:
        raise NothingMeasured(f"{reply['missing']}: pip install 'tbp-perf[bench]'")
    return msgspec.convert(reply["names"], tuple[str, ...])


def _shown(name: str, happens: str, reply: Mapping[str, object]) -> ShownDefect:
    known = {key: value for key, value in reply.items() if key in ShownDefect.__struct_fields__}
    return msgspec.convert({**known, "name": name, "happens": happens}, ShownDefect)
