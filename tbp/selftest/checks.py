"""The registry of checks, and what they give: readings, each with what it should be."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tbp import bench


@dataclass(frozen=True)
class Reading:
    """A measured value in words."""

    name: str
    value: str
    expected: str = ""  # in words; empty: nothing is expected of it
    is_right: bool = True


@dataclass(frozen=True)
class Check:
    """Something that has to be right on a device; it raises ``bench.Skip`` where it has no meaning."""

    name: str
    readings: Callable[[bench.Device], Iterator[Reading]]


CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Callable[[bench.Device], Iterator[Reading]]], Callable[..., Iterator[Reading]]]:
    """Registers a function as the check called ``name``."""

    def registered(readings: Callable[[bench.Device], Iterator[Reading]]) -> Callable[..., Iterator[Reading]]:
        if name in CHECKS:
            raise ValueError(f"there is a check called {name!r} already")
        CHECKS[name] = Check(name, readings)
        return readings

    return registered


def close(name: str, value: float, expected: float, within: float, unit: str = "s") -> Reading:
    """A reading that is right where it is within a share of what is expected."""
    is_right = abs(value - expected) <= within * expected
    return Reading(name, quantity(value, unit), f"{quantity(expected, unit)} ± {100 * within:.0f} %", is_right)


def quantity(value: float, unit: str) -> str:
    """``1.20 ms``, ``3.00 GB/s``: three digits with the prefix that suits."""
    prefixes = (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")
    factor, prefix = next((each for each in prefixes if abs(value) >= each[0]), prefixes[-1] if value else (1.0, ""))
    return f"{value / factor:.3g} {prefix}{unit}".strip()


def median_ratio(first: Callable[[], float], second: Callable[[], float], times: int) -> float:
    """Median ratio of two measurements that take turns, so that a drift of the machine cancels."""
    return statistics.median(first() / second() for _ in range(times))
