"""Counters against what can be counted by hand."""

import gzip
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tbp.bench import counters

H200 = Path(__file__).parent.parent / "data" / "h200"


def test_operators_are_counted_below_autograd():
    x = torch.ones(4)
    assert counters.operators(lambda: (x + 1) * 2) == 2


def test_compiled_code_is_counted_and_not_the_eager_code_that_it_replaces():
    def two_operators(x: torch.Tensor) -> torch.Tensor:
        return x.sin().cos()

    compiled = torch.compile(two_operators, backend=lambda graph, inputs: lambda x: (x.neg(),))
    x = torch.ones(2)
    assert counters.dispatched(lambda: two_operators(x)) == {"aten::sin": 1, "aten::cos": 1}
    assert counters.dispatched(lambda: compiled(x)) == {"aten::neg": 1}


def test_dispatched_operators_tell_which_kernel_attention_took():
    q_BHSK = torch.ones(1, 1, 8, 4)

    def attend() -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(q_BHSK, q_BHSK, q_BHSK) + 1

    flash = "aten::_scaled_dot_product_flash_attention_for_cpu"
    assert counters.dispatched(attend) == {flash: 1, "aten::add": 1}
    with torch.inference_mode():  # attention is dispatched whole
        assert counters.dispatched(attend) == {counters.ATTENTION: 1, flash: 1, "aten::add": 1}
        assert counters.operators(attend) == 2


def test_memory_is_of_parameters_and_buffers_shared_ones_once():
    norm = nn.BatchNorm1d(4)  # weight, bias, mean and variance of 4 float32, and an int64
    assert counters.memory_bytes(nn.Sequential(norm, norm)) == 4 * 4 * 4 + 8


def test_the_peak_is_what_is_alive_at_once():
    x = torch.ones(1 << 18)  # 1 MiB, alive before: not counted

    def two_at_once() -> torch.Tensor:
        return (x + 1) * 2  # the sum lives until the product is made: 2 MiB

    def one_after_the_other() -> None:
        for _ in range(4):
            x.add(1)  # freed at once: 1 MiB

    # The scalars that torch wraps into tensors are a few bytes of their own.
    assert counters.peak_bytes(two_at_once, "cpu") == pytest.approx(2 << 20, abs=64)
    assert counters.peak_bytes(one_after_the_other, "cpu") == pytest.approx(1 << 20, abs=64)
    assert counters.peak_bytes(lambda: None, "cpu") == 0


def test_what_a_call_frees_of_the_one_before_makes_room():
    alive = []

    def replace_it() -> None:
        alive.clear()
        alive.append(torch.ones(1 << 18))  # 1 MiB, in the room of the one before

    assert [counters.peak_bytes(replace_it, "cpu") for _ in range(3)] == [0, 0, 0]


def test_peak_of_an_unknown_device_fails_loudly():
    with pytest.raises(ValueError, match="peak memory"):
        counters.peak_bytes(lambda: None, "tpu")


def test_cudas_peak_comes_from_its_allocator(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: asked.append("synchronize"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: asked.append("reset"))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 1000)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 5000)
    assert counters.peak_bytes(lambda: asked.append("call"), "cuda") == 4000
    assert asked == ["call", "synchronize", "reset", "call", "synchronize"]


def event(name: str, category: str, start_us: float, end_us: float) -> dict[str, object]:
    return {"name": name, "cat": category, "ts": start_us, "dur": end_us - start_us}


def test_a_steps_device_time_counts_overlapping_work_once():
    assert counters._busy_s_of_steps(
        [
            event("ProfilerStep#1", "user_annotation", 0, 100),
            event("ProfilerStep#2", "user_annotation", 100, 200),
            event("ProfilerStep#2", "gpu_user_annotation", 120, 190),  # the device's copy of the mark: no step
            event("before any step", "kernel", -50, -40),
            event("gemm", "kernel", 10, 40),
            event("copy on another stream", "gpu_memcpy", 30, 60),
            event("inside the copy", "kernel", 50, 55),
            event("aten::mm", "cpu_op", 0, 90),
            event("fill", "gpu_memset", 130, 140),
        ]
    ) == pytest.approx([50e-6, 10e-6])


@pytest.mark.parametrize(
    ("trace", "microseconds"),
    [
        ("cuda_graph", [228.6, 229.3, 229.3]),
        ("two_streams", [1600.4, 1530.0, 1479.5]),  # less than the sum, 2,683: a copy runs beside the products
        ("compiled_triton", [882.9, 884.6]),
    ],
)
def test_the_device_time_of_recorded_steps(trace: str, microseconds: list[float]):
    content = gzip.decompress((H200 / f"{trace}.pt.trace.json.gz").read_bytes())
    busy_s = counters._busy_s_of_steps(json.loads(content)["traceEvents"])
    assert [seconds * 1e6 for seconds in busy_s] == pytest.approx(microseconds, abs=0.1)


def test_model_bytes_grow_with_the_weights():
    small, large = (counters.model_bytes(nn.Linear(n, n, bias=False)) for n in (64, 128))
    assert large - small == pytest.approx(4 * (128**2 - 64**2), abs=64)
