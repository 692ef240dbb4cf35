"""Time of tbp's blocks beside the other ways that PyTorch offers to compute the same, as ratios.

    python tools/block_speed.py [--threads 1] [--rounds 15] [--only attention,decode,…]

Each table times its ways in turns, in a new order each round, and shows the median time of tbp's block, and the ratio
of tbp's time to each of the other ways: the median over the rounds of the ratio within one round, below 1 where tbp is
faster. All ways have equal weights and are checked to give equal results. *bare* are the calls that one would write
without a class around them, with three projections; *packed* the same with one; *fast* and *slow* are
``nn.MultiheadAttention`` with and without its fast path. Peak memory is in bytes that torch's allocator was asked for.
Takes 6 minutes with one thread on a quiet machine; ``transformers`` is needed for the encoder's rows of BERT.
Targets: attention at most 1.05 of the best, and 0.35 of naive at 2048 positions with 10 % of its memory; a feed-forward
network at least 0.8 of the roof at 2048 tokens; one token no slower than bare calls; the encoder no slower than
either peer.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp.bench.counters import peak_bytes
from tbp.blocks import (
    Activation,
    Encoder,
    FeedForward,
    KeyValueCache,
    MultiHeadAttention,
    NaiveMultiHeadAttention,
    converted,
)

Call = Callable[[], object]


class Clock:
    """The clock that all samples are taken with."""

    seconds = staticmethod(time.perf_counter)


# A sample is this long: above the clock's and the scheduler's grain, below what a neighbour disturbs.
SAMPLE_S = 0.004
# B batch and S positions of the attention's rows; 2048 tokens from 64 positions on.
SHAPES = ((1, 1), (8, 1), (1, 16), (8, 16), (32, 64), (8, 256), (2, 1024), (1, 2048))
D, H = 256, 4
LAYERS = 2
ROOF_WIDTH = 1024  # of the square product


def main() -> None:
    tables = {
        "attention": attention,
        "memory": memory,
        "decode": decode,
        "feed_forward": feed_forward,
        "encoder": encoder,
    }
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default=",".join(tables), help="tables, separated by commas")
    parser.add_argument("--cpu-time", action="store_true", help="of the process, for a machine that is busy otherwise")
    options = parser.parse_args()
    if options.cpu_time:
        Clock.seconds = staticmethod(time.process_time)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {options.threads} thread(s), load {os.getloadavg()[0]:.1f}")
    for name in options.only.split(","):
        print(f"\n{name}")
        tables[name](options.rounds)


def attention(rounds: int) -> None:
    for gradients in (False, True):
        for batch, length in SHAPES:
            with nullcontext() if gradients else torch.inference_mode():
                x_BSD = torch.randn(batch, length, D, requires_grad=gradients)
                ways = attention_ways(x_BSD)
                check_equal(ways)
                timed = {name: backward(way, x_BSD) for name, way in ways.items()} if gradients else ways
                show(f"{'forward+backward' if gradients else 'forward':17}B={batch:<3} S={length:<5}", timed, rounds)


def attention_ways(x_BSD: Tensor) -> dict[str, Call]:
    """Self-attention of ``x_BSD`` in all ways, tbp's first."""
    block, naive = MultiHeadAttention(D, H).eval(), NaiveMultiHeadAttention(D, H).eval()
    naive.load_state_dict(block.state_dict())
    peer = nn.MultiheadAttention(D, H, batch_first=True).eval()
    assert block.qkv_proj is not None
    packed, out = block.qkv_proj, block.out_proj
    copy_parameters((packed.weight, packed.bias), (peer.in_proj_weight, peer.in_proj_bias))
    peer.out_proj.load_state_dict(out.state_dict())

    def fast() -> Tensor:
        return peer(x_BSD, x_BSD, x_BSD, need_weights=False)[0]

    def slow() -> Tensor:
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            return fast()
        finally:
            torch.backends.mha.set_fastpath_enabled(True)

    def merged(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        attended = F.scaled_dot_product_attention(q, k, v)
        return F.linear(attended.transpose(1, 2).reshape(x_BSD.shape), out.weight, out.bias)

    def split(projected: Tensor) -> Tensor:
        return projected.view(*x_BSD.shape[:2], H, D // H).transpose(1, 2)

    three = [naive.q_proj, naive.k_proj, naive.v_proj]

    def bare() -> Tensor:
        return merged(*(split(F.linear(x_BSD, linear.weight, linear.bias)) for linear in three))

    def bare_packed() -> Tensor:
        parts = F.linear(x_BSD, packed.weight, packed.bias).view(*x_BSD.shape[:2], 3, H, D // H).unbind(2)
        return merged(*(part.transpose(1, 2) for part in parts))

    return {
        "tbp": lambda: block(x_BSD, x_BSD, x_BSD),
        "bare": bare,
        "packed": bare_packed,
        "fast": fast,
        "slow": slow,
        "naive": lambda: naive(x_BSD, x_BSD, x_BSD),
    }


def memory(_: int) -> None:
    x_BSD = torch.randn(1, 2048, D)
    with torch.inference_mode():
        ways = attention_ways(x_BSD)
        peaks = {name: peak_bytes(ways[name], "cpu") for name in ("tbp", "naive")}
    print(f"peak at 2048 positions: tbp {peaks['tbp']:,} B, {peaks['tbp'] / peaks['naive']:.3f} of naive")


def decode(rounds: int) -> None:
    """One token after ``past`` others: the block's cache beside bare calls over preallocated keys, and all anew."""
    for batch, kv_heads, past in ((1, 8, 128), (1, 8, 1024), (1, 2, 1024), (8, 2, 1024)):
        with torch.inference_mode():
            width, heads = 512, 8
            block = MultiHeadAttention(width, heads, num_kv_heads=kv_heads).eval()
            x_BSD = torch.randn(batch, past + 1, width)
            cache = block.cache(batch, past + 8)
            block(x_BSD[:, :past], causal=True, cache=cache)
            ways = decode_ways(block, x_BSD, cache)
            check_equal(ways)
            anew = {"tbp": ways["tbp"], "anew": ways.pop("anew")}  # apart, as it empties the caches of the processor
            show(f"B={batch:<3} G={kv_heads:<2} past={past:<5}", ways, rounds)
            show("", anew, rounds)


def decode_ways(block: MultiHeadAttention, x_BSD: Tensor, cache: KeyValueCache) -> dict[str, Call]:
    heads, groups, width = block.num_heads, block.num_kv_heads, block.head_width
    batch, total, _ = x_BSD.shape
    assert block.qkv_proj is not None
    sizes = (heads * width, groups * width, groups * width)
    weights = [weight.clone() for weight in torch.split_with_sizes(block.qkv_proj.weight, sizes)]
    biases = [bias.clone() for bias in torch.split_with_sizes(block.qkv_proj.bias, sizes)]
    token_B1D = x_BSD[:, -1:].clone()
    keys, values = (
        torch.empty(batch, groups, total, width).copy_(
            F.linear(x_BSD, weights[i], biases[i]).view(batch, total, groups, width).transpose(1, 2)
        )
        for i in (1, 2)
    )

    def tbp() -> Tensor:
        cache.truncate(total - 1)
        return block(token_B1D, token_B1D, token_B1D, causal=True, cache=cache)

    def bare() -> Tensor:
        q, k, v = (F.linear(token_B1D, weight, bias) for weight, bias in zip(weights, biases, strict=True))
        keys[:, :, total - 1 :] = k.view(batch, 1, groups, width).transpose(1, 2)
        values[:, :, total - 1 :] = v.view(batch, 1, groups, width).transpose(1, 2)
        attended = F.scaled_dot_product_attention(
            q.view(batch, 1, heads, width).transpose(1, 2),
            keys[:, :, :total],
            values[:, :, :total],
            enable_gqa=groups != heads,
        )
        return F.linear(attended.transpose(1, 2).reshape(token_B1D.shape), block.out_proj.weight, block.out_proj.bias)

    def anew() -> Tensor:
        return block(x_BSD, x_BSD, x_BSD, causal=True)[:, -1:]

    return {"tbp": tbp, "bare": bare, "anew": anew}


def feed_forward(rounds: int) -> None:
    """Beside its two or three products alone, and its FLOPs a second beside those of a square product: the roof."""
    square = torch.randn(ROOF_WIDTH, ROOF_WIDTH)
    for activation in get_args(Activation):
        for tokens in (64, 2048):
            with torch.inference_mode():
                block = FeedForward(D, 4 * D, activation=activation).eval()
                ways = feed_forward_ways(block, torch.randn(tokens, D)) | {"square": lambda: torch.mm(square, square)}
                ratios = show(f"{activation:7}M={tokens:<5}", ways, rounds)
                flops = 2 * tokens * sum(weight.numel() for weight in block.parameters() if weight.dim() == 2)
                print(f"{'':42} {flops / (2 * ROOF_WIDTH**3) / ratios['square']:10.2f} of the roof", flush=True)


def feed_forward_ways(block: FeedForward, x_MD: Tensor) -> dict[str, Call]:
    hidden_MF = torch.randn(len(x_MD), block.hidden_width)
    ups = [block.up] if block.gate is None else [block.up, block.gate]

    def products() -> None:
        for linear in ups:
            F.linear(x_MD, linear.weight, linear.bias)
        F.linear(hidden_MF, block.down.weight, block.down.bias)

    return {"tbp": lambda: block(x_MD), "products": products}


def encoder(rounds: int) -> None:
    for d_model, heads in ((256, 4), (512, 8)):
        for batch, length in ((1, 16), (1, 128), (8, 128)):
            for pre_norm in (True, False):
                with torch.inference_mode():
                    x_BSD = torch.randn(batch, length, d_model)
                    ways = encoder_ways(x_BSD, d_model, heads, pre_norm)
                    show(f"D={d_model} B={batch} S={length:<4}{'pre ' if pre_norm else 'post'}", ways, rounds)


def encoder_ways(x_BSD: Tensor, d_model: int, heads: int, pre_norm: bool) -> dict[str, Call]:
    """Two layers of tbp, of ``nn.TransformerEncoder`` with its fast path, and post-norm also of BERT."""
    sizes = (LAYERS, d_model, heads, 4 * d_model)
    peer_layer = nn.TransformerEncoderLayer(*sizes[1:], activation="gelu", batch_first=True, norm_first=pre_norm)
    norm = nn.LayerNorm(d_model) if pre_norm else None
    peer = nn.TransformerEncoder(peer_layer, LAYERS, norm, enable_nested_tensor=False).eval()
    block = Encoder(*sizes, activation="gelu", pre_norm=pre_norm).eval()
    block.load_state_dict(converted(peer.state_dict(), block))
    ways: dict[str, Call] = {"tbp": lambda: block(x_BSD), "torch": lambda: peer(x_BSD)}
    check_equal(ways)
    if not pre_norm:
        bert = bert_layers(d_model, heads)
        twin = Encoder(*sizes, activation="gelu", pre_norm=False).eval()
        twin.load_state_dict(converted(bert.state_dict(), twin))
        check_equal({"tbp": lambda: twin(x_BSD), "bert": lambda: through(bert, x_BSD)})
        ways["bert"] = lambda: through(bert, x_BSD)
    return ways


def bert_layers(d_model: int, heads: int) -> nn.ModuleDict:
    from transformers import BertConfig
    from transformers.models.bert.modeling_bert import BertLayer

    options: dict[str, Any] = {
        "hidden_size": d_model,
        "num_attention_heads": heads,
        "intermediate_size": 4 * d_model,
        "layer_norm_eps": 1e-5,
        "attn_implementation": "sdpa",
    }
    config = BertConfig(**options)
    return nn.ModuleDict({"layer": nn.ModuleList(BertLayer(config) for _ in range(LAYERS))}).eval()


def through(bert: nn.ModuleDict, x_BSD: Tensor) -> Tensor:
    for layer in bert["layer"].children():
        output = layer(x_BSD)
        x_BSD = output[0] if isinstance(output, tuple) else output
    return x_BSD


def check_equal(ways: Mapping[str, Call]) -> None:
    expected = ways["tbp"]()
    for name, way in ways.items():
        result = way()
        assert isinstance(result, Tensor)
        torch.testing.assert_close(result, expected, rtol=0, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}")  # type: ignore[misc]


def copy_parameters(source: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> None:
    with torch.no_grad():
        for given, taken in zip(source, target, strict=True):
            taken.copy_(given)


def backward(way: Call, x_BSD: Tensor) -> Call:
    """``way`` and the gradients of its input and weights."""
    gradient = torch.randn(x_BSD.shape)

    def both() -> None:
        result = way()
        assert isinstance(result, Tensor)
        torch.autograd.backward(result, gradient)

    return both


def show(label: str, ways: Mapping[str, Call], rounds: int) -> dict[str, float]:
    """Prints a line of tbp's median time and its ratio to each other way; gives the ratios."""
    samples_s = sampled(ways, rounds)
    ratios = {
        name: statistics.median(a / b for a, b in zip(samples_s["tbp"], samples_s[name], strict=True))
        for name in ways
        if name != "tbp"
    }
    shown = "  ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    print(f"{label:42} {statistics.median(samples_s['tbp']) * 1e6:10.0f} µs   {shown}", flush=True)
    return ratios


def sampled(ways: Mapping[str, Call], rounds: int) -> dict[str, list[float]]:
    """Seconds a call, one sample a round and way."""
    numbers = {name: calls_of_a_sample(way) for name, way in ways.items()}
    samples_s: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            samples_s[name].append(seconds(ways[name], numbers[name]))
    return samples_s


def calls_of_a_sample(way: Call) -> int:
    way()
    return max(1, round(SAMPLE_S / min(seconds(way, 1) for _ in range(3))))


def seconds(way: Call, number: int) -> float:
    start_s = Clock.seconds()
    for _ in range(number):
        way()
    return (Clock.seconds() - start_s) / number


if __name__ == "__main__":
    main()
