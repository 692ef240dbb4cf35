"""The words of docs/glossary.md, as the report explains them.

An installed package has the file beside this one; a working tree has it among its documents.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from msgspec import Struct

PACKAGED = Path(__file__).with_name("glossary.md")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"

OF_REPORT = "## Words and symbols of the report"
"""The heading below which words are explained for readers of a report; those above it are the code's, too."""


class Word(Struct, frozen=True):
    """A word, or several that mean the same, with its explanation."""

    forms: tuple[str, ...]
    meaning: str

    @property
    def plain_meaning(self) -> str:
        """The meaning without the marks of code and emphasis."""
        return MARKED.sub(lambda marked: marked[1] or marked[2], self.meaning)


MARKED = re.compile(r"`([^`]+)`|\*([^*]+)\*")
"""Code, or emphasis, in a meaning."""


@cache
def glossary() -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The words of a report, and those of code, columns and commands."""
    text = (PACKAGED if PACKAGED.exists() else DOCUMENT).read_text("utf-8")
    of_code, _, of_report = text.partition(OF_REPORT)
    return words_of(of_report), words_of(of_code)


def words_of(markdown: str) -> tuple[Word, ...]:
    """The rows of the tables in ``markdown``: a word or several in the first column, the meaning in the second."""
    rows = [line.strip().strip("|").split("|", 1) for line in markdown.splitlines() if line.startswith("| ")]
    cells = [(row[0].strip(), row[1].strip()) for row in rows if len(row) == 2]
    return tuple(
        Word(tuple(form.strip() for form in forms.split(", ")), meaning)
        for forms, meaning in cells
        if forms != "word" and set(forms) != {"-"}
    )
