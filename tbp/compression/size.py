"""Size of a model in memory and in a checkpoint, with its zeros, shared tensors and packed INT8 weights."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn


def memory_bytes(model: nn.Module) -> int:
    """Bytes of the model's parameters, buffers and packed quantised weights; gradients and activations excluded.

    Storage shared by several tensors counts once, and whole if only a part of it is used. Packed weights count by
    their logical size, per-channel scales included; what an engine pads is not visible from here.
    """
    storages: dict[int, int] = {}
    parameters = 0
    for tensor in _tensors(model):
        storage = tensor.untyped_storage()
        # Tensors on the meta device have no address: each counts by itself.
        storages[storage.data_ptr() or id(tensor)] = storage.nbytes()
        parameters += _quantisation_bytes(tensor)
    return sum(storages.values()) + parameters


def checkpoint_bytes(model: nn.Module) -> int:
    """Bytes that ``torch.save(model.state_dict())`` writes, its container included; nothing touches the disk."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return buffer.tell()


def _tensors(model: nn.Module) -> list[Tensor]:
    """All tensors of the model, alive together: unpacked copies must not reuse each other's addresses."""
    # Packed weights are neither parameters nor buffers; only the state_dict unpacks them, to tuples.
    packed = (value for value in model.state_dict().values() if isinstance(value, tuple))
    return [
        *(part for tensor in (*model.parameters(), *model.buffers()) for part in _plain(tensor)),
        *_flattened(packed),
    ]


def _plain(tensor: Tensor) -> Iterator[Tensor]:
    """The tensors that hold the data: those inside of a subclass such as torchao's, else ``tensor`` itself."""
    if not hasattr(tensor, "__tensor_flatten__"):
        yield tensor
        return
    for name in tensor.__tensor_flatten__()[0]:
        yield from _plain(getattr(tensor, name))


def _flattened(values: Iterable[object]) -> Iterator[Tensor]:
    """The tensors in nested tuples: a packed weight is (weight, bias or None), sometimes deeper."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple):
            yield from _flattened(value)


def _quantisation_bytes(tensor: Tensor) -> int:
    """Bytes of the scales and zero points that a per-channel quantised tensor keeps beside its values."""
    if not tensor.is_quantized or tensor.qscheme() not in (
        torch.per_channel_affine,
        torch.per_channel_symmetric,
        torch.per_channel_affine_float_qparams,
    ):
        return 0
    return tensor.q_per_channel_scales().nbytes + tensor.q_per_channel_zero_points().nbytes
