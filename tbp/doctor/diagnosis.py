"""The diagnosis of a machine: its facts, what stands in the way of measuring, and how noisy it is."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from tbp.doctor.facts import MachineFacts, Unread
from tbp.doctor.finding import Finding, Severity
from tbp.doctor.findings import by_severity, findings
from tbp.doctor.findings.noise import MeasuredNoise, findings_of_noise
from tbp.wording import words


class Diagnosis(Struct, frozen=True):
    """All that ``tbp doctor`` tells."""

    machine: MachineFacts
    findings: tuple[Finding, ...]  # the gravest first
    unread: tuple[Unread, ...]
    noise: MeasuredNoise | None = None

    @property
    def counts(self) -> Counter[Severity]:
        return Counter(finding.severity for finding in self.findings)

    @property
    def sentence(self) -> str:
        """The verdict in words: ``1 grave finding, 2 warnings: mend what is grave before you measure``."""
        count = self.counts
        if not self.findings and self.machine.processor.online is None:
            return "Too little of this machine can be read to tell what stands in the way of measuring"
        if not self.findings:
            return "Nothing stands in the way of measuring here"
        shown = [words.count(count[severity], *names) for severity, names in _NAMES.items() if count[severity]]
        advice = (
            ": mend what is grave before you measure" if count[Severity.GRAVE]
            else ": measurements are sound, and noisier than need be" if count[Severity.WARNING]
            else ": nothing stands in the way of measuring here"
        )  # fmt: skip
        return f"{words.joined(shown)}{advice}"


_NAMES = {
    Severity.GRAVE: ("grave finding", "grave findings"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.NOTE: ("note", "notes"),
}


def diagnosis(machine: MachineFacts, noise: MeasuredNoise | None = None, unread: tuple[Unread, ...] = ()) -> Diagnosis:
    """The diagnosis of ``machine``; ``unread`` is what else could not be told."""
    of_noise = tuple(findings_of_noise(noise)) if noise is not None else ()
    return Diagnosis(machine, by_severity((*findings(machine), *of_noise)), (*machine.unread, *unread), noise)
