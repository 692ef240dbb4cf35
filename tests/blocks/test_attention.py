"""Attention against a float64 reference, ``nn.MultiheadAttention``, and the kernel that torch dispatches to."""

# B batch, D model width, H query heads, G key/value heads, S query positions, T key positions, K head width

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from tbp.blocks import MultiHeadAttention, NaiveMultiHeadAttention, causal_mask, padding_mask

B, S, T, D, H = 2, 6, 9, 32, 4

FLASH_ON_CPU = "aten::_scaled_dot_product_flash_attention_for_cpu"

# Absolute. float32: sums of up to 32 products of order 1 round to about 1e-6; the flash kernel reorders them.
# float64: the same with a unit roundoff of 1e-16.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def reference(
    attention: MultiHeadAttention | NaiveMultiHeadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Output and weights, head by head in float64, from the definition; rows without a key give 0."""
    weights: dict[str, Tensor] = {name: parameter.double() for name, parameter in attention.state_dict().items()}
    q_width = attention.num_heads * attention.head_width
    for kind in ("weight", "bias"):
        if (packed := weights.get(f"qkv_proj.{kind}")) is not None:
            kv_width = (packed.size(0) - q_width) // 2
            parts = torch.split_with_sizes(packed, (q_width, kv_width, kv_width))
            weights |= {
                f"{name}.{kind}": part for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True)
            }

    def project(name: str, x: Tensor) -> Tensor:
        return x.double() @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0.0)

    q, k, v = project("q_proj", query), project("k_proj", key), project("v_proj", value)
    heads, width = attention.num_heads, attention.head_width
    kv_heads = k.size(-1) // width
    allowed = torch.ones(1, 1, 1, 1, dtype=torch.bool) if mask is None else mask
    allowed = allowed.expand(query.size(0), heads, query.size(1), key.size(1))
    attended, shares = [], []
    for head in range(heads):
        kv_head = head // (heads // kv_heads)
        q_head = q[..., head * width : (head + 1) * width]
        k_head, v_head = (x[..., kv_head * width : (kv_head + 1) * width] for x in (k, v))
        score = torch.einsum("bsk,btk->bst", q_head, k_head) / width**0.5
        exponential = score.exp() * allowed[:, head]
        share = exponential / exponential.sum(-1, keepdim=True).clamp(min=1e-300)
        attended.append(share @ v_head)
        shares.append(share)
    return project("out_proj", torch.cat(attended, -1)), torch.stack(shares, 1)


def inputs(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    return torch.randn(B, S, D, dtype=dtype), torch.randn(B, T, D, dtype=dtype), torch.randn(B, T, D, dtype=dtype)


def some_mask(which: str) -> Tensor | None:
    """Every query of every mask may look somewhere."""
    random_BHST = torch.rand(B, H, S, T) > 0.4
    random_BHST[..., 0] = True
    padding_B11T = padding_mask(torch.tensor([T, 4]), T)
    return {"none": None, "padding": padding_B11T, "per head": random_BHST, "shared": random_BHST[:1, :1]}[which]


def kernels(call: Callable[[], object]) -> set[str]:
    """Names of the attention operators that ``call`` dispatches to."""
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        call()
    return {event.name for event in profiled.events() or [] if "_scaled_dot_product" in event.name}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("num_kv_heads", [4, 2, 1])
@pytest.mark.parametrize("which", ["none", "padding", "per head", "shared"])
def test_output_and_weights_equal_the_float64_reference(which: str, num_kv_heads: int, dtype: torch.dtype) -> None:
    attention = MultiHeadAttention(D, H, num_kv_heads=num_kv_heads).to(dtype)
    qkv, mask = inputs(dtype), some_mask(which)
    expected, expected_weights = reference(attention, *qkv, mask)
    with_weights, weights = attention(*qkv, mask, need_weights=True)
    for got, want in ((attention(*qkv, mask), expected), (with_weights, expected), (weights, expected_weights)):
        torch.testing.assert_close(got.double(), want, rtol=0, atol=TOLERANCE[dtype])


def test_causal_equals_the_lower_triangle_and_combines_with_a_mask() -> None:
    attention, x_BSD = MultiHeadAttention(D, H), torch.randn(B, S, D)
    causal, padding = causal_mask(S), padding_mask(torch.tensor([S, 3]), S)
    for mask, equivalent in ((None, causal), (padding, causal & padding)):
        expected, _ = reference(attention, x_BSD, x_BSD, x_BSD, equivalent)
        for need_weights in (False, True):
            output = attention(x_BSD, x_BSD, x_BSD, mask, causal=True, need_weights=need_weights)
            got = output[0] if need_weights else output
            torch.testing.assert_close(got.double(), expected, rtol=0, atol=TOLERANCE[torch.float32])


@pytest.mark.parametrize("bias", [True, False])
def test_equals_torch_multihead_attention_with_other_key_and_value_widths(bias: bool) -> None:
    ours = MultiHeadAttention(D, H, kdim=20, vdim=12, bias=bias)
    theirs = nn.MultiheadAttention(D, H, kdim=20, vdim=12, bias=bias, batch_first=True)
    with torch.no_grad():
        for ours_proj, their_weight in (
            (ours.q_proj, theirs.q_proj_weight),
            (ours.k_proj, theirs.k_proj_weight),
            (ours.v_proj, theirs.v_proj_weight),
            (ours.out_proj, theirs.out_proj.weight),
        ):
            ours_proj.weight.copy_(their_weight)
        if bias:
            theirs.in_proj_bias.copy_(torch.cat([p.bias for p in (ours.q_proj, ours.k_proj, ours.v_proj)]))
            theirs.out_proj.bias.copy_(ours.out_proj.bias)
    query, key, value = torch.randn(B, S, D), torch.randn(B, T, 20), torch.randn(B, T, 12)
    lengths = torch.tensor([T, 5])
    mask = padding_mask(lengths, T)
    expected, expected_weights = theirs(query, key, value, key_padding_mask=~mask[:, 0, 0], average_attn_weights=False)
    output, weights = ours(query, key, value, mask, need_weights=True)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(weights, expected_weights, rtol=0, atol=1e-6)
    torch.testing.assert_close(ours(query, key, value, mask), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_fully_masked_row_attends_to_nothing_and_keeps_gradients_finite(need_weights: bool) -> None:
    attention = MultiHeadAttention(D, H, bias=False)
    qkv = tuple(x.requires_grad_() for x in inputs())
    mask = padding_mask(torch.tensor([T, 0]), T)
    result = attention(*qkv, mask, need_weights=need_weights)
    output = result[0] if need_weights else result
    assert torch.count_nonzero(output[1]) == 0
    if need_weights:
        assert torch.count_nonzero(result[1][1]) == 0
    output.square().sum().backward()
    assert all(x.grad is not None and x.grad.isfinite().all() for x in qkv)


def test_gradients_equal_the_float64_reference() -> None:
    attention = MultiHeadAttention(D, H, num_kv_heads=2)
    query, key, value = (x.requires_grad_() for x in inputs())
    mask = some_mask("per head")
    got = torch.autograd.grad(attention(query, key, value, mask).square().sum(), (query, key, value))
    expected = torch.autograd.grad(reference(attention, query, key, value, mask)[0].square().sum(), (query, key, value))
    for ours, want in zip(got, expected, strict=True):
        # Gradients sum over S or T positions and D widths: ten times the forward tolerance.
        torch.testing.assert_close(ours, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("num_kv_heads", [4, 2])
def test_the_cpu_flash_kernel_runs(num_kv_heads: int, masked: bool, causal: bool) -> None:
    attention, x_BSD = MultiHeadAttention(D, H, num_kv_heads=num_kv_heads), torch.randn(B, S, D)
    mask = padding_mask(torch.tensor([S, 2]), S) if masked else None
    assert kernels(lambda: attention(x_BSD, x_BSD, x_BSD, mask, causal=causal)) == {FLASH_ON_CPU}


def test_attention_dropout_leaves_the_fast_path_in_training_only() -> None:
    attention, x_BSD = MultiHeadAttention(D, H, dropout=0.5), torch.randn(B, S, D)
    assert FLASH_ON_CPU not in kernels(lambda: attention(x_BSD, x_BSD, x_BSD))
    assert not torch.equal(attention(x_BSD, x_BSD, x_BSD), attention(x_BSD, x_BSD, x_BSD))
    attention.eval()
    assert kernels(lambda: attention(x_BSD, x_BSD, x_BSD)) == {FLASH_ON_CPU}
    expected, _ = reference(attention, x_BSD, x_BSD, x_BSD)
    torch.testing.assert_close(attention(x_BSD, x_BSD, x_BSD).double(), expected, rtol=0, atol=1e-5)


def test_hooks_and_patched_layers_are_called() -> None:
    attention, x_BSD = MultiHeadAttention(D, H), torch.randn(B, S, D)
    expected, across = attention(x_BSD), attention(x_BSD, x_BSD + 1)
    assert attention.qkv_proj is not None
    calls: list[str] = []
    for name in ("qkv_proj", "out_proj"):
        attention.get_submodule(name).register_forward_hook(lambda *_, name=name: calls.append(name))
    torch.testing.assert_close(attention(x_BSD), expected)
    assert calls == ["qkv_proj", "out_proj"]
    torch.testing.assert_close(attention(x_BSD, x_BSD + 1), across)  # of rows that a hook must see whole
    attention.out_proj = nn.Sequential(attention.out_proj, nn.Identity())  # type: ignore[assignment]  # as adapters do
    torch.testing.assert_close(attention(x_BSD), expected)


@pytest.mark.parametrize("num_kv_heads", [4, 2])
def test_self_attention_is_cross_attention_of_equal_inputs(num_kv_heads: int) -> None:
    attention = MultiHeadAttention(D, H, num_kv_heads=num_kv_heads)
    query, key, value = torch.randn(B, S, D), torch.randn(B, T, D), torch.randn(B, T, D)
    torch.testing.assert_close(attention(query), attention(query, query.clone(), query.clone()))
    torch.testing.assert_close(attention(query, key), attention(query, key, key.clone()))
    expected, _ = reference(attention, query, key, value)
    torch.testing.assert_close(attention(query, key, value).double(), expected, rtol=0, atol=1e-5)


def test_returned_weights_are_those_before_dropout() -> None:
    attention, x_BSD = MultiHeadAttention(D, H, dropout=0.5), torch.randn(B, S, D)
    _, weights = attention(x_BSD, x_BSD, x_BSD, need_weights=True)
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, H, S))


@pytest.mark.parametrize(
    ("mask", "error"),
    [
        (torch.zeros(B, 1, S, T), TypeError),  # additive float: would mean its opposite
        (torch.ones(B, 1, S, T, dtype=torch.long), TypeError),
        (torch.ones(B, T, dtype=torch.bool), ValueError),  # (B, T) or (S, T)?
        (torch.ones(B, S, T, dtype=torch.bool), ValueError),  # (B, S, T) or (H, S, T)?
        (torch.ones(B, 1, S, T + 1, dtype=torch.bool), ValueError),
        (torch.ones(B, H + 1, S, T, dtype=torch.bool), ValueError),
    ],
)
def test_a_mask_that_is_not_boolean_and_broadcastable_is_refused(mask: Tensor, error: type[Exception]) -> None:
    with pytest.raises(error, match="an attention mask must be"):
        MultiHeadAttention(D, H)(*inputs(), mask)


def test_inputs_that_do_not_fit_are_refused() -> None:
    attention, (query, key, value) = MultiHeadAttention(D, H), inputs()
    with pytest.raises(ValueError, match=r"must be \(batch, positions, width\)"):
        attention(query[0], key[0], value[0])
    with pytest.raises(ValueError, match="must share the batch"):
        attention(query[:1], key, value)
    with pytest.raises(ValueError, match="must share the batch"):
        attention(query, key, value[:, :-1])
    with pytest.raises(ValueError, match="as many queries as keys"):
        attention(query, key, value, causal=True)
    with pytest.raises(ValueError, match="one-dimensional"):
        padding_mask(torch.ones(2, 2), 3)


@pytest.mark.parametrize(("num_heads", "num_kv_heads", "dropout"), [(5, None, 0.0), (4, 3, 0.0), (4, 4, 1.0)])
def test_widths_and_rates_that_cannot_be_meant_are_refused(
    num_heads: int, num_kv_heads: int | None, dropout: float
) -> None:
    with pytest.raises(ValueError, match="must"):
        MultiHeadAttention(D, num_heads, num_kv_heads=num_kv_heads, dropout=dropout)


def test_the_naive_baseline_loads_the_same_weights_and_agrees() -> None:
    attention, naive = MultiHeadAttention(D, H), NaiveMultiHeadAttention(D, H)
    naive.load_state_dict(attention.state_dict())
    for which in ("none", "padding", "per head"):
        mask, qkv = some_mask(which), inputs()
        output, weights = naive(*qkv, mask, need_weights=True)
        expected, expected_weights = attention(*qkv, mask, need_weights=True)
        torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(weights, expected_weights, rtol=0, atol=1e-5)
        torch.testing.assert_close(naive(*qkv, mask), output)
    x_BSD = torch.randn(B, S, D)
    torch.testing.assert_close(
        naive(x_BSD, x_BSD, x_BSD, causal=True), attention(x_BSD, x_BSD, x_BSD, causal=True), rtol=0, atol=1e-5
    )


def test_the_naive_baseline_weighs_a_fully_masked_row_evenly() -> None:
    nowhere = torch.zeros(B, 1, S, T, dtype=torch.bool)
    _, leaked = NaiveMultiHeadAttention(D, H)(*inputs(), nowhere, need_weights=True)
    torch.testing.assert_close(leaked, torch.full_like(leaked, 1 / T))


@pytest.mark.parametrize("need_weights", [False, True])
def test_float16_takes_a_mask(need_weights: bool) -> None:
    attention, allowed = MultiHeadAttention(D, H), padding_mask(torch.tensor([T, 0]), T)
    qkv = inputs()
    expected, _ = reference(attention, *qkv, allowed)
    result = attention.half()(*(x.half() for x in qkv), allowed, need_weights=need_weights)
    output = result[0] if need_weights else result
    # float16 keeps 11 bits: inputs and three chained products of order 1 are each rounded to 5e-4.
    torch.testing.assert_close(output.double(), expected, rtol=0, atol=5e-3)


def test_compiles_whole() -> None:
    attention, x_BSD = MultiHeadAttention(D, H, num_kv_heads=2), torch.randn(B, S, D)
    mask = padding_mask(torch.tensor([S, 2]), S)
    torch._dynamo.reset()
    compiled = torch.compile(attention, fullgraph=True, backend="aot_eager")
    for causal in (False, True):
        torch.testing.assert_close(
            compiled(x_BSD, x_BSD, x_BSD, mask, causal=causal), attention(x_BSD, x_BSD, x_BSD, mask, causal=causal)
        )


def test_exports_with_dynamic_batch_and_length() -> None:
    attention, x_BSD = MultiHeadAttention(D, H).eval(), torch.randn(B, S, D)
    mask = padding_mask(torch.tensor([S, 2]), S)
    batch, length = torch.export.Dim("batch", min=2, max=64), torch.export.Dim("length", min=2, max=128)
    dims = {0: batch, 1: length}
    program = torch.export.export(
        attention, (x_BSD, x_BSD, x_BSD, mask), dynamic_shapes=(dims, dims, dims, {0: batch, 3: length})
    )
    longer, longer_mask = torch.randn(3, 11, D), padding_mask(torch.tensor([11, 2, 0]), 11)
    torch.testing.assert_close(
        program.module()(longer, longer, longer, longer_mask), attention(longer, longer, longer, longer_mask)
    )


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_cuda_equals_the_float64_reference(dtype: torch.dtype) -> None:
    attention, mask = MultiHeadAttention(D, H), padding_mask(torch.tensor([S, 0]), S)
    x_BSD = torch.randn(B, S, D)
    # Rounding of inputs and weights alone is 2^-11 (float16) and 2^-8 (bfloat16) of values of order 1;
    # float32 may run in TF32, which has float16's mantissa.
    tolerance = {torch.float32: 5e-3, torch.float16: 5e-3, torch.bfloat16: 4e-2}[dtype]
    on_device, x_device = MultiHeadAttention(D, H).to("cuda", dtype), x_BSD.to("cuda", dtype)
    on_device.load_state_dict(attention.state_dict())
    for given, causal, equivalent in (
        (None, False, None),
        (mask, False, mask),
        (None, True, causal_mask(S)),
        (mask, True, mask & causal_mask(S)),  # attn_mask with is_causal would raise here
    ):
        expected, _ = reference(attention, x_BSD, x_BSD, x_BSD, equivalent)
        on_cuda = None if given is None else given.cuda()
        output = on_device(x_device, x_device, x_device, on_cuda, causal=causal)
        torch.testing.assert_close(output.cpu().double(), expected, rtol=0, atol=tolerance)
        output.sum().backward()  # of a row that may look nowhere too
        assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in on_device.parameters())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_grouped_query_attention_stays_off_the_math_path_on_cuda(dtype: torch.dtype, masked: bool) -> None:
    attention = MultiHeadAttention(256, 4, num_kv_heads=2).to("cuda", dtype).eval()
    x_BSD = torch.randn(B, 128, 256, device="cuda", dtype=dtype)
    mask = padding_mask(torch.tensor([128, 100]), 128).cuda() if masked else None
    assert "aten::_scaled_dot_product_attention_math" not in kernels(lambda: attention(x_BSD, x_BSD, x_BSD, mask))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_graph_replays_what_eager_computes() -> None:
    attention, x_BSD = MultiHeadAttention(D, H).cuda().eval(), torch.randn(B, S, D, device="cuda")
    with torch.inference_mode():
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            expected = attention(x_BSD, x_BSD, x_BSD)  # what is made once, outside the graph
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            replayed = attention(x_BSD, x_BSD, x_BSD)
        replayed.zero_()
        graph.replay()
    torch.testing.assert_close(replayed, expected)


@pytest.mark.parametrize("kdim", [None, 20])
@pytest.mark.parametrize("alibi", [False, True])
def test_heads_that_stay_compute_what_they_did(alibi: bool, kdim: int | None) -> None:
    attention = MultiHeadAttention(D, H, num_kv_heads=2, kdim=kdim, alibi=alibi)
    with torch.no_grad():
        attention.out_proj.weight[:, : D // 2] = 0.0  # nothing comes of the first key/value head
    query, key, value = torch.randn(B, S, D), torch.randn(B, S, kdim or D), torch.randn(B, S, D)
    expected = attention(query, key, value)
    attention.keep_heads(torch.tensor([1]))
    torch.testing.assert_close(attention(query, key, value), expected, rtol=0, atol=1e-6)
    assert (attention.num_heads, attention.num_kv_heads) == (2, 1)
    assert attention.value_weight.shape == (D // H, D)
