"""The distillation loss against its definition in float64, and where the naive one agrees."""

# B batch, S sequence positions, V vocabulary

import math

import pytest
import torch
from torch import Tensor

from tbp.training import distillation_loss, naive_distillation_loss

B, S, V = 2, 5, 7


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def logits() -> tuple[Tensor, Tensor, Tensor]:
    """Student, teacher, labels with two of them ignored."""
    labels_BS = torch.randint(V, (B, S))
    labels_BS[0, :2] = -100
    return torch.randn(B, S, V, requires_grad=True), torch.randn(B, S, V), labels_BS


def reference(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, alpha: float) -> float:
    """Position by position and class by class, in Python's float64."""
    soft, hard, items = 0.0, 0.0, 0
    for s, t, label in zip(
        student.detach().double().flatten(0, -2),
        teacher.double().flatten(0, -2),
        labels.flatten().tolist(),
        strict=True,
    ):
        if label == -100:
            continue
        s_soft, t_soft = (s / temperature).softmax(-1).tolist(), (t / temperature).softmax(-1).tolist()
        soft += sum(p * (math.log(p) - math.log(q)) for p, q in zip(t_soft, s_soft, strict=True))
        hard -= math.log(s.softmax(-1)[label].item())
        items += 1
    return alpha * temperature**2 * soft / items + (1 - alpha) * hard / items


@pytest.mark.parametrize(("temperature", "alpha"), [(3.0, 0.7), (1.0, 1.0), (2.0, 0.0)])
def test_equals_the_definition(temperature: float, alpha: float) -> None:
    student, teacher, labels = logits()
    loss = distillation_loss(student, teacher, labels, temperature, alpha)
    # float32 sums over 7 classes and 8 positions.
    assert loss.item() == pytest.approx(reference(student, teacher, labels, temperature, alpha), abs=1e-5)


def test_the_defaults_are_3_and_seven_tenths() -> None:
    student, teacher, labels = logits()
    torch.testing.assert_close(
        distillation_loss(student, teacher, labels), distillation_loss(student, teacher, labels, 3.0, 0.7)
    )


def test_leading_dimensions_are_flattened() -> None:
    student, teacher, labels = logits()
    torch.testing.assert_close(
        distillation_loss(student, teacher, labels),
        distillation_loss(student.flatten(0, 1), teacher.flatten(0, 1), labels.flatten()),
    )


def test_ignored_positions_weigh_nothing_in_either_term() -> None:
    student, teacher, labels = logits()
    changed = teacher.clone()
    changed[0, :2] = 100.0 * torch.randn(2, V)
    loss = distillation_loss(student, teacher, labels)
    assert torch.equal(distillation_loss(student, changed, labels), loss)
    torch.autograd.backward(loss)
    assert torch.count_nonzero(student.grad[0, :2]) == 0
    assert torch.count_nonzero(student.grad[0, 2:]) > 0


def test_all_labels_ignored_gives_0_with_a_gradient_of_0() -> None:
    student, teacher, labels = logits()
    loss = distillation_loss(student, teacher, torch.full_like(labels, -100))
    assert loss.item() == 0.0
    torch.autograd.backward(loss)
    assert student.grad is not None
    assert torch.equal(student.grad, torch.zeros_like(student))


def test_no_gradient_reaches_the_teacher() -> None:
    student, teacher, labels = logits()
    teacher.requires_grad_()
    torch.autograd.backward(distillation_loss(student, teacher, labels))
    assert teacher.grad is None
    assert student.grad is not None


def test_a_certain_teacher_keeps_loss_and_gradient_finite() -> None:
    student, _, labels = logits()
    certain = torch.zeros(B, S, V)
    certain[..., 0] = 1e4
    loss = distillation_loss(student, certain, labels)
    torch.autograd.backward(loss)
    assert loss.isfinite()
    assert student.grad.isfinite().all()


@pytest.mark.parametrize("student_rules_out", [False, True])
def test_a_class_that_the_teacher_rules_out_weighs_nothing(student_rules_out: bool) -> None:
    """A teacher's -inf, as a mask over the vocabulary leaves it: 0 · log 0 is 0, and was NaN."""
    student, teacher, labels = logits()
    labels = labels.clamp(min=0) % (V - 1)
    masked = teacher.index_fill(-1, torch.tensor([V - 1]), -math.inf)
    if student_rules_out:
        student = student.detach().index_fill(-1, torch.tensor([V - 1]), -math.inf).requires_grad_()
    loss = distillation_loss(student, masked, labels, alpha=1.0)
    torch.autograd.backward(loss)
    s_log, t = (student.detach() / 3).log_softmax(-1)[..., :-1], (teacher[..., :-1] / 3).softmax(-1)
    expected = 9 * (t * (t.log() - s_log)).sum(-1).mean()
    torch.testing.assert_close(loss, expected)
    assert student.grad.isfinite().all()


def test_padding_may_hold_anything_finite_or_not() -> None:
    student, teacher, labels = logits()
    expected = distillation_loss(student, teacher, labels)
    teacher[0, :2] = -math.inf  # no distribution at all
    loss = distillation_loss(student, teacher, labels)
    torch.autograd.backward(loss)
    assert torch.equal(loss, expected)
    assert student.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_half_precision_is_summed_in_float32(dtype: torch.dtype) -> None:
    student, teacher, labels = logits()
    cast_student, cast_teacher = student.detach().to(dtype), teacher.to(dtype)
    loss = distillation_loss(cast_student, cast_teacher, labels)
    assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    # The logits are rounded, the sums are not: exact for what came in.
    assert loss.item() == pytest.approx(reference(cast_student, cast_teacher, labels, 3.0, 0.7), abs=1e-5)


def test_a_perfect_student_has_no_soft_loss() -> None:
    _, teacher, labels = logits()
    assert distillation_loss(teacher, teacher, labels, alpha=1.0).item() == pytest.approx(0.0, abs=1e-6)


def test_shapes_and_rates_that_cannot_be_meant_are_refused() -> None:
    student, teacher, labels = logits()
    for wrong in ((student, teacher[:1], labels), (student, teacher, labels[:1])):
        with pytest.raises(ValueError, match="must be"):
            distillation_loss(*wrong)
    with pytest.raises(ValueError, match="temperature=0"):
        distillation_loss(student, teacher, labels, temperature=0.0)
    with pytest.raises(ValueError, match=r"alpha=1\.5"):
        distillation_loss(student, teacher, labels, alpha=1.5)


def test_the_naive_baseline_is_right_for_plain_classification() -> None:
    student, teacher, labels = torch.randn(6, V), torch.randn(6, V), torch.randint(V, (6,))
    naive = naive_distillation_loss(student, teacher, labels)
    torch.testing.assert_close(naive, distillation_loss(student, teacher, labels))


def test_compiles_whole() -> None:
    student, teacher, labels = logits()
    torch._dynamo.reset()
    compiled = torch.compile(distillation_loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(student, teacher, labels), distillation_loss(student, teacher, labels))
