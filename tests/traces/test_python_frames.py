"""Python functions and modules as frames around operators, and as groups of their time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.traces.differences.frame_difference import frame_difference
from tbp.traces.frames.frames import Frames
from tbp.traces.frames.groups import NO_LINE, NO_MODULE, by_line, by_module
from tbp.traces.frames.merging import merged, without_python
from tbp.traces.operators.operators import session
from tbp.traces.reading.trace import Trace

from ..flames import paths

TraceOf = Callable[..., Trace]
STEP = {"cat": "user_annotation"}
PYTHON = {"cat": "python_function"}
LAUNCH = {"cat": "cuda_runtime", "args": {"correlation": 1}}
KERNEL = {"cat": "kernel", "pid": 0, "tid": 7, "args": {"correlation": 1}}


def frames_of(trace: Trace) -> Frames:
    made = session(trace).frames
    assert made is not None
    return made


def self_us(frames: Frames) -> dict[str, float]:
    return dict(zip(paths(frames), frames.rows["self_ns"] / 1000, strict=True))


NET = [
    ("ProfilerStep#1", 0, 1_000, STEP),
    ("nn.Module: Net_0", 100, 500, PYTHON),
    ("net.py(5): forward", 110, 480, PYTHON),
    ("nn.Module: Linear_0", 120, 100, PYTHON),
    ("torch/nn/modules/linear.py(130): forward", 130, 80, PYTHON),
    ("aten::linear", 140, 50),
    ("aten::relu", 300, 100),
    ("nn.Module: Linear_1", 450, 100, PYTHON),
    ("aten::linear", 460, 60),
    ("aten::mul_", 700, 200),
]


def test_functions_and_modules_are_around_operators(trace_of: TraceOf) -> None:
    inner = "nn.Module: Net_0 > net.py(#1): forward > nn.Module: Linear_0"
    assert self_us(frames_of(trace_of(*NET))) == {
        "aten::mul_": 200,
        "nn.Module: Net_0": 20,
        "nn.Module: Net_0 > net.py(#1): forward": 180,
        "nn.Module: Net_0 > net.py(#1): forward > aten::relu": 100,
        inner: 20,
        f"{inner} > torch/nn/modules/linear.py(#1): forward": 30,
        f"{inner} > torch/nn/modules/linear.py(#1): forward > aten::linear": 50,
        "nn.Module: Net_0 > net.py(#1): forward > nn.Module: Linear_1": 40,
        "nn.Module: Net_0 > net.py(#1): forward > nn.Module: Linear_1 > aten::linear": 60,
    }
    recorded = {name for name in frames_of(trace_of(*NET)).rows["recorded"] if name}
    assert recorded == {"net.py(5): forward", "torch/nn/modules/linear.py(130): forward"}


def test_operators_keep_their_table(trace_of: TraceOf) -> None:
    without = [entry for entry in NET if PYTHON not in entry]
    assert session(trace_of(*NET)).table.frame.equals(session(trace_of(*without)).table.frame)


def test_a_function_that_opens_an_annotation_counts_up_to_it(trace_of: TraceOf) -> None:
    """``__enter__`` ends inside the annotation that it opens, ``__exit__`` behind the one that it closes."""
    trace = trace_of(
        ("t.py(1): f", 0, 100, PYTHON),
        ("t.py(2): __enter__", 10, 20, PYTHON),
        ("t.py(9): inner", 25, 3, PYTHON),
        ("block", 20, 50, STEP),
        ("t.py(3): __exit__", 60, 20, PYTHON),
    )
    assert self_us(frames_of(trace)) == {
        "t.py(#1): f": 30,
        "t.py(#1): f > t.py(#1): __enter__": 10,
        "t.py(#1): f > t.py(#1): __exit__": 10,
        "t.py(#1): f > block": 47,
        "t.py(#1): f > block > t.py(#1): inner": 3,
    }


def test_functions_that_go_on_behind_their_step_are_in_no_step(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("ProfilerStep#1", 0, 100, STEP),
        ("train.py(1): step", 50, 90, PYTHON),
        ("ProfilerStep#2", 120, 100, STEP),
        ("mm", 150, 10),
        ("train.py(9): main", -10, 400, PYTHON),
    )
    assert paths(frames_of(trace)) == ["mm"]


def test_a_kernel_that_a_function_launched_is_below_it(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("out.py(3): call", 0, 50, PYTHON), ("cuLaunchKernel", 10, 5, LAUNCH), ("triton_poi_add_0", 60, 30, KERNEL)
    )
    made = frames_of(trace)
    assert paths(made) == [
        "out.py(#1): call",
        "out.py(#1): call > cuLaunchKernel",
        "out.py(#1): call > triton_poi_add_#1",
    ]
    assert made.rows["device_ns"].sum() == 30_000
    assert session(trace).table.frame["self_device_us"].sum() == 30


def test_modules_and_lines_add_up_to_all_frames(trace_of: TraceOf) -> None:
    frames = frames_of(trace_of(*NET))
    modules = by_module(frames).set_index("operator")
    assert modules["self_us"].to_dict() == {
        "Net_0": 300,
        NO_MODULE: 200,
        "Net_0/Linear_0": 100,
        "Net_0/Linear_1": 100,
    }
    assert modules["total_us"].to_dict() == {"Net_0": 500, NO_MODULE: 200, "Net_0/Linear_0": 100, "Net_0/Linear_1": 100}
    assert modules["calls"].to_dict() == {"Net_0": 1, NO_MODULE: 0, "Net_0/Linear_0": 1, "Net_0/Linear_1": 1}
    lines = by_line(frames).set_index("operator")
    assert lines["self_us"].to_dict() == {"net.py(5): forward": 480, NO_LINE: 220}
    for groups in (modules, lines):
        assert groups["self_us"].sum() == frames.rows["self_ns"].sum() / 1000 == 700


def test_a_recursion_counts_its_time_once(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("a.py(1): f", 0, 100, PYTHON),
        ("a.py(5): g", 10, 80, PYTHON),
        ("a.py(1): f", 20, 50, PYTHON),
        ("mm", 30, 10),
    )
    lines = by_line(frames_of(trace)).set_index("operator")
    assert lines["total_us"].to_dict() == {"a.py(1): f": 100, "a.py(5): g": 80, NO_LINE: 0}
    assert lines["self_us"].to_dict() == {"a.py(1): f": 70, "a.py(5): g": 30, NO_LINE: 0}
    assert lines["calls"].to_dict() == {"a.py(1): f": 2, "a.py(5): g": 1, NO_LINE: 0}


def test_stacks_that_operators_carry_are_frames_too(trace_of: TraceOf) -> None:
    stack = "torch/nn/functional.py(9): linear;/v/site-packages/net.py(7): forward;train.py(3): <module>"
    hierarchy = "TOP(Net)::forward.SELF(Net)::_run.layer1(Sequential)::forward"
    trace = trace_of(
        ("aten::linear", 0, 50, {"args": {"Call stack": stack, "Module Hierarchy": hierarchy}}),
        ("aten::addmm", 10, 30, {"args": {"Call stack": stack}}),
        ("aten::relu", 60, 20, {"args": {"Call stack": "train.py(3): <module>"}}),
        ("aten::mm", 90, 5),
    )
    frames = frames_of(trace)
    function = "train.py(#1): <module> > net.py(#1): forward > torch/nn/functional.py(#1): linear"
    module = f"{function} > nn.Module: Net > nn.Module: layer1 (Sequential)"
    assert {path: us for path, us in self_us(frames).items() if us} == {
        f"{module} > aten::linear": 20,
        f"{module} > aten::linear > aten::addmm": 30,
        "train.py(#1): <module> > aten::relu": 20,
        "aten::mm": 5,
    }
    assert by_module(frames).set_index("operator")["self_us"].to_dict() == {
        "Net/layer1 (Sequential)": 50,
        NO_MODULE: 25,
        "Net": 0,
    }
    assert by_line(frames).set_index("operator")["self_us"].to_dict() == {
        "/v/site-packages/net.py(7): forward": 50,
        "train.py(3): <module>": 20,
        NO_LINE: 5,
    }


def test_sides_with_and_without_functions_compare_by_their_operators(trace_of: TraceOf) -> None:
    with_stack, plain = (frames_of(trace_of(*entries)) for entries in (NET, [e for e in NET if PYTHON not in e]))
    assert sorted(paths(without_python(with_stack))) == sorted(paths(plain))
    assert without_python(with_stack).rows["self_ns"].sum() == plain.rows["self_ns"].sum()
    both = frame_difference(with_stack, plain)
    assert set(paths(both)) == {"aten::linear", "aten::relu", "aten::mul_"}
    assert (both.total_us("after") - both.total_us("before")).tolist() == [0, 0, 0]
    assert set(paths(merged([with_stack, plain]))) == set(paths(plain))


def test_lines_that_moved_are_the_same_functions(trace_of: TraceOf) -> None:
    moved = [(name.replace("net.py(5)", "net.py(8)"), *rest) for name, *rest in NET]
    both = frame_difference(*(frames_of(trace_of(*entries)) for entries in (NET, moved)))
    assert (both.rows["calls_before"] == both.rows["calls_after"]).all()
    assert "net.py(8): forward" in set(both.rows["recorded"])


def test_a_recorded_program_adds_up_with_its_functions(recorded: Callable[..., Trace], tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 8))
    optimizer = torch.optim.SGD(model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        model(torch.rand(2, 8)).sum().backward()
        optimizer.step()

    frames = frames_of(recorded(step, steps=3, with_stack=True, with_modules=True))
    assert (frames.rows["self_ns"] >= 0).all()
    top_ns = frames.total_ns()[frames.parent == -1].sum()
    assert frames.rows["self_ns"].sum() == top_ns <= frames.step_ns
    modules = by_module(frames).set_index("operator")
    assert modules.loc[["Sequential_0/Linear_0", "Sequential_0/Linear_1"], "calls"].tolist() == [1, 1]
    for groups in (by_module(frames), by_line(frames)):
        assert groups["self_us"].sum() == pytest.approx(top_ns / 3 / 1000, rel=1e-12)
