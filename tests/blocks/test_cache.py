"""Decoding with a key/value cache against the same positions attended to all at once, in float64."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from tbp.blocks import Encoder, KeyValueCache, MultiHeadAttention, RotaryEmbedding, padding_mask

B, S, D, H = 2, 9, 32, 4
K = D // H

OPTIONS: dict[str, Mapping[str, object]] = {
    "plain": {},
    "grouped": {"num_kv_heads": 2},
    "one key/value head": {"num_kv_heads": 1},
    "rotary": {"num_kv_heads": 2},
    "alibi": {"num_kv_heads": 2, "alibi": True},
    "window": {"num_kv_heads": 2, "window": 3},
    "window and alibi": {"window": 3, "alibi": True},
}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def attention_of(name: str) -> MultiHeadAttention:
    rotary = RotaryEmbedding(K) if name == "rotary" else None
    made = MultiHeadAttention(D, H, rotary=rotary, **OPTIONS[name])  # type: ignore[arg-type]
    return made.double().eval()


def decoded(attention: MultiHeadAttention, x_BSD: Tensor, mask: Tensor | None = None) -> Tensor:
    """A prefill of four positions, a chunk of two, and the others one by one."""
    cache = attention.cache(B, S)
    outputs = []
    for first, last in ((0, 4), (4, 6), (6, 7), (7, 8), (8, 9)):
        seen = None if mask is None else mask[..., :last]
        outputs.append(attention(x_BSD[:, first:last], mask=seen, causal=True, cache=cache))
    assert cache.length == S
    return torch.cat(outputs, dim=1)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_decoding_equals_attending_at_once(name: str, masked: bool) -> None:
    attention, x_BSD = attention_of(name), torch.randn(B, S, D, dtype=torch.float64)
    mask = padding_mask(torch.tensor([S, 3]), S) if masked else None
    # The weights path builds everything, so it shares no kernel and no shortcut with decoding.
    expected, _ = attention(x_BSD, mask=mask, causal=True, need_weights=True)
    with torch.inference_mode():
        torch.testing.assert_close(decoded(attention, x_BSD, mask), expected, rtol=0, atol=1e-12)


def test_a_mask_of_its_own_for_each_head_is_folded_with_the_queries() -> None:
    attention, x_BSD = attention_of("grouped"), torch.randn(B, S, D, dtype=torch.float64)
    mask = torch.rand(B, H, 1, S) > 0.5
    mask[..., 0] = True
    with torch.inference_mode():
        cache = attention.cache(B, S)
        attention(x_BSD[:, :-1], causal=True, cache=cache)
        got = attention(x_BSD[:, -1:], mask=mask, causal=True, cache=cache)
    expected, _ = attention(x_BSD[:, -1:], x_BSD, mask=mask, need_weights=True)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


def test_an_encoder_decodes_through_all_layers() -> None:
    encoder, x_BSD = Encoder(2, D, H, 48).double().eval(), torch.randn(B, S, D, dtype=torch.float64)
    expected = encoder(x_BSD, causal=True)
    with torch.inference_mode():
        caches = encoder.caches(B, S)
        parts = [encoder(part, causal=True, caches=caches) for part in x_BSD.split(1, dim=1)]  # type: ignore[no-untyped-call]  # torch ships it without types
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, rtol=0, atol=1e-12)


def test_memory_is_allocated_once_and_fits_the_key_value_heads() -> None:
    cache = MultiHeadAttention(D, H, num_kv_heads=2).half().cache(B, S)
    assert cache.nbytes == 2 * B * 2 * S * K * 2  # keys and values of 2 heads in 2 bytes
    first = torch.randn(B, 2, 3, K, dtype=torch.float16)
    cache.append(first, -first)
    before = cache.keys.data_ptr()
    cache.append(first, -first)
    assert cache.keys.data_ptr() == before
    torch.testing.assert_close(cache.keys, torch.cat((first, first), dim=2))
    torch.testing.assert_close(cache.values, torch.cat((-first, -first), dim=2))


def test_a_truncated_cache_goes_on_from_there() -> None:
    attention, x_BSD = attention_of("rotary"), torch.randn(B, S, D, dtype=torch.float64)
    with torch.inference_mode():
        cache = attention.cache(B, S)
        expected = attention(x_BSD, causal=True, cache=cache)
        cache.truncate(4)
        torch.testing.assert_close(attention(x_BSD[:, 4:], causal=True, cache=cache), expected[:, 4:])
    with pytest.raises(ValueError, match="9 positions are cached; length=10"):
        cache.truncate(10)


def test_selected_rows_continue_the_sequences_of_a_beam() -> None:
    cache = KeyValueCache(2, 1, 4, 1)
    cache.append(torch.tensor([1.0, 2.0]).view(2, 1, 1, 1), torch.tensor([3.0, 4.0]).view(2, 1, 1, 1))
    cache.select(torch.tensor([1, 1]))
    assert cache.keys.flatten().tolist() == [2.0, 2.0]
    assert cache.values.flatten().tolist() == [4.0, 4.0]
    with pytest.raises(ValueError, match="rows must be"):
        cache.select(torch.tensor([0]))


def test_what_a_cache_cannot_take_is_refused() -> None:
    attention, x_BSD = MultiHeadAttention(D, H), torch.randn(B, S, D)
    with pytest.raises(RuntimeError, match="inference_mode"):
        attention(x_BSD, causal=True, cache=attention.cache(B, S))
    with torch.inference_mode():
        with pytest.raises(ValueError, match="9 positions do not fit a cache of 8"):
            attention(x_BSD, causal=True, cache=attention.cache(B, 8))
        with pytest.raises(ValueError, match="the cache holds"):
            attention(x_BSD, causal=True, cache=attention.cache(1, S))
        with pytest.raises(ValueError, match="append=False attends over a cache"):
            attention(x_BSD, append=False)
        windowed = MultiHeadAttention(D, H, window=2)
        with pytest.raises(ValueError, match="knows no positions"):
            windowed(x_BSD, cache=windowed.remember(x_BSD), append=False)


def test_remembered_keys_stand_for_the_memory() -> None:
    attention = MultiHeadAttention(D, H, num_kv_heads=2).double()
    query, memory = torch.randn(B, 1, D, dtype=torch.float64), torch.randn(B, S, D, dtype=torch.float64)
    mask = padding_mask(torch.tensor([S, 2]), S)
    with torch.inference_mode():
        got = attention(query, mask=mask, cache=attention.remember(memory), append=False)
        expected, _ = attention(query, memory, memory, mask, need_weights=True)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)
