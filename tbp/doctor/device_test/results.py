"""Results of a self-test as frozen values."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from msgspec import Struct

from tbp.wording import words


class CheckState(StrEnum):
    """The end of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckReading(Struct, frozen=True):
    """A measured value in words."""

    name: str
    value: str
    expected: str = ""  # in words; empty: nothing is expected of it
    is_right: bool = True


class CheckResult(Struct, frozen=True):
    """One check with all that it measured."""

    name: str
    state: CheckState
    readings: tuple[CheckReading, ...] = ()
    reason: str = ""  # of a skip or a failure, in a sentence
    traceback: str = ""  # of a check that raised
    seconds: float = 0.0


class DeviceTest(Struct, frozen=True):
    """All checks of one device."""

    device: str  # "cpu" or "cuda"
    facts: tuple[tuple[str, str], ...]  # name and value
    results: tuple[CheckResult, ...]
    seconds: float

    @property
    def counts(self) -> Counter[CheckState]:
        return Counter(result.state for result in self.results)

    @property
    def sentence(self) -> str:
        """The verdict in words: ``15 of 16 checks passed, 1 failed, 2 have no meaning here``."""
        count, ran = self.counts, len(self.results) - self.counts[CheckState.SKIPPED]
        failed = f", {count[CheckState.FAILED]} failed" if count[CheckState.FAILED] else ""
        skipped = f", {count[CheckState.SKIPPED]} skipped" if count[CheckState.SKIPPED] else ""
        return f"{count[CheckState.PASSED]} of {words.count(ran, 'check')} passed{failed}{skipped}"


def result_of(name: str, reply: dict[str, object], readings: tuple[CheckReading, ...], seconds: float) -> CheckResult:
    """The result that a reply of the program means."""
    traceback, reason = str(reply.get("failed", "")), str(reply.get("reason", ""))
    wrong = [reading for reading in readings if not reading.is_right]
    if traceback:
        return CheckResult(name, CheckState.FAILED, readings, words.first_line(traceback), traceback, seconds)
    if wrong:
        names = words.joined([f"{reading.name} is {reading.value}, not {reading.expected}" for reading in wrong])
        return CheckResult(name, CheckState.FAILED, readings, names, seconds=seconds)
    return CheckResult(name, CheckState.SKIPPED if reason else CheckState.PASSED, readings, reason, seconds=seconds)
