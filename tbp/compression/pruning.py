"""Pruning: zeros in dense storage, which save nothing, and whole units removed, which do.

All functions change the model in place and return it. Removed units make new parameters: build the optimizer
afterwards, and load checkpoints before. Fine-tuning is left to the caller.
"""

# D model width, V value input width, F hidden width, H query heads per key/value head, G key/value heads, K head width

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from tbp.blocks.projections import keep_columns, keep_rows
from tbp.compression.layouts import PrunableAttention, hidden_units, prunable_attentions
from tbp.compression.projected_attention import with_projected_attention


def prune_model(model: nn.Module, pruning_ratio: float = 0.3) -> nn.Module:
    """Set the ``pruning_ratio`` of smallest entries (L1, unstructured) of every linear weight to 0, for good.

    The honest null: dense storage keeps every zero, so the model is neither smaller nor faster (ratio 1.00 at 70 %,
    measured). A training step fills the zeros again. The ratio is of all entries, so pruning again by the same
    ratio changes nothing. Equal to ``torch.nn.utils.prune.l1_unstructured`` and ``remove`` on each weight, up to ties.

    Raises:
        ValueError: for a ratio outside [0, 1), or a model without linear weights.
    """
    _check_ratio(pruning_ratio)
    weights = list(prunable_weights(model))
    if not weights:
        raise ValueError("the model has no linear weights to prune")
    with torch.no_grad():
        for weight in weights:
            number = round(pruning_ratio * weight.numel())
            pruned = weight.abs().flatten().topk(number, largest=False, sorted=False).indices
            is_pruned = torch.zeros(weight.numel(), dtype=torch.bool, device=weight.device)
            is_pruned[pruned] = True
            weight.masked_fill_(is_pruned.view_as(weight), 0.0)
    return model


def prunable_weights(model: nn.Module) -> Iterator[Tensor]:
    """Each weight of an ``nn.Linear``, and the input projections of ``nn.MultiheadAttention``, which are no modules.

    A weight shared by several modules comes once.
    """
    seen: set[int] = set()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            candidates: list[Tensor | None] = [module.weight]
        elif isinstance(module, nn.MultiheadAttention):
            packed_or_split = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
            candidates = [getattr(module, name) for name in packed_or_split]
        else:
            continue
        for weight in candidates:
            if weight is not None and id(weight) not in seen:
                seen.add(id(weight))
                yield weight


def sparsity(model: nn.Module) -> float:
    """Share of exact zeros among the prunable weights, 0 to 1; NaN for a model without any."""
    entries = zeros = 0
    for weight in prunable_weights(model):
        entries += weight.numel()
        zeros += weight.numel() - int(torch.count_nonzero(weight))
    return zeros / entries if entries else float("nan")


def prune_hidden_units(model: nn.Module, pruning_ratio: float = 0.3) -> nn.Module:
    """Remove the ``pruning_ratio`` of least important hidden units of every feed-forward network, at most all but one.

    Networks are ``tbp.blocks.FeedForward``, those of torch's Transformer layers, and of Hugging Face's BERT, RoBERTa,
    ELECTRA, DistilBERT, BART and ViT. A unit is a row of the matrix into the hidden width (of the gate too) and a
    column of the one out of it. Its importance is the product of their norms, which does not change when one is
    scaled up and the other down. Removing it is exact where it contributed nothing.

    Raises:
        ValueError: for a ratio outside [0, 1), or a model without such a network.
    """
    _check_ratio(pruning_ratio)
    networks = list(hidden_units(model))
    if not networks:
        raise ValueError(
            "the model has no feed-forward network whose hidden units could be removed: tbp.blocks.FeedForward, "
            "a Transformer layer of torch, or one of Hugging Face's BERT"
        )
    for network in networks:
        importance_F = network.out.weight.detach().norm(dim=0)
        for linear in network.into:
            importance_F = importance_F * _row_norms(linear)
        kept_F = _most_important(importance_F, pruning_ratio)
        for linear in network.into:
            keep_rows(linear, kept_F)
        keep_columns(network.out, kept_F)
    return model


def prune_heads(model: nn.Module, pruning_ratio: float = 0.3) -> nn.Module:
    """Remove the ``pruning_ratio`` of least important heads from every attention, at most all but one.

    Attentions are those of ``tbp.blocks``, ``nn.MultiheadAttention``, and of Hugging Face's BERT, RoBERTa and ELECTRA.
    torch's becomes a ``ProjectedAttention``, as its packed projections hold a fixed number of heads. A model that is
    one itself is returned as a new module. With grouped queries a key/value head goes together with the query heads it
    serves. The importance is the norm of the value and output projections multiplied, which bounds what a head adds to
    the output.

    Raises:
        ValueError: for a ratio outside [0, 1), or a model without such an attention.
    """
    _check_ratio(pruning_ratio)
    model = with_projected_attention(model)
    attentions = list(prunable_attentions(model))
    if not attentions:
        raise ValueError(
            "the model has no attention whose heads could be removed: tbp.blocks.MultiHeadAttention, "
            "nn.MultiheadAttention, or that of Hugging Face's BERT"
        )
    for attention in attentions:
        attention.keep_heads(_most_important(_head_importance(attention), pruning_ratio))
    return model


def _check_ratio(pruning_ratio: float) -> None:
    if not 0.0 <= pruning_ratio < 1.0:
        raise ValueError(f"pruning_ratio={pruning_ratio} must be in [0, 1)")


def _head_importance(attention: PrunableAttention) -> Tensor:
    """(G,): for each key/value head the Frobenius norms of W_out · W_value, summed over its query heads."""
    groups, width = attention.num_kv_heads, attention.head_width
    value_GKV = attention.value_weight.detach().reshape(groups, width, -1)
    out_DGHK = attention.out_proj.weight.detach().reshape(-1, groups, attention.num_heads // groups, width)
    product_GHDV: Tensor = torch.einsum("dghk,gkv->ghdv", out_DGHK, value_GKV)
    norms_GH: Tensor = torch.linalg.vector_norm(product_GHDV.flatten(2), dim=-1)
    return norms_GH.sum(dim=-1)


def _row_norms(linear: nn.Linear) -> Tensor:
    """(rows,): norm of each row of the weight, its bias included."""
    norms = linear.weight.detach().norm(dim=1)
    return norms if linear.bias is None else torch.hypot(norms, linear.bias.detach())


def _most_important(importance: Tensor, pruning_ratio: float) -> Tensor:
    """Indices that stay, ascending; at least one."""
    stay = max(1, importance.numel() - round(pruning_ratio * importance.numel()))
    return importance.topk(stay).indices.sort().values
