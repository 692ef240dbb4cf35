"""2:4 sparsity: two of every four neighbouring weights are zeros, which sparse tensor cores of a GPU skip.

Takes a model and changes it in place, in two steps: which weights are zeros (on any device), and then the storage
that keeps the others alone. Fine-tuning comes between the two. Method: Mishra et al. 2021 (arXiv:2104.08378).
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torch.sparse import to_sparse_semi_structured

from tbp.compression.projected_attention import with_projected_attention
from tbp.compression.pruning import prunable_weights

GROUP, LEFT = 4, 2
AMPERE = (8, 0)  # compute capability of the first GPUs with sparse tensor cores
STORED = (torch.float16, torch.bfloat16)  # the floating-point dtypes that torch stores so


class SparsityUnavailable(RuntimeError):
    """These weights cannot be stored in 2:4 form here."""


def prune_two_of_four(model: nn.Module) -> nn.Module:
    """Set the two smallest of every four neighbouring weights of a row to 0, in each linear layer, in place.

    Like ``prune_model`` it makes nothing smaller or faster before ``store_two_of_four``.

    Raises:
        ValueError: a model without linear weights, or with one whose rows are no multiple of four.
    """
    weights = list(prunable_weights(model))
    if not weights:
        raise ValueError("the model has no linear weights to prune")
    for weight in weights:
        if weight.shape[1] % GROUP:
            raise ValueError(f"a weight of {tuple(weight.shape)} has rows that are no multiple of {GROUP}")
    with torch.no_grad():
        for weight in weights:
            groups = weight.view(-1, GROUP)
            smallest = groups.abs().topk(GROUP - LEFT, dim=-1, largest=False).indices
            groups.scatter_(-1, smallest, 0.0)
    return model


def is_two_of_four(weight: Tensor) -> bool:
    """True where no four neighbours of a row have more than two values other than 0."""
    if weight.shape[-1] % GROUP:
        return False
    return bool((weight.reshape(-1, GROUP).count_nonzero(-1) <= LEFT).all())


def store_two_of_four(model: nn.Module) -> nn.Module:
    """Store the weights of all linear layers in 2:4 form, for inference, in place: .56 of their bytes in 16 bits.

    torch's attention becomes a ``ProjectedAttention``, whose projections are linear layers.

    Raises:
        SparsityUnavailable: the GPU has no sparse tensor cores, or torch no kernels for the dtype or a shape.
        ValueError: a model without linear layers, or with one that is not 2:4 sparse; ``prune_two_of_four`` makes it.
    """
    model = with_projected_attention(model).eval()
    linears = [module for module in model.modules() if type(module) is nn.Linear]
    if not linears:
        raise ValueError("the model has no nn.Linear to store in 2:4 form")
    for linear in linears:
        _check(linear.weight)
    for linear in linears:
        linear.weight = nn.Parameter(_stored(linear.weight.detach()), requires_grad=False)
    return model


def _stored(weight: Tensor) -> Tensor:
    with warnings.catch_warnings():
        # That its interface may change, once a process.
        warnings.filterwarnings("ignore", "The PyTorch API of SparseSemiStructuredTensor is in prototype", UserWarning)
        try:
            return to_sparse_semi_structured(weight)
        except RuntimeError as error:  # torch's own conditions on shapes, by kernel library
            raise SparsityUnavailable(f"torch cannot store a weight of {_described(weight)} so: {error}") from None


def _check(weight: Tensor) -> None:
    if weight.device.type != "cuda":
        raise SparsityUnavailable(f"2:4 sparsity needs a CUDA device; the weights are on {weight.device}")
    capability = torch.cuda.get_device_capability(weight.device)
    if capability < AMPERE:
        raise SparsityUnavailable(f"compute capability {capability[0]}.{capability[1]} has no sparse tensor cores")
    if weight.dtype not in STORED:
        raise SparsityUnavailable(f"a weight of {_described(weight)} cannot be stored so: use float16 or bfloat16")
    if not is_two_of_four(weight):
        raise ValueError(f"a weight of {_described(weight)} is not 2:4 sparse; call prune_two_of_four first")


def _described(weight: Tensor) -> str:
    return f"{tuple(weight.shape)} in {str(weight.dtype).removeprefix('torch.')}"
