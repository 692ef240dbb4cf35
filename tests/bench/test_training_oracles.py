"""Wrong training steps, put in the way of the suites: their oracles refuse each before it is timed."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

import benchmarks.workloads.accumulation
import benchmarks.workloads.distillation
import benchmarks.workloads.schedule
import benchmarks.workloads.train_step  # noqa: F401 - each registers its workloads
import tbp.training
from tbp.bench import Case, Skip, WrongResult, devices
from tbp.bench.cell import counts
from tbp.bench.oracle import check, closeness
from tbp.bench.workloads import find
from tbp.training import create_scheduler, distillation_loss, linear_factor, train_with_gradient_accumulation
from tbp.training.objective import forward, labelled_items, mean_loss, summed_loss

from ..torch_threads import one_thread  # noqa: F401 - a fixture

SHAPE = {"batch": 8, "sequence_length": 8, "d_model": 32, "heads": 4, "micro_batches": 4, "groups": 2}
CASE = Case(SHAPE, torch.float32, "cpu")

Put = Callable[[str, object], None]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    return lambda name, wrong: monkeypatch.setattr(tbp.training, name, wrong)


def checked(family: str, variant: str) -> float:
    workload = find(family, variant)
    return check(workload, CASE, workload.build(CASE))


def test_the_right_ones_pass() -> None:
    for family, variant in [
        ("train_step", "adamw_recommended"),
        ("train_step", "checkpointed"),
        ("train_step", "naive_amp"),
        ("accumulation", "accumulated"),
        ("accumulation", "ragged"),
        ("accumulation", "naive_ragged"),
        ("distillation", "distilled"),
        ("distillation", "naive"),
        ("schedule", "linear"),
        ("schedule", "by_hand"),
    ]:
        assert checked(family, variant) < 1e-5, (family, variant)  # the tolerance of float32


def test_a_schedule_leaves_its_rates_for_the_report() -> None:
    workload = find("schedule", "linear")
    step = workload.build(CASE)
    counted = counts(step, devices.device("cpu"), closeness(workload, CASE, step))
    assert counted.learning_rates[:6] == pytest.approx((0.0, 0.125, 0.25, 0.375, 0.5, 0.5 * 30 / 31))
    assert counted.learning_rates[-3:] == pytest.approx((0.5 / 31, 0.0, 0.0))


def in_float32(model: nn.Module, batch: Any, optimizer: Optimizer, **options: object) -> None:
    optimizer.zero_grad()
    torch.autograd.backward(mean_loss(forward(model, batch), batch))
    optimizer.step()


def without_a_step(model: nn.Module, batch: Any, optimizer: Optimizer, dtype: torch.dtype, **options: object) -> None:
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=dtype):
        loss = mean_loss(forward(model, batch), batch)
    torch.autograd.backward(loss)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [(in_float32, r"all matrix products are computed in torch\.bfloat16"), (without_a_step, "1 of")],
)
def test_amp(wrong: object, reason: str, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cpu_flags", lambda: frozenset({"avx512_bf16"}))  # or it is skipped where emulated
    put("train_with_amp", wrong)
    with pytest.raises(WrongResult, match=reason):
        checked("train_step", "amp_bfloat16")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_without_the_instructions_is_skipped_with_that_reason(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "cpu_flags", lambda: frozenset({"avx2"}))
    with pytest.raises(Skip, match=f"this CPU has no {dtype} instructions"):
        checked("train_step", f"amp_{dtype}")


class Idle(AdamW):
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Forget to step."""


class Descending(AdamW):
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Step the first group alone."""
        groups = self.param_groups
        self.param_groups = groups[:1]
        super().step()
        self.param_groups = groups


@pytest.mark.parametrize("wrong", [Idle, Descending])
def test_an_optimizer_that_leaves_weights_alone(wrong: type[AdamW], put: Put) -> None:
    def create(model: nn.Module, lr: float) -> AdamW:
        matrices = [weight for weight in model.parameters() if weight.dim() > 1]
        return wrong([{"params": matrices}, {"params": [w for w in model.parameters() if w.dim() < 2]}], lr=lr)

    put("create_optimizer", create)
    with pytest.raises(WrongResult, match="of its output"):
        checked("train_step", "adamw_recommended")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"fused": False}, "AdamW is fused"), ({"weight_decay": 0.1, "fused": True}, "matrices decay, and nothing else")],
)
def test_another_optimizer_than_the_recommended_one(options: dict[str, Any], sentence: str, put: Put) -> None:
    put("create_optimizer", lambda model, lr: AdamW(model.parameters(), lr=lr, **options))
    with pytest.raises(WrongResult, match=sentence):
        checked("train_step", "adamw_recommended")


def accumulating(
    *, clip_at: str = "end", divide: str = "items", flush: bool = True, forget: bool = True
) -> Callable[[nn.Module, Any, Optimizer, int], None]:
    """Accumulation with one fault at most."""

    def train(model: nn.Module, batches: Any, optimizer: Optimizer, steps: int, max_norm: float | None = None) -> None:
        optimizer.zero_grad()
        for group in (batches[first : first + steps] for first in range(0, len(batches), steps)):
            items = torch.stack([labelled_items(batch) for batch in group])
            for number, batch in enumerate(group):
                loss = summed_loss(model, batch) / (items.sum() if divide == "items" else items[number] * len(group))
                torch.autograd.backward(loss)
                is_last = number == len(group) - 1
                if max_norm is not None and (clip_at == "each" or is_last == (clip_at == "end")):
                    nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            if flush or len(group) == steps:
                optimizer.step()
            if forget:
                optimizer.zero_grad()

    return train


@pytest.mark.parametrize(
    ("fault", "output"),
    [
        ({"divide": "means"}, "output"),
        ({"clip_at": "before the last"}, "clipped gradient"),
        ({"clip_at": "each"}, "clipped gradient"),
        ({"clip_at": "never"}, "clipped gradient"),
        ({"flush": False}, "clipped gradient"),
        ({"forget": False}, "gradients of two groups"),
    ],
)
def test_accumulation(fault: dict[str, Any], output: str, put: Put) -> None:
    put("train_with_gradient_accumulation", accumulating())
    assert checked("accumulation", "ragged") < 1e-5
    put("train_with_gradient_accumulation", accumulating(**fault))
    with pytest.raises(WrongResult, match=f"of its {output}"):
        checked("accumulation", "ragged")


def test_an_accumulation_that_trains_on_the_first_micro_batch_alone(put: Put) -> None:
    def first(model: nn.Module, batches: Any, optimizer: Optimizer, steps: int) -> object:
        return train_with_gradient_accumulation(model, batches[:1], optimizer, steps)

    put("train_with_gradient_accumulation", first)
    with pytest.raises(WrongResult):
        checked("accumulation", "accumulated")


def tempered(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, alpha: float) -> Tensor:
    """Without T²."""
    soft = distillation_loss(student, teacher, labels, temperature, 1.0) / temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student.flatten(0, -2), labels.flatten())


def in_rows(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, alpha: float) -> Tensor:
    """By the plain formula: padding weighs, and 0 · log 0 is NaN."""
    student, teacher = student.flatten(0, -2), teacher.flatten(0, -2)
    soft = F.kl_div(
        F.log_softmax(student / temperature, -1),
        F.log_softmax(teacher / temperature, -1),
        reduction="batchmean",
        log_target=True,
    )
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels.flatten())


def swapped(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, alpha: float) -> Tensor:
    return distillation_loss(student, teacher, labels, temperature, 1 - alpha)


def into_the_teacher(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, alpha: float) -> Tensor:
    return distillation_loss(student, teacher, labels, temperature, alpha) + 0.0 * teacher.nan_to_num(neginf=0.0).sum()


@pytest.mark.parametrize("wrong", [tempered, in_rows, swapped, into_the_teacher])
def test_distillation(wrong: object, put: Put) -> None:
    put("distillation_loss", wrong)
    with pytest.raises(WrongResult):
        checked("distillation", "distilled")


def cut_off(optimizer: Optimizer, steps: int, ratio: float) -> object:
    return create_scheduler(optimizer, steps, int(ratio * steps))


def without_warmup(optimizer: Optimizer, steps: int, ratio: float) -> object:
    return create_scheduler(optimizer, steps, 0)


def below_zero(optimizer: Optimizer, steps: int, ratio: float) -> object:
    def factor(step: int) -> float:
        return linear_factor(step, warmup_steps=4, num_training_steps=steps) if step <= steps else float(steps - step)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


@pytest.mark.parametrize("wrong", [cut_off, without_warmup, below_zero])
def test_schedule(wrong: object, put: Put) -> None:
    put("create_scheduler", wrong)
    with pytest.raises(WrongResult, match="of its output"):
        checked("schedule", "linear")
