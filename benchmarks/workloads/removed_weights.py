"""Conditions on what compression left of a model: that the less important part went, and not just anything."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

# Of the error of the nearest matrix of a rank: the singular values are computed once more, in another precision.
NEARLY = 1.001


def smallest_are_zeros(model: nn.Module, dense: nn.Module) -> dict[str, Callable[[], bool]]:
    """The condition on zeros in place: in each linear layer none of them was larger than a weight that stayed."""

    def are_smallest() -> bool:
        pairs = [(dense.get_parameter(f"{name}.weight"), linear) for name, linear in _linears(model)]
        sizes = [(before.detach().abs(), linear.weight == 0) for before, linear in pairs]
        return all(bool(size[gone].max() <= size[~gone].min()) for size, gone in sizes if bool(gone.any()))

    return {"the smallest weights of each layer are the zeros": are_smallest}


def important_units_stay(model: nn.Module, dense: nn.Module) -> dict[str, Callable[[], bool]]:
    """The condition on removed hidden units: those that stay weigh more in the output than the average one did."""
    sentence = "the more important hidden units of each network stay"
    return {sentence: lambda: all(map(torch.gt, _importance(model), _importance(dense)))}


def nearest_of_its_rank(model: nn.Module, dense: nn.Module) -> dict[str, Callable[[], bool]]:
    """The condition on factors: their product errs by the singular values left out alone (Eckart and Young 1936).

    Of the smallest layer: decomposing all would take as long as the factorisation.
    """

    def is_nearest() -> bool:
        factored = [(name, module) for name, module in model.named_modules() if hasattr(module, "narrow")]
        name, module = min(factored, key=lambda named: sum(weight.numel() for weight in named[1].parameters()))
        weight = dense.get_parameter(f"{name}.weight").detach().double()
        narrow, widen = (module.get_parameter(f"{part}.weight").detach().double() for part in ("narrow", "widen"))
        left_out = torch.linalg.svdvals(weight)[len(narrow) :]
        return bool((weight - widen @ narrow).norm() <= NEARLY * left_out.norm())

    return {"a product of factors is the nearest matrix of its rank": is_nearest}


def _linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    for name, module in model.named_modules():
        if type(module) is nn.Linear:
            yield name, module


def _importance(model: nn.Module) -> list[Tensor]:
    """Mean over the hidden units of each network: norm of the weights into a unit times that of those out of it."""
    networks = [module for module in model.modules() if hasattr(module, "up") and hasattr(module, "down")]
    pairs = [(network.get_parameter("up.weight"), network.get_parameter("down.weight")) for network in networks]
    return [(up.detach().norm(dim=1) * down.detach().norm(dim=0)).mean() for up, down in pairs]
