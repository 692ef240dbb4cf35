"""FLOPs: literal shapes, and recorded steps against torch's own FlopCounterMode."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tbp.traces.calls.flops import FORMULAS, flops
from tbp.traces.operators.operators import session
from tbp.traces.reading.trace import Trace

torch = pytest.importorskip("torch")
counting = pytest.importorskip("torch.utils.flop_counter")
F = torch.nn.functional


def backward(groups: int, mask: str = "[True, True, False]", transposed: bool = False) -> str:
    """Settings of aten::convolution_backward."""
    settings = ["", "", "", "[4]", "[1, 1]", "[0, 0]", "[1, 1]", str(transposed), "[0, 0]", str(groups), mask]
    return json.dumps(settings)


GRADIENTS = "[[1, {out}, 6, 6], [1, 4, 8, 8], [{out}, {part}, 3, 3]]"  # of 4 channels, 8 × 8, by filters of 3 × 3
PASS = 2 * 36 * 9  # one channel in, one out
FOR_BOTH = '["", "", "", "[2]", "[1]", "[1]", "False", "[0]", "1"]'  # one value for height and width
TRUE = '["", "", "", "[2, 2]", "[1, 1]", "[1, 1]", "False", "[0, 0]", "1"]'


@pytest.mark.parametrize(
    ("operator", "shapes", "settings", "expected"),
    [
        ("aten::mm", "[[2, 3], [3, 5]]", "", 60),
        ("aten::addmm", "[[5], [2, 3], [3, 5], [], []]", "", 60),
        ("aten::bmm", "[[4, 2, 3], [4, 3, 5]]", "", 240),
        ("aten::baddbmm", "[[4, 2, 5], [4, 2, 3], [4, 3, 5]]", "", 240),
        ("aten::linear", "[[4, 2, 3], [5, 3], [5]]", "", 240),
        ("aten::convolution", "[[1, 3, 8, 8], [4, 3, 3, 3], [4]]", TRUE, 2 * 16 * 9 * 12),
        ("aten::convolution", "[[1, 3, 8, 8], [4, 3, 3, 3], [4]]", FOR_BOTH, 2 * 16 * 9 * 12),
        ("aten::convolution_backward", GRADIENTS.format(out=4, part=4), backward(1), 2 * PASS * 4 * 4),
        ("aten::convolution_backward", GRADIENTS.format(out=4, part=2), backward(2), 2 * PASS * 4 * 2),
        ("aten::convolution_backward", GRADIENTS.format(out=4, part=1), backward(4), 2 * PASS * 4),
        ("aten::convolution_backward", GRADIENTS.format(out=8, part=1), backward(4), 2 * PASS * 8),
        ("aten::convolution_backward", GRADIENTS.format(out=4, part=1), backward(4, "[False, True, True]"), PASS * 4),
        ("aten::convolution_backward", GRADIENTS.format(out=4, part=1), backward(4, "[True, False, True]"), PASS * 4),
        ("aten::convolution_backward", GRADIENTS.format(out=4, part=1), backward(4, "[False, False, True]"), 0),
        (
            "aten::convolution_backward",
            "[[1, 6, 10, 10], [1, 4, 8, 8], [4, 3, 3, 3]]",
            backward(2, transposed=True),
            2 * 2 * 64 * 9 * 4 * 3,
        ),
        (
            "aten::convolution_backward",
            "[[2, 6, 10], [2, 4, 8], [4, 3, 3]]",
            backward(2, transposed=True),
            2 * 2 * 8 * 3 * 2 * 4 * 3,
        ),
        ("aten::convolution_backward", "[[1, 4, 6, 6], [1, 4, 8, 8], [4, 1, 3, 3]]", "", None),
        (
            "aten::_scaled_dot_product_flash_attention_for_cpu",
            "[[2, 8, 16, 64], [2, 2, 16, 64], [2, 2, 16, 64]]",
            "",
            2**20,
        ),
        ("aten::mm", "[[2, 3], [4, 5]]", "", None),
        ("aten::mm", "", "", None),
        ("aten::mm", "[[2], 5]", "", None),
        ("aten::mm", "not json", "", None),
        ("aten::convolution", "[[1, 3, 8, 8], [4, 3, 3, 3]]", "", None),
        ("aten::_flash_attention_forward", "[[6, 2, 8], [6, 2, 8], [6, 2, 8], [3]]", "", None),
        ("aten::gelu", "[[2, 3]]", "", None),
        ("aten::convolution", "[[1, 3, 8, 8], [4, 3, 3, 3], [4]]", '["[["]', None),
        ("aten::convolution", "[[1, 3, 8, 8], [4, 3, 3, 3], [4]]", '["", "", "", "", "", "", "[["]', None),
        ("aten::mm", "[[4611686018427387904, 2], [2, 4611686018427387904]]", "", None),
    ],
)
def test_of_literal_shapes(operator: str, shapes: str, settings: str, expected: int | None) -> None:
    assert flops(operator, shapes, settings) == expected


def matmuls() -> Callable[[], object]:
    a, b, c = torch.randn(6, 4, 3), torch.randn(6, 3, 5), torch.randn(6, 4, 5)
    weight = torch.randn(7, 3)
    return lambda: (a @ b, torch.baddbmm(c, a, b), F.linear(a, weight), torch.addmm(c[0], a[0], b[0]), a[0] @ b[0])


def convolutions() -> Callable[[], object]:
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3, stride=2, padding=1),
        torch.nn.Conv2d(8, 8, 3, dilation=2, padding="same"),
        torch.nn.ConvTranspose2d(8, 6, 4, stride=2),
    )
    line = torch.nn.Conv1d(3, 5, 3)
    image, sound = torch.randn(2, 4, 16, 16, requires_grad=True), torch.randn(3, 20)
    return lambda: (layers(image).sum() + line(sound).sum()).backward()


def grouped(groups: int) -> Callable[[], object]:
    """The forward pass and the input's gradient, in which torch counts groups as we do."""
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(8, 16, 3, groups=groups), torch.nn.ConvTranspose2d(16, 8, 4, stride=2, groups=groups)
    ).requires_grad_(False)
    image = torch.randn(2, 8, 12, 12, requires_grad=True)
    return lambda: layers(image).sum().backward()


def encoder() -> Callable[[], object]:
    model = torch.nn.TransformerEncoderLayer(32, 2, 64, batch_first=True)
    x_BSD = torch.randn(2, 8, 32)
    return lambda: model(x_BSD).sum().backward()


def attention(math: bool) -> Callable[[], object]:
    q_BHSK, k_BHSK, v_BHSK = (torch.randn(2, 4, length, 16, requires_grad=True) for length in (8, 12, 12))

    def step() -> None:
        backend = torch.nn.attention.SDPBackend.MATH if math else torch.nn.attention.SDPBackend.FLASH_ATTENTION
        with torch.nn.attention.sdpa_kernel(backend):
            F.scaled_dot_product_attention(q_BHSK, k_BHSK, v_BHSK).sum().backward()

    return step


@pytest.mark.parametrize(
    "work",
    [matmuls, convolutions, lambda: grouped(2), lambda: grouped(8), encoder, lambda: attention(math=True)],
)
def test_equal_to_flop_counter_mode(recorded: Callable[..., Trace], work: Callable[[], Callable[[], Any]]) -> None:
    step = work()
    with counting.FlopCounterMode(display=False) as counter:
        step()
    theirs = counter.get_total_flops()
    ours = session(recorded(step, steps=3, record_shapes=True)).table.frame.set_index("operator")["flops"]
    on_cpu = [name for name in ours.index if "flash_attention_for_cpu" in name]
    assert np.nansum(ours.drop(on_cpu)) == theirs > 0


def test_attention_on_the_cpu_counts_as_the_same_work_by_products(recorded: Callable[..., Trace]) -> None:
    """Forward equal; backward by one product more, as the fused kernel computes the scores again."""
    fused, plain = (
        session(recorded(attention(math), steps=3, record_shapes=True)).table.frame.set_index("operator")["flops"]
        for math in (False, True)
    )
    product = 2 * 2 * 4 * 8 * 12 * 16
    assert fused["aten::_scaled_dot_product_flash_attention_for_cpu"] == 2 * product
    assert fused["aten::_scaled_dot_product_flash_attention_for_cpu_backward"] == 5 * product
    assert np.nansum(plain) == 6 * product


def test_without_shapes_flops_are_unknown(recorded: Callable[..., Trace]) -> None:
    frame = session(recorded(matmuls(), steps=3)).table.frame.set_index("operator")
    assert frame["flops"].isna().all()


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
@pytest.mark.parametrize("layer", [torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.ConvTranspose2d])
def test_a_backward_pass_is_twice_the_forward_one(recorded: Callable[..., Trace], layer: Any, groups: int) -> None:
    convolution = layer(8, 16, 3, groups=groups)
    x = torch.randn(2, 8, 12, *([12] if layer is not torch.nn.Conv1d else []), requires_grad=True)
    frame = session(recorded(lambda: convolution(x).sum().backward(), steps=3, record_shapes=True)).table.frame
    flops_of = frame.set_index("operator")["flops"]
    assert flops_of["aten::convolution_backward"] == 2 * flops_of["aten::convolution"] > 0


def test_the_docs_list_every_formula() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "flops.md").read_text(encoding="utf-8")
    rows = text.partition("| operator (")[2].partition("\n\n")[0].splitlines()[2:]
    assert {f"aten::{name}" for row in rows for name in re.findall(r"`(_?\w+)`", row.split("|")[1])} == set(FORMULAS)


@pytest.mark.parametrize(
    "kind", ["flash_attention", "efficient_attention", "cudnn_attention", "flash_attention_for_cpu"]
)
def test_every_attention_has_a_formula_for_both_passes(kind: str) -> None:
    q, k = (2, 4, 8, 16), (2, 4, 6, 16)  # B, H, S, K
    forward = 2 * (2 * 2 * 4 * 8 * 6 * 16)
    assert FORMULAS[f"aten::_scaled_dot_product_{kind}"]([q, k, k], []) == forward
    # Scores again, and two products for each of them and of the weights.
    assert FORMULAS[f"aten::_scaled_dot_product_{kind}_backward"]([q, q, k, k], []) == forward * 5 // 2
