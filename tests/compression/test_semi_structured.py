"""2:4 sparsity: which weights go, and what cannot be stored so."""

import pytest
import torch
from torch import nn

import tbp.compression.semi_structured as semi_structured
from tbp.compression import SparsityUnavailable, is_two_of_four, prune_two_of_four, sparsity, store_two_of_four


def test_the_two_smallest_of_each_four_neighbours_go() -> None:
    linear = nn.Linear(8, 1)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([[1.0, -4.0, 2.0, 3.0, 0.5, 0.1, -0.2, 0.0]]))
    prune_two_of_four(nn.Sequential(linear))
    assert linear.weight.tolist() == [[0.0, -4.0, 0.0, 3.0, 0.5, 0.0, pytest.approx(-0.2), 0.0]]


def test_equal_weights_lose_two_as_well() -> None:
    linear = nn.Linear(4, 2)
    nn.init.ones_(linear.weight)
    assert sparsity(prune_two_of_four(linear)) == 0.5
    assert is_two_of_four(linear.weight)


def test_neighbours_are_those_of_a_row() -> None:
    assert is_two_of_four(torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]]))
    assert is_two_of_four(torch.zeros(2, 4))
    assert not is_two_of_four(torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))  # two of four on average
    assert not is_two_of_four(torch.zeros(4, 6))


def test_torchs_attention_loses_its_packed_weights_too() -> None:
    attention = prune_two_of_four(nn.MultiheadAttention(8, 2))
    assert is_two_of_four(attention.get_parameter("in_proj_weight"))


@pytest.mark.parametrize(("model", "reason"), [(nn.ReLU(), "no linear"), (nn.Linear(6, 4), "no multiple of 4")])
def test_what_has_no_four_is_refused(model: nn.Module, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        prune_two_of_four(model)


class TestStored:
    """Weights that say they are on CUDA: torch stores none on the CPU."""

    @pytest.fixture(autouse=True)
    def gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
        monkeypatch.setattr(OnCuda, "device", torch.device("cuda"))

    def test_each_linear_layer_is_stored_for_inference(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(semi_structured, "to_sparse_semi_structured", lambda weight: weight * 2)
        model = on_cuda(prune_two_of_four(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 4))).bfloat16())
        before = model[2].weight.detach().clone()
        stored = store_two_of_four(model)
        assert torch.equal(model[2].weight, 2 * before)
        assert not any(linear.weight.requires_grad for linear in (model[0], model[2]))
        assert not stored.training

    def test_other_zeros_and_dtypes_are_refused(self) -> None:
        with pytest.raises(ValueError, match=r"weight of \(4, 8\) in bfloat16 is not 2:4 sparse; call prune_two_of"):
            store_two_of_four(on_cuda(nn.Sequential(nn.Linear(8, 4)).bfloat16()))
        with pytest.raises(SparsityUnavailable, match="in float32 cannot be stored so: use float16 or bfloat16"):
            store_two_of_four(on_cuda(prune_two_of_four(nn.Sequential(nn.Linear(8, 4)))))
        with pytest.raises(ValueError, match=r"no nn\.Linear"):
            store_two_of_four(nn.ReLU())

    def test_an_older_gpu_and_torchs_own_reasons(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model = on_cuda(prune_two_of_four(nn.Sequential(nn.Linear(8, 4))).half())
        monkeypatch.setattr(semi_structured, "to_sparse_semi_structured", refused)
        with pytest.raises(SparsityUnavailable, match=r"weight of \(4, 8\) in float16 so: .* must be a multiple of 32"):
            store_two_of_four(model)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
        with pytest.raises(SparsityUnavailable, match=r"capability 7\.5 has no sparse tensor cores"):
            store_two_of_four(model)


class OnCuda(nn.Parameter):
    """A parameter that says where it is not."""


def on_cuda(model: nn.Module) -> nn.Sequential:
    assert isinstance(model, nn.Sequential)
    for module in model:
        if isinstance(module, nn.Linear):
            module.weight = OnCuda(module.weight.detach())
    return model


def refused(weight: torch.Tensor) -> None:
    raise RuntimeError("both dimensions must be larger or equal than and must be a multiple of 32")


def test_the_cpu_stores_none() -> None:
    with pytest.raises(SparsityUnavailable, match="needs a CUDA device; the weights are on cpu"):
        store_two_of_four(prune_two_of_four(nn.Linear(8, 4)))


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_multiplies_what_is_stored() -> None:
    model = prune_two_of_four(nn.Sequential(nn.Linear(256, 128))).cuda().bfloat16()
    x = torch.randn(64, 256, device="cuda", dtype=torch.bfloat16)
    expected = model(x)
    torch.testing.assert_close(store_two_of_four(model)(x), expected, rtol=2e-2, atol=2e-2)
