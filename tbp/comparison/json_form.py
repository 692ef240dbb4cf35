"""A comparison as JSON, for other programs, and back.

Strict JSON in ASCII: what is no finite number (NaN, infinity) is ``null``. ``tbp schema comparison`` and
docs/reference/json.md have the fields. A judgement's ``unit`` is "seconds" (per call), "bytes" or what the benchmark
declares; ``before`` and ``after`` are in it. ``project``, ``machine`` and ``environment`` may be empty.
"""

from __future__ import annotations

import json
from math import nan

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from tbp.errors import UnreadableInput
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.effects import CONFIDENCE
from tbp.model.series import Better
from tbp.system.strict_json import strict_json
from tbp.wording.phrases import ORDER, sentence, tally

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


class _StoredJudgement(Struct, frozen=True, forbid_unknown_fields=True):
    """A judgement as the file has it: a number there is none of is null."""

    benchmark: str
    parameters: tuple[tuple[str, str], ...]
    state: State
    unit: str
    better: Better
    before: float | None
    after: float | None
    effect: float | None
    low: float | None
    high: float | None
    p_value: float | None
    evidence: int
    reason: str
    operators: tuple[str, ...]


class _ComparisonFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole object; ``sentence``, ``counts`` and ``confidence`` follow from the rest, and are not believed."""

    format: int
    sentence: str
    counts: dict[str, int]
    confidence: float
    project: str
    method: str
    machine: str
    environment: str
    baseline: ComparedCommit
    contender: ComparedCommit
    seconds: float | None
    notes: tuple[str, ...]
    judgements: tuple[_StoredJudgement, ...]


def from_json(content: bytes) -> Comparison:
    """The comparison of which ``to_json`` made ``content``; whoever calls this bounds its size.

    Raises:
        UnreadableInput: it is no such file, has another format, or a key that the format lacks.
    """
    try:
        # Not msgspec's own decoder, which refuses half a character, such as a benchmark's name may hold.
        file = msgspec.convert(json.loads(content), _ComparisonFile)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise UnreadableInput(f"no comparison of tbp: {error}; make it with `tbp gate --json=FILE`") from None
    if file.format != FORMAT:
        raise UnreadableInput(f"a comparison in format {file.format}, and this tbp reads {FORMAT}: use equal versions")
    if alien := {judgement.state for judgement in file.judgements} - set(ORDER):
        raise UnreadableInput(f"no comparison of tbp: a judgement is {min(alien)}, which is no verdict on two commits")
    return Comparison(
        project=file.project,
        baseline=file.baseline,
        contender=file.contender,
        method=file.method,
        judgements=tuple(map(_judgement, file.judgements)),
        machine=file.machine,
        environment=file.environment,
        seconds=_number(file.seconds),
        notes=file.notes,
    )


def _judgement(judgement: _StoredJudgement) -> Judgement:
    numbers = {name: _number(getattr(judgement, name)) for name in _NUMBERS}
    return Judgement(**asdict(judgement) | numbers)


_NUMBERS = ("before", "after", "effect", "low", "high", "p_value")


def _number(value: float | None) -> float:
    return nan if value is None else value
