"""Claims as JSON for other programs: strict, in ASCII, ``null`` for what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import asdict

from tbp.claims.judging import JudgedClaims, JudgedDefect, JudgedPractice
from tbp.claims.practice_cell import PracticeCell
from tbp.claims.shown_defects import ShownDefect
from tbp.project.claims_file import Practice
from tbp.system.strict_json import strict_json

# 1: the first.
FORMAT = 1


def to_json(judged: JudgedClaims, shown: Iterable[ShownDefect] = ()) -> str:
    """The claims, and the defects that were demonstrated, as one JSON object, indented, its last line ended."""
    fields = {
        "format": FORMAT,
        "sentence": judged.sentence,
        "claims": [
            {"title": claim.claim.title, "text": claim.claim.text, "practices": list(map(_practice, claim.practices))}
            for claim in judged.claims
        ],
        "defects": list(map(_defect, judged.defects)),
        "demonstrations": [asdict(each) | {"naive": asdict(each.naive), "right": asdict(each.right)} for each in shown],
    }
    return strict_json(fields, indent=2) + "\n"


def practice_fields(practice: Practice) -> dict[str, object]:
    """The fields of a practice by the names that its file has."""
    return asdict(practice) | {"where": {name: str(value) for name, value in practice.where.items()}}


def _practice(judged: JudgedPractice) -> dict[str, object]:
    return {
        **practice_fields(judged.practice),
        "verdict": judged.verdict,
        "remark": judged.remark,
        "cells": list(map(_cell, judged.cells)),
    }


def _cell(cell: PracticeCell) -> dict[str, object]:
    fields: Mapping[str, object] = asdict(cell)
    key = {**asdict(cell.key), "parameters": [list(parameter) for parameter in cell.key.parameters]}
    rest = {name: value for name, value in fields.items() if name not in ("key", "against_key", "given", "commit")}
    return key | {"commit": cell.commit.hash if cell.commit is not None else None} | rest


def _defect(judged: JudgedDefect) -> dict[str, object]:
    commit = judged.commit.hash if judged.commit is not None else None
    return asdict(judged.defect) | {"commit": commit, "naive_value": judged.naive, "right_value": judged.right}
