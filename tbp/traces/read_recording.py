"""Reads a recording: a trace file, or the operator table in its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tbp.traces.calls.names import NameRule
from tbp.traces.devices.ranks import rank_of
from tbp.traces.reading.read import read_trace
from tbp.traces.recording import OPERATORS_END, Recording, about


def read_recording(path: Path, rules: Sequence[NameRule] = ()) -> Recording:
    """Returns the recording of a file; ``rules`` are the project's for names of operators.

    Raises:
        UnreadableTrace: it is neither a trace nor a stored operator table.
    """
    if path.name.endswith(OPERATORS_END):
        from tbp.traces.operator_files import read_operators

        return read_operators(path)
    trace = read_trace(path)
    rank = rank_of(path, trace, rules)
    return Recording(path, rank.session, about(trace, rank.session), rank)
