"""Checkpoints of the seed's snippets, of torch and of ``transformers`` in tbp's blocks."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tbp.blocks import Encoder, EncoderLayer, MultiHeadAttention, NaiveMultiHeadAttention, converted

B, S, D, H, F = 2, 6, 32, 4, 48


class _SeedAttention(nn.Module):
    def __init__(self, name: Callable[[str], str]) -> None:
        super().__init__()
        for kind in "qkvo":
            self.add_module(name(kind), nn.Linear(D, D))


class _SeedLayer(nn.Module):
    """A layer as the snippets write it, with names of its parts given."""

    def __init__(self, attention: str, feed_forward: str, first: str, second: str) -> None:
        super().__init__()
        self.add_module(attention, _SeedAttention(lambda kind: f"W_{kind}"))
        both = nn.ModuleDict({first: nn.Linear(D, F), second: nn.Linear(F, D)})
        self.add_module(feed_forward, both)
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.register_buffer("pe", torch.zeros(1, 5000, D))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("style", ["W_{}", "w_{}", "W{}", "w{}", "{}_linear", "fc_{}"])
def test_the_projections_of_tutorials_land_where_they_belong(style: str) -> None:
    seed = dict(_SeedAttention(style.format).state_dict().items())
    naive, attention = NaiveMultiHeadAttention(D, H), MultiHeadAttention(D, H)
    for module in (naive, attention):
        module.load_state_dict(converted(seed, module))
    for kind in "qkv":
        torch.testing.assert_close(naive.get_submodule(f"{kind}_proj").weight, seed[f"{style.format(kind)}.weight"])
    x_BSD = torch.randn(B, S, D)
    torch.testing.assert_close(attention(x_BSD), naive(x_BSD), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "parts",
    [
        ("attention", "feed_forward", "linear1", "linear2"),
        ("self_attn", "ffn", "fc1", "fc2"),
        ("mha", "mlp", "w_1", "w_2"),
    ],
)
def test_a_layer_of_the_snippets_loads_and_its_table_is_dropped(parts: tuple[str, str, str, str]) -> None:
    theirs, ours = _SeedLayer(*parts), EncoderLayer(D, H, F)
    ours.load_state_dict(converted(theirs.state_dict(), ours))  # strict: nothing missing, nothing left
    second = theirs.get_submodule(f"{parts[1]}.{parts[3]}")
    assert isinstance(second, nn.Linear)
    assert torch.equal(ours.feed_forward.down.weight, second.weight)
    assert torch.equal(ours.feed_forward_norm.weight, theirs.norm2.weight)


def test_torchs_encoder_loads_whole() -> None:
    layer = nn.TransformerEncoderLayer(D, H, F, batch_first=True, norm_first=True)
    theirs = nn.TransformerEncoder(layer, 2, nn.LayerNorm(D), enable_nested_tensor=False).eval()
    ours = Encoder(2, D, H, F).eval()
    ours.load_state_dict(converted(theirs.state_dict(), ours))
    x_BSD = torch.randn(B, S, D)
    torch.testing.assert_close(ours(x_BSD), theirs(x_BSD), rtol=0, atol=1e-5)


def test_bert_layers_load_whole() -> None:
    bert = pytest.importorskip("transformers.models.bert.modeling_bert")
    config = bert.BertConfig(hidden_size=D, num_attention_heads=H, intermediate_size=F, layer_norm_eps=1e-5)
    config._attn_implementation = "sdpa"
    theirs = nn.ModuleDict({"layer": nn.ModuleList(bert.BertLayer(config) for _ in range(2))}).eval()
    ours = Encoder(2, D, H, F, activation="gelu", pre_norm=False).eval()
    ours.load_state_dict(converted(theirs.state_dict(), ours))
    x_BSD = torch.randn(B, S, D)
    expected: Tensor = x_BSD
    for layer in theirs["layer"].children():
        output = layer(expected)
        expected = output[0] if isinstance(output, tuple) else output
    torch.testing.assert_close(ours(x_BSD), expected, rtol=0, atol=1e-5)


def test_checkpoints_of_three_projections_and_of_one_load_into_each_other() -> None:
    attention, naive = MultiHeadAttention(D, H), NaiveMultiHeadAttention(D, H)
    attention.load_state_dict(naive.state_dict())
    assert attention.qkv_proj is not None
    assert torch.equal(attention.qkv_proj.weight[D : 2 * D], naive.k_proj.weight)
    assert torch.equal(attention.qkv_proj.bias[2 * D :], naive.v_proj.bias)
    again = NaiveMultiHeadAttention(D, H)
    again.load_state_dict(attention.state_dict())
    assert torch.equal(again.q_proj.weight, naive.q_proj.weight)


def test_unknown_names_stay_to_be_reported_and_doubled_ones_are_refused() -> None:
    attention = MultiHeadAttention(D, H)
    state = {"W_x.weight": torch.zeros(1), **attention.state_dict()}
    with pytest.raises(RuntimeError, match=r"W_x\.weight"):
        attention.load_state_dict(converted(state, attention))
    with pytest.raises(ValueError, match=r"two entries of the checkpoint mean out_proj\.weight"):
        converted({**attention.state_dict(), "W_o.weight": torch.zeros(1)}, attention)
