"""Names that are spelled nearly like a text which names none: the one that a slip was meant to be.

Takes a name or a pattern and the names that there are, gives the likely ones, or a phrase for the end of a message.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import SequenceMatcher, get_close_matches
from heapq import nlargest
from itertools import combinations

from tbp.wording.words import MOST_SHOWN, named, shortened

# Of 1, for equal names. With difflib's own 0.6 project_name is meant to be project_url; above 0.78 benchmarks is no
# benchmark_dir.
LEAST_LIKENESS = 0.75
MOST_NAMED = 3
MOST_COMPARED = 2_000  # benchmarks, of which each takes 0.1 ms
MOST_PARTS = 4  # of a benchmark's name, between its dots


def near(text: str, names: Collection[str]) -> str:
    """The name that is most like ``text``; empty where none is."""
    return next(iter(get_close_matches(shortened(text, MOST_SHOWN), names, 1, LEAST_LIKENESS)), "")


def near_phrase(pattern: str, names: Collection[str]) -> str:
    """``near: a.time_x, b.time_y`` of a pattern that matches none; ``known: a, b, c and 12 more`` without such."""
    likely = near_names(pattern, names)
    return f"near: {', '.join(likely)}" if likely else f"known: {named(sorted(names), MOST_NAMED)}"


def near_names(pattern: str, names: Collection[str]) -> list[str]:
    """The dotted names of which a part is most like ``pattern``, as a text: its module, its class, its function."""
    text = re.sub(r"\\[A-Za-z]|[^\w.]", "", pattern[:MOST_SHOWN]).strip(".")
    matcher = SequenceMatcher(None, b=text)
    likeness = {name: _likeness(matcher, name) for name in sorted(names)[:MOST_COMPARED]}
    return [name for name in nlargest(MOST_NAMED, likeness, likeness.__getitem__) if likeness[name]]


def _likeness(matcher: SequenceMatcher[str], name: str) -> float:
    """The likeness of the most like part of ``name``; 0 below LEAST_LIKENESS."""
    parts = name[-MOST_SHOWN:].split(".")[-MOST_PARTS:]
    best = 0.0
    for first, end in combinations(range(len(parts) + 1), 2):
        matcher.set_seq1(".".join(parts[first:end]))
        if matcher.quick_ratio() >= LEAST_LIKENESS:
            best = max(best, matcher.ratio())
    return best if best >= LEAST_LIKENESS else 0.0
