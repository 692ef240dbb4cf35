"""Low rank: every linear layer as the product of two smaller ones, from the largest singular values of its weight.

Changes the model in place and returns it. Trained weights are rarely of low rank, so fine-tuning follows; that is left
to the caller. Multiplying two thin matrices costs a second kernel launch and reads the activations twice.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tbp.compression.projected_attention import with_projected_attention
from tbp.compression.replace import replace_modules


class LowRankLinear(nn.Module):
    """``widen(narrow(x))``, the best approximation of a linear layer of that rank (Eckart and Young 1936).

    Args:
        linear: the layer whose weights and bias it takes over.
        rank: width between the two, at most the smaller side of the weight.
    """

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        weight = linear.weight.detach()
        if not 1 <= rank <= min(weight.shape):
            raise ValueError(f"rank={rank} must be from 1 to {min(weight.shape)}, the smaller side of the weight")
        self.in_features, self.out_features, self.rank = linear.in_features, linear.out_features, rank
        widen, narrow = _factors(weight.double(), rank)
        self.narrow = nn.Linear(self.in_features, rank, bias=False, device="meta")
        self.widen = nn.Linear(rank, self.out_features, bias=linear.bias is not None, device="meta")
        is_trained = linear.weight.requires_grad
        self.narrow.weight = nn.Parameter(narrow.to(weight.dtype).contiguous(), is_trained)
        self.widen.weight = nn.Parameter(widen.to(weight.dtype).contiguous(), is_trained)
        if linear.bias is not None:
            self.widen.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        output: Tensor = self.widen(self.narrow(x))
        return output


def _factors(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """(out, rank) and (rank, in), whose product is nearest to ``weight`` (out, in) in float64.

    The singular vectors of the shorter side are the eigenvectors of weight·weightᵀ, which take half to a fifth of the
    time of a decomposition into singular values. Projected on the ``rank`` foremost the weight is nearest.
    """
    if weight.shape[0] > weight.shape[1]:
        widen, narrow = _factors(weight.T, rank)
        return narrow.T, widen.T
    vectors = torch.linalg.eigh(weight @ weight.T).eigenvectors[:, -rank:]
    projected = vectors.T @ weight
    # Both factors get the root of the singular values: so neither is trained at a scale of its own.
    root = projected.norm(dim=1).sqrt().clamp_min(torch.finfo(weight.dtype).tiny)
    return vectors * root, projected / root[:, None]


def factorise_model(model: nn.Module, parameter_ratio: float = 0.5) -> nn.Module:
    """Replace every plain ``nn.Linear`` by a ``LowRankLinear`` of ``parameter_ratio`` times its weights.

    A layer so small or narrow that the rank would be 0 keeps rank 1. Attention of torch becomes a
    ``ProjectedAttention``. Blocks that read a layer's ``weight`` past its forward are not for this.

    Raises:
        ValueError: for a ratio outside (0, 1], or a model without an ``nn.Linear`` below it.
    """
    if not 0.0 < parameter_ratio <= 1.0:
        raise ValueError(f"parameter_ratio={parameter_ratio} must be in (0, 1]")
    model = with_projected_attention(model)
    if not replace_modules(model, nn.Linear, lambda linear: LowRankLinear(linear, _rank(linear, parameter_ratio))):
        raise ValueError("the model has no nn.Linear to factorise")
    return model


def _rank(linear: nn.Linear, parameter_ratio: float) -> int:
    """The rank at which the two factors together have ``parameter_ratio`` times the weights."""
    into, out = linear.in_features, linear.out_features
    return max(1, min(into, out, round(parameter_ratio * into * out / (into + out))))
