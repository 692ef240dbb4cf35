"""A comparison on a terminal: the verdict, then a table for each state.

Takes a comparison, gives text; printing it is left to the caller. Rows stand under their benchmark's name, sentences
that belong to a row under it. Where parameters would leave the numbers no room, all rows of a table have their
parameters on a line of their own, so that 80 columns are always enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement
from tbp.wording import phrases, verdicts, words
from tbp.wording.phrases import sentence, tally
from tbp.wording.terminal import Name, Paragraph, TextRows, terminal_text
from tbp.wording.words import shortened

MOST_VERDICT = 2000  # characters of the verdict: the effect stands behind the benchmark's name
MOST_LEVELS = 30  # characters of "before → after": a track_ benchmark's unit may be any text
# Undecided and failed rows beyond these are counted: a comparison of stored results may have thousands of them.
MOST_ROWS = 20

# As in the report: no state is told by colour alone, each has its glyph too.
_COLOURS = {
    State.REGRESSION: "red",
    State.IMPROVEMENT: "green",
    State.CHANGED: "cyan",
    State.UNDECIDED: "yellow",
    State.FAILED: "magenta",
}
_TITLES = {state: verdicts.PLURALS[state][1].capitalize() for state in phrases.ORDER}
_LISTED = (*phrases.CHANGED, State.UNDECIDED, State.FAILED)
_SHORTENED = (State.UNDECIDED, State.FAILED)


def table(comparison: Comparison, *, verbose: bool = False, colour: bool = False, width: int = 80) -> str:
    """The comparison as text, its last line ended. ``verbose`` lists every row, ``colour`` writes ANSI colours."""
    return terminal_text(_parts(comparison, verbose), width=width, colour=colour)


def _parts(comparison: Comparison, verbose: bool) -> Iterator[RenderableType]:
    counts = tally(comparison)
    yield Paragraph(sentence(comparison), later="  ", most=MOST_VERDICT)
    yield Paragraph(phrases.context(comparison), later="  ", most=MOST_VERDICT)
    for state in phrases.ORDER if verbose else _LISTED:
        if counts[state]:
            yield from ("", *_section(comparison, state, verbose))
    if not verbose and (counts[State.NO_CHANGE] or counts[State.SKIPPED]):
        unlisted = [state for state in phrases.ORDER if state not in _LISTED]
        counted = [f"{verdicts.GLYPHS[state]} {counts[state]:,} {state}" for state in unlisted]
        yield from ("", f"{'   '.join(counted)}   (--verbose lists them)")
    if comparison.notes:
        yield ""
    for note in comparison.notes:
        yield Paragraph(f"Note: {note}", later="  ")


def _section(comparison: Comparison, state: State, verbose: bool) -> Iterator[RenderableType]:
    """One state: its title, its rows by benchmark, and how many were left out."""
    judgements = comparison.of(state)
    shown = judgements[:MOST_ROWS] if state in _SHORTENED and not verbose else judgements
    yield Text(f"{verdicts.GLYPHS[state]} {_TITLES[state]} ({len(judgements):,})", f"bold {_COLOURS.get(state, 'dim')}")
    rows = TextRows(indent=4, justify="left", is_split=True)
    for reason, group in _by_reason(shown):
        if reason:
            rows.below(Paragraph(f"{reason}:", "  "))
        for benchmark, several in phrases.by_benchmark(group):
            rows.below(Name(benchmark, indent=2))
            for judgement in several:
                rows.add(judgement.label, *_numbers(judgement, comparison.method))
                sentences = (*([] if reason else [judgement.reason]), *judgement.operators)
                rows.below(*(Paragraph(sentence, " " * 6) for sentence in sentences))
    yield rows
    if len(judgements) > len(shown):
        yield f"  … and {len(judgements) - len(shown):,} more (--verbose lists them)"


def _by_reason(shown: Sequence[Judgement]) -> list[tuple[str, tuple[Judgement, ...]]]:
    """The rows that share a reason together, under that reason; before them, under none, those with their own."""
    groups: dict[str, list[Judgement]] = {}
    for judgement in shown:
        groups.setdefault(judgement.reason, []).append(judgement)
    shared = [(reason, tuple(group)) for reason, group in groups.items() if reason and len(group) > 1]
    alone = tuple(judgement for judgement in shown if all(reason != judgement.reason for reason, _ in shared))
    return [("", alone), *shared] if alone else shared


def _numbers(judgement: Judgement, method: str) -> tuple[str, ...]:
    return (
        shortened(phrases.before_after(judgement), MOST_LEVELS),
        phrases.effect(judgement),
        phrases.evidence(judgement, method),
        words.probability(judgement.p_value),
    )
