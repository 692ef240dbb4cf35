"""Zeros against ``torch.nn.utils.prune``; removed units against the same units silenced in the whole model."""

# B batch, S sequence positions, D model width, F hidden width, H heads

import copy
import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from tbp.blocks import Activation, Encoder, FeedForward, MultiHeadAttention
from tbp.compression import (
    checkpoint_bytes,
    memory_bytes,
    prunable_weights,
    prune_heads,
    prune_hidden_units,
    prune_model,
    sparsity,
)

B, S, D, F, H = 2, 5, 32, 48, 8


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def silence(linear: nn.Linear, columns: list[int]) -> None:
    with torch.no_grad():
        linear.weight[:, columns] = 0.0


@pytest.mark.parametrize("ratio", [0.0, 0.3, 0.7])
def test_zeros_are_those_of_torchs_l1_pruning(ratio: float) -> None:
    model = Encoder(1, D, 4, F)
    expected = copy.deepcopy(model)
    for module in expected.modules():
        if isinstance(module, nn.Linear):
            prune.l1_unstructured(module, "weight", amount=ratio)  # type: ignore[no-untyped-call]  # no types
            prune.remove(module, "weight")  # type: ignore[no-untyped-call]  # no types
    assert prune_model(model, ratio) is model
    expected_state = expected.state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, expected_state[name]), name
    assert sparsity(model) == pytest.approx(ratio, abs=1e-3)  # each matrix rounds to whole entries


def test_multihead_attentions_input_projections_are_pruned_too() -> None:
    packed, split = nn.MultiheadAttention(D, 4), nn.MultiheadAttention(D, 4, kdim=8, vdim=12)
    assert len(list(prunable_weights(packed))) == 2  # in_proj_weight and out_proj.weight
    assert len(list(prunable_weights(split))) == 4
    for attention in (packed, split):
        prune_model(attention, 0.5)
        assert [round((w == 0).float().mean().item(), 2) for w in prunable_weights(attention)] == pytest.approx(
            [0.5] * len(list(prunable_weights(attention)))
        )


def test_a_shared_weight_is_pruned_once_and_stays_shared() -> None:
    embedding, head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
    head.weight = embedding.weight
    model = nn.ModuleList([embedding, head, nn.Sequential(head)])
    assert len(list(prunable_weights(model))) == 1
    prune_model(model, 0.5)
    assert head.weight is embedding.weight
    assert sparsity(model) == 0.5


def test_zeros_in_dense_storage_are_the_honest_null() -> None:
    model = nn.Linear(64, 64)
    bytes_before = memory_bytes(model), checkpoint_bytes(model)
    prune_model(model, 0.7)
    assert (memory_bytes(model), checkpoint_bytes(model)) == bytes_before  # nothing smaller
    once = model.weight.detach().clone()
    prune_model(model, 0.7)
    assert torch.equal(model.weight, once)  # repeating does not compound
    torch.autograd.backward(model(torch.randn(4, 64)).square().sum())
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert sparsity(model) < 0.01  # a training step fills the zeros


@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
def test_removed_hidden_units_are_the_least_important_and_really_gone(activation: Activation) -> None:
    network = FeedForward(D, F, activation=activation).eval()
    width, weak = network.hidden_width, [1, 5, 9, 30]
    with torch.no_grad():
        network.down.weight[:, weak] *= 1e-3
    expected = copy.deepcopy(network)
    silence(expected.down, weak)
    bytes_before = memory_bytes(network)
    assert prune_hidden_units(network, 4 / width) is network
    x_BSD = torch.randn(B, S, D)
    # The same products, fewer terms: sums of 48 float32 values in another order.
    torch.testing.assert_close(network(x_BSD), expected(x_BSD), rtol=0, atol=1e-6)
    assert network.hidden_width == network.up.out_features == network.down.in_features == width - 4
    assert network.down.weight.is_contiguous()
    matrices, vectors = (3, 0) if activation == "swiglu" else (2, 1)
    assert bytes_before - memory_bytes(network) == 4 * 4 * (matrices * D + vectors)


def test_importance_does_not_depend_on_which_side_carries_the_scale() -> None:
    network = FeedForward(D, F).eval()
    rescaled = copy.deepcopy(network)
    with torch.no_grad():
        rescaled.up.weight[:24] *= 8.0  # ReLU is homogeneous: the function stays the same
        rescaled.up.bias[:24] *= 8.0
        rescaled.down.weight[:, :24] /= 8.0
    x_BSD = torch.randn(B, S, D)
    prune_hidden_units(network, 0.5)
    prune_hidden_units(rescaled, 0.5)
    torch.testing.assert_close(network(x_BSD), rescaled(x_BSD), rtol=0, atol=1e-6)


@pytest.mark.parametrize("num_kv_heads", [8, 4, 1])
def test_removed_heads_are_the_least_important_and_really_gone(num_kv_heads: int) -> None:
    attention = MultiHeadAttention(D, H, num_kv_heads=num_kv_heads)
    per_group, width = H // num_kv_heads, D // H
    weak = [0, 2] if num_kv_heads > 1 else []  # key/value heads; the last one always stays
    columns = [g * per_group * width + i for g in weak for i in range(per_group * width)]
    silence(attention.out_proj, columns)
    expected = copy.deepcopy(attention)
    prune_heads(attention, 2 / num_kv_heads if weak else 0.9)
    x_BSD = torch.randn(B, S, D)
    for causal in (False, True):
        torch.testing.assert_close(
            attention(x_BSD, x_BSD, x_BSD, causal=causal),
            expected(x_BSD, x_BSD, x_BSD, causal=causal),
            rtol=0,
            atol=1e-6,
        )
    assert attention.num_kv_heads == num_kv_heads - len(weak)
    assert attention.num_heads == attention.num_kv_heads * per_group
    assert attention.qkv_proj is not None
    assert attention.qkv_proj.weight.shape == (D - len(columns) + 2 * attention.num_kv_heads * width, D)
    output, weights = attention(x_BSD, x_BSD, x_BSD, need_weights=True)
    assert output.shape == x_BSD.shape
    assert weights.shape == (B, attention.num_heads, S, S)


def test_a_structurally_pruned_encoder_is_smaller_and_still_trains() -> None:
    model = Encoder(2, D, H, F, activation="swiglu", attention=partial(MultiHeadAttention, num_kv_heads=4))
    before = memory_bytes(model), checkpoint_bytes(model)
    prune_heads(prune_hidden_units(model, 0.5), 0.5)
    assert memory_bytes(model) < 0.6 * before[0]
    assert checkpoint_bytes(model) < before[1]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x_BSD = torch.randn(B, S, D)
    torch.autograd.backward(model(x_BSD, causal=True).square().mean())
    assert all(parameter.grad is not None for parameter in model.parameters())
    optimizer.step()


def test_frozen_parameters_stay_frozen() -> None:
    network = FeedForward(D, F).requires_grad_(False)
    prune_hidden_units(network, 0.5)
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("function", [prune_model, prune_hidden_units, prune_heads])
def test_ratios_and_models_that_cannot_be_meant_are_refused(function: object) -> None:
    assert callable(function)
    for ratio in (-0.1, 1.0):
        with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
            function(Encoder(1, D, H, F), ratio)
    with pytest.raises(ValueError, match="the model has no"):
        function(nn.ReLU())


def test_no_prunable_weight_has_no_sparsity() -> None:
    assert math.isnan(sparsity(nn.ReLU()))
