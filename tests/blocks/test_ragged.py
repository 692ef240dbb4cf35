"""Jagged nested tensors against each of their sequences alone."""

import pytest
import torch
from torch import Tensor

from tbp.blocks import MultiHeadAttention, RotaryEmbedding

D, H = 32, 4
LENGTHS = (5, 1, 9)


def ragged(dtype: torch.dtype = torch.float64) -> Tensor:
    torch.manual_seed(0)
    parts = [torch.randn(length, D, dtype=dtype) for length in LENGTHS]
    nested: Tensor = torch.nested.nested_tensor(parts, layout=torch.jagged)
    return nested


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", ["plain", "rotary", "window", "alibi"])
def test_each_sequence_attends_to_itself_alone(name: str, causal: bool) -> None:
    rotary = RotaryEmbedding(D // H) if name == "rotary" else None
    window = 2 if name == "window" else None
    attention = MultiHeadAttention(D, H, num_kv_heads=2, rotary=rotary, window=window, alibi=name == "alibi").double()
    nested = ragged()
    output = attention(nested, causal=causal)
    for got, x_SD in zip(output.unbind(), nested.unbind(), strict=True):
        expected, _ = attention(x_SD.unsqueeze(0), causal=causal, need_weights=True)
        torch.testing.assert_close(got, expected[0], rtol=0, atol=1e-12)


def test_gradients_reach_the_weights() -> None:
    attention, nested = MultiHeadAttention(D, H).double(), ragged()
    torch.autograd.backward(attention(nested).values().square().sum())
    got = attention.out_proj.weight.grad
    attention.zero_grad()
    torch.autograd.backward(sum(attention(x.unsqueeze(0)).square().sum() for x in nested.unbind()))
    torch.testing.assert_close(got, attention.out_proj.weight.grad)


def test_what_nested_input_cannot_have_is_refused() -> None:
    attention, nested = MultiHeadAttention(D, H), ragged(torch.float32)
    with pytest.raises(ValueError, match="without mask"):
        attention(nested, mask=torch.ones(1, 1, 1, 9, dtype=torch.bool))
    holes = torch.nested.nested_tensor_from_jagged(
        torch.randn(8, D), torch.tensor([0, 4, 8]), lengths=torch.tensor([2, 3])
    )
    with pytest.raises(ValueError, match="without holes"):
        attention(holes)
