"""A project's rule for names of operators, ``"^request_\\d+$" = "request"``, checked → a ``NameRule``.

A regular expression of Python can take years for one name. What is allowed here takes at most some 0.05 s for the
longest name: bounded names, few ways to match, and no repeat or choice inside a repeat.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from re import _constants as sre  # type: ignore[attr-defined]  # typeshed has neither of the two
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from tbp.errors import UsageError
from tbp.project.patterns import compiled, unremarked
from tbp.traces.calls.names import NUMBER, NameRule
from tbp.wording.words import value_text

MOST_RULES = 50  # each costs about 1 µs a name
MOST_PATTERN = 200  # characters, of a replacement too
# Python's own functions and Triton's kernels have up to about 150 characters; C++ kernels more, and tbp's own rules.
LONGEST_NAME = 250
MOST_WAYS = LONGEST_NAME**2  # to match at one place of a name: two unlimited repeats

_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def name_rule(where: str, pattern: str, replacement: object) -> NameRule:
    """The rule of one line of the table; ``where`` begins the message. Raises UsageError."""
    if not isinstance(replacement, str):
        raise UsageError(f"{where} {value_text(pattern)} must be a text, not {value_text(replacement)}")
    if problem := _problem(pattern) or _too_long(replacement):
        raise UsageError(f"{where} {value_text(pattern)} {problem}")
    expression = compiled(pattern, where)
    try:
        expression.sub(replacement.replace(NUMBER, ""), "")
    except (re.error, IndexError) as error:
        raise UsageError(f"{where} {replacement!r} does not fit {pattern!r}: {error}") from None
    return NameRule(expression, replacement, longest=LONGEST_NAME)


def _problem(pattern: str) -> str:
    """The reason why a pattern is not allowed; empty where it is."""
    if problem := _too_long(pattern):
        return problem
    try:
        with unremarked():
            parsed = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    if parsed.getwidth()[0] == 0:
        return "matches nothing at all, so every name: write what must be there"
    for operation, argument in _operations(parsed):
        if operation in _REPEATS and argument[1] > 1 and any(_ways(*inner) > 1 for inner in _operations(argument[2])):
            return "has a repeat or a choice inside a repeat, which can take for ever: write it without"
    ways = math.prod(_ways(*each) for each in _operations(parsed))
    if ways > MOST_WAYS:
        return f"has {ways:,} ways to match, and at most {MOST_WAYS:,} are allowed: repeat less, as {{1,20}} for +"
    return ""


def _too_long(text: str) -> str:
    return f"has {len(text)} characters, and at most {MOST_PATTERN} are allowed" if len(text) > MOST_PATTERN else ""


def _operations(parsed: Any) -> Iterator[tuple[Any, Any]]:
    """Every operation of a pattern, those inside others too."""
    if isinstance(parsed, parser.SubPattern):
        for operation, argument in parsed:
            yield operation, argument
            yield from _operations(argument)
    elif isinstance(parsed, (list, tuple)):
        for part in parsed:
            yield from _operations(part)


def _ways(operation: Any, argument: Any) -> int:
    """The number of ways in which one operation can match at one place."""
    if operation in _REPEATS:
        return min(int(argument[1]) - int(argument[0]) + 1, LONGEST_NAME)
    return len(argument[1]) if operation is sre.BRANCH else 1
