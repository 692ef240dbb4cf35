"""The oracle: whether a step does the work that its workload says, found out before any of it is timed.

Takes a workload, a case and the step that was built for it. Gives the step's error against its reference, or refuses
it with a reason. Times of a step that computes something else, or less, mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from .workloads import Case, Step, Workload

# Runs until a training step must have changed its weights. A gradient scaler starts at 2¹⁶ and skips steps while it
# halves, and the first step of a warm-up schedule has learning rate 0.
FIRST_RUNS = 10


class WrongResult(AssertionError):
    """A variant does something else than its workload says: its time would mean nothing."""

    def __init__(self, workload: Workload, defect: str) -> None:
        super().__init__(f"{workload.family}.{workload.variant} {defect}; its time would mean nothing")


@dataclass(frozen=True)
class Closeness:
    """How far a step's outputs are from their references."""

    error: float  # the largest relative error among all outputs
    max_abs: float  # of the output: largest |actual − expected|
    cosine: float  # of the output: 1 − cosine similarity; 0 is the same direction


def check(workload: Workload, case: Case, step: Step) -> float:
    """``closeness(…).error``: the largest relative error among the step's outputs."""
    return closeness(workload, case, step).error


def closeness(workload: Workload, case: Case, step: Step) -> Closeness:
    """The step's outputs beside their references, once every check of the step has passed.

    Raises:
        WrongResult: an error is above the workload's tolerance for the dtype, or not a number; the output has another
            dtype; a condition of the step is not met; a training step leaves its weights as they were; a run makes
            modules; the declared FLOPs are not those that torch counts.
        ValueError: the step and its reference name different outputs.
    """
    close = _closeness(workload, case, step)
    for sentence, is_met in step.conditions.items():
        if not is_met():
            raise WrongResult(workload, f"does not do what it should: it is not so that {sentence}")
    if step.updates is not None:
        _check_that_it_trains(workload, step, step.updates)
    if not step.makes_modules:
        _check_that_nothing_is_set_up(workload, step)
    if step.flops is not None and step.counted != 0:
        _check_flops(workload, step, step.flops)
    return close


def _closeness(workload: Workload, case: Case, step: Step) -> Closeness:
    output = step.output()
    outputs: Mapping[str, Callable[[], Tensor]] = {"output": lambda: output, **step.checks}
    expected = workload.reference(case, step)
    references = {"output": expected} if isinstance(expected, Tensor) else expected
    if outputs.keys() != references.keys():
        raise ValueError(
            f"{workload.family}.{workload.variant} computes {', '.join(sorted(outputs))} and its reference "
            f"{', '.join(sorted(references))}: name the same in Step.checks and in the mapping that the reference gives"
        )
    dtype = step.dtype or case.dtype
    if output.is_floating_point() and output.dtype is not dtype:
        raise WrongResult(workload, f"computes in another dtype: its output is {output.dtype}, not {dtype}")
    errors = {name: relative_error(compute(), references[name]) for name, compute in outputs.items()}
    tolerance = workload.tolerances[case.dtype]
    for name, error in errors.items():
        if not error <= tolerance:
            raise WrongResult(
                workload,
                f"computes something else than its reference: relative error {error:.3g} of its {name} is above "
                f"{tolerance:.3g} for {case.dtype}",
            )
    right, actual = references["output"].detach().double().cpu(), output.detach().double().cpu()
    cosine = 1 - float(F.cosine_similarity(actual.flatten(), right.flatten(), dim=0))
    return Closeness(max(errors.values()), float((actual - right).abs().max()), cosine)


def _check_that_it_trains(workload: Workload, step: Step, module: nn.Module) -> None:
    matrices = {name: weight for name, weight in module.named_parameters() if weight.requires_grad and weight.dim() > 1}
    before = {name: weight.detach().clone() for name, weight in matrices.items()}
    unchanged = list(matrices)
    for _ in range(FIRST_RUNS):
        step.run()
        unchanged = [name for name in unchanged if torch.equal(matrices[name], before[name])]
        if not unchanged:
            return
    raise WrongResult(workload, f"does not train: {FIRST_RUNS} runs left {unchanged[0]} as it was")


def _check_that_nothing_is_set_up(workload: Workload, step: Step) -> None:
    """A second run makes no parameters: building or copying a module belongs into the build, not into the time."""
    step.run()
    made: list[type] = []
    declared = nn.Parameter.__dict__["__new__"]

    def noting(cls: type, *arguments: Any, **options: Any) -> Any:
        made.append(cls)
        return declared(cls, *arguments, **options)

    nn.Parameter.__new__ = staticmethod(noting)  # type: ignore[method-assign]
    try:
        step.run()
    finally:
        nn.Parameter.__new__ = declared  # type: ignore[method-assign]
    if made:
        raise WrongResult(
            workload,
            f"includes its set-up: a run makes {len(made)} parameters; make modules in the build, "
            "or declare Step.makes_modules where that is the work",
        )


class _Causal(TorchFunctionMode):
    """Notes whether attention is called as causal: torch counts the products of the whole square all the same."""

    is_seen = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        if func is F.scaled_dot_product_attention and (options.get("is_causal") or (len(args) > 5 and args[5])):
            self.is_seen = True
        return func(*args, **options)


def _check_flops(workload: Workload, step: Step, declared: int) -> None:
    """FLOPs as torch counts them, of attention that consists of plain products: it knows no fused one of the CPU."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), _Causal() as causal:
        step.run()
    counted = int(counter.get_total_flops())
    expected = declared if step.counted is None else step.counted
    if counted != expected and counted + (step.counted or 0):  # 0: operators of which torch counts none
        raise WrongResult(
            workload,
            f"declares {expected} FLOPs of which torch counts {counted}: mend Step.flops, or give in Step.counted "
            "those that torch can see (0: none)",
        )
    if causal.is_seen and declared >= counted:
        raise WrongResult(workload, f"declares {declared} FLOPs: of causal attention half of the S² products count")


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """Largest |actual − expected| ÷ largest |expected|; NaN in either gives NaN, another shape infinity."""
    if actual.shape != expected.shape:
        return float("inf")
    actual_64, expected_64 = actual.detach().double().cpu(), expected.detach().double().cpu()
    scale = expected_64.abs().max().clamp_min(torch.finfo(torch.float64).tiny)
    return float((actual_64 - expected_64).abs().max() / scale)
