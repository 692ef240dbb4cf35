"""The registry of demonstrations: a defect by its name, and the two snippets that show it.

Takes functions that give a naive and a right snippet; gives the outcome of each: how much is wrong, in the unit of the
defect, or the error that it raises. Less is better, and the right snippet is at 0, at a rounding, or at fewer bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

RAISED = "raised errors"
"""Unit of a defect that consists of an error: 1 where the snippet raises it, otherwise 0."""

MOST_TEXT = 500  # characters of an error: a few lines of a page

Snippet = Callable[[], float | Tensor]
"""Code to run: it gives how much is wrong with it. With the unit ``RAISED`` any number will do."""

Pair = tuple[Snippet, Snippet]
"""The naive snippet, and the right one."""


class NotHere(RuntimeError):
    """A defect cannot be shown with this torch, or on this machine."""


@dataclass(frozen=True)
class SnippetOutcome:
    """How much is wrong with a snippet, and the error that it raised, in words; empty where it raised none."""

    value: float
    error: str = ""


@dataclass(frozen=True)
class Demonstration:
    """A defect that can be shown: ``make`` gives the two snippets, on small inputs."""

    name: str
    unit: str
    make: Callable[[], Pair] = field(repr=False)


DEMONSTRATIONS: dict[str, Demonstration] = {}


def demonstration(name: str, unit: str) -> Callable[[Callable[[], Pair]], Callable[[], Pair]]:
    """Registers the decorated function as the demonstration of the defect ``name``.

    Raises:
        ValueError: there is one of that name.
    """

    def registered(make: Callable[[], Pair]) -> Callable[[], Pair]:
        if name in DEMONSTRATIONS:
            raise ValueError(f"there is a demonstration called {name!r} already; choose another name")
        DEMONSTRATIONS[name] = Demonstration(name, unit, make)
        return make

    return registered


def outcomes(name: str) -> tuple[SnippetOutcome, SnippetOutcome]:
    """The outcome of the naive snippet and of the right one: the same in each process of one torch.

    A snippet that raises did nothing wrong unseen: its value is 0, or 1 where raising is the defect.

    Raises:
        LookupError: there is no demonstration of that name.
        NotHere: it cannot be shown here.
    """
    if name not in DEMONSTRATIONS:
        raise LookupError(f"there is no defect called {name!r}; there are: {', '.join(DEMONSTRATIONS)}")
    shown = DEMONSTRATIONS[name]
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of naive snippets: each is about something that is shown here anyway
        torch.manual_seed(0)
        naive, right = shown.make()
        return _outcome(naive, shown.unit), _outcome(right, shown.unit)


def _outcome(snippet: Snippet, unit: str) -> SnippetOutcome:
    torch.manual_seed(0)
    try:
        value = snippet()
    except NotHere:
        raise
    except Exception as error:  # whatever a snippet raises is its outcome
        return SnippetOutcome(
            float(unit == RAISED), f"{type(error).__name__}: {' '.join(str(error).split())}"[:MOST_TEXT]
        )
    return SnippetOutcome(0.0 if unit == RAISED else float(value))
