"""Machines that a rule gives one name, and that take turns with unlike hardware: a merge that the rule should refuse.

Takes the fleet of a folder and the rules, gives sentences with the line that keeps them apart. A machine that was
replaced once is no such thing: its break is told where it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tbp.asv.fleet import Fleet, named_facts
from tbp.project.machine_rules import MachineRule, rule_of
from tbp.wording import words

# Facts that move times by more than most regressions. The system is none: hosts change their kernel every month.
TELLING = ("GPU", "processor", "driver", "memory", "cores")
# Times that a fact changes from a run to the next. One is a replacement and two are a loan; from three on it is turns.
LEAST_TURNS = 3


def unlike_machines(fleet: Fleet, rules: Sequence[MachineRule]) -> tuple[str, ...]:
    """A sentence for each name whose machines take turns with unlike hardware; ``rules`` gave the names."""
    of_name: dict[str, list[Mapping[str, str]]] = {}
    rule: dict[str, MachineRule] = {}
    for (machine, _, _), run in fleet.runs.items():  # in order of time
        if run.name in fleet.ruled and (given := rule_of(rules, machine)) is not None:
            of_name.setdefault(run.name, []).append(named_facts(run.hardware))
            rule.setdefault(run.name, given)
    sentences = []
    for name, runs in sorted(of_name.items()):
        differing = [fact for fact in TELLING if fact not in rule[name].facts and _turns(fact, runs) >= LEAST_TURNS]
        if differing:
            sentences.append(_sentence(name, rule[name], differing))
    return tuple(sentences)


def _turns(fact: str, runs: Sequence[Mapping[str, str]]) -> int:
    values = [facts[fact] for facts in runs if fact in facts]
    return sum(before != after for before, after in pairwise(values))


def _sentence(name: str, rule: MachineRule, differing: Sequence[str]) -> str:
    apart = " ".join([rule.name, *(f"{{{fact}}}" for fact in differing)])
    line = f"{json.dumps(rule.pattern.pattern)} = {json.dumps(apart)}"
    return (
        f"The machines named {name} take turns with another {words.joined(differing)}, and each turn is a break in "
        f"their series; [tool.tbp.machines] keeps them apart with {line}"
    )
