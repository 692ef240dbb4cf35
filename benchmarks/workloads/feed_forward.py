"""Feed-forward networks: ReLU, GELU and SwiGLU with about equal numbers of weights, eager, packed, compiled."""

# M tokens, D model width, F hidden width

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp import bench

from .attention_oracle import check_input, gradients, matrices
from .compiled import compiled
from .tf32 import TF32_TOLERANCES, rounded_to_tf32

FAMILY = "feed_forward"


def _expected(state: dict[str, Tensor], activation: str, x_MD: Tensor) -> Tensor:
    """down(activation(up x)), or down(silu(gate x) · up x) where there is a gate (Shazeer 2020)."""
    hidden_MF = F.linear(x_MD, state["up.weight"], state.get("up.bias"))
    if "gate.weight" in state:
        gate_MF = F.linear(x_MD, state["gate.weight"])
        hidden_MF = gate_MF / (1 + torch.exp(-gate_MF)) * hidden_MF
    elif activation == "gelu":
        hidden_MF = hidden_MF * 0.5 * (1 + torch.erf(hidden_MF / 2**0.5))
    else:
        hidden_MF = hidden_MF.clamp_min(0)
    return F.linear(hidden_MF, state["down.weight"], state.get("down.bias"))


def _reference(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
    """In float64, of the step's weights."""
    assert step.module is not None
    state = {name: value.detach().double().cpu() for name, value in step.module.state_dict().items()}
    activation = str(step.module.activation)
    expected = {"output": _expected(state, activation, step.inputs[0].double().cpu())}
    if "gradient" in step.checks:
        leaf = check_input(step.inputs[0].unsqueeze(0)).double().cpu().requires_grad_()
        names = [name for name, _ in step.module.named_parameters() if name.endswith("weight")]
        for name in names:
            state[name].requires_grad_()
        expected["gradient"] = gradients(_expected(state, activation, leaf), leaf, [state[name] for name in names])
    return expected


def _module(case: bench.Case, activation: str, dropout: float = 0.0) -> Any:
    feed_forward = bench.subject("tbp.blocks", "FeedForward")
    return case.place(lambda: feed_forward(case["d_model"], case["d_ff"], dropout, activation))


def _step(case: bench.Case, activation: str) -> bench.Step:
    module = _module(case, activation)
    x_MD = case.randn(case["tokens"], case["d_model"])
    flops = 2 * case["tokens"] * sum(weight.numel() for weight in matrices(module))

    def gradient() -> Tensor:
        with torch.enable_grad():
            leaf = check_input(x_MD.unsqueeze(0)).requires_grad_()
            return gradients(module(leaf), leaf, matrices(module))

    return replace(
        bench.inference(module, x_MD, flops=flops, tokens=case["tokens"]),
        checks={"gradient": gradient},
        conditions={"dropout acts on the hidden units in training, and not in inference": _drops(case, activation)},
    )


def _drops(case: bench.Case, activation: str) -> Callable[[], bool]:
    def dropped() -> bool:
        module, x_MD = _module(case, activation, 0.5), case.randn(4, case["d_model"])
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            trained = [module.train()(x_MD) for _ in range(2)]
            evaluated = [module.eval()(x_MD) for _ in range(2)]
        # Of the hidden units, not of the output: dropped outputs would be zeros.
        return not torch.equal(*trained) and torch.equal(*evaluated) and not bool((trained[0] == 0).any())

    return dropped


@bench.workload(FAMILY, "relu", reference=_reference)
def relu(case: bench.Case) -> bench.Step:
    return _step(case, "relu")


@bench.workload(FAMILY, "gelu", reference=_reference, twin="gelu_twin", baseline="relu")
def gelu(case: bench.Case) -> bench.Step:
    return _step(case, "gelu")


@bench.workload(FAMILY, "swiglu", reference=_reference, baseline="relu")
def swiglu(case: bench.Case) -> bench.Step:
    return _step(case, "swiglu")


class PackedSwiGLU(nn.Module):
    """The gate and the linear part in one product, with the weights of tbp's block."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.gate_and_up = nn.Parameter(torch.cat((block.gate.weight, block.up.weight)).detach())
        self.down = block.down

    def forward(self, x_MD: Tensor) -> Tensor:
        """(M, D) to (M, D)."""
        gate_MF, up_MF = F.linear(x_MD, self.gate_and_up).chunk(2, dim=-1)
        output_MD: Tensor = self.down(F.silu(gate_MF) * up_MF)
        return output_MD


def _peer(case: bench.Case, activation: str, make: Callable[[Any], nn.Module]) -> bench.Step:
    step = _step(case, activation)
    peer = bench.inference(make(step.module), *step.inputs)
    return replace(step, run=peer.run, output=peer.output, checks={}, conditions={}, counted=0)


@bench.workload(FAMILY, "swiglu_packed", reference=_reference, baseline="swiglu")
def swiglu_packed(case: bench.Case) -> bench.Step:
    return _peer(case, "swiglu", PackedSwiGLU)


@bench.workload(FAMILY, "gelu_compiled", reference=_reference, baseline="gelu")
def gelu_compiled(case: bench.Case) -> bench.Step:
    return compiled(_step(case, "gelu"))


@bench.workload(FAMILY, "gelu_tf32", reference=_reference, tolerances=TF32_TOLERANCES, baseline="gelu")
def gelu_tf32(case: bench.Case) -> bench.Step:
    step = bench.with_tf32(_step(case, "gelu"), case)
    return replace(step, conditions={**step.conditions, **rounded_to_tf32(case, step, _reference)})


@bench.workload(FAMILY, "gelu_backward", reference=_reference)
def gelu_backward(case: bench.Case) -> bench.Step:
    """Forward and backward: gradients of the input and all weights."""
    step = _step(case, "gelu")
    module, x_MD = step.module, step.inputs[0].clone().requires_grad_()
    assert module is not None
    assert step.flops is not None
    upstream_MD = torch.ones_like(x_MD)

    def run() -> None:
        x_MD.grad = None
        module.zero_grad()
        torch.autograd.backward(module(x_MD), upstream_MD)

    return replace(step, run=run, flops=3 * step.flops, counted=0)
