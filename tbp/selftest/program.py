"""The program of a self-test: answers, on one device, which checks there are and what each of them gives.

Run as ``python program.py DEVICE REQUESTS REPLIES``, with two file descriptors for lines of JSON:

    {"do": "list"}           → {"checks": [name, …], "facts": {name: text}} | {"missing": why there is no such device}
    {"do": "check", "name"}  → {"readings": […], "reason", "failed"}; "reason" is that of a skip
"""

from __future__ import annotations

import gc
import json
import os
import platform
import sys
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any


def answer(request: dict[str, Any], device_name: str) -> dict[str, Any]:
    """The reply to one request."""
    from tbp import bench
    from tbp.bench.devices import settle
    from tbp.selftest import (
        attention,
        compiling,
        compression,
        graphs,
        memory,
        precision,
        ranks,
        recording,
        roofs,
        timing,
        training,
    )
    from tbp.selftest.checks import CHECKS

    modules = attention, graphs, memory, precision, recording, roofs, timing, training, compiling, compression, ranks
    assert all(modules), "their import registers their checks"
    try:
        device = bench.device(device_name)
    except bench.Skip as skip:
        return {"missing": str(skip), "hint": _hint()}
    if request["do"] == "list":
        settle()  # threads and precision, as for a benchmark
        # The ruler collects garbage before each reading, which would look at all objects of torch each time.
        gc.collect()
        gc.freeze()
        return {"checks": list(CHECKS), "facts": dict(_facts(device))}
    readings: list[dict[str, Any]] = []
    reason = failed = ""
    try:
        readings.extend(map(asdict, CHECKS[request["name"]].readings(device)))
        device.synchronise()  # a fault of a kernel is reported by whoever waits next
    except bench.Skip as skip:
        reason = str(skip)
    except Exception:  # whatever it is, it belongs into the report
        failed = traceback.format_exc()
    return {"readings": readings, "reason": reason, "failed": failed}


def _hint() -> str:
    """The likely reason that torch sees no GPU, and the next thing to look at."""
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA; install another build, or test with --device cpu"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and not hidden.strip():
        return "CUDA_VISIBLE_DEVICES hides all of them; unset it"
    return (
        f"torch {torch.__version__} is built for CUDA {torch.version.cuda}; does nvidia-smi show a GPU and its driver?"
    )


def _facts(device: Any) -> Iterator[tuple[str, str]]:
    import torch

    yield "torch", torch.__version__
    yield "Python", platform.python_version()
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    yield "device", device.hardware
    yield "float32 products", torch.get_float32_matmul_precision()
    if device.name == "cpu":
        yield "instructions", torch.backends.cpu.get_cpu_capability()
        return
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    yield "CUDA", str(torch.version.cuda)
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    yield "cuDNN", str(cudnn)
    yield "compute capability", f"{properties.major}.{properties.minor}"
    yield "multiprocessors", str(properties.multi_processor_count)
    yield "memory", f"{properties.total_memory / 2**30:.1f} GiB"
    yield "devices", str(torch.cuda.device_count())


def main() -> None:
    device_name, requests, replies = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.path.pop(0)  # this file's folder is no place to import from
    with os.fdopen(requests) as lines, os.fdopen(replies, "w") as out:
        for line in lines:
            print(json.dumps(answer(json.loads(line), device_name)), file=out, flush=True)


if __name__ == "__main__":
    main()
