"""What a benchmark runs, for its page: its code as asv keeps it, or the beginning of it.

Takes code, gives text as it is; escaping belongs to ``pages``.
"""

from __future__ import annotations

from msgspec import Struct

from tbp.wording import words

LINES, LENGTH = 30, 1000
"""Shown of a benchmark's code: its page and data are to stay below 40 kB. The 23 benchmarks of Lightning's results have
up to 721 characters, those of MuJoCo Warp up to 175."""

MANY_SERIES, LENGTH_OF_MANY = 20, 240
"""A page of more series than these has no room for more of the code: 60 series of 200 runs fill it."""


class Source(Struct, frozen=True):
    """``left_out`` says what of it does not stand here; empty where all of it does."""

    code: str
    left_out: str = ""


def source_of(code: str, series: int = 1) -> Source | None:
    """The code of a benchmark of so many ``series`` up to LINES and LENGTH characters; None without any."""
    whole = code.rstrip().lstrip("\n").split("\n")
    if whole == [""]:
        return None
    shown = words.cut("\n".join(whole[:LINES]), LENGTH if series <= MANY_SERIES else LENGTH_OF_MANY)
    is_cut = shown != "\n".join(whole)
    return Source(shown, f"Cut here: {words.count(len(whole), 'line')} in all, in benchmarks.json." if is_cut else "")
