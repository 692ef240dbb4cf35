"""A comparison as JSON, for other programs, and back.

Strict JSON in ASCII: what is no finite number (NaN, infinity) is ``null``. One object:

    format           FORMAT
    sentence         the verdict in words
    counts           state → how many judgements are in it
    confidence       of every interval, 0.99
    project, method, machine, environment    texts, possibly empty
    baseline, contender    {"revision", "commit", "subject"}
    seconds          that measuring took, or null
    notes            [sentence, …]: what limits the verdict
    judgements       [{…}, …] with
        benchmark    asv's name
        parameters   [[name, value], …], texts
        state        "regression", "changed", "improvement", "no change", "undecided", "failed" or "skipped"
        unit         "seconds" (per call), "bytes" or what the benchmark declares
        better       "lower", "higher" or "unknown"
        before, after    the levels in ``unit``
        effect       0.1: the contender's value is 10 % larger
        low, high    interval of the effect
        p_value      corrected for all benchmarks judged
        evidence     pairs of processes, or processes on the side that has fewer
        reason       why it failed, was skipped or is undecided
        operators    [sentence, …], the largest first
"""

from __future__ import annotations

import json
import math
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import asdict

from tbp.errors import UnreadableInput
from tbp.model.comparison import CONFIDENCE, Comparison
from tbp.system.foreign_text import json_without_commands
from tbp.wording.comparison_summary import sentence, tally

# The fields of Comparison, ComparedCommit and Judgement are the fields of the file: to rename one is another format.
# 1: the first.
FORMAT = 1

_Plain: TypeAlias = "str | int | float | list[_Plain] | dict[str, _Plain] | None"
_NUMBERS = ("before", "after", "effect", "low", "high", "p_value")


def to_json(comparison: Comparison) -> str:
    """The comparison as one JSON object, indented, its last line ended."""
    derived = {
        "format": FORMAT,
        "sentence": sentence(comparison),
        "counts": {state.value: count for state, count in tally(comparison).items()},
        "confidence": CONFIDENCE,
    }
    return json_without_commands(json.dumps(_plain(derived | asdict(comparison)), indent=2, allow_nan=False)) + "\n"


def from_json(text: str | bytes) -> Comparison:
    """The comparison that ``to_json`` wrote; ``null`` becomes NaN.

    Raises:
        UnreadableInput: it is no comparison, or one of another format.
    """
    import msgspec

    try:
        content = json.loads(text)
        version = content["format"]
        if version != FORMAT:
            raise UnreadableInput(f"the comparison has format {version!r:.20}, and this tbp reads {FORMAT}: update tbp")
        for numbers, names in ((content, ("seconds",)), *((each, _NUMBERS) for each in content["judgements"])):
            numbers.update({name: math.nan for name in names if numbers[name] is None})
        return msgspec.convert(content, Comparison)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableInput(f"this is no comparison of tbp ({error}); write it anew with --json") from None


def _plain(value: object) -> _Plain:
    """``value`` in what JSON has; texts stay as they are, StrEnums become texts."""
    if isinstance(value, Struct):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)
