"""Regular expressions that a user or a project wrote, compiled and searched within bounds.

Takes a pattern and where it stands, gives it compiled, and tells whether it finds something in a text. Python's ``re``
is asv's too, and has no bounds of its own: ``(a+)+$`` takes years for a text of fifty characters.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from warnings import catch_warnings

from tbp.errors import UsageError
from tbp.system.bounded import TooSlow, limited_to

MOST_CHARACTERS = 10_000  # of a pattern: one that names 200 benchmarks in full
# Of the processor, for one pattern to be compiled, or searched for in one name. Both take microseconds.
MOST_CPU_S = 2.0


def compiled(pattern: str, where: str) -> re.Pattern[str]:
    """Returns ``pattern`` compiled; ``where`` begins the message, such as ``--bench``.

    Raises:
        UsageError: it is no regular expression, or one that takes too long.
    """
    shown = repr(pattern if len(pattern) <= 80 else f"{pattern[:79]}…")
    if len(pattern) > MOST_CHARACTERS:
        raise UsageError(f"{where} {shown} has {len(pattern):,} characters; write one of at most {MOST_CHARACTERS:,}")
    try:
        with limited_to(MOST_CPU_S), unremarked():
            return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{where} {shown} is no regular expression: {error}") from error
    except (OverflowError, RecursionError, MemoryError):
        raise UsageError(f"{where} {shown} is nested too deeply or repeats too often: write a simpler one") from None
    except TooSlow:
        raise UsageError(f"{where} {shown} took {MOST_CPU_S:g} s to compile: write a simpler one") from None


def is_regex(pattern: str) -> bool:
    """False of text that is no regular expression, such as ``time_x[``; True of one that is beyond the bounds."""
    try:
        compiled(pattern, "")
    except UsageError as error:
        return not isinstance(error.__cause__, re.error)
    return True


def unremarked() -> AbstractContextManager[object]:
    """A block in which a pattern is parsed as it stands.

    Python warns of ``[[`` and ``--``, which mean something else in other languages; asv compiles them too.
    """
    return catch_warnings(action="ignore", category=FutureWarning)


def finds(pattern: re.Pattern[str], text: str) -> bool:
    """True where ``pattern`` is found in ``text``. Raises UsageError where that takes too long."""
    try:
        with limited_to(MOST_CPU_S):
            return pattern.search(text) is not None
    except TooSlow:
        raise UsageError(
            f"the regular expression {pattern.pattern[:80]!r} took {MOST_CPU_S:g} s on {text[:80]!r}: write one "
            "without repetitions of repetitions"
        ) from None
