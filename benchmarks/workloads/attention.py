"""Attention: the naive baseline, which builds the S × S weights, against scaled_dot_product_attention."""

# B batch, S sequence, D model width, H heads, K head width

import math
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from tbp import bench

FAMILY = "attention"


def _reference(case: bench.Case, step: bench.Step, *, causal: bool = False) -> Tensor:
    """softmax(q kᵀ ÷ √K) v of the step's weights in float64 (Vaswani et al. 2017, equation 1)."""
    assert step.module is not None
    weights = {name: value.double().cpu() for name, value in step.module.state_dict().items()}
    x_BSD = step.inputs[0].double().cpu()

    def heads(name: str) -> Tensor:
        projected = torch.nn.functional.linear(x_BSD, weights[f"{name}.weight"], weights[f"{name}.bias"])
        split = projected.reshape(*projected.shape[:2], -1, case["d_model"] // case["heads"]).transpose(1, 2)
        return split.repeat_interleave(case["heads"] // split.shape[1], dim=1)  # grouped-query attention

    q_BHSK, k_BHSK, v_BHSK = heads("q_proj"), heads("k_proj"), heads("v_proj")
    scores_BHSS = q_BHSK @ k_BHSK.transpose(-2, -1) / math.sqrt(q_BHSK.shape[-1])
    if causal:
        future_SS = torch.ones(scores_BHSS.shape[-2:], dtype=torch.bool).triu(1)
        scores_BHSS = scores_BHSS.masked_fill(future_SS, -math.inf)
    out_BSD = (scores_BHSS.softmax(-1) @ v_BHSK).transpose(1, 2).flatten(2)
    return torch.nn.functional.linear(out_BSD, weights["out_proj.weight"], weights["out_proj.bias"])


def _step(case: bench.Case, name: str, *, kv_heads: int | None = None, **options: bool) -> bench.Step:
    attention = bench.subject("tbp.blocks", name)
    grouped = {} if kv_heads is None else {"num_kv_heads": kv_heads}
    module = case.place(lambda: attention(case["d_model"], case["heads"], **grouped))
    x_BSD = case.randn(case["tokens"] // case["sequence_length"], case["sequence_length"], case["d_model"])
    flops = _flops(case, bool(options.get("causal")), kv_heads)
    step = bench.inference(module, x_BSD, x_BSD, x_BSD, flops=flops, tokens=case["tokens"], **options)
    return replace(step, counted=_flops(case, False, kv_heads))


def _flops(case: bench.Case, causal: bool, kv_heads: int | None) -> int:
    """2 per multiply-add; causal halves the S² term."""
    tokens, width, heads = case["tokens"], case["d_model"], case["heads"]
    kv_width = width * (kv_heads or heads) // heads
    projections = 2 * tokens * width * (2 * width + 2 * kv_width)
    products = 2 * 2 * tokens * case["sequence_length"] * width
    return projections + (products // 2 if causal else products)


@bench.workload(FAMILY, "naive", reference=_reference)
def naive(case: bench.Case) -> bench.Step:
    return _step(case, "NaiveMultiHeadAttention")


@bench.workload(FAMILY, "sdpa", reference=_reference, twin="sdpa_twin")
def sdpa(case: bench.Case) -> bench.Step:
    return _step(case, "MultiHeadAttention")


@bench.workload(FAMILY, "sdpa_causal", reference=partial(_reference, causal=True))
def sdpa_causal(case: bench.Case) -> bench.Step:
    return _step(case, "MultiHeadAttention", causal=True)


@bench.workload(FAMILY, "grouped_query", reference=_reference)
def grouped_query(case: bench.Case) -> bench.Step:
    return _step(case, "MultiHeadAttention", kv_heads=1)
