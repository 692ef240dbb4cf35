"""Defects of a sinusoidal positional encoding whose table is sequence first, float32 and a buffer of the checkpoint."""

# B batch, S positions, D model width

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tbp.blocks import NaivePositionalEncoding, PositionalEncoding
from tbp.defects.registry import RAISED, Pair, Snippet, demonstration

WIDTH, MOST = 64, 5000  # the page's table has 5,000 positions


def _both(shown: Callable[[nn.Module], float], width: int = WIDTH, most: int = MOST) -> Pair:
    def snippet(encoding: type[nn.Module]) -> Snippet:
        return lambda: shown(encoding(width, most))

    return snippet(NaivePositionalEncoding), snippet(PositionalEncoding)


@demonstration("sequence-first-table", unit="positions with the code of an earlier one")
def sequence_first_table() -> Pair:
    """``pe[: x.size(0)]`` on (B, S, D): a code for each sequence, and the order of its positions is lost."""

    def repeated(encoding: nn.Module) -> float:
        codes_SD = encoding(torch.zeros(2, 50, WIDTH))[1]
        return float(len(codes_SD) - len(codes_SD.unique(dim=0)))

    return _both(repeated)


@demonstration("odd-width", unit=RAISED)
def odd_width() -> Pair:
    """One column of sines more than of cosines."""
    return _both(lambda encoding: float(encoding(torch.zeros(2, 50, 65)).norm()), width=65)


@demonstration("float16-upcast", unit="bytes of an output value")
def float16_upcast() -> Pair:
    """A float32 table added to float16: all that follows is computed in float32."""
    return _both(lambda encoding: float(encoding(torch.zeros(2, 50, WIDTH, dtype=torch.float16)).element_size()))


@demonstration("table-in-float32", unit="largest error of a code")
def table_in_float32() -> Pair:
    """Angles of thousands of radians with seven digits."""
    frequency_R = 10000.0 ** (-torch.arange(0, WIDTH, 2, dtype=torch.float64) / WIDTH)
    angle_SR = torch.arange(MOST, dtype=torch.float64)[:, None] * frequency_R

    def error(encoding: nn.Module) -> float:
        table = encoding.pe
        assert isinstance(table, Tensor)
        table_SD = table.reshape(MOST, WIDTH).double()
        errors = (table_SD[:, 0::2] - angle_SR.sin()).abs().max(), (table_SD[:, 1::2] - angle_SR.cos()).abs().max()
        return float(max(errors))

    return _both(error)


@demonstration("table-in-checkpoint", unit="bytes of constants in the checkpoint")
def table_in_checkpoint() -> Pair:
    """A buffer that a formula gives, stored with the weights."""
    return _both(lambda encoding: float(sum(value.nbytes for value in encoding.state_dict().values())))


@demonstration("past-the-table", unit="positions past the table")
def past_the_table() -> Pair:
    """A sequence longer than the table goes through without an error, since nobody looks at its length."""
    return _both(lambda encoding: float(encoding(torch.zeros(2, 20, WIDTH)).size(1) - 16), most=16)
