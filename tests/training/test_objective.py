"""Every form in which a model takes a batch and gives its loss, by the steps that train it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from tbp.training import Batch, labelled_items, summed_loss, train_with_amp, train_with_gradient_accumulation
from tbp.training.objective import forward, unwrapped

D, V = 6, 5


class Model(nn.Module):
    """A linear layer that answers in one of many forms."""

    def __init__(self, form: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.form, self.head = form, nn.Linear(D, V)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        logits = self.head(x)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return {
            "loss": loss,
            "(loss, logits)": (loss, logits),
            ".loss": SimpleNamespace(loss=loss, logits=logits),
            "['loss']": {"loss": loss},
            "logits": logits,
            "(logits, weights)": (logits, logits),
            ".logits": SimpleNamespace(logits=logits),
        }[self.form]


FORMS = ("loss", "(loss, logits)", ".loss", "['loss']", "logits", "(logits, weights)", ".logits")


def batches() -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(1)
    labels = [torch.tensor([1, 4, 0]), torch.tensor([2, -100, -100]), torch.tensor([-100, -100, -100])]
    return [(torch.randn(3, D), its) for its in labels]


def expected() -> tuple[Tensor, Tensor]:
    """The mean loss over the four labels of all batches, and its gradient."""
    head, data = Model("logits").head, batches()
    x, labels = torch.cat([x for x, _ in data]), torch.cat([labels for _, labels in data])
    loss = F.cross_entropy(head(x), labels)
    return loss.detach(), torch.autograd.grad(loss, head.weight)[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_mapping", [True, False])
def test_ragged_micro_batches_have_the_gradient_of_the_whole_batch(form: str, is_mapping: bool) -> None:
    model = Model(form)
    data: list[Batch] = [{"x": x, "labels": labels} if is_mapping else (x, labels) for x, labels in batches()]
    before = model.head.weight.detach().clone()
    losses = train_with_gradient_accumulation(model, data, SGD(model.parameters(), lr=1.0))
    loss, gradient = expected()
    # float32 sums of 4 rows. One batch has no label that counts: a mean over none of them is NaN.
    torch.testing.assert_close(before - model.head.weight, gradient, rtol=0, atol=1e-6)
    torch.testing.assert_close(losses, loss[None])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_mapping", [True, False])
def test_a_step_in_half_precision_takes_every_form(form: str, is_mapping: bool) -> None:
    x, labels = batches()[0]
    data: Batch = {"x": x, "labels": labels} if is_mapping else (x, labels)
    model = Model(form)
    step = train_with_amp(model, data, allow_emulation=True)
    assert step.stepped
    loss = F.cross_entropy(Model(form).head(x), labels).detach()
    torch.testing.assert_close(step.loss, loss, rtol=1e-2, atol=0)  # bfloat16 rounds to 8 bits


def test_one_tensor_is_a_batch_of_a_model_that_returns_its_loss() -> None:
    class Autoencoder(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return F.mse_loss(super().forward(x), x)

    model = Autoencoder(D, D)
    before = model.weight.detach().clone()
    assert train_with_amp(model, torch.randn(3, D), SGD(model.parameters(), lr=1.0), allow_emulation=True).stepped
    assert not torch.equal(model.weight, before)


def test_what_holds_no_loss_or_no_labels_is_refused() -> None:
    class Nothing(nn.Linear):
        def forward(self, x: Tensor) -> Any:
            return SimpleNamespace(last_hidden_state=x)

    x, labels = batches()[0]
    with pytest.raises(TypeError, match="no loss and no logits"):
        forward(Nothing(D, V), (x, labels))
    with pytest.raises(ValueError, match="the batch has no labels"):
        summed_loss(Model("logits"), {"x": x})
    with pytest.raises(ValueError, match="the batch has no labels"):
        labelled_items(x)


def test_a_model_is_found_in_what_wraps_it() -> None:
    model = Model("loss")
    assert unwrapped(torch.compile(model, backend="eager")) is model
    assert unwrapped(model) is model
