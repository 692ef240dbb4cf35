"""What runs were measured with, and what came, went or moved from one to the next.

Takes the runs of one environment on one machine, oldest first. Only what two runs both say is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from tbp.model.runs import Machine, Run
from tbp.model.series import Commit

ANY_VERSION = "any version"  # asv was asked for none in particular
PIP = "pip+"  # asv's mark of what pip installs in an environment of conda


class Difference(Struct, frozen=True):
    """Against the run before; each item in words: ``numpy 2.1``, ``torch 2.12 → 2.13``."""

    commit: Commit
    added: tuple[str, ...]
    removed: tuple[str, ...]
    bumped: tuple[str, ...]


def differences(runs: Sequence[Run], project: str = "") -> list[Difference]:
    """Every run that differs from what the runs before it said, newest first.

    The ``project`` itself has another version at every commit, which is no news.
    """
    own = normal(project)
    packages: dict[str, str] = {}
    others: dict[str, str] = {}
    found = []
    for run in _unlike(runs):
        listed = {name: version for name, version in run.packages if normal(name) != own}
        said = _others(run)
        # A run whose ruler listed nothing has not lost its packages.
        added = [f"{name} {version}" for name, version in listed.items() if packages and name not in packages]
        removed = [f"{name} {version}" for name, version in packages.items() if listed and name not in listed]
        bumped = [
            f"{name} {others[name]} → {value}" for name, value in said.items() if others.get(name, value) != value
        ]
        bumped += [
            f"{name} {packages[name]} → {version}"
            for name, version in listed.items()
            if packages.get(name, version) != version and name not in said
        ]
        if added or removed or bumped:
            found.append(Difference(run.commit, tuple(added), tuple(removed), tuple(bumped)))
        packages = listed or packages
        others.update(said)
    return found[::-1]


class Installed(Struct, frozen=True):
    """Packages of the newest run that says; ``is_asked`` where only what asv was asked to install is known."""

    packages: tuple[tuple[str, str], ...] = ()  # (name, version)
    is_asked: bool = False


def installed(runs: Sequence[Run]) -> Installed:
    """All that was installed at the newest run that says so; else what asv was asked to install."""
    listed = next((run.packages for run in reversed(runs) if run.packages), ())
    if listed:
        return Installed(listed)
    asked = next((run.requirements for run in reversed(runs) if run.requirements), ())
    return Installed(tuple((name, version or ANY_VERSION) for name, version in asked), is_asked=True)


def measured_with(runs: Sequence[Run], machine: Machine | None) -> dict[str, str]:
    """What the newest runs of one environment say of themselves, and its machine: name → value as it is shown."""
    said = dict(machine.facts) if machine is not None else {}
    for run in _unlike(runs):
        said.update(_others(run))
    return {**said, **{name: version for name, version in installed(runs).packages if name not in said}}


class Known(Struct, frozen=True):
    """The known setup of the runs from ``commit`` on; ``asked`` and ``packages`` are None where no run has them."""

    commit: Commit
    facts: Mapping[str, str]  # python, threads, the machine's, …
    asked: Mapping[str, str] | None  # requirement → version
    packages: Mapping[str, str] | None  # installed → version


def known_at(runs: Sequence[Run], machine: Machine | None) -> Iterator[Known]:
    """Yields the known setup of the runs of one environment, oldest first, wherever it changes.

    A run that does not say something is taken for the one before; ``machine`` speaks where no run does.
    """
    says_hardware = any(run.hardware for run in runs)
    facts = dict(machine.facts) if machine is not None and not says_hardware else {}
    asked: Mapping[str, str] | None = None
    packages: Mapping[str, str] | None = None
    for run in _unlike(runs):
        own = _others(run)
        if run.python or run.requirements:
            asked = {name.removeprefix(PIP): version or ANY_VERSION for name, version in run.requirements}
        facts.update(
            (name, value) for name, value in own.items() if name not in dict(run.requirements) or name == "torch"
        )
        packages = dict(run.packages) or packages
        yield Known(run.commit, dict(facts), asked, packages)


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
        return "Nothing is recorded of what the runs were measured with."
    without = f"; not {joined(unknown)}" if unknown else ""
    return f"Recorded {'is' if known == ['Python'] else 'are'} {joined(known)}{without}."


def joined(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def normal(name: str) -> str:
    """A package's name as all its spellings have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _unlike(runs: Sequence[Run]) -> Iterator[Run]:
    """Those that do not say what the run before says: of thousands there are a few."""
    last: object = None
    for run in runs:
        own = (
            run.requirements,
            run.python,
            run.hardware,
            run.torch,
            run.threads,
            run.governors,
            run.devices,
            run.packages,
        )
        if own != last:
            yield run
        last = own


def _others(run: Run) -> dict[str, str]:
    """What else the run says of itself, names as they are shown."""
    said = {**dict(run.requirements), "python": run.python, **dict(run.hardware)}
    if run.torch:
        said["torch"] = run.torch
    said["threads"] = ", ".join(map(str, run.threads))
    said["governor"] = ", ".join(run.governors)
    said["device"] = ", ".join(run.devices)
    return {name: value for name, value in said.items() if value}
