"""``--bench REGEX``: which benchmarks a pattern finds, the same for every verb.

The rule is that of ``asv run --bench``: the pattern is searched for in ``name`` of a benchmark without parameters, and
in ``name(value, value)`` of each combination of one with parameters. asv writes strings in quotes there, results and
traces do not; a pattern finds both spellings. A pattern that tbp prints (``tbp.report.parts.addresses.bench_regex``)
finds the series it was made for, here and in asv.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tbp.project.patterns import compiled, finds
from tbp.system.python_text import MOST_PARSED, literal

Parameters: TypeAlias = tuple[tuple[str, str], ...]
"""Name and value of each parameter, as a series has them."""

BenchFilter: TypeAlias = Callable[[str, Parameters], bool]
"""Tells of a benchmark and its parameters whether it is wanted."""


def bench_filter(patterns: Sequence[str]) -> BenchFilter:
    """A test of a benchmark's name and parameters: true where one of ``patterns`` finds it, or there is none.

    Raises:
        UsageError: one of them is no regular expression; so does the test, where one takes too long.
    """
    wanted = [compiled(pattern, "--bench") for pattern in patterns]

    def is_wanted(benchmark: str, parameters: Parameters) -> bool:
        names = _names(benchmark, parameters)
        return not wanted or any(finds(pattern, name) for pattern in wanted for name in names)

    return is_wanted


def _names(benchmark: str, parameters: Parameters) -> tuple[str, ...]:
    """The name to search in; with parameters it is spelled as in results, and with asv's quotes."""
    if not parameters:
        return (benchmark,)
    values = [value for _, value in parameters]
    return f"{benchmark}({', '.join(values)})", f"{benchmark}({', '.join(map(_quoted, values))})"


def _quoted(value: str) -> str:
    """A value that is no literal of Python was a string, and asv has its ``repr``."""
    if len(value) > MOST_PARSED:
        return repr(value)
    try:
        literal(value)
    except ValueError:
        return repr(value)
    return value
