"""Observations of a call: the tensors that it makes, and the attention kernels that torch chooses for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FUSED = "aten::_scaled_dot_product_flash_attention_for_cpu"


class _Observing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the names of all operators that a block of code dispatches, and the bytes of what they return."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operators: list[str] = []
        self.returned_bytes: list[int] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self.operators.append(func.name().partition(".")[0])
        self.returned_bytes += [leaf.nbytes for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        return result


def largest_tensor_bytes(call: Callable[[], object]) -> int:
    """Bytes of the largest tensor that ``call`` makes."""
    with torch.no_grad(), _Observing() as observing:
        call()
    return int(max(observing.returned_bytes))


def attentions_not_fused(call: Callable[[], object]) -> int:
    """1 where the one attention of ``call`` is computed by plain products instead of the CPU's fused kernel, else 0."""
    with torch.no_grad(), _Observing() as observing:
        call()
    return 1 - int(observing.operators.count(FUSED))


def relative_error(actual: Tensor, right: Tensor) -> float:
    """‖actual − right‖ ÷ ‖right‖, in float64."""
    actual, right = actual.detach().double(), right.detach().double()
    return float((actual - right).norm() / right.norm())
