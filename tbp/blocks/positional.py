"""Positions added to batch-first input: sinusoidal (Vaswani et al. 2017, section 3.5), its naive baseline, and learned.

Rotary positions and ALiBi act inside attention: ``tbp.blocks.rotary`` and ``MultiHeadAttention(alibi=True)``.
"""

# B batch, S sequence positions, D model width

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn

from tbp.blocks.linear import dropped
from tbp.blocks.table import ConstantTable


class _AddedCodes(nn.Module):
    """Adds the code of each position to batch-first input, and drops a share of the sums in training."""

    def __init__(self, d_model: int, max_len: int, dropout: float) -> None:
        super().__init__()
        _check_sizes(d_model, max_len)
        self.d_model = d_model
        self.max_len = max_len
        self.dropout = nn.Dropout(dropout)

    def _codes(self) -> Tensor:
        """(max_len, D)."""
        raise NotImplementedError

    def forward(self, x_BSD: Tensor, first: int = 0) -> Tensor:
        """``x_BSD`` plus the code of each position, in the dtype of ``x_BSD``.

        Args:
            first: position of the input's first element, when it continues a sequence.

        Raises:
            ValueError: for a position past ``max_len``, or an input that is not (B, S, d_model).
        """
        _check_positions(x_BSD, first, self.d_model, self.max_len)
        codes_SD = self._codes()[first : first + x_BSD.size(1)]
        if codes_SD.dtype is not x_BSD.dtype:  # a float16 input would come back as float32
            codes_SD = codes_SD.to(x_BSD.dtype)
        return dropped(self.dropout, x_BSD + codes_SD)


class PositionalEncoding(_AddedCodes):
    """Adds sin(s / 10000^(i/D)) to the even dimensions i of position s, and the cosine to the odd ones.

    The table is computed in float64, rounded once to the module's dtype, and left out of the ``state_dict``. It is no
    parameter, and at 5,000 positions it would add 1.3 MB to every checkpoint of a 64-wide model.

    Args:
        d_model: width of the input, even or odd.
        max_len: positions in the table.
        dropout: share of the sums dropped in training.
    """

    def __init__(self, d_model: int, max_len: int = 5000, dropout: float = 0.0) -> None:
        super().__init__(d_model, max_len, dropout)
        self.table = ConstantTable(partial(sinusoids, max_len, d_model))

    @property
    def pe(self) -> Tensor:
        """(1, max_len, D) table, as it is added."""
        return self._codes().unsqueeze(0)

    def _codes(self) -> Tensor:
        return self.table.values


class LearnedPositionalEncoding(_AddedCodes):
    """Adds a trained vector to each position (Gehring et al. 2017; BERT, GPT-2).

    Args:
        d_model: width of the input.
        max_len: positions that have a vector.
        dropout: share of the sums dropped in training.
    """

    def __init__(self, d_model: int, max_len: int = 5000, dropout: float = 0.0) -> None:
        super().__init__(d_model, max_len, dropout)
        self.weight = nn.Parameter(torch.empty(max_len, d_model))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the vectors from N(0, 0.02²), as BERT and GPT-2 do."""
        nn.init.normal_(self.weight, std=0.02)

    def _codes(self) -> Tensor:
        return self.weight


class NaivePositionalEncoding(nn.Module):
    """The baseline, wrong on purpose: a sequence-first table added to batch-first input.

    ``pe[: x.size(0)]`` picks by batch, so every position of a sequence gets the same code. The table is
    computed in float32 (4e-4 off at position 5,000), upcasts a float16 input, and is stored in every
    checkpoint. An odd ``d_model`` raises.
    """

    pe: Tensor  # (max_len, 1, D)

    def __init__(self, d_model: int, max_len: int = 5000) -> None:
        super().__init__()
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        frequency = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * frequency)
        pe[:, 1::2] = torch.cos(position * frequency)
        self.register_buffer("pe", pe.unsqueeze(0).transpose(0, 1))

    def forward(self, x_BSD: Tensor) -> Tensor:
        """``x_BSD`` plus one code per sequence of the batch."""
        return x_BSD + self.pe[: x_BSD.size(0), :]


def sinusoids(positions: int, width: int) -> Tensor:
    """(positions, width) float64 table of the paper's sines and cosines; an odd width ends in a sine."""
    position_S1 = torch.arange(positions, dtype=torch.float64).unsqueeze(1)
    exponent_D = torch.arange(width, dtype=torch.float64).div(2, rounding_mode="floor") * 2 / width
    angle_SD = position_S1 / torch.pow(10000.0, exponent_D)
    even_D = torch.arange(width) % 2 == 0
    return torch.where(even_D, angle_SD.sin(), angle_SD.cos())


def _check_sizes(d_model: int, max_len: int) -> None:
    if d_model < 1 or max_len < 1:
        raise ValueError(f"d_model={d_model} and max_len={max_len} must be positive")


def _check_positions(x_BSD: Tensor, first: int, d_model: int, max_len: int) -> None:
    if x_BSD.dim() != 3 or x_BSD.size(-1) != d_model:
        raise ValueError(f"the input must be (batch, positions, {d_model}), not {tuple(x_BSD.shape)}")
    check_range(first, x_BSD.size(1), max_len)


def check_range(first: int, length: int, max_len: int) -> None:
    """Raise ValueError unless positions ``first`` … ``first + length`` − 1 lie in a table of ``max_len``."""
    if first < 0:
        raise ValueError(f"the first position is {first}; it must be at least 0")
    if first + length > max_len:
        raise ValueError(f"{first + length} positions exceed max_len={max_len}; build the module with a larger one")
