"""Constant tables: computed in float64, rounded once to the dtype they are used in, and in no checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Self

import torch
from torch import Tensor, nn


class ConstantTable(nn.Module):
    """``make()`` as a buffer, made anew whenever the module goes to another device or dtype.

    A buffer that is no part of the ``state_dict`` comes back from ``to_empty`` as whatever the memory held, and from
    ``double()`` with float32's digits. This one comes back right.

    Args:
        make: gives the table in float64. ``functools.partial`` of a module's function can be pickled and copied.
    """

    values: Tensor

    def __init__(self, make: Callable[[], Tensor]) -> None:
        super().__init__()
        self._make = make
        self.register_buffer("values", make().to(torch.get_default_dtype()), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        before = self.values
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch ships it without types
        if self.values is not before and not self.values.is_meta:
            self.values = self._make().to(self.values.device, self.values.dtype)
        return self

    def keep(self, rows: Tensor) -> None:
        """Keep only ``rows`` of the table."""
        self._make = partial(_rows, self._make, rows.cpu())
        self.values = self.values[rows]


def _rows(make: Callable[[], Tensor], rows: Tensor) -> Tensor:
    return make()[rows]
