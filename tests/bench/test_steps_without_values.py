"""Steps on torch's device without values: one that read a value would wait for a GPU, and none on the CPU shows it.

A tensor that is made on the CPU in between, which a GPU refuses, is refused there too.
"""

from collections.abc import Iterator

import pytest
import torch

import benchmarks.layer
import benchmarks.on_cuda
import benchmarks.positional  # noqa: F401 - each registers its workloads
from tbp.bench import Case, Step
from tbp.bench.workloads import find

from .cuda_cases import SHAPE

CASE = Case({**SHAPE, "window": 4}, torch.float32, "meta")
STEPS = {
    "attention": (
        *("naive", "sdpa", "sdpa_causal", "masked", "grouped_query", "grouped_masked"),
        *("sliding_window", "rotary", "alibi", "sdpa_backward"),
    ),
    "attention_backends": ("chosen", "chosen_causal", "chosen_masked", "chosen_grouped", "chosen_grouped_masked"),
    "compressed_inference": ("dense", "l1_70", "structured_50", "low_rank_50", "two_of_four_dense"),
    "decode": ("uncached", "cached", "cached_grouped", "cached_window", "cached_rotary", "prefill"),
    "feed_forward": ("relu", "gelu", "swiglu", "swiglu_packed", "gelu_backward"),
    "layer": ("naive", "pre_norm", "post_norm", "decoder", "torch"),
    "positional": ("naive", "sinusoidal", "learned", "rotary", "alibi"),
    "train_step": ("naive_attention", "adamw_foreach", "checkpointed"),
}


@pytest.mark.parametrize(("family", "variant"), [(family, name) for family, names in STEPS.items() for name in names])
def test_no_value_is_read_and_every_tensor_is_on_the_device(
    family: str, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tbp.bench.require", lambda *_: None)
    step = find(family, variant).build(CASE)
    result = step.run()
    assert {tensor.device.type for tensor in _tensors(step, result)} == {"meta"}


def _tensors(step: Step, result: object) -> Iterator[torch.Tensor]:
    yield from step.inputs
    if step.module is not None:
        yield from step.module.parameters()
    if isinstance(result, torch.Tensor):
        yield result


def test_a_step_that_reads_a_value_is_found() -> None:
    x = CASE.randn(4)
    for reads in (lambda: x.sum().item(), lambda: bool((x > 0).all()), lambda: x[x > 0], lambda: x.cpu()):
        with pytest.raises((RuntimeError, NotImplementedError), match=r"(?i)meta"):
            reads()
