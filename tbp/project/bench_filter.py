"""``--bench NAME``: which benchmarks a pattern finds, the same for every verb.

A pattern is what asv takes, what tbp prints, or a part of a name:

- a regular expression, searched for as ``asv run --bench`` does: in ``name`` of a benchmark without parameters, and in
  ``name(value, value)`` of each combination of one with parameters. asv writes strings in quotes there, results and
  traces do not; a pattern finds both spellings. One that tbp makes (``tbp.report.parts.addresses.bench_regex``) finds
  the series it was made for, here and in asv.
- plain text, searched for in the same names and in those that tbp prints: ``name (parameter=value, parameter=value)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from tbp.model.series import parameter_label, series_name
from tbp.project.patterns import compiled, finds, is_regex
from tbp.system.python_text import MOST_PARSED, literal

Parameters: TypeAlias = tuple[tuple[str, str], ...]
"""Name and value of each parameter, as a series has them."""

BenchFilter: TypeAlias = Callable[[str, Parameters], bool]
"""Tells of a benchmark and its parameters whether it is wanted."""

WHERE = "--bench"

QUOTE = r"[^-.\w]?"
"""May stand around a value in asv's names; a quote character itself would make the shell's quoting unreadable."""

# A series as tbp prints it, with parentheses, a space or both before its parameters.
_PRINTED = re.compile(r"(?P<name>[^\s(=]+) ?[ (](?P<parameters>[^\s,=()]+=.*?)\)?", re.DOTALL)
_NEXT_PARAMETER = re.compile(r",? (?=[^\s,=()]+=)")


def bench_filter(patterns: Sequence[str]) -> BenchFilter:
    """A test of a benchmark's name and parameters: true where one of ``patterns`` finds it, or there is none.

    Raises:
        UsageError: one of them is too long or takes too long; so does the test, where one takes too long.
    """
    searched = [compiled(pattern, WHERE) for pattern in patterns if is_regex(pattern)]
    plain = [_plain(pattern) for pattern in patterns]

    def is_wanted(benchmark: str, parameters: Parameters) -> bool:
        names = _names(benchmark, parameters)
        return (
            not plain
            or any(finds(pattern, name) for pattern in searched for name in names)
            or any(text.search(name) for text in plain for name in (*names, *_printed(benchmark, parameters)))
        )

    return is_wanted


def asv_patterns(patterns: Sequence[str]) -> list[str]:
    """Regular expressions with which ``asv run --bench`` finds what ``patterns`` find here.

    asv knows no names of parameters: a pattern without a benchmark's name before them finds nothing there.

    Raises:
        UsageError: as ``bench_filter``.
    """
    bench_filter(patterns)
    given = [pattern for pattern in patterns if is_regex(pattern)]
    plain = [re.escape(pattern) for pattern in patterns]
    printed = [match for match in map(_PRINTED.fullmatch, patterns) if match is not None]
    return list(
        dict.fromkeys([*given, *plain, *(_as_asv_names(*match.group("name", "parameters")) for match in printed)])
    )


def exact_regex(benchmark: str, values: Sequence[str]) -> str:
    """A regular expression that finds this series alone, here and in asv; without values, all of the benchmark.

    A control character becomes ``.`` so that nothing copied into a shell can end its line.
    """
    name = _escaped(benchmark)
    if not values:
        return rf"^{name}(\(|$)"
    return rf"^{name}\({', '.join(f'{QUOTE}{_escaped(value)}{QUOTE}' for value in values)}\)$"


def _as_asv_names(benchmark: str, parameters: str) -> str:
    values = [part.partition("=")[2] for part in _NEXT_PARAMETER.split(parameters)]
    return exact_regex(benchmark, values)


def _escaped(name: str) -> str:
    if name.isprintable():
        return re.escape(name)
    return "".join("." if not character.isprintable() else re.escape(character) for character in name)


def _plain(pattern: str) -> re.Pattern[str]:
    """A regular expression for this text; after a value none may go on, so that ``n=1`` does not find ``n=10``."""
    return re.compile(re.escape(pattern) + (r"(?![\w.])" if "=" in pattern else ""))


def _printed(benchmark: str, parameters: Parameters) -> tuple[str, ...]:
    """The name as tbp's tables, pages and messages have it, and as people write it from there."""
    if not parameters:
        return ()
    label = parameter_label(parameters)
    spaced = " ".join(f"{name}={value}" for name, value in parameters)
    return (
        series_name(benchmark, parameters),
        f"{benchmark}({label})",
        f"{benchmark} {label}",
        f"{benchmark} {spaced}",
    )


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
