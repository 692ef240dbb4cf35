"""Checks of attention: each backend by itself, the one that torch chooses, and the block with its gradients."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from tbp import bench
from tbp.blocks import MultiHeadAttention
from tbp.selftest.checks import Reading, check, quantity
from tbp.selftest.work import error_of, events_s

# B batch, H heads, S sequence, K head width
B, H, S, K = 2, 4, 256, 64
BACKENDS = ("MATH", "FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION")
# Of a backend that does not take the input; torch words it by its version.
REFUSALS = ("no available kernel", "no viable backend")
# Relative to the largest value, against float64: twice what the bits of the dtype give after a softmax of 256 terms.
MOST_ERROR = {torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 4e-2}
BLOCK_ERROR = 1e-4


@check("attention, each backend")
def backends(device: bench.Device) -> Iterator[Reading]:
    """Every backend that takes the input gives the same as float64; some backend beside the plain one has to."""
    has_fused = False
    for dtype in _dtypes(device):
        q_BHSK, k_BHSK, v_BHSK, expected_BHSK = _inputs(device, dtype)
        for name in BACKENDS:
            with sdpa_kernel([getattr(SDPBackend, name)]):
                label = f"{name.removesuffix('_ATTENTION').lower()} in {str(dtype).removeprefix('torch.')}"
                try:
                    result_BHSK = F.scaled_dot_product_attention(q_BHSK, k_BHSK, v_BHSK)
                except RuntimeError as error:
                    if not _is_refusal(error):
                        raise
                    yield Reading(label, "does not take it")
                    continue
                seconds = events_s(lambda: F.scaled_dot_product_attention(q_BHSK, k_BHSK, v_BHSK), device)  # noqa: B023
            has_fused |= name != "MATH"
            distance, most = error_of(result_BHSK, expected_BHSK), MOST_ERROR[dtype]
            value = f"error {distance:.1e}, {quantity(seconds, 's')}"
            yield Reading(label, value, f"error at most {most:.0e}", distance <= most)
    yield Reading("a fused backend", "there is one" if has_fused else "none", "there is one", has_fused)


@check("attention, the chosen backend")
def chosen(device: bench.Device) -> Iterator[Reading]:
    """Names of the backends that torch chooses for inputs of several kinds: which of them fall to the plain one."""
    choose = getattr(torch, "_fused_sdp_choice", None)
    if choose is None:
        raise bench.Skip("this torch does not tell its choice")
    for dtype in _dtypes(device):
        kinds = _kinds(device, dtype)
        names = {kind: SDPBackend(int(choose(*tensors, **more))).name for kind, (tensors, more) in kinds.items()}
        shown = ", ".join(f"{kind}: {name.removesuffix('_ATTENTION').lower()}" for kind, name in names.items())
        yield Reading(str(dtype).removeprefix("torch."), shown)


@check("attention, what each backend takes")
def refusals(device: bench.Device) -> Iterator[Reading]:
    """Kinds of inputs that a pinned backend refuses, as the pinned cells of the suites would be skipped."""
    for dtype in _dtypes(device):
        for name in BACKENDS:
            with sdpa_kernel([getattr(SDPBackend, name)]), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's reasons, for which the suites' skips are the place
                takes = {
                    kind: _is_taken(tensors, options) for kind, (tensors, options) in _kinds(device, dtype).items()
                }
            label = f"{name.removesuffix('_ATTENTION').lower()} in {str(dtype).removeprefix('torch.')}"
            refused = ", ".join(kind for kind, is_taken in takes.items() if not is_taken)
            expected = "takes all" if name == "MATH" else ""
            value = f"refuses {refused}" if refused else "takes all"
            yield Reading(label, value, expected, expected in ("", value))


Kinds = dict[str, tuple[tuple[torch.Tensor, ...], dict[str, Any]]]
"""Inputs and options of attention, by kind."""


def _kinds(device: bench.Device, dtype: torch.dtype) -> Kinds:
    mask = torch.ones(B, 1, S, S, dtype=torch.bool, device=device.name).tril()
    q_BHSK, k_BHSK, v_BHSK, _ = _inputs(device, dtype)
    few_BHSK = k_BHSK[:, :1], v_BHSK[:, :1]
    last_BHSK = q_BHSK[:, :, -1:]
    return {
        "plain": ((q_BHSK, k_BHSK, v_BHSK), {}),
        "causal": ((q_BHSK, k_BHSK, v_BHSK), {"is_causal": True}),
        "mask": ((q_BHSK, k_BHSK, v_BHSK), {"attn_mask": mask}),
        "grouped": ((q_BHSK, *few_BHSK), {"enable_gqa": True}),
        "grouped with a mask": ((q_BHSK, *few_BHSK), {"enable_gqa": True, "attn_mask": mask}),
        "one token": ((last_BHSK, k_BHSK, v_BHSK), {}),
    }


def _is_taken(tensors: tuple[torch.Tensor, ...], options: dict[str, Any]) -> bool:
    q_BHSK, k_BGSK, v_BGSK = tensors
    try:
        F.scaled_dot_product_attention(q_BHSK, k_BGSK, v_BGSK, **options)
    except RuntimeError as error:
        if not _is_refusal(error):
            raise
        return False
    return True


def _is_refusal(error: RuntimeError) -> bool:
    return any(refusal in str(error).lower() for refusal in REFUSALS)


@check("attention, the block")
def block(device: bench.Device) -> Iterator[Reading]:
    """Output and gradients of ``MultiHeadAttention`` are those of float64, and a row without a key gives no NaN."""
    torch.manual_seed(0)
    exact = MultiHeadAttention(H * K, H).double()
    fast = MultiHeadAttention(H * K, H).to(device.name)
    fast.load_state_dict({name: value.float() for name, value in exact.state_dict().items()})
    x_BSD = torch.randn(B, S, H * K, dtype=torch.float64)
    mask = torch.ones(B, 1, S, S, dtype=torch.bool).tril()
    mask[0, :, -1] = False  # a row that may look at nothing
    results = {}
    for name, module in (("exact", exact), ("fast", fast)):
        weight = next(module.parameters())
        inputs_BSD = x_BSD.clone().to(weight).requires_grad_()
        output = module(inputs_BSD, inputs_BSD, inputs_BSD, mask.to(weight.device))
        output = output[0] if isinstance(output, tuple) else output
        output.square().mean().backward()
        results[name] = {
            "output": output,
            "gradient of the input": inputs_BSD.grad,
            "gradient of a weight": weight.grad,
        }
    for name, value in results["fast"].items():
        error = error_of(value, results["exact"][name])
        yield Reading(f"error of the {name}", f"{error:.1e}", f"at most {BLOCK_ERROR:.0e}", error <= BLOCK_ERROR)


def _dtypes(device: bench.Device) -> Iterator[torch.dtype]:
    for dtype in MOST_ERROR:
        try:
            bench.require(device.name, dtype)
        except bench.Skip:
            continue
        yield dtype


def _inputs(device: bench.Device, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Query, key, value, and attention of them in float64."""
    generator = torch.Generator().manual_seed(0)
    q_BHSK, k_BHSK, v_BHSK = (torch.randn(B, H, S, K, generator=generator).to(device.name, dtype) for _ in range(3))
    query, key, value = (tensor.double().cpu() for tensor in (q_BHSK, k_BHSK, v_BHSK))
    with sdpa_kernel([SDPBackend.MATH]):
        return q_BHSK, k_BHSK, v_BHSK, F.scaled_dot_product_attention(query, key, value)
