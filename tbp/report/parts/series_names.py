"""Names of series: of a site by machine and environment, of a benchmark by what its series differ in.

Takes all series once, so that naming one of ten thousand does not look at all of them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from tbp.model.changes import History
from tbp.model.series import SeriesKey, Setup
from tbp.report.parts.series_order import natural
from tbp.wording import words

MACHINE, ENVIRONMENT = "machine", "environment"

VALUE_LENGTH = 60
"""Characters of a value in a chooser: a parameter may be a page of code."""


class SetupNames(Struct, frozen=True):
    """The names of setups on a site, which say as much of machine and environment as tells them apart."""

    has_machines: bool  # several
    has_environments: bool
    faces: Mapping[str, str] = {}

    @classmethod
    def of(cls, histories: Iterable[History], faces: Mapping[str, str] | None = None) -> SetupNames:
        """``faces`` are the names of machines, by identifier; one without a name is called by its identifier."""
        setups = {history.key.setup for history in histories}
        several = (len({setup.machine for setup in setups}) > 1, len({setup.environment for setup in setups}) > 1)
        return cls(*several, faces or {})

    def name(self, setup: Setup) -> str:
        """Machine and environment, as far as the site has more than one of them."""
        return " · ".join([self.face(setup.machine)] * self.has_machines + [setup.environment] * self.has_environments)

    def face(self, machine: str) -> str:
        """The name of the machine that readers see."""
        return self.faces.get(machine, machine)


class Dimension(Struct, frozen=True, dict=True):
    """One thing that series differ in."""

    name: str
    values: tuple[str, ...]
    is_place: bool = False  # machine or environment, else a parameter
    names: Mapping[str, str] = {}  # what values are called, of those that are not called what they are

    @property
    def shown_name(self) -> str:
        return words.visible(words.cut(self.name, VALUE_LENGTH))

    @property
    def shown_values(self) -> list[str]:
        return [words.visible(words.cut(self.name_of(value), VALUE_LENGTH)) for value in self.values]

    def name_of(self, value: str) -> str:
        """The name that readers see for a value: of a machine its hardware and system, of all else the value."""
        return self.names.get(value, value)

    def value_of(self, key: SeriesKey) -> str | None:
        """The series' value; None where it has no such parameter."""
        if self.is_place:
            return key.machine if self.name == MACHINE else key.environment
        return dict(key.parameters).get(self.name)

    def place_of(self, key: SeriesKey) -> int:
        """The place of the series' value among ``values``; -1 where it has none."""
        value = self.value_of(key)
        return self._places[value] if value is not None else -1

    @cached_property
    def _places(self) -> dict[str, int]:
        return {value: index for index, value in enumerate(self.values)}


def dimensions(keys: Sequence[SeriesKey], faces: Mapping[str, str] | None = None) -> tuple[Dimension, ...]:
    """The dimensions with more than one value among ``keys``, parameters first in asv's order.

    ``faces`` say what each machine is called, by identifier.
    """
    parameters = dict.fromkeys(name for key in keys for name, _ in key.parameters)
    every = [Dimension(name, ()) for name in parameters]
    every += [Dimension(name, (), is_place=True) for name in (MACHINE, ENVIRONMENT)]
    differing = []
    for dimension in every:
        values = {dimension.value_of(key) for key in keys}
        if len(values) > 1:
            known = sorted((value for value in values if value is not None), key=natural)
            names = faces or {} if dimension.is_place and dimension.name == MACHINE else {}
            differing.append(Dimension(dimension.name, tuple(known), dimension.is_place, names))
    return tuple(differing)


def series_name(key: SeriesKey, among: Sequence[Dimension]) -> str:
    """The values that tell a series apart: ``variant=sdpa, tokens=64 · bench-1``; its label where none does."""
    values = [(dimension, dimension.value_of(key)) for dimension in among]
    parameters = ", ".join(
        f"{dimension.name}={value}" for dimension, value in values if value is not None and not dimension.is_place
    )
    places = [dimension.name_of(value) for dimension, value in values if value is not None and dimension.is_place]
    return " · ".join(filter(None, [parameters, *places])) or key.label
