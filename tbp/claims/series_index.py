"""All series by the values of their parameters and by their identity, to find the variants of a practice."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.model.series import SeriesKey

_VERSION = re.compile(r" v\d+$")


class SeriesIndex:
    """All series by the values of their parameters, and by their identity."""

    def __init__(self, histories: Iterable[History]) -> None:
        self._by_value: dict[str, list[tuple[History, int | None]]] = defaultdict(list)
        self._by_key: dict[object, History] = {}
        for history in histories:
            if history.state is State.VANISHED:
                continue
            self._by_key[_identity(history.key)] = history
            self._by_value[history.key.benchmark].append((history, None))
            for place, (_, value) in enumerate(history.key.parameters):
                self._by_value[plain(value)].append((history, place))

    def of(self, variant: str, pattern: str) -> Iterator[tuple[History, int | None]]:
        """Each series of a variant with the place of the parameter that names it; None: its benchmark does."""
        for history, place in self._by_value.get(plain(variant), ()):
            if fnmatchcase(history.key.benchmark, pattern):
                yield history, place

    def beside(self, key: SeriesKey, place: int | None, against: str) -> History | None:
        """The series of ``against`` that is equal to ``key`` in all else; None where there is none."""
        if place is None:
            return self._by_key.get(_identity(replace(key, benchmark=against)))
        parameters = list(key.parameters)
        parameters[place] = (parameters[place][0], against)
        return self._by_key.get(_identity(replace(key, parameters=tuple(parameters))))


def plain(value: str) -> str:
    """The value of a parameter without the version that the ruler writes behind a variant: ``sdpa v2`` is ``sdpa``."""
    return _VERSION.sub("", value)


def _identity(key: SeriesKey) -> object:
    parameters = frozenset((name, plain(value)) for name, value in key.parameters)
    return key.benchmark, parameters, key.machine, key.environment
