"""Checkpoints of the page's modules, from a file, in tbp's blocks: the same outputs, where the page's are right."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tbp.blocks import EncoderLayer, FeedForward, MultiHeadAttention, PositionalEncoding, converted

from . import seed_page

B, S, D, H, F = 2, 7, 32, 4, 48


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def scattered(module: nn.Module) -> nn.Module:
    """The module in evaluation mode, with no two weights alike: norms begin as ones and zeros."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return module.eval()


def through_a_file(source: nn.Module, target: nn.Module, folder: Path) -> nn.Module:
    """``target`` with the weights of ``source``, every name of which it takes."""
    path = folder / "checkpoint.pt"
    torch.save(source.state_dict(), path)
    target.load_state_dict(converted(torch.load(path, weights_only=True), target), strict=True)
    return target.eval()


def close(actual: Tensor, expected: Tensor, within: float = 1e-5) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=within)


def test_attention(tmp_path: Path) -> None:
    page = scattered(seed_page.MultiHeadAttention(D, H))
    ours = through_a_file(page, MultiHeadAttention(D, H), tmp_path)
    query, memory = torch.randn(B, S, D), torch.randn(B, S + 2, D)
    close(ours(query, query, query), page(query, query, query))
    close(ours(query, memory, memory), page(query, memory, memory))
    causal = torch.ones(1, 1, S, S).tril()  # its masks are numbers, tbp's are boolean
    close(ours(query, query, query, causal.bool()), page(query, query, query, causal))
    close(ours(query, query, query, causal=True), page(query, query, query, causal))


def test_attention_with_inputs_of_three_widths_keeps_three_projections(tmp_path: Path) -> None:
    page = scattered(seed_page.MultiHeadAttention(D, H))
    page.W_k, page.W_v = nn.Linear(D // 2, D), nn.Linear(D + 8, D)
    ours = through_a_file(page, MultiHeadAttention(D, H, kdim=D // 2, vdim=D + 8), tmp_path)
    inputs = torch.randn(B, S, D), torch.randn(B, S, D // 2), torch.randn(B, S, D + 8)
    close(ours(*inputs), page(*inputs))


def test_positions(tmp_path: Path) -> None:
    """The page adds its codes to sequence-first input; of its float32 table the last positions are 4e-4 off."""
    page, x_BSD = scattered(seed_page.PositionalEncoding(D)), torch.randn(B, 5000, D)
    ours = through_a_file(page, PositionalEncoding(D), tmp_path)
    expected = page(x_BSD.transpose(0, 1)).transpose(0, 1)
    close(ours(x_BSD)[:, :16], expected[:, :16], within=2e-6)
    close(ours(x_BSD), expected, within=1e-3)
    longer = through_a_file(page, PositionalEncoding(D, max_len=6000), tmp_path)
    close(longer(x_BSD), ours(x_BSD), within=0)
    assert not longer.state_dict()


def test_feed_forward(tmp_path: Path) -> None:
    page, x = scattered(seed_page.FeedForward(D, F)), torch.randn(B, S, D)
    ours = through_a_file(page, FeedForward(D, F), tmp_path)
    close(ours(x), page(x))


def test_a_layer(tmp_path: Path) -> None:
    page, x = scattered(seed_page.EncoderLayer(D, H, F)), torch.randn(B, S, D)
    ours = through_a_file(page, EncoderLayer(D, H, F, pre_norm=False), tmp_path)
    close(ours(x), page(x))
    padding = torch.ones(B, 1, 1, S)
    padding[1, ..., 4:] = 0
    close(ours(x, padding.bool()), page(x, padding))


class Model(nn.Module):
    """Positions, layers and a head, by the page's names."""

    def __init__(self, positions: nn.Module, layers: list[nn.Module]) -> None:
        super().__init__()
        self.positional_encoding = positions
        self.layers = nn.ModuleList(layers)
        self.fc = nn.Linear(D, 5)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        output: Tensor = self.fc(x)
        return output


def test_a_model_whose_head_is_its_owners(tmp_path: Path) -> None:
    page = scattered(Model(seed_page.PositionalEncoding(D), [seed_page.EncoderLayer(D, H, F) for _ in range(2)]))
    layers: list[nn.Module] = [EncoderLayer(D, H, F, pre_norm=False) for _ in range(2)]
    ours = through_a_file(page, Model(PositionalEncoding(D), layers), tmp_path)
    x = torch.randn(B, S, D)
    close(ours(x), page(x))
