"""Suites that have time, bytes and error of the same variants → what each variant costs, and which are worth it.

Takes histories, gives groups: one for each suite, place and choice of all parameters but the variant. Saying and
drawing it is left to ``compression``.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tbp.model import relevance
from tbp.model.changes import History
from tbp.model.points import last_with_level
from tbp.model.series import Commit, Outcome, Point
from tbp.report.pages.compression.pareto import Cost, Place, standings
from tbp.wording import verdicts

Parameters = tuple[tuple[str, str], ...]

VARIANT_NAMES = ("variant", "model", "method", "scheme", "compression")
"""Parameters that name a variant, the first one that a suite has; else its first parameter."""

BASELINES = ("dense", "baseline", "fp32", "float32", "naive", "original", "full")
"""Variants that the others are said against, the first one there is; else the largest."""

_VERSION = re.compile(r" v\d+$")
_TWIN = re.compile(r"_twin$")
_SIZE = re.compile(r"(model|weights?|file|disk|checkpoint)_?(bytes|size)|^(bytes|size)$")
_ERROR = re.compile(r"error|deviation|mismatch")

TIME_SIGMAS = 3.0
"""Times closer than so many noises between runs are the same: what the detector would not part either (``short``).
Where there are too few runs to know it, the spread of the newest run's processes or samples stands for it."""

SURE_TIME = 0.10
"""Up to this uncertainty two times that do not differ are called the same; with more, which is faster is undecided."""

SAME_BYTES = 0.005
"""Headers and alignment of a file are not what compression buys."""

SAME_ERROR = 0.2
"""Errors are told by their order of magnitude; rounding in another order moves them by this much."""

RELATIVE = "relative error"
"""The unit of the ruler's ``track_error``."""

ROUNDING = 1e-6
"""Relative errors up to this are float32's rounding (2⁻²³ = 1.2e−7 a product, a few of them): which is the smaller one
is chance. Variants of a dense float32 model had 1.3e−7 to 1.9e−7."""


class Variant(Struct, frozen=True):
    """What one variant costs at ``commit``."""

    name: str
    time_s: float
    size_bytes: float
    error: float  # NaN where none is recorded
    is_relative: bool  # whether that is a relative error
    uncertain: float  # relative difference of times up to which this one is the same as another
    commit: Commit
    history: History  # of its time
    is_twin: bool = False
    place: Place = Place.BEATEN
    rival: str = ""  # the variant that beats it, or may where its place is undecided

    @property
    def is_candidate(self) -> bool:
        """Whether it is on the front, or not ruled out from it."""
        return self.place is not Place.BEATEN

    @property
    def is_sure(self) -> bool:
        """Whether its time, where it does not differ from another, is the same."""
        return self.uncertain <= SURE_TIME


class Group(Struct, frozen=True):
    """The variants of one model on one device; ``missing`` says which have no value, and why."""

    suite: str  # "compressed_inference.Nightly"
    machine: str
    environment: str
    common: Parameters  # that all variants share
    variants: tuple[Variant, ...]  # fastest first
    baseline: Variant
    missing: tuple[str, ...]

    @property
    def has_error(self) -> bool:
        return all(math.isfinite(one.error) for one in self.variants)


def groups(histories: Sequence[History]) -> tuple[Group, ...]:
    """Every group with at least two variants, in order of suite, place and parameters."""
    suites: dict[tuple[str, str, str], list[History]] = defaultdict(list)
    for history in histories:
        suite = history.key.benchmark.rpartition(".")[0]
        suites[suite, history.key.machine, history.key.environment].append(history)
    return tuple(group for _, own in sorted(suites.items()) for group in _of_suite(own))


def is_same_time(one: Variant, other: Variant) -> bool:
    """Whether the noise allows no difference between the two times."""
    a, b = _time(one), _time(other)
    return not a.is_better_than(b) and not b.is_better_than(a)


def _of_suite(histories: Sequence[History]) -> Iterable[Group]:
    times = [history for history in histories if _is_time(history)]
    sizes = _by_parameters(history for history in histories if _method_is(_SIZE, history) and history.unit == "bytes")
    errors = _by_parameters(history for history in histories if _method_is(_ERROR, history))
    parameter = _variant_parameter(times)
    if not sizes or not parameter:
        return
    cells: dict[tuple[str, Parameters], list[History]] = defaultdict(list)
    for history in times:
        common = tuple((name, value) for name, value in history.key.parameters if name != parameter)
        cells[history.key.benchmark, common].append(history)
    for (_, common), own in cells.items():
        found = _group(own, parameter, common, sizes, errors)
        if found is not None:
            yield found


def _group(
    times: Sequence[History],
    parameter: str,
    common: Parameters,
    sizes: Mapping[Parameters, History],
    errors: Mapping[Parameters, History],
) -> Group | None:
    variants, missing = [], []
    for history in times:
        point, size = last_with_level(history.points), verdicts.newest_value(sizes.get(history.key.parameters))
        name = _VERSION.sub("", dict(history.key.parameters)[parameter])
        if point is None or not point.value > 0 or not size > 0:
            missing.append(f"{name}: {_why(history)}")
            continue
        own_error = errors.get(history.key.parameters)
        error, is_relative = verdicts.newest_value(own_error), own_error is not None and own_error.unit == RELATIVE
        is_twin = bool(_TWIN.search(name))
        uncertain = _uncertain(history, point)
        costs = (point.value, size, error, is_relative, uncertain)
        variants.append(Variant(name, *costs, point.commit, history, is_twin))
    if len(variants) < 2:
        return None
    key = times[0].key
    ranked = sorted(_with_front(_with_twins(variants)), key=lambda one: (one.time_s, one.name))
    return Group(
        key.benchmark.rpartition(".")[0], key.machine, key.environment, common, tuple(ranked), _baseline(ranked),
        tuple(missing),
    )  # fmt: skip


def _uncertain(history: History, point: Point) -> float:
    if math.isfinite(history.noise_between):
        return max(relevance.TWO_COMMITS, TIME_SIGMAS * history.noise_between)
    spread = max(point.sessions) - min(point.sessions) if len(point.sessions) > 1 else point.high - point.low
    return max(relevance.TWO_COMMITS, spread / point.value if math.isfinite(spread) else 0.0)


def _with_twins(variants: Sequence[Variant]) -> list[Variant]:
    """No time is surer than the same work under two names shows."""
    by_name = {one.name: one for one in variants}
    twins = [(one, original) for one in variants if (original := by_name.get(_TWIN.sub("", one.name))) and one.is_twin]
    floor = max((abs(one.time_s / original.time_s - 1) for one, original in twins), default=0.0)
    return [replace(one, uncertain=max(one.uncertain, floor)) for one in variants]


def _with_front(variants: Sequence[Variant]) -> list[Variant]:
    """A twin is the same choice a second time: it is neither on the front nor in the way of another."""
    with_error = all(math.isfinite(one.error) for one in variants)
    choices = [one for one in variants if not one.is_twin]
    found = standings([_costs(one, with_error) for one in choices])
    rivals = ["" if own.rival is None else choices[own.rival].name for own in found]
    told = {one.name: (own.place, rival) for one, own, rival in zip(choices, found, rivals, strict=True)}
    return [
        replace(one, place=told[one.name][0], rival=told[one.name][1]) if one.name in told else one for one in variants
    ]


def _costs(one: Variant, with_error: bool) -> list[Cost]:
    costs = [_time(one), _size(one)]
    return [*costs, _error(one)] if with_error else costs


def _time(one: Variant) -> Cost:
    return Cost(one.time_s, one.uncertain, one.is_sure)


def _size(one: Variant) -> Cost:
    return Cost(one.size_bytes, SAME_BYTES)


def _error(one: Variant) -> Cost:
    return Cost(max(one.error, ROUNDING) if one.is_relative else one.error, SAME_ERROR)


def better_in(one: Variant, other: Variant) -> list[str]:
    """In what ``one`` is better than ``other`` for sure: "faster", "smaller", "more exact"."""
    pairs = [("faster", _time(one), _time(other)), ("smaller", _size(one), _size(other))]
    if math.isfinite(one.error) and math.isfinite(other.error):
        pairs.append(("more exact", _error(one), _error(other)))
    return [word for word, a, b in pairs if a.is_better_than(b)]


def _baseline(variants: Sequence[Variant]) -> Variant:
    names = {one.name.lower(): one for one in variants}
    named = next((names[name] for name in BASELINES if name in names), None)
    return named or max(variants, key=lambda one: (not one.is_twin, one.size_bytes, one.time_s))


def _is_time(history: History) -> bool:
    return history.unit == "seconds" and "time" in _method(history)


def _method_is(pattern: re.Pattern[str], history: History) -> bool:
    return bool(pattern.search(_method(history).removeprefix("track_")))


def _method(history: History) -> str:
    return history.key.benchmark.rpartition(".")[2].lower()


def _variant_parameter(times: Sequence[History]) -> str:
    names = [name for name, _ in times[0].key.parameters] if times else []
    return next((name for name in VARIANT_NAMES if name in names), names[0] if names else "")


def _by_parameters(histories: Iterable[History]) -> dict[Parameters, History]:
    return {history.key.parameters: history for history in histories}


def _why(history: History) -> str:
    """Of a variant without a time or without a size."""
    newest = history.points[-1] if history.points else None
    if newest is None or newest.outcome is Outcome.MEASURED:
        return "no size is recorded"
    reason = newest.reason.strip().splitlines()
    return f"{newest.outcome.value}{f', {reason[-1]}' if reason else ''}"
