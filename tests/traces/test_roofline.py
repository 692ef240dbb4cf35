"""Rates of operators: FLOP/s, FLOPs per byte, and what bounds them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tbp.traces.calls.flops import COMPOSED, FORMULAS
from tbp.traces.calls.peaks import PEAKS
from tbp.traces.calls.tensor_bytes import TENSORS, Moved, moved
from tbp.traces.operators.operators import merged_table, session
from tbp.traces.operators.rates import with_rates
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import COUNTED, Trace

from ..trace_events import event

TraceOf = Callable[..., Trace]
Write = Callable[..., Path]


def test_every_operator_with_flops_is_read_with_its_types() -> None:
    assert FORMULAS.keys() == COUNTED
    assert FORMULAS.keys() - TENSORS.keys() == {"aten::_scaled_mm"}  # the type of its result is not recorded
    assert FORMULAS.keys() >= COMPOSED


HALF, SINGLE, NONE = "c10::Half", "float", ""


@pytest.mark.parametrize(
    ("operator", "shapes", "types", "settings", "size_bytes"),
    [
        ("aten::mm", [[4, 8], [8, 2]], [SINGLE] * 2, [], 4 * (32 + 16 + 8)),
        ("aten::mm", [[4, 8], [8, 2], [4, 2]], [HALF] * 3, [], 2 * (32 + 16 + 8)),  # out= is no third operand
        ("aten::bmm", [[3, 4, 8], [3, 8, 2]], ["double"] * 2, [], 8 * 3 * (32 + 16 + 8)),
        ("aten::_int_mm", [[4, 8], [8, 2]], ["signed char"] * 2, [], 32 + 16 + 4 * 8),
        ("aten::addmm", [[2], [4, 8], [8, 2], [], []], [SINGLE] * 3 + ["Scalar"] * 2, [], 4 * (2 + 32 + 16 + 8)),
        ("aten::baddbmm", [[1, 4, 2], [3, 4, 8], [3, 8, 2]], [HALF] * 3, [], 2 * (8 + 96 + 48 + 24)),
        ("aten::linear", [[5, 4, 8], [2, 8], []], [SINGLE] * 2 + [NONE], [], 4 * (160 + 16 + 40)),
        ("aten::linear", [[8], [2, 8], [2]], ["c10::BFloat16"] * 3, [], 2 * (8 + 16 + 2 + 2)),
        # 1×2×5×5 by 4 filters of 3×3 with stride 2 and padding 1: 4×3×3.
        ("aten::convolution", [[1, 2, 5, 5], [4, 2, 3, 3], [4]], [SINGLE] * 3,
         ["", "", "", "[2, 2]", "[1, 1]", "[1, 1]", "False", "[0, 0]", "1"], 4 * (50 + 72 + 4 + 36)),
        # Transposed, two groups of one: 1×2×3 by filters 2×1×3 with stride 2: 1×2×7, with an output padding of 1 8.
        ("aten::convolution", [[1, 2, 3], [2, 1, 3], []], [SINGLE] * 2 + [NONE],
         ["", "", "", "[2]", "[0]", "[1]", "True", "[1]", "2"], 4 * (6 + 6 + 16)),
        ("aten::convolution_backward", [[1, 4, 3, 3], [1, 2, 5, 5], [4, 2, 3, 3]], [HALF] * 3,
         ["", "", "", "[4]", "[2, 2]", "[1, 1]", "[1, 1]", "False", "[0, 0]", "1", "[True, False, True]"],
         2 * (36 + 50 + 72 + 50)),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", [[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 6]],
         [SINGLE] * 3, [], 4 * (24 + 40 + 60 + 36)),
        ("aten::_scaled_dot_product_flash_attention_for_cpu",
         [[1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 6], [], [], [3, 5], []],
         [SINGLE] * 3 + ["Scalar", "Scalar", SINGLE, NONE], [], 4 * (24 + 40 + 60 + 36 + 15)),
        ("aten::_scaled_dot_product_flash_attention_backward",
         [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4], [1, 2, 3, 4], [1, 2, 3]],
         [HALF] * 5 + [SINGLE], [], 2 * (24 + 24 + 40 + 40 + 24) + 4 * 6 + 2 * (24 + 40 + 40)),
        ("aten::_scaled_dot_product_efficient_attention_backward",  # with a bias before its results
         [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 5, 4], [1, 2, 5, 4], [3, 5], [1, 2, 3, 4], [1, 2, 3]],
         [HALF] * 6 + [SINGLE], [], 2 * (24 + 24 + 40 + 40 + 15 + 24) + 4 * 6 + 2 * (24 + 40 + 40)),
    ],
)  # fmt: skip
def test_a_call_moves_each_tensor_once(
    operator: str, shapes: list[object], types: list[str], settings: list[str], size_bytes: int
) -> None:
    made = moved(operator, json.dumps(shapes), json.dumps(settings), json.dumps(types))
    assert made is not None
    assert made.size_bytes == size_bytes


@pytest.mark.parametrize(
    ("operator", "shapes", "types"),
    [
        ("aten::add", "[[4, 8], [8, 2]]", '["float", "float"]'),
        ("aten::mm", "[[4, 8], [8, 2]]", ""),
        ("aten::mm", "", '["float", "float"]'),
        ("aten::mm", "[[4, 8], [8, 2]]", '["float", "a type of tomorrow"]'),
        ("aten::mm", "[[4, 8], [8, 2]]", '["float"]'),
        ("aten::mm", "[[4, 8], [8, 2]]", '{"float": 1}'),
        ("aten::mm", "[[0, 8], [8, 0]]", '["float", "float"]'[:-1]),
        ("aten::mm", f"[[{10**30}, 8], [8, 2]]", '["float", "float"]'),
        ("aten::convolution", "[[1, 2, 5], [4, 2, 3], []]", '["float", "float", ""]'),  # no settings
        ("aten::_scaled_mm", "[[4, 8], [8, 2]]", '["c10::Float8_e4m3fn", "c10::Float8_e4m3fn"]'),
    ],
)
def test_unknown_bytes_are_not_0(operator: str, shapes: str, types: str) -> None:
    assert moved(operator, shapes, "", types) is None


def test_the_type_is_that_of_the_operands() -> None:
    types = '["float", "c10::Half", "c10::Half"]'
    assert moved("aten::addmm", "[[2], [4, 8], [8, 2]]", "", types) == Moved(4 * 2 + 2 * (32 + 16 + 8), HALF)


def product(m: int, n: int, k: int, kind: str = HALF, **keys: object) -> dict[str, Any]:
    return {"args": {"Input Dims": [[m, k], [k, n]], "Input type": [kind, kind]}, **keys}


def rates(trace: Trace) -> dict[str, dict[str, Any]]:
    frame = with_rates(session(trace).table.frame)
    return {row["operator"]: row for row in frame.to_dict("records")}


def test_rates_on_the_host_are_of_the_whole_call(trace_of: TraceOf) -> None:
    trace = trace_of(("aten::mm", 0, 100, product(64, 32, 16, SINGLE)), ("aten::empty", 10, 20))
    row = rates(trace)["aten::mm"]
    assert row["flops_us"] == 100
    assert row["flop_per_s"] == 2 * 64 * 32 * 16 / 100e-6
    assert row["flop_per_byte"] == 2 * 64 * 32 * 16 / (4 * (64 * 16 + 16 * 32 + 64 * 32))
    assert row["bound"] == ""
    assert pd.isna(row["roof_share"])
    assert pd.isna(rates(trace)["aten::empty"]["flop_per_s"])


def device_trace(write: Write, calls: list[dict[str, Any]], name: str = "NVIDIA H200", number: int = 132) -> Trace:
    """A trace of products, one kernel of 100 µs for each; ``number`` multiprocessors."""
    events = []
    for at, keys in enumerate(calls):
        launch = {"cat": "cuda_runtime", "args": {"correlation": at + 1}}
        kernel = {"cat": "kernel", "pid": 0, "tid": 7, "args": {"correlation": at + 1}}
        events += [event("aten::mm", 1000 * at, 20, keys), event("cudaLaunchKernel", 1000 * at + 5, 10, launch)]
        events += [event("gemm", 1000 * at + 50, 100, kernel)]
    properties = [{"id": 0, "name": name, "numSms": number}]
    return read_trace(write({"deviceProperties": properties, "traceEvents": events}))


def test_on_a_device_its_time_counts_and_its_peak_bounds(write: Write) -> None:
    """An H200 needs 206 FLOPs per byte to be bound by float16's arithmetic."""
    row = rates(device_trace(write, [product(8192, 8192, 8192)]))["aten::mm"]
    assert (row["flops_us"], row["bound"]) == (100, "compute")
    assert row["roof_share"] == pytest.approx(2 * 8192**3 / 989.4e12 / 100e-6)
    row = rates(device_trace(write, [product(16, 8192, 8192)]))["aten::mm"]
    assert row["bound"] == "memory"
    assert row["roof_share"] == pytest.approx(2 * (16 * 8192 * 2 + 8192 * 8192) / 4.8e12 / 100e-6)


@pytest.mark.parametrize(
    ("m", "n", "bound"),
    [(16, 8192, "memory"), (256, 256, ""), (8192, 8192, "compute")],  # 8, 43 and 1,365 FLOPs per byte
)
def test_float32_is_bound_where_either_peak_says_so(write: Write, m: int, n: int, bound: str) -> None:
    """A trace does not show whether TF32 was allowed: that takes 103 FLOPs per byte instead of 14."""
    row = rates(device_trace(write, [product(m, n, n, SINGLE)]))["aten::mm"]
    assert row["bound"] == bound
    assert pd.isna(row["roof_share"]) == (bound != "memory")


def test_most_of_the_time_decides_of_an_operator(write: Write) -> None:
    large, small = product(8192, 8192, 8192), product(16, 8192, 8192)
    assert rates(device_trace(write, [large, small, small]))["aten::mm"]["bound"] == "memory"
    assert rates(device_trace(write, [large, large, small]))["aten::mm"]["bound"] == "compute"
    assert rates(device_trace(write, [large, small]))["aten::mm"]["bound"] == ""


@pytest.mark.parametrize(
    ("name", "number", "kind"),
    [
        ("NVIDIA H200 MIG 1g.18gb", 16, HALF),
        ("NVIDIA H200", 16, HALF),  # a part of one
        ("NVIDIA B300", 160, HALF),
        ("NVIDIA H200", 132, "double"),
    ],
)
def test_without_a_known_peak_nothing_is_said_to_bound(write: Write, name: str, number: int, kind: str) -> None:
    row = rates(device_trace(write, [product(8192, 8192, 8192, kind)], name, number))["aten::mm"]
    assert row["bound"] == ""
    assert pd.isna(row["roof_share"])
    assert row["flop_per_s"] > 0


def test_metadata_of_any_kind_has_no_peak(write: Write) -> None:
    for properties in ([], {}, "x", [{"name": 5}], [{"name": "NVIDIA H200", "numSms": 132}, {"name": "NVIDIA A2"}]):
        trace = read_trace(write({"deviceProperties": properties, "traceEvents": [event("aten::mm", 0, 1)]}))
        assert rates(trace)["aten::mm"]["bound"] == ""


def test_a_call_without_device_work_has_no_rate_on_a_device(write: Write) -> None:
    """Its host time would be that of the launch."""
    trace = device_trace(write, [product(64, 64, 64)])
    alone = read_trace(
        write([event("aten::mm", 0, 10, product(8, 8, 8)), event("k", 50, 5, {"cat": "kernel", "pid": 0, "tid": 7})])
    )
    assert rates(trace)["aten::mm"]["flops_us"] == 100
    assert pd.isna(rates(alone)["aten::mm"]["flop_per_s"])


def test_a_call_that_counts_with_its_caller_moves_nothing_of_its_own(trace_of: TraceOf) -> None:
    settings = ["", "", "", "[1, 1]", "[0, 0]", "[1, 1]", "False", "[0, 0]", "1"]
    shapes = [[1, 2, 5, 5], [4, 2, 3, 3], [4], [], [], [], [], [], []]
    arguments = {"Input Dims": shapes, "Input type": [SINGLE] * 3 + [NONE] * 6, "Concrete Inputs": settings}
    trace = trace_of(
        ("aten::convolution", 0, 10, {"args": arguments}), ("aten::_convolution", 1, 8, {"args": arguments})
    )
    frame = session(trace).table.frame.set_index("operator")
    assert frame.loc["aten::convolution", ["flops_us", "moved_bytes"]].tolist() == [10, 4 * (50 + 72 + 4 + 36)]
    assert frame.loc["aten::_convolution", "flops"] == 0
    assert frame.loc["aten::_convolution", ["flops_us", "moved_bytes"]].isna().all()


def test_linear_under_autocast_multiplies_another_type(write: Write) -> None:
    shapes, types = [[4096, 4096], [4096, 4096], []], [SINGLE, SINGLE, NONE]
    outer = {"args": {"Input Dims": shapes, "Input type": types}}
    inner = {"args": {"Input Dims": shapes, "Input type": [HALF, HALF, NONE]}}
    addmm = {"args": {"Input Dims": [[4096], [4096, 4096], [4096, 4096]], "Input type": [HALF] * 3}}
    events = [
        event("aten::linear", 0, 100, outer),
        event("aten::to", 5, 10),
        event("aten::linear", 20, 70, inner),
        event("aten::addmm", 30, 50, addmm),
        event("cudaLaunchKernel", 35, 5, {"cat": "cuda_runtime", "args": {"correlation": 1}}),
        event("gemm", 200, 500, {"cat": "kernel", "pid": 0, "tid": 7, "args": {"correlation": 1}}),
    ]
    properties = [{"id": 0, "name": "NVIDIA H200", "numSms": 132}]
    row = rates(read_trace(write({"deviceProperties": properties, "traceEvents": events})))["aten::linear"]
    assert row["flop_per_s"] > 0
    assert row["bound"] == ""


def test_sessions_have_the_rate_of_their_means(trace_of: TraceOf) -> None:
    tables = [session(trace_of(("aten::mm", 0, time_us, product(64, 32, 16, SINGLE)))).table for time_us in (100, 300)]
    row = with_rates(merged_table(tables).frame).iloc[0]
    assert row["flop_per_s"] == 2 * 64 * 32 * 16 / 200e-6


def test_peaks_are_dense_and_in_order() -> None:
    for peak in PEAKS.values():
        for least, most in peak.flop_per_s.values():
            assert 1e12 < least <= most < 2e15
        assert 0.5e12 < peak.bytes_per_s < 10e12


def test_bytes_equal_those_of_torch_tensors(recorded: Callable[..., Trace]) -> None:
    torch = pytest.importorskip("torch")
    x, w, b = torch.randn(6, 8), torch.randn(8, 10), torch.randn(10)
    image, filters = torch.randn(2, 4, 9, 7), torch.randn(6, 2, 3, 3)
    up, q, k, v = torch.randn(4, 3, 3, 3), *(torch.randn(2, 2, length, 16) for length in (5, 7, 7))
    convolution, sdpa = torch.nn.functional.conv2d, torch.nn.functional.scaled_dot_product_attention
    calls = {
        "aten::mm": (lambda: torch.mm(x, w), (x, w)),
        "aten::addmm": (lambda: torch.addmm(b, x, w), (b, x, w)),
        "aten::bmm": (lambda: torch.bmm(q[0], k[0].mT), (q[0], k[0])),
        "aten::convolution": (lambda: convolution(image, filters, stride=2, padding=1, groups=2), (image, filters)),
        "aten::_scaled_dot_product_flash_attention_for_cpu": (lambda: sdpa(q, k, v), (q, k, v)),
    }
    for operator, (call, tensors) in calls.items():
        expected = sum(each.nbytes for each in (*tensors, call()))
        table = session(recorded(call, steps=2, record_shapes=True)).table.frame.set_index("operator")
        assert table.loc[operator, "moved_bytes"] == expected, operator
    transposed = lambda: torch.nn.functional.conv_transpose2d(image, up, stride=2, output_padding=1)  # noqa: E731
    table = session(recorded(transposed, steps=2, record_shapes=True)).table.frame.set_index("operator")
    assert table.loc["aten::convolution", "moved_bytes"] == image.nbytes + up.nbytes + transposed().nbytes
