"""What the series of one benchmark differ in: parameters, machine, environment.

Takes the keys of series, gives dimensions with their values in a natural order, and what each series is called by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from tbp.model.series import SeriesKey
from tbp.report.parts.series_order import natural
from tbp.wording import words

MACHINE, ENVIRONMENT = "machine", "environment"

VALUE_LENGTH = 60
"""Characters of a value in a chooser: a parameter may be a page of code."""


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
        return {value: place for place, value in enumerate(self.values)}


def dimensions(keys: Sequence[SeriesKey], faces: Mapping[str, str] | None = None) -> tuple[Dimension, ...]:
    """The dimensions with more than one value among ``keys``, parameters first in asv's order.

    ``faces`` say what each machine is called, by identifier.
    """
    parameters = dict.fromkeys(name for key in keys for name, _ in key.parameters)
    every = [Dimension(name, ()) for name in parameters]
    every += [Dimension(name, (), is_place=True) for name in (MACHINE, ENVIRONMENT)]
    found = []
    for one in every:
        values = {one.value_of(key) for key in keys}
        if len(values) > 1:
            known = sorted((value for value in values if value is not None), key=natural)
            names = faces or {} if one.is_place and one.name == MACHINE else {}
            found.append(Dimension(one.name, tuple(known), one.is_place, names))
    return tuple(found)


def series_name(key: SeriesKey, among: Sequence[Dimension]) -> str:
    """What tells a series apart: ``variant=sdpa, tokens=64 · bench-1``; its whole label where nothing does."""
    values = [(one, one.value_of(key)) for one in among]
    own = ", ".join(f"{one.name}={value}" for one, value in values if value is not None and not one.is_place)
    places = [one.name_of(value) for one, value in values if value is not None and one.is_place]
    return " · ".join(filter(None, [own, *places])) or key.label
