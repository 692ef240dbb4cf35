"""Small models that are trained by design: all practices right, one of them naive, or all, and the answers it costs.

The task is that of ``trained_models``, kinds of tokens in Python source, in sequences of different lengths. An epoch
has seven micro-batches, sorted by length, of which four make a step: so there is padding to mask, a tail to flush, and
micro-batches that hold different numbers of labels. The data of a seed are the same for every design.

A design is trained once for each content of the commit's code (``made_once``), with its seeds beside each other: no
time of it is taken.
"""

# B batch, S sequence, D model width

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import torch
from torch import Tensor, nn

from tbp import bench
from tbp.bench.devices import settle

from . import python_source
from .made_once import key_of, made_once

D_MODEL, HEADS, LENGTH, SHORTEST = 64, 4, 48, 4
EPOCHS, MICRO_BATCHES, ACCUMULATED, BATCH = 60, 7, 4, 8
RATE, WARMUP_STEPS = 3e-3, 20
MODULES = 12  # of the training data; of the test data all
TESTED = 512  # windows
SEEDS = (1, 2, 3, 4, 5)
PADDING, IGNORED = 0, -100  # no source has the character 0; no loss counts the label


@dataclass(frozen=True)
class Design:
    """Names in the commit's code, each the right one or its naive version."""

    positions: str = "PositionalEncoding"
    attention: str = "MultiHeadAttention"  # the naive one gets an additive mask, as nn.MultiheadAttention takes it
    accumulation: str = "train_with_gradient_accumulation"
    activation: str = "swiglu"
    reads_steps_as_share: bool = False  # the schedule: 20 steps of warm-up as 20 × all of them


RIGHT = Design()
# As the page has it. Its schedule is right as long as it gets a share.
NAIVE = Design(
    "NaivePositionalEncoding", "NaiveMultiHeadAttention", "naive_train_with_gradient_accumulation", activation="relu"
)
DESIGNS = {
    "right": RIGHT,
    "naive_positions": replace(RIGHT, positions=NAIVE.positions),
    "naive_mask": replace(RIGHT, attention=NAIVE.attention),
    "naive_accumulation": replace(RIGHT, accumulation=NAIVE.accumulation),
    "naive_schedule": replace(RIGHT, reads_steps_as_share=True),
    "relu": replace(RIGHT, activation=NAIVE.activation),
    "naive": NAIVE,
}


class Model(nn.Module):
    """(B, S) characters to (B, S, kinds) logits, as a design has it."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.is_additive = design.attention.startswith("Naive")
        self.embedding = nn.Embedding(python_source.VOCABULARY, D_MODEL)
        self.positions = bench.subject("tbp.blocks", design.positions)(D_MODEL)
        attention = bench.subject("tbp.blocks", design.attention)
        self.encoder = bench.subject("tbp.blocks", "Encoder")(
            1, D_MODEL, HEADS, 4 * D_MODEL, dropout=0.0, activation=design.activation, attention=attention
        )
        self.head = nn.Linear(D_MODEL, len(python_source.KINDS))

    def forward(self, characters_BS: Tensor) -> Tensor:
        """Logits (B, S, kinds)."""
        visible = (characters_BS != PADDING)[:, None, None]
        mask = torch.zeros(visible.shape).masked_fill(~visible, -torch.inf) if self.is_additive else visible
        x_BSD = self.positions(self.embedding(characters_BS))
        logits: Tensor = self.head(self.encoder(x_BSD, mask))
        return logits


def error_rates(name: str) -> dict[int, float]:
    """Share of wrong answers of that design, by seed, trained at the first call for this content of the code.

    Raises:
        Skip: the commit lacks a part, or this Python its source.
    """
    settle()
    threads = torch.get_num_threads()  # sums depend on their number

    def make() -> dict[str, list[float]]:
        trials = [trial(DESIGNS[name], seed) for seed in SEEDS]
        return {"error_rates": joblib.Parallel(n_jobs=-1, prefer="threads")(map(joblib.delayed(_settled), trials))}

    key = key_of(Path(__file__), Path(python_source.__file__), f"{name} {threads}")
    return dict(zip(SEEDS, made_once(key, make)["error_rates"], strict=True))


def _settled(trial: Callable[[], float]) -> float:
    settle()  # the number of threads belongs to a thread
    return trial()


def trial(design: Design, seed: int) -> Callable[[], float]:
    """The call that trains a model of that design, and gives the share of the test data that it gets wrong.

    Raises:
        Skip: the commit lacks a part, or this Python its source.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Model(design)
    train, data = _training(model, design), _windows(python_source.TRAINING[:MODULES])
    test = _cut(_windows(python_source.TESTING, TESTED), torch.Generator().manual_seed(0))

    def error_rate() -> float:
        for epoch in _epochs(data, torch.Generator().manual_seed(seed)):
            train(epoch)
        return _error_rate(model, *test)

    return error_rate


def _training(model: nn.Module, design: Design) -> Callable[[list[tuple[Tensor, Tensor]]], object]:
    """Trains on one epoch after the other, by the commit's loop and schedule."""
    steps = EPOCHS * math.ceil(MICRO_BATCHES / ACCUMULATED)
    optimizer = torch.optim.AdamW(model.parameters(), RATE, fused=True)
    warmup_steps = WARMUP_STEPS * steps if design.reads_steps_as_share else WARMUP_STEPS
    create_scheduler = bench.subject("tbp.training", "create_scheduler")
    scheduler = create_scheduler(optimizer, max(steps, warmup_steps), warmup_steps)
    optimizer.register_step_post_hook(lambda *_: scheduler.step())  # the naive accumulation knows no schedule
    accumulate = bench.subject("tbp.training", design.accumulation)
    return lambda epoch: accumulate(model, epoch, optimizer, ACCUMULATED)


def _error_rate(model: nn.Module, characters_WS: Tensor, kinds_WS: Tensor) -> float:
    model.eval()
    with torch.inference_mode():  # in batches as in training, since naive positions depend on the place in the batch
        logits_WSV = torch.cat([model(characters_WS[at : at + BATCH]) for at in range(0, len(characters_WS), BATCH)])
    predicted_WS = logits_WSV.argmax(-1)
    return float((predicted_WS != kinds_WS)[kinds_WS != IGNORED].double().mean())


def _epochs(data: python_source.Windows, generator: torch.Generator) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """The micro-batches of each epoch, drawn anew, the shortest sequences first."""
    for _ in range(EPOCHS):
        drawn = torch.randint(len(data.kinds), (MICRO_BATCHES * BATCH,), generator=generator)
        characters_WS, kinds_WS = _cut(python_source.Windows(data.characters[drawn], data.kinds[drawn]), generator)
        order = (characters_WS != PADDING).sum(1).argsort()
        parts = characters_WS[order].chunk(MICRO_BATCHES), kinds_WS[order].chunk(MICRO_BATCHES)
        yield list(zip(*parts, strict=True))


def _cut(windows: python_source.Windows, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Characters and labels of the windows, each up to a random length; the rest is padding."""
    lengths_W = torch.randint(SHORTEST, LENGTH + 1, (len(windows.kinds),), generator=generator)
    is_padding_WS = torch.arange(LENGTH) >= lengths_W[:, None]
    return windows.characters.masked_fill(is_padding_WS, PADDING), windows.kinds.masked_fill(is_padding_WS, IGNORED)


def _windows(modules: tuple[str, ...], most: int | None = None) -> python_source.Windows:
    def make() -> dict[str, Tensor]:
        made = python_source.windows(modules, LENGTH, most)
        return {"characters": made.characters, "kinds": made.kinds}

    return python_source.Windows(**made_once(key_of(Path(python_source.__file__), f"{modules} {LENGTH} {most}"), make))
