"""A result as a notebook shows it: sentences above a table.

Takes sentences and a frame, gives HTML. Names in both are foreign text: they are escaped, and no character acts unseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from tbp.model.series import parameter_label
from tbp.system.foreign_text import line_of

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 40  # of a table in a notebook: about a screen; the frame itself has all
MOST_TEXT = 300  # characters of a cell


def notebook_html(sentences: Iterable[str], frame: pd.DataFrame) -> str:
    """The sentences, each a paragraph, and the first rows of ``frame`` below them, without columns that are empty."""
    paragraphs = [f"<p>{escape(line_of(sentence))}</p>" for sentence in sentences if sentence]
    shown = frame.head(MOST_ROWS)
    texts = [name for name in shown.columns if shown[name].dtype.kind == "O" or str(shown[name].dtype) == "category"]
    shown = shown.assign(**{name: [_text(name, value) for value in shown[name]] for name in texts})
    shown = shown.loc[:, [not (shown[name].isna() | (shown[name] == "")).all() for name in shown.columns]]
    table = shown.to_html(index=False, border=0, na_rep="", float_format=lambda value: f"{value:.4g}")
    left = len(frame) - len(shown)
    return "".join(["<div>", *paragraphs, table, f"<p>… and {left:,} more rows</p>" if left else "", "</div>"])


def _text(column: str, value: object) -> str:
    """A cell as one line; a list is its entries, parameters are ``name=value``."""
    if value is None or value != value:
        return ""
    if column == "parameters" and isinstance(value, tuple):
        value = parameter_label(value)
    elif isinstance(value, (list, tuple)):
        value = "; ".join(map(str, value))
    text = line_of(str(value))
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
