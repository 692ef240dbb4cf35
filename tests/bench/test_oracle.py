"""The oracle: wrong work is refused before it is timed, whichever output shows it."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tbp.bench.oracle import WrongResult, check, closeness
from tbp.bench.workloads import Case, Step, Workload

CASE = Case({"width": 4}, torch.float32, "cpu")


def twice_and_its_gradient(case: Case, step: Step) -> dict[str, Tensor]:
    x = step.inputs[0].double()
    return {"output": 2 * x, "gradient": torch.full_like(x, 2.0)}


DOUBLING = Workload("doubling", "add", lambda case: right(), twice_and_its_gradient)


def right(gradient: float = 2.0) -> Step:
    x = CASE.randn(3, 4)
    return Step(lambda: x + x, lambda: x + x, inputs=(x,), checks={"gradient": lambda: torch.full_like(x, gradient)})


def test_every_named_output_is_compared():
    assert check(DOUBLING, CASE, right()) == 0.0
    with pytest.raises(WrongResult, match=r"doubling\.add computes something else.*0\.5 of its gradient"):
        check(DOUBLING, CASE, right(gradient=1.0))


def test_an_output_without_its_reference_is_no_check():
    with pytest.raises(ValueError, match="computes output and its reference gradient, output"):
        check(DOUBLING, CASE, replace(right(), checks={}))


def test_an_output_of_another_dtype_is_another_work():
    half = replace(right(), output=lambda: CASE.randn(3, 4).to(torch.bfloat16) * 2)
    with pytest.raises(WrongResult, match=r"its output is torch\.bfloat16, not torch\.float32"):
        check(DOUBLING, CASE, half)
    wide = replace(right(), dtype=torch.float64, output=lambda: CASE.randn(3, 4).double() * 2)
    assert check(DOUBLING, CASE, wide) == 0.0


def test_a_condition_that_is_not_met_is_named():
    met = {"half of the units are gone": lambda: True}
    assert check(DOUBLING, CASE, replace(right(), conditions=met)) == 0.0
    with pytest.raises(WrongResult, match="it is not so that half of the units are gone"):
        check(DOUBLING, CASE, replace(right(), conditions={"half of the units are gone": lambda: False}))


class TestTrains:
    """A training step is one that changes every weight matrix."""

    def step(self, *, steps: bool, skipped: int = 0) -> Step:
        module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        left = [skipped]

        def run() -> None:
            optimizer.zero_grad()
            module(torch.ones(2, 4)).sum().backward()
            left[0] -= 1
            if steps and left[0] < 0:
                optimizer.step()

        return replace(right(), run=run, updates=module)

    def test_a_run_that_steps(self):
        assert check(DOUBLING, CASE, self.step(steps=True)) == 0.0

    def test_a_scaler_may_skip_the_first_steps(self):
        assert check(DOUBLING, CASE, self.step(steps=True, skipped=3)) == 0.0

    def test_a_run_without_optimizer_step_is_refused(self):
        with pytest.raises(WrongResult, match=r"does not train: 10 runs left 0\.weight as it was"):
            check(DOUBLING, CASE, self.step(steps=False))


def test_the_output_beside_its_reference():
    off_by = replace(right(), inputs=(torch.tensor([3.0, 4.0]),), output=lambda: torch.tensor([6.0, 8.5]), checks={})
    workload = Workload(
        "f", "v", lambda case: off_by, lambda case, step: 2 * step.inputs[0].double(), tolerances={torch.float32: 1.0}
    )
    close = closeness(workload, CASE, off_by)
    assert (close.error, close.max_abs) == (0.0625, 0.5)
    assert close.cosine == pytest.approx(1 - 104 / (10 * 108.25**0.5))


class TestSetUp:
    """A run that makes modules times its own set-up."""

    MODULE = nn.Linear(4, 4)

    @pytest.mark.parametrize("make", [lambda: nn.Linear(4, 4), lambda: copy.deepcopy(TestSetUp.MODULE)])
    def test_making_modules_is_set_up_unless_it_is_the_work(self, make: Callable[[], nn.Module]):
        step = replace(right(), run=lambda: make()(torch.ones(4)))
        with pytest.raises(WrongResult, match="includes its set-up: a run makes 2 parameters"):
            check(DOUBLING, CASE, step)
        assert check(DOUBLING, CASE, replace(step, makes_modules=True)) == 0.0
        assert nn.Parameter(torch.ones(1)).requires_grad, "torch's own class is as it was"

    def test_the_first_run_may_make_what_is_made_once(self):
        made: list[nn.Module] = []

        def run() -> Tensor:
            if not made:
                made.append(nn.Linear(4, 4))
            output: Tensor = made[0](torch.ones(4))
            return output

        assert check(DOUBLING, CASE, replace(right(), run=run)) == 0.0


class TestFlops:
    """Declared FLOPs are those that torch counts, but for what it cannot see."""

    def attention(self, flops: int, *, causal: bool, counted: int | None = None) -> Step:
        q_BHSK = CASE.randn(1, 1, 8, 4)
        run = lambda: F.scaled_dot_product_attention(q_BHSK, q_BHSK, q_BHSK, is_causal=causal)  # noqa: E731
        return replace(right(), run=run, flops=flops, counted=counted)

    def test_those_of_the_products(self):
        both_products = 2 * 2 * 8 * 8 * 4
        assert check(DOUBLING, CASE, self.attention(both_products, causal=False)) == 0.0
        with pytest.raises(WrongResult, match="declares 512 FLOPs of which torch counts 1024"):
            check(DOUBLING, CASE, self.attention(both_products // 2, causal=False))

    def test_causal_attention_counts_half(self):
        assert check(DOUBLING, CASE, self.attention(512, causal=True, counted=1024)) == 0.0
        with pytest.raises(WrongResult, match="of causal attention half of the S² products count"):
            check(DOUBLING, CASE, self.attention(1024, causal=True))

    def test_not_where_the_counter_sees_nothing(self):
        assert check(DOUBLING, CASE, replace(right(), flops=12)) == 0.0
        product = replace(right(), run=lambda: torch.ones(2, 2) @ torch.ones(2, 2), flops=12)
        assert check(DOUBLING, CASE, replace(product, counted=0)) == 0.0
        with pytest.raises(WrongResult, match="declares 12 FLOPs of which torch counts 16"):
            check(DOUBLING, CASE, product)
