"""Keys and values of the positions that a decoder has seen, so that the next one costs one position and not all."""

# B batch, G key/value heads, S new positions, T positions cached, K head width

from __future__ import annotations

import torch
from torch import Tensor


class KeyValueCache:
    """Keys and values of one attention, in memory that is allocated once.

    Growing by ``torch.cat`` would copy everything at each token. ``MultiHeadAttention.cache`` makes one that fits.

    Args:
        batch, num_kv_heads, max_len, head_width: of the keys and values; ``max_len`` positions fit.
        dtype, device: of the memory; None for torch's defaults.
    """

    def __init__(
        self,
        batch: int,
        num_kv_heads: int,
        max_len: int,
        head_width: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        # Head before position: the keys of a head lie together, which took .48–.55 of the time of the other order
        # (one token, 1024 keys, 8 heads of 64, CPU).
        size = (batch, num_kv_heads, max_len, head_width)
        self._keys = torch.empty(size, dtype=dtype, device=device)
        self._values = torch.empty(size, dtype=dtype, device=device)
        self.length = 0

    @property
    def max_len(self) -> int:
        """Positions that fit."""
        return self._keys.size(2)

    @property
    def nbytes(self) -> int:
        """Bytes of the memory, filled or not."""
        return self._keys.nbytes + self._values.nbytes

    @property
    def keys(self) -> Tensor:
        """(B, G, T, K) of the cached positions: a view, which the next ``append`` does not extend."""
        return self._keys.narrow(2, 0, self.length)

    @property
    def values(self) -> Tensor:
        """(B, G, T, K) of the cached positions: a view, which the next ``append`` does not extend."""
        return self._values.narrow(2, 0, self.length)

    def append(self, k_BGSK: Tensor, v_BGSK: Tensor) -> None:
        """Add the keys and values of the next S positions.

        Raises:
            ValueError: they do not fit, in shape or in number.
            RuntimeError: a gradient is recorded; the cache is overwritten in place, so it has none to give.
        """
        if torch.is_grad_enabled() and (k_BGSK.requires_grad or v_BGSK.requires_grad):
            raise RuntimeError("a key/value cache is for inference: decode under torch.inference_mode()")
        batch, heads, new, width = k_BGSK.shape
        if (batch, heads, self._keys.size(2), width) != self._keys.shape:
            raise ValueError(
                f"the cache holds (batch, heads, positions, width) of {tuple(self._keys.shape)}, "
                f"not {tuple(k_BGSK.shape)}"
            )
        end = self.length + new
        if end > self._keys.size(2):
            raise ValueError(f"{end} positions do not fit a cache of {self.max_len}; make one with a larger max_len")
        self._keys.narrow(2, self.length, new).copy_(k_BGSK)
        self._values.narrow(2, self.length, new).copy_(v_BGSK)
        self.length = end

    def truncate(self, length: int) -> None:
        """Forget the positions from ``length`` on; 0 empties the cache for the next sequence.

        Raises:
            ValueError: fewer are cached.
        """
        if not 0 <= length <= self.length:
            raise ValueError(f"{self.length} positions are cached; length={length} is no part of them")
        self.length = length

    def select(self, rows_B: Tensor) -> None:
        """Continue the sequences ``rows_B`` of the batch, in that order: the step of a beam search."""
        if rows_B.shape != (self._keys.size(0),):
            raise ValueError(f"rows must be ({self._keys.size(0)},), not {tuple(rows_B.shape)}")
        self.keys.copy_(self.keys.index_select(0, rows_B))
        self.values.copy_(self.values.index_select(0, rows_B))
