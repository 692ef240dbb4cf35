"""The better direction of a benchmark's value, and how it is known: the only module that decides it.

Takes a benchmark's name, type and unit and the project's policy; gives a ``Direction``. The first source that decides
counts: ``[tool.tbp.better]`` of the project, asv's type, the unit, the words of the benchmark's name. Where none does,
nothing is guessed and the direction is ``Better.UNKNOWN``. docs/explanation/series.md has the table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from tbp.model.series import Better
from tbp.project.policy import Policy
from tbp.wording.words import named


def set_of(words: str) -> frozenset[str]:
    """The words of ``words``, separated by white space."""
    return frozenset(words.split())


IN_POLICY = "[tool.tbp.better] in pyproject.toml"

# Every type of asv but "track" names its quantity.
_LOWER_TYPES = {"time": "time", "timeraw": "time", "memory": "memory", "peakmemory": "peak memory"}

_KIND = re.compile("^(time|timeraw|mem|peakmem|track)_")  # asv's prefix, which adds nothing to the type
# Units, case-sensitive: "ms" is a time and "MS" is unknown.
_TIMES = set_of(
    "s sec secs second seconds ms msec millisecond milliseconds us µs μs usec microsecond microseconds ns nsec "
    "nanosecond nanoseconds minutes hours"
)
_SIZES = set_of("byte bytes Byte Bytes B kB KB MB GB TB KiB MiB GiB TiB")
# Amounts of work, of which less is better. "FLOPs" is a count, "FLOPS" a rate, and "flops" may be either.
_WORK = re.compile("[kKMGTP]?FLOPs?|operators|instructions|cycles|allocations")
_RATES = re.compile("fps|FPS|qps|QPS|iops|IOPS|[kMG]?Hz|[kKMGTP]?FLOPS")
# A physical quantity per second is a speed, but not the speed of code.
_PHYSICAL = set_of("m mm cm km rad deg ° N kg g J W V A K °C Pa %")
_PER = re.compile(r"\s*/\s*|[\s_-]+per[\s_-]+", re.IGNORECASE)
_PER_TIMES = _TIMES | set_of("min minute h hr hour d day")  # "h" alone may be anything, "samples/h" is a rate

# Whole words of a name, or of a unit in words: "lossless" contains none of them.
_GAINS = set_of(
    "throughput bandwidth fps qps speedup accuracy cosine similarity utilization utilisation occupancy mfu efficiency "
    "reward hit hits recall auc auroc bleu rouge psnr ssim per-time"
)
_COSTS = set_of(
    "loss losses error errors err mse rmse mae wer cer perplexity ppl latency latencies duration durations elapsed "
    "time runtime ttft overhead slowdown miss misses failure failures failed stall stalls timeouts retries jitter "
    "seconds ms us ns bytes memory rss"
)
_WORDS = dict.fromkeys(_GAINS, Better.HIGHER) | dict.fromkeys(_COSTS, Better.LOWER)
# Beside one of these the words above may mean their opposite or something else: "time to accuracy", "cosine distance",
# "free memory", "loss scale", "negative loss".
_TURNING = set_of(
    "to until without no non not free saved distance scale scaling drop dropped gap inverse neg negative minus"
)
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Bytes per second are a rate, not a size; errors per second stay errors.
_RATE = re.compile(r"\b(bytes )?per (s|sec|secs|second|seconds|min|minute|hour|h)\b")
_PER_TIME = "per-time"


class Direction(Struct, frozen=True):
    """The better direction; ``source`` is how it is known ("unit it/s"), empty where it is not known."""

    better: Better
    source: str = ""


def direction(benchmark: str, benchmark_type: str, unit: str, policy: Policy) -> Direction:
    """The better direction of ``benchmark`` (asv's name), of asv's type ``benchmark_type``, in ``unit``."""
    of_project = policy.direction(benchmark)
    if of_project is not None:
        return Direction(of_project, IN_POLICY)
    if benchmark_type in _LOWER_TYPES:
        return Direction(Better.LOWER, _LOWER_TYPES[benchmark_type])
    if (of_unit := better_of_unit(unit)) is not Better.UNKNOWN:
        return Direction(of_unit, f"unit {unit.strip()}")
    # Suites and modules are named for what they run, functions for what they return.
    words = _directed_words(_KIND.sub("", benchmark.rpartition(".")[2]))
    of_name = _agreed(better for _, better in words)
    if of_name is Better.UNKNOWN:
        return Direction(of_name)
    return Direction(of_name, f"{', '.join(dict.fromkeys(word for word, _ in words))} in its name")


def better_of_unit(unit: str) -> Better:
    """The better direction of values in ``unit``; UNKNOWN for "%", "m", "frames" and for no unit."""
    numerator, *denominators = _PER.split(unit.strip())
    if numerator in _PHYSICAL:
        return Better.UNKNOWN
    if _PER_TIMES.intersection(denominators):
        is_rate = numerator in _SIZES or not (
            numerator in _TIMES or any(better is Better.LOWER for _, better in _directed_words(numerator))
        )
        return Better.HIGHER if is_rate else Better.UNKNOWN
    if numerator in _TIMES or numerator in _SIZES or _WORK.fullmatch(numerator):
        return Better.LOWER
    return Better.HIGHER if _RATES.fullmatch(numerator) else _agreed(better for _, better in _directed_words(unit))


def deciding_lines(benchmarks: Iterable[str]) -> tuple[str, ...]:
    """Lines for pyproject.toml, below ``[tool.tbp.better]``, each of which sets lower as better.

    There is one for each function of ``benchmarks``: functions of one name measure the same in every suite.
    """
    functions = dict.fromkeys(benchmark.rpartition(".")[2] for benchmark in benchmarks)
    # Every JSON string is a TOML string.
    return tuple(f'{json.dumps(re.escape(function) + "$")} = "{Better.LOWER}"' for function in functions)


def _directed_words(text: str) -> list[tuple[str, Better]]:
    """The words of ``text`` that have a direction; none where a word of _TURNING stands among them."""
    spoken = " ".join(word.lower() for word in _WORD.findall(text)).replace("speed up", "speedup")
    words = _RATE.sub(_PER_TIME, spoken).split()
    if _TURNING.intersection(words):
        return []
    return [(word, _WORDS[word]) for word in words if word in _WORDS]


def _agreed(known: Iterable[Better]) -> Better:
    """The direction that all of ``known`` have; UNKNOWN where they differ, or there is none."""
    directions = set(known)
    return directions.pop() if len(directions) == 1 else Better.UNKNOWN


MOST_LINES = 3
"""The most lines for pyproject.toml in one remark: for more functions a project writes a shorter pattern."""


def undirected(benchmarks: Sequence[str]) -> str:
    """A remark on benchmarks (asv's names) without a known better direction, with the lines that set it."""
    known = list(dict.fromkeys(benchmarks))
    lines = named(deciding_lines(known), MOST_LINES)
    return (
        f"Nothing says which direction is better for {named(known, 1)}: a change there is neither regression nor "
        f'improvement. To decide it, write below [tool.tbp.better] in pyproject.toml: {lines} (or "higher")'
    )
