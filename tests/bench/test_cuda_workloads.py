"""Workloads for a GPU alone, as far as a CPU can run them: their kernels, graphs, precision and reasons to skip."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import benchmarks.on_cuda  # registers its workloads
from benchmarks.workloads import compiled, training_steps
from benchmarks.workloads.attention_backends import BACKENDS, CHOSEN, KINDS, variant_of
from tbp import bench
from tbp.bench import Case, Skip, WrongResult
from tbp.bench.workloads import find

from ..torch_threads import one_thread  # noqa: F401 - a fixture
from .cuda_cases import CASE, ON_CUDA, SHAPE, checked
from .recorded_graphs import RecordedGraph, record_graphs


class TestBackends:
    @pytest.mark.parametrize("kind", KINDS)
    def test_what_the_cpu_has_is_right_and_in_its_kernel(self, kind: str) -> None:
        for backend in ("math", "flash", CHOSEN):
            assert checked("attention_backends", variant_of(backend, kind)) < 1e-5, backend

    def test_what_it_has_not_is_skipped_with_the_kernel_and_the_kind(self) -> None:
        for backend in ("efficient", "cudnn"):
            sentence = f"{backend} attention does not take masked float32 here: this device has no such kernel"
            with pytest.raises(Skip, match=sentence):
                checked("attention_backends", f"{backend}_masked")

    def test_torchs_reasons_are_those_of_the_skip(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*tensors: object, **options: object) -> None:
            warnings.warn("Flash attention kernel not used because: (Triggered internally at a.cpp:1.)", stacklevel=1)
            warnings.warn("Flash Attention does not support non-null attn_mask. (Triggered at a.cpp:2.)", stacklevel=1)
            warnings.warn("CuDNN attention has been runtime disabled. (Triggered internally at b.h:3.)", stacklevel=1)
            raise RuntimeError("No available kernel. Aborting execution.")

        monkeypatch.setattr(F, "scaled_dot_product_attention", refused)
        with pytest.raises(Skip, match=r"float32 here: Flash Attention does not support non-null attn_mask\.$"):
            checked("attention_backends", "flash_masked")

    def test_another_error_is_no_skip(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*tensors: object, **options: object) -> None:
            raise RuntimeError("CUDA error: out of memory")

        monkeypatch.setattr(F, "scaled_dot_product_attention", fails)
        with pytest.raises(RuntimeError, match="out of memory"):
            checked("attention_backends", "flash")

    def test_another_kernel_than_the_pinned_one_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(BACKENDS, "flash", BACKENDS["math"])
        with pytest.raises(WrongResult, match="attention runs in the flash kernel"):
            checked("attention_backends", "flash")

    def test_every_kernel_stands_beside_math(self) -> None:
        declared = benchmarks.on_cuda.NightlyBackends.variants
        assert len(set(declared)) == len(KINDS) * (len(BACKENDS) + 1)
        for kind in KINDS:
            assert find("attention_backends", variant_of("cudnn", kind)).baseline == variant_of("math", kind)


@pytest.mark.parametrize("variant", ["grouped_query", "grouped_masked"])
def test_shared_keys_on_the_math_path_are_refused(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked("attention", variant) < 1e-5
    math = torch.nn.attention.SDPBackend.MATH
    attention = F.scaled_dot_product_attention

    def on_the_math_path(*tensors: Any, **options: Any) -> torch.Tensor:
        with torch.nn.attention.sdpa_kernel([math]):
            return attention(*tensors, **options)

    monkeypatch.setattr(F, "scaled_dot_product_attention", on_the_math_path)
    with pytest.raises(WrongResult, match="shared keys runs in a fused kernel"):
        checked("attention", variant)


class TestGraphs:
    @pytest.fixture
    def graphs(self, monkeypatch: pytest.MonkeyPatch) -> list[RecordedGraph]:
        return record_graphs(monkeypatch)

    @pytest.mark.parametrize(
        ("family", "variant"), [("layer", "pre_norm_graphed"), ("decode", "cached_graphed"), ("train_step", "graphed")]
    )
    def test_a_replay_computes_the_step(self, family: str, variant: str, graphs: list[RecordedGraph]) -> None:
        assert checked(family, variant, ON_CUDA) < 1e-5
        (graph,) = graphs
        assert graph.calls
        assert graph.replays > 2

    def test_a_step_in_bfloat16(self, graphs: list[RecordedGraph], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench, "require", lambda *_: None)
        monkeypatch.setattr("tbp.training.amp.autocast_in", lambda *_: lambda: torch.autocast("cpu", torch.bfloat16))
        assert checked("train_step", "amp_bfloat16_graphed", ON_CUDA) < 5e-2
        assert len(graphs) == 1

    def test_a_graph_that_does_not_train_is_refused(
        self, graphs: list[RecordedGraph], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def idle(model: nn.Module) -> torch.optim.AdamW:
            return torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0, fused=True)

        monkeypatch.setattr("benchmarks.workloads.train_step.CAPTURABLE", idle)
        with pytest.raises(WrongResult, match="does not train"):
            checked("train_step", "graphed", ON_CUDA)

    def test_a_graph_of_an_old_input_is_refused(
        self, graphs: list[RecordedGraph], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(training_steps, "_put", lambda model, values: None)  # no weights into the graph's memory
        with pytest.raises(WrongResult, match="of its output"):
            checked("train_step", "graphed", ON_CUDA)

    def test_a_value_read_back_cannot_be_recorded(self, graphs: list[RecordedGraph]) -> None:
        x = torch.ones(2)
        with pytest.raises(RuntimeError, match="not permitted"):
            bench.graphed(bench.Step(lambda: x * x.sum().item(), lambda: x), ON_CUDA)


class TestTf32:
    """The CPU has none: precision is read where a GPU would, and the result rounded as there."""

    @pytest.fixture(autouse=True)
    def capability(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")

    @pytest.fixture
    def tensor_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        linear = F.linear

        def rounded(x: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
            if torch.get_float32_matmul_precision() == "high" and x.dtype is torch.float32:
                bits = x.detach().view(torch.int32) & ~0x1FFF  # 13 of 23 bits are dropped
                x = x + (bits.view(torch.float32) - x.detach())
            return linear(x, *weights)

        monkeypatch.setattr(F, "linear", rounded)

    @pytest.mark.usefixtures("tensor_cores")
    @pytest.mark.parametrize(("family", "variant"), [("feed_forward", "gelu_tf32"), ("train_step", "tf32")])
    def test_it_is_on_for_this_variant_alone(self, family: str, variant: str) -> None:
        torch.set_float32_matmul_precision("highest")
        assert 1e-5 < checked(family, variant, ON_CUDA) < 2e-2
        assert torch.get_float32_matmul_precision() == "highest"
        baseline = find(family, variant).baseline
        assert baseline is not None
        assert checked(family, baseline) < 1e-5

    def test_float32_under_its_name_is_refused(self) -> None:
        with pytest.raises(WrongResult, match="its products are rounded to TF32"):
            checked("feed_forward", "gelu_tf32", ON_CUDA)

    def test_the_roof_and_the_facts_have_its_precision(self) -> None:
        step = find("feed_forward", "gelu_tf32").build(ON_CUDA)
        with step.within():
            assert torch.get_float32_matmul_precision() == "high"
        assert torch.get_float32_matmul_precision() == "highest"

    def test_a_gpu_without_it_is_skipped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
        with pytest.raises(Skip, match=r"a GPU has no TF32: compute capability 7\.5"):
            find("feed_forward", "gelu_tf32").build(ON_CUDA)
        with pytest.raises(Skip, match="TF32 is for float32 on CUDA"):
            find("feed_forward", "gelu_tf32").build(CASE)


class TestCompiled:
    @contextmanager
    def by(self, backend: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """torch.compile without a compiler: graphs are captured as ever, and run eager."""
        compile_as_torch = torch.compile
        with monkeypatch.context() as patch:
            patch.setattr(
                torch, "compile", lambda module, **_: compile_as_torch(module, fullgraph=True, backend=backend)
            )
            yield
        torch._dynamo.reset()

    @pytest.mark.parametrize(
        ("family", "variant"),
        [("layer", "pre_norm_compiled"), ("feed_forward", "gelu_compiled"), ("train_step", "compiled")],
    )
    def test_a_graph_is_made_and_right(self, family: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with self.by("eager", monkeypatch):
            assert checked(family, variant) < 1e-5

    def test_a_module_that_is_left_eager_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compiled, "whole", lambda module, **_: module)
        with pytest.raises(WrongResult, match=r"torch\.compile has made a graph of the module"):
            checked("layer", "pre_norm_compiled")

    def test_no_compiler_is_a_skip(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(graph: object, inputs: object) -> None:
            raise RuntimeError("no compiler")

        with (
            self.by(broken, monkeypatch),
            pytest.raises(Skip, match=r"torch\.compile fails here: BackendCompilerFailed"),
        ):
            checked("layer", "pre_norm_compiled")

    def test_a_fault_of_a_kernel_is_no_skip(self) -> None:
        def faulty() -> None:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

        with pytest.raises(RuntimeError, match="illegal memory access"):
            compiled.graphs_of(faulty)

    def test_graphs_of_torch_compile_are_for_cuda(self) -> None:
        with pytest.raises(Skip, match="on CUDA only"):
            checked("layer", "pre_norm_compiled_graphed")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("family", "variant"),
    [(suite.family, variant) for suite in vars(benchmarks.on_cuda).values() if hasattr(suite, "torchtime_step")
     for variant in suite.variants],
)  # fmt: skip
def test_a_gpu_runs_each_or_says_why_not(family: str, variant: str) -> None:
    shape = {**SHAPE, "batch": 8, "sequence_length": 64, "tokens": 512, "d_model": 256}
    for dtype in (torch.float32, torch.bfloat16) if family.startswith("attention") else (torch.float32,):
        try:
            checked(family, variant, Case(shape, dtype, "cuda"))
        except Skip as reason:
            pytest.skip(str(reason))
