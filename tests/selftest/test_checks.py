"""Checks of the self-test: each is right where things are right, and wrong where one of them is broken on purpose."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.exc import TorchDynamoException
from torch.amp import GradScaler

from tbp import bench
from tbp.blocks import NaiveMultiHeadAttention
from tbp.selftest import (
    attention,
    compiling,
    compression,
    graphs,
    memory,
    precision,
    program,
    ranks,
    recording,
    timing,
    training,
)
from tbp.selftest.checks import CHECKS, Reading, check, close, quantity
from tbp.selftest.timing import QUEUED, edges_of

from ..bench.recorded_graphs import RecordedGraph, record_graphs

CPU = bench.device("cpu")
LONG_S = 3e-3


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compared times have one round here: nobody looks at them, and each first collects this process's garbage."""
    for module in (compiling, compression):
        monkeypatch.setattr(module, "ROUNDS", 1)


class Stream:
    """A host clock and a stream that works behind it, as on CUDA; nobody waits for real."""

    def __init__(self, ignored: Callable[[int], bool]) -> None:
        self.now_s = self.done_s = 0.0
        self.waits = 0
        self._ignored = ignored  # by the number of a synchronisation

    def submit(self, device_s: float) -> None:
        self.now_s += 1e-5
        self.done_s = max(self.done_s, self.now_s) + device_s

    def synchronise(self) -> None:
        if not self._ignored(self.waits):
            self.now_s = max(self.now_s, self.done_s)
        self.waits += 1

    def edges(self) -> list[Reading]:
        clock = bench.Clock(lambda: self.now_s, lambda: self.now_s, lambda: 0)
        device = bench.Device("simulated", "", self.synchronise)
        return list(edges_of(device, lambda: self.submit(LONG_S), lambda: self.submit(1e-6), LONG_S, clock))


@pytest.mark.parametrize(
    ("ignored", "right"),
    [
        (lambda number: False, [True, True]),
        (lambda number: number % 2 == 0, [False, True]),  # at the start of a sample
        (lambda number: number % 2 == 1, [True, False]),  # at its end
    ],
)
def test_a_synchronisation_that_is_missing_is_seen(ignored: Callable[[int], bool], right: list[bool]):
    stream = Stream(ignored)
    assert [reading.is_right for reading in stream.edges()] == right
    assert QUEUED * LONG_S > 0.1, "more than a collection of garbage takes"


def rights(name: str) -> dict[str, bool]:
    return {reading.name: reading.is_right for reading in CHECKS[name].readings(CPU)}


EXACT = [
    "attention, each backend", "attention, the block", "peak of the allocator", "peak of a training step",
    "float32 and TF32", "half precisions", "gradient scaler", "mixed-precision step",
    "attention, what each backend takes", "INT8 by torchao",
]  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_what_no_neighbour_moves_is_right_here(name: str):
    assert set(rights(name).values()) == {True}


EXACT_ATTENTION = F.scaled_dot_product_attention


def doubled_attention(*qkv: torch.Tensor) -> torch.Tensor:
    """Twice the attention in every dtype but the reference's."""
    return EXACT_ATTENTION(*qkv) * (1 + (qkv[0].dtype is not torch.float64))


BROKEN = {
    "attention, each backend": (F, "scaled_dot_product_attention", doubled_attention),
    "peak of the allocator": (memory.counters, "peak_bytes", lambda call, device: 100 << 20),
    "peak of a training step": (memory.counters, "peak_bytes", lambda call, device: 0),
    "float32 and TF32": (precision, "error_of", lambda value, reference: 5e-4),
    "half precisions": (precision, "error_of", lambda value, reference: 0.5),
    "gradient scaler": (training, "GradScaler", partial(GradScaler, enabled=False)),
    "attention, what each backend takes": (attention, "_is_taken", lambda tensors, options: False),
    "INT8 by torchao": (compression, "quantize_model_with_torchao", lambda model, scheme: model),
    "attention, the block": (attention, "MultiHeadAttention", lambda *sizes: Leaking(*sizes)),
}


class Leaking(NaiveMultiHeadAttention):
    """Attention that leaves a share of float64's precision on the way, but only in float32."""

    def forward(self, query: torch.Tensor, *more: Any, **options: Any) -> Any:
        result = super().forward(query, *more, **options)
        return result * 1.01 if query.dtype is torch.float32 else result


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_wrong(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(*BROKEN[name])
    assert False in rights(name).values()


def test_a_scale_that_is_not_halved_is_wrong_though_the_weights_are_right(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training, "GradScaler", partial(GradScaler, backoff_factor=0.9))
    assert rights("gradient scaler") == {"after overflow": False, "after a finite step": False}


def test_a_step_in_float32_that_should_be_half_is_a_fault(monkeypatch: pytest.MonkeyPatch):
    step = training.AmpStep(torch.tensor(2.3), True, torch.float32)
    monkeypatch.setattr(training, "train_with_amp", lambda *_, **__: step)
    monkeypatch.setattr(training.bench, "require", lambda *_: None)
    assert rights("mixed-precision step")["output in bfloat16"] is False


def test_a_session_is_recorded_as_under_asv_and_nothing_of_it_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TBP_RESULTS_DIR", raising=False)
    readings = {reading.name: reading for reading in recording.session(CPU)}
    assert readings["sessions"].value == "1"
    assert readings["steps in the trace"].is_right
    assert "a product in the trace" in readings
    assert "TBP_RESULTS_DIR" not in recording.os.environ


@pytest.mark.parametrize(
    "name",
    [
        *("both edges of a sample", "time of the GPU", "CUDA graphs", "clocks while it works"),
        *("CUDA graph of a training step", "2:4 sparsity", "float8", "torch.compile with CUDA graphs"),
    ],
)
def test_what_only_a_gpu_has_is_skipped_with_a_reason(name: str):
    reply = program.answer({"do": "check", "name": name}, "cpu")
    assert (reply["readings"], reply["failed"], bool(reply["reason"])) == ([], "", True)


def test_replays_that_train_otherwise_are_wrong(monkeypatch: pytest.MonkeyPatch):
    recorded = record_graphs(monkeypatch)
    assert [reading.is_right for reading in graphs.replays("cpu")] == [True]
    replay = RecordedGraph.replay
    monkeypatch.setattr(RecordedGraph, "replay", lambda self: (replay(self), replay(self)))
    assert [reading.is_right for reading in graphs.replays("cpu")] == [False]
    assert len(recorded) == 2


@pytest.mark.parametrize(
    ("within", "after", "right"),
    [(3e-4, 1e-6, [True, True]), (1e-6, 1e-6, [False, True]), (3e-4, 3e-4, [True, False])],
)
def test_tf32_is_on_within_a_variant_alone(
    within: float, after: float, right: list[bool], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    readings = precision.variant(lambda: within if torch.get_float32_matmul_precision() == "high" else after)
    assert [reading.is_right for reading in readings] == right


def test_a_compiled_layer_is_held_against_the_eager_one(monkeypatch: pytest.MonkeyPatch):
    def doubled(module: Any, mode: str) -> Any:
        return lambda x: 2 * module(x)

    monkeypatch.setattr(compiling.torch, "compile", lambda module, mode: module)
    assert rights("torch.compile")["output"] is True
    monkeypatch.setattr(compiling.torch, "compile", doubled)
    assert rights("torch.compile")["output"] is False


def test_a_layer_that_does_not_compile_is_a_skip(monkeypatch: pytest.MonkeyPatch):
    def broken(module: object, mode: str) -> Callable[[object], None]:
        def call(x: object) -> None:
            raise TorchDynamoException("InvalidCxxCompiler:\nNo working C++ compiler found")

        return call

    monkeypatch.setattr(compiling.torch, "compile", broken)
    with pytest.raises(bench.Skip, match=r"it fails here: TorchDynamoException: No working C\+\+ compiler found"):
        rights("torch.compile")


@pytest.mark.slow  # two processes that import torch
def test_two_ranks_add_up():
    (reading,) = ranks.two_ranks(CPU)
    assert (reading.name, reading.value, reading.is_right) == ("sum over 2 ranks by gloo", "3", True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="for a machine without CUDA")
def test_a_device_that_is_not_there_is_told_with_the_next_step():
    reply = program.answer({"do": "list"}, "cuda")
    assert reply["missing"] == "no CUDA device on this machine"
    assert "nvidia-smi" in reply["hint"] or "built without CUDA" in reply["hint"]


def test_a_check_that_raises_is_told_with_what_it_read_before(monkeypatch: pytest.MonkeyPatch):
    def readings(device: bench.Device) -> Iterator[Reading]:
        yield Reading("first", "1")
        raise ZeroDivisionError("second")

    monkeypatch.setitem(CHECKS, "x", timing.check("y")(readings) and CHECKS.pop("y"))
    reply = program.answer({"do": "check", "name": "x"}, "cpu")
    assert [reading["name"] for reading in reply["readings"]] == ["first"]
    assert reply["failed"].endswith("ZeroDivisionError: second\n")


def test_a_name_is_that_of_one_check():
    with pytest.raises(ValueError, match="already"):
        check("CUDA graphs")(timing.graphs)


def test_numbers_are_right_within_a_share():
    assert close("x", 1.1e-3, 1e-3, 0.11) == Reading("x", "1.1 ms", "1 ms ± 11 %", True)
    assert close("x", 1.2e-3, 1e-3, 0.11).is_right is False
    assert close("x", float("nan"), 1e-3, 0.11).is_right is False
    assert [quantity(value, "s") for value in (0.0, 1.234e-6, 12.3, 5e-12)] == ["0 s", "1.23 µs", "12.3 s", "0.005 ns"]


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", CHECKS)
def test_a_gpu_passes(name: str):
    reply = program.answer({"do": "check", "name": name}, "cuda")
    assert reply["failed"] == ""
    assert [reading for reading in reply["readings"] if not reading["is_right"]] == []
