"""The oracles of compressed inference and of the trained task, each against what they must refuse."""

# B batch, S sequence, D model width

import copy
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import tbp.compression
from benchmarks.workloads import (
    compressed_inference,
    compressed_with_torchao,  # noqa: F401 - registers variants of compressed_inference
    compression,
    made_once,
    python_source,
    trained_models,
    trained_task,
)
from tbp import bench
from tbp.bench.oracle import check
from tbp.bench.workloads import find
from tbp.blocks import projections
from tbp.compression import factorise_model, prune_model, quantize_model_dynamically

SHAPE = {"batch": 1, "sequence_length": 16, "d_model": 32, "heads": 4}
CASE = bench.Case(SHAPE, torch.float32, "cpu")


@pytest.fixture(autouse=True)
def _process_as_it_was() -> Iterator[None]:
    engine, threads = torch.backends.quantized.engine, torch.get_num_threads()
    yield
    torch.backends.quantized.engine = engine
    torch.set_num_threads(threads)


def set_up(family: str, variant: str, case: bench.Case = CASE) -> tuple[bench.Step, float]:
    workload = find(family, variant)
    step = workload.build(case)
    return step, check(workload, case, step)


def test_errors_are_against_the_dense_model() -> None:
    errors = {name: set_up("compressed_inference", name)[1] for name in ("dense", "int8_dynamic", "structured_50")}
    assert errors["dense"] < 1e-5 < errors["int8_dynamic"] < 0.05 < errors["structured_50"]


def unchanged(model: nn.Module, *_: Any) -> nn.Module:
    return model


def without_heads(model: nn.Module, ratio: float) -> nn.Module:
    """Pruning that also forgets the attention: much faster, and another function than that of the weights left."""
    return nn.Sequential(*[layer.feed_forward for layer in model.layers])  # type: ignore[union-attr]  # a ModuleList


def pretended(model: nn.Module, *_: Any) -> Any:
    return tbp.compression.QuantizedModel(copy.deepcopy(model), "dynamic", "x86", 12)


def only_feed_forward(model: nn.Module, *_: Any) -> Any:
    model = copy.deepcopy(model)
    for layer in model.layers:  # type: ignore[union-attr]  # a ModuleList
        layer.feed_forward = quantize_model_dynamically(layer.feed_forward)
    return tbp.compression.QuantizedModel(model, "dynamic", "x86", 4)


def half_zeros(model: nn.Module, ratio: float) -> nn.Module:
    return prune_model(model, 0.5)


def largest_zeros(model: nn.Module, ratio: float) -> nn.Module:
    with torch.no_grad():
        for weight in tbp.compression.prunable_weights(model):
            weight[weight.abs() > weight.abs().quantile(1 - ratio)] = 0.0
    return model


def first_units(model: nn.Module, ratio: float) -> nn.Module:
    """Keeps the first units, whatever they weigh, the least important of which are put first."""
    for layer in model.layers:  # type: ignore[union-attr]  # a ModuleList
        network = layer.feed_forward
        rows = (network.up.weight.norm(dim=1) * network.down.weight.norm(dim=0)).argsort()
        rows = rows[: round(len(rows) * (1 - ratio))]
        projections.keep_rows(network.up, rows)
        projections.keep_columns(network.down, rows)
    return model


def unbalanced(model: nn.Module, ratio: float) -> nn.Module:
    model = factorise_model(model, ratio)
    for module in model.modules():
        if isinstance(module, tbp.compression.LowRankLinear):
            module.widen.weight.data *= 1.1
    return model


# What a commit may break: the function of tbp.compression that it breaks, how, and the variant that must refuse it.
BROKEN: list[tuple[str, Callable[..., Any], str, str]] = [
    ("prune_hidden_units", unchanged, "structured_50", "50% of its weights are gone"),
    ("prune_heads", unchanged, "structured_30", "30% of its weights are gone"),
    ("prune_hidden_units", unchanged, "structured_50_int8", "50% of its weights are gone"),
    ("prune_model", unchanged, "l1_70", "70% of its weights are zeros"),
    ("prune_model", half_zeros, "l1_70", "70% of its weights are zeros"),
    ("factorise_model", unchanged, "low_rank_50", "50% of its weights are gone"),
    ("quantize_model_dynamically", pretended, "int8_dynamic", "no linear layer is left in float32"),
    ("quantize_model_dynamically", only_feed_forward, "int8_dynamic", "no linear layer is left in float32"),
    ("quantize_model_dynamically", pretended, "structured_50_int8", "no linear layer is left in float32"),
    ("quantize_model", pretended, "int8_static", "no linear layer is left in float32"),
    ("quantize_model_with_torchao", pretended, "torchao_int8", "less than 50% of the bytes"),
    ("prune_heads", without_heads, "structured_50", "relative error|gone"),
    ("prune_model", largest_zeros, "l1_70", "the smallest weights of each layer are the zeros"),
    ("prune_hidden_units", first_units, "structured_50", "the more important hidden units of each network stay"),
    ("factorise_model", unbalanced, "low_rank_50", "a product of factors is the nearest matrix of its rank"),
]


@pytest.mark.parametrize(("function", "broken", "variant", "refusal"), BROKEN)
def test_a_compression_that_does_not_compress_is_refused(
    function: str, broken: Callable[..., Any], variant: str, refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tbp.compression, function, broken)
    with pytest.raises(bench.WrongResult, match=refusal):
        set_up("compressed_inference", variant)


SLIPPED = [("prune_model", half_zeros, "l1_70"), ("prune_heads", unchanged, "structured_50"),
           ("quantize_model", pretended, "int8_static"), ("factorise_model", unchanged, "low_rank_50")]  # fmt: skip


@pytest.mark.parametrize(("function", "broken", "variant"), SLIPPED)
def test_compressing_less_is_not_timed_as_compressing(
    function: str, broken: Callable[..., Any], variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(compression.FAMILY, variant)
    monkeypatch.setattr(tbp.compression, function, broken)
    with pytest.raises(bench.WrongResult):
        set_up(compression.FAMILY, variant)


def test_the_engine_of_a_step_is_the_one_that_sessions_record() -> None:
    for engine in ("fbgemm", "onednn"):
        if engine in torch.backends.quantized.supported_engines:
            set_up("compressed_inference", f"int8_{engine}")
            assert torch.backends.quantized.engine == engine


def test_kinds_are_those_of_the_tokenizer() -> None:
    text = 'def f(x):\n    """Two\nlines."""\n    return x + 10  # ten\n' + "pass\n" * 3
    data = python_source._of_text(text, 12)
    rows = {
        bytes(row.tolist()).decode(): kinds.tolist() for row, kinds in zip(data.characters, data.kinds, strict=True)
    }
    name, keyword, number, string, comment, operator = (
        python_source.KINDS.index(kind) for kind in ("name", "keyword", "number", "string", "comment", "operator")
    )
    assert rows["def f(x):\n  "] == [*[keyword] * 3, 0, name, operator, name, operator, operator, 0, 0, 0]
    assert rows["    return x"] == [0, 0, 0, 0, *[keyword] * 6, 0, name]
    assert rows['    """Two\nl'] == [0, 0, 0, 0, *[string] * 8]
    assert not any(row.startswith("lines") for row in rows)  # inside a string: its kind is not to be seen
    assert rows["pass\npass\npa"][4:6] == [0, keyword]
    assert {number, comment} <= set(python_source._of_text("x = 10  # ten\n", 14).kinds.flatten().tolist())


def test_modules_for_testing_are_not_for_training() -> None:
    assert not set(python_source.TRAINING) & set(python_source.TESTING)
    drawn = python_source.windows(("queue",), 64, 10)
    assert drawn.characters.shape == drawn.kinds.shape == (10, 64)
    assert int(drawn.characters.max()) < python_source.VOCABULARY
    assert torch.equal(drawn.characters, python_source.windows(("queue",), 64, 10).characters)


@pytest.fixture
def small_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trained task in a second: narrow, few steps, two modules, with a folder of the test's."""
    torch.set_num_threads(1)  # as where it is timed
    monkeypatch.setattr(trained_models, "D_MODEL", 32)
    for name, steps in (("DENSE", 12), ("PRUNED", 6), ("STUDENT", 6)):
        monkeypatch.setattr(trained_models, name, (steps, 3e-3))
    monkeypatch.setattr(trained_models, "TESTED", 16)
    monkeypatch.setattr(python_source, "TRAINING", ("bisect", "heapq"))
    monkeypatch.setattr(python_source, "TESTING", ("queue",))
    monkeypatch.setattr(made_once.tempfile, "tempdir", str(tmp_path))


@pytest.mark.usefixtures("small_recipe")
def test_models_are_trained_once_and_the_same_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    first = trained_models.trained_models()
    monkeypatch.setattr(trained_models, "_train", None)  # training again would fail
    again = trained_models.trained_models()
    assert again.error_rates == first.error_rates
    for name in ("dense", "pruned", "student"):
        model, rate = getattr(again, name), first.error_rates[name]
        assert trained_models.error_rate(model, again.test) == pytest.approx(rate, abs=1e-3)
        assert rate < 0.75  # guessing among seven kinds is wrong 6 times of 7
    weights = {name: compressed_inference.linear_weights(getattr(again, name)) for name in ("dense", "pruned")}
    assert weights["pruned"] < 0.52 * weights["dense"]
    assert len(again.student.encoder.layers) == 1  # type: ignore[arg-type,union-attr]  # a ModuleList


@pytest.mark.usefixtures("small_recipe")
def test_lost_accuracy_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = trained_models.trained_models()
    case = bench.Case({"batch": 1}, torch.float32, "cpu")
    perfect = dataclasses.replace(trained, error_rates={"dense": 0.0})
    monkeypatch.setattr(trained_models, "trained_models", lambda: perfect)
    with pytest.raises(bench.WrongResult, match="of its answers are wrong"):
        set_up("trained_task", "int8", case)
    assert trained_task.error_rate.unit == "share of wrong answers"  # type: ignore[attr-defined]


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_once.tempfile, "tempdir", str(tmp_path))
    assert made_once.made_once("key", lambda: {"x": 1}) == {"x": 1}
    assert made_once.made_once("key", lambda: {"x": 2}) == {"x": 1}
    (folder,) = tmp_path.iterdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="others than you can write"):
        made_once.made_once("key", lambda: {"x": 1})
