"""A self-test as it runs: checks in a process that may crash, hang or be spoilt, and another one in its place then.

An error of CUDA stays with its process: every later call fails alike. So the next check gets a new one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from tbp import __version__
from tbp.asv.checkouts import Checkout
from tbp.doctor.device_test.results import CheckReading, CheckResult, CheckState, DeviceTest, result_of
from tbp.doctor.diagnosis import Diagnosis, diagnosis
from tbp.doctor.finding import Severity
from tbp.doctor.reading.machine import ThisProcess, read_machine
from tbp.errors import NothingMeasured
from tbp.turns.worker_process import Deadline, OutOfTime, Worker, WorkerLost

PROGRAM = Path(__file__).parents[2] / "selftest" / "program.py"
# All of it takes about 30 s on one core; the import of torch on a cold disk alone may take a minute.
TOTAL_S = 300.0
START_S = 120.0
# The longest check takes 5 s on one core.
CHECK_S = 60.0
NEEDED = ("torch", "asv_runner")


def device_test(device: str, ended: Callable[[CheckResult, int], None] = lambda result, checks: None) -> DeviceTest:
    """All checks of ``device``; ``ended`` gets each result, and the number of checks.

    Raises:
        NothingMeasured: there is no such device, or what the checks need is not installed.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise NothingMeasured(
            f"{sys.executable} has no {' and no '.join(missing)}, which the checks need: pip install 'tbp-perf[bench]'"
        )
    start_s = time.monotonic()
    surroundings = dict(facts_of(diagnosis(read_machine(ThisProcess.here()))))
    with Program(device, PROGRAM) as program:
        listing = program.listing()
        names = msgspec.convert(listing["checks"], tuple[str, ...])
        facts = {"tbp": __version__} | msgspec.convert(listing["facts"], dict[str, str]) | surroundings
        results = []
        for result in program.results(names):
            results.append(result)
            ended(result, len(names))
    return DeviceTest(device, tuple(facts.items()), tuple(results), time.monotonic() - start_s)


def facts_of(diagnosed: Diagnosis) -> Iterator[tuple[str, str]]:
    """Facts of the machine for a report that anybody may read: findings by their subjects, no names of processes."""
    for gpu in diagnosed.machine.gpus:
        yield (
            f"GPU {gpu.index}",
            f"{gpu.name}, driver {gpu.driver}, {gpu.sm_mhz or '?'} of {gpu.most_sm_mhz or '?'} MHz",
        )
    for severity in (Severity.GRAVE, Severity.WARNING):
        subjects = [finding.subject for finding in diagnosed.findings if finding.severity is severity]
        if subjects:
            yield f"tbp doctor, {severity}", ", ".join(dict.fromkeys(subjects))


class Program:
    """The program of the checks in a process, or in the next one where that was lost."""

    def __init__(self, device: str, program: Path, total_s: float = TOTAL_S, check_s: float = CHECK_S) -> None:
        self._checkout = Checkout("", sys.executable, dict(os.environ), "", device, program=str(program))
        self._deadline, self._check_s = Deadline.within(total_s), check_s
        self._worker: Worker | None = None

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def listing(self) -> dict[str, object]:
        """The names of the checks, and facts of the device. Raises NothingMeasured where there is none."""
        try:
            reply = self._ask(START_S, do="list")
        except (WorkerLost, OutOfTime) as lost:
            raise NothingMeasured(f"the checks cannot start: their process {lost}") from None
        if "missing" in reply:
            raise NothingMeasured(f"{reply['missing']}: {reply.get('hint', '')}".rstrip(": "))
        return reply

    def results(self, names: tuple[str, ...]) -> Iterator[CheckResult]:
        """The result of each check, as it ends; those that the deadline leaves out have failed."""
        for name in names:
            start_s = time.monotonic()
            try:
                reply = self._ask(self._check_s if self._worker else START_S, do="check", name=name)
            except WorkerLost as lost:
                self._end()
                yield CheckResult(name, CheckState.FAILED, (), f"its process {lost}", "", time.monotonic() - start_s)
                continue
            except OutOfTime:
                yield CheckResult(name, CheckState.FAILED, (), "it was not run to its end: the time was over")
                continue
            readings = msgspec.convert(reply["readings"], tuple[CheckReading, ...])
            yield result_of(name, reply, readings, time.monotonic() - start_s)
            if "CUDA error" in str(reply["failed"]):
                self._end()

    def _ask(self, timeout_s: float, **request: object) -> dict[str, object]:
        if self._deadline.left_s <= 0:
            raise OutOfTime
        if self._worker is None:
            self._worker = Worker(self._checkout, deadline=self._deadline)
        return self._worker.ask(timeout_s, **request)

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None
