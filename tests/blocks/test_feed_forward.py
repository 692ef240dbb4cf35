"""The feed-forward network against its formulas in float64."""

import pytest
import torch
from torch import Tensor

from tbp.blocks import Activation, FeedForward
from tbp.blocks.feed_forward import swiglu_width


def reference(network: FeedForward, x: Tensor) -> Tensor:
    """float64, from the definition of each activation."""
    weights: dict[str, Tensor] = {name: parameter.double() for name, parameter in network.state_dict().items()}
    up = x.double() @ weights["up.weight"].T + weights.get("up.bias", 0.0)
    if network.activation == "relu":
        hidden = up.clamp(min=0)
    elif network.activation == "gelu":
        hidden = up * 0.5 * (1 + torch.erf(up / 2**0.5))
    else:
        gate = x.double() @ weights["gate.weight"].T
        hidden = gate / (1 + torch.exp(-gate)) * up
    return hidden @ weights["down.weight"].T + weights.get("down.bias", 0.0)


@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
def test_output_equals_the_float64_reference(activation: Activation) -> None:
    torch.manual_seed(0)
    network = FeedForward(16, 48, activation=activation).eval()
    x = torch.randn(2, 5, 16)
    # float32: sums of up to 48 products of order 1.
    torch.testing.assert_close(network(x).double(), reference(network, x), rtol=0, atol=1e-5)


def test_swiglu_has_about_the_parameters_of_the_others() -> None:
    counts = {
        activation: sum(p.numel() for p in FeedForward(256, 1024, activation=activation).parameters())
        for activation in ("relu", "gelu", "swiglu")
    }
    assert counts["relu"] == counts["gelu"]
    assert counts["swiglu"] == pytest.approx(counts["relu"], rel=0.01)


@pytest.mark.parametrize(("d_ff", "width"), [(3072, 2048), (2048, 1368), (12, 8), (1, 8)])
def test_swiglu_width_is_two_thirds_rounded_up_to_8(d_ff: int, width: int) -> None:
    assert swiglu_width(d_ff) == width
    assert FeedForward(8, d_ff, activation="swiglu").hidden_width == width


def test_dropout_acts_on_the_hidden_units_in_training_only() -> None:
    network, x = FeedForward(8, 64, dropout=0.5), torch.randn(4, 8)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="'tanh'"):
        FeedForward(8, 16, activation="tanh")  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("activation", ["gelu", "swiglu"])
def test_compiles_whole(activation: Activation) -> None:
    network, x = FeedForward(8, 16, activation=activation).eval(), torch.randn(2, 3, 8)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(network, fullgraph=True, backend="aot_eager")(x), network(x))


@pytest.mark.parametrize("activation", ["relu", "gelu", "swiglu"])
def test_inference_overwrites_no_activation_that_a_hook_has_seen(activation: Activation) -> None:
    network, x = FeedForward(8, 16, activation=activation).eval(), torch.randn(2, 3, 8)
    with torch.inference_mode():
        expected, before = network(x), network.up(x)
        seen: list[Tensor] = []
        handle = network.up.register_forward_hook(lambda module, inputs, output: seen.append(output))
        torch.testing.assert_close(network(x), expected)
        handle.remove()
    torch.testing.assert_close(seen[0], before)


def test_gradients_are_those_of_the_float64_formula() -> None:
    for activation in ("relu", "gelu", "swiglu"):
        network = FeedForward(8, 16, dropout=0.0, activation=activation).double()  # type: ignore[arg-type]
        x = torch.randn(5, 8, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(network, (x,))
