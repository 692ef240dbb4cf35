"""Names of machines, by what tells each apart from the others of a report: identifiers mean nothing to a reader.

Takes machines, gives a name for each. The identifier stays what programs and the command line know it by.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tbp.model.runs import Machine

LEADING = ("GPU", "processor")
"""Facts of which the first that a machine has begins its name."""

TELLING = (*LEADING, "system")
"""Facts by which a reader knows machines apart, where they differ."""

_TRADE = re.compile(r"\((R|TM|C)\)|\b(CPU|Processor)\b|@ ?[\d.]+ ?[GM]Hz", re.IGNORECASE)


def faces(machines: Sequence[Machine]) -> Mapping[str, str]:
    """Maps the identifier of each machine to its name: ``RTX 4090 · Ubuntu 22.04``.

    The name is the identifier where nothing known differs, and ends with it where other machines are alike.
    """
    facts_of = {machine.name: dict(machine.facts) for machine in machines}
    # Of a machine that says nothing at all nothing is known to differ.
    differing = [name for name in TELLING if len({facts.get(name, "") for facts in facts_of.values() if facts}) > 1]
    if not differing:
        return {name: name for name in facts_of}
    names = {machine: _face(facts, differing) for machine, facts in facts_of.items()}
    number = Counter(names.values())
    return {
        machine: machine if not face else face if number[face] == 1 else f"{face} · {machine}"
        for machine, face in names.items()
    }


def _face(facts: Mapping[str, str], differing: Sequence[str]) -> str:
    leading = next((name for name in LEADING if name in facts), "")
    return " · ".join(short(facts[name]) for name in TELLING if name in facts and name in (leading, *differing))


def short(value: str) -> str:
    """``Intel Xeon E5-2690 v4`` of ``Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz``."""
    return " ".join(_TRADE.sub(" ", value).split()) or value
