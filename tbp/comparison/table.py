"""A comparison on a terminal: the verdict, then a table for each state.

Takes a comparison, gives text; printing it is left to others. Rows stand under their benchmark's name. Where the
parameters would leave the numbers no room, all rows of a table have their parameters on a line of their own, so that
80 columns are always enough. A name longer than its line loses its middle, because a benchmark's module and its method
both tell it from others, and so do the first and the last parameter; sentences are wrapped. Every foreign character
that acts instead of being seen, such as the escape of a terminal, is replaced.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement
from tbp.wording import phrases, verdicts, words
from tbp.wording.comparison_summary import sentence, tally
from tbp.wording.words import shortened

LEAST_WIDTH = 60  # numbers with an interval and their indent need this much
MOST_LEVELS = 30  # characters of "before → after": a track_ benchmark's unit may be any text
MOST_SENTENCE = 400  # characters of a reason, which may be a whole traceback
# Undecided and failed rows beyond these are counted: a comparison of stored results may have thousands of them.
MOST_ROWS = 20

# As in the report: no state is told by colour alone, each has its glyph too.
_COLOURS = {
    State.REGRESSION: "31",
    State.IMPROVEMENT: "32",
    State.CHANGED: "36",
    State.UNDECIDED: "33",
    State.FAILED: "35",
}
_TITLES = {state: verdicts.PLURALS[state][1].capitalize() for state in phrases.ORDER}
_LISTED = (*phrases.CHANGED, State.UNDECIDED, State.FAILED)
_SHORTENED = (State.UNDECIDED, State.FAILED)


def table(comparison: Comparison, *, verbose: bool = False, colour: bool = False, width: int = 80) -> str:
    """The comparison as text, its last line ended. ``verbose`` lists every row, ``colour`` writes ANSI colours."""
    width = max(width, LEAST_WIDTH)
    counts = tally(comparison)
    lines = [*_wrapped(sentence(comparison), width), *_wrapped(phrases.context(comparison), width)]
    for state in phrases.ORDER if verbose else _LISTED:
        if counts[state]:
            lines += ["", *_section(comparison, state, verbose, colour, width)]
    rest = [f"{verdicts.GLYPHS[state]} {counts[state]:,} {state}" for state in phrases.ORDER if state not in _LISTED]
    if not verbose and (counts[State.NO_CHANGE] or counts[State.SKIPPED]):
        lines += ["", f"{'   '.join(rest)}   (--verbose lists them)"]
    if comparison.notes:
        lines.append("")
    for note in comparison.notes:
        lines += _sentence(f"Note: {note}", width)
    return "\n".join(lines) + "\n"


def _section(comparison: Comparison, state: State, verbose: bool, colour: bool, width: int) -> list[str]:
    """One state: its title, its rows by benchmark, and how many were left out."""
    judgements = comparison.of(state)
    shown = judgements[:MOST_ROWS] if state in _SHORTENED and not verbose else judgements
    title = f"{verdicts.GLYPHS[state]} {_TITLES[state]} ({len(judgements):,})"
    lines = [f"\x1b[1;{_COLOURS.get(state, '2')}m{title}\x1b[0m" if colour else title]
    numbers = dict(zip(shown, _columns(shown, comparison.method), strict=True))
    labels = max(len(words.one_line(judgement.label)) for judgement in shown)
    room = width - 6 - max(len(line) for line in numbers.values())
    label_width = labels if labels <= room else 0
    for reason, group in _by_reason(shown):
        lines += _sentence(reason and f"{reason}:", width, "  ")
        for benchmark, rows in phrases.by_benchmark(group):
            lines.append(f"  {shortened(words.one_line(benchmark), width - 2)}")
            for judgement in rows:
                lines += _row(judgement, numbers[judgement], label_width, width)
                lines += _said(judgement, "" if reason else judgement.reason, width)
    if len(judgements) > len(shown):
        lines.append(f"  … and {len(judgements) - len(shown):,} more (--verbose lists them)")
    return lines


def _by_reason(shown: Sequence[Judgement]) -> list[tuple[str, tuple[Judgement, ...]]]:
    """The rows that share a reason together, under that reason; before them, under none, those with their own."""
    groups: dict[str, list[Judgement]] = {}
    for judgement in shown:
        groups.setdefault(judgement.reason, []).append(judgement)
    shared = [(reason, tuple(group)) for reason, group in groups.items() if reason and len(group) > 1]
    alone = tuple(judgement for judgement in shown if all(reason != judgement.reason for reason, _ in shared))
    return [("", alone), *shared] if alone else shared


def _columns(judgements: Sequence[Judgement], method: str) -> list[str]:
    """The numbers of each row, columns aligned and two spaces apart."""
    rows = [
        (
            shortened(phrases.before_after(judgement), MOST_LEVELS),
            phrases.effect(judgement),
            phrases.evidence(judgement, method),
            words.probability(judgement.p_value),
        )
        for judgement in judgements
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{size}}" for cell, size in zip(row, widths, strict=True) if size).rstrip() for row in rows
    ]


def _row(judgement: Judgement, numbers: str, label_width: int, width: int) -> list[str]:
    """One judgement's line, or two where ``label_width`` is 0 and there are parameters to name."""
    label = words.one_line(judgement.label)
    if label_width:
        return [shortened(f"    {label:<{label_width}}  {numbers}".rstrip(), width)]
    lines = [f"    {shortened(label, width - 4)}", f"      {numbers}"] if label else [f"    {numbers}"]
    return [shortened(line, width) for line in lines if line.strip()]


def _said(judgement: Judgement, reason: str, width: int) -> list[str]:
    """The sentences under a row."""
    return [line for text in (reason, *judgement.operators) for line in _sentence(text, width, "      ")]


def _sentence(text: str, width: int, indent: str = "") -> list[str]:
    return _wrapped(words.cut(words.one_line(text), MOST_SENTENCE), width, indent)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
