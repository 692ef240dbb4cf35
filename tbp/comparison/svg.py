"""A comparison as one SVG picture: the verdict, and the effect on each benchmark with its interval.

Takes a comparison, gives text, for a page, a wiki or a chat that shows pictures. It names no other file, holds no
script, and follows the reader's light or dark theme. Foreign text is cut, and escaped by the XML writer.
"""

from __future__ import annotations

import math
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from tbp.figures.comparison import LOOKS, MOST_ROWS
from tbp.figures.look import DARK, FONT, LIGHT, Theme
from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement
from tbp.wording import phrases, words
from tbp.wording.verdicts import GLYPHS

WIDTH = 920
ROW = 22  # pixels from line to line
LEFT = 330  # where the chart begins, right of the names
RIGHT = 590  # … and ends; the effects in words follow
# Characters that fit beside the chart at 12 pixels.
NAME_LENGTH = 48
TITLE_LENGTH = 110
LEAST_REACH = 0.05  # of the axis: with less, noise of half a percent would look like a cliff


def svg(comparison: Comparison) -> str:
    """The comparison as an SVG document, its last line ended."""
    known = [judged for judged in comparison.judgements if judged.state in LOOKS and math.isfinite(judged.effect)]
    shown = sorted(known, key=lambda judged: (-abs(judged.effect), judged.name))[:MOST_ROWS]
    height = ROW * (len(shown) + 5)
    root = Element("svg", _numbers(width=WIDTH, height=height) | {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
    root.set("viewBox", f"0 0 {WIDTH} {height}")
    SubElement(root, "title").text = _line(phrases.sentence(comparison), TITLE_LENGTH)
    SubElement(root, "style").text = _style()
    SubElement(root, "rect", {"class": "page", **_numbers(width=WIDTH, height=height)})
    _text(root, 12, ROW, _line(phrases.sentence(comparison), TITLE_LENGTH), "title")
    _text(root, 12, 2 * ROW, _line(phrases.context(comparison), TITLE_LENGTH), "muted")
    if shown:
        _chart(root, shown)
    rest = f"the {len(shown)} largest of {len(known):,} effects; " if len(known) > len(shown) else ""
    _text(root, 12, height - 10, f"{rest}bars are 99 % intervals, larger values to the right" if shown else "", "muted")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _chart(root: Element, shown: list[Judgement]) -> None:
    reach = max([LEAST_REACH, *(abs(bound) for judged in shown for bound in _bounds(judged))])
    middle, scale = (LEFT + RIGHT) / 2, (RIGHT - LEFT) / 2 / reach
    bottom = ROW * (len(shown) + 3)
    for share in (-1, 0, 1):
        x = middle + share * reach * scale
        SubElement(root, "line", {"class": "rule", **_numbers(x1=x, x2=x, y1=2.5 * ROW, y2=bottom)})
        _text(root, x, bottom + 14, words.signed_percent(share * reach), "muted middle")
    for row, judged in enumerate(shown):
        y = ROW * (row + 3)
        low, high = (middle + bound * scale for bound in _bounds(judged))
        group = SubElement(root, "g", {"fill": LOOKS[judged.state][1], "stroke": LOOKS[judged.state][1]})
        SubElement(group, "line", _numbers(x1=low, x2=high, y1=y, y2=y))
        SubElement(group, "circle", _numbers(cx=middle + judged.effect * scale, cy=y, r=4))
        _text(root, 12, y + 4, _line(judged.name, NAME_LENGTH), "")
        _text(root, RIGHT + 12, y + 4, f"{GLYPHS[judged.state]} {_effect(judged)}", "")


def _bounds(judged: Judgement) -> tuple[float, float]:
    """The interval, or the effect alone where there is none."""
    low, high = ((bound if math.isfinite(bound) else judged.effect) for bound in (judged.low, judged.high))
    return low, high


def _effect(judged: Judgement) -> str:
    text = phrases.effect(judged)
    return f"{text} undecided" if judged.state is State.UNDECIDED else text


def _line(text: str, most: int) -> str:
    return words.xml_text(words.cut(words.one_line(text), most))


def _text(root: Element, x: float, y: float, text: str, kind: str) -> None:
    SubElement(root, "text", {"class": kind, **_numbers(x=x, y=y)}).text = text


def _numbers(**numbers: float) -> dict[str, str]:
    return {name: f"{number:.1f}".removesuffix(".0") for name, number in numbers.items()}


def _style() -> str:
    def rules(theme: Theme) -> str:
        return (
            f".page{{fill:{theme.page}}}text{{fill:{theme.text}}}.muted{{fill:{theme.muted}}}"
            f".rule{{stroke:{theme.line}}}"
        )

    return (
        f"text{{font:12px {FONT}}}.title{{font-weight:600}}.middle{{text-anchor:middle}}{rules(LIGHT)}"
        f"@media(prefers-color-scheme:dark){{{rules(DARK)}}}"
    )
