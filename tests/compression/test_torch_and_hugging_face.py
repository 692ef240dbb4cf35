"""torch's own Transformer layers and a small BERT through pruning, INT8 and low rank, against what they computed."""

# B batch, S query positions, T key positions, E model width, F hidden width, H heads

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tbp.compression import (
    LowRankLinear,
    ProjectedAttention,
    factorise_model,
    memory_bytes,
    prune_heads,
    prune_hidden_units,
    quantize_model,
    with_projected_attention,
)

B, S, T, E, H, F = 2, 5, 7, 32, 4, 64

pytest.importorskip("torch.ao.quantization", reason="this torch has no eager quantisation")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def torch_encoder() -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(E, H, F, batch_first=True)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))  # biases that matter
    return nn.TransformerEncoder(layer, 2).eval()


def bert() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=E, num_hidden_layers=2, num_attention_heads=H, intermediate_size=F, vocab_size=50, num_labels=3
    )
    model: nn.Module = transformers.BertForSequenceClassification(config).eval()
    return model


TOKENS = {"input_ids": torch.arange(B * S).view(B, S), "attention_mask": torch.ones(B, S, dtype=torch.long)}

EMBEDDED = torch.randn(B, S, E, generator=torch.Generator().manual_seed(0))


def logits(model: nn.Module) -> Tensor:
    output: Tensor = model(**TOKENS).logits
    return output


def encoded(model: nn.Module) -> Tensor:
    output: Tensor = model(EMBEDDED)
    return output


MODELS = pytest.mark.parametrize(("make", "run"), [(torch_encoder, encoded), (bert, logits)], ids=["torch", "bert"])


def cosine(a: Tensor, b: Tensor) -> float:
    return nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).item()


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("key_width", [None, 12])
@pytest.mark.parametrize("mask", ["none", "boolean", "additive", "per head"])
def test_a_projected_attention_is_torchs(batch_first: bool, key_width: int | None, mask: str) -> None:
    attention = nn.MultiheadAttention(E, H, kdim=key_width, vdim=key_width, batch_first=batch_first).eval()
    projected = ProjectedAttention(attention)
    hidden_ST = torch.rand(S, T) > 0.7
    hidden_ST[:, 0] = False
    masks = {
        "none": None,
        "boolean": hidden_ST,
        "additive": -3.0 * hidden_ST,
        "per head": hidden_ST.expand(B * H, S, T),
    }
    padding_BT = torch.zeros(B, T, dtype=torch.bool)
    padding_BT[0, -2:] = True
    query, key = torch.randn(B, S, E), torch.randn(B, T, key_width or E)
    inputs = (query, key, key) if batch_first else (query.transpose(0, 1), *(2 * [key.transpose(0, 1)]))
    for options in ({}, {"need_weights": False}, {"average_attn_weights": False}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # masks of two dtypes are what is tested
            expected = attention(*inputs, attn_mask=masks[mask], key_padding_mask=padding_BT, **options)
        computed = projected(*inputs, attn_mask=masks[mask], key_padding_mask=padding_BT, **options)
        torch.testing.assert_close(computed, expected, rtol=0, atol=1e-6)  # the same sums in another order


def test_an_unbatched_input_and_a_causal_hint_are_as_torchs() -> None:
    attention, x_SE = nn.MultiheadAttention(E, H).eval(), torch.randn(S, E)
    projected = ProjectedAttention(attention)
    torch.testing.assert_close(projected(x_SE, x_SE, x_SE), attention(x_SE, x_SE, x_SE), rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="pass the causal attn_mask too"):
        projected(x_SE, x_SE, x_SE, is_causal=True)


# torch's own encoder packs padded batches so; ours does not.
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage:UserWarning")
def test_an_encoder_with_projected_attention_computes_the_same_with_padding_too() -> None:
    model = torch_encoder()
    projected = with_projected_attention(copy.deepcopy(model))
    x_BSE = torch.randn(B, S, E)
    padding_BS = torch.zeros(B, S, dtype=torch.bool)
    padding_BS[0, 3:] = True
    for grad in (True, False):  # without, torch's own layers take their fused kernel
        with torch.set_grad_enabled(grad):
            torch.testing.assert_close(projected(x_BSE), model(x_BSE), rtol=0, atol=1e-5)
            padded = (m(x_BSE, src_key_padding_mask=padding_BS)[~padding_BS] for m in (projected, model))
            torch.testing.assert_close(*padded, rtol=0, atol=1e-5)


def test_what_cannot_be_taken_apart_is_left_alone() -> None:
    model = nn.Sequential(nn.MultiheadAttention(E, H, add_bias_kv=True))
    assert type(with_projected_attention(model)[0]) is nn.MultiheadAttention  # type: ignore[index]
    with pytest.raises(ValueError, match="cannot be taken apart"):
        ProjectedAttention(model[0])  # type: ignore[arg-type]


def test_frozen_weights_stay_frozen() -> None:
    attention = nn.MultiheadAttention(E, H).requires_grad_(False)
    with torch.no_grad():
        assert not any(parameter.requires_grad for parameter in ProjectedAttention(attention).parameters())
        trained = ProjectedAttention(nn.MultiheadAttention(E, H))
    assert all(parameter.requires_grad for parameter in trained.parameters())


@MODELS
@pytest.mark.parametrize("is_static", [True, False])
def test_every_linear_is_quantised(make: Callable[[], nn.Module], run: Callable[[nn.Module], Tensor], is_static: bool):
    model = make()
    before = run(model)
    example: Any = TOKENS if run is logits else EMBEDDED
    made = quantize_model(model, [example] if is_static else None)
    assert made.method == ("static" if is_static else "dynamic")
    assert made.linears == 2 * 6 + (2 if run is logits else 0)  # BERT's pooler and classifier
    assert not any(type(module) is nn.Linear for module in made.modules())
    assert cosine(run(made), before) > 0.999
    assert torch.equal(run(model), before)  # the model itself is as it was


@MODELS
def test_removed_units_and_heads_are_really_gone(make: Callable[[], nn.Module], run: Callable[[nn.Module], Tensor]):
    """Units and heads without any influence go, nothing else: the output stays, and the matrices are half as large."""
    model = make()
    layers = model.layers if run is encoded else model.bert.encoder.layer  # type: ignore[union-attr]
    silent = slice(0, E // 2)  # half of the heads
    with torch.no_grad():
        for layer in layers:  # type: ignore[union-attr]  # a ModuleList
            if run is encoded:
                down, out = layer.linear2, layer.self_attn.out_proj
            else:
                down, out = layer.output.dense, layer.attention.output.dense
            down.weight[:, : F // 2] = 0.0
            out.weight[:, silent] = 0.0
    before = run(model)
    pruned = prune_heads(prune_hidden_units(copy.deepcopy(model), 0.5), 0.5)
    torch.testing.assert_close(run(pruned), before, rtol=0, atol=1e-5)
    removed = 2 * (2 * E * F // 2 + F // 2 + 4 * E * E // 2 + 3 * E // 2)  # entries of two layers
    assert memory_bytes(model) - memory_bytes(pruned) == 4 * removed
    torch.autograd.backward(run(pruned.train()).square().mean())  # it can be fine-tuned
    assert quantize_model(pruned).linears >= 12


def test_an_attention_that_is_the_whole_model_comes_back_as_another() -> None:
    pruned = prune_heads(nn.MultiheadAttention(E, H), 0.5)
    x_SBE = torch.randn(S, B, E)
    assert isinstance(pruned, ProjectedAttention)
    assert pruned(x_SBE, x_SBE, x_SBE)[0].shape == x_SBE.shape
    with pytest.raises(ValueError, match=r"pass the \(S, T\) one"):
        pruned(x_SBE, x_SBE, x_SBE, attn_mask=torch.zeros(B * H, S, S))


@MODELS
def test_half_of_the_weights_stay_in_low_rank(
    make: Callable[[], nn.Module], run: Callable[[nn.Module], Tensor]
) -> None:
    model = make()
    weights = linear_weights(model)
    low = factorise_model(copy.deepcopy(model), 0.5)
    assert linear_weights(low) == pytest.approx(0.5 * weights, rel=0.03)  # ranks are whole numbers
    for linear in low.modules():
        if isinstance(linear, LowRankLinear):
            assert linear.rank < min(linear.in_features, linear.out_features)
    assert run(low).isfinite().all()
    assert quantize_model(low).linears >= 2 * 12


def linear_weights(model: nn.Module) -> int:
    projected = with_projected_attention(copy.deepcopy(model))
    return sum(module.weight.numel() for module in projected.modules() if isinstance(module, nn.Linear))


@pytest.mark.parametrize("shape", [(40, 24), (24, 40), (1, 5)])
@pytest.mark.parametrize("make", [torch.randn, torch.zeros, lambda *shape: torch.randn(shape[1]).expand(shape)])
def test_low_rank_is_as_near_as_the_singular_values_allow(make: Callable[..., Tensor], shape: tuple[int, int]) -> None:
    """Also of weights without any rank, or of rank 1."""
    linear = nn.Linear(*reversed(shape)).double()
    with torch.no_grad():
        linear.weight.copy_(make(*shape))
    rank = max(1, min(shape) // 3)
    low = LowRankLinear(linear, rank)
    apart = low.widen.weight @ low.narrow.weight - linear.weight
    left_out = torch.linalg.svdvals(linear.weight.detach())[rank:]
    torch.testing.assert_close(apart.norm(), left_out.norm(), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(low.widen.weight.norm(), low.narrow.weight.norm(), rtol=1e-9, atol=1e-9)


def test_low_rank_is_exact_where_the_weight_is_of_low_rank() -> None:
    linear = nn.Linear(12, 9)
    with torch.no_grad():
        linear.weight.copy_(torch.randn(9, 3) @ torch.randn(3, 12))
    x = torch.randn(4, 12)
    torch.testing.assert_close(LowRankLinear(linear, 3)(x), linear(x), rtol=0, atol=1e-5)
    assert (LowRankLinear(linear, 2)(x) - linear(x)).norm() > 0.01 * linear(x).norm()
    with pytest.raises(ValueError, match="must be from 1 to 9"):
        LowRankLinear(linear, 10)
    with pytest.raises(ValueError, match=r"must be in \(0, 1\]"):
        factorise_model(nn.Sequential(linear), 0.0)
    shared = nn.Sequential(linear, nn.ReLU(), nn.Linear(9, 12), linear)
    factorise_model(shared)
    assert shared[0] is shared[3]
