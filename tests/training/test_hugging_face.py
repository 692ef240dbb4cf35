"""Hugging Face models, small and with random weights, through the training steps."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from tbp.training import (
    create_optimizer,
    distillation_loss,
    labelled_items,
    train_with_amp,
    train_with_gradient_accumulation,
)

B, S, V = 2, 8, 32

SIZES = {"vocab_size": V, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
BERT = {**SIZES, "intermediate_size": 32, "max_position_embeddings": S, "num_labels": V}
GPT = {"vocab_size": V, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": S, "bos_token_id": 0, "eos_token_id": 0}


def made(name: str) -> Any:
    """A model in evaluation mode, as dropout would make each pass another function."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(**GPT) if name.startswith("GPT2") else transformers.BertConfig(**BERT)
    return getattr(transformers, name)(config).eval()


def micro_batch(labelled: int) -> dict[str, Tensor]:
    labels = torch.randint(V, (B, S))
    labels[:, labelled:] = -100
    return {"input_ids": torch.randint(V, (B, S)), "attention_mask": torch.ones(B, S), "labels": labels}


def gradient(model: nn.Module) -> Tensor:
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def moved(model: nn.Module, before: nn.Module) -> Tensor:
    pairs = zip(before.parameters(), model.parameters(), strict=True)
    return torch.cat([(old - new).detach().flatten() for old, new in pairs])


NAMES = ("BertForTokenClassification", "BertForMaskedLM", "GPT2LMHeadModel")


@pytest.mark.parametrize("name", NAMES)
def test_ragged_micro_batches_have_the_gradient_of_the_whole_batch(name: str) -> None:
    """A causal model counts no label of a first position; BERT counts all."""
    model = made(name)
    before = copy.deepcopy(model)
    batches = [micro_batch(labelled) for labelled in (8, 2, 5)]
    whole = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
    torch.autograd.backward(before(**whole).loss)
    losses = train_with_gradient_accumulation(model, batches, SGD(model.parameters(), lr=2.0**10))
    torch.testing.assert_close(losses[0], before(**whole).loss.detach())
    used = torch.cat([w.flatten() for w in (p.grad if p.grad is not None else p * 0 for p in before.parameters())])
    # Weights of .02 lose digits of an update: their rounding, of 2⁻²⁴ a unit, over the learning rate.
    torch.testing.assert_close(moved(model, before) / 2.0**10, used.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", [*NAMES, "BertForSequenceClassification"])
def test_a_step_in_half_precision(name: str) -> None:
    model, batch = made(name), micro_batch(5)
    if name == "BertForSequenceClassification":
        batch["labels"] = torch.randint(V, (B,))
    before = copy.deepcopy(model)
    torch.autograd.backward(before(**batch).loss)
    step = train_with_amp(model, batch, SGD(model.parameters(), lr=1.0), allow_emulation=True)
    assert step.output_dtype == torch.bfloat16
    torch.testing.assert_close(step.loss, before(**batch).loss.detach(), rtol=2e-2, atol=0)
    expected = gradient(before)
    # bfloat16's 8 bits through two layers, relative to the largest gradient.
    torch.testing.assert_close(gradient(model), expected, rtol=0, atol=4e-2 * expected.abs().max().item())


def test_a_student_learns_from_a_teacher() -> None:
    teacher, student = made("BertForTokenClassification"), made("BertForTokenClassification")
    with torch.no_grad():
        teacher.classifier.weight.mul_(5.0)
    batch, optimizer, losses = micro_batch(5), create_optimizer(student, lr=1e-2), []
    for _ in range(5):
        optimizer.zero_grad()
        with torch.no_grad():
            teacher_logits = teacher(**batch).logits
        loss = distillation_loss(student(**batch).logits, teacher_logits, batch["labels"])
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert labelled_items(batch).item() == B * 5
