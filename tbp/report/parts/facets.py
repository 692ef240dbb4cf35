"""The facets of where series are measured: what readers choose machines by, under the same names on every page.

Takes series and the facts of their setups, gives the values of machine, environment, operating system, processor, GPU
and device that a page offers. Series of one setup and one device share a *rig*, so that a page holds a number for each
series, and the values of each rig once. Scripts read both, see ``static/base/facets.js``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from tbp.model.changes import History
from tbp.model.series import SeriesKey, Setup
from tbp.report.base.report_data import ReportData
from tbp.report.parts.series_names import ENVIRONMENT, MACHINE, Dimension
from tbp.report.parts.series_order import natural
from tbp.wording import words
from tbp.wording.machine_names import short

DEVICE = "device"
"""The parameter that says where a workload runs; tbp's suites have it, and others by convention."""

FACTS = {"os": "system", "cpu": "processor", "gpu": "GPU"}
"""Facets that are facts of a setup: their names in addresses, and those of the facts."""

NOT_RECORDED = "not recorded"

LABELS = {
    MACHINE: ("Machine", "all machines"), ENVIRONMENT: ("Environment", "all environments"),
    "os": ("System", "all systems"), "cpu": ("Processor", "all processors"), "gpu": ("GPU", "all GPUs"),
    DEVICE: ("Device", "all devices"),
}  # fmt: skip
"""The facets in the order in which they are offered; each with its label, and the choice of all its values.
``tbp.state.everywhere`` in ``static/base/address_state.js`` has the same names."""


class Facet(Struct, frozen=True):
    """One thing to choose by."""

    name: str  # in addresses
    values: tuple[str, ...]  # that occur, two or more, sorted
    faces: Mapping[str, str]  # what values are called, of those that are not called what they are

    @property
    def label(self) -> str:
        return LABELS[self.name][0]

    @property
    def of_all(self) -> str:
        return LABELS[self.name][1]


class Rig(Struct, frozen=True):
    """A setup with a device, which is empty where no parameter of a series tells it."""

    setup: Setup
    device: str


class Facets(Struct, frozen=True, dict=True):
    """The facets that a page offers, and the rigs of its series."""

    offered: tuple[Facet, ...] = ()
    rigs: tuple[Rig, ...] = ()
    numbers: tuple[tuple[int, ...], ...] = ()  # for each rig that of its value of each facet, from 1 on; 0 for none

    @property
    def encoded(self) -> str:
        """``1.2 2.0``: the numbers of each rig, as scripts take them."""
        return " ".join(".".join(map(str, of_rig)) for of_rig in self.numbers)

    @cached_property
    def _number_of(self) -> Mapping[Rig, int]:
        return {rig: number for number, rig in enumerate(self.rigs)}

    @cached_property
    def _numbers_of(self) -> Mapping[Setup, set[int]]:
        numbers: dict[Setup, set[int]] = {}
        for number, rig in enumerate(self.rigs):
            numbers.setdefault(rig.setup, set()).add(number)
        return numbers

    def rig_of(self, key: SeriesKey) -> int:
        """The number of the series' rig."""
        return self._number_of[rig_of(key)]

    def mask(self, keys: Iterable[SeriesKey]) -> str:
        """The rigs of series as a bit each, in hexadecimal digits; empty where nothing is offered."""
        return self._bits({self.rig_of(key) for key in keys})

    def mask_of(self, setup: Setup) -> str:
        """The rigs of a setup, as ``mask``."""
        return self._bits(self._numbers_of.get(setup, set()))

    def _bits(self, numbers: set[int]) -> str:
        return f"{sum(1 << number for number in numbers):x}" if self.offered else ""


def rig_of(key: SeriesKey) -> Rig:
    """The rig of a series."""
    return Rig(key.setup, dict(key.parameters).get(DEVICE, ""))


def values_of(rig: Rig, facts: Mapping[str, str]) -> dict[str, str]:
    """The value of each facet, empty where it is not known; ``facts`` are those of the rig's setup."""
    known = {name: short(facts.get(fact, "")) for name, fact in FACTS.items()}
    return {MACHINE: rig.setup.machine, ENVIRONMENT: rig.setup.environment, **known, DEVICE: rig.device}


def facets(data: ReportData) -> Facets:
    """The facets in which the series of ``data`` differ."""
    return facets_of(data.histories, data.facts_of_setups, data.faces)


def facets_of(
    histories: Iterable[History], facts: Mapping[Setup, Mapping[str, str]], faces: Mapping[str, str]
) -> Facets:
    """The facets in which ``histories`` differ; ``faces`` say what each machine is called."""
    rigs = dict.fromkeys(rig_of(history.key) for history in histories)
    values = {rig: values_of(rig, facts.get(rig.setup, {})) for rig in rigs}
    offered = []
    for name in LABELS:
        occurring = {of_rig[name] for of_rig in values.values()} - {""}
        if len(occurring) > 1:
            ordered = tuple(sorted(occurring, key=natural))
            offered.append(Facet(name, ordered, faces if name == MACHINE else {}))
    known = {facet.name: {value: at for at, value in enumerate(facet.values, start=1)} for facet in offered}
    numbers = (
        tuple(number.get(of_rig[name], 0) for name, number in known.items()) for of_rig in values.values() if known
    )
    return Facets(tuple(offered), tuple(rigs), tuple(numbers))


def facets_of_chart(facets: Facets, keys: Sequence[SeriesKey], dimensions: Sequence[Dimension]) -> list[object]:
    """The facets of a chart whose series are ``keys``, as ``static/charts/chooser.js`` takes them.

    One that is a dimension of the chart has its place and the values; of a fact of the machine there are the label,
    the values and the number of each series' value, which is that of "not recorded" where it has none.
    """
    places = {(each.name, each.is_place): number for number, each in enumerate(dimensions)}
    shipped: list[object] = []
    for at, facet in enumerate(facets.offered):
        dimension = places.get((facet.name, facet.name != DEVICE))
        if facet.name in FACTS:
            numbers = [(facets.numbers[facets.rig_of(key)][at] or len(facet.values) + 1) - 1 for key in keys]
            names = [*facet.values, *[NOT_RECORDED] * (max(numbers) == len(facet.values))]
            shipped.append([facet.name, facet.label, [*map(words.visible, names)], numbers])
        elif dimension is not None:
            shipped.append([facet.name, dimension, [*map(words.visible, dimensions[dimension].values)]])
    return shipped
