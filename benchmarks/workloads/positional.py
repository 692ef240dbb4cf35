"""Positions: sinusoidal (and naive), learned, rotary, and ALiBi's distances."""

# B batch, S sequence, D model width, H heads, K head width

from dataclasses import replace

import torch
from torch import Tensor

from tbp import bench

FAMILY = "positional"


def _input(case: bench.Case) -> Tensor:
    return case.randn(case["batch"], case["sequence_length"], case["d_model"])


def _sinusoids(case: bench.Case) -> Tensor:
    """(S, D) in float64, by the angles' complex exponential (Vaswani et al. 2017, section 3.5)."""
    position_S1 = torch.arange(case["sequence_length"], dtype=torch.float64)[:, None]
    frequency_R = 10000.0 ** (-torch.arange(0, case["d_model"], 2, dtype=torch.float64) / case["d_model"])
    turned_SR = torch.polar(torch.ones(1, dtype=torch.float64), position_S1 * frequency_R)
    return torch.stack((turned_SR.imag, turned_SR.real), dim=-1).flatten(1)[:, : case["d_model"]]


def _sinusoidal_reference(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
    table_SD = _sinusoids(case)
    return {"output": step.inputs[0].double().cpu() + table_SD, "table": table_SD}


def _naive_reference(case: bench.Case, step: bench.Step) -> Tensor:
    """One code for each sequence of the batch: wrong, and what the naive module computes."""
    codes = _sinusoids(replace(case, shape={**case.shape, "sequence_length": case["batch"]}))
    return step.inputs[0].double().cpu() + codes[:, None]


def _learned_reference(case: bench.Case, step: bench.Step) -> Tensor:
    assert step.module is not None
    weight_SD = next(iter(step.module.state_dict().values()))[: case["sequence_length"]]
    coded: Tensor = step.inputs[0].double().cpu() + weight_SD.double().cpu()
    return coded


def _rotary_reference(case: bench.Case, step: bench.Step) -> dict[str, Tensor]:
    """Halves as real and imaginary parts, times e^(i · position · base^(−2i/K)) (Su et al. 2021)."""
    x_BHSK = step.inputs[0].double().cpu()
    width, length = x_BHSK.shape[-1], x_BHSK.shape[-2]
    angle_SR = torch.arange(length + 1)[:, None] * 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    turns_SR = torch.polar(torch.ones_like(angle_SR), angle_SR)

    def turned(turns: Tensor) -> Tensor:
        product = torch.complex(*x_BHSK.chunk(2, dim=-1)) * turns
        return torch.cat((product.real, product.imag), dim=-1)

    return {"output": turned(turns_SR[:-1]), "from position 1": turned(turns_SR[1:])}


def _step(case: bench.Case, name: str) -> bench.Step:
    make = bench.subject("tbp.blocks", name)
    module = case.place(lambda: make(case["d_model"], case["sequence_length"]))
    x_BSD = _input(case)
    tokens = case["batch"] * case["sequence_length"]
    step = bench.inference(module, x_BSD, tokens=tokens)
    return replace(
        step, bytes_moved=2 * x_BSD.nbytes + case["sequence_length"] * case["d_model"] * x_BSD.element_size()
    )


@bench.workload(FAMILY, "naive", reference=_naive_reference)
def naive(case: bench.Case) -> bench.Step:
    return _step(case, "NaivePositionalEncoding")


@bench.workload(FAMILY, "sinusoidal", reference=_sinusoidal_reference, twin="sinusoidal_twin", baseline="naive")
def sinusoidal(case: bench.Case) -> bench.Step:
    step = _step(case, "PositionalEncoding")
    make = bench.subject("tbp.blocks", "PositionalEncoding")
    zeros_BSD = torch.zeros(1, case["sequence_length"], case["d_model"], dtype=torch.float64)

    def table() -> Tensor:
        added: Tensor = make(case["d_model"], case["sequence_length"])(zeros_BSD.float())[0]
        return added

    def is_exact() -> bool:
        added: Tensor = make(case["d_model"], case["sequence_length"]).double()(zeros_BSD)[0]
        # Rounding of angles up to the sequence's length; a table that once was float32 is 6e-8 off.
        return bench.relative_error(added, _sinusoids(case)) < 1e-11

    return replace(
        step, checks={"table": table}, conditions={"a float64 module has a table exact to float64": is_exact}
    )


@bench.workload(FAMILY, "learned", reference=_learned_reference, baseline="sinusoidal")
def learned(case: bench.Case) -> bench.Step:
    return _step(case, "LearnedPositionalEncoding")


@bench.workload(FAMILY, "rotary", reference=_rotary_reference, baseline="sinusoidal")
def rotary(case: bench.Case) -> bench.Step:
    """Rotates as many numbers as the encodings add to: queries or keys of D = H · K."""
    make = bench.subject("tbp.blocks", "RotaryEmbedding")
    width = case["d_model"] // case["heads"]
    module = case.place(lambda: make(width, case["sequence_length"] + 1))
    x_BHSK = case.randn(case["batch"], case["heads"], case["sequence_length"], width)
    step = bench.inference(module, x_BHSK, tokens=case["batch"] * case["sequence_length"])

    def later() -> Tensor:
        with torch.inference_mode():
            turned: Tensor = module(x_BHSK, 1)
            return turned

    return replace(step, checks={"from position 1": later})


def _alibi_reference(case: bench.Case, step: bench.Step) -> Tensor:
    """−2^(−8h/H) · |s − t| for head h from 1, H a power of two (Press et al. 2022)."""
    heads, positions = case["heads"], torch.arange(case["sequence_length"], dtype=torch.float64)
    slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1, dtype=torch.float64) / heads)
    return -slopes[None, :, None, None] * (positions[:, None] - positions).abs()


@bench.workload(FAMILY, "alibi", reference=_alibi_reference)
def alibi(case: bench.Case) -> bench.Step:
    """The (H, S, S) distances that are added to the scores."""
    make_slopes = bench.subject("tbp.blocks.rotary", "alibi_slopes")
    make_bias = bench.subject("tbp.blocks.rotary", "alibi_bias")
    slopes_H = make_slopes(case["heads"]).to(case.device, case.dtype)

    def run() -> Tensor:
        with torch.inference_mode():
            bias: Tensor = make_bias(slopes_H, case["sequence_length"])
            return bias

    size = case["heads"] * case["sequence_length"] ** 2 * slopes_H.element_size()
    return bench.Step(run, run, None, (slopes_H,), tokens=case["sequence_length"], bytes_moved=size)
