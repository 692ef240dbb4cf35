"""Kernels that Inductor generated, and the regions of torch.compile, by their source."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.traces.calls.generated import Generated, generated
from tbp.traces.frames.groups import by_region
from tbp.traces.operators.operators import merged_table, session
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

from ..trace_events import event

TraceOf = Callable[..., Trace]
Run = Callable[..., tuple[int, str, str]]
STEP = {"cat": "user_annotation"}
PYTHON = {"cat": "python_function"}


@pytest.mark.parametrize(
    ("name", "kind", "fuses"),
    [
        ("triton_poi_fused_add_relu_0", "pointwise", "add relu"),
        ("triton_poi_fused__to_copy_add_7", "pointwise", "_to_copy add"),
        ("triton_red_fused_native_dropout_backward_sum_view_5", "reduction", "native_dropout_backward sum view"),
        (
            "triton_per_fused_add_addmm_native_dropout_native_layer_norm_native_layer_norm_backward_view_3",
            "persistent reduction",
            "add addmm native_dropout native_layer_norm native_layer_norm_backward view",
        ),
        ("triton_per_fused__log_softmax_nll_loss_forward_5", "persistent reduction", "_log_softmax nll_loss_forward"),
        ("triton_poi_fused_add_cos_sin_0", "pointwise", "add cos sin"),
        ("triton_poi_fused_add_#1", "pointwise", "add"),  # as it compares between runs
        ("triton_poi_fused_add_#12'", "pointwise", "add"),
        ("triton_poi_fused_add_0_0d1d2de", "pointwise", "add"),
        ("triton_tem_fused_mm_relu_2", "template", "mm relu"),
        ("triton_new_fused_mm_2", "new", "mm"),  # a kind of a later version
        ("cpp_fused__softmax_mul_0", "cpp", "_softmax mul"),
        ("graph_0_cpp_fused_add_3", "cpp", "add"),
        ("triton_poi_fused__mine_add_0", "pointwise", "_mine add"),  # an unknown name keeps its sign
    ],
)
def test_a_name_tells_what_its_kernel_fuses(name: str, kind: str, fuses: str) -> None:
    assert generated(name) == Generated(kind, tuple(fuses.split()))


@pytest.mark.parametrize(
    "name",
    ["triton_", "triton_poi_fused_0", "add_kernel_0d1d2d", "triton_mm_3", "aten::add", "", "my_triton_poi_fused_add_0",
     "triton_poi_fused_add", "triton_poi_fused_" + "add_" * 500 + "0"],
)  # fmt: skip
def test_other_names_tell_nothing(name: str) -> None:
    assert generated(name) is None


def test_names_of_torch_are_told_apart() -> None:
    """Names of random sets of operators as Inductor joins them, but for those whose words are operators too."""
    pytest.importorskip("torch")
    import torch

    from tbp.traces.calls.generated import _SEVERAL_WORDS

    missing = {name for name in _SEVERAL_WORDS if not hasattr(torch.ops.aten, name)}
    assert not missing
    chosen, drawn = (
        sorted({*_SEVERAL_WORDS, "add", "mul", "relu", "sum", "view", "mean", "rsqrt", "cat"}),
        random.Random(5),
    )
    right = 0
    for _ in range(500):
        operators = sorted(drawn.sample(chosen, drawn.randint(1, 6)))
        made = generated(f"triton_poi_fused_{'_'.join(operators)}_{drawn.randint(0, 99)}")
        right += made is not None and list(made.fuses) == operators
    assert right >= 495


def kernel_call(name: str, at: float, path: object) -> dict[str, object]:
    return event(name, at, 20, {"args": {"kernel_file": path, "kernel_backend": "triton"}})


def test_the_file_of_a_generated_kernel_is_kept(write: Callable[..., Path], run: Run) -> None:
    path = "/tmp/torchinductor_me/ab/cab.py"
    file = write([kernel_call("triton_poi_fused_add_relu_3", 0, path), event("aten::mm", 50, 10)])
    table = session(read_trace(file)).table
    sources = table.frame.set_index("operator")["source"].to_dict()
    assert sources == {"triton_poi_fused_add_relu_#1": path, "aten::mm": ""}
    assert merged_table([table, table]).frame.set_index("operator")["source"].to_dict() == sources
    _, out, _ = run("hotspots", file)
    assert "recorded as triton_poi_fused_add_relu_3" in out
    assert "pointwise, fuses add, relu" in out
    assert f"generated in {path}" in out
    _, out, _ = run("hotspots", file, "--json")
    row = json.loads(out)["hotspots"][0]["operators"][0]
    assert (row["fuses"], row["source"]) == ("pointwise, fuses add, relu", path)


@pytest.mark.parametrize("path", ["", None, 5, ["a"], {"a": 1}, "x" * 5_000])
def test_a_file_of_no_use_loses_nothing(write: Callable[..., Path], path: object) -> None:
    trace = read_trace(write([kernel_call("triton_poi_fused_add_0", 0, path)]))
    assert len(trace) == 1
    assert not trace.losses
    assert len(trace.sources.get("triton_poi_fused_add_0", "")) < 20


def test_a_kernel_of_the_device_tells_it_too(write: Callable[..., Path], run: Run) -> None:
    kernel = {"cat": "kernel", "pid": 0, "tid": 7, "args": {"correlation": 1}}
    launch = {"cat": "cuda_runtime", "args": {"correlation": 1}}
    file = write(
        [event("mine", 0, 50), event("cuLaunchKernel", 10, 5, launch), event("triton_red_fused_mean_0", 60, 9, kernel)]
    )
    _, out, _ = run("hotspots", file)
    assert "reduction, fuses mean" in out
    _, out, _ = run("hotspots", file, "--json")
    assert json.loads(out)["hotspots"][0]["device"]["kernels"][0]["fuses"] == "reduction, fuses mean"


def test_a_region_is_named_by_the_function_and_modules_around_it(write: Callable[..., Path], run: Run) -> None:
    file = write(
        [
            event("nn.Module: Net_0", 0, 200, PYTHON),
            event("net.py(7): forward", 10, 180, PYTHON),
            event("torch/_dynamo/eval_frame.py(5): compile_wrapper", 20, 160, PYTHON),
            event("Torch-Compiled Region: 0/0", 30, 100, STEP),
            event("## Call CompiledFxGraph fabc ##", 40, 50, STEP),
        ]
    )
    made = session(read_trace(file)).frames
    assert made is not None
    sources = by_region(made).set_index("operator")["source"]
    assert sources["Torch-Compiled Region: #1"] == "net.py(7): forward in Net_0"
    assert sources["Torch-Compiled Region: #1/## Call CompiledFxGraph #1 ##"] == "net.py(7): forward in Net_0"
    assert sources["(not compiled)"] == ""
    _, out, _ = run("hotspots", file, "--group-by", "region")
    assert "compiled from net.py(7): forward in Net_0" in out


def test_a_region_is_opened_before_the_function_that_it_was_compiled_from(trace_of: TraceOf) -> None:
    made = session(
        trace_of(
            ("train.py(3): step", 0, 300, PYTHON),
            ("nn.Module: Net_0", 5, 200, PYTHON),
            ("Torch-Compiled Region: 0/0", 30, 100, STEP),
            ("torch/_dynamo/eval_frame.py(5): inner", 31, 98, PYTHON),
            ("net.py(7): forward", 32, 90, PYTHON),
            ("## Call CompiledFxGraph fabc ##", 40, 50, STEP),
        )
    ).frames
    assert made is not None
    sources = by_region(made).set_index("operator")["source"]
    assert sources["Torch-Compiled Region: #1"] == "net.py(7): forward in Net_0"
    assert sources["Torch-Compiled Region: #1/## Call CompiledFxGraph #1 ##"] == "net.py(7): forward in Net_0"


def test_without_stacks_a_region_has_no_source(trace_of: TraceOf) -> None:
    made = session(trace_of(("Torch-Compiled Region: 0/0", 30, 100, STEP))).frames
    assert made is not None
    assert by_region(made)["source"].tolist() == ["", ""]


def test_a_recorded_step_tells_its_kernels(run: Run) -> None:
    """A training step through torch.compile on an H200."""
    file = Path(__file__).parents[1] / "data/h200/compiled_triton.pt.trace.json.gz"
    frame = session(read_trace(file)).table.frame
    kernels = frame[frame["operator"].str.startswith("triton")]
    assert len(kernels) == 20
    assert kernels["source"].str.fullmatch(r"/tmp/torchinductor_root/../c[a-z2-7]+\.py").all()
    assert all(generated(name) is not None for name in kernels["operator"])
