"""One training step of a small encoder: precision, optimizers, checkpointed activations, and the naive ones."""

# B batch, S sequence, D model width

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from tbp import bench

from .compiled import graphs_of, whole
from .tf32 import TF32_TOLERANCES, rounded_to_tf32
from .training_steps import (
    HALF_TOLERANCES,
    LAYERS,
    batch_of,
    forward_flops,
    graphed_training_step,
    model_of,
    training_step,
    whole_batch_gradient,
)

FAMILY = "train_step"

LEARNING_RATE = 1e-4

Optimise = Callable[[nn.Module], AdamW]


def _adamw(*, foreach: bool = False, fused: bool = False, capturable: bool = False) -> Optimise:
    options: dict[str, Any] = {"foreach": foreach, "fused": fused, "capturable": capturable}
    return lambda model: AdamW(model.parameters(), lr=LEARNING_RATE, **options)


FUSED = _adamw(fused=True)
# For CUDA graphs, which can record no step whose count is a number of the host.
CAPTURABLE = _adamw(fused=True, capturable=True)
FOR_LOOP = _adamw()


def _float32(case: bench.Case, model: nn.Module, optimise: Optimise, **facts: Any) -> bench.Step:
    optimizer = optimise(model)
    return training_step(case, model, optimizer, _descent(case, model, optimizer), **facts)


def _descent(case: bench.Case, model: nn.Module, optimizer: AdamW) -> Callable[[], Tensor]:
    """One step in float32; it gives the loss."""
    x_BSD, labels_BS = batch_of(case)

    def run() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x_BSD).flatten(0, 1), labels_BS.flatten())
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without types
        optimizer.step()
        return loss.detach()

    return run


@bench.workload(FAMILY, "naive_attention", reference=whole_batch_gradient, version=2)
def naive_attention(case: bench.Case) -> bench.Step:
    return _float32(case, model_of(case, "NaiveMultiHeadAttention"), FOR_LOOP)


@bench.workload(
    FAMILY, "float32", reference=whole_batch_gradient, version=3, twin="float32_twin", baseline="naive_attention"
)
def float32(case: bench.Case) -> bench.Step:
    return _float32(case, model_of(case), FUSED)


@bench.workload(
    FAMILY,
    "tf32",
    reference=whole_batch_gradient,
    version=2,
    tolerances=TF32_TOLERANCES,
    twin="tf32_twin",
    baseline="float32",
)
def tf32(case: bench.Case) -> bench.Step:
    step = bench.with_tf32(_float32(case, model_of(case), FUSED), case)
    return replace(step, conditions=rounded_to_tf32(case, step, whole_batch_gradient))


@bench.workload(FAMILY, "graphed", reference=whole_batch_gradient, baseline="float32", version=2)
def graphed(case: bench.Case) -> bench.Step:
    model = model_of(case)
    optimizer = CAPTURABLE(model)
    return graphed_training_step(case, model, optimizer, _descent(case, model, optimizer))


@bench.workload(FAMILY, "compiled", reference=whole_batch_gradient, baseline="float32", version=2)
def compiled(case: bench.Case) -> bench.Step:
    """The model is compiled, forward and backward; the optimizer is not."""
    model = model_of(case)
    optimizer = FUSED(model)
    run = _descent(case, whole(model), optimizer)
    step = training_step(case, model, optimizer, run, counted=0)
    graphs = graphs_of(run)
    return replace(step, conditions={"torch.compile has made a graph of the model": lambda: graphs > 0})


@bench.workload(FAMILY, "adamw_for_loop", reference=whole_batch_gradient, version=2)
def adamw_for_loop(case: bench.Case) -> bench.Step:
    return _float32(case, model_of(case), FOR_LOOP)


@bench.workload(FAMILY, "adamw_foreach", reference=whole_batch_gradient, baseline="adamw_for_loop", version=2)
def adamw_foreach(case: bench.Case) -> bench.Step:
    return _float32(case, model_of(case), _adamw(foreach=True))


@bench.workload(FAMILY, "adamw_recommended", reference=whole_batch_gradient, baseline="adamw_for_loop", version=2)
def adamw_recommended(case: bench.Case) -> bench.Step:
    create_optimizer = bench.subject("tbp.training", "create_optimizer")
    model = model_of(case)
    optimizer: AdamW = create_optimizer(model, LEARNING_RATE)
    conditions: dict[str, Callable[[], bool]] = {
        "AdamW is fused into one kernel": lambda: all(group["fused"] for group in optimizer.param_groups),
        "matrices decay, and nothing else": lambda: all(
            (weight.dim() > 1) == (group["weight_decay"] > 0)
            for group in optimizer.param_groups
            for weight in group["params"]
        ),
    }
    return _float32(case, model, lambda _: optimizer, conditions=conditions)


class _Checkpointed(nn.Module):
    """Keeps the input of ``layer`` alone for the backward pass, and computes the rest of its activations again."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x_BSD: Tensor, *further: Any, **options: Any) -> Tensor:
        output: Tensor = checkpoint(self.layer, x_BSD, *further, use_reentrant=False, **options)
        return output


@bench.workload(FAMILY, "checkpointed", reference=whole_batch_gradient, baseline="adamw_for_loop", version=2)
def checkpointed(case: bench.Case) -> bench.Step:
    model = model_of(case)
    layers = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    for layer_list in layers:
        for number, layer in enumerate(layer_list):
            layer_list[number] = _Checkpointed(layer)
    blocks, classifier = forward_flops(case)
    # The output of a layer's last product is added to its input, which no gradient needs: it is not computed again.
    last = LAYERS * 2 * case["batch"] * case["sequence_length"] * 4 * case["d_model"] ** 2
    return _float32(case, model, FOR_LOOP, counted=4 * blocks - last + 3 * classifier)


@bench.workload(FAMILY, "naive_amp", reference=whole_batch_gradient, tolerances=HALF_TOLERANCES, version=2)
def naive_amp(case: bench.Case) -> bench.Step:
    """The page's mixed precision: float32 on the CPU, where nothing tells that it is off."""
    train = bench.subject("tbp.training", "naive_train_with_amp")
    model, batch = model_of(case), batch_of(case)
    optimizer, scaler = FUSED(model), torch.amp.GradScaler("cuda", enabled=case.device == "cuda")
    return training_step(case, model, optimizer, lambda: train(model, batch, optimizer, scaler))


def _amp(case: bench.Case, dtype: torch.dtype) -> bench.Step:
    train = bench.subject("tbp.training", "train_with_amp")
    bench.require(case.device, dtype)
    model, batch = model_of(case), batch_of(case)
    optimizer = FUSED(model)
    scaler: Any = torch.amp.GradScaler(case.device) if dtype is torch.float16 else None

    def run() -> object:
        return train(model, batch, optimizer, dtype=dtype, scaler=scaler)

    sentence = f"all matrix products are computed in {dtype}"
    conditions = {sentence: lambda: _product_dtypes(run) == {dtype}}
    return training_step(case, model, optimizer, run, conditions=conditions, computes_in=dtype)


@bench.workload(
    FAMILY,
    "amp_bfloat16",
    reference=whole_batch_gradient,
    version=3,
    tolerances=HALF_TOLERANCES,
    baseline="naive_amp",
)
def amp_bfloat16(case: bench.Case) -> bench.Step:
    return _amp(case, torch.bfloat16)


@bench.workload(
    FAMILY,
    "amp_bfloat16_graphed",
    reference=whole_batch_gradient,
    version=2,
    tolerances=HALF_TOLERANCES,
    baseline="amp_bfloat16",
)
def amp_bfloat16_graphed(case: bench.Case) -> bench.Step:
    train = bench.subject("tbp.training", "train_with_amp")
    bench.require(case.device, torch.bfloat16)
    model, batch = model_of(case), batch_of(case)
    optimizer = CAPTURABLE(model)

    def run() -> Tensor:
        loss: Tensor = train(model, batch, optimizer, dtype=torch.bfloat16).loss
        return loss

    products = _product_dtypes(run)
    conditions = {"all matrix products were recorded in torch.bfloat16": lambda: products == {torch.bfloat16}}
    return graphed_training_step(case, model, optimizer, run, conditions=conditions, computes_in=torch.bfloat16)


@bench.workload(
    FAMILY, "amp_float16", reference=whole_batch_gradient, version=3, tolerances=HALF_TOLERANCES, baseline="naive_amp"
)
def amp_float16(case: bench.Case) -> bench.Step:
    return _amp(case, torch.float16)


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships it without types
    """Collects the dtypes of what matrix products and attention return."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dtypes: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in ("mm", "addmm", "bmm", "baddbmm", "linear") or "attention" in name:
            self.dtypes.add((result[0] if isinstance(result, tuple) else result).dtype)
        return result


def _product_dtypes(run: Callable[[], object]) -> set[torch.dtype]:
    products = _Products()
    with products:
        run()
    return products.dtypes
