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
from tbp.model.series import VARIANT_NAMES, Commit, Outcome, Point, Setup
from tbp.report.pages.compression.pareto import ChoiceRank, Cost, standings
from tbp.wording import verdicts

Parameters = tuple[tuple[str, str], ...]

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

SHARES = {RELATIVE: RELATIVE, "share of wrong answers": "wrong answers"}
"""Units of errors that are written in percent, each with the error's name; any other is "error", a plain number."""

ERROR = "error"

ROUNDING = 1e-6
"""Relative errors up to this are float32's rounding (2⁻²³ = 1.2e−7 a product, a few of them): which is the smaller one
is chance. Variants of a dense float32 model had 1.3e−7 to 1.9e−7."""


class Variant(Struct, frozen=True):
    """The costs of a variant at ``commit``."""

    name: str
    time_s: float
    size_bytes: float
    error: float  # NaN where none is recorded
    error_name: str  # "relative error", "wrong answers", else "error"
    uncertain: float  # relative difference of times up to which this one is the same as another
    commit: Commit
    history: History  # of its time
    is_twin: bool = False
    rank: ChoiceRank = ChoiceRank.BEATEN
    rival: str = ""  # the variant that beats it, or may where its place is undecided

    @property
    def is_share(self) -> bool:
        """True where the error is written in percent."""
        return self.error_name != ERROR

    @property
    def is_candidate(self) -> bool:
        """True on the front, and where nothing rules the variant out from it."""
        return self.rank is not ChoiceRank.BEATEN

    @property
    def is_sure(self) -> bool:
        """True where a time that does not differ from another is the same."""
        return self.uncertain <= SURE_TIME


class VariantGroup(Struct, frozen=True):
    """The variants of one model on one device; ``missing`` says which have no value, and why."""

    suite: str  # "compressed_inference.Nightly"
    setup: Setup
    common: Parameters  # that all variants share
    variants: tuple[Variant, ...]  # fastest first
    baseline: Variant
    missing: tuple[str, ...]


def groups(histories: Sequence[History]) -> tuple[VariantGroup, ...]:
    """Every group with at least two variants, in order of suite, place and parameters."""
    suites: dict[tuple[str, Setup], list[History]] = defaultdict(list)
    for history in histories:
        suite = history.key.benchmark.rpartition(".")[0]
        suites[suite, history.key.setup].append(history)
    return tuple(group for _, histories_of_suite in sorted(suites.items()) for group in _of_suite(histories_of_suite))


def is_same_time(variant: Variant, other: Variant) -> bool:
    """True where the noise allows no difference between the two times."""
    a, b = _time(variant), _time(other)
    return not a.is_better_than(b) and not b.is_better_than(a)


def _of_suite(histories: Sequence[History]) -> Iterable[VariantGroup]:
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
    for (_, common), timed in cells.items():
        group = _group(timed, parameter, common, sizes, errors)
        if group is not None:
            yield group


def _group(
    times: Sequence[History],
    parameter: str,
    common: Parameters,
    sizes: Mapping[Parameters, History],
    errors: Mapping[Parameters, History],
) -> VariantGroup | None:
    variants, missing = [], []
    for history in times:
        point, size = last_with_level(history.points), verdicts.newest_value(sizes.get(history.key.parameters))
        name = _VERSION.sub("", dict(history.key.parameters)[parameter])
        if point is None or not point.value > 0 or not size > 0:
            missing.append(f"{name}: {_why(history)}")
            continue
        own_error = errors.get(history.key.parameters)
        error = verdicts.newest_value(own_error)
        error_name = ERROR if own_error is None else SHARES.get(own_error.unit, ERROR)
        is_twin = bool(_TWIN.search(name))
        uncertain = _uncertain(history, point)
        costs = (point.value, size, error, error_name, uncertain)
        variants.append(Variant(name, *costs, point.commit, history, is_twin))
    if len(variants) < 2:
        return None
    key = times[0].key
    ranked = sorted(_with_front(_with_twins(variants)), key=lambda variant: (variant.time_s, variant.name))
    return VariantGroup(
        key.benchmark.rpartition(".")[0], key.setup, common, tuple(ranked), _baseline(ranked),
        tuple(missing),
    )  # fmt: skip


def _uncertain(history: History, point: Point) -> float:
    if math.isfinite(history.noise_between):
        return max(relevance.TWO_COMMITS, TIME_SIGMAS * history.noise_between)
    spread = max(point.sessions) - min(point.sessions) if len(point.sessions) > 1 else point.high - point.low
    return max(relevance.TWO_COMMITS, spread / point.value if math.isfinite(spread) else 0.0)


def _with_twins(variants: Sequence[Variant]) -> list[Variant]:
    """No time is surer than the same work under two names shows."""
    times = {variant.name: variant.time_s for variant in variants}
    pairs = [(variant.time_s, times.get(_TWIN.sub("", variant.name))) for variant in variants if variant.is_twin]
    floor = max((abs(twin_s / original_s - 1) for twin_s, original_s in pairs if original_s), default=0.0)
    return [replace(variant, uncertain=max(variant.uncertain, floor)) for variant in variants]


def _with_front(variants: Sequence[Variant]) -> list[Variant]:
    """A twin is the same choice a second time: it is neither on the front nor in the way of another."""
    with_error = all(math.isfinite(variant.error) for variant in variants)
    choices = [variant for variant in variants if not variant.is_twin]
    placed = []
    for variant, standing in zip(choices, standings([_costs(choice, with_error) for choice in choices]), strict=True):
        rival = "" if standing.rival is None else choices[standing.rival].name
        placed.append(replace(variant, rank=standing.rank, rival=rival))
    return [*placed, *(variant for variant in variants if variant.is_twin)]


def _costs(variant: Variant, with_error: bool) -> list[Cost]:
    costs = [_time(variant), _size(variant)]
    return [*costs, _error(variant)] if with_error else costs


def _time(variant: Variant) -> Cost:
    return Cost(variant.time_s, variant.uncertain, variant.is_sure)


def _size(variant: Variant) -> Cost:
    return Cost(variant.size_bytes, SAME_BYTES)


def _error(variant: Variant) -> Cost:
    return Cost(max(variant.error, ROUNDING) if variant.error_name == RELATIVE else variant.error, SAME_ERROR)


def better_in(variant: Variant, other: Variant) -> list[str]:
    """In what ``one`` is better than ``other`` for sure: "faster", "smaller", "more exact"."""
    pairs = [("faster", _time(variant), _time(other)), ("smaller", _size(variant), _size(other))]
    if math.isfinite(variant.error) and math.isfinite(other.error):
        pairs.append(("more exact", _error(variant), _error(other)))
    return [word for word, a, b in pairs if a.is_better_than(b)]


def _baseline(variants: Sequence[Variant]) -> Variant:
    names = {variant.name.lower(): variant for variant in variants}
    named = next((names[name] for name in BASELINES if name in names), None)
    return named or max(variants, key=lambda variant: (not variant.is_twin, variant.size_bytes, variant.time_s))


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
    """The reason why a variant has no time or no size."""
    newest = history.points[-1] if history.points else None
    if newest is None or newest.outcome is Outcome.MEASURED:
        return "no size is recorded"
    reason = newest.reason.strip().splitlines()
    return f"{newest.outcome.value}{f', {reason[-1]}' if reason else ''}"
