"""The two sides of a change as they are shown: a strip of values each, and what they were measured with.

Takes the sides and circumstances of a change, gives coordinates, words and rows; the template makes the SVG of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tbp.history.series import ChangeEvidence, Circumstance, Side, Sides
from tbp.report import words

WIDTH, HEIGHT = 1000, 30
"""Of a strip in its own units; the page stretches it, and the dots stay round."""

MARGIN = 0.04
"""Of the values' span, free on both sides."""

# The fractional parts of the golden ratio's multiples are spread evenly however many there are: dots that lie at one
# value get different heights, and always the same ones.
GOLDEN = 0.6180339887

FIRST = ("python", "torch", "processor", "cores", "threads", "governor", "memory", "system", "calls per sample")
"""What a reader asks for first; requirements, of which there may be hundreds, come behind."""

UNCHANGED_SHOWN = 6
"""Rows of what stayed the same."""

NAMED = 8
"""Names in a sentence; the others are counted."""


@dataclass(frozen=True)
class Strip:
    """One side: dots as an SVG path of lines without length, and the box of its quartiles, in 0 … WIDTH."""

    label: str  # "before"
    dots: str
    low: float
    median: float
    high: float
    said: str  # "median 1.00 ms, quartiles …; 900 samples of 3 processes in 1 run"


@dataclass(frozen=True)
class Strips:
    of: str  # "Samples"
    rows: tuple[Strip, Strip]
    scale: tuple[str, str, str]  # the values at the left, in the middle and at the right
    remark: str


@dataclass(frozen=True)
class Around:
    """What the two sides were measured with: what changed first."""

    said: str
    rows: tuple[Circumstance, ...]
    rest: str  # what is not among the rows, in words


def strips(sides: Sides, unit: str) -> Strips:
    """Both sides on one linear scale."""
    shown = (*sides.before.values, *sides.after.values, sides.before.low, sides.after.high)
    low, high = min(shown), max(shown)
    room = (high - low) * MARGIN or abs(high) * MARGIN or 1.0
    low, high = low - room, high + room

    def place(value: float) -> float:
        return round((value - low) / (high - low) * WIDTH, 1)

    def strip(label: str, side: Side) -> Strip:
        dots = "".join(
            f"M{place(value):g} {3 + (HEIGHT - 6) * (rank * GOLDEN % 1):.0f}h0"
            for rank, value in enumerate(side.values)
        )
        return Strip(label, dots, place(side.low), place(side.median), place(side.high), _said(side, sides.of, unit))

    thinned = max(len(sides.before.values) < sides.before.measured, len(sides.after.values) < sides.after.measured)
    return Strips(
        of="Samples" if sides.of == "samples" else "Runs",
        rows=(strip("before", sides.before), strip("after", sides.after)),
        scale=tuple(words.quantity(value, unit) for value in (low, (low + high) / 2, high)),  # type: ignore[arg-type]
        remark="A process, not a sample, is the unit of evidence. Every dot stands for several samples."
        if thinned
        else "A process, not a sample, is the unit of evidence."
        if sides.of == "samples"
        else "",
    )


def _said(side: Side, of: str, unit: str) -> str:
    spread = f"median {words.quantity(side.median, unit)}"
    if side.measured > 1:
        spread += f", quartiles {words.quantity(side.low, unit)} – {words.quantity(side.high, unit)}"
    runs = words.count(side.runs, "run")
    processes = words.count(side.processes, "process", "processes") if side.processes else ""
    if of == "samples":
        return f"{spread}; n = {side.measured:,} samples of {processes} in {runs}"
    return f"{spread}; n = {runs}" + (f" of {processes} in all" if processes else "")


def around(what: ChangeEvidence) -> Around:
    """What changed beside the code, and what is known to have stayed."""
    known = what.circumstances
    if not known:
        return Around("Nothing is recorded of what the runs were measured with.", (), "")
    changed = [one for one in known if one.is_changed]
    same = sorted((one for one in known if one.before == one.after), key=lambda one: _rank(one.name))
    partly = [one.name for one in known if not (one.before and one.after)]
    names = words.named([one.name for one in changed], len(changed))
    said = f"Beside the code changed: {names}." if changed else "Nothing else that is recorded changed."
    rest = []
    if len(same) > UNCHANGED_SHOWN:
        rest.append(f"The same on both sides: {words.named([one.name for one in same[UNCHANGED_SHOWN:]], NAMED)}.")
    if partly:
        rest.append(f"Known of one side only: {words.named(partly, NAMED)}.")
    return Around(said, (*changed, *same[:UNCHANGED_SHOWN]), " ".join(rest))


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)
