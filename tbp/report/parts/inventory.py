"""Packages and facts that runs were measured with, and what came, went or moved from one to the next.

Takes the runs of one environment on one machine, oldest first. Only what two runs both say is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from tbp.model.runs import Machine, Run
from tbp.model.series import Commit
from tbp.wording import words

ANY_VERSION = "any version"  # asv was asked for none in particular
PIP = "pip+"  # asv's mark of what pip installs in an environment of conda


class InventoryDifference(Struct, frozen=True):
    """Against the run before; each item in words: ``numpy 2.1``, ``torch 2.12 → 2.13``."""

    commit: Commit
    added: tuple[str, ...]
    removed: tuple[str, ...]
    bumped: tuple[str, ...]


def differences(runs: Sequence[Run], project: str = "") -> list[InventoryDifference]:
    """Every run that differs from what the runs before it said, newest first.

    The ``project`` itself has another version at every commit, which is no news.
    """
    project_name = normal(project)
    packages: dict[str, str] = {}
    further: dict[str, str] = {}
    names = []
    for run in _unlike(runs):
        listed = {name: version for name, version in run.packages if normal(name) != project_name}
        facts = _others(run)
        # A run whose ruler listed nothing has not lost its packages.
        added = [f"{name} {version}" for name, version in listed.items() if packages and name not in packages]
        removed = [f"{name} {version}" for name, version in packages.items() if listed and name not in listed]
        bumped = [
            f"{name} {further[name]} → {value}" for name, value in facts.items() if further.get(name, value) != value
        ]
        bumped += [
            f"{name} {packages[name]} → {version}"
            for name, version in listed.items()
            if packages.get(name, version) != version and name not in facts
        ]
        if added or removed or bumped:
            names.append(InventoryDifference(run.commit, tuple(added), tuple(removed), tuple(bumped)))
        packages = listed or packages
        further.update(facts)
    return names[::-1]


class Installed(Struct, frozen=True):
    """Packages of the newest run that says; ``is_asked`` where only what asv was asked to install is known."""

    packages: tuple[tuple[str, str], ...] = ()  # (name, version)
    is_asked: bool = False


def installed(runs: Sequence[Run]) -> Installed:
    """All that was installed at the newest run that says so; else what asv was asked to install."""
    listed = next((run.packages for run in reversed(runs) if run.packages), ())
    if listed:
        return Installed(listed)
    requirements = next((run.requirements for run in reversed(runs) if run.requirements), ())
    return Installed(tuple((name, version or ANY_VERSION) for name, version in requirements), is_asked=True)


def measured_with(runs: Sequence[Run], machine: Machine | None) -> dict[str, str]:
    """The facts of the newest runs of an environment and of its machine: name → value as it is shown."""
    facts = dict(machine.facts) if machine is not None else {}
    for run in _unlike(runs):
        facts.update(_others(run))
    return {**facts, **{name: version for name, version in installed(runs).packages if name not in facts}}


class Known(Struct, frozen=True):
    """The known setup of the runs from ``commit`` on; ``asked`` and ``packages`` are None where no run has them."""

    commit: Commit
    facts: Mapping[str, str]  # python, threads, the machine's, …
    requirements: Mapping[str, str] | None  # name → version
    packages: Mapping[str, str] | None  # installed → version


def known_at(runs: Sequence[Run], machine: Machine | None) -> Iterator[Known]:
    """Yields the known setup of the runs of one environment, oldest first, wherever it changes.

    A run that does not record a fact has that of the run before; ``machine`` counts where no run records any.
    """
    says_hardware = any(run.hardware for run in runs)
    facts = dict(machine.facts) if machine is not None and not says_hardware else {}
    requirements: Mapping[str, str] | None = None
    packages: Mapping[str, str] | None = None
    for run in _unlike(runs):
        recorded = _others(run)
        if run.python or run.requirements:
            requirements = {name.removeprefix(PIP): version or ANY_VERSION for name, version in run.requirements}
        facts.update(
            (name, value) for name, value in recorded.items() if name not in dict(run.requirements) or name == "torch"
        )
        packages = dict(run.packages) or packages
        yield Known(run.commit, dict(facts), requirements, packages)


def what_is_recorded(runs: Sequence[Run]) -> str:
    """``Recorded are Python and requirements; not hardware and installed packages.``: what can be seen to change."""
    kinds = {
        "Python": any(run.python for run in runs),
        "requirements": any(run.requirements for run in runs),
        "hardware": any(run.hardware for run in runs),
        "installed packages": any(run.packages for run in runs),
    }
    known, unknown = ([name for name, is_known in kinds.items() if is_known is wanted] for wanted in (True, False))
    if not known:
        return "The results do not record what the runs were measured with."
    without = f"; not {words.joined(unknown)}" if unknown else ""
    return f"Recorded {'is' if known == ['Python'] else 'are'} {words.joined(known)}{without}."


def normal(name: str) -> str:
    """A package's name as all its spellings have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _unlike(runs: Sequence[Run]) -> Iterator[Run]:
    """The runs that record other facts than the run before: of thousands there are a few."""
    last: object = None
    for run in runs:
        differing = (
            run.requirements,
            run.python,
            run.hardware,
            run.torch,
            run.threads,
            run.governors,
            run.devices,
            run.packages,
        )
        if differing != last:
            yield run
        last = differing


def _others(run: Run) -> dict[str, str]:
    """The facts of a run beside its packages, names as they are shown."""
    facts = {**dict(run.requirements), "python": run.python, **dict(run.hardware)}
    if run.torch:
        facts["torch"] = run.torch
    facts["threads"] = ", ".join(map(str, run.threads))
    facts["governor"] = ", ".join(run.governors)
    facts["device"] = ", ".join(run.devices)
    return {name: value for name, value in facts.items() if value}
