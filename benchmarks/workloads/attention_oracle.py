"""Attention in float64, from its definition: the reference of the attention, decode and layer workloads.

It shares no code with the blocks. Weights come from a module's ``state_dict``, with packed projections or three.
"""

# B batch, D model width, H query heads, G key/value heads, S query positions, T key positions, K head width

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Weights = Mapping[str, Tensor]
# Of the small inputs of further checks: odd, so that nothing is a whole number of blocks.
CHECK_BATCH, CHECK_LENGTH = 2, 13


@dataclass(frozen=True)
class Seen:
    """The keys that a query may look at: all of them unless a field says otherwise."""

    mask: Tensor | None = None  # (B, 1, 1, T)
    causal: bool = False
    window: int | None = None
    slopes: Tensor | None = None  # (H,), of ALiBi
    rotary_base: float | None = None


def projections(state: Weights, prefix: str = "") -> dict[str, tuple[Tensor, Tensor]]:
    """Weight and bias of q, k, v and out in float64, of a state with the names of tbp's blocks now and before."""
    state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    pairs = {}
    for name in ("q", "k", "v", "out"):
        if f"{name}_proj.weight" in state:
            pairs[name] = (state[f"{name}_proj.weight"], state[f"{name}_proj.bias"])
    if "qkv_proj.weight" in state:
        weight, bias = state["qkv_proj.weight"], state["qkv_proj.bias"]
        width = state["out_proj.weight"].shape[1]
        kv_width = (len(weight) - width) // 2
        for name, start, end in (
            ("q", 0, width),
            ("k", width, width + kv_width),
            ("v", width + kv_width, len(weight)),
        ):
            pairs[name] = (weight[start:end], bias[start:end])
    return {
        name: (weight.detach().double().cpu(), bias.detach().double().cpu()) for name, (weight, bias) in pairs.items()
    }


def attended(
    pairs: Mapping[str, tuple[Tensor, Tensor]], query: Tensor, memory: Tensor, heads: int, seen: Seen
) -> Tensor:
    """softmax(q kᵀ ÷ √K) v of the projected inputs, projected (Vaswani et al. 2017, equation 1); (B, S, D).

    A query that may look nowhere attends to 0.
    """

    def split(name: str, x: Tensor) -> Tensor:
        projected = F.linear(x, *pairs[name])
        parts = projected.reshape(*projected.shape[:2], -1, query.shape[-1] // heads).transpose(1, 2)
        if seen.rotary_base is not None and name != "v":
            parts = _rotated(parts, seen.rotary_base)
        return parts.repeat_interleave(heads // parts.shape[1], dim=1)  # grouped-query attention

    q_BHSK, k_BHTK, v_BHTK = split("q", query), split("k", memory), split("v", memory)
    scores_BHST = q_BHSK @ k_BHTK.transpose(-2, -1) / math.sqrt(q_BHSK.shape[-1])
    distance_ST = torch.arange(scores_BHST.shape[-2])[:, None] - torch.arange(scores_BHST.shape[-1])
    if seen.slopes is not None:
        scores_BHST = scores_BHST - seen.slopes[:, None, None] * distance_ST.abs()
    visible = torch.ones_like(scores_BHST, dtype=torch.bool) if seen.mask is None else seen.mask.expand_as(scores_BHST)
    if seen.causal:
        visible = visible & (distance_ST >= 0)
    if seen.window is not None:
        visible = visible & (distance_ST.abs() < seen.window)
    exponential = (scores_BHST - scores_BHST.detach().amax(-1, keepdim=True)).exp() * visible
    weights_BHST = exponential / exponential.sum(-1, keepdim=True).clamp_min(1e-300)
    return F.linear((weights_BHST @ v_BHTK).transpose(1, 2).flatten(2), *pairs["out"])


def _rotated(x_BHSK: Tensor, base: float) -> Tensor:
    """x as complex numbers (its first half real, its second imaginary) times e^(i · angle) (Su et al. 2021)."""
    width = x_BHSK.shape[-1]
    angle_SR = torch.arange(x_BHSK.shape[-2])[:, None] * base ** (
        -torch.arange(0, width, 2, dtype=torch.float64) / width
    )
    turned = torch.complex(*x_BHSK.chunk(2, dim=-1)) * torch.polar(torch.ones_like(angle_SR), angle_SR)
    return torch.cat((turned.real, turned.imag), dim=-1)


def check_input(x_BSD: Tensor) -> Tensor:
    """(2, 13, D) of the step's numbers, for further checks."""
    flat = x_BSD.detach().flatten()
    needed = CHECK_BATCH * CHECK_LENGTH * x_BSD.shape[-1]
    repeated = flat.repeat(-(-needed // flat.numel()))[:needed].view(CHECK_BATCH, CHECK_LENGTH, x_BSD.shape[-1])
    # Rows that were repeated differ, or attention to them could not be told apart.
    return repeated * torch.linspace(0.5, 1.5, CHECK_LENGTH, device=x_BSD.device, dtype=x_BSD.dtype)[:, None]


def padding(device: str = "cpu") -> Tensor:
    """(2, 1, 1, 13) mask that hides 4 keys of the first sequence and all of the second."""
    return (torch.arange(CHECK_LENGTH, device=device) < torch.tensor([[9], [0]], device=device))[:, None, None, :]


def gradients(output: Tensor, x_BSD: Tensor, weights: list[Tensor]) -> Tensor:
    """Gradients of a fixed weighting of the output, by the input and by each weight, in one vector."""
    weighting = torch.linspace(-1.0, 1.0, output.numel(), dtype=output.dtype, device=output.device).view_as(output)
    return torch.cat([part.flatten() for part in torch.autograd.grad((output * weighting).sum(), [x_BSD, *weights])])


def matrices(module: nn.Module) -> list[Tensor]:
    """The module's weight matrices, in the order in which it holds them."""
    return [weight for weight in module.parameters() if weight.dim() == 2]


def checks_of(module: nn.Module, x_BSD: Tensor, *, masks: bool = True) -> dict[str, Callable[[], Tensor]]:
    """Further outputs of an attention module, which ``checked`` computes in float64 under the same names."""
    small = check_input(x_BSD)

    def gradient() -> Tensor:
        with torch.enable_grad():
            leaf = small.clone().requires_grad_()
            return gradients(module(leaf, leaf, leaf, causal=True), leaf, matrices(module))

    def masked(*, causal: bool) -> Tensor:
        with torch.inference_mode():
            output: Tensor = module(small, small, small, padding(x_BSD.device.type), causal=causal)
            return output

    if not masks:
        return {"gradient": gradient}
    return {
        "gradient": gradient,
        "masked": lambda: masked(causal=False),
        "causal and masked": lambda: masked(causal=True),
    }


def checked(
    pairs: Mapping[str, tuple[Tensor, Tensor]], x_BSD: Tensor, heads: int, seen: Seen, names: Mapping[str, object]
) -> dict[str, Tensor]:
    """The outputs ``names`` of ``checks_of`` in float64."""
    small = check_input(x_BSD).double().cpu()
    window, slopes, base = seen.window, seen.slopes, seen.rotary_base
    expected = {
        "masked": attended(pairs, small, small, heads, Seen(padding(), False, window, slopes, base)),
        "causal and masked": attended(pairs, small, small, heads, Seen(padding(), True, window, slopes, base)),
    }
    leaf = small.requires_grad_()
    tracked = {name: (weight.requires_grad_(), bias) for name, (weight, bias) in pairs.items()}
    output = attended(tracked, leaf, leaf, heads, Seen(None, True, window, slopes, base))
    expected["gradient"] = gradients(output, leaf, [tracked[name][0] for name in ("q", "k", "v", "out")])
    return {name: expected[name] for name in names}
