"""Models that are really trained, so that what compression costs is accuracy: kinds of tokens in Python source.

Takes the commit's blocks, training and compression; gives a dense model, one of which half was removed and the rest
fine-tuned, and a student of half the depth. They are trained once for each content of that code, in less than a minute
on two cores, and kept from then on (``made_once``): timing them trains nothing.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tbp import bench

from . import python_source
from .made_once import key_of, made_once

# Wide enough that matrix products take most of the time at batch 1 (docs: where the crossing is).
D_MODEL, HEADS, LAYERS, LENGTH = 256, 4, 2, 64
PRUNING_RATIO = 0.5
BATCH = 8
# Optimizer steps and learning rate: the dense model from nothing, the two others from its weights, taught by it.
DENSE = (400, 1e-3)
PRUNED = (130, 5e-4)
STUDENT = (200, 1e-3)
TRAINING_THREADS = 2  # on every machine, as sums depend on their number
TESTED = 256  # windows: 16,384 characters, of which one point is 164


class Tagger(nn.Module):
    """(B, S) characters to (B, S, kinds) logits, with the commit's blocks."""

    def __init__(self, layers: int = LAYERS) -> None:
        super().__init__()
        self.embedding = nn.Embedding(python_source.VOCABULARY, D_MODEL)
        self.positions = bench.subject("tbp.blocks", "PositionalEncoding")(D_MODEL, LENGTH)
        self.encoder = bench.subject("tbp.blocks", "Encoder")(layers, D_MODEL, HEADS, 4 * D_MODEL, dropout=0.0)
        self.head = nn.Linear(D_MODEL, len(python_source.KINDS))

    def forward(self, characters_BS: Tensor) -> Tensor:
        """Logits (B, S, kinds)."""
        logits: Tensor = self.head(self.encoder(self.positions(self.embedding(characters_BS))))
        return logits


@dataclass(frozen=True)
class TrainedModels:
    """The models in evaluation mode, the windows that they are tested on, and the share of wrong answers of each."""

    dense: nn.Module
    pruned: nn.Module
    student: nn.Module
    test: python_source.Windows
    error_rates: Mapping[str, float]


def trained_models() -> TrainedModels:
    """The three models, trained at the first call for this content of the commit's code.

    Raises:
        Skip: the commit lacks a part, or this Python its source.
    """
    made = {"dense": Tagger(), "pruned": _pruned(Tagger()), "student": Tagger(LAYERS // 2)}
    trained = made_once(key_of(Path(__file__), Path(python_source.__file__)), _trained)
    for name, model in made.items():
        model.load_state_dict(trained[name])
        model.eval()
    test = python_source.Windows(trained["characters"], trained["kinds"])
    return TrainedModels(**made, test=test, error_rates=trained["error_rates"])


def error_rate(model: Callable[[Tensor], Any], test: python_source.Windows) -> float:
    """Share of the characters whose kind the model gets wrong; it sees one window at a time, as where it is timed."""
    wrong = 0
    with torch.inference_mode():
        for window, kinds in zip(test.characters, test.kinds, strict=True):
            wrong += int((model(window[None]).argmax(-1) != kinds[None]).sum())
    return wrong / test.kinds.numel()


def _pruned(model: nn.Module) -> nn.Module:
    """The model without half of its hidden units and heads."""
    model = bench.subject("tbp.compression", "prune_hidden_units")(model, PRUNING_RATIO)
    pruned: nn.Module = bench.subject("tbp.compression", "prune_heads")(model, PRUNING_RATIO)
    return pruned


def _trained() -> dict[str, Any]:
    training = python_source.windows(python_source.TRAINING, LENGTH)
    test = python_source.windows(python_source.TESTING, LENGTH, TESTED)
    with torch.random.fork_rng(devices=[]), _training_threads():
        torch.manual_seed(0)
        dense = Tagger()
        _train(dense, training, *DENSE)
        pruned = _pruned(copy.deepcopy(dense))
        _train(pruned, training, *PRUNED, teacher=dense)
        student = Tagger(LAYERS // 2)
        student.load_state_dict(dense.state_dict(), strict=False)  # the first layers, as DistilBERT takes them
        _train(student, training, *STUDENT, teacher=dense)
    models = {"dense": dense, "pruned": pruned, "student": student}
    rates = {name: error_rate(model.eval(), test) for name, model in models.items()}
    states = {name: model.state_dict() for name, model in models.items()}
    return {**states, "characters": test.characters, "kinds": test.kinds, "error_rates": rates}


@contextmanager
def _training_threads() -> Iterator[None]:
    """A block that is not timed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(TRAINING_THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _train(
    model: nn.Module, data: python_source.Windows, steps: int, lr: float, teacher: nn.Module | None = None
) -> None:
    """Train with the commit's loop and schedule; with a ``teacher``, by its distillation loss."""
    options: dict[str, Any] = {}  # without a teacher the loop's own loss: cross-entropy with the kinds
    if teacher is not None:
        distillation_loss = bench.subject("tbp.training", "distillation_loss")
        teacher.eval()

        def summed_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
            characters, kinds = batch
            with torch.no_grad():
                taught = teacher(characters)
            loss: Tensor = distillation_loss(model(characters), taught, kinds) * kinds.numel()
            return loss

        options["summed_loss"] = summed_loss
    optimizer = torch.optim.AdamW(model.train().parameters(), lr, fused=True)
    bench.subject("tbp.training", "train_with_gradient_accumulation")(
        model,
        _batches(data, steps),
        optimizer,
        1,
        scheduler=bench.subject("tbp.training", "create_scheduler")(optimizer, steps),
        max_norm=1.0,
        **options,
    )


def _batches(data: python_source.Windows, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        drawn = torch.randint(len(data.kinds), (BATCH,), generator=generator)
        yield data.characters[drawn], data.kinds[drawn]
