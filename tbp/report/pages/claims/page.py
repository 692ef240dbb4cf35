"""The page of claims as data: each practice with its verdict, a chart of factors, growth, and the defects.

Takes ``ReportData`` with a claims file, gives words and figures; the verdicts are those of ``tbp.claims``.
"""

from __future__ import annotations

import re

import plotly.graph_objects as go
from msgspec import Struct

from tbp.claims.claim_words import (
    MARKS,
    bases_text,
    basis_text,
    demand_text,
    factor_text,
    interval_text,
    lacking,
    outcome_text,
    spread_text,
    to_run,
    values_text,
)
from tbp.claims.judging import JudgedClaim, JudgedClaims, JudgedDefect, JudgedPractice, counts_sentence, judged_claims
from tbp.claims.practice_cell import ClaimVerdict, PracticeCell
from tbp.claims.reach import dimensions, spot_text
from tbp.figures.claims import FAILS, HOLDS, OPEN, ClaimMark, claims_figure
from tbp.figures.look import shipped
from tbp.model.series import SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.pages.claims.scaling import ScalingSection, scaling_section_of
from tbp.report.parts.addresses import anchor, page_file
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.series_names import SetupNames
from tbp.wording import words

MOST_CELLS = 30
"""Cells of a practice on the page; the best and the worst are among those of its chart all the same."""

MOST_MISSING = 3
"""Cells without a value, of a practice that has others."""

SHELL_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

MARKS_OF = {ClaimVerdict.HOLDS: HOLDS, ClaimVerdict.FAILS: FAILS}


class VerdictBadge(Struct, frozen=True):
    """A verdict with its shape; ``css`` is its class."""

    text: str
    glyph: str
    css: str


class CellRow(Struct, frozen=True):
    """One cell of a practice."""

    spot: str  # suite and parameters
    setup_name: str
    href: str
    badge: VerdictBadge
    factor: str
    interval: str
    values: str
    basis: str
    commit: CommitLink | None
    reason: str


class PracticeRow(Struct, frozen=True):
    """One practice with its cells."""

    title: str
    is_claimed: bool
    why: str
    against: str
    badge: VerdictBadge
    factor: str
    demand: str
    remark: str
    cells: tuple[CellRow, ...]  # that are measured
    more: int  # of them that are not shown
    missing: tuple[str, ...]  # the others, each with its reason
    more_missing: int  # of the others that are not shown


class ClaimSection(Struct, frozen=True):
    """One claim."""

    title: str
    text: str
    counts: str
    practices: tuple[PracticeRow, ...]  # those with cells
    unknown: tuple[str, ...]  # titles of practices that no benchmark of these results measures, with each reason
    figure: go.Figure | None  # None where nothing is measured


class DefectRow(Struct, frozen=True):
    """One defect of naive code."""

    name: str
    part: str
    snippet: str
    happens: str
    right: str
    note: str
    measured: str  # of both snippets; empty where nothing was
    demonstrate: str  # the command that runs both; empty where the name is none for a shell
    href: str
    commit: CommitLink | None


class ClaimsPage(Struct, frozen=True):
    """The content of ``templates/claims.html``."""

    verdict: str
    bases: str  # sentences on how the factors here come about
    sections: tuple[ClaimSection, ...]
    scaling: ScalingSection | None
    defects: tuple[DefectRow, ...]
    to_run: str  # the command that measures what is not measured yet

    @property
    def figures(self) -> list[dict[str, object]]:
        """The charts that ``static/pages/claims.js`` draws, in the order of the page."""
        own_figures = [section.figure for section in self.sections if section.figure is not None]
        return [shipped(figure) for figure in (*own_figures, *(self.scaling.figures if self.scaling else ()))]


def claims_page(data: ReportData) -> ClaimsPage:
    """The page; without a claims file it has nothing to say."""
    judged = judged_claims(data.claims, data.histories, data.faces) if data.claims is not None else JudgedClaims()
    setup_names = SetupNames.of(data.histories, data.faces)
    practices = [practice for claim in judged.claims for practice in claim.practices]
    return ClaimsPage(
        verdict=f"{judged.sentence[:1].upper()}{judged.sentence[1:]}",
        bases=bases_text(cell for practice in practices for cell in practice.measured),
        sections=tuple(_section(claim, data, setup_names) for claim in judged.claims),
        scaling=scaling_section_of(_compared(practices), data.histories, setup_names),
        defects=tuple(_defect(defect, data) for defect in judged.defects),
        to_run=words.one_line(to_run(practices)),
    )


def _compared(practices: list[JudgedPractice]) -> set[SeriesKey]:
    keys = (key for judged in practices for cell in judged.cells for key in (cell.key, cell.against_key))
    return {key for key in keys if key is not None}


def _badge(verdict: ClaimVerdict) -> VerdictBadge:
    return VerdictBadge(verdict, MARKS[verdict], verdict.name.lower())


def _section(claim: JudgedClaim, data: ReportData, setup_names: SetupNames) -> ClaimSection:
    marks = [mark for judged in claim.practices for mark in _marks(judged, data)]
    return ClaimSection(
        title=words.one_line(claim.claim.title),
        text=words.one_line(claim.claim.text),
        counts=counts_sentence(claim.counts),
        practices=tuple(_practice(judged, data, setup_names) for judged in claim.practices if judged.cells),
        unknown=tuple(map(words.one_line, lacking(claim.practices))),
        figure=claims_figure(marks) if marks else None,
    )


def _marks(judged: JudgedPractice, data: ReportData) -> list[ClaimMark]:
    among = dimensions(judged.cells, data.faces)
    return [
        ClaimMark(
            judged.practice.title, cell.factor, cell.low, cell.high, MARKS_OF.get(cell.verdict, OPEN),
            "; ".join(filter(None, [_said(cell, judged), interval_text(cell), spot_text(cell, among)])),
        )
        for cell in judged.measured[:MOST_CELLS]
        if cell.factor > 0
    ]  # fmt: skip


def _said(cell: PracticeCell, judged: JudgedPractice) -> str:
    return f"{cell.verdict}: {factor_text(cell, judged.practice.against)}"


def _practice(judged: JudgedPractice, data: ReportData, setup_names: SetupNames) -> PracticeRow:
    practice, measured = judged.practice, judged.measured
    among = dimensions(judged.cells, data.faces)
    missing = [f"{spot_text(cell, among)}: {cell.reason}" for cell in judged.cells if cell not in measured]
    return PracticeRow(
        title=words.one_line(practice.title),
        is_claimed=practice.is_claimed,
        why=words.one_line(practice.why),
        against=words.one_line(practice.against),
        badge=_badge(judged.verdict),
        factor=words.one_line(spread_text(judged)),
        demand=demand_text(judged),
        remark=words.one_line(judged.remark) if measured else "",
        cells=tuple(_cell(cell, data, setup_names) for cell in measured[:MOST_CELLS]),
        more=max(0, len(measured) - MOST_CELLS),
        missing=tuple(map(words.one_line, missing[:MOST_MISSING])),
        more_missing=max(0, len(missing) - MOST_MISSING),
    )


def _cell(cell: PracticeCell, data: ReportData, setup_names: SetupNames) -> CellRow:
    parameters = ", ".join(f"{name}={value}" for name, value in cell.given)
    return CellRow(
        spot=words.one_line(f"{cell.suite} ({parameters})" if parameters else cell.suite or cell.key.benchmark),
        setup_name=words.one_line(setup_names.name(cell.key.setup) or cell.key.setup.called(data.faces)),
        href=_href(cell.key),
        badge=_badge(cell.verdict),
        factor=factor_text(cell),
        interval=interval_text(cell),
        values=values_text(cell),
        basis=basis_text(cell),
        commit=commit_link(cell.commit, data.commit_url) if cell.commit is not None else None,
        reason=words.one_line(cell.reason),
    )


def _href(key: SeriesKey) -> str:
    return f"{page_file(key.benchmark)}#{anchor(key)}"


def _defect(judged: JudgedDefect, data: ReportData) -> DefectRow:
    defect = judged.defect
    measured = outcome_text(judged.naive, judged.right, defect.unit) if judged.commit is not None else ""
    return DefectRow(
        name=words.one_line(defect.name),
        part=words.one_line(defect.part),
        snippet=words.visible(defect.snippet),
        happens=words.one_line(defect.happens),
        right=words.one_line(defect.right),
        note=words.one_line(defect.note),
        measured=words.one_line(measured),
        demonstrate=f"tbp claims --demonstrate {defect.name}" if SHELL_WORD.fullmatch(defect.name) else "",
        href=_href(judged.key) if judged.key is not None else "",
        commit=commit_link(judged.commit, data.commit_url) if judged.commit is not None else None,
    )
