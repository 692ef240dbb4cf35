"""Models by design: one difference at a time, on the same data, with the same answer each time."""

from dataclasses import fields

import pytest
import torch
from torch import Tensor, nn

import tbp.blocks
from benchmarks.workloads import design, made_once, python_source
from benchmarks.workloads.design import DESIGNS, IGNORED, PADDING, RIGHT, SEEDS, error_rates, trial
from tbp import bench

from ..torch_threads import one_thread  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def _little_of_all(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setattr(made_once.tempfile, "tempdir", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setattr(design, "MODULES", 2)
    monkeypatch.setattr(python_source, "TESTING", ("glob", "textwrap"))
    monkeypatch.setattr(design, "EPOCHS", 3)
    monkeypatch.setattr(design, "TESTED", 64)


def test_designs_differ_from_the_right_one_in_one_thing_and_the_naive_one_in_all():
    differences = [
        tuple(field.name for field in fields(made) if getattr(made, field.name) != getattr(RIGHT, field.name))
        for made in DESIGNS.values()
    ]
    assert differences == [
        (), ("positions",), ("attention",), ("accumulation",), ("reads_steps_as_share",), ("activation",),
        ("positions", "attention", "accumulation", "activation"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", DESIGNS)
def test_a_trial_gives_the_same_share_each_time_and_another_for_another_seed(name: str):
    first = trial(DESIGNS[name], 1)()
    assert 0.0 < first < 1.0
    assert trial(DESIGNS[name], 1)() == first
    assert trial(DESIGNS[name], 2)() != first


def test_the_seeds_of_a_design_are_trained_once(monkeypatch: pytest.MonkeyPatch):
    """Also beside each other they give what each gives alone."""
    rates = error_rates("naive")
    assert rates == {seed: trial(DESIGNS["naive"], seed)() for seed in SEEDS}
    monkeypatch.setattr(design, "trial", lambda *_: pytest.fail("trained again"))
    assert error_rates("naive") == rates
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        error_rates("right")


def test_each_epoch_has_ragged_micro_batches_and_a_tail():
    data = python_source.windows(("glob",), design.LENGTH)
    epochs = list(design._epochs(data, torch.Generator().manual_seed(0)))
    assert [len(epoch) for epoch in epochs] == [7, 7, 7]
    labels = [int((kinds != IGNORED).sum()) for _, kinds in epochs[0]]
    assert labels == sorted(labels)
    assert labels[-1] > 3 * labels[0]
    assert not torch.equal(epochs[0][0][0], epochs[1][0][0])
    assert all(torch.equal(characters == PADDING, kinds == IGNORED) for epoch in epochs for characters, kinds in epoch)


def test_padding_is_no_answer():
    class Knowing(nn.Module):
        def forward(self, characters_BS: Tensor) -> Tensor:
            return nn.functional.one_hot(characters_BS, 4).float()

    characters_WS = torch.tensor([[1, 2, PADDING], [3, 1, 2]])
    kinds_WS = torch.tensor([[1, 2, IGNORED], [3, 1, 0]])
    assert design._error_rate(Knowing(), characters_WS, kinds_WS) == 0.2


def test_a_commit_without_a_part_is_skipped_in_the_set_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(tbp.blocks, "NaivePositionalEncoding")
    with pytest.raises(bench.Skip, match=r"has no tbp\.blocks\.NaivePositionalEncoding"):
        trial(DESIGNS["naive_positions"], 1)
