"""Feed-forward networks: ReLU, GELU and SwiGLU with about equal numbers of weights."""

# M tokens, D model width, F hidden width

import torch.nn.functional as F
from torch import Tensor

from tbp import bench

FAMILY = "feed_forward"


def _reference(case: bench.Case, step: bench.Step) -> Tensor:
    """down(activation(up x)), or down(silu(gate x) · up x) where there is a gate, in float64 (Shazeer 2020)."""
    assert step.module is not None
    weights = {name: value.double().cpu() for name, value in step.module.state_dict().items()}
    x_MD = step.inputs[0].double().cpu()
    hidden_MF = F.linear(x_MD, weights["up.weight"], weights.get("up.bias"))
    if "gate.weight" in weights:
        hidden_MF = F.silu(F.linear(x_MD, weights["gate.weight"])) * hidden_MF
    else:
        hidden_MF = getattr(F, str(step.module.activation))(hidden_MF)
    return F.linear(hidden_MF, weights["down.weight"], weights.get("down.bias"))


def _step(case: bench.Case, activation: str) -> bench.Step:
    feed_forward = bench.subject("tbp.blocks", "FeedForward")
    module = case.place(lambda: feed_forward(case["d_model"], case["d_ff"], activation=activation))
    weights = sum(weight.numel() for weight in module.parameters() if weight.dim() == 2)
    return bench.inference(module, case.randn(case["tokens"], case["d_model"]), flops=2 * case["tokens"] * weights)


@bench.workload(FAMILY, "relu", reference=_reference)
def relu(case: bench.Case) -> bench.Step:
    return _step(case, "relu")


@bench.workload(FAMILY, "gelu", reference=_reference, twin="gelu_twin")
def gelu(case: bench.Case) -> bench.Step:
    return _step(case, "gelu")


@bench.workload(FAMILY, "swiglu", reference=_reference)
def swiglu(case: bench.Case) -> bench.Step:
    return _step(case, "swiglu")
