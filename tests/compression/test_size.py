"""Model sizes against counts done by hand."""

import io

import torch
from torch import nn

from tbp.blocks import NaivePositionalEncoding, PositionalEncoding
from tbp.compression import checkpoint_bytes, memory_bytes


def test_parameters_and_buffers_count_by_dtype() -> None:
    assert memory_bytes(nn.Linear(10, 3)) == 4 * (10 * 3 + 3)
    assert memory_bytes(nn.Linear(10, 3).half()) == 2 * (10 * 3 + 3)
    assert memory_bytes(nn.BatchNorm1d(5)) == 4 * 5 * 4 + 8  # four float32 vectors and an int64 counter
    assert memory_bytes(nn.ReLU()) == 0


def test_a_buffer_left_out_of_the_checkpoint_counts_in_memory_only() -> None:
    ours, naive = PositionalEncoding(64), NaivePositionalEncoding(64)
    assert memory_bytes(ours) == memory_bytes(naive) == 5000 * 64 * 4
    assert checkpoint_bytes(naive) - checkpoint_bytes(ours) > 5000 * 64 * 4


def test_shared_storage_counts_once() -> None:
    embedding, head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
    separate = memory_bytes(nn.ModuleList([embedding, head]))
    head.weight = embedding.weight
    assert memory_bytes(nn.ModuleList([embedding, head])) == separate // 2
    view = nn.Module()
    view.register_buffer("part", torch.zeros(100)[:10])
    assert memory_bytes(view) == 400  # the whole storage stays alive


def test_the_meta_device_counts_what_would_be_there() -> None:
    assert memory_bytes(nn.Linear(10, 3, device="meta")) == 4 * (10 * 3 + 3)


def test_checkpoint_bytes_are_those_torch_saves() -> None:
    model, buffer = nn.Linear(10, 3), io.BytesIO()
    torch.save(model.state_dict(), buffer)
    assert checkpoint_bytes(model) == len(buffer.getvalue()) > memory_bytes(model)
