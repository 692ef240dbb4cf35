"""The setup of every place at each commit: versions, hardware, packages. Whoever compares two sees all that differs.

Takes places and runs, gives columns of values; ``static/pages/setups.js`` compares two of them. Values that are equal
everywhere are left out, and what nobody recorded is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tbp.history.circumstances import kind_of
from tbp.model.changes import ChangeKind
from tbp.model.runs import Machine, Run
from tbp.report.parts.environment_parts import ABSENT
from tbp.report.parts.inventory import Known, known_at

PACKAGES = "installed packages"
"""The name of the column for a list of packages as such; each package that differs is named as well."""

EXPECTED = ("python", "processor", "system", PACKAGES)
"""The names without which "all else equal" is more than anybody knows."""

LISTED = "listed"

Spot = tuple[str, str]  # machine, environment


class Setups(Struct, frozen=True):
    """``places`` has for each place, by the column from which on it holds, a place in ``values`` for each of ``names``;
    -1 is not recorded.
    """

    names: tuple[str, ...]
    hardware: tuple[str, ...]  # those of ``names`` that are of the machine
    unrecorded: tuple[str, ...]  # of EXPECTED, what no run of any place says
    values: tuple[str, ...]
    places: tuple[tuple[tuple[int, tuple[int, ...]], ...], ...]


def setups(
    spots: Sequence[Spot], runs: Sequence[Run], machines: Sequence[Machine], columns: Mapping[str, int]
) -> Setups:
    """``runs`` in order of history; ``columns`` are those of commits, by hash. What is older holds from the first."""
    facts = {machine.name: machine for machine in machines}
    by_spot: dict[Spot, list[Run]] = {spot: [] for spot in spots}
    for run in runs:
        by_spot.setdefault((run.machine, run.environment), []).append(run)
    known = [
        {columns.get(setup.commit.hash, 0): setup for setup in known_at(by_spot[spot], facts.get(spot[0]))}
        for spot in spots
    ]
    every = [setup for by_column in known for setup in by_column.values()]
    requirements = {name for setup in every for name in setup.asked or ()}
    listed = {name for setup in every for name in setup.packages or ()}
    values = [
        {column: _values(setup, requirements, listed) for column, setup in by_column.items()} for by_column in known
    ]
    return _packed(values)


def _values(setup: Known, requirements: Iterable[str], listed: Iterable[str]) -> Mapping[str, str]:
    """The values of one place. A name that only other places have is absent here, where this place has such a list."""
    values: dict[str, str] = {}
    if setup.packages is not None:
        values = {**dict.fromkeys(listed, ABSENT), **setup.packages, PACKAGES: LISTED}
    if setup.asked is not None:
        values = {**dict.fromkeys(requirements, ABSENT), **values, **setup.asked}
    return {**values, **setup.facts}


def _packed(places: Sequence[Mapping[int, Mapping[str, str]]]) -> Setups:
    every = [values for by_column in places for values in by_column.values()]
    names = sorted({name for values in every for name in values})
    differing = [name for name in names if len({values.get(name) for values in every}) > 1]
    texts: dict[str, int] = {}
    packed = tuple(
        tuple(
            (column, tuple(texts.setdefault(setup[name], len(texts)) if name in setup else -1 for name in differing))
            for column, setup in by_column.items()
        )
        for by_column in places
    )
    return Setups(
        names=tuple(differing),
        hardware=tuple(name for name in differing if kind_of(name) is ChangeKind.HARDWARE),
        unrecorded=tuple(name for name in EXPECTED if name not in names),
        values=tuple(texts),
        places=packed,
    )
