"""The first call of a compiled module: seconds in a process of its own, with an empty cache or a filled one.

torch.compile costs its time once a process and cache, and a timing loop warms it away. Whoever serves a model or runs
its tests waits for it: cold after every change of the module, warm in every later process.
"""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .devices import Skip, device
from .workloads import TOLERANCES

# Runs in a fresh interpreter. ``MODULE`` makes the module and its inputs; the eager output is the reference.
PROGRAM = """
import time, torch
torch.set_num_threads({threads})
torch.manual_seed(0)
{module}
module.eval().to({device!r})
inputs = tuple(x.to({device!r}) for x in inputs)
with torch.inference_mode():
    expected = module(*inputs)
    float(expected.flatten()[0])  # waits for a device
    start_s = time.perf_counter()
    actual = torch.compile(module)(*inputs)
    float(actual.flatten()[0])
    seconds = time.perf_counter() - start_s
error = float((actual - expected).abs().max() / expected.abs().max())
assert type(torch.compile(module)).__name__ == "OptimizedModule"
print("first call:", seconds, error)
"""
COLD, WARM = "cold", "warm"


def first_calls_s(module: str, threads: int = 1, on: str = "cpu") -> dict[str, float]:
    """Seconds of the first call of the compiled ``module``: Python source that assigns ``module`` and ``inputs``.

    ``cold`` is with an empty cache of compiled code, ``warm`` in the next process, with the cache that the cold one has
    filled.

    Raises:
        Skip: there is no device ``on``, no C++ compiler, which torch.compile needs on the CPU, or no Triton for CUDA.
        RuntimeError: a process failed, or computed something else than the module without compilation.
    """
    device(on)
    if on == "cuda" and importlib.util.find_spec("triton") is None:
        raise Skip("torch.compile needs Triton on CUDA: pip install triton")
    if on == "cpu" and not any(map(shutil.which, (os.environ.get("CXX", ""), "g++", "clang++"))):
        raise Skip("torch.compile needs a C++ compiler: install g++")
    program = PROGRAM.format(module=module, threads=threads, device=on)
    with tempfile.TemporaryDirectory(prefix="tbp-compile-") as folder:
        return {cache: _run(program, folder) for cache in (COLD, WARM)}


def _run(program: str, folder: str) -> float:
    environment = {
        **os.environ,
        "TORCHINDUCTOR_CACHE_DIR": folder,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    # In the cache's folder, so that no file beside the benchmarks shadows a module.
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=Path(folder), capture_output=True, text=True, check=False
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith("first call:")]
    if ended.returncode or not lines:
        raise RuntimeError(f"the compiled module failed in a process of its own:\n{ended.stderr[-2000:]}")
    seconds, error = map(float, lines[-1].removeprefix("first call:").split())
    tolerance = max(TOLERANCES.values())  # of half precision: a module that computes something else is far above
    if not error <= tolerance or not math.isfinite(seconds):
        raise RuntimeError(f"the compiled module computes something else: relative error {error:.3g}")
    return seconds
