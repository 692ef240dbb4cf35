"""Findings: facts of a machine that stand in the way of a measurement, by pure rules; the gravest come first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tbp.doctor.facts import MachineFacts
from tbp.doctor.finding import Finding, Severity
from tbp.doctor.findings import clock, cores, gpus, neighbours, settings

Rule = Callable[[MachineFacts], Iterator[Finding]]

# In the order in which a user would act on findings of one severity.
RULES: tuple[Rule, ...] = (
    neighbours.busy_cores, neighbours.stolen_time, cores.quota, cores.threads, settings.variables, settings.power,
    clock.heat, gpus.slowed, gpus.shared, gpus.torch_without_cuda, neighbours.memory, clock.governor, clock.boost,
    gpus.persistence, gpus.partitions, clock.source, cores.few_cores, cores.isolated, cores.siblings, cores.nodes,
    settings.waiting, settings.python, settings.instructions, gpus.clocks,
)  # fmt: skip


def findings(machine: MachineFacts) -> tuple[Finding, ...]:
    """All findings, the gravest first, each severity in the order of RULES."""
    return by_severity([finding for rule in RULES for finding in rule(machine)])


def by_severity(known: Iterable[Finding]) -> tuple[Finding, ...]:
    """The gravest first; of one severity in the order that they have."""
    return tuple(sorted(known, key=lambda finding: list(Severity).index(finding.severity)))
