"""Positional encoding against the paper's formula, term by term."""

import math

import pytest
import torch

from tbp.blocks import LearnedPositionalEncoding, NaivePositionalEncoding, PositionalEncoding, RotaryEmbedding


def code(position: int, dimension: int, width: int) -> float:
    """The paper's entry, in Python's float64."""
    angle = position / 10000 ** (2 * (dimension // 2) / width)
    return math.sin(angle) if dimension % 2 == 0 else math.cos(angle)


@pytest.mark.parametrize("width", [8, 7, 1])
def test_every_position_gets_its_own_code(width: int) -> None:
    x_BSD = torch.randn(3, 5, width)
    added = PositionalEncoding(width)(x_BSD) - x_BSD
    for position in range(5):
        for dimension in range(width):
            # Absolute: the sum and the difference each round at 1e-7 of values up to about 4.
            assert added[1, position, dimension].item() == pytest.approx(code(position, dimension, width), abs=1e-6)


def test_the_last_of_5000_positions_is_exact_to_float32() -> None:
    got = PositionalEncoding(64)(torch.zeros(1, 5000, 64))[0, 4999]
    wanted = torch.tensor([code(4999, dimension, 64) for dimension in range(64)])
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_input_keeps_its_dtype(dtype: torch.dtype) -> None:
    x_BSD = torch.zeros(2, 3, 8, dtype=dtype)
    assert PositionalEncoding(8)(x_BSD).dtype == dtype
    if dtype != torch.float64:
        assert NaivePositionalEncoding(8)(x_BSD).dtype == torch.float32


def test_the_table_stays_out_of_the_checkpoint() -> None:
    assert not PositionalEncoding(64).state_dict()


def test_positions_past_max_len_and_other_shapes_are_refused() -> None:
    encoding = PositionalEncoding(8, max_len=4)
    assert encoding(torch.zeros(1, 4, 8)).shape == (1, 4, 8)
    with pytest.raises(ValueError, match="5 positions exceed max_len=4"):
        encoding(torch.zeros(1, 5, 8))
    for shape in ((4, 8), (1, 4, 1)):
        with pytest.raises(ValueError, match="must be"):
            encoding(torch.zeros(shape))
    with pytest.raises(ValueError, match="positive"):
        PositionalEncoding(0)


def test_dropout_acts_in_training_only() -> None:
    encoding = PositionalEncoding(64, dropout=0.5)
    x_BSD = torch.ones(2, 3, 64)
    assert (encoding(x_BSD) == 0).any()
    torch.testing.assert_close(encoding.eval()(x_BSD), PositionalEncoding(64)(x_BSD))


def test_exports_with_dynamic_length() -> None:
    encoding = PositionalEncoding(8, max_len=100).eval()
    length = torch.export.Dim("length", min=2, max=100)
    program = torch.export.export(encoding, (torch.zeros(2, 5, 8),), dynamic_shapes=({1: length},))
    longer = torch.zeros(2, 77, 8)
    torch.testing.assert_close(program.module()(longer), encoding(longer))


def test_a_float64_module_has_a_table_exact_to_float64() -> None:
    got = PositionalEncoding(64).double()(torch.zeros(1, 5000, 64, dtype=torch.float64))[0, 4999]
    wanted = torch.tensor([code(4999, dimension, 64) for dimension in range(64)], dtype=torch.float64)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-11)  # angles of 5,000 round at 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_table_survives_the_meta_device(dtype: torch.dtype) -> None:
    with torch.device("meta"):
        encoding = PositionalEncoding(8).to(dtype)
        rotary = RotaryEmbedding(8)
    encoding.to_empty(device="cpu")
    rotary.to_empty(device="cpu")
    assert torch.equal(encoding.pe, PositionalEncoding(8).to(dtype).pe)
    assert torch.equal(rotary.table.values, RotaryEmbedding(8).table.values)


def test_a_module_that_stays_where_it_is_keeps_its_table() -> None:
    encoding = PositionalEncoding(8)
    before = encoding.table.values
    assert encoding.float().to("cpu").table.values is before


def test_an_input_that_continues_a_sequence_gets_the_later_codes() -> None:
    x_BSD = torch.randn(2, 6, 8)
    for encoding in (PositionalEncoding(8, max_len=6), LearnedPositionalEncoding(8, max_len=6)):
        torch.testing.assert_close(encoding(x_BSD[:, 4:], first=4), encoding(x_BSD)[:, 4:])
        with pytest.raises(ValueError, match="7 positions exceed max_len=6"):
            encoding(x_BSD[:, 4:], first=5)
        with pytest.raises(ValueError, match="at least 0"):
            encoding(x_BSD, first=-1)


def test_learned_codes_are_weights_of_each_position() -> None:
    encoding = LearnedPositionalEncoding(8, max_len=6)
    assert [name for name, _ in encoding.named_parameters()] == ["weight"]
    torch.testing.assert_close(encoding(torch.zeros(2, 6, 8))[1], encoding.weight)
    torch.autograd.backward(encoding(torch.zeros(2, 3, 8)).sum())
    assert encoding.weight.grad is not None
    assert encoding.weight.grad[:, 0].tolist() == [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    assert encoding(torch.zeros(1, 2, 8, dtype=torch.float16)).dtype is torch.float16
