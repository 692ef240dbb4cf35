"""Devices: what is skipped, what fails loudly, and what CUDA is asked for (fakes at the seam; no GPU needed)."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch

from tbp.bench import devices
from tbp.bench.devices import Device, Skip, device, require, settle_threads


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


def test_a_process_forked_after_cuda_was_used_is_told_which_line_helps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    with pytest.raises(devices.PoisonedFork, match='"launch_method": "spawn"'):
        device("cuda")


def test_importing_the_ruler_asks_cuda_for_nothing():
    """A forked process cannot use CUDA once its parent has: torch 2.13 then refuses every call."""
    program = (
        "import os, torch\n"
        "asked = []\n"
        "torch.cuda.is_available = torch.cuda.device_count = lambda: asked.append('asked') or 0\n"
        "torch.cuda.init = torch.cuda._lazy_init = lambda: asked.append('started')\n"
        "import tbp.bench\n"
        "import benchmarks\n"
        "import pkgutil, importlib\n"
        "for module in pkgutil.walk_packages(benchmarks.__path__, 'benchmarks.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert not asked, asked\n"
        "assert os.environ['PYTORCH_NVML_BASED_CUDA_CHECK'] == '1'\n"
    )
    environment = {**os.environ, "TBP_RESULTS_DIR": "somewhere"}
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run([sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()


def test_tf32_is_off_until_a_build_switches_it_on():
    torch.set_float32_matmul_precision("high")
    devices.settle()
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_flush_writes_twice_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for index, size in (("index0", "48K"), ("index3", "1024K")):
        (tmp_path / index).mkdir()
        (tmp_path / index / "size").write_text(f"{size}\n")
    assert devices._last_cache_bytes(tmp_path) == 1 << 20
    assert devices._last_cache_bytes(tmp_path / "none") == devices.DEFAULT_CACHE_BYTES
    monkeypatch.setattr(devices, "_last_cache_bytes", lambda: 1 << 10)
    written = devices.cache_flush(Device("cpu", "a processor", lambda: None))()
    assert isinstance(written, torch.Tensor)
    assert written.nbytes == 2 << 10
    made: list[tuple[int, str]] = []
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: types.SimpleNamespace(L2_cache_size=50 << 20))
    monkeypatch.setattr(torch, "empty", lambda size, *, dtype, device: made.append((size, device)) or written)
    devices.cache_flush(Device("cuda", "a device", lambda: None))
    assert made == [(100 << 20, "cuda")]


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
