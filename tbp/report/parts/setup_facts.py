"""The facts of every setup at each commit: versions, hardware, packages. Whoever compares two sees all that differs.

Takes setups and runs, gives columns of values; ``static/pages/setups.js`` compares two of them. Values that are equal
everywhere are left out, and what nobody recorded is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tbp.history.circumstances import kind_of
from tbp.model.changes import ChangeKind
from tbp.model.runs import Machine, Run
from tbp.model.series import Setup
from tbp.report.parts.environment_parts import ABSENT
from tbp.report.parts.inventory import Known, known_at
from tbp.wording import words

PACKAGES = "installed packages"
"""The name of the column for a list of packages as such; each package that differs is named as well."""

EXPECTED = ("python", "processor", "system", PACKAGES)
"""The names without which "all else equal" is more than anybody knows."""

LISTED = "listed"


class SetupFacts(Struct, frozen=True):
    """``places`` has for each setup, by the column from which on it holds, a value for each of ``names``, empty where
    nothing is recorded.
    """

    names: tuple[str, ...]
    hardware: tuple[str, ...]  # those of ``names`` that are of the machine
    unrecorded: tuple[str, ...]  # of EXPECTED, what no run of any place says
    places: tuple[tuple[tuple[int, tuple[str, ...]], ...], ...]


def setup_facts(
    measured: Sequence[Setup], runs: Sequence[Run], machines: Sequence[Machine], columns: Mapping[str, int]
) -> SetupFacts:
    """``runs`` in order of history; ``columns`` are those of commits, by hash. What is older holds from the first."""
    facts = {machine.name: machine for machine in machines}
    by_setup: dict[Setup, list[Run]] = {setup: [] for setup in measured}
    for run in runs:
        by_setup.setdefault(run.setup, []).append(run)
    by_column = [
        {columns.get(known.commit.hash, 0): known for known in known_at(by_setup[setup], facts.get(setup.machine))}
        for setup in measured
    ]
    every = [known for columns_of_setup in by_column for known in columns_of_setup.values()]
    requirements = {name for known in every for name in known.requirements or ()}
    listed = {name for known in every for name in known.packages or ()}
    values = [
        {column: _values(known, requirements, listed) for column, known in columns_of_setup.items()}
        for columns_of_setup in by_column
    ]
    return _packed(values)


def _values(setup: Known, requirements: Iterable[str], listed: Iterable[str]) -> Mapping[str, str]:
    """The values of one place. A name that only other places have is absent here, where this place has such a list."""
    values: dict[str, str] = {}
    if setup.packages is not None:
        values = {**dict.fromkeys(listed, ABSENT), **setup.packages, PACKAGES: LISTED}
    if setup.requirements is not None:
        values = {**dict.fromkeys(requirements, ABSENT), **values, **setup.requirements}
    return {**values, **setup.facts}


def _packed(places: Sequence[Mapping[int, Mapping[str, str]]]) -> SetupFacts:
    every = [values for by_column in places for values in by_column.values()]
    names = sorted({name for values in every for name in values})
    differing = [name for name in names if len({values.get(name) for values in every}) > 1]
    hardware = [name for name in differing if kind_of(name) is ChangeKind.HARDWARE]
    return SetupFacts(
        names=tuple(map(words.visible, differing)),
        hardware=tuple(map(words.visible, hardware)),
        unrecorded=tuple(name for name in EXPECTED if name not in names),
        places=tuple(
            tuple(
                (column, tuple(words.visible(setup.get(name, "")) for name in differing))
                for column, setup in by_column.items()
            )
            for by_column in places
        ),
    )
