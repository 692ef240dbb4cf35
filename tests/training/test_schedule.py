"""The schedule against ``transformers``, step by step, and what its arguments may mean."""

import pytest
import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tbp.training import create_scheduler, linear_factor


def optimizer() -> Optimizer:
    return SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)


def rates(scheduler: LRScheduler, steps: int) -> list[float]:
    """The learning rate at each step, the first one before any."""
    seen = []
    for _ in range(steps):
        seen.append(float(scheduler.get_last_lr()[0]))
        scheduler.optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize(("total", "warmup"), [(10, 3), (10, 0), (10, 10), (7, 1), (100, 33)])
def test_equals_transformers_linear_schedule(total: int, warmup: int) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.get_linear_schedule_with_warmup(optimizer(), warmup, total)
    # Exactly: the same quotients of the same integers.
    assert rates(create_scheduler(optimizer(), total, warmup), total + 3) == rates(theirs, total + 3)


def test_literal_rates() -> None:
    scheduler = create_scheduler(optimizer(), 6, 2)
    assert rates(scheduler, 8) == [0.0, 0.25, 0.5, 0.375, 0.25, 0.125, 0.0, 0.0]


@pytest.mark.parametrize(
    ("total", "ratio", "steps"),
    [
        (30, 0.1, 3),  # 0.1 × 30 is 3.0000000000000004
        (35, 0.1, 4),  # rounded up, never cut off
        (5, 0.1, 1),  # the cut-off would leave no warm-up at all
        (10, 0.0, 0),
    ],
)
def test_a_ratio_is_a_share_of_all_steps_rounded_up(total: int, ratio: float, steps: int) -> None:
    expected = rates(create_scheduler(optimizer(), total, steps), total)
    assert rates(create_scheduler(optimizer(), total, ratio), total) == expected
    assert rates(create_scheduler(optimizer(), total, warmup_ratio=ratio), total) == expected


def test_the_default_warms_up_over_a_tenth() -> None:
    assert rates(create_scheduler(optimizer(), 20), 3) == [0.0, 0.25, 0.5]


@pytest.mark.parametrize("warmup", [1.0, 100.0, -0.1, -1, 11])
def test_a_warm_up_that_cannot_be_meant_is_refused(warmup: float) -> None:
    with pytest.raises(ValueError, match="warm-up"):
        create_scheduler(optimizer(), 10, warmup)


def test_other_arguments_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(TypeError, match="warmup_steps=True"):
        create_scheduler(optimizer(), 10, True)
    with pytest.raises(ValueError, match="num_training_steps=0"):
        create_scheduler(optimizer(), 0)
    with pytest.raises(ValueError, match=r"not 1\.0"):
        create_scheduler(optimizer(), 10, warmup_ratio=1)


def test_it_survives_a_checkpoint() -> None:
    scheduler = create_scheduler(optimizer(), 10, 4)
    rates(scheduler, 3)
    resumed = create_scheduler(optimizer(), 10, 4)
    resumed.load_state_dict(scheduler.state_dict())
    assert resumed.last_epoch == 3
    assert linear_factor(3, warmup_steps=4, num_training_steps=10) == 0.75
