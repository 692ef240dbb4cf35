"""Defects of pruning that writes zeros into dense weights, and finds its weights by ``nn.Linear``."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import prune
from torch.optim import SGD
from torch.utils.flop_counter import FlopCounterMode

from tbp.blocks import Encoder, FeedForward
from tbp.compression import checkpoint_bytes, prune_heads, prune_hidden_units, prune_model, sparsity
from tbp.defects.registry import Pair, demonstration

RATIO = 0.75
AGAIN = 0.3  # the page's ratio


def naive_prune_model(model: nn.Module, pruning_ratio: float = AGAIN) -> nn.Module:
    """The page's: the smallest entries (L1) of every ``nn.Linear``, made permanent."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            prune.l1_unstructured(module, "weight", pruning_ratio)  # type: ignore[no-untyped-call]  # no types in torch
            prune.remove(module, "weight")  # type: ignore[no-untyped-call]  # the same
    return model


def _encoder() -> Encoder:
    return Encoder(2, 64, 4, 256, dropout=0.0)


def _structured(model: nn.Module) -> nn.Module:
    return prune_heads(prune_hidden_units(model, RATIO), RATIO)


@demonstration("zeros-save-no-bytes", unit="share of the bytes that remain")
def zeros_save_no_bytes() -> Pair:
    """Dense storage keeps a zero in as many bytes as any other number."""
    dense = checkpoint_bytes(_encoder())
    return (
        lambda: checkpoint_bytes(naive_prune_model(_encoder(), RATIO)) / dense,
        lambda: checkpoint_bytes(_structured(_encoder())) / dense,
    )


@demonstration("zeros-save-no-products", unit="share of the multiplications that remain")
def zeros_save_no_products() -> Pair:
    """Dense products multiply by zero too: just as many of them, and no faster (measured in the suites)."""

    def flops(model: nn.Module) -> int:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(torch.randn(1, 16, 64))
        return int(counter.get_total_flops())

    dense = flops(_encoder())
    return (
        lambda: flops(naive_prune_model(_encoder(), RATIO)) / dense,
        lambda: flops(_structured(_encoder())) / dense,
    )


@demonstration("zeros-grow-back", unit="share of the removed weights that come back")
def zeros_grow_back() -> Pair:
    """One step of plain SGD, and the zeros are none; what was removed with its rows and columns stays away."""

    def step(model: nn.Module) -> nn.Module:
        model(torch.randn(2, 16, 64)).square().mean().backward()
        SGD(model.parameters(), lr=0.1).step()
        return model

    def size(model: nn.Module) -> int:
        return sum(weight.numel() for weight in model.parameters())

    def come_back() -> float:
        model, dense = _structured(_encoder()), size(_encoder())
        removed = dense - size(model)
        return (size(step(model)) - (dense - removed)) / removed

    return lambda: 1 - sparsity(step(naive_prune_model(_encoder(), RATIO))) / RATIO, come_back


@demonstration("pruning-again", unit="share of the second pruning that has no effect")
def pruning_again() -> Pair:
    """30 % twice should leave 49 %; the ratio of all entries finds the zeros of the first time, and leaves 70 %."""

    def without_effect(before: float, after: float) -> float:
        return 1 - (before - after) / (AGAIN * before)

    def naive() -> float:
        model = naive_prune_model(_encoder())
        return without_effect(1 - sparsity(model), 1 - sparsity(naive_prune_model(model)))

    def right() -> float:
        network = FeedForward(64, 1000)
        prune_hidden_units(network, AGAIN)
        before = network.hidden_width
        prune_hidden_units(network, AGAIN)
        return without_effect(before, network.hidden_width)

    return naive, right


@demonstration("packed-weight-missed", unit="share of the packed projection that stays")
def packed_weight_missed() -> Pair:
    """``in_proj_weight`` of ``nn.MultiheadAttention`` is no ``nn.Linear``, so a quarter of a layer is not pruned."""

    def stays(model: nn.MultiheadAttention) -> float:
        assert model.in_proj_weight is not None
        return 1 - float((model.in_proj_weight == 0).float().mean()) / AGAIN

    def naive() -> float:
        model = nn.MultiheadAttention(64, 4)
        naive_prune_model(model)
        return stays(model)

    def right() -> float:
        model = nn.MultiheadAttention(64, 4)
        prune_model(model)
        return stays(model)

    return naive, right
