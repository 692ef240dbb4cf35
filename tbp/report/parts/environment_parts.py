"""Machines and environments as what they are made of, so that a reader can change one part and leave the rest.

Takes places (machine, environment) and runs, gives ``Parts``: asv's ``conda-py3.9-pytorch1.11`` is python 3.9 and
pytorch 1.11, as its result files say. Names are never taken apart: where the files do not tell environments apart, a
name stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tbp.model.runs import Run
from tbp.report.parts.inventory import ANY_VERSION, PIP

MACHINE, ENVIRONMENT, PYTHON = "machine", "environment", "python"
ABSENT = "none"


class Parts(Struct, frozen=True):
    """What places differ in. ``values`` has for each place one value of each name."""

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]


def parts(places: Sequence[tuple[str, str]], runs: Iterable[Run], faces: Mapping[str, str] | None = None) -> Parts:
    """Machine, python and requirements, as far as they differ; machine and environment where those do not suffice.

    ``faces`` are the names of the machines, by identifier.
    """
    faces = faces or {}
    known = {(run.machine, run.environment): run for run in runs}  # the newest, which comes last
    split = [_split(known[place]) if place in known else {} for place in places]
    names = [PYTHON, *sorted({name for own in split for name in own} - {PYTHON})]
    values = [tuple(own.get(name, ABSENT) for name in names) for own in split]
    by_environment = {(environment, own) for (_, environment), own in zip(places, values, strict=True)}
    is_told = len(by_environment) == len(set(values)) == len({environment for _, environment in places})
    if not is_told or not all(split):
        names, values = [ENVIRONMENT], [(environment,) for _, environment in places]
    machines = [faces.get(machine, machine) for machine, _ in places]
    return _differing([MACHINE, *names], [(machine, *own) for machine, own in zip(machines, values, strict=True)])


def _split(run: Run) -> Mapping[str, str]:
    """Part → version; empty where the result says nothing of them."""
    asked = {name.removeprefix(PIP): version or ANY_VERSION for name, version in run.requirements}
    return {PYTHON: run.python, **asked} if run.python else asked


def _differing(names: Sequence[str], values: Sequence[tuple[str, ...]]) -> Parts:
    kept = [index for index in range(len(names)) if len({own[index] for own in values}) > 1]
    return Parts(tuple(names[index] for index in kept), tuple(tuple(own[index] for index in kept) for own in values))
