"""Claims on a terminal: each claim with its practices, a line each, then the defects with their numbers."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from tbp.claims.claim_words import MARKS, demand_text, lacking, outcome_text, spread_text, title, to_run
from tbp.claims.judging import JudgedClaim, JudgedClaims, JudgedDefect, JudgedPractice, counts_sentence
from tbp.claims.practice_cell import ClaimVerdict
from tbp.claims.shown_defects import ShownDefect
from tbp.wording import words
from tbp.wording.terminal import Paragraph, TextRows, terminal_text

INDENT = 2
MOST_UNKNOWN = 2_000  # characters of the titles of what is not measured
MOST_ERROR = 160  # characters of an error, of which the beginning tells most


def table(judged: JudgedClaims, *, colour: bool = False, width: int = 80) -> str:
    """The claims, the last line ended; all but command lines, which are there to be copied, fits ``width``."""
    parts: list[RenderableType] = [Paragraph(f"{judged.sentence[:1].upper()}{judged.sentence[1:]}.")]
    parts += [part for claim in judged.claims for part in _claim(claim)]
    measured = [defect for defect in judged.defects if defect.commit is not None]
    if judged.defects:
        number = words.count(len(judged.defects), "defect")
        parts += ["", Paragraph(f"Naive code: {number}, {len(measured)} of them measured"), _defects(measured)]
    pieces = [terminal_text(parts, width=width, colour=colour)]
    if command := to_run(practice for claim in judged.claims for practice in claim.practices):
        pieces.append(f"\nTo measure the rest:\n{' ' * INDENT}$ {words.one_line(command)}\n")
    if judged.defects:
        pieces.append(f"\nTo see the defects here and now:\n{' ' * INDENT}$ tbp claims --demonstrate\n")
    return "".join(pieces)


def _claim(claim: JudgedClaim) -> Iterator[RenderableType]:
    yield ""
    yield Paragraph(f"{claim.claim.title}: {counts_sentence(claim.counts)}")
    rows = TextRows(INDENT, justify="left", is_split=True)
    for judged in claim.practices:
        if judged.cells:
            rows.add(f"{MARKS[judged.verdict]} {title(judged)}", str(judged.verdict), spread_text(judged))
            rows.below(Paragraph(_remark(judged), " " * (INDENT + 4)))
    yield rows
    for unknown in lacking(claim.practices):
        first = f"{' ' * INDENT}{MARKS[ClaimVerdict.NOT_MEASURED]} not measured: "
        yield Paragraph(unknown, first, " " * (INDENT + 4), most=MOST_UNKNOWN)


def _remark(judged: JudgedPractice) -> str:
    demand = demand_text(judged) if judged.measured else ""
    return "; ".join(filter(None, [f"claimed: {demand}" if demand else "", judged.remark]))


def _defects(defects: list[JudgedDefect]) -> RenderableType:
    rows = TextRows(INDENT, justify="left", is_split=True)
    for judged in defects:
        rows.add(judged.defect.name, outcome_text(judged.naive, judged.right, judged.defect.unit))
    return rows


def demonstrated(shown: tuple[ShownDefect, ...], *, colour: bool = False, width: int = 80) -> str:
    """The outcome of each naive snippet, the right one's beside it, the last line ended."""
    return terminal_text([part for each in shown for part in _shown(each)], width=width, colour=colour)


def _shown(each: ShownDefect) -> Iterator[RenderableType]:
    margin = " " * INDENT
    yield Paragraph(f"{each.name}: {each.happens or each.about}")
    if each.not_here or each.failed:
        failure = f"the demonstration failed: {words.first_line(each.failed)}"
        yield Paragraph(f"it cannot be shown here: {each.not_here}" if each.not_here else failure, margin)
    else:
        yield Paragraph(outcome_text(each.naive.value, each.right.value, each.unit), margin)
        for name, outcome in (("naive", each.naive), ("right", each.right)):
            yield Paragraph(f"{name}: {words.cut(outcome.error, MOST_ERROR)}" if outcome.error else "", margin)
    yield ""
