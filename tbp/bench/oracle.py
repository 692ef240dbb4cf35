"""The oracle: whether a step does the work that its workload says, found out before any of it is timed.

Takes a workload, a case and the step that was built for it. Gives the step's error against its reference, or refuses
it with a reason. Times of a step that computes something else, or less, mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from .workloads import Case, Step, Workload

# Runs until a training step must have changed its weights. A gradient scaler starts at 2¹⁶ and skips steps while it
# halves, and the first step of a warm-up schedule has learning rate 0.
FIRST_RUNS = 10


class WrongResult(AssertionError):
    """A variant does something else than its workload says: its time would mean nothing."""

    def __init__(self, workload: Workload, defect: str) -> None:
        super().__init__(f"{workload.family}.{workload.variant} {defect}; its time would mean nothing")


def check(workload: Workload, case: Case, step: Step) -> float:
    """The largest relative error among the step's outputs, each against its reference.

    Raises:
        WrongResult: an error is above the workload's tolerance for the dtype, or not a number; the output has another
            dtype; a condition of the step is not met; a training step leaves its weights as they were.
        ValueError: the step and its reference name different outputs.
    """
    error = _checked_outputs(workload, case, step)
    for sentence, is_met in step.conditions.items():
        if not is_met():
            raise WrongResult(workload, f"does not do what it should: it is not so that {sentence}")
    if step.updates is not None:
        _check_that_it_trains(workload, step, step.updates)
    return error


def _checked_outputs(workload: Workload, case: Case, step: Step) -> float:
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
    return max(errors.values())


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


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """Largest |actual − expected| ÷ largest |expected|; NaN in either gives NaN, another shape infinity."""
    if actual.shape != expected.shape:
        return float("inf")
    actual_64, expected_64 = actual.detach().double().cpu(), expected.detach().double().cpu()
    scale = expected_64.abs().max().clamp_min(torch.finfo(torch.float64).tiny)
    return float((actual_64 - expected_64).abs().max() / scale)
