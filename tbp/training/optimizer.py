"""The optimizer to recommend: AdamW in one kernel, whose decay spares biases and norms."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW


def create_optimizer(model: nn.Module, lr: float = 5e-5, weight_decay: float = 0.01) -> AdamW:
    """AdamW over the trainable parameters of ``model``, fused into one kernel a group.

    Fused AdamW goes over weights, gradients and both moments once instead of a dozen times;
    ``tools/training_speed.py`` measures the difference. Weight decay acts on matrices alone: a bias or the weight of a
    norm has no scale that it should shrink to, as in BERT and GPT. The defaults are those of
    ``transformers.TrainingArguments``, with BERT's decay.

    Raises:
        ValueError: nothing in the model is trainable.
    """
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    if not trainable:
        raise ValueError("the model has no trainable parameters, so there is nothing to optimise")
    groups = [
        {"params": [weight for weight in trainable if weight.dim() >= 2], "weight_decay": weight_decay},
        {"params": [weight for weight in trainable if weight.dim() < 2], "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]], lr=lr, fused=True)
