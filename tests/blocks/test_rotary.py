"""Rotary positions and ALiBi against their papers' formulas and ``transformers``."""

import math

import pytest
import torch

from tbp.blocks import MultiHeadAttention, RotaryEmbedding
from tbp.blocks.rotary import alibi_slopes

D, H, K = 32, 4, 8


def test_pairs_are_turned_by_their_angle() -> None:
    x_BHSK = torch.randn(1, 1, 6, K, dtype=torch.float64)
    turned = RotaryEmbedding(K).double()(x_BHSK, first=3)
    for s in range(6):
        for i in range(K // 2):
            angle = (3 + s) / 10000 ** (2 * i / K)
            near, far = x_BHSK[0, 0, s, i].item(), x_BHSK[0, 0, s, i + K // 2].item()
            assert turned[0, 0, s, i].item() == pytest.approx(near * math.cos(angle) - far * math.sin(angle), abs=1e-14)
            other = near * math.sin(angle) + far * math.cos(angle)
            assert turned[0, 0, s, i + K // 2].item() == pytest.approx(other, abs=1e-14)


def test_equals_llamas_in_transformers() -> None:
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    q, k = torch.randn(2, H, 7, K), torch.randn(2, 2, 7, K)
    angle_SK = torch.arange(7)[:, None] / 10000 ** (torch.arange(0, K, 2) / K).repeat(2)
    expected = llama.apply_rotary_pos_emb(q, k, angle_SK.cos()[None], angle_SK.sin()[None])
    rotary = RotaryEmbedding(K)
    for got, want in zip((rotary(q), rotary(k)), expected, strict=True):
        # transformers' angles are float32, of up to 6.
        torch.testing.assert_close(got, want, rtol=0, atol=1e-5)


def test_scores_depend_on_the_distance_only() -> None:
    attention = MultiHeadAttention(D, H, rotary=RotaryEmbedding(K, max_len=40)).double()
    x_BSD = torch.randn(1, 30, D, dtype=torch.float64)
    with torch.inference_mode():
        _, at_start = attention(x_BSD, need_weights=True)
        cache = attention.cache(1, 40)
        attention(torch.zeros(1, 10, D, dtype=torch.float64), cache=cache)
        _, later = attention(x_BSD, cache=cache, need_weights=True)
    shifted = later[..., 10:]
    torch.testing.assert_close(shifted / shifted.sum(-1, keepdim=True), at_start)


def test_positions_past_the_table_and_other_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="5 positions exceed max_len=4"):
        RotaryEmbedding(K, max_len=4)(torch.randn(1, 1, 2, K), first=3)
    with pytest.raises(ValueError, match="8 wide, not 6"):
        RotaryEmbedding(K)(torch.randn(1, 1, 2, 6))
    with pytest.raises(ValueError, match="must be even"):
        RotaryEmbedding(7)
    with pytest.raises(ValueError, match="it must be 8"):
        MultiHeadAttention(D, H, rotary=RotaryEmbedding(4))


@pytest.mark.parametrize(
    ("heads", "slopes"),
    [
        (1, [2**-8]),
        (4, [2**-2, 2**-4, 2**-6, 2**-8]),
        (6, [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]),  # of the authors' code
    ],
)
def test_slopes_are_those_of_the_paper(heads: int, slopes: list[float]) -> None:
    assert alibi_slopes(heads).tolist() == pytest.approx(slopes)


@pytest.mark.parametrize("causal", [True, False])
def test_alibi_takes_slope_times_distance_from_the_scores(causal: bool) -> None:
    attention = MultiHeadAttention(D, H, alibi=True).double()
    plain = MultiHeadAttention(D, H).double()
    plain.load_state_dict(attention.state_dict())
    x_BSD = torch.randn(1, 5, D, dtype=torch.float64)
    _, without = plain(x_BSD, causal=causal, need_weights=True)
    _, weights = attention(x_BSD, causal=causal, need_weights=True)
    for head, slope in enumerate((2**-2, 2**-4, 2**-6, 2**-8)):
        for s in range(5):
            scaled = [without[0, head, s, t].item() * math.exp(-slope * abs(s - t)) for t in range(5)]
            expected = [share / sum(scaled) for share in scaled]
            assert weights[0, head, s].tolist() == pytest.approx(expected)
    expected_output, _ = attention(x_BSD, causal=causal, need_weights=True)
    torch.testing.assert_close(attention(x_BSD, causal=causal), expected_output, rtol=0, atol=1e-12)
