"""Weights that GPUs have kernels for, as far as a CPU can multiply them: 2:4 sparsity and float8."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.sparse import _semi_structured_conversions as conversions

import benchmarks.on_cuda  # noqa: F401 - registers its workloads
import tbp.compression
import tbp.compression.semi_structured as semi_structured
from benchmarks.workloads import compressed_with_torchao
from tbp import bench
from tbp.bench import Skip, WrongResult
from tbp.bench.counters import memory_bytes
from tbp.bench.workloads import find

from ..torch_threads import one_thread  # noqa: F401 - a fixture
from .cuda_cases import CASE, SHAPE, checked


class TestCompressed:
    @pytest.fixture
    def sparse_tensor_cores(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """torch's own packing of 2:4 weights, unpacked again: it refuses what is not 2:4."""

        def stored(weight: torch.Tensor) -> torch.Tensor:
            packed = conversions.sparse_semi_structured_from_dense_cutlass(weight)
            return conversions.sparse_semi_structured_to_dense_cutlass(*packed)

        monkeypatch.setattr(semi_structured, "to_sparse_semi_structured", stored)
        monkeypatch.setattr(semi_structured, "_check", lambda weight: None)
        monkeypatch.setattr(bench, "require", lambda *_: None)

    @pytest.mark.usefixtures("sparse_tensor_cores")
    def test_two_of_four_weights_compute_their_own_function(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert 0.05 < checked("compressed_inference", "two_of_four_dense") < 0.6
        with pytest.raises(WrongResult, match="it takes less than 60% of the bytes"):  # the CPU's are unpacked again
            checked("compressed_inference", "two_of_four")
        monkeypatch.setattr("benchmarks.workloads.compressed_two_of_four.MOST_BYTES", 1.1)
        assert 0.05 < checked("compressed_inference", "two_of_four") < 0.6

    @pytest.mark.usefixtures("sparse_tensor_cores")
    def test_other_zeros_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tbp.compression, "prune_two_of_four", lambda model: tbp.compression.prune_model(model, 0.5))
        with pytest.raises(WrongResult, match="of every four neighbouring weights two are zeros"):
            checked("compressed_inference", "two_of_four_dense")

    def test_without_a_gpu_each_is_skipped_with_its_reason(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench, "require", lambda *_: None)
        with pytest.raises(Skip, match="2:4 sparsity needs a CUDA device; the weights are on cpu"):
            checked("compressed_inference", "two_of_four")
        pytest.importorskip("torchao")
        with pytest.raises(Skip, match=r"torchao cannot do float8_dynamic on cpu here: .*8\.9"):
            checked("compressed_inference", "float8")

    def test_a_cpu_without_amx_is_spared_the_compiler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compressed_with_torchao, "cpu_flags", lambda: frozenset({"avx512_vnni"}))
        with pytest.raises(Skip, match="this CPU has no AMX"):
            find("compressed_inference", "torchao_int8_compiled").build(CASE)

    def test_float8_weights_compute_the_dense_function(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """torch multiplies float8 on a CPU too, in its own way; only torchao refuses to."""
        hardware = pytest.importorskip("torchao.quantization.quant_api")
        monkeypatch.setattr(hardware, "_check_hardware_support", lambda granularity: None)
        monkeypatch.setattr(bench, "require", lambda *_: None)
        # Wide enough that the norms and biases, which stay as they are, are few.
        wide = dataclasses.replace(CASE, shape={**SHAPE, "d_model": 256})
        assert 1e-2 < checked("compressed_inference", "float8", wide) < 0.2
        step = find("compressed_inference", "float8").build(wide)
        assert step.module is not None
        dense = find("compressed_inference", "bfloat16").build(wide).module
        assert dense is not None
        assert memory_bytes(step.module) < 0.55 * memory_bytes(dense)

    def test_float8_that_stays_bfloat16_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench, "require", lambda *_: None)
        quantised = SimpleNamespace(engine="torchao", module=None)

        def same(model: nn.Module, scheme: str) -> SimpleNamespace:
            quantised.module = model
            return quantised

        monkeypatch.setattr(tbp.compression, "quantize_model_with_torchao", same)
        with pytest.raises(WrongResult, match=r"it takes less than|is in float8"):
            checked("compressed_inference", "float8")
