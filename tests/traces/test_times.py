"""Impossible times are bounded by what is possible and told; sound ones stay as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.traces.devices.ranks import Rank, rank_of
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

TraceOf = Callable[..., Trace]
Entry = tuple[Any, ...]

LONG = 1_600_000
EPOCH = 1_615_207_264_505_000


def launched(ts: float, number: int, kernel_us: float, operator: str = "mm", tid: object = 7) -> list[Entry]:
    """An operator of 20 µs, its launch, and its kernel 10 µs later."""
    args = {"args": {"correlation": number}}
    return [
        (operator, ts, 20),
        ("hipLaunchKernel", ts + 2, 5, {"cat": "cuda_runtime", **args}),
        ("k_" + operator, ts + 10, kernel_us, {"cat": "kernel", "pid": 0, "tid": tid, **args}),
    ]


def ten(long: int, long_us: float) -> list[Entry]:
    """Ten kernels of 90 µs, one every 100 µs, of which one claims another duration."""
    return [entry for at in range(10) for entry in launched(1000 + 100 * at, 10 + at, long_us if at == long else 90)]


def rank_of_trace(trace: Trace) -> Rank:
    return rank_of(Path("trace.json"), trace)


def device(trace: Trace) -> dict[str, Any]:
    (row,) = rank_of_trace(trace).device.devices.to_dict("records")
    return row


SHORTENED = ("shortened to what is possible beside the rest: 1 event",)
LEFT_OUT = ("left out, with times outside of the recording: 1 event",)


@pytest.mark.parametrize(("long", "kernel_us"), [(0, 910), (2, 910), (8, 910)])
def test_a_kernel_ends_where_the_next_one_of_its_stream_begins(trace_of: TraceOf, long: int, kernel_us: float) -> None:
    trace = trace_of(*ten(long, LONG))
    assert trace.losses == SHORTENED
    assert device(trace)["kernel_us"] == kernel_us
    assert rank_of_trace(trace).device.window_us == 1000


def test_the_last_kernel_of_a_stream_ends_with_the_recording(trace_of: TraceOf) -> None:
    trace = trace_of(*ten(9, LONG))
    assert trace.losses == SHORTENED
    assert rank_of_trace(trace).device.window_us <= 1000


def test_a_long_kernel_that_the_host_waited_for_is_believed(trace_of: TraceOf) -> None:
    wait = ("hipDeviceSynchronize", 1960, LONG - 80, {"cat": "cuda_runtime"})  # clocks differ by 30 µs
    trace = trace_of(*ten(9, LONG), wait)
    assert trace.losses == ()
    assert device(trace)["kernel_us"] == 810 + LONG


@pytest.mark.parametrize("other_stream", [False, True])
def test_kernels_may_overlap_on_streams_of_their_own_and_in_one_launch(trace_of: TraceOf, other_stream: bool) -> None:
    first, second = launched(1000, 1, 90), launched(1050, 2 if other_stream else 1, 90, tid=8 if other_stream else 7)
    trace = trace_of(*first, *second, *launched(1200, 3, 90))
    assert trace.losses == ()
    assert device(trace)["kernel_us"] == 270


def test_overlaps_by_rounding_are_no_damage(trace_of: TraceOf) -> None:
    assert trace_of(*launched(1000, 1, 101), *launched(1100, 2, 90)).losses == ()
    assert trace_of(*launched(1000, 1, 102), *launched(1100, 2, 90)).losses == SHORTENED


def test_two_processes_may_overlap_on_one_device(trace_of: TraceOf) -> None:
    second = [(*entry[:3], {**(entry[3] if len(entry) > 3 else {}), "pid": 2}) for entry in launched(1050, 2, 90)[:2]]
    trace = trace_of(*launched(1000, 1, 90), *second, launched(1050, 2, 90)[2])
    assert trace.losses == ()


@pytest.mark.parametrize("ts", [0, -5, 12.5, 1e6, EPOCH * 2, -EPOCH])
@pytest.mark.parametrize("kind", ["cpu_op", "kernel"])
def test_a_time_outside_of_the_recording_moves_nothing(trace_of: TraceOf, ts: float, kind: str) -> None:
    sound = [entry for at in range(4) for entry in launched(EPOCH + 1000 * at, 10 + at, 500)]
    expected = rank_of_trace(trace_of(*sound))
    trace = trace_of(*sound, ("stray", ts, 0, {"cat": kind, "pid": 0, "tid": 7}))
    assert trace.losses == LEFT_OUT
    found = rank_of_trace(trace)
    assert found.session.step_us == expected.session.step_us == 3020
    assert found.device.devices.equals(expected.device.devices)


def test_a_quarter_of_the_kernels_without_a_time(trace_of: TraceOf) -> None:
    sound = [entry for at in range(4) for entry in launched(EPOCH + 1000 * at, 10 + at, 500)]
    zeros = [
        (*entry[:1], 0, 0, *entry[3:]) if entry[0] == "k_mm" and entry[1] < EPOCH + 2000 else entry for entry in sound
    ]
    trace = trace_of(*zeros)
    assert trace.losses == ("left out, with times outside of the recording: 2 events",)
    assert device(trace)["kernel_us"] == 1000
    assert session(trace).table.frame.set_index("operator").loc["mm", "calls"] == 4


def test_an_unfilled_time_where_the_clock_began_a_minute_ago(trace_of: TraceOf) -> None:
    sound = launched(60e6, 1, 500)
    assert trace_of(*sound, ("stray", 0, 0)).losses == LEFT_OUT
    assert trace_of(("first", 0, 0), *launched(5, 1, 500)).losses == ()  # a clock that begins with the recording


@pytest.mark.parametrize("hours", [2, 100])
def test_cycles_of_a_schedule_may_lie_hours_apart(trace_of: TraceOf, hours: float) -> None:
    late = EPOCH + hours * 3600e6
    trace = trace_of(*launched(EPOCH, 1, 50), *launched(EPOCH + 100, 2, 50), *launched(late, 3, 50))
    assert trace.losses == ()
    assert device(trace)["kernels"] == 3


STEP = {"cat": "user_annotation"}


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_step_that_claims_more_than_is_possible(trace_of: TraceOf, step: int) -> None:
    entries = [
        entry
        for at in range(3)
        for entry in (
            (f"ProfilerStep#{at}", 1000 * at, LONG if at == step else 900, STEP),
            *launched(1000 * at + 5, 1 + at, 50),
        )
    ]
    trace = trace_of(*entries)
    assert trace.losses == SHORTENED
    assert rank_of_trace(trace).device.window_us <= 2900
    assert rank_of_trace(trace).session.step_us == 900


def test_the_only_step_may_be_long(trace_of: TraceOf) -> None:
    """A compiler's step of 13 s has 1.3 ms of operators in a recording of torch's."""
    trace = trace_of(("ProfilerStep#1", 0, 13_336_315, STEP), *launched(5, 1, 50))
    assert trace.losses == ()
    assert rank_of_trace(trace).session.step_us == 13_336_315


def test_an_operator_that_outlives_its_caller_by_far(trace_of: TraceOf) -> None:
    trace = trace_of(("linear", 0, 100), ("mm", 10, LONG), ("relu", 200, 10))
    assert trace.losses == SHORTENED
    assert rank_of_trace(trace).session.step_us <= 210


def test_a_long_operator_by_itself_is_believed(trace_of: TraceOf) -> None:
    trace = trace_of(("linear", 0, 100), ("cholesky", 200, LONG), ("inner", 300, 5))
    assert trace.losses == ()


@pytest.mark.parametrize("dur", [4e12, 3.9e15, 1e15])
@pytest.mark.parametrize("extra", [{}, STEP, {"cat": "kernel", "pid": 0}])
def test_nothing_lasts_for_an_hour_after_all_else(trace_of: TraceOf, dur: float, extra: dict[str, Any]) -> None:
    trace = trace_of(*ten(0, 90), ("endless", 1500, dur, extra))
    assert trace.losses == SHORTENED
    assert rank_of_trace(trace).device.window_us <= 1000


@pytest.mark.parametrize("key", ["ts", "dur"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e30, 1e30, "NaN", "", None, [1], {}])
def test_what_is_no_time_moves_nothing(trace_of: TraceOf, key: str, value: object) -> None:
    trace = trace_of(*ten(0, 90), ("odd", 1500, 5, {"cat": "kernel", "pid": 0, key: value}))
    assert any("want of a usable time" in sentence for sentence in trace.losses)
    assert device(trace)["busy_share"] == pytest.approx(0.9)


def test_a_negative_duration_is_left_out(trace_of: TraceOf) -> None:
    trace = trace_of(*ten(0, 90), ("odd", 1500, -1, {"cat": "kernel", "pid": 0}))
    assert trace.losses == ("left out for want of a usable time: 1 event",)


def test_sound_recordings_are_left_as_they_are(recordings: Path) -> None:
    for path in sorted(recordings.glob("*/*.json.gz")):
        trace = read_trace(path)
        assert (trace.loss.misplaced, trace.loss.bounded) == (0, 0), path.name
