"""Sliding windows: in blocks against one mask over all positions, and memory that grows with the window."""

import pytest
import torch

from tbp.bench.counters import peak_bytes
from tbp.blocks import MultiHeadAttention, window_mask

D, H, W = 32, 4, 3


# From four windows on in blocks: whole ones and parts, as wide as the window and narrower.
@pytest.mark.parametrize(("window", "length"), [(W, 12), (W, 13), (W, 14), (W, 30), (70, 300)])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("num_kv_heads", [4, 2])
def test_blocks_equal_one_mask(num_kv_heads: int, causal: bool, window: int, length: int) -> None:
    torch.manual_seed(0)
    attention = MultiHeadAttention(D, H, num_kv_heads=num_kv_heads, window=window).double()
    unlimited = MultiHeadAttention(D, H, num_kv_heads=num_kv_heads).double()
    unlimited.load_state_dict(attention.state_dict())
    x_BSD = torch.randn(2, length, D, dtype=torch.float64, requires_grad=True)
    positions = torch.arange(length)
    distance = positions[:, None] - positions
    near = (distance.abs() < window) & (distance >= 0 if causal else True)
    expected = unlimited(x_BSD, x_BSD, x_BSD, near[None, None], need_weights=True)[0]
    got = attention(x_BSD, x_BSD, x_BSD, causal=causal)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)
    (grad_got,), (grad_expected,) = (torch.autograd.grad(output.square().sum(), (x_BSD,)) for output in (got, expected))
    torch.testing.assert_close(grad_got, grad_expected, rtol=1e-10, atol=1e-10)


def test_a_window_comes_together_with_a_mask() -> None:
    attention, x_BSD = MultiHeadAttention(D, H, window=W).double(), torch.randn(2, 20, D, dtype=torch.float64)
    mask = torch.rand(2, 1, 20, 20) > 0.3
    expected, _ = attention(x_BSD, mask=mask, causal=True, need_weights=True)
    torch.testing.assert_close(attention(x_BSD, mask=mask, causal=True), expected, rtol=0, atol=1e-12)


def test_the_mask_has_a_window_on_each_side() -> None:
    assert window_mask(4, 2)[0, 0].int().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    assert window_mask(3, 2, causal=False)[0, 0].int().tolist() == [[1, 1, 0], [1, 1, 1], [0, 1, 1]]
    assert window_mask(2, 2, cached=2)[0, 0].int().tolist() == [[0, 1, 1, 0], [0, 0, 1, 1]]


def test_peak_memory_grows_with_the_window_and_not_with_the_square() -> None:
    attention, x_BSD = MultiHeadAttention(D, H, window=16).eval(), torch.randn(1, 2048, D)
    with torch.inference_mode():
        peak = peak_bytes(lambda: attention(x_BSD, causal=True), "cpu")
    # A boolean mask of 2048² would be 4.2 MB and its float form four times that; this takes 2.6 MB in all.
    assert peak < 2048**2


def test_a_window_of_nothing_and_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="window=0"):
        MultiHeadAttention(D, H, window=0)
    with pytest.raises(ValueError, match="need as many queries as keys"):
        MultiHeadAttention(D, H, window=2)(torch.randn(1, 3, D), torch.randn(1, 4, D))
