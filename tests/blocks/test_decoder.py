"""The decoder against ``nn.TransformerDecoderLayer``, at once and one token at a time."""

import pytest
import torch
from torch import nn

from tbp.blocks import Decoder, DecoderLayer, converted, padding_mask

B, S, T, D, H, F = 2, 6, 7, 32, 4, 48


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("pre_norm", [True, False])
def test_a_layer_equals_torchs(pre_norm: bool) -> None:
    theirs = nn.TransformerDecoderLayer(D, H, F, activation="gelu", batch_first=True, norm_first=pre_norm).eval()
    with torch.no_grad():
        for norm in (theirs.norm1, theirs.norm2, theirs.norm3):  # away from the ones and zeros that hide a swap
            norm.weight.normal_()
            norm.bias.normal_()
    ours = DecoderLayer(D, H, F, activation="gelu", pre_norm=pre_norm).eval()
    ours.load_state_dict(converted(theirs.state_dict(), ours))
    x_BSD, memory_BTD = torch.randn(B, S, D), torch.randn(B, T, D)
    padding, memory_padding = padding_mask(torch.tensor([S, 4]), S), padding_mask(torch.tensor([3, T]), T)
    expected = theirs(
        x_BSD,
        memory_BTD,
        tgt_mask=torch.ones(S, S, dtype=torch.bool).triu(1),
        tgt_key_padding_mask=~padding[:, 0, 0],
        memory_key_padding_mask=~memory_padding[:, 0, 0],
    )
    # Layer norms rescale float32 rounding of about 1e-6; the norm weights here reach 3.
    torch.testing.assert_close(ours(x_BSD, memory_BTD, padding, memory_padding), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("pre_norm", [True, False])
def test_token_by_token_equals_at_once(pre_norm: bool) -> None:
    decoder = Decoder(2, D, H, F, pre_norm=pre_norm, num_kv_heads=2).double().eval()
    x_BSD, memory_BTD = torch.randn(B, S, D).double(), torch.randn(B, T, D).double()
    memory_mask = padding_mask(torch.tensor([3, T]), T)
    expected = decoder(x_BSD, memory_BTD, memory_mask=memory_mask)
    with torch.inference_mode():
        caches = decoder.caches(memory_BTD, S)
        parts = [
            decoder(x_BSD[:, first:last], memory_BTD, memory_mask=memory_mask, caches=caches)
            for first, last in ((0, 3), (3, 4), (4, 5), (5, 6))
        ]
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, rtol=0, atol=1e-12)


def test_a_pre_norm_decoder_ends_in_a_norm() -> None:
    decoder, x_BSD, memory_BTD = Decoder(2, D, H, F).eval(), torch.randn(B, S, D), torch.randn(B, T, D)
    expected = x_BSD
    for layer in decoder.layers:
        expected = layer(expected, memory_BTD)
    torch.testing.assert_close(decoder(x_BSD, memory_BTD), nn.functional.layer_norm(expected, (D,)))


def test_a_decoder_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="num_layers=0"):
        Decoder(0, D, H, F)
