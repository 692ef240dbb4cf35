"""Inference of models that are trained: dense, pruned and fine-tuned, distilled, in INT8, and in ONNX Runtime.

The error is the share of wrong answers on test data, so that the report's chart of time, size and error is about
accuracy. Each compressed variant must stay within one point of the dense one.
"""

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tbp import bench

from . import trained_models
from .compressed_inference import flops_of, in_onnx_runtime, in_torch, no_plain_linears
from .trained_models import TrainedModels

FAMILY = "trained_task"

POINT = 0.01  # of accuracy

# Logits of INT8 against those of the same weights in float64; the share of wrong answers is the stricter oracle.
INT8_TOLERANCES = {torch.float32: 0.2}


def error_rate(suite: bench.Suite, *values: Any) -> float:
    """A benchmark of a suite: the share of wrong answers of the cell's model."""
    assert suite.step.module is not None
    return trained_models.error_rate(suite.step.module, trained_models.trained_models().test)


error_rate.unit = "share of wrong answers"  # type: ignore[attr-defined]
error_rate.version = str(bench.PROTOCOL)  # type: ignore[attr-defined]


def _step(
    case: bench.Case, models: TrainedModels, model: nn.Module, *, times_smaller: float = 1.0, points: float = POINT
) -> bench.Step:
    """Inference on the first test windows, on condition that the model is as accurate and as small as it should be."""
    characters_BS = models.test.characters[: case["batch"]]
    flops = flops_of(case["batch"], trained_models.LENGTH, model)
    step = bench.inference(model, characters_BS, flops=flops, tokens=characters_BS.numel())
    most_errors = models.error_rates["dense"] + points
    conditions: dict[str, Callable[[], bool]] = {
        f"at most {most_errors:.1%} of its answers are wrong": lambda: (
            trained_models.error_rate(model, models.test) <= most_errors
        ),
        f"it is {times_smaller:g} times smaller than the dense model": lambda: (
            _bytes(model) * times_smaller <= _bytes(models.dense)
        ),
    }
    return dataclasses.replace(step, conditions=conditions, dtype=torch.float32)


def _bytes(model: nn.Module) -> int:
    size: int = bench.subject("tbp.compression", "checkpoint_bytes")(model)
    return size


def _of(weights: str) -> Callable[[bench.Case, bench.Step], Tensor]:
    """The reference: the trained weights of that name in float64."""

    def reference(case: bench.Case, step: bench.Step) -> Tensor:
        model = copy.deepcopy(getattr(trained_models.trained_models(), weights)).double()
        with torch.inference_mode():
            output: Tensor = model(step.inputs[0])
        return output

    return reference


def _int8_step(case: bench.Case, weights: str, times_smaller: float) -> bench.Step:
    models = _models(case)
    made = in_torch(case, "quantize_model_dynamically", getattr(models, weights))
    step = _step(case, models, made, times_smaller=times_smaller)
    return dataclasses.replace(step, conditions={**step.conditions, **no_plain_linears(made)})


def _models(case: bench.Case) -> TrainedModels:
    if case.device != "cpu":
        raise bench.Skip("the trained task is timed on the CPU, where compression is meant to help")
    return trained_models.trained_models()


@bench.workload(FAMILY, "dense", reference=_of("dense"), twin="dense_twin")
def dense(case: bench.Case) -> bench.Step:
    models = _models(case)
    return _step(case, models, models.dense, points=0.0)


@bench.workload(FAMILY, "int8", reference=_of("dense"), tolerances=INT8_TOLERANCES, baseline="dense")
def int8(case: bench.Case) -> bench.Step:
    return _int8_step(case, "dense", 3.5)


@bench.workload(FAMILY, "pruned", reference=_of("pruned"), baseline="dense")
def pruned(case: bench.Case) -> bench.Step:
    """Half of the hidden units and heads removed, the rest fine-tuned by distillation."""
    models = _models(case)
    return _step(case, models, models.pruned, times_smaller=1.8)


@bench.workload(FAMILY, "pruned_int8", reference=_of("pruned"), tolerances=INT8_TOLERANCES, baseline="dense")
def pruned_int8(case: bench.Case) -> bench.Step:
    return _int8_step(case, "pruned", 4.0)


@bench.workload(FAMILY, "student", reference=_of("student"), baseline="dense")
def student(case: bench.Case) -> bench.Step:
    """Half of the layers, by distillation from the dense model."""
    models = _models(case)
    return _step(case, models, models.student, times_smaller=1.8)


@bench.workload(FAMILY, "student_int8", reference=_of("student"), tolerances=INT8_TOLERANCES, baseline="dense")
def student_int8(case: bench.Case) -> bench.Step:
    return _int8_step(case, "student", 4.0)


@bench.workload(FAMILY, "onnx", reference=_of("dense"), baseline="dense")
def onnx(case: bench.Case) -> bench.Step:
    return _onnx_step(case, "dense", int8=False, times_smaller=0.9)  # the graph beside the weights


@bench.workload(FAMILY, "student_onnx_int8", reference=_of("student"), tolerances=INT8_TOLERANCES, baseline="dense")
def student_onnx_int8(case: bench.Case) -> bench.Step:
    return _onnx_step(case, "student", int8=True, times_smaller=4.0)


def _onnx_step(case: bench.Case, weights: str, *, int8: bool, times_smaller: float) -> bench.Step:
    models = _models(case)
    example_BS = models.test.characters[:1]
    made = in_onnx_runtime(case, getattr(models, weights), example_BS, int8=int8)
    return _step(case, models, made, times_smaller=times_smaller)
