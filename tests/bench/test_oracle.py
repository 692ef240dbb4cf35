"""The oracle: wrong work is refused before it is timed, whichever output shows it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tbp.bench.oracle import WrongResult, check
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
