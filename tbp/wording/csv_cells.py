"""Foreign texts as cells of CSV, for spreadsheets.

Takes a text, gives one; quoting belongs to whoever writes the file.
"""

from __future__ import annotations

import re

from tbp.system.foreign_text import visible

# What a spreadsheet takes for a formula at a cell's start, spaces before it or not, and the full-width forms that some
# turn into it. Where the semicolon separates cells, as in most of Europe, one begins behind it too.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile("(^|;)([ \u00a0]*)(?=[-=+@\uff1d\uff0b\uff0d\uff20])")
_LINE_ENDS = re.compile("[\t\n\r]")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def csv_cell(text: str) -> str:
    """A foreign text on one line that no spreadsheet takes for a formula, as an apostrophe stands before it.

    A number stays a number.
    """
    text = visible(_LINE_ENDS.sub(" ", text))
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1\2'", text)
