"""The two sides of a change as they are shown: a strip of values each, and what they were measured with.

Takes the sides and circumstances of a change, gives coordinates, words and rows. ``pages/benchmark.js``
makes the SVG; the words say the same to a reader without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.history.two_sides import MOST_VALUES, RUNS_PER_SIDE
from tbp.model.changes import ChangeEvidence, Circumstance, Side, Sides
from tbp.model.series import Better
from tbp.wording import words

WIDTH = 1000
"""The width of a strip in its own units; the page stretches it."""

ROOM = 0.04
"""The share of a value that is shown on both sides of it where all values are the same. Else the scale ends with the
least and the most value that is shown: whatever is written below an end was measured."""

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
"""The facts that a reader looks for first; requirements, of which there may be hundreds, come behind."""

HARDWARE = ("processor", "cores")
"""The facts that tell one machine from another."""

UNKNOWN_HARDWARE = "The hardware is not recorded, so it may have been another machine"

UNCHANGED_SHOWN = 6
"""Rows of what stayed the same."""

LONG = 120
"""Characters of a sentence that a page tells again rather than refer to it: a reference has about as many."""

NAMED = 8
"""Names in a sentence; the others are counted."""


class Strip(Struct, frozen=True):
    """One side in words, and what is drawn of it in 0 … WIDTH: its quartiles, its median between them, its dots."""

    label: str  # "before"
    drawn: tuple[int, ...]  # the three, then the dots
    sentence: str  # "median 1.00 ms, quartiles …; 900 samples of 3 processes in 1 run"


class Strips(Struct, frozen=True):
    of: str  # "Samples"
    rows: tuple[Strip, Strip]
    scale: tuple[str, str, str]  # the values at the left, in the middle and at the right
    remark: str


class Around(Struct, frozen=True):
    """The facts that the two sides were measured with: those that changed first."""

    sentence: str
    rows: tuple[Circumstance, ...]
    rest: str  # what is not among the rows, in words
    brief: str  # the sentence without what stayed, and without its full stop

    @property
    def is_long(self) -> bool:
        """True where a page that has it already should refer to it."""
        return bool(self.rows or self.rest) or len(self.sentence) > LONG


def strips(sides: Sides, unit: str) -> Strips:
    """Both sides on one linear scale, without what is far out."""
    low, high, beyond = _scale(sides)

    def place(value: float) -> int:
        return round((value - low) / (high - low) * WIDTH)

    def strip(label: str, side: Side) -> Strip:
        dots = [place(value) for value in side.values if low <= value <= high]
        box = [place(side.low), place(side.median), place(side.high)]
        return Strip(label, (*box, *dots), _said(side, sides.of, unit))

    is_thinned = any(len(side.values) < side.measured for side in (sides.before, sides.after))
    return Strips(
        of="Samples" if sides.of == "samples" else "Runs",
        rows=(strip("before", sides.before), strip("after", sides.after)),
        scale=(words.quantity(low, unit), words.quantity((low + high) / 2, unit), words.quantity(high, unit)),
        remark=" ".join(filter(None, ["A dot stands for several samples." * is_thinned, _beyond(beyond, unit)])),
    )


def legend(unit: str, better: Better) -> str:
    """The explanation of all strips of a benchmark: once on a page, which has strips for every change."""
    of = "time per call" if unit == "seconds" else "values"
    better_is = "" if better is Better.UNKNOWN else f", {better.value} is better"
    return (
        f"A strip shows {of}{better_is}: on each side of a change at most the {MOST_VALUES} nearest runs, "
        f"or the samples of the nearest {RUNS_PER_SIDE}. The size of a change compares the medians of runs."
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


def around(evidence: ChangeEvidence) -> Around:
    """The facts that changed beside the code, and those that are known to have stayed."""
    known = evidence.circumstances
    if not known:
        sentence = "The results do not record what the runs were measured with"
        return Around(f"{sentence}.", (), "", sentence)
    is_hardware_known = any(row.name in HARDWARE and row.before and row.after for row in known)
    changed = [row for row in known if row.is_changed]
    same = sorted((row for row in known if row.before == row.after), key=lambda row: _rank(row.name))
    partly = [row.name for row in known if not (row.before and row.after)]
    rest, brief = [], ""
    if changed:
        sentence = f"What changed besides the code: {words.named([row.name for row in changed], NAMED)}."
        shown = same[:UNCHANGED_SHOWN]
        if len(same) > len(shown):
            rest.append(f"The same on both sides: {words.named([row.name for row in same[len(shown) :]], NAMED)}.")
    else:
        shown = []
        values = words.named([f"{row.name} {row.before}" for row in same], NAMED)
        brief = ("Nothing else that is recorded changed" if is_hardware_known else UNKNOWN_HARDWARE) * bool(same)
        sentence = f"{brief}: {values}." if same else "Nothing else is known to have changed."
        if same and not is_hardware_known:
            sentence = f"{UNKNOWN_HARDWARE}; the same on both sides: {values}."
    if partly:
        rest.append(f"Recorded on one side only: {words.named(partly, NAMED)}.")
    return Around(sentence, (*changed, *shown), " ".join(rest), brief or sentence.removesuffix("."))


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)
