"""FLOPs of an operator from its recorded input shapes, without torch.

Takes the JSON texts of a trace ("Input Dims", "Concrete Inputs"), gives floating-point operations; None where they
are unknown, which is not 0. The formulas are those of torch.utils.flop_counter (torch 2.13): a multiplication and
an addition are two operations, bias and causal masks are not accounted for. Beyond torch's they cover attention on
the CPU, for which torch counts 0, by the same formula as on CUDA, and the backward pass of grouped convolutions, whose
weight's gradient torch counts as often as there are groups. ``docs/reference/flops.md`` lists all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import prod
from typing import TypeAlias

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = list[Shape]
Settings: TypeAlias = list[str]

LARGEST = 2**62  # a shape may be any text; what does not fit int64 is no recording's


def flops(operator: str, shapes: str, settings: str = "") -> int | None:
    """FLOPs of a call; None without a formula, without shapes, or with shapes that the formula does not take."""
    formula = FORMULAS.get(operator)
    if formula is None or not shapes:
        return None
    try:
        count = formula(shape_sizes(shapes), setting_texts(settings))
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        return None
    return count if 0 <= count < LARGEST else None


def shape_sizes(text: str) -> Shapes:
    """Sizes of each tensor; () for an argument that is no tensor, and for a list of tensors."""
    return [
        tuple(size) if isinstance(size, list) and all(isinstance(length, int) for length in size) else ()
        for size in json.loads(text)
    ]


def setting_texts(text: str) -> Settings:
    return [str(value) for value in json.loads(text)] if text else []


def numbers(setting: str) -> list[int]:
    return [int(number) for number in json.loads(setting)]


def _product(a: Shape, b: Shape) -> int:
    m, k = a
    k2, n = b
    if k != k2:
        raise ValueError
    return 2 * m * n * k


def _products(a: Shape, b: Shape) -> int:
    if a[0] != b[0] or len(a) != 3 or len(b) != 3:
        raise ValueError
    return a[0] * _product(a[1:], b[1:])


def _linear(shapes: Shapes, settings: Settings) -> int:
    x, weight = shapes[:2]
    return _product((prod(x[:-1]), x[-1]), (weight[1], weight[0]))


def _attention(q_BHSK: Shape, k_BHSK: Shape, v_BHSK: Shape) -> int:
    batch, heads, length, width, other, out = _sizes(q_BHSK, k_BHSK, v_BHSK)
    return 2 * batch * heads * length * other * (width + out)


def _attention_backward(q_BHSK: Shape, k_BHSK: Shape, v_BHSK: Shape) -> int:
    """FLOPs of the scores again, then of the gradients of scores and value, of query and key."""
    batch, heads, length, width, other, out = _sizes(q_BHSK, k_BHSK, v_BHSK)
    return 2 * batch * heads * length * other * (3 * width + 2 * out)


def _sizes(q_BHSK: Shape, k_BHSK: Shape, v_BHSK: Shape) -> tuple[int, ...]:
    """Batch, query heads, query length, width, key length, value width; key and value may have fewer heads."""
    batch, heads, length, width = q_BHSK
    k_batch, k_heads, other, k_width = k_BHSK
    v_batch, v_heads, v_length, out = v_BHSK
    if (batch, k_heads, width, other) != (k_batch, v_heads, k_width, v_length) or batch != v_batch or heads % k_heads:
        raise ValueError
    return batch, heads, length, width, other, out


def _transposed(x_BSHK: Shape) -> Shape:
    batch, length, heads, width = x_BSHK
    return batch, heads, length, width


def _packed_attention(shapes: Shapes, settings: Settings) -> int:
    """FLOPs of tensors (B, S, H, K); with lengths per sequence (cum_seq_q) shapes do not give the work."""
    if shapes[3]:
        raise ValueError
    return _attention(*(_transposed(x_BSHK) for x_BSHK in shapes[:3]))


def _convolved(x: Shape, weight: Shape, places: Shape) -> int:
    """FLOPs of a filter laid on ``places``, the sizes of the output or, transposed, of the input."""
    return 2 * prod(places) * prod(weight[2:]) * x[0] * weight[0] * weight[1]


def _convolution(shapes: Shapes, settings: Settings) -> int:
    x, weight = shapes[:2]
    if flag(settings[6]):
        return _convolved(x, weight, x[2:])
    stride, padding, dilation = (numbers(setting) for setting in settings[3:6])
    filters = zip(x[2:], weight[2:], _each(padding, x), _each(dilation, x), _each(stride, x), strict=True)
    out = tuple((size + 2 * pad - spread * (width - 1) - 1) // step + 1 for size, width, pad, spread, step in filters)
    return _convolved(x, weight, out)


def _convolution_backward(shapes: Shapes, settings: Settings) -> int:
    gradient, x, weight = shapes[:3]
    transposed = flag(settings[7])
    of_input, of_weight = (flag(text) for text in settings[10].strip("[]").split(",")[:2])
    # Either gradient is as much work as the forward pass; the weight's second size is that of one group already.
    return (of_input + of_weight) * _convolved(gradient, weight, x[2:] if transposed else gradient[2:])


def _each(values: list[int], x: Shape) -> list[int]:
    """``values`` for each spatial dimension of ``x``; a single value holds for all of them."""
    return values * (len(x) - 2) if len(values) == 1 else values


def flag(setting: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[setting.strip().lower()] if setting else _unknown()


def _unknown() -> bool:
    raise ValueError


def _on(formula: Callable[..., int], *arguments: int) -> Callable[[Shapes, Settings], int]:
    """The formula on the shapes of these arguments."""
    return lambda shapes, settings: formula(*(shapes[at] for at in arguments))


_FORWARD, _BACKWARD = _on(_attention, 0, 1, 2), _on(_attention_backward, 1, 2, 3)
_SDPA = "aten::_scaled_dot_product_"

FORMULAS: Mapping[str, Callable[[Shapes, Settings], int]] = {
    "aten::mm": _on(_product, 0, 1),
    "aten::addmm": _on(_product, 1, 2),
    "aten::bmm": _on(_products, 0, 1),
    "aten::baddbmm": _on(_products, 1, 2),
    "aten::_scaled_mm": _on(_product, 0, 1),
    "aten::_addmm_activation": _on(_product, 1, 2),
    "aten::_int_mm": _on(_product, 0, 1),
    "aten::linear": _linear,
    "aten::convolution": _convolution,
    "aten::_convolution": _convolution,
    "aten::convolution_overrideable": _convolution,
    "aten::convolution_backward": _convolution_backward,
    **{_SDPA + kind: _FORWARD for kind in ("flash_attention", "efficient_attention", "cudnn_attention")},
    **{_SDPA + kind: _FORWARD for kind in ("flash_attention_for_cpu", "fused_attention_overrideable")},
    **{_SDPA + kind + "_backward": _BACKWARD for kind in ("flash_attention", "efficient_attention")},
    **{_SDPA + kind + "_backward": _BACKWARD for kind in ("cudnn_attention", "flash_attention_for_cpu")},
    "aten::_flash_attention_forward": _packed_attention,
}

# Operators made of others that have a formula: theirs counts only where the trace shows none of those inside.
COMPOSED = frozenset({"aten::linear"})
