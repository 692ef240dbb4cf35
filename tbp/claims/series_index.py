"""All series by the values of their parameters and by their identity, to find the variants of a practice."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.model.series import VARIANT_NAMES, SeriesKey
from tbp.project.claims_file import Practice
from tbp.project.near_names import near, near_names
from tbp.wording.words import value_text

_VERSION = re.compile(r" v\d+$")


class SeriesIndex:
    """All series by the values of their parameters, and by their identity."""

    def __init__(self, histories: Iterable[History]) -> None:
        self._by_value: dict[str, list[tuple[History, int | None]]] = defaultdict(list)
        self._by_key: dict[object, History] = {}
        self._variants: dict[str, set[str]] = defaultdict(set)  # by benchmark
        for history in histories:
            if history.state is State.VANISHED:
                continue
            self._by_key[_identity(history.key)] = history
            self._by_value[history.key.benchmark].append((history, None))
            values = (plain(value) for _, value in history.key.parameters)
            self._variants[history.key.benchmark].update((history.key.benchmark, *values))
            for named_at, (_, value) in enumerate(history.key.parameters):
                self._by_value[plain(value)].append((history, named_at))

    def of(self, practice: Practice) -> Iterator[tuple[History, int | None]]:
        """Each series of the variant, and the place of the parameter that names it; None: its benchmark does.

        A value such as float32 may be that of several parameters: the practice says of which, or one is called variant.
        """
        for history, named_at in self._by_value.get(plain(practice.variant), ()):
            name = practice.parameter or next(
                (name for name in VARIANT_NAMES if name in dict(history.key.parameters)), ""
            )
            is_named = not practice.parameter if named_at is None else name in ("", history.key.parameters[named_at][0])
            if is_named and fnmatchcase(history.key.benchmark, practice.benchmarks):
                yield history, named_at

    def lack(self, practice: Practice) -> str:
        """The reason why no series measures the practice, a phrase, with the names that may be meant."""
        matching = [name for name in self._variants if fnmatchcase(name, practice.benchmarks)]
        if not matching:
            reason = f"no benchmark of these results matches {value_text(practice.benchmarks)}"
            likely = ", ".join(near_names(practice.benchmarks, self._variants))
        else:
            variants = set().union(*(self._variants[name] for name in matching))
            if plain(practice.variant) in variants:
                return "no benchmark of these results measures it"
            reason = f"none of its benchmarks has the variant {value_text(practice.variant)}"
            likely = near(practice.variant, variants)
        return f"{reason}; near: {likely}" if likely else reason

    def beside(self, key: SeriesKey, named_at: int | None, against: str) -> History | None:
        """The series of ``against`` that is equal to ``key`` in all else; None where there is none."""
        if named_at is None:
            return self._by_key.get(_identity(replace(key, benchmark=against)))
        parameters = list(key.parameters)
        parameters[named_at] = (parameters[named_at][0], against)
        return self._by_key.get(_identity(replace(key, parameters=tuple(parameters))))


def plain(value: str) -> str:
    """The value of a parameter without the version that the ruler writes behind a variant: ``sdpa v2`` is ``sdpa``."""
    return _VERSION.sub("", value)


def _identity(key: SeriesKey) -> object:
    parameters = frozenset((name, plain(value)) for name, value in key.parameters)
    return key.benchmark, parameters, key.machine, key.environment
