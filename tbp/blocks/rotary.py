"""Positions inside attention: rotary embedding of queries and keys, and ALiBi's distances."""

# B batch, H heads, S query positions, T key positions, K head width

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn

from tbp.blocks.positional import check_range
from tbp.blocks.table import ConstantTable


class RotaryEmbedding(nn.Module):
    """Rotates queries and keys by angles that grow with the position (Su et al. 2021).

    The product of a query and a key then depends on how far apart they are. Dimension i is paired with i + K/2, as in
    GPT-NeoX, LLaMA and ``transformers``; the paper pairs neighbours, which is this with reordered projection rows. The
    table is computed in float64 and left out of the ``state_dict``. One instance serves all layers of a model.

    Args:
        head_width: K, even.
        max_len: positions in the table.
        base: the slowest pair turns once in about 2π · ``base`` positions.
    """

    def __init__(self, head_width: int, max_len: int = 5000, base: float = 10000.0) -> None:
        super().__init__()
        if head_width < 2 or head_width % 2 or max_len < 1 or base <= 1.0:
            raise ValueError(
                f"head_width={head_width} must be even, max_len={max_len} positive and base={base} above 1"
            )
        self.head_width = head_width
        self.max_len = max_len
        self.table = ConstantTable(partial(rotations, max_len, head_width, base))

    def forward(self, x_BHSK: Tensor, first: int = 0) -> Tensor:
        """``x_BHSK`` rotated, position 0 of it standing at position ``first`` of the sequence.

        Raises:
            ValueError: for a position past ``max_len``, or another head width.
        """
        if x_BHSK.size(-1) != self.head_width:
            raise ValueError(f"the heads must be {self.head_width} wide, not {x_BHSK.size(-1)}")
        check_range(first, x_BHSK.size(-2), self.max_len)
        cosine_SR, sine_SR = self.table.values[:, first : first + x_BHSK.size(-2)].to(x_BHSK.dtype)
        near, far = x_BHSK.chunk(2, dim=-1)
        return torch.cat(
            (
                torch.addcmul(near * cosine_SR, far, sine_SR, value=-1),
                torch.addcmul(far * cosine_SR, near, sine_SR),
            ),
            dim=-1,
        )


def rotations(positions: int, head_width: int, base: float) -> Tensor:
    """(2, positions, head_width / 2) float64: cosines and sines of position · base^(−2i/K)."""
    exponent_R = torch.arange(0, head_width, 2, dtype=torch.float64) / head_width
    angle_SR = torch.arange(positions, dtype=torch.float64).unsqueeze(1) / torch.pow(base, exponent_R)
    return torch.stack((angle_SR.cos(), angle_SR.sin()))


def alibi_slopes(heads: int) -> Tensor:
    """(H,) float64: how much less each head looks at a key per position of distance (Press et al. 2022).

    For H a power of two they are 2^(−8/H), 2^(−16/H), … 2^−8. For another H the authors' code takes those of the next
    lower power, and every second one of the next higher.
    """
    power = 2 ** int(math.log2(heads))
    slopes = [2.0 ** (-8.0 * (head + 1) / power) for head in range(power)]
    between = [2.0 ** (-4.0 * (head + 1) / power) for head in range(0, 2 * power, 2)]
    return torch.tensor(slopes + between[: heads - power], dtype=torch.float64)


def alibi_bias(slopes_H: Tensor, length: int, cached: int = 0) -> Tensor:
    """(1, H, S, T) to be added to the scores: minus slope times distance, of ``length`` queries after ``cached``."""
    keys_T = torch.arange(cached + length, device=slopes_H.device)
    distance_ST = (keys_T[cached:, None] - keys_T).abs().to(slopes_H.dtype)
    return -slopes_H[None, :, None, None] * distance_ST
