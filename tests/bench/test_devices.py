"""Devices: what is skipped, what fails loudly, and what CUDA is asked for (fakes at the seam; no GPU needed)."""

import pytest
import torch

from tbp.bench import devices
from tbp.bench.devices import Skip, device, require, settle_threads


def test_an_unknown_device_fails_loudly():
    with pytest.raises(ValueError, match="synchronise"):
        device("tpu")


def test_cuda_without_cuda_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Skip, match="no CUDA device on this machine"):
        device("cuda")


def test_cuda_is_synchronised_by_torch(monkeypatch: pytest.MonkeyPatch):
    waits: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Simulated GPU")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waits.append("waited"))
    gpu = device("cuda")
    gpu.synchronise()
    assert (gpu.hardware, waits) == ("Simulated GPU", ["waited"])


@pytest.mark.parametrize(
    ("flags", "dtype", "runs"),
    [
        ("fma avx2", torch.bfloat16, False),
        ("fma avx2", torch.float16, False),
        ("avx512f avx512_bf16", torch.bfloat16, True),
        ("avx512f avx512_bf16", torch.float16, False),
        ("amx_tile amx_bf16 amx_fp16", torch.float16, True),
        ("asimd fphp bf16", torch.bfloat16, True),
        ("fma avx2", torch.float32, True),
    ],
)
def test_half_precision_needs_the_instructions(
    monkeypatch: pytest.MonkeyPatch, flags: str, dtype: torch.dtype, runs: bool
):
    monkeypatch.setattr(devices, "_cpuinfo", lambda: f"model name\t: A processor\nflags\t\t: fpu {flags}\n")
    if runs:
        require("cpu", dtype)
    else:
        with pytest.raises(Skip, match=r"no b?float16 instructions"):
            require("cpu", dtype)


def test_bfloat16_that_a_gpu_only_emulates_is_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Old GPU")
    with pytest.raises(Skip, match="Old GPU has no bfloat16"):
        require("cuda", torch.bfloat16)


def test_an_unknown_dtype_fails_loudly():
    with pytest.raises(ValueError, match="emulates"):
        require("cpu", torch.float8_e4m3fn)


def test_threads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    before = torch.get_num_threads()
    try:
        monkeypatch.setenv("TBP_THREADS", "2")
        assert settle_threads() == 2
        monkeypatch.delenv("TBP_THREADS")
        assert settle_threads() == devices.DEFAULT_THREADS
        monkeypatch.setenv("TBP_THREADS", "many")
        with pytest.raises(ValueError, match="TBP_THREADS='many'"):
            settle_threads()
    finally:
        torch.set_num_threads(before)
