"""A comparison as JSON, for other programs.

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

from msgspec.structs import asdict

from tbp.model.comparison import CONFIDENCE, Comparison
from tbp.system.strict_json import strict_json
from tbp.wording.phrases import sentence, tally

# The fields of Comparison, ComparedCommit and Judgement are the fields of the file: to rename one is another format.
# 1: the first.
FORMAT = 1


def to_json(comparison: Comparison) -> str:
    """The comparison as one JSON object, indented, its last line ended."""
    derived = {
        "format": FORMAT,
        "sentence": sentence(comparison),
        "counts": {state.value: count for state, count in tally(comparison).items()},
        "confidence": CONFIDENCE,
    }
    return strict_json(derived | asdict(comparison), indent=2) + "\n"
