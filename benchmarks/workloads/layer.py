"""Whole layers: tbp's encoder layer with norms before and after, its decoder layer, and those of torch and BERT."""

# B batch, S sequence, D model width, H heads

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp import bench

from .attention_oracle import Seen, attended, check_input, padding, projections
from .compiled import compiled

FAMILY = "layer"
EPSILON = 1e-5  # of nn.LayerNorm
# Share of zeros among BRANCH_UNITS dropped with probability a half: within this of it, but once in 10^9 draws.
BRANCH_UNITS = 4096
NEAR_HALF = 0.05


def _double(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().double().cpu() for name, value in state.items()}


def _norm(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / torch.sqrt(centred.square().mean(-1, keepdim=True) + EPSILON)
    return scaled * state[f"{name}.weight"] + state[f"{name}.bias"]


def _feed_forward(state: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """down(gelu(up x)), GELU by the error function."""
    hidden = F.linear(x, state["feed_forward.up.weight"], state["feed_forward.up.bias"])
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2)))
    return F.linear(hidden, state["feed_forward.down.weight"], state["feed_forward.down.bias"])


def _expected(module: nn.Module, x: Tensor, heads: int, seen: Seen, memory: Tensor | None = None) -> Tensor:
    """The layer in float64, from its definition; ``memory`` makes it a decoder's."""
    state = _double(module.state_dict())
    branches: list[tuple[str, Callable[[Tensor], Tensor]]] = [
        ("attention", lambda y: attended(projections(state, "attention."), y, y, heads, seen))
    ]
    if memory is not None:
        pairs = projections(state, "cross_attention.")
        branches.append(("cross_attention", lambda y: attended(pairs, y, memory, heads, Seen())))
    branches.append(("feed_forward", lambda y: _feed_forward(state, y)))
    for name, branch in branches:
        if module.pre_norm:
            x = x + branch(_norm(state, f"{name}_norm", x))
        else:
            x = _norm(state, f"{name}_norm", x + branch(x))
    return x


def _reference(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
    assert step.module is not None
    x_BSD, heads = step.inputs[0].double().cpu(), case["heads"]
    small = check_input(step.inputs[0]).double().cpu()
    expected = {"output": _expected(step.module, x_BSD, heads, Seen())}
    if "masked" in step.checks:
        expected["masked"] = _expected(step.module, small, heads, Seen(padding(), causal=True))
        leaf = small.requires_grad_()
        output = _expected(step.module, leaf, heads, Seen())
        weighting = torch.linspace(-1.0, 1.0, output.numel(), dtype=torch.float64).view_as(output)
        expected["gradient"] = torch.autograd.grad((output * weighting).sum(), leaf)[0]
    return expected


def _decoder_reference(case: bench.Case, step: bench.Step) -> Tensor:
    assert step.module is not None
    x_BSD, memory_BSD = (x.double().cpu() for x in step.inputs)
    return _expected(step.module, x_BSD, case["heads"], Seen(causal=True), memory_BSD)


def _input(case: bench.Case) -> Tensor:
    return case.randn(case["batch"], case["sequence_length"], case["d_model"])


def _flops(case: bench.Case, *, decoder: bool = False) -> tuple[int, int]:
    """FLOPs, and those of them that torch counts: it counts all of a causal square."""
    tokens, width = case["batch"] * case["sequence_length"], case["d_model"]
    products = 2 * 2 * tokens * case["sequence_length"] * width
    linears = 2 * tokens * 8 * width**2
    attention = 2 * tokens * 4 * width**2
    if not decoder:
        return linears + attention + products, linears + attention + products
    return linears + 2 * attention + products + products // 2, linears + 2 * attention + 2 * products


def _tbp_layer(case: bench.Case, *, pre_norm: bool, attention: str = "MultiHeadAttention", dropout: float = 0.0) -> Any:
    make = bench.subject("tbp.blocks", "EncoderLayer")
    sizes = (case["d_model"], case["heads"], 4 * case["d_model"], dropout)
    options = {"pre_norm": pre_norm, "attention": bench.subject("tbp.blocks", attention)}
    return case.place(lambda: make(*sizes, activation="gelu", **options))


def _step(case: bench.Case, *, pre_norm: bool, attention: str = "MultiHeadAttention") -> bench.Step:
    module = _tbp_layer(case, pre_norm=pre_norm, attention=attention)
    x_BSD = _input(case)
    flops, counted = _flops(case)
    step = replace(
        bench.inference(module, x_BSD, flops=flops, tokens=case["batch"] * case["sequence_length"]), counted=counted
    )
    if attention != "MultiHeadAttention":
        return step
    small = check_input(x_BSD)

    def masked() -> Tensor:
        with torch.inference_mode():
            output: Tensor = module(small, padding(x_BSD.device.type), causal=True)
            return output

    def gradient() -> Tensor:
        with torch.enable_grad():
            leaf = small.clone().requires_grad_()
            output = module(leaf)
            weighting = torch.linspace(-1.0, 1.0, output.numel(), dtype=output.dtype, device=output.device)
            return torch.autograd.grad((output * weighting.view_as(output)).sum(), leaf)[0]

    conditions = {
        f"dropout drops half of the {name} branch in training, and nothing in inference": _drops(case, name, pre_norm)
        for name in ("attention", "feed_forward")
    }
    return replace(step, checks={"masked": masked, "gradient": gradient}, conditions=conditions)


def _drops(case: bench.Case, name: str, pre_norm: bool) -> Callable[[], bool]:
    """A branch that gives ones, so that what is added to the residual is 0 or 2 in training, and 1 in inference.

    Seen where the branch's output goes: into the sum, before a later norm. The other branch gives zeros.
    """

    def dropped() -> bool:
        layer = _tbp_layer(case, pre_norm=pre_norm, dropout=0.5)
        other = "feed_forward" if name == "attention" else "attention"
        for branch, value in ((name, 1.0), (other, 0.0)):
            _make_constant(layer.get_submodule(branch), value)
        if not pre_norm:
            layer.attention_norm, layer.feed_forward_norm = nn.Identity(), nn.Identity()
        zeros = torch.zeros(
            1,
            -(-BRANCH_UNITS // case["d_model"]),
            case["d_model"],
            dtype=case.dtype,
            device=next(layer.parameters()).device,
        )
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            trained, evaluated = layer.train()(zeros), layer.eval()(zeros)
        share = float((trained == 0).float().mean())
        return (
            bool((evaluated == 1).all())
            and abs(share - 0.5) < NEAR_HALF
            and set(trained.unique().tolist()) == {0.0, 2.0}
        )

    return dropped


def _make_constant(branch: nn.Module, value: float) -> None:
    """Weights of 0 and a last bias of ``value``."""
    with torch.no_grad():
        for parameter in branch.parameters():
            parameter.zero_()
        last: Any = getattr(branch, "out_proj", None) or branch.down
        last.bias.fill_(value)


@bench.workload(FAMILY, "naive", reference=_reference)
def naive(case: bench.Case) -> bench.Step:
    return _step(case, pre_norm=True, attention="NaiveMultiHeadAttention")


@bench.workload(FAMILY, "pre_norm", reference=_reference, twin="pre_norm_twin", baseline="naive")
def pre_norm(case: bench.Case) -> bench.Step:
    return _step(case, pre_norm=True)


@bench.workload(FAMILY, "post_norm", reference=_reference, baseline="pre_norm")
def post_norm(case: bench.Case) -> bench.Step:
    return _step(case, pre_norm=False)


@bench.workload(FAMILY, "pre_norm_compiled", reference=_reference, baseline="pre_norm")
def pre_norm_compiled(case: bench.Case) -> bench.Step:
    return compiled(_step(case, pre_norm=True))


@bench.workload(FAMILY, "pre_norm_compiled_graphed", reference=_reference, baseline="pre_norm_compiled")
def pre_norm_compiled_graphed(case: bench.Case) -> bench.Step:
    """torch.compile's mode that records CUDA graphs of what it compiles."""
    if case.device != "cuda":
        raise bench.Skip("CUDA graphs run on CUDA only")
    return compiled(_step(case, pre_norm=True), mode="reduce-overhead")


@bench.workload(FAMILY, "pre_norm_graphed", reference=_reference, baseline="pre_norm")
def pre_norm_graphed(case: bench.Case) -> bench.Step:
    return bench.graphed(_step(case, pre_norm=True), case)


@bench.workload(FAMILY, "decoder", reference=_decoder_reference, baseline="pre_norm")
def decoder(case: bench.Case) -> bench.Step:
    """A decoder layer over a memory as long as its target."""
    make = bench.subject("tbp.blocks", "DecoderLayer")
    width = case["d_model"]
    module = case.place(lambda: make(width, case["heads"], 4 * width, 0.0, "gelu"))
    x_BSD, memory_BSD = _input(case), _input(case).flip(1).contiguous()
    flops, counted = _flops(case, decoder=True)
    tokens = case["batch"] * case["sequence_length"]
    return replace(bench.inference(module, x_BSD, memory_BSD, flops=flops, tokens=tokens), counted=counted)


def _peer(case: bench.Case, peer: nn.Module) -> bench.Step:
    """Post-norm, with the weights of a layer of tbp, which the reference reads from that."""
    converted = bench.subject("tbp.blocks", "converted")
    block = _tbp_layer(case, pre_norm=False)
    peer = peer.to(case.device, case.dtype)
    block.load_state_dict(converted(peer.state_dict(), block))
    tokens = case["batch"] * case["sequence_length"]
    step = bench.inference(peer, _input(case), flops=_flops(case)[0], tokens=tokens)
    return replace(step, module=block.eval(), counted=0)


@bench.workload(FAMILY, "torch", reference=_reference, baseline="post_norm")
def torch_layer(case: bench.Case) -> bench.Step:
    """``nn.TransformerEncoderLayer`` on its fast path."""
    width = case["d_model"]
    return _peer(
        case,
        case.place(
            lambda: nn.TransformerEncoderLayer(
                width, case["heads"], 4 * width, 0.0, activation="gelu", batch_first=True
            )
        ),
    )


@bench.workload(FAMILY, "bert", reference=_reference, baseline="post_norm")
def bert(case: bench.Case) -> bench.Step:
    """A layer of ``transformers``' BERT."""
    try:
        modeling_bert = importlib.import_module("transformers.models.bert.modeling_bert")
    except ImportError as error:
        raise bench.Skip(f"transformers is not installed: {error}") from None
    width = case["d_model"]
    sizes = {"hidden_size": width, "num_attention_heads": case["heads"], "intermediate_size": 4 * width}
    config = modeling_bert.BertConfig(**sizes, layer_norm_eps=EPSILON)
    config._attn_implementation = "sdpa"
    return _peer(case, case.place(lambda: modeling_bert.BertLayer(config)))
