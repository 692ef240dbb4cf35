"""Bytes of the tensors that an operator reads and writes, from its recorded input shapes and types, without torch.

Takes the JSON texts of a trace ("Input Dims", "Concrete Inputs", "Input type") of an operator with a formula for its
FLOPs (``flops``). Gives the least that it has to move: each tensor once, as if caches held all of it. None where that
is unknown, which is not 0. ``docs/reference/flops.md`` lists the formulas.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import prod
from typing import TypeAlias

from msgspec import Struct

from tbp.traces.calls.flops import LARGEST, Settings, Shape, Shapes, flag, numbers, setting_texts, shape_sizes

# Bytes of a number, by kineto's names of types: those of C++.
SIZES: Mapping[str, int] = {
    **dict.fromkeys(("double", "long int", "long", "long long", "__int64", "c10::complex<float>"), 8),
    **dict.fromkeys(("float", "int"), 4),
    **dict.fromkeys(("c10::Half", "c10::BFloat16", "short int", "short"), 2),
    **dict.fromkeys(("signed char", "unsigned char", "char", "bool", "c10::qint8", "c10::quint8"), 1),
    **dict.fromkeys((f"c10::Float8_e{kind}" for kind in ("4m3fn", "5m2", "4m3fnuz", "5m2fnuz")), 1),
    "c10::complex<double>": 16,
}

_Written: TypeAlias = Callable[[Shapes, Settings], int]


class Tensors(Struct, frozen=True):
    """The tensors of an operator."""

    operand: int  # the argument whose type the arithmetic has
    read: tuple[int, ...]  # arguments; what is not recorded of these counts 0, as a bias that is None
    written: _Written  # numbers in the results, of the operand's type
    written_bytes: int = 0  # of a result's number, where that is of another type


class Moved(Struct, frozen=True):
    """The bytes that a call moves, and the type that it multiplies."""

    size_bytes: int
    type: str


def moved(operator: str, shapes: str, settings: str, types: str) -> Moved | None:
    """The bytes of a call; None without a formula, shapes or types, or with some that the formula does not take."""
    tensors = TENSORS.get(operator)
    if tensors is None or not shapes or not types:
        return None
    try:
        dims, kinds = shape_sizes(shapes), [str(kind) for kind in json.loads(types)]
        kind = kinds[tensors.operand]
        read = sum(_size(dims, kinds, argument) for argument in tensors.read)
        written = tensors.written(dims, setting_texts(settings)) * (tensors.written_bytes or SIZES[kind])
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        return None
    return Moved(read + written, kind) if 0 < read + written < LARGEST else None


def _size(dims: Shapes, kinds: list[str], argument: int) -> int:
    if argument >= len(dims) or (not dims[argument] and kinds[argument] not in SIZES):
        return 0  # no tensor
    return prod(dims[argument]) * SIZES[kinds[argument]]


def _product(a: int, b: int) -> _Written:
    """The result of a (batch of) matrix product of these arguments."""
    return lambda shapes, settings: prod(shapes[a][:-1]) * shapes[b][-1]


def _linear(shapes: Shapes, settings: Settings) -> int:
    return prod(shapes[0][:-1]) * shapes[1][0]


def _convolution(shapes: Shapes, settings: Settings) -> int:
    x, weight = shapes[:2]
    stride, padding, dilation, more = (_each(numbers(settings[at]), x) for at in (3, 4, 5, 7))
    filters = zip(x[2:], weight[2:], stride, padding, dilation, more, strict=True)
    if flag(settings[6]):
        out = [
            (size - 1) * step - 2 * pad + spread * (width - 1) + m + 1 for size, width, step, pad, spread, m in filters
        ]
        return x[0] * weight[1] * int(settings[8]) * int(prod(out))
    out = [(size + 2 * pad - spread * (width - 1) - 1) // step + 1 for size, width, step, pad, spread, _ in filters]
    return x[0] * weight[0] * int(prod(out))


def _convolution_gradients(shapes: Shapes, settings: Settings) -> int:
    _, x, weight = shapes[:3]
    of_input, of_weight, *_ = (flag(text) for text in settings[10].strip("[]").split(","))
    return of_input * prod(x) + of_weight * prod(weight)


def _each(values: list[int], x: Shape) -> list[int]:
    return values * (len(x) - 2) if len(values) == 1 else values


def _attended(shapes: Shapes, settings: Settings) -> int:
    q, v = shapes[0], shapes[2]
    return prod(q[:-1]) * v[-1]


def _attention_gradients(shapes: Shapes, settings: Settings) -> int:
    return sum(prod(shape) for shape in shapes[1:4])


def _forward(*mask: int) -> Tensors:
    return Tensors(0, (0, 1, 2, *mask), _attended)


def _backward(*read: int) -> Tensors:
    """The tensors of a backward pass: gradient, query, key, value, and besides the result, its logarithms, a mask."""
    return Tensors(1, (0, 1, 2, 3, *read), _attention_gradients)


_SDPA = "aten::_scaled_dot_product_"
_CONVOLUTION = Tensors(0, (0, 1, 2), _convolution)

TENSORS: Mapping[str, Tensors] = {
    "aten::mm": Tensors(0, (0, 1), _product(0, 1)),
    "aten::bmm": Tensors(0, (0, 1), _product(0, 1)),
    "aten::_int_mm": Tensors(0, (0, 1), _product(0, 1), written_bytes=4),
    "aten::addmm": Tensors(1, (0, 1, 2), _product(1, 2)),
    "aten::_addmm_activation": Tensors(1, (0, 1, 2), _product(1, 2)),
    "aten::baddbmm": Tensors(1, (0, 1, 2), _product(1, 2)),
    "aten::linear": Tensors(0, (0, 1, 2), _linear),
    "aten::convolution": _CONVOLUTION,
    "aten::_convolution": _CONVOLUTION,
    "aten::convolution_overrideable": _CONVOLUTION,
    "aten::convolution_backward": Tensors(0, (0, 1, 2), _convolution_gradients),
    f"{_SDPA}flash_attention": _forward(),
    f"{_SDPA}efficient_attention": _forward(3),
    f"{_SDPA}cudnn_attention": _forward(3),
    f"{_SDPA}fused_attention_overrideable": _forward(3),
    f"{_SDPA}flash_attention_for_cpu": _forward(5),
    f"{_SDPA}flash_attention_backward": _backward(4, 5),
    f"{_SDPA}efficient_attention_backward": _backward(4, 5, 6),
    f"{_SDPA}cudnn_attention_backward": _backward(4, 5, 8),
    f"{_SDPA}flash_attention_for_cpu_backward": _backward(4, 5, 8),
    "aten::_flash_attention_forward": _forward(),
}
