"""The stacks that older recorders noted of each operator → frames around it, as those that were recorded as calls.

Takes a ``Trace`` and its events at the top, gives rows of frames. Only the operators below have times: these rows have
no time of their own, and no calls.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.names import comparable_names
from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.frames.kinds import MODULE, PYTHON
from tbp.traces.reading.trace import Trace

MODULE_START = "nn.Module: "  # of a module's call, with the class and a number for each of them

# Deeper stacks lose their outermost functions. Recorders kept 30 to 60.
MOST_FRAMES_OF_STACK = 80
MOST_HIERARCHY = 10_000  # characters
# Of all stacks together: real traces have some hundred. Stacks beyond are left out.
MOST_STACK_FRAMES = 50_000

# TorchScript's: "TOP(Net)::forward.layer1(Sequential)::forward"; SELF is a call of another method.
_MODULE = re.compile(r"(\w+)\((\w+)\)::\w+")


class StackFrames(Struct, frozen=True, eq=False):
    """``rows`` are the first of a tree of frames; ``row`` is that around each event, else NO_PARENT."""

    names: tuple[str, ...]
    rows: pd.DataFrame  # frames.FRAME_COLUMNS
    row: Indices


def stack_frames(trace: Trace, event: Indices, at_top: NDArray[np.bool_]) -> StackFrames:
    """The frames around the events ``at_top`` (a mask of ``event``)."""
    innermost = np.full(len(trace.stacks), NO_PARENT, dtype=np.int64)
    stack = trace.stack_code[event]
    known: dict[tuple[int, str, str], int] = {}
    for code in np.unique(stack[at_top]).tolist():
        if any(trace.stacks[code]) and len(known) < MOST_STACK_FRAMES:
            for frame in _frames(*trace.stacks[code]):
                innermost[code] = known.setdefault((int(innermost[code]), *frame), len(known))
    row = np.where(at_top, innermost[stack], NO_PARENT)
    recorded = [name for _, name, _ in known]
    names = comparable_names(recorded, lambda: np.arange(len(recorded)))
    texts = tuple(names.texts[code] for code in names.code_of.tolist())
    zeros = np.zeros(len(known), dtype=np.int64)
    rows = pd.DataFrame(
        {
            "parent": np.array([parent for parent, _, _ in known], dtype=np.int64),
            "name": pd.Series(texts, dtype=object),
            "kind": pd.Series([kind for _, _, kind in known], dtype=object),
            "calls": zeros,
            "self_ns": zeros,
            "device_ns": zeros,
            "merged": zeros + 1,
            "recorded": pd.Series(["" if a == b else a for a, b in zip(recorded, texts, strict=True)], dtype=object),
        }
    )
    return StackFrames(texts, rows, row)


def _frames(call_stack: str, hierarchy: str) -> list[tuple[str, str]]:
    """(name, kind) from the outermost function to the innermost module."""
    functions = [text for text in call_stack.split(";", MOST_FRAMES_OF_STACK)[:MOST_FRAMES_OF_STACK] if text]
    modules = [
        f"{MODULE_START}{module}" if name == "TOP" else f"{MODULE_START}{name} ({module})"
        for name, module in _MODULE.findall(hierarchy[:MOST_HIERARCHY])
        if name != "SELF"
    ]
    return [*((name, PYTHON) for name in functions[::-1]), *((name, MODULE) for name in modules)]
