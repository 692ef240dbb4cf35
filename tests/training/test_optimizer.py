"""The optimizer that is recommended: which weights decay, and which are trained at all."""

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from tbp.training import create_optimizer


def test_matrices_decay_and_biases_and_norms_do_not() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))
    for weight in model.parameters():
        nn.init.ones_(weight)
        weight.grad = torch.zeros_like(weight)
    create_optimizer(model, lr=0.5, weight_decay=0.2).step()
    # Without a gradient a weight moves by its decay alone: 1 − .5 × .2.
    assert [weight.unique().tolist() for weight in model.parameters()] == [[pytest.approx(0.9)], [1.0], [1.0], [1.0]]


def test_it_is_fused_and_steps_as_adamw_does() -> None:
    torch.manual_seed(0)
    model, expected = nn.Linear(4, 3, bias=False), nn.Linear(4, 3, bias=False)
    expected.load_state_dict(model.state_dict())
    optimizers = create_optimizer(model, lr=0.1), AdamW(expected.parameters(), lr=0.1, weight_decay=0.01, foreach=False)
    assert [group["fused"] for group in optimizers[0].param_groups] == [True]
    for step in range(3):
        for each in (model, expected):
            each.weight.grad = torch.full((3, 4), step + 1.0)
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(model.weight, expected.weight)


def test_frozen_weights_are_left_out() -> None:
    model = nn.Linear(2, 3)
    model.weight.requires_grad_(False)
    assert [group["params"] for group in create_optimizer(model).param_groups] == [[model.bias]]
    model.bias.requires_grad_(False)
    with pytest.raises(ValueError, match="no trainable parameters"):
        create_optimizer(model)
