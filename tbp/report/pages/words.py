"""The page of words: docs/glossary.md as rows, and the same words as data for the explanations on every page."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape
from msgspec import Struct

from tbp.report.base.render import DataFile
from tbp.wording.glossary import MARKED, Word, glossary


class WordRow(Struct, frozen=True):
    """A word with its meaning; `code` and *emphasis* of the document are elements."""

    anchor: str
    word: str
    meaning: Markup


class WordsPage(Struct, frozen=True):
    of_report: tuple[WordRow, ...]
    of_code: tuple[WordRow, ...]


def words_page() -> WordsPage:
    """Every word of the glossary, those of the report first."""
    of_report, of_code = glossary()
    return WordsPage(
        tuple(_row(word, f"w-{at}") for at, word in enumerate(of_report)),
        tuple(_row(word, f"c-{at}") for at, word in enumerate(of_code)),
    )


def words_file() -> Iterator[DataFile]:
    """The words of the report for static/base/words.js: their forms, and the meaning as text."""
    of_report, _ = glossary()
    yield DataFile("data/words.js", (("tbp.glossary", [[list(word.forms), word.plain_meaning] for word in of_report]),))


def _row(word: Word, anchor: str) -> WordRow:
    meaning = MARKED.sub(
        lambda marked: f"<code>{marked[1]}</code>" if marked[1] else f"<em>{marked[2]}</em>", str(escape(word.meaning))
    )
    return WordRow(anchor, ", ".join(word.forms), Markup(meaning))
