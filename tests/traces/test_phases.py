"""Begins and ends of spans are durations; phases that carry time otherwise, or none that is known, are counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.errors import UnreadableTrace
from tbp.traces.operators.operators import whole_trace_table
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

Write = Callable[..., Path]
Event = dict[str, Any]


def edge(phase: str, ts: float, name: str | None = None, **more: Any) -> Event:
    return {"ph": phase, "cat": "cpu_op", "pid": 1, "tid": 1, "ts": ts, **({"name": name} if name else {}), **more}


def spans(trace: Trace) -> list[tuple[str, int, int]]:
    """(name, start, duration in µs) of each event, in the order of the trace."""
    columns = zip(trace.name_code, trace.start_ns // 1000, trace.duration_ns // 1000, strict=True)
    return [(trace.names[code], int(start), int(duration)) for code, start, duration in columns]


@pytest.mark.parametrize(
    ("events", "expected", "unpaired"),
    [
        ([edge("B", 1, "a"), edge("E", 4, "a")], [("a", 1, 3)], 0),
        ([edge("B", 1, "a"), edge("B", 2, "b"), edge("E", 3), edge("E", 5)], [("a", 1, 4), ("b", 2, 1)], 0),
        ([edge("E", 5, "a"), edge("B", 1, "a")], [("a", 1, 4)], 0),  # in any order of the file
        ([edge("B", 1, "a"), edge("E", 2, "a"), edge("B", 2, "b"), edge("E", 2, "b")], [("a", 1, 1), ("b", 2, 0)], 0),
        ([edge("B", 1, "a"), edge("E", 4, "a", tid=2)], [], 2),
        ([edge("B", 1, "a"), edge("B", 2, "b"), edge("E", 4, "a")], [("a", 1, 3)], 1),  # the end of b is lost
        ([edge("B", 1, "a"), edge("E", 2, "b"), edge("E", 4, "a")], [("a", 1, 3)], 1),  # the begin of b is lost
        ([edge("B", 1, "a"), edge("B", 2, "a"), edge("E", 3, "a"), edge("E", 9, "a")], [("a", 1, 8), ("a", 2, 1)], 0),
        ([edge("E", 1)], [], 1),
    ],
)
def test_a_begin_and_its_end_are_a_span(
    write: Write, events: list[Event], expected: list[tuple[str, int, int]], unpaired: int
) -> None:
    last = {"ph": "X", "name": "last", "ts": 100, "dur": 1, "cat": "cpu_op", "pid": 1, "tid": 1}
    trace = read_trace(write([*events, last]))
    assert spans(trace) == [("last", 100, 1), *expected]
    assert trace.loss.unpaired == unpaired
    assert bool(trace.losses) is bool(unpaired)


def test_pairs_nest_in_spans_of_the_other_kind_and_share_their_arguments(write: Write) -> None:
    outer = {"ph": "X", "cat": "cpu_op", "name": "aten::linear", "pid": 1, "tid": 1, "ts": 0, "dur": 10}
    ends = {"External id": 5, "correlation": 7, "Input Dims": [[2, 3]]}
    pair = [edge("B", 2, "aten::mm", args={"External id": 4}), edge("E", 5, "aten::mm", args=ends)]
    trace = read_trace(write([outer, *pair]))
    frame = whole_trace_table(trace).frame.set_index("operator")
    assert (frame.loc["aten::linear", "self_us"], frame.loc["aten::mm", "self_us"]) == (7, 3)
    assert (trace.external_id[1], trace.correlation[1]) == (4, 7)
    assert trace.shapes[trace.shape_code[1]] == "[[2, 3]]"


def test_only_pairs_are_a_trace(write: Write) -> None:
    assert spans(read_trace(write([edge("B", 1, "a"), edge("E", 4, "a")]))) == [("a", 1, 3)]
    with pytest.raises(UnreadableTrace, match="holds no timed event"):
        read_trace(write([edge("B", 1, "a")]))


def test_a_hundred_thousand_open_spans_are_paired(write: Write) -> None:
    events = [edge("B", n, f"n{n % 7}") for n in range(50_000)] + [edge("E", 10**6 + n, "x") for n in range(50_000)]
    trace = read_trace(write([*events, edge("E", 10**7, "n0")]))
    assert (len(trace), trace.loss.unpaired) == (1, 99_999)


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (
            [edge("b", 1, "a", id=1), edge("e", 3, "a", id=1), edge("S", 1, "b", id=2), edge("F", 3, "b", id=2)],
            "left out as asynchronous, on no thread: 2 spans",
        ),
        ([edge("X", 1, "a")], "left out for want of a usable time: 1 event"),
        ([edge("B", 1, "a"), edge("E", "soon", "a")], "left out for want of a usable time: 1 event"),  # type: ignore[arg-type]
        ([edge("", 1, "a", dur=1)], "left out as unreadable: 1 event"),
        ([edge("XX", 1, "a", dur=1)], "left out as unreadable: 1 event"),
        ([{"name": "a", "ts": 1, "dur": 1}], "left out as unreadable: 1 event"),
    ],
)
def test_time_that_is_in_no_span_is_told(write: Write, events: list[Event], sentence: str) -> None:
    trace = read_trace(write([*events, edge("X", 9, "last", dur=1)]))
    assert (len(trace), trace.losses[0]) == (1, sentence)


@pytest.mark.parametrize("phase", "iICstfnTpPNODMRcvV()")
def test_phases_without_a_duration_are_no_loss(write: Write, phase: str) -> None:
    trace = read_trace(write([edge(phase, 1, "a", id=1), {}, edge("X", 9, "last", dur=1)]))
    assert (len(trace), trace.losses) == (1, ())


def test_arrows_without_a_usable_time_are_no_loss(write: Write) -> None:
    arrows = [edge("s", 1, "a", cat="other", id=1) | {"ts": "soon"}, edge("f", 1, "a", cat="other", id=1) | {"ts": {}}]
    trace = read_trace(write([*arrows, edge("X", 9, "last", dur=1)]))
    assert (len(trace), trace.losses) == (1, ())
