"""Attention: the naive baseline, which builds the S × S weights, the block, and the other ways that torch offers."""

# B batch, S sequence, D model width, H heads, K head width, M positions of all sequences

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp import bench

from .attention_kernels import MATH, kernel_of
from .attention_oracle import Seen, attended, checked, checks_of, projections
from .compiled import graphs_of

FAMILY = "attention"
ROTARY_BASE = 10000.0


def _reference_of(make_seen: Callable[[bench.Case], Seen]) -> Callable[[bench.Case, bench.Step], dict[str, Tensor]]:
    def reference(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
        assert step.module is not None
        pairs, seen = projections(step.module.state_dict()), make_seen(case)
        x_BSD = step.inputs[0].double().cpu()
        output = attended(pairs, x_BSD, x_BSD, case["heads"], seen)
        return {"output": output} | checked(pairs, step.inputs[0], case["heads"], seen, step.checks)

    return reference


_full = _reference_of(lambda case: Seen())
_causal = _reference_of(lambda case: Seen(causal=True))
_windowed = _reference_of(lambda case: Seen(causal=True, window=case["window"]))
_rotary = _reference_of(lambda case: Seen(rotary_base=ROTARY_BASE))
_alibi = _reference_of(lambda case: Seen(causal=True, slopes=_slopes(case["heads"])))


def _slopes(heads: int) -> Tensor:
    """2^(−8/H), 2^(−16/H), … of ALiBi, for H a power of two (Press et al. 2022)."""
    return torch.tensor([2.0 ** (-8.0 * (head + 1) / heads) for head in range(heads)], dtype=torch.float64)


def _batch(case: bench.Case) -> int:
    """Sequences: ``batch``, or as many as make ``tokens``, so that only the S² term grows with the length."""
    return case.shape.get("batch") or case["tokens"] // case["sequence_length"]


def _tokens(case: bench.Case) -> int:
    return _batch(case) * case["sequence_length"]


def _input(case: bench.Case) -> Tensor:
    return case.randn(_batch(case), case["sequence_length"], case["d_model"])


def _step(
    case: bench.Case,
    name: str = "MultiHeadAttention",
    *,
    causal: bool = False,
    keys_seen: int | None = None,
    make_options: Callable[[], dict[str, Any]] = dict,
) -> bench.Step:
    """Inference of one of tbp's attentions; ``keys_seen`` by a query, if fewer than all."""
    attention = bench.subject("tbp.blocks", name)
    module = case.place(lambda: attention(case["d_model"], case["heads"], **make_options()))
    x_BSD = _input(case)
    step = bench.inference(module, x_BSD, x_BSD, x_BSD, tokens=_tokens(case), causal=causal)
    kv_heads = getattr(module, "num_kv_heads", case["heads"])
    keys = keys_seen or case["sequence_length"]
    return replace(
        step,
        flops=_flops(case, keys / 2 if causal and not keys_seen else keys, kv_heads),
        counted=0 if keys_seen else _flops(case, keys, kv_heads),
        # The naive one leaks where a query may look nowhere.
        checks=checks_of(module, x_BSD, masks=name == "MultiHeadAttention"),
    )


def _flops(case: bench.Case, keys_seen: float, kv_heads: int) -> int:
    """2 per multiply-add; causal halves the S² term."""
    tokens, width, heads = _tokens(case), case["d_model"], case["heads"]
    projected = 2 * tokens * width * (2 * width + 2 * (width * kv_heads // heads))
    return int(projected + 2 * 2 * tokens * keys_seen * width)


@bench.workload(FAMILY, "naive", reference=_full)
def naive(case: bench.Case) -> bench.Step:
    return _step(case, "NaiveMultiHeadAttention")


@bench.workload(FAMILY, "sdpa", reference=_full, twin="sdpa_twin", baseline="naive")
def sdpa(case: bench.Case) -> bench.Step:
    return _step(case)


@bench.workload(FAMILY, "sdpa_causal", reference=_causal, baseline="naive")
def sdpa_causal(case: bench.Case) -> bench.Step:
    return _step(case, causal=True)


@bench.workload(FAMILY, "grouped_query", reference=_full, baseline="sdpa")
def grouped_query(case: bench.Case) -> bench.Step:
    return _off_the_math_path(_step(case, make_options=lambda: {"num_kv_heads": 1}))


def _off_the_math_path(step: bench.Step) -> bench.Step:
    """Bare attention falls to the math path on CUDA where heads share keys in float32, or under a mask."""
    sentence = "attention with shared keys runs in a fused kernel, not on the math path"
    return replace(step, conditions={sentence: lambda: kernel_of(step.run) != MATH})


@bench.workload(FAMILY, "sliding_window", reference=_windowed, baseline="sdpa_causal")
def sliding_window(case: bench.Case) -> bench.Step:
    """Windows of ``window`` positions, in blocks."""
    return _step(case, causal=True, keys_seen=case["window"], make_options=lambda: {"window": case["window"]})


@bench.workload(FAMILY, "rotary", reference=_rotary, baseline="sdpa")
def rotary(case: bench.Case) -> bench.Step:
    make_rotary = bench.subject("tbp.blocks", "RotaryEmbedding")
    width = case["d_model"] // case["heads"]
    return _step(case, make_options=lambda: {"rotary": make_rotary(width, case["sequence_length"] + 13)})


@bench.workload(FAMILY, "alibi", reference=_alibi, baseline="sdpa_causal")
def alibi(case: bench.Case) -> bench.Step:
    bench.subject("tbp.blocks", "RotaryEmbedding")  # older commits know no positions in attention
    return replace(_step(case, causal=True, make_options=lambda: {"alibi": True}), counted=0)


@bench.workload(FAMILY, "masked", reference=_reference_of(lambda case: Seen(mask=_half_padding(case))), baseline="sdpa")
def masked(case: bench.Case) -> bench.Step:
    """A padding mask that hides the last quarter of the keys."""
    return _masked(case, _step(case))


@bench.workload(
    FAMILY, "grouped_masked", reference=_reference_of(lambda case: Seen(mask=_half_padding(case))), baseline="masked"
)
def grouped_masked(case: bench.Case) -> bench.Step:
    return _off_the_math_path(_masked(case, _step(case, make_options=lambda: {"num_kv_heads": 1})))


def _masked(case: bench.Case, step: bench.Step) -> bench.Step:
    assert step.module is not None
    inference = bench.inference(step.module, *step.inputs, mask=_half_padding(case).to(case.device))
    return replace(step, run=inference.run, output=inference.output)


def _half_padding(case: bench.Case) -> Tensor:
    length = case["sequence_length"]
    return (torch.arange(length) < length * 3 // 4)[None, None, None, :]


def _backward_step(case: bench.Case, name: str) -> bench.Step:
    """Forward and backward: gradients of the input and all weights."""
    step = _step(case, name)
    module = step.module
    assert module is not None
    x_BSD = step.inputs[0].clone().requires_grad_()
    upstream_BSD = torch.ones_like(x_BSD)

    def run() -> None:
        x_BSD.grad = None
        module.zero_grad()
        torch.autograd.backward(module(x_BSD, x_BSD, x_BSD), upstream_BSD)

    assert step.flops is not None
    weights = sum(weight.nbytes for weight in module.parameters())
    moved = 3 * weights + 4 * x_BSD.nbytes
    return replace(step, run=run, flops=3 * step.flops, counted=0, bytes_moved=moved)


@bench.workload(FAMILY, "naive_backward", reference=_full)
def naive_backward(case: bench.Case) -> bench.Step:
    return _backward_step(case, "NaiveMultiHeadAttention")


@bench.workload(FAMILY, "sdpa_backward", reference=_full, baseline="naive_backward")
def sdpa_backward(case: bench.Case) -> bench.Step:
    return _backward_step(case, "MultiHeadAttention")


class TorchAttention(nn.Module):
    """``nn.MultiheadAttention`` with the weights of tbp's block, with torch's fast path for inference or without."""

    def __init__(self, block: nn.Module, width: int, heads: int, *, fast: bool) -> None:
        super().__init__()
        self.fast = fast
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        pairs = projections(block.state_dict())
        with torch.no_grad():
            self.attention.in_proj_weight.copy_(torch.cat([pairs[name][0] for name in "qkv"]))
            self.attention.in_proj_bias.copy_(torch.cat([pairs[name][1] for name in "qkv"]))
            self.attention.out_proj.weight.copy_(pairs["out"][0])
            self.attention.out_proj.bias.copy_(pairs["out"][1])

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Without weights, as its users that care for time call it."""
        torch.backends.mha.set_fastpath_enabled(self.fast)
        try:
            output: Tensor = self.attention(query, key, value, need_weights=False)[0]
        finally:
            torch.backends.mha.set_fastpath_enabled(True)
        return output


def _peer(case: bench.Case, make: Callable[[nn.Module], nn.Module], *, window: int | None = None) -> bench.Step:
    """Inference of another implementation with the block's weights, which the reference reads from the block."""
    block = _step(case).module
    assert block is not None
    peer = make(block).to(case.device, case.dtype)
    x_BSD = _input(case)
    step = bench.inference(peer, x_BSD, x_BSD, x_BSD, tokens=_tokens(case))
    flops = _flops(case, window or case["sequence_length"], case["heads"])
    return replace(step, module=block, flops=flops, counted=0)


@bench.workload(FAMILY, "torch_fast", reference=_full, baseline="sdpa")
def torch_fast(case: bench.Case) -> bench.Step:
    return _peer(case, lambda block: TorchAttention(block, case["d_model"], case["heads"], fast=True))


@bench.workload(FAMILY, "torch_slow", reference=_full, baseline="sdpa")
def torch_slow(case: bench.Case) -> bench.Step:
    return _peer(case, lambda block: TorchAttention(block, case["d_model"], case["heads"], fast=False))


class FlexAttention(nn.Module):
    """A sliding window by ``torch.nn.attention.flex_attention``, compiled, with the weights of tbp's block."""

    def __init__(self, block: nn.Module, heads: int, length: int, window: int, device: str) -> None:
        super().__init__()
        from torch.nn.attention import flex_attention as flex

        self.heads = heads
        self.pairs = nn.ParameterList()
        for weight, bias in (projections(block.state_dict())[name] for name in ("q", "k", "v", "out")):
            self.pairs.extend([nn.Parameter(weight.float()), nn.Parameter(bias.float())])

        def near(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            return (query >= key) & (query - key < window)

        self.mask = flex.create_block_mask(near, None, None, length, length, device=device)
        self.compiled = torch.compile(flex.flex_attention, fullgraph=True)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(B, S, D) to (B, S, D)."""
        pairs = list(zip(self.pairs[::2], self.pairs[1::2], strict=True))
        q, k, v = (
            F.linear(x, *pair).view(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for x, pair in zip((query, key, value), pairs[:3], strict=True)
        )
        return F.linear(self.compiled(q, k, v, block_mask=self.mask).transpose(1, 2).flatten(2), *pairs[3])


@bench.workload(FAMILY, "flex_window", reference=_windowed, baseline="sliding_window")
def flex_window(case: bench.Case) -> bench.Step:
    """Needs a compiler: on CPU a C++ one, on CUDA Triton."""
    length, window = case["sequence_length"], case["window"]
    step = _peer(case, lambda block: FlexAttention(block, case["heads"], length, window, case.device), window=window)
    graphs_of(step.run)
    return step
