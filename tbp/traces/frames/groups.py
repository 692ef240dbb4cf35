"""Frames → the time of each nn.Module, of each Python function, or of each region of torch.compile.

Takes ``Frames`` with Python functions, gives a checked frame: every self time belongs to one group, so that they add up
to all that the frames span. A module is named by its path ("Net_0/Block_1/Linear_3"), a function by its file and line.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from msgspec import Struct, field

from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.frames.backward import BACKWARD
from tbp.traces.frames.frames import Frames
from tbp.traces.frames.kinds import ANNOTATION, MODULE, OPERATOR, PYTHON, REGIONS, is_outside_of_torch
from tbp.traces.frames.stacks import MODULE_START
from tbp.traces.reading.columns import NUMBER, TEXT, typed
from tbp.traces.reading.trace import NS_PER_US

GROUP_COLUMNS = {
    "operator": TEXT,  # the group: in every table what is ranked
    "calls": NUMBER,  # per step, of the module or function; 0 where only the operators' stacks were recorded
    # Per step, on the host: its own code, the operators it called and their backward pass, without inner groups.
    "self_us": NUMBER,
    "total_us": NUMBER,  # per step, on the host, with inner groups
    "self_device_us": NUMBER,  # per step, of the kernels of those operators
    "total_device_us": NUMBER,
    # The parts of these four in the backward pass.
    "self_backward_us": NUMBER,
    "total_backward_us": NUMBER,
    "self_device_backward_us": NUMBER,
    "total_device_backward_us": NUMBER,
    "source": TEXT,  # of a region: the module and function that it was compiled from; "" where none was recorded
}
NO_MODULE = "(no module)"
NO_LINE = "(no function outside of torch)"
NO_REGION = "(not compiled)"


def by_module(frames: Frames) -> pd.DataFrame:
    """GROUP_COLUMNS, a row per path of modules; none where no module was recorded."""
    return _grouped(frames, frozenset({MODULE}), lambda name: True, NO_MODULE, is_path=True)


def by_line(frames: Frames) -> pd.DataFrame:
    """GROUP_COLUMNS, a row per Python function outside of torch; none where no function was recorded."""
    return _grouped(frames, frozenset({PYTHON}), is_outside_of_torch, NO_LINE, is_path=False)


def by_region(frames: Frames) -> pd.DataFrame:
    """GROUP_COLUMNS, a row per path of regions and graphs of torch.compile; none where nothing was compiled."""
    if not frames.rows["name"].str.startswith(REGIONS).any():
        return typed([], GROUP_COLUMNS)
    kinds = frozenset({OPERATOR, ANNOTATION})
    return _grouped(frames, kinds, lambda name: name.startswith(REGIONS), NO_REGION, is_path=True)


class _Groups(Struct):
    """The group of each frame: that of the innermost frame around it which makes one."""

    titles: list[str]
    sources: list[str]  # the modules and the function around the first call
    of_row: list[int] = field(default_factory=list)
    is_call: list[bool] = field(default_factory=list)  # the frame makes a group itself
    is_outermost: list[bool] = field(default_factory=list)  # and is in no other call of it, as of a recursion
    is_backward: list[bool] = field(default_factory=list)  # the frame is of the backward pass
    is_outermost_there: list[bool] = field(default_factory=list)  # and is in no other call of it there


def _grouped(
    frames: Frames, kinds: frozenset[str], is_shown: Callable[[str], bool], rest: str, *, is_path: bool
) -> pd.DataFrame:
    rows = frames.rows
    if not rows["kind"].isin(kinds).any():
        return typed([], GROUP_COLUMNS)
    groups, known = _Groups([rest], [""]), {rest: 0}
    sources = _sources(frames) if ANNOTATION in kinds else None
    around: list[frozenset[int]] = []
    around_there: list[frozenset[int]] = []
    nothing = frozenset[int]()
    for parent, of_kind, name, recorded in zip(*(rows[c] for c in ("parent", "kind", "name", "recorded")), strict=True):
        group, outer, outer_there, backward = 0, nothing, nothing, name == BACKWARD
        if parent != NO_PARENT:
            group, outer, outer_there = groups.of_row[parent], around[parent], around_there[parent]
            backward = backward or groups.is_backward[parent]
        is_call = of_kind in kinds and is_shown(name)
        if is_call:
            short = name.removeprefix(MODULE_START)
            key = f"{groups.titles[group]}/{short}" if is_path and group else short
            if key not in known:
                known[key] = len(known)
                groups.titles.append(key if is_path else recorded or name)
                groups.sources.append(sources[len(groups.of_row)] if sources is not None else "")
            group = known[key]
        elif name == BACKWARD:
            group = 0  # of what is around the forward operators, and not around this
        groups.of_row.append(group)
        groups.is_call.append(is_call)
        groups.is_outermost.append(is_call and group not in outer)
        groups.is_backward.append(backward)
        groups.is_outermost_there.append(is_call and backward and group not in outer_there)
        around.append(outer | {group} if is_call else outer)
        around_there.append(outer_there | {group} if is_call and backward else outer_there)
    return _summed(frames, groups)


def _sources(frames: Frames) -> list[str]:
    """The innermost function outside of torch around each frame, or that itself, and the path of modules around it.

    A region has the function just below it, if there is one: torch opens a region before it calls what it compiled.
    """
    module, function, region, sources = list[str](), list[str](), list[int](), list[str]()
    named = set[int]()  # regions with such a function
    columns = (frames.rows[column] for column in ("parent", "kind", "name", "recorded"))
    for row, (parent, kind, name, recorded) in enumerate(zip(*columns, strict=True)):
        above, code, opened = "", "", NO_PARENT
        if parent != NO_PARENT:
            above, code, opened = module[parent], function[parent], region[parent]
        if kind == MODULE:
            above = "/".join(filter(None, (above, name.removeprefix(MODULE_START))))
        elif kind == PYTHON and is_outside_of_torch(name):
            code = recorded or name
        sources.append(" in ".join(filter(None, (code, above))))
        if name.startswith(REGIONS[0]):
            opened = row
        elif kind == PYTHON and is_outside_of_torch(name) and opened != NO_PARENT:
            if opened not in named:
                sources[opened] = sources[row]
            named.add(opened)
            opened = NO_PARENT
        module.append(above)
        function.append(code)
        region.append(opened)
    return sources


def _summed(frames: Frames, groups: _Groups) -> pd.DataFrame:
    size, group = len(groups.titles), np.array(groups.of_row, dtype=np.int64)
    is_call, backward = (np.array(flags, dtype=bool) for flags in (groups.is_call, groups.is_backward))
    calls = np.bincount(group[is_call], frames.rows["calls"].to_numpy(dtype=np.float64)[is_call], size)
    columns: dict[str, object] = {
        "operator": groups.titles,
        "calls": calls / frames.steps,
        "source": groups.sources,
    }
    parts = {"": (is_call | ~is_call, groups.is_outermost), "_backward": (backward, groups.is_outermost_there)}
    for infix, clock, column in (("", "host", "self_ns"), ("_device", "device", "device_ns")):
        values, below = frames.rows[column].to_numpy(dtype=np.float64), frames.total_ns(clock)
        for ending, (counted, outermost) in parts.items():
            at = np.array(outermost, dtype=bool)
            self_ns = np.bincount(group[counted], values[counted], size)
            total_ns = np.bincount(group[at], below[at], size)
            total_ns[0] = self_ns[0]
            columns[f"self{infix}{ending}_us"] = self_ns / NS_PER_US / frames.steps
            columns[f"total{infix}{ending}_us"] = total_ns / NS_PER_US / frames.steps
    frame = typed(pd.DataFrame(columns), GROUP_COLUMNS)
    return frame.sort_values(["self_us", "operator"], ascending=[False, True], kind="stable", ignore_index=True)
