"""The machines of a results folder under the names that a project's rules give them (``[tool.tbp.machines]``).

Takes what was read of a folder and the rules, gives the same with every machine under its name: results, sessions with
their reasons, ratios. Runs of one name are runs of one machine. Files and folders keep asv's identifiers, so a rule
holds for what is stored already, and a changed one changes no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.ratios import Ratio, Ratios
from tbp.asv.reasons import Cell, Reasons
from tbp.asv.result_file import ASV_FACTS, Facts, hardware_text
from tbp.asv.results import RUN, SERIES, Results, category, with_used_categories
from tbp.asv.sessions import Session, Sessions
from tbp.model.runs import Machine, fact_name, named_values
from tbp.model.series import SeriesKey
from tbp.project.machine_rules import MachineRule, rule_of

RunId: TypeAlias = tuple[str, str, str]
"""asv's identifier of the machine, the environment, the full hash of the commit."""

# The fact that a session knows of its device: asv stores no facts of a machine that it is given a name for.
_DEVICE_FACTS = {"cuda": "GPU", "cpu": "processor"}


class NamedRun(Struct, frozen=True):
    """One run with the name of its machine."""

    name: str
    hardware: str  # as in the results


class Fleet(Struct, frozen=True, dict=True):
    """The names of the machines of a folder; without ``runs``, every machine has its identifier for a name."""

    runs: Mapping[RunId, NamedRun] = {}  # the one that was measured first comes first
    ruled: frozenset[str] = frozenset()  # names that a rule gave

    def name(self, machine: str, environment: str, commit: str) -> str:
        """The name of the machine of a run; of a run without a result, that of the machine's newest run."""
        run = self.runs.get((machine, environment, commit))
        return run.name if run is not None else self.now(machine)

    def now(self, machine: str) -> str:
        """The name of the machine that asv calls ``machine``, by its newest run."""
        return self._newest.get(machine, machine)

    def meant(self, machine: str) -> frozenset[str]:
        """The names that ``--machine`` means: of the machine with this name, else of that with this identifier."""
        if machine in self._names:
            return frozenset([machine])
        return frozenset(run.name for (of, _, _), run in self.runs.items() if of == machine) or frozenset([machine])

    @cached_property
    def _newest(self) -> Mapping[str, str]:
        return {machine: run.name for (machine, _, _), run in self.runs.items()}

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(run.name for run in self.runs.values())


def fleet_of(frame: pd.DataFrame, sessions: Sessions, rules: Sequence[MachineRule]) -> Fleet:
    """The names of the machines of ``frame``, the results as they were read.

    Raises:
        UsageError: a pattern takes too long.
    """
    if not rules:
        return Fleet()
    rule = {machine: rule_of(rules, machine) for machine in map(str, frame["machine"].cat.categories)}
    seen = _facts_of_sessions(sessions.sessions)
    heads = frame.drop_duplicates(RUN)
    heads = heads.assign(at=heads["started"].fillna(heads["date"])).sort_values("at", kind="stable")
    runs: dict[RunId, NamedRun] = {}
    for machine, environment, commit, hardware in heads[[*RUN, "hardware"]].itertuples(index=False, name=None):
        run, of_machine = (machine, environment, commit), rule[machine]
        facts = {**seen.get(run, {}), **named_facts(hardware)}
        runs[run] = NamedRun(of_machine.called(facts) if of_machine is not None else machine, hardware)
    return Fleet(runs, frozenset(run.name for (machine, _, _), run in runs.items() if rule[machine] is not None))


def name_on_arrival(machine: str, facts: Facts, rules: Sequence[MachineRule]) -> str:
    """The name of a machine that has no result yet, by asv's ``facts`` of it.

    It is ``machine`` where a rule names facts that asv does not find out.
    """
    rule = rule_of(rules, machine)
    if rule is None or not rule.facts.issubset(map(fact_name, ASV_FACTS)):
        return machine
    return rule.called(named_facts(hardware_text(facts)))


def results_of(results: Results, fleet: Fleet) -> Results:
    """``results`` under the names of ``fleet``.

    Where two machines of one name measured the same cell of a commit, the value that was begun last is the run's.
    """
    if not fleet.ruled:
        return results
    frame = results.frame
    of_row = np.asarray(frame.groupby(RUN, observed=True).ngroup(), np.int64)
    _, first = np.unique(of_row, return_index=True)
    ids = list(frame[RUN].iloc[first].itertuples(index=False, name=None))
    names = [fleet.runs[run].name for run in ids]
    frame = frame.assign(machine=category(of_row, names))
    if len({(name, *run[1:]) for name, run in zip(names, ids, strict=True)}) < len(ids):
        begun = frame.sort_values("started", kind="stable", na_position="first")
        is_repeated = begun.duplicated([*SERIES, "commit"], keep="last").sort_index()
        frame = with_used_categories(frame[~is_repeated].reset_index(drop=True))
    return replace(results, frame=frame, machines=_machines(results.machines, fleet))


def sessions_of(sessions: Sessions, fleet: Fleet) -> Sessions:
    """``sessions`` and their reasons under the names of ``fleet``, each by the run that it belongs to."""
    if not fleet.ruled:
        return sessions
    named = [replace(each, key=_named(each.key, each.commit, fleet)) for each in sessions.sessions]
    return replace(sessions, sessions=tuple(named), reasons=_reasons_of(sessions.reasons, fleet))


def ratios_of(ratios: Ratios, fleet: Fleet) -> Ratios:
    """``ratios`` under the names of ``fleet``, each by the run of the commit that it judges."""
    if not fleet.ruled:
        return ratios
    named: dict[SeriesKey, list[Ratio]] = {}
    for key, several in ratios.of.items():
        for ratio in several:
            named.setdefault(_named(key, ratio.head, fleet), []).append(ratio)
    return replace(ratios, of={key: tuple(several) for key, several in named.items()})


def _named(key: SeriesKey, commit: str, fleet: Fleet) -> SeriesKey:
    return replace(key, machine=fleet.name(key.machine, key.environment, commit))


def _reasons_of(reasons: Reasons, fleet: Fleet) -> Reasons:
    """``reasons`` under the names of ``fleet``; of two machines of one name, that of the one measured last."""
    turn = {run: number for number, run in enumerate(fleet.runs)}
    recorded = [
        ((machine, environment, commit), cell, reason)
        for (cell, machine, environment), by_commit in reasons.by_series.items()
        for commit, reason in by_commit.items()
    ]
    named: dict[tuple[Cell, str, str], dict[str, str]] = {}
    for run, cell, reason in sorted(recorded, key=lambda entry: turn.get(entry[0], -1)):
        _, environment, commit = run
        named.setdefault((cell, fleet.name(*run), environment), {})[commit] = reason
    return replace(reasons, by_series=named)


def _machines(known: Sequence[Machine], fleet: Fleet) -> tuple[Machine, ...]:
    """The machines by their names; those of several, or of a part of one, with the facts that all runs record alike."""
    by_identifier = {machine.name: machine for machine in known}
    sources: dict[str, set[str]] = {}
    hardware: dict[str, set[str]] = {}
    for (identifier, _, _), run in fleet.runs.items():
        sources.setdefault(run.name, set()).add(identifier)
        hardware.setdefault(run.name, set()).add(run.hardware)
    parts = Counter(identifier for identifiers in sources.values() for identifier in identifiers)
    named = []
    for name, identifiers in sorted(sources.items()):
        first = min(identifiers)
        is_whole = len(identifiers) == 1 and parts[first] == 1 and first in by_identifier
        named.append(replace(by_identifier[first], name=name) if is_whole else Machine(name, _common(hardware[name])))
    return tuple(named)


def _common(hardware: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The facts that all texts of ``hardware`` have; those that record nothing do not count."""
    texts = [named_facts(text) for text in sorted(hardware) if text]
    return tuple(fact for fact in texts[0].items() if all(fact in other.items() for other in texts)) if texts else ()


def named_facts(hardware: str) -> dict[str, str]:
    """The facts of a run's hardware text, by their names as readers see them."""
    return {fact_name(name): value for name, value in named_values(hardware)}


def _facts_of_sessions(sessions: Iterable[Session]) -> Mapping[RunId, Mapping[str, str]]:
    """The facts that the sessions of each run know of its devices."""
    facts: dict[RunId, dict[str, str]] = {}
    for session in sessions:
        if session.device_name and session.device in _DEVICE_FACTS:
            run = session.key.machine, session.key.environment, session.commit
            facts.setdefault(run, {})[_DEVICE_FACTS[session.device]] = session.device_name
    return facts
