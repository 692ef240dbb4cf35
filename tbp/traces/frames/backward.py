"""Backward operators → the modules, functions and regions in which their forward operators ran.

Takes a ``Trace`` and its tree with Python functions, gives chains of frames and puts them around the backward
operators. autograd gives a forward operator and its backward one a number in common (kineto's "Sequence number").
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.host import HostTree
from tbp.traces.calls.nesting import NO_PARENT, depths, first_ancestors, looked_up
from tbp.traces.frames.by_path import by_path, nearest
from tbp.traces.frames.kinds import ANNOTATION, MODULE, PYTHON, REGIONS, is_outside_of_torch
from tbp.traces.frames.stacks import MODULE_START, StackFrames
from tbp.traces.reading.categories import Category
from tbp.traces.reading.trace import ABSENT, Trace

# The name of the frame around a chain: what is below it is the backward pass of that.
BACKWARD = "(backward of)"

# Deeper modules are no model's; the real traces of the tests have up to 12 modules and functions in a chain.
MOST_CHAIN_DEPTH = 100
# Of different chains, and of chains in different frames: real traces have some hundred.
MOST_CHAINS = 20_000
# Threads of a process that ran forward operators; a process of DataParallel has one for each of up to 16 devices.
MOST_FORWARD_THREADS = 32


class Chains(Struct, frozen=True, eq=False):
    """``rows`` has a row for each module, function and region around forward operators, callers first."""

    rows: pd.DataFrame  # parent (a row, or NO_PARENT), name, kind, recorded
    of_event: Indices  # the innermost row of each backward event; NO_PARENT of all others


def backward_chains(
    trace: Trace, tree: HostTree, inside: NDArray[np.bool_], around: Indices, outer: StackFrames
) -> Chains:
    """The chain of each backward event that is in no other.

    ``around`` is the nearest event ``inside`` around each; ``outer`` are frames around those at the top. A chain begins
    at the outermost module; where there is none, at the outermost function.
    """
    of_event = np.full(len(tree.event), NO_PARENT, dtype=np.int64)
    is_shown = _is_shown(trace, tree) & inside
    is_backward = inside & (trace.forward_thread[tree.event] > 0) & (trace.sequence[tree.event] != ABSENT)
    if not is_backward.any() or not (is_shown.any() or len(outer.names)):
        return Chains(_rows(np.zeros(0, dtype=np.int64), (), (), ()), of_event)
    backward = np.flatnonzero(is_backward & ~_is_below(tree, is_backward))
    forward = _forward(trace, tree, backward)
    above, depth = nearest(tree.parent, is_shown, MOST_CHAIN_DEPTH)
    no_top = np.full(len(tree.event), NO_PARENT, dtype=np.int64)
    depth = np.minimum(depth, MOST_CHAIN_DEPTH)
    paths = by_path(is_shown, above, depth, tree.name_code.astype(np.int64), len(tree.names), no_top, 0)
    names = [tree.names[code] for code in paths.code.tolist()]
    recorded = [tree.comparable.recorded[code] for code in paths.code.tolist()]
    kinds = [_kind(trace, event, name) for event, name in zip(tree.event[paths.first].tolist(), names, strict=True)]
    called, stacked = _rows(paths.parent, names, kinds, recorded), _shown_stacks(outer, len(names))
    rows = pd.concat([called, stacked], ignore_index=True) if len(stacked) else called
    if len(rows) > MOST_CHAINS:
        return Chains(_rows(np.zeros(0, dtype=np.int64), (), (), ()), of_event)
    innermost = np.where(is_shown, np.arange(len(tree.event)), above)
    chain = looked_up(paths.row_of, innermost)
    if len(stacked):
        top = first_ancestors(around, around != NO_PARENT)
        chain = np.where(chain == NO_PARENT, looked_up(_shown_rows(outer, len(names)), outer.row[top]), chain)
    of_event[backward] = looked_up(chain, forward)
    return Chains(rows.assign(parent=_from_modules(rows)), of_event)


def with_chains(rows: pd.DataFrame, of_row: Indices, chains: Chains) -> tuple[pd.DataFrame, Indices]:
    """(``rows`` with each chain between a backward row and its caller, the new row of each).

    ``of_row`` is the chain of each row, or NO_PARENT. The rows of a chain have no time and no calls.
    """
    if not (of_row != NO_PARENT).any():
        return rows, np.arange(len(rows))
    parent = rows["parent"].to_numpy(dtype=np.int64).copy()
    above = chains.rows["parent"].tolist()
    known: dict[tuple[int, int], int] = {}  # (row around the chain, row of the chain or NO_PARENT) → new row
    around: list[int] = []
    for row in np.flatnonzero(of_row != NO_PARENT).tolist():
        caller, chain = int(parent[row]), [int(of_row[row])]
        if len(known) > MOST_CHAINS:
            break
        while above[chain[-1]] != NO_PARENT:
            chain.append(above[chain[-1]])
        at = caller
        for link in (NO_PARENT, *reversed(chain)):
            if (caller, link) not in known:
                known[caller, link] = len(rows) + len(around)
                around.append(at)
            at = known[caller, link]
        parent[row] = at
    links = pd.Series([link for _, link in known], dtype=np.int64)
    marker = pd.DataFrame({"parent": [NO_PARENT], "name": [BACKWARD], "kind": [ANNOTATION], "recorded": [""]})
    texts = pd.concat([chains.rows, marker], ignore_index=True).iloc[links]  # the last is NO_PARENT's
    added = texts.assign(parent=around, calls=0, self_ns=0, device_ns=0, merged=1)[list(rows.columns)]
    both = pd.concat([rows.assign(parent=parent), added], ignore_index=True)
    order = np.argsort(depths(both["parent"].to_numpy(dtype=np.int64)), kind="stable")
    new = np.empty(len(order), dtype=np.int64)
    new[order] = np.arange(len(order))
    both = both.assign(parent=looked_up(new, both["parent"].to_numpy(dtype=np.int64))).iloc[order]
    return both.reset_index(drop=True), new[: len(rows)]


def _is_shown(trace: Trace, tree: HostTree) -> NDArray[np.bool_]:
    """True of modules, of Python functions outside of torch, and of regions of torch.compile."""
    texts = np.array([tree.names[code] for code in tree.comparable.code_of.tolist()], dtype=object)
    is_region = np.array([text.startswith(REGIONS) for text in texts], dtype=bool)[trace.name_code[tree.event]]
    is_outside = np.array([is_outside_of_torch(text) for text in texts], dtype=bool)[trace.name_code[tree.event]]
    is_python = trace.category[tree.event] == Category.PYTHON
    shown: NDArray[np.bool_] = np.where(is_python, is_outside, is_region)
    return shown


def _kind(trace: Trace, event: int, name: str) -> str:
    if trace.category[event] != Category.PYTHON:
        return ANNOTATION
    return MODULE if name.startswith(MODULE_START) else PYTHON


def _is_below(tree: HostTree, outer: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True of the events inside an event of ``outer``."""
    below: NDArray[np.bool_] = looked_up(first_ancestors(tree.parent, ~outer), tree.parent) != NO_PARENT
    return below


def _forward(trace: Trace, tree: HostTree, backward: Indices) -> Indices:
    """The forward event of each backward one: the last on its thread with its number that began before it.

    Operators around the one that autograd numbers carry the number too, and begin before it. The recorder's number of
    a thread is no thread id: it stands for the thread with most of the forward operators that it is named with.
    """
    event, sequence = tree.event, trace.sequence[tree.event].astype(np.int64)
    forward = np.flatnonzero((sequence != ABSENT) & (trace.forward_thread[event] == 0))
    rank = np.empty(len(event), dtype=np.int64)
    rank[np.argsort(trace.start_ns[event], kind="stable")] = np.arange(len(event))
    key = (sequence << 32) | rank
    threads, sizes = np.unique(trace.thread_code[event[forward]], return_counts=True)
    pairs = np.stack([tree.process[backward], trace.forward_thread[event[backward]]])
    pair = np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
    best = np.full(len(backward), NO_PARENT, dtype=np.int64)
    most = np.zeros(len(backward), dtype=np.int64)
    for thread in threads[np.argsort(-sizes, kind="stable")][:MOST_FORWARD_THREADS].tolist():
        there = forward[trace.thread_code[event[forward]] == thread]
        there = there[np.argsort(key[there])]
        at = there[np.maximum(np.searchsorted(key[there], key[backward]) - 1, 0)]
        fits = (sequence[at] == sequence[backward]) & (rank[at] < rank[backward])
        fits &= tree.process[at] == tree.process[backward]
        number = np.bincount(pair[fits], minlength=int(pair.max()) + 1)[pair]
        better = number > most
        best[better] = np.where(fits, at, NO_PARENT)[better]
        most[better] = number[better]
    return best


def _shown_stacks(outer: StackFrames, offset: int) -> pd.DataFrame:
    """The rows of recorded stacks behind ``offset`` others, each below the nearest that is shown."""
    parent = outer.rows["parent"].to_numpy(dtype=np.int64)
    nearest_shown = looked_up(_shown_rows(outer, offset), parent)
    return _rows(nearest_shown, outer.names, outer.rows["kind"].tolist(), outer.rows["recorded"].tolist())


def _shown_rows(outer: StackFrames, offset: int) -> Indices:
    """The row of ``_shown_stacks`` that stands for each row of ``outer``."""
    hidden = np.array([not is_outside_of_torch(name) for name in outer.names], dtype=bool)
    nearest_shown = first_ancestors(outer.rows["parent"].to_numpy(dtype=np.int64), hidden)
    return np.where(nearest_shown != NO_PARENT, nearest_shown + offset, NO_PARENT)


def _from_modules(rows: pd.DataFrame) -> Indices:
    """Parents without the functions around the outermost module."""
    parent = rows["parent"].to_numpy(dtype=np.int64)
    is_module = (rows["kind"] == MODULE).to_numpy()
    outermost = is_module & (looked_up(first_ancestors(parent, ~is_module), parent) == NO_PARENT)
    return np.where(outermost, NO_PARENT, parent)


def _rows(parent: Indices, names: Iterable[str], kinds: Iterable[str], recorded: Iterable[str]) -> pd.DataFrame:
    texts = {"name": names, "kind": kinds, "recorded": recorded}
    columns = {column: pd.Series([*values], dtype=object) for column, values in texts.items()}
    return pd.DataFrame({"parent": parent, **columns})
