"""Claims on a terminal: each claim with its practices, a line each, then the defects with their numbers."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from tbp.claims.claim_words import MARKS, commands, demand_text, quantity, spread_text
from tbp.claims.judging import JudgedClaim, JudgedClaims, JudgedDefect, JudgedPractice, counts_sentence
from tbp.claims.shown_defects import ShownDefect, ShownOutcome
from tbp.wording import words
from tbp.wording.terminal import Paragraph, TextRows, terminal_text

INDENT = 2
MOST_ERROR = 100  # characters of an error, of which the beginning tells most


def table(judged: JudgedClaims, *, colour: bool = False, width: int = 80) -> str:
    """The claims, the last line ended; all but command lines, which are there to be copied, fits ``width``."""
    parts = [Paragraph(_sentence(judged.sentence)), *(part for claim in judged.claims for part in _claim(claim))]
    if judged.defects:
        parts += ["", *_defects(judged.defects)]
    pieces = [terminal_text(parts, width=width, colour=colour)]
    missing = commands([practice for claim in judged.claims for practice in claim.practices])
    if missing:
        pieces.append("\nTo measure what is not measured yet:\n")
        pieces += [f"{' ' * INDENT}$ {command}\n" for command in missing]
    if judged.defects:
        pieces.append(f"\nTo see the defects here and now:\n{' ' * INDENT}$ tbp claims --demonstrate\n")
    return "".join(pieces)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _claim(claim: JudgedClaim) -> Iterator[RenderableType]:
    yield ""
    yield Paragraph(f"{claim.claim.title}: {counts_sentence(claim.counts)}")
    rows = TextRows(INDENT, justify="left", is_split=True)
    for judged in claim.practices:
        practice = judged.practice
        name = f"{MARKS[judged.verdict]} {practice.title}{'' if practice.is_claimed else ' (not claimed)'}"
        rows.add(name, str(judged.verdict), spread_text(judged))
        if remark := _remark(judged):
            rows.below(Paragraph(remark, " " * (INDENT + 4)))
    yield rows


def _remark(judged: JudgedPractice) -> str:
    demand = demand_text(judged.practice)
    return "; ".join(filter(None, [f"claimed: {demand}" if demand else "", judged.remark]))


def _defects(defects: tuple[JudgedDefect, ...]) -> Iterator[RenderableType]:
    measured = [judged for judged in defects if judged.commit is not None]
    yield Paragraph(f"Naive code: {words.count(len(defects), 'defect')}, {len(measured)} of them measured")
    rows = TextRows(INDENT, justify="left", is_split=True)
    for judged in defects:
        numbers = [""] * 2
        if judged.commit is not None:
            values = ((judged.naive, "naive"), (judged.right, "right"))
            numbers = [f"{name} {quantity(value, judged.defect.unit)}" for value, name in values]
        rows.add(judged.defect.name, *numbers)
        rows.below(Paragraph(judged.defect.happens, " " * (INDENT + 4)))
    yield rows


def demonstrated(shown: tuple[ShownDefect, ...], *, colour: bool = False, width: int = 80) -> str:
    """What each snippet gave, the naive one beside the right one, the last line ended."""
    return terminal_text([part for each in shown for part in _shown(each)], width=width, colour=colour)


def _shown(each: ShownDefect) -> Iterator[RenderableType]:
    yield Paragraph(f"{each.name}: {each.happens or each.about}")
    if each.not_here or each.failed:
        failure = f"the demonstration failed: {words.first_line(each.failed)}"
        yield Paragraph(f"it cannot be shown here: {each.not_here}" if each.not_here else failure, " " * INDENT)
    else:
        rows = TextRows(INDENT, justify="left")
        rows.add("naive", _outcome(each.naive, each.unit))
        rows.add("right", _outcome(each.right, each.unit))
        yield rows
    yield ""


def _outcome(outcome: ShownOutcome, unit: str) -> str:
    return "; ".join(filter(None, [quantity(outcome.value, unit), words.cut(outcome.error, MOST_ERROR)]))
