"""Counters against what can be counted by hand."""

import pytest
import torch
from torch import nn

from tbp.bench import counters


def test_operators_are_counted_below_autograd():
    x = torch.ones(4)
    assert counters.operators(lambda: (x + 1) * 2) == 2


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


def test_model_bytes_grow_with_the_weights():
    small, large = (counters.model_bytes(nn.Linear(n, n, bias=False)) for n in (64, 128))
    assert large - small == pytest.approx(4 * (128**2 - 64**2), abs=64)
