"""The encoder against ``nn.TransformerEncoderLayer``, and with every attention it can be built from."""

from functools import partial

import pytest
import torch
from torch import nn

from tbp.blocks import (
    AttentionFactory,
    Encoder,
    EncoderLayer,
    MultiHeadAttention,
    NaiveMultiHeadAttention,
    causal_mask,
    converted,
    padding_mask,
)

B, S, D, H, F = 2, 6, 32, 4, 64


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("attention", [MultiHeadAttention, NaiveMultiHeadAttention])
def test_a_layer_equals_torchs(attention: AttentionFactory, pre_norm: bool, activation: str) -> None:
    assert activation in ("relu", "gelu")
    ours = EncoderLayer(
        D, H, F, activation="gelu" if activation == "gelu" else "relu", pre_norm=pre_norm, attention=attention
    ).eval()
    theirs = nn.TransformerEncoderLayer(D, H, F, activation=activation, batch_first=True, norm_first=pre_norm)
    with torch.no_grad():
        for norm in (theirs.norm1, theirs.norm2):  # away from the ones and zeros that hide a swap
            norm.weight.normal_()
            norm.bias.normal_()
    ours.load_state_dict(converted(theirs.eval().state_dict(), ours))
    # Requiring gradients keeps torch off its fused fast path, which zeroes padded positions.
    x_BSD = torch.randn(B, S, D, requires_grad=True)
    padding = padding_mask(torch.tensor([S, 4]), S)
    expected = theirs(x_BSD, src_mask=~causal_mask(S)[0, 0], src_key_padding_mask=~padding[:, 0, 0])
    # Layer norms rescale float32 rounding of about 1e-6; the norm weights here reach 3.
    torch.testing.assert_close(ours(x_BSD, padding, causal=True), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("pre_norm", [True, False])
def test_an_encoder_is_its_layers_and_a_last_norm(pre_norm: bool) -> None:
    encoder, x_BSD = Encoder(3, D, H, F, pre_norm=pre_norm).eval(), torch.randn(B, S, D)
    expected = x_BSD
    for layer in encoder.layers:
        expected = layer(expected, causal=True)
    if pre_norm:
        expected = nn.functional.layer_norm(expected, (D,))
    torch.testing.assert_close(encoder(x_BSD, causal=True), expected)


def test_attention_is_chosen_by_its_factory_and_weights_load_across() -> None:
    encoder, naive = Encoder(2, D, H, F).eval(), Encoder(2, D, H, F, attention=NaiveMultiHeadAttention).eval()
    naive.load_state_dict(encoder.state_dict())
    x_BSD, mask = torch.randn(B, S, D), padding_mask(torch.tensor([S, 4]), S)
    torch.testing.assert_close(naive(x_BSD, mask), encoder(x_BSD, mask), rtol=0, atol=1e-5)
    grouped = Encoder(1, D, H, F, activation="swiglu", attention=partial(MultiHeadAttention, num_kv_heads=2))
    assert grouped(x_BSD, mask, causal=True).shape == x_BSD.shape


def test_padding_does_not_reach_the_positions_before_it() -> None:
    encoder, x_BSD = Encoder(2, D, H, F).eval(), torch.randn(B, S, D)
    mask = padding_mask(torch.tensor([4, 4]), S)
    changed = x_BSD.clone()
    changed[:, 4:] += 1.0
    torch.testing.assert_close(encoder(x_BSD, mask)[:, :4], encoder(changed, mask)[:, :4])


def test_an_encoder_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="num_layers=0"):
        Encoder(0, D, H, F)


def test_compiles_whole() -> None:
    encoder, x_BSD = Encoder(2, D, H, F, activation="swiglu").eval(), torch.randn(B, S, D)
    torch._dynamo.reset()
    compiled = torch.compile(encoder, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x_BSD, causal=True), encoder(x_BSD, causal=True))


def test_exports_with_dynamic_batch_and_length() -> None:
    encoder, x_BSD = Encoder(2, D, H, F).eval(), torch.randn(B, S, D)
    dims = {0: torch.export.Dim("batch", min=2, max=64), 1: torch.export.Dim("length", min=2, max=128)}
    program = torch.export.export(
        encoder, (x_BSD,), kwargs={"causal": True}, dynamic_shapes={"x_BSD": dims, "causal": None}
    )
    longer = torch.randn(5, 17, D)
    torch.testing.assert_close(program.module()(longer, causal=True), encoder(longer, causal=True))


@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("branch", ["attention", "feed_forward"])
def test_dropout_acts_on_each_branch_before_the_residual(branch: str, pre_norm: bool) -> None:
    layer = EncoderLayer(D, H, F, dropout=0.5, pre_norm=pre_norm)
    with torch.no_grad():  # the branch gives ones, the other one zeros
        for parameter in (*layer.attention.parameters(), *layer.feed_forward.parameters()):
            parameter.zero_()
        last = layer.attention.out_proj if branch == "attention" else layer.feed_forward.down
        assert isinstance(last, nn.Linear)
        last.bias.fill_(1.0)
    if not pre_norm:  # its norms would scale the sums
        layer.attention_norm = layer.feed_forward_norm = nn.Identity()  # type: ignore[assignment]
    zeros = torch.zeros(1, 64, D)
    trained = layer.train()(zeros)
    assert set(trained.unique().tolist()) == {0.0, 2.0}
    assert 0.4 < (trained == 0).float().mean() < 0.6
    assert torch.equal(layer.eval()(zeros), torch.ones(1, 64, D))
    layer.dropout.train()  # as Monte Carlo dropout does, in a model that is in evaluation mode
    assert (layer(zeros) == 0).any()
