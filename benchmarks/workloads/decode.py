"""Decoding: prefill, and one token after ``past`` others, with a key/value cache and without."""

# B batch, P past positions, D model width, H query heads, G key/value heads, K head width

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp import bench

from .attention_oracle import Seen, attended, check_input, projections

FAMILY = "decode"
WINDOW = 128
ROTARY_BASE = 10000.0


def _reference_of(
    window: int | None = None, rotary_base: float | None = None
) -> Callable[[bench.Case, bench.Step], dict[str, Tensor]]:
    """Causal attention over all positions in float64: of those that the step gives, the last ones."""

    def reference(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
        assert step.module is not None
        pairs, seen = projections(step.module.state_dict()), Seen(None, True, window, None, rotary_base)
        x_BSD = step.inputs[0].double().cpu()
        output_BSD = attended(pairs, x_BSD, x_BSD, case["heads"], seen)
        expected = {"output": output_BSD[:, -step.output().shape[1] :]}
        if "in pieces" in step.checks:
            small = check_input(step.inputs[0]).double().cpu()
            expected["in pieces"] = attended(pairs, small, small, case["heads"], seen)
        return expected

    return reference


def _block(case: bench.Case, **options: Any) -> nn.Module:
    attention = bench.subject("tbp.blocks", "MultiHeadAttention")
    bench.subject("tbp.blocks", "KeyValueCache")
    return case.place(lambda: attention(case["d_model"], case["heads"], **options)).eval()


def _positions(case: bench.Case) -> Tensor:
    return case.randn(case["batch"], case["past"] + 1, case["d_model"])


def _of_one_token(case: bench.Case, module: Any, x_BSD: Tensor, run: Callable[[], Tensor]) -> bench.Step:
    """``run`` gives the last position's output; every byte of keys and values is read once."""
    width, kv_width = case["d_model"], case["d_model"] * module.num_kv_heads // case["heads"]
    keys = min(case["past"] + 1, module.window or case["past"] + 1)
    projected = 2 * width * (2 * width + 2 * kv_width)
    moved = sum(weight.nbytes for weight in module.parameters())
    moved += case["batch"] * (2 * keys * kv_width + 2 * width) * x_BSD.element_size()
    flops = case["batch"] * (projected + 2 * 2 * keys * width)
    return bench.Step(run, run, module, (x_BSD,), flops=flops, tokens=case["batch"], bytes_moved=moved, counted=0)


def _cached(case: bench.Case, **options: Any) -> bench.Step:
    module: Any = _block(case, **options)
    x_BSD = _positions(case)
    token_B1D, past = x_BSD[:, -1:].clone(), case["past"]
    with torch.inference_mode():
        cache = module.cache(case["batch"], past + 1)
        module(x_BSD[:, :past], causal=True, cache=cache)

    def run() -> Tensor:
        with torch.inference_mode():
            cache.truncate(past)
            output: Tensor = module(token_B1D, causal=True, cache=cache)
            return output

    return replace(_of_one_token(case, module, x_BSD, run), checks={"in pieces": lambda: _in_pieces(module, x_BSD)})


def _in_pieces(module: Any, x_BSD: Tensor) -> Tensor:
    """A prefill, a chunk that continues it, and tokens, which the timed step has none but one of."""
    small = check_input(x_BSD)
    with torch.inference_mode():
        cache = module.cache(len(small), small.shape[1])
        pieces = torch.split_with_sizes(small, [6, 3, 1, 1, 1, 1], dim=1)
        return torch.cat([module(piece, causal=True, cache=cache) for piece in pieces], dim=1)


@bench.workload(FAMILY, "uncached", reference=_reference_of())
def uncached(case: bench.Case) -> bench.Step:
    """Every position anew for one token, as decoding without a cache does."""
    module, x_BSD = _block(case), _positions(case)

    def run() -> Tensor:
        with torch.inference_mode():
            output: Tensor = module(x_BSD, causal=True)[:, -1:]
            return output

    return replace(_of_one_token(case, module, x_BSD, run), flops=None)


@bench.workload(FAMILY, "cached", reference=_reference_of(), twin="cached_twin", baseline="uncached")
def cached(case: bench.Case) -> bench.Step:
    return _cached(case)


@bench.workload(FAMILY, "cached_graphed", reference=_reference_of(), baseline="cached")
def cached_graphed(case: bench.Case) -> bench.Step:
    """The token at this position as a CUDA graph, which writes its key and value to where it was recorded."""
    return bench.graphed(_cached(case), case)


@bench.workload(FAMILY, "cached_grouped", reference=_reference_of(), baseline="cached")
def cached_grouped(case: bench.Case) -> bench.Step:
    return _cached(case, num_kv_heads=2)


@bench.workload(FAMILY, "cached_window", reference=_reference_of(WINDOW), baseline="cached")
def cached_window(case: bench.Case) -> bench.Step:
    return _cached(case, window=WINDOW)


@bench.workload(FAMILY, "cached_rotary", reference=_reference_of(rotary_base=ROTARY_BASE), baseline="cached")
def cached_rotary(case: bench.Case) -> bench.Step:
    make_rotary = bench.subject("tbp.blocks", "RotaryEmbedding")
    rotary = make_rotary(case["d_model"] // case["heads"], case["past"] + 1, ROTARY_BASE)
    return _cached(case, rotary=rotary)


@bench.workload(FAMILY, "bare", reference=_reference_of(), baseline="cached")
def bare(case: bench.Case) -> bench.Step:
    """One token like ``cached``, in plain calls, with three projections and keys that are allocated once."""
    module, x_BSD = _block(case), _positions(case)
    pairs = {name: [part.to(x_BSD) for part in pair] for name, pair in projections(module.state_dict()).items()}
    token_B1D, past, batch = x_BSD[:, -1:].clone(), case["past"], case["batch"]

    def heads(name: str, x: Tensor) -> Tensor:
        return F.linear(x, *pairs[name]).view(batch, x.shape[1], case["heads"], -1).transpose(1, 2)

    with torch.inference_mode():
        keys, values = heads("k", x_BSD).contiguous(), heads("v", x_BSD).contiguous()

    def run() -> Tensor:
        with torch.inference_mode():
            keys[:, :, past:], values[:, :, past:] = heads("k", token_B1D), heads("v", token_B1D)
            attended_BHSK = F.scaled_dot_product_attention(heads("q", token_B1D), keys, values)
            return F.linear(attended_BHSK.transpose(1, 2).reshape(token_B1D.shape), *pairs["out"])

    return _of_one_token(case, module, x_BSD, run)


@bench.workload(FAMILY, "prefill", reference=_reference_of())
def prefill(case: bench.Case) -> bench.Step:
    """All positions at once into an empty cache."""
    module: Any = _block(case)
    x_BSD = _positions(case)
    with torch.inference_mode():
        cache = module.cache(case["batch"], case["past"] + 1)

    def run() -> Tensor:
        with torch.inference_mode():
            cache.truncate(0)
            output: Tensor = module(x_BSD, causal=True, cache=cache)
            return output

    tokens, width = case["batch"] * x_BSD.shape[1], case["d_model"]
    flops = 2 * tokens * 4 * width**2 + 2 * tokens * x_BSD.shape[1] * width  # causal: half of the S² products
    counted = 2 * tokens * 4 * width**2 + 4 * tokens * x_BSD.shape[1] * width
    return bench.Step(run, run, module, (x_BSD,), flops=flops, tokens=tokens, counted=counted)
