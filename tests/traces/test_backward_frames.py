"""Backward operators below the module, function or region of their forward operator."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.traces.differences.frame_difference import frame_difference
from tbp.traces.frames.backward import BACKWARD
from tbp.traces.frames.frames import Frames
from tbp.traces.frames.groups import NO_LINE, NO_MODULE, NO_REGION, by_line, by_module, by_region
from tbp.traces.frames.merging import without_backward
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

from ..flames import paths

TraceOf = Callable[..., Trace]
STEP = {"cat": "user_annotation"}
PYTHON = {"cat": "python_function"}
LINEAR_0, LINEAR_1 = "nn.Module: Linear_0", "nn.Module: Linear_1"


def forward(sequence: object, **keys: object) -> dict[str, Any]:
    return {"args": {"Sequence number": sequence, "Fwd thread id": 0}, **keys}


def backward(sequence: object, thread: object = 1, **keys: object) -> dict[str, Any]:
    """An event of autograd's own thread."""
    return {"tid": 2, "args": {"Sequence number": sequence, "Fwd thread id": thread}, **keys}


def frames_of(trace: Trace) -> Frames:
    made = session(trace).frames
    assert made is not None
    return made


def split(groups: Any, column: str = "self") -> dict[str, tuple[float, float]]:
    """(time, its part in the backward pass) of each group."""
    names = (f"{column}_us", f"{column}_backward_us")
    return dict(zip(groups["operator"], zip(*(groups[name] for name in names), strict=True), strict=True))


TRAINING = [
    ("ProfilerStep#1", 0, 1_000, STEP),
    ("nn.Module: Net_0", 0, 400, PYTHON),
    (LINEAR_0, 10, 100, PYTHON),
    ("aten::linear", 20, 80, forward(7)),
    ("aten::addmm", 30, 60, forward(7)),
    (LINEAR_1, 150, 100, PYTHON),
    ("aten::linear", 160, 80, forward(8)),
    ("aten::mse_loss", 420, 30, forward(9)),
    ("autograd::engine::evaluate_function: MseLossBackward0", 500, 20, backward(9)),
    ("autograd::engine::evaluate_function: AddmmBackward0", 530, 200, backward(8)),
    ("AddmmBackward0", 540, 150, backward(8)),
    ("aten::mm", 550, 100, {"tid": 2}),
    ("autograd::engine::evaluate_function: AddmmBackward0", 740, 50, backward(7)),
    ("autograd::engine::evaluate_function: torch::autograd::AccumulateGrad", 800, 10, {"tid": 2}),
]


def test_backward_operators_belong_to_the_module_of_their_forward_one(trace_of: TraceOf) -> None:
    frames = frames_of(trace_of(*TRAINING))
    groups = by_module(frames)
    assert split(groups) == {
        "Net_0": (200, 0),
        "Net_0/Linear_0": (150, 50),
        "Net_0/Linear_1": (300, 200),
        NO_MODULE: (60, 0),  # the loss with its backward pass, in no function, and AccumulateGrad
    }
    assert split(groups, "total") == {
        "Net_0": (650, 250),
        "Net_0/Linear_0": (150, 50),
        "Net_0/Linear_1": (300, 200),
        NO_MODULE: (60, 0),
    }
    assert groups["calls"].tolist() == [1, 1, 1, 0]
    assert groups["self_us"].sum() == frames.rows["self_ns"].sum() / 1000


def test_the_flame_graph_shows_what_backward_operators_are_of(trace_of: TraceOf) -> None:
    shown = {path for path in paths(frames_of(trace_of(*TRAINING))) if path.startswith(f"{BACKWARD} > nn.M")}
    start = f"{BACKWARD} > nn.Module: Net_0"
    engine = "autograd::engine::evaluate_function: AddmmBackward0"
    assert shown == {
        start,
        f"{start} > {LINEAR_1}",
        f"{start} > {LINEAR_0}",
        f"{start} > {LINEAR_1} > {engine}",
        f"{start} > {LINEAR_0} > {engine}",
        f"{start} > {LINEAR_1} > {engine} > AddmmBackward0",
        f"{start} > {LINEAR_1} > {engine} > AddmmBackward0 > aten::mm",
    }
    rows = frames_of(trace_of(*TRAINING)).rows
    added = rows["name"].isin([BACKWARD, LINEAR_0, LINEAR_1, "nn.Module: Net_0"]) & (rows["calls"] == 0)
    assert rows.loc[added, ["self_ns", "device_ns"]].to_numpy().sum() == 0
    assert added.sum() == 4


def test_the_table_of_operators_stays(trace_of: TraceOf) -> None:
    without = [entry for entry in TRAINING if PYTHON not in entry]
    assert session(trace_of(*TRAINING)).table.frame.equals(session(trace_of(*without)).table.frame)
    assert BACKWARD not in set(frames_of(trace_of(*without)).rows["name"])


def test_kernels_of_the_backward_pass_belong_to_the_module(trace_of: TraceOf) -> None:
    launch = {"tid": 2, "cat": "cuda_runtime", "args": {"correlation": 5}}
    kernel = {"cat": "kernel", "pid": 0, "tid": 7, "args": {"correlation": 5}}
    trace = trace_of(*TRAINING, ("cudaLaunchKernel", 560, 10, launch), ("gemm", 600, 70, kernel))
    assert split(by_module(frames_of(trace)), "self_device")["Net_0/Linear_1"] == (70, 70)


def test_on_the_thread_that_calls_backward_it_is_the_same(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("train.py(3): step", 0, 500, PYTHON),
        (LINEAR_0, 10, 100, PYTHON),
        ("aten::linear", 20, 80, forward(0)),
        ("torch/_tensor.py(9): backward", 200, 200, PYTHON),
        ("AddmmBackward0", 250, 100, backward(0, tid=1)),
    )
    assert split(by_module(frames_of(trace))) == {"Linear_0": (200, 100), NO_MODULE: (300, 0)}
    assert split(by_line(frames_of(trace)), "total")["train.py(3): step"] == (500, 0)


def test_lines_get_the_backward_pass_of_what_they_called(trace_of: TraceOf) -> None:
    """Without a module the functions themselves are the chain; a function in itself counts once."""
    trace = trace_of(
        ("train.py(3): step", 0, 500, PYTHON),
        ("net.py(7): attend", 10, 100, PYTHON),
        ("torch/nn/functional.py(1): softmax", 15, 90, PYTHON),
        ("aten::softmax", 20, 80, forward(3)),
        ("SoftmaxBackward0", 250, 100, backward(3, tid=1)),
    )
    lines = by_line(frames_of(trace))
    assert split(lines) == {"train.py(3): step": (300, 0), "net.py(7): attend": (200, 100), NO_LINE: (0, 0)}
    assert split(lines, "total") == {
        "train.py(3): step": (500, 100),
        "net.py(7): attend": (200, 100),
        NO_LINE: (0, 0),
    }


@pytest.mark.parametrize("thread_of_linear_1", [3, 4])
def test_threads_that_count_alike_are_told_apart(trace_of: TraceOf, thread_of_linear_1: int) -> None:
    """Two forward threads with the numbers 1 and 2 each; the recorder calls them 1 and 5, in this order."""
    other = {"tid": thread_of_linear_1}
    trace = trace_of(
        (LINEAR_0, 0, 100, PYTHON),
        ("aten::linear", 10, 20, forward(1)),
        ("aten::relu", 40, 20, forward(2)),
        ("aten::tanh", 70, 20, forward(3)),
        (LINEAR_1, 0, 100, PYTHON | other),
        ("aten::linear", 10, 20, forward(1, **other)),
        ("aten::relu", 40, 20, forward(4, **other)),
        ("TanhBackward0", 200, 7, backward(3, 1)),
        ("ReluBackward0", 210, 5, backward(2, 1)),
        ("AddmmBackward0", 220, 3, backward(1, 1)),
        ("ReluBackward0", 230, 2, backward(4, 5)),
        ("AddmmBackward0", 240, 1, backward(1, 5)),
    )
    assert split(by_module(frames_of(trace))) == {"Linear_0": (115, 15), "Linear_1": (103, 3), NO_MODULE: (0, 0)}


def test_numbers_belong_to_a_process(trace_of: TraceOf) -> None:
    other = {"pid": 2}
    trace = trace_of(
        (LINEAR_0, 0, 100, PYTHON),
        ("aten::linear", 10, 20, forward(1)),
        (LINEAR_1, 5, 100, PYTHON | other),
        ("aten::linear", 15, 20, forward(1, **other)),
        ("AddmmBackward0", 220, 3, backward(1)),
        ("AddmmBackward0", 220, 4, backward(1, **other)),
    )
    assert split(by_module(frames_of(trace))) == {"Linear_0": (103, 3), "Linear_1": (104, 4), NO_MODULE: (0, 0)}


def test_the_last_with_the_number_is_the_forward_operator(trace_of: TraceOf) -> None:
    """An operator that needs no gradient has the number of the next that does; one of the next step comes too late."""
    trace = trace_of(
        (LINEAR_0, 0, 100, PYTHON),
        ("aten::detach", 10, 20, forward(1)),
        (LINEAR_1, 200, 100, PYTHON),
        ("aten::linear", 210, 20, forward(1)),
        ("AddmmBackward0", 400, 50, backward(1)),
        ("nn.Module: Late_0", 500, 100, PYTHON),
        ("aten::linear", 510, 20, forward(1)),
    )
    assert split(by_module(frames_of(trace)))["Linear_1"] == (150, 50)


def test_an_operator_behind_the_backward_pass_is_no_forward_one(trace_of: TraceOf) -> None:
    """As in a trace that begins between the two passes."""
    trace = trace_of(
        ("AddmmBackward0", 0, 50, backward(1)), (LINEAR_0, 100, 100, PYTHON), ("aten::linear", 110, 20, forward(1))
    )
    assert split(by_module(frames_of(trace))) == {"Linear_0": (100, 0), NO_MODULE: (50, 0)}


@pytest.mark.parametrize("number", ["1", 1.5, -1, 2**31, 2**64, None])
def test_a_number_that_is_none_links_nothing_and_loses_nothing(trace_of: TraceOf, number: object) -> None:
    trace = trace_of(
        (LINEAR_0, 0, 100, PYTHON),
        ("aten::linear", 10, 20, forward(number)),
        ("AddmmBackward0", 400, 50, backward(number, 1)),
        ("x", 500, 1, backward(1, number)),
    )
    assert not trace.losses
    assert split(by_module(frames_of(trace))) == {"Linear_0": (100, 0), NO_MODULE: (51, 0)}


def test_stacks_that_operators_carry_hold_for_their_backward_pass(trace_of: TraceOf) -> None:
    stack = "torch/nn/functional.py(9): linear;net.py(7): forward;train.py(3): <module>"
    linear = forward(4)
    linear["args"]["Call stack"] = stack
    trace = trace_of(
        ("ProfilerStep#1", 0, 200, STEP),
        ("aten::linear", 0, 50, linear),
        ("aten::addmm", 10, 20, forward(4)),
        ("AddmmBackward0", 100, 20, backward(4)),
    )
    assert split(by_line(frames_of(trace)))["net.py(7): forward"] == (70, 20)
    assert f"{BACKWARD} > train.py(#1): <module> > net.py(#1): forward > AddmmBackward0" in paths(frames_of(trace))


def test_the_backward_graph_is_in_the_region_that_was_compiled(trace_of: TraceOf) -> None:
    trace = trace_of(
        ("Torch-Compiled Region: 0/0", 0, 100),
        ("CompiledFunction", 10, 80, forward(2)),
        ("## Call CompiledFxGraph fabc ##", 20, 50, STEP),
        ("CompiledFunctionBackward", 200, 60, backward(2)),
        ("## Call CompiledFxGraph fxyz ##", 210, 40, STEP | {"tid": 2}),
    )
    assert split(by_region(frames_of(trace))) == {
        "Torch-Compiled Region: #1": (70, 20),
        "Torch-Compiled Region: #1/## Call CompiledFxGraph #1 ##": (50, 0),
        "Torch-Compiled Region: #1/## Call CompiledFxGraph #2 ##": (40, 40),
        NO_REGION: (0, 0),
    }


def test_a_side_without_these_frames_is_compared_without(trace_of: TraceOf) -> None:
    """Stored operator tables of an earlier version have none."""
    new = frames_of(trace_of(*TRAINING))
    old = without_backward(new)
    assert old.rows["self_ns"].sum() == new.rows["self_ns"].sum()
    assert "autograd::engine::evaluate_function: AddmmBackward0" in paths(old)
    rows = frame_difference(old, new).rows
    assert (rows["calls_before"] == rows["calls_after"]).all()
    assert (rows["self_before_us"] == rows["self_after_us"]).all()


def test_a_recorded_training_step_gives_its_backward_pass_to_its_modules(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Linear(16, 32), torch.nn.Linear(32, 4)

        def forward(self, x: Any) -> Any:
            return self.second(torch.relu(self.first(x)))

    net, x = Net(), torch.randn(8, 16)
    path, profiler = tmp_path / "training.json", torch.profiler
    with profiler.profile(
        activities=[profiler.ProfilerActivity.CPU],
        with_stack=True,
        with_modules=True,
        schedule=profiler.schedule(wait=0, warmup=1, active=2, repeat=1),
        on_trace_ready=lambda profile: profile.export_chrome_trace(str(path)),
    ) as profile:
        for _ in range(3):
            net(x).sum().backward()
            profile.step()
    frames = frames_of(read_trace(path))
    groups = by_module(frames).set_index("operator")
    modules = {name.rpartition("/")[2].rpartition("_")[0]: name for name in groups.index}
    linears = [name for name in groups.index if "Linear" in name]
    assert len(linears) == 2
    for name in [*linears, modules["Net"]]:  # relu's is Net's own
        assert 0 < groups.loc[name, "self_backward_us"] < groups.loc[name, "self_us"]
    of_net = groups.loc[modules["Net"]]
    assert of_net["total_backward_us"] == pytest.approx(
        groups.loc[[modules["Net"], *linears], "self_backward_us"].sum()
    )
    names, engine = paths(frames), "autograd::engine::evaluate_function: AddmmBackward0"
    assert (
        sum(name.endswith(engine) for name in names) == 2 == sum("Linear_" in n and n.endswith(engine) for n in names)
    )
