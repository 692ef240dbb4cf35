"""The two sides of a change as they are shown: a strip of values each, and what they were measured with.

Takes the sides and circumstances of a change, gives coordinates as letters, words and rows. ``pages/benchmark.js``
makes the SVG; the words say the same to a reader without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub

from msgspec import Struct

from tbp.history.two_sides import MOST_VALUES, RUNS_PER_SIDE
from tbp.model.changes import ChangeEvidence, Circumstance, Side, Sides
from tbp.model.series import Better
from tbp.report.parts.packing import packed
from tbp.wording import words

WIDTH = 1000
"""Of a strip in its own units; the page stretches it."""

ROOM = 0.04
"""Of a value, on both sides of it where all values are the same. Else the scale ends with the least and the most value
that is shown: whatever is written below an end was measured."""

FAR_OUT = 3.0
"""Interquartile ranges beyond the quartiles that the scale reaches at most (Tukey, "Exploratory data analysis", 1977):
one sample that was interrupted for 30 ms would squeeze all others into a line."""

FIRST = (
    "python",
    "torch",
    "GPU",
    "driver",
    "processor",
    "cores",
    "threads",
    "governor",
    "memory",
    "system",
    "calls per sample",
)
"""What a reader asks for first; requirements, of which there may be hundreds, come behind."""

HARDWARE = ("processor", "cores")
"""What tells one machine from another."""

UNKNOWN_HARDWARE = "The hardware is not recorded, so that another machine is not ruled out"

UNCHANGED_SHOWN = 6
"""Rows of what stayed the same."""

LONG = 120
"""Characters of a sentence that a page tells again rather than refer to it: a reference has about as many."""

NAMED = 8
"""Names in a sentence; the others are counted."""


class Strip(Struct, frozen=True):
    """One side in words, and what is drawn of it in 0 … WIDTH: its quartiles, its median between them, its dots."""

    label: str  # "before"
    drawn: str  # letters of the three, then of the distances between dots
    said: str  # "median 1.00 ms, quartiles …; 900 samples of 3 processes in 1 run"


class Strips(Struct, frozen=True):
    of: str  # "Samples"
    rows: tuple[Strip, Strip]
    scale: tuple[str, str, str]  # the values at the left, in the middle and at the right
    remark: str


class Around(Struct, frozen=True):
    """What the two sides were measured with: what changed first."""

    said: str
    rows: tuple[Circumstance, ...]
    rest: str  # what is not among the rows, in words
    brief: str  # the sentence without what stayed, and without its full stop

    @property
    def is_long(self) -> bool:
        """Whether a page that has it already should refer to it."""
        return bool(self.rows or self.rest) or len(self.said) > LONG


def strips(sides: Sides, unit: str) -> Strips:
    """Both sides on one linear scale, without what is far out."""
    low, high, beyond = _scale(sides)

    def place(value: float) -> int:
        return round((value - low) / (high - low) * WIDTH)

    def strip(label: str, side: Side) -> Strip:
        dots = [place(value) for value in side.values if low <= value <= high]
        box = [place(side.low), place(side.median), place(side.high)]
        return Strip(label, packed([*box, *map(sub, dots, [0, *dots])]), _said(side, sides.of, unit))

    is_thinned = any(len(side.values) < side.measured for side in (sides.before, sides.after))
    return Strips(
        of="Samples" if sides.of == "samples" else "Runs",
        rows=(strip("before", sides.before), strip("after", sides.after)),
        scale=(words.quantity(low, unit), words.quantity((low + high) / 2, unit), words.quantity(high, unit)),
        remark=" ".join(filter(None, ["A dot stands for several samples." * is_thinned, _beyond(beyond, unit)])),
    )


def legend(unit: str, better: Better) -> str:
    """What all strips of one benchmark show: once on a page, where each is repeated for every change."""
    of = "time per call" if unit == "seconds" else "values"
    better_is = "" if better is Better.UNKNOWN else f", {better.value} is better"
    return (
        f"Strips of {of}{better_is}: of each side of a change at most the {MOST_VALUES} nearest runs, "
        f"or the samples of the nearest {RUNS_PER_SIDE}. The change is told by the medians of runs, not of all samples."
    )


def _scale(sides: Sides) -> tuple[float, float, list[float]]:
    """The ends of the scale, and the values beyond them."""
    both = (sides.before, sides.after)
    values = [value for side in both for value in side.values]
    reach = FAR_OUT * max(side.high - side.low for side in both) or max(values) - min(values)
    least, most = min(side.low for side in both) - reach, max(side.high for side in both) + reach
    shown = [value for value in values if least <= value <= most]
    low, high = min([*shown, *(side.low for side in both)]), max([*shown, *(side.high for side in both)])
    room = 0.0 if high > low else abs(high) * ROOM or 1.0
    return low - room, high + room, [value for value in values if not least <= value <= most]


def _beyond(values: Sequence[float], unit: str) -> str:
    if not values:
        return ""
    farthest = words.quantity(max(values, key=abs), unit)
    lie = "lies" if len(values) == 1 else "lie"
    return f"{words.count(len(values), 'dot')} {lie} beyond the scale, the farthest at {farthest}."


def _said(side: Side, of: str, unit: str) -> str:
    spread = f"median {words.quantity(side.median, unit)}"
    if side.measured > 1:
        spread += f", quartiles {words.quantity(side.low, unit)} – {words.quantity(side.high, unit)}"
    runs = words.count(side.runs, "run")
    processes = words.count(side.processes, "process", "processes")
    if of == "samples":  # the process is the unit of evidence, not the sample
        return f"{spread}; n = {processes} in {runs}, with {words.count(side.measured, 'sample')}"
    runs = f"the {side.runs} nearest runs" if side.runs == MOST_VALUES else runs
    return f"{spread}; n = {runs}" + (f", {processes} in all" if side.processes else "")


def around(what: ChangeEvidence) -> Around:
    """What changed beside the code, and what is known to have stayed."""
    known = what.circumstances
    if not known:
        said = "Nothing is recorded of what the runs were measured with"
        return Around(f"{said}.", (), "", said)
    is_hardware_known = any(one.name in HARDWARE and one.before and one.after for one in known)
    changed = [one for one in known if one.is_changed]
    same = sorted((one for one in known if one.before == one.after), key=lambda one: _rank(one.name))
    partly = [one.name for one in known if not (one.before and one.after)]
    rest, brief = [], ""
    if changed:
        said = f"Beside the code changed: {words.named([one.name for one in changed], NAMED)}."
        shown = same[:UNCHANGED_SHOWN]
        if len(same) > len(shown):
            rest.append(f"The same on both sides: {words.named([one.name for one in same[len(shown) :]], NAMED)}.")
    else:
        shown = []
        values = words.named([f"{one.name} {one.before}" for one in same], NAMED)
        brief = ("Nothing else that is recorded changed" if is_hardware_known else UNKNOWN_HARDWARE) * bool(same)
        said = f"{brief}: {values}." if same else "Nothing else is known to have changed."
        if same and not is_hardware_known:
            said = f"{UNKNOWN_HARDWARE}; the same on both sides: {values}."
    if partly:
        rest.append(f"Known of one side only: {words.named(partly, NAMED)}.")
    return Around(said, (*changed, *shown), " ".join(rest), brief or said.removesuffix("."))


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)
