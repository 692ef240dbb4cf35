"""The registry of demonstrations: what a naive snippet does, beside what the right one does, as numbers in one unit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

RAISED = "raised errors"
"""The unit where the point is that the snippet raises: 1 where it does, else 0."""

MOST_TEXT = 500  # characters of an error

Pair = tuple[Callable[[], float], Callable[[], float]]
"""The naive snippet and the right one; each gives a number in the demonstration's unit, or raises."""


@dataclass(frozen=True)
class SnippetOutcome:
    """The end of one snippet: its number, NaN where it has none, and the error that it raised, if it did."""

    value: float
    error: str = ""  # "RuntimeError: value cannot be converted …"


@dataclass(frozen=True)
class Demonstration:
    """A defect that can be shown: ``make`` gives the two snippets."""

    name: str
    unit: str
    make: Callable[[], Pair]


DEMONSTRATIONS: dict[str, Demonstration] = {}


def demonstration(name: str, *, unit: str) -> Callable[[Callable[[], Pair]], Callable[[], Pair]]:
    """Registers a function that makes the two snippets of the defect called ``name``."""

    def registered(make: Callable[[], Pair]) -> Callable[[], Pair]:
        if name in DEMONSTRATIONS:
            raise ValueError(f"there is a demonstration called {name!r} already")
        DEMONSTRATIONS[name] = Demonstration(name, unit, make)
        return make

    return registered


def outcomes(name: str) -> tuple[SnippetOutcome, SnippetOutcome]:
    """The ends of the naive snippet and of the right one. Raises KeyError for a name that is not registered."""
    demonstrated = DEMONSTRATIONS[name]
    naive, right = demonstrated.make()
    return _outcome(naive, demonstrated.unit), _outcome(right, demonstrated.unit)


def _outcome(snippet: Callable[[], float], unit: str) -> SnippetOutcome:
    try:
        value = float(snippet())
    except Exception as error:  # whatever a snippet raises is what it demonstrates
        raised = f"{type(error).__name__}: {' '.join(str(error).split())}"[:MOST_TEXT]
        return SnippetOutcome(1.0 if unit == RAISED else math.nan, raised)
    return SnippetOutcome(0.0 if unit == RAISED else value)
