"""Bare ``F.scaled_dot_product_attention`` in each of its kernels, and in the one that torch chooses.

A kernel that does not take the inputs is skipped with torch's reasons. Kinds of inputs are plain, causal, masked, with
keys that heads share (``enable_gqa``), and with both of the latter.
"""

# B batch, H query heads, G key/value heads, S sequence, K head width

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from tbp import bench

from .attention_kernels import MATH, kernel_of

FAMILY = "attention_backends"

BACKENDS = {
    MATH: SDPBackend.MATH,
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}
CHOSEN = "chosen"  # no kernel is pinned
KINDS = ("plain", "causal", "masked", "grouped", "grouped_masked")

# torch's words for a kernel that does not take the inputs, in this and in earlier versions.
_REFUSALS = ("no available kernel", "no viable backend")
# Of torch's warnings those that only say which kernels the pinning has switched off, or announce the next one.
_NO_REASONS = ("runtime disabled", "not used because")


def variant_of(backend: str, kind: str) -> str:
    """``flash``, ``flash_causal``."""
    return backend if kind == "plain" else f"{backend}_{kind}"


def _inputs(case: bench.Case, kind: str) -> tuple[tuple[Tensor, Tensor, Tensor], dict[str, Any]]:
    """Queries, keys and values, and the options of the call."""
    heads, length, width = case["heads"], case["sequence_length"], case["d_model"] // case["heads"]
    kv_heads = heads // case["queries_per_head"] if "grouped" in kind else heads
    batch = case["tokens"] // length
    q_BHSK = case.randn(batch, heads, length, width)
    k_BGSK, v_BGSK = case.randn(2, batch, kv_heads, length, width).flip(-2)
    options: dict[str, Any] = {}
    if kind == "causal":
        options["is_causal"] = True
    if "masked" in kind:
        options["attn_mask"] = _padding(length).to(case.device)
    if "grouped" in kind:
        options["enable_gqa"] = True
    return (q_BHSK, k_BGSK, v_BGSK), options


def _padding(length: int) -> Tensor:
    """(1, 1, 1, S) mask that hides the last quarter of the keys."""
    return (torch.arange(length) < length * 3 // 4)[None, None, None, :]


def _reference_of(kind: str) -> Callable[[bench.Case, bench.Step], Tensor]:
    """softmax(q kᵀ ÷ √K) v in float64 (Vaswani et al. 2017, equation 1)."""

    def reference(case: bench.Case, step: bench.Step) -> Tensor:
        q_BHSK, k_BGSK, v_BGSK = (x.double().cpu() for x in step.inputs)
        shared = q_BHSK.shape[1] // k_BGSK.shape[1]
        k_BHSK, v_BHSK = (x.repeat_interleave(shared, dim=1) for x in (k_BGSK, v_BGSK))
        scores_BHSS = q_BHSK @ k_BHSK.transpose(-2, -1) / math.sqrt(q_BHSK.shape[-1])
        length = q_BHSK.shape[-2]
        if kind == "causal":
            scores_BHSS = scores_BHSS.masked_fill(torch.ones(length, length).tril() == 0, -math.inf)
        if "masked" in kind:
            scores_BHSS = scores_BHSS.masked_fill(~_padding(length), -math.inf)
        return scores_BHSS.softmax(-1) @ v_BHSK

    return reference


def _build(backend: str, kind: str, case: bench.Case) -> bench.Step:
    inputs, options = _inputs(case, kind)

    def pinned() -> AbstractContextManager[object]:
        return nullcontext() if backend == CHOSEN else sdpa_kernel([BACKENDS[backend]])

    def run() -> Tensor:
        with torch.inference_mode(), pinned():
            return F.scaled_dot_product_attention(*inputs, **options)

    with _refusals_as_skips(f"{backend} attention does not take {kind} {case.dtype} here".replace("torch.", "")):
        run()
    conditions = {f"attention runs in the {backend} kernel": lambda: kernel_of(run) == backend}
    tokens, length = case["tokens"], case["sequence_length"]
    flops = 2 * 2 * tokens * length * case["d_model"]
    return bench.Step(
        run,
        run,
        inputs=inputs,
        flops=flops // 2 if kind == "causal" else flops,
        counted=0,
        tokens=tokens,
        conditions={} if backend == CHOSEN else conditions,
    )


@contextmanager
def _refusals_as_skips(sentence: str) -> Iterator[None]:
    """A kernel's refusal becomes a skip with the reasons that torch warns of; other errors stay errors."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except RuntimeError as error:
            if not any(refusal in str(error).lower() for refusal in _REFUSALS):
                raise
            texts = [str(warning.message).partition(" (Triggered")[0].strip() for warning in caught]
            reasons = dict.fromkeys(text for text in texts if not any(words in text for words in _NO_REASONS))
            raise bench.Skip(f"{sentence}: {' '.join(reasons) or 'this device has no such kernel'}") from None


for _kind in KINDS:
    for _backend in (*BACKENDS, CHOSEN):
        bench.workload(
            FAMILY,
            variant_of(_backend, _kind),
            reference=_reference_of(_kind),
            baseline=None if _backend == MATH else variant_of(MATH, _kind),
        )(partial(_build, _backend, _kind))
