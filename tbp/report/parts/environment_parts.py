"""Machines and environments as what they are made of, so that a reader can change one part and leave the rest.

Takes setups and runs, gives ``Parts``: asv's ``conda-py3.9-pytorch1.11`` is python 3.9 and
pytorch 1.11, as its result files say. Names are never taken apart: where the files do not tell environments apart, a
name stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tbp.model.runs import Run
from tbp.model.series import Setup
from tbp.report.parts.inventory import ANY_VERSION, PIP

MACHINE, ENVIRONMENT, PYTHON = "machine", "environment", "python"
ABSENT = "none"


class Parts(Struct, frozen=True):
    """The parts that setups differ in. ``values`` has for each setup one value of each name."""

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]


def parts(setups: Sequence[Setup], runs: Iterable[Run], faces: Mapping[str, str] | None = None) -> Parts:
    """Machine, python and requirements, as far as they differ; machine and environment where those do not suffice.

    ``faces`` are the names of the machines, by identifier.
    """
    faces = faces or {}
    known = {run.setup: run for run in runs}  # the newest, which comes last
    split = [_split(known[setup]) if setup in known else {} for setup in setups]
    names = [PYTHON, *sorted({name for parts_of_setup in split for name in parts_of_setup} - {PYTHON})]
    values = [tuple(parts_of_setup.get(name, ABSENT) for name in names) for parts_of_setup in split]
    by_environment = {(setup.environment, parts_of) for setup, parts_of in zip(setups, values, strict=True)}
    is_told = len(by_environment) == len(set(values)) == len({setup.environment for setup in setups})
    if not is_told or not all(split):
        names, values = [ENVIRONMENT], [(setup.environment,) for setup in setups]
    machines = [faces.get(setup.machine, setup.machine) for setup in setups]
    return _differing(
        [MACHINE, *names],
        [(machine, *values_of_setup) for machine, values_of_setup in zip(machines, values, strict=True)],
    )


def _split(run: Run) -> Mapping[str, str]:
    """Part → version; empty where the result says nothing of them."""
    requirements = {name.removeprefix(PIP): version or ANY_VERSION for name, version in run.requirements}
    return {PYTHON: run.python, **requirements} if run.python else requirements


def _differing(names: Sequence[str], values: Sequence[tuple[str, ...]]) -> Parts:
    differing = [index for index in range(len(names)) if len({row[index] for row in values}) > 1]
    return Parts(
        tuple(names[index] for index in differing), tuple(tuple(row[index] for index in differing) for row in values)
    )
