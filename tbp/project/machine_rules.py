"""A project's rule for names of machines, ``"^fv-az" = "hosted {processor}"``, checked → a ``MachineRule``.

Takes a line of ``[tool.tbp.machines]``, gives the name of a machine whose identifier the pattern finds. Which facts a
run has is left to ``tbp.asv.fleet``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tbp.errors import UsageError
from tbp.model.runs import FACT_NAMES, OF_MACHINE
from tbp.project.patterns import compiled, finds
from tbp.system.foreign_text import line_of
from tbp.wording.words import value_text

UNKNOWN = "unknown"  # stands for a fact that a run does not record
MOST_RULE = 200  # characters of a rule's name: a line and a half of a terminal
MOST_NAME = 100  # characters of a machine's name, as `--machine` of a night takes them
_DIGEST = 8  # digits that tell names apart which are cut at the same place

_FACT = re.compile(r"\{([^{}]*)\}")
_SEPARATORS = re.compile(r"[/\\]")
_KNOWN = {name.lower(): name for name in FACT_NAMES.values()}  # asv's own keys are names of facts, too


class MachineRule(Struct, frozen=True):
    """A pattern of identifiers, and the name of the machines that have one: runs of one name are one machine's."""

    pattern: re.Pattern[str]
    name: str  # with facts in braces; empty: each keeps its identifier, whatever later rules say

    @property
    def facts(self) -> frozenset[str]:
        """The facts in the name, as readers see them."""
        return frozenset(map(_fact, _FACT.findall(self.name)))

    def called(self, facts: Mapping[str, str]) -> str:
        """The name of a machine with these ``facts``, by their names as readers see them.

        It is one visible line without separators of paths, whatever the facts hold.
        """
        name = _FACT.sub(lambda fact: facts.get(_fact(fact[1]), "") or UNKNOWN, self.name)
        name = " ".join(_SEPARATORS.sub("-", line_of(name)).split())
        if len(name) <= MOST_NAME:
            return name
        return f"{name[: MOST_NAME - _DIGEST - 1]}…{hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]}"


def machine_rule(where: str, pattern: str, name: object) -> MachineRule:
    """The rule of one line of the table; ``where`` begins the message. Raises UsageError."""
    if name is False:
        return MachineRule(compiled(pattern, where), "")
    if not isinstance(name, str) or len(name) > MOST_RULE or not any(map(str.isalnum, name)):
        limits = f"a text with a letter or digit in it, and at most {MOST_RULE} characters, or false"
        raise UsageError(f"{where} {value_text(pattern)} must be {limits}, not {value_text(name)}")
    for fact in _FACT.findall(name):
        if _fact(fact) not in FACT_NAMES.values() and not _fact(fact).startswith(OF_MACHINE):
            facts = ", ".join([*FACT_NAMES.values(), f"and {OF_MACHINE}X of a key X of machine.json"])
            raise UsageError(f"{where} {value_text(pattern)} names {value_text(fact)}; the facts are {facts}")
    if set("{}") & set(_FACT.sub("", name)):
        raise UsageError(
            f"{where} {value_text(pattern)} has a brace too many: braces are around facts, as {{processor}}"
        )
    return MachineRule(compiled(pattern, where), name)


def rule_of(rules: Sequence[MachineRule], identifier: str) -> MachineRule | None:
    """The first rule whose pattern is found in asv's ``identifier``; None without one, or where it refuses a name.

    Raises:
        UsageError: a pattern takes too long.
    """
    rule = next((rule for rule in rules if finds(rule.pattern, identifier)), None)
    return rule if rule is not None and rule.name else None


def _fact(name: str) -> str:
    lower = name.strip().lower()
    return _KNOWN.get(lower) or FACT_NAMES.get(lower, name)
