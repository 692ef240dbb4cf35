"""A step's calls merged by path: every nanosecond once, and none more below a frame than in it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tbp.traces.calls.host import host_tree
from tbp.traces.calls.kernels import NO_LAUNCH
from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.frames.backward import BACKWARD
from tbp.traces.frames.frames import MOST_DEPTH, Frames, pruned
from tbp.traces.frames.merging import merged
from tbp.traces.operators.operators import session
from tbp.traces.reading.categories import Category
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

from ..flames import frames, paths

TraceOf = Callable[..., Trace]
STEP = {"cat": "user_annotation"}


def frames_of(trace: Trace) -> Frames:
    return session(trace).frames


def numbers(found: Frames, column: str = "calls") -> dict[str, int]:
    return dict(zip(paths(found), found.rows[column].tolist(), strict=True))


def tree(rows: Mapping[str, tuple[int, int, int]], steps: int = 1, step_ns: int = 0) -> Frames:
    """Literal frames: path → (calls, self ns, device ns)."""
    return frames({path: ("operator", *row) for path, row in rows.items()}, steps, step_ns, 1)


def test_calls_merge_by_path_over_the_steps(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("ProfilerStep#1", 0, 100, STEP), ("block", 10, 60, STEP), ("mm", 20, 10), ("mm", 40, 10), ("empty", 42, 4),
        ("mm", 80, 5),
        ("ProfilerStep#2", 100, 100, STEP), ("block", 110, 60, STEP), ("mm", 120, 10),
        ("mm", 300, 50),
    )  # fmt: skip
    found = frames_of(trace)
    assert numbers(found) == {"block": 2, "mm": 1, "block > mm": 3, "block > mm > empty": 1}
    assert numbers(found, "self_ns") == {
        "block": 90_000,
        "mm": 5_000,
        "block > mm": 26_000,
        "block > mm > empty": 4_000,
    }
    assert dict(zip(found.rows["name"], found.rows["kind"], strict=True))["block"] == "annotation"
    assert found.total_ns().tolist()[0] == 120_000
    assert (found.steps, found.step_ns) == (2, 200_000)


def test_doubles_and_addresses_make_no_frames_of_their_own(trace_of: TraceOf) -> None:
    found = frames_of(trace_of(("f at 0x7f10", 0, 10), ("f at 0x7f10", 1, 8), ("g", 2, 5), ("f at 0x7f20", 20, 10)))
    assert numbers(found) == {"f": 2, "f > g": 1}
    assert numbers(found, "self_ns") == {"f": 15_000, "f > g": 5_000}


def test_kernels_are_leaves_of_the_operator_that_launched_them(trace_of: TraceOf) -> None:
    found = frames_of(
        trace_of(
            ("linear", 0, 30), ("mm", 5, 20),
            ("cudaLaunchKernel", 7, 5, {"cat": "cuda_runtime", "args": {"correlation": 1}}),
            ("cudaLaunchKernel", 14, 5, {"cat": "cuda_runtime", "args": {"correlation": 2}}),
            ("gemm", 50, 100, {"cat": "kernel", "tid": 7, "args": {"correlation": 1}}),
            ("gemm", 160, 100, {"cat": "kernel", "tid": 7, "args": {"correlation": 2}}),
            ("lost", 300, 7, {"cat": "kernel", "tid": 7, "args": {"correlation": 9}}),
        )
    )  # fmt: skip
    kernels = {path: ns for path, ns in numbers(found, "device_ns").items() if ns}
    assert kernels == {"linear > mm > gemm": 200_000, NO_LAUNCH: 7_000}
    assert found.total_ns("device")[0] == 200_000
    assert numbers(found)["linear > mm > gemm"] == 2
    assert set(found.rows["kind"]) == {"operator", "runtime", "device", "rest"}


def test_what_runs_deeper_than_is_told_is_put_together(trace_of: TraceOf) -> None:
    depth = MOST_DEPTH + 50
    found = frames_of(trace_of(*((f"n{level}", level, 2 * depth - 2 * level) for level in range(depth))))
    assert len(found.rows) == MOST_DEPTH + 1
    deepest = found.rows.iloc[-1]
    assert (deepest["kind"], deepest["merged"], deepest["calls"]) == ("smaller", 0, 50)
    assert found.total_ns()[0] == 2 * depth * 1000


def test_pruned_frames_stay_in_the_sums() -> None:
    calls_and_ns = {"a": (1, 0), "b": (1, 900), "a > c": (2, 60), "a > d": (3, 2), "a > d > e": (4, 1), "a > f": (5, 3)}
    found = tree({path: (*row, 0) for path, row in calls_and_ns.items()})
    less = pruned(found, least_share=0.01)
    assert numbers(less, "self_ns") == {"a": 0, "b": 900, "a > c": 60, "a > …": 6}
    assert numbers(less)["a > …"] == 3 + 4 + 5
    assert numbers(less, "merged")["a > …"] == 3
    again = pruned(less, least_share=0.1)
    assert numbers(again, "self_ns") == {"b": 900, "…": 66}
    assert numbers(again, "merged")["…"] == 5


def test_one_small_frame_alone_keeps_its_name() -> None:
    assert numbers(pruned(tree({"a": (1, 99, 0), "a > b": (1, 1, 0)}), least_share=0.1)) == {"a": 1, "a > b": 1}


def test_what_matters_on_the_device_only_stays() -> None:
    found = tree({"a": (1, 1, 0), "a > gemm": (1, 0, 500), "b": (1, 999, 0)})
    assert numbers(pruned(found, least_share=0.1)) == {"a": 1, "a > gemm": 1, "b": 1}


def test_at_most_so_many_frames_and_the_largest() -> None:
    found = tree({"a": (1, 5, 0), "b": (1, 50, 0), "c": (1, 10, 0), "b > d": (1, 20, 0)})
    assert numbers(pruned(found, most=2), "self_ns") == {"b": 50, "b > d": 20, "…": 15}


def test_the_mean_of_sessions_weighs_each_alike() -> None:
    one, other = tree({"a": (2, 100, 0)}, steps=1, step_ns=200), tree({"a": (3, 900, 0), "b": (3, 60, 0)}, 3, 900)
    mean = merged([one, other])
    per_step = {path: number / mean.steps for path, number in numbers(mean, "self_ns").items()}
    assert per_step == {"a": (100 + 300) / 2, "b": (0 + 20) / 2}
    assert (mean.step_ns / mean.steps, mean.sessions) == ((200 + 300) / 2, 2)


def test_the_tree_adds_up_to_the_operator_table(recorded: Callable[..., Trace]) -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    x = torch.rand(2, 8, 32)
    check_sums(recorded(lambda: layer(x).sum().backward(), steps=3))


def test_the_trees_of_real_traces_add_up(recordings: Path) -> None:
    found = sorted(recordings.glob("*/*.json.gz"))
    assert len(found) >= 10
    for path in found:
        check_sums(read_trace(path))


def check_sums(trace: Trace) -> None:
    """Host self and device time and calls, operator by operator, and every child inside its parent.

    With Python functions the self times add up to what they span: an operator may have called some.
    """
    found, table = frames_of(trace), session(trace).table.frame.set_index("operator")
    assert (host_tree(trace).self_ns >= 0).all()
    assert (found.rows["self_ns"] >= 0).all()
    has_python = (trace.category == Category.PYTHON).any()
    on_host = found.rows[found.rows["kind"].isin(["operator", "annotation", "runtime"])]
    on_host = on_host[on_host["name"] != BACKWARD]  # which stands for no event
    on_host = on_host.groupby("name")[["calls", "self_ns"]].sum()
    own = table.loc[table["calls"] > 0]
    if not has_python:
        self_us = on_host["self_ns"].sort_index() / found.steps / 1000
        pd.testing.assert_series_equal(self_us, own["self_us"].sort_index(), check_names=False, rtol=1e-12)
    assert found.rows["self_ns"].sum() == found.total_ns()[found.parent == NO_PARENT].sum()
    pd.testing.assert_series_equal(
        on_host["calls"].sort_index() / found.steps, own["calls"].sort_index(), check_names=False, rtol=1e-12
    )
    device_us = found.rows["device_ns"].sum() / found.steps / 1000
    assert device_us == pytest.approx(table["self_device_us"].sum(), rel=1e-12)
    for clock in ("host", "device"):
        total = found.total_ns(clock)
        below = np.zeros_like(total)
        inner = found.parent != NO_PARENT
        np.add.at(below, found.parent[inner], total[inner])
        assert (below <= total).all()


def test_a_million_calls_inside_each_other_are_read_in_bounds(trace_of: TraceOf) -> None:
    # Not a million here: what matters is that levels below the bound cost nothing each.
    depth = 20_000
    found = frames_of(trace_of(*((f"n{level % 7}", level, 2 * depth - 2 * level, None) for level in range(depth))))
    assert len(found.rows) == MOST_DEPTH + 1
