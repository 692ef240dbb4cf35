"""The machines' page as data: what was measured where and with what, how noisy it is, and what changed in between.

Takes ``ReportData``, gives words and addresses; the HTML belongs to ``pages``. What was installed is ``inventory``'s.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.model.points import last_with_level
from tbp.model.runs import Machine, Run
from tbp.model.series import Commit, Setup
from tbp.model.twins import original as original_of
from tbp.report.base.report_data import ReportData
from tbp.report.pages.machines.environments import EnvironmentNoise, Inventory, bars, inventory, noise
from tbp.report.pages.machines.health import Fact, behind, drift, replaced
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.facets import Facets, facets
from tbp.report.parts.inventory import Installed, InventoryDifference, differences, installed, what_is_recorded
from tbp.statistics.robust import median, quantile
from tbp.wording import words

MOST_DIFFERENCES = 12
"""Differences listed of an environment, newest first: hosted runners may change their processor with every run."""

MOST_NAMED = 10
"""Packages that came, went or moved with one run."""

MOST_OPEN = 4
"""Environments; with more, each is folded."""

TWIN_SHARE = 0.95
"""The share of pairs that lie inside the noise floor."""

MOST_BRIEF = 3
"""Facts of a machine's hardware in a row: the first of them, which tell machines apart."""

LEAST_PAIRS = 5
"""Below which a floor would be one odd pair."""


class RunDifference(Struct, frozen=True):
    """The differences from the run before; each of the three is a list in words."""

    commit: CommitLink
    added: str
    removed: str
    bumped: str


class Environment(Struct, frozen=True):
    """One environment on one machine."""

    machine: str  # what it is called
    name: str
    state: str  # "reporting", or since when it is silent
    is_silent: bool
    facts: tuple[Fact, ...]
    last: CommitLink | None  # of the newest run with a value
    changes: tuple[RunDifference, ...]  # newest first
    more_changes: int
    recorded: str  # what could be seen to change
    installed: Installed
    is_open: bool  # on the page at first
    anchor: str
    noise: EnvironmentNoise
    runs: int
    series: int
    rigs: str = ""  # those of its series, as ``Facets.mask``


class MachineCard(Struct, frozen=True):
    name: str  # what it is called
    identifier: str  # asv's; empty where that is what it is called
    facts: tuple[Fact, ...]
    environments: tuple[Environment, ...]

    @property
    def brief(self) -> str:
        """``AMD EPYC · 2 cores · 23.5 GiB``: the first facts, without their names."""
        facts = self.facts[:MOST_BRIEF]
        return " · ".join(_cores(fact.value) if fact.name == "Cores" else fact.value for fact in facts)


class MachinesPage(Struct, frozen=True, dict=True):
    verdict: str
    inventory: Inventory
    machines: tuple[MachineCard, ...]
    facets: Facets = Facets()

    @cached_property
    def overview(self) -> list[tuple[Environment, float]]:
        """Every environment, with its noise between runs in 0…100 of the largest."""
        environments = [environment for card in self.machines for environment in card.environments]
        return list(zip(environments, bars([each.noise for each in environments]), strict=True))

    @cached_property
    def has_tenths(self) -> bool:
        return any(environment.noise.has_tenth for environment, _ in self.overview)


def machines_page(data: ReportData) -> MachinesPage:
    """Every machine with results, its environments by name."""
    runs: dict[Setup, list[Run]] = defaultdict(list)
    for run in data.runs:
        runs[run.setup].append(run)
    known = {machine.name: machine for machine in data.machines}
    measured = {*data.by_setup, *runs}
    setups_of: dict[str, list[Setup]] = defaultdict(list)
    for setup in sorted(measured):
        setups_of[setup.machine].append(setup)
    names = sorted({*setups_of, *known})
    cards: list[MachineCard] = []
    offered = facets(data)
    for name in names:
        face = data.faces.get(name, name)
        environments = [
            replace(
                _environment(
                    Setup(face, setup.environment),
                    data.by_setup.get(setup, ()),
                    runs[setup],
                    data,
                    f"{len(cards) + 1}-{number}",
                ),
                rigs=offered.mask_of(setup),
            )
            for number, setup in enumerate(setups_of[name], start=1)
        ]
        if len(measured) > MOST_OPEN:
            environments = [replace(environment, is_open=False) for environment in environments]
        environments.sort(key=lambda environment: environment.is_silent)
        identifier = "" if name in face else name
        cards.append(MachineCard(face, identifier, _hardware(known.get(name, Machine(name))), tuple(environments)))
    return MachinesPage(_verdict(cards), inventory(runs, known, data.faces), tuple(cards), offered)


def twin_ratios(histories: Iterable[History]) -> list[float]:
    """Twin ÷ original − 1 of every run that has both, over the series that are times.

    A twin is the same work under a second name, so whatever differs is noise.
    """
    times = [history for history in histories if history.unit == "seconds"]
    by_series = {(history.key.benchmark, history.key.parameters): history for history in times}
    ratios = []
    for (benchmark, parameters), twin in by_series.items():
        original = by_series.get((benchmark, original_of(parameters)))
        if original is not None and original is not twin:
            values = {point.commit.hash: point.value for point in original.points if point.has_level}
            ratios += [
                point.value / values[point.commit.hash] - 1
                for point in twin.points
                if point.has_level and values.get(point.commit.hash, 0) > 0
            ]
    return ratios


def _verdict(cards: Sequence[MachineCard]) -> str:
    environments = [environment for card in cards for environment in card.environments]
    if not environments:
        return "Nothing has been measured yet."
    silent = sum(environment.is_silent for environment in environments)
    counts = f"{words.count(len(cards), 'machine')}, {words.count(len(environments), 'environment')}"
    return f"{counts}; {silent:,} stopped reporting." if silent else f"{counts}; all still report."


def _hardware(machine: Machine) -> tuple[Fact, ...]:
    return tuple(
        Fact(f"{name[:1].upper()}{name[1:]}".removeprefix("Machine's "), value) for name, value in machine.facts
    )


def _cores(number: str) -> str:
    return f"{number} core{'' if number == '1' else 's'}"


def _environment(
    called: Setup, histories: Sequence[History], runs: Sequence[Run], data: ReportData, anchor: str
) -> Environment:
    between_runs = differences(runs, data.project)
    last = _newest(histories, runs)
    is_silent = bool(histories) and all(history.state in (State.STALE, State.VANISHED) for history in histories)
    since = words.moment(last.date) if last else ""
    return Environment(
        machine=called.machine,
        name=called.environment,
        state=f"no run since {since}" if is_silent and since else "no runs" if is_silent else "reporting",
        is_silent=is_silent,
        facts=tuple(
            fact
            for fact in (
                *_runs(runs, histories),
                *behind(last, data.newest),
                *_noise(histories),
                *drift(histories),
                *replaced(runs),
                *_with(runs),
            )
            if fact.value
        ),
        last=commit_link(last, data.commit_url) if last else None,
        changes=tuple(_change(difference, data) for difference in between_runs[:MOST_DIFFERENCES]),
        more_changes=max(0, len(between_runs) - MOST_DIFFERENCES),
        recorded=what_is_recorded(runs),
        installed=installed(runs),
        is_open=True,
        anchor=f"environment-{anchor}",
        noise=noise(histories),
        runs=len(runs),
        series=len(histories),
    )


def _newest(histories: Sequence[History], runs: Sequence[Run]) -> Commit | None:
    """The newest commit with a value."""
    last = next((run.commit for run in reversed(runs) if run.measured), None)
    if last is not None:
        return last
    points = (last_with_level(history.points) for history in histories)
    return max((p.commit for p in points if p is not None), key=lambda commit: commit.date, default=None)


def _runs(runs: Sequence[Run], histories: Sequence[History]) -> Iterable[Fact]:
    yield Fact("Series", f"{len(histories):,}" if histories else "")
    if runs:
        newest = runs[-1]
        counts = [f"{words.count(newest.measured, 'series', 'series')} measured"]
        counts += [
            f"{number:,} {word}" for number, word in ((newest.failed, "failed"), (newest.skipped, "skipped")) if number
        ]
        when = f" (begun {words.moment(newest.started)})" if newest.started else ""
        yield Fact("Runs", f"{words.count(len(runs), 'run')}; the newest has {', '.join(counts)}{when}")


def _noise(histories: Sequence[History]) -> Iterable[Fact]:
    noise_of_series = noise(histories)
    tenth = (
        f"; one series in ten has {words.percent(noise_of_series.tenth)} or more"
        if math.isfinite(noise_of_series.tenth)
        else ""
    )
    for name, value, more in (
        ("Noise between runs", noise_of_series.between, tenth),
        ("Noise within a run", noise_of_series.within, ""),
    ):
        if math.isfinite(value):
            yield Fact(name, f"{words.percent(value)} ({noise_of_series.over}){more}")
    ratios = twin_ratios(histories)
    if len(ratios) >= LEAST_PAIRS:
        floor = quantile(np.sort(np.abs(ratios)), TWIN_SHARE)
        yield Fact(
            "A/A twins",
            f"{TWIN_SHARE:.0%}".replace("%", " %")
            + f" of {len(ratios):,} pairs that did the same work differ by less than "
            f"{words.percent(floor)}, median {words.signed_percent(median(ratios))}: the measured noise floor",
        )


def _with(runs: Sequence[Run]) -> Iterable[Fact]:
    """The packages of the newest run that records any."""
    yield Fact("Python", next((run.python for run in reversed(runs) if run.python), ""))
    yield Fact("torch", next((run.torch for run in reversed(runs) if run.torch), ""))
    yield Fact("Threads", ", ".join(map(str, next((run.threads for run in reversed(runs) if run.threads), ()))))
    governors = next((run.governors for run in reversed(runs) if run.governors), ())
    warning = (
        ""
        if governors in ((), ("performance",))
        else ": the processor may change its frequency; `performance` keeps the frequency fixed"
    )
    yield Fact("Frequency governor", ", ".join(governors) + warning)
    yield Fact("Device", ", ".join(next((run.devices for run in reversed(runs) if run.devices), ())))
    clocks = next((run.clocks_mhz for run in reversed(runs) if run.clocks_mhz), ())
    yield Fact("Device clock", " to ".join(f"{clock:,} MHz" for clock in dict.fromkeys(clocks)))


def _change(difference: InventoryDifference, data: ReportData) -> RunDifference:
    return RunDifference(
        commit_link(difference.commit, data.commit_url),
        *(words.named(items, MOST_NAMED) for items in (difference.added, difference.removed, difference.bumped)),
    )
