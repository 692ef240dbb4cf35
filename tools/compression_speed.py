"""Time and size of compressed models against the dense one: random weights at several widths, and the trained task.

    python tools/compression_speed.py [--widths 256,512,768] [--batches 1,8] [--variants dense,int8_dynamic]
    python tools/compression_speed.py --task [--threads 2]

Takes the workloads of ``benchmarks/``, each checked against its reference first. All variants of a row take turns in
one process: in each of --rounds rounds, in a new order, each runs for --block-ms milliseconds. The ratio is the median
over the rounds of a variant's time per call by dense's in the same round, with its quartiles; "dense_twin" is dense
again, so that its ratio is the noise. With --task the models are those of the trained task, and the share of wrong
answers stands beside; the first call trains them, in less than a minute. What cannot run is listed with the reason.
Takes a minute a row on an idle core, after exports to ONNX of some ten seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import benchmarks.compressed_inference
import benchmarks.trained_task
from benchmarks.workloads import trained_models
from tbp import bench
from tbp.compression import checkpoint_bytes

WARM_UP_CALLS = 3
SEQUENCE_LENGTH, HEADS = 64, 8
NIGHTLY = benchmarks.compressed_inference.Nightly


def row(width: int) -> type[bench.Suite]:
    """The nightly suite at another width."""
    shape = {"d_model": width, "heads": HEADS, "sequence_length": SEQUENCE_LENGTH}
    return type("Row", (NIGHTLY,), {"fixed": shape})


def cells(suite: type[bench.Suite], variants: Sequence[str], *values: int) -> dict[str, bench.Suite]:
    """The cells that can run here, checked; for the others the reason is printed."""
    made = {}
    for variant in variants:
        cell = suite()
        try:
            cell.setup(variant, *values, "float32", "cpu")
        except NotImplementedError as reason:
            print(f"    {variant:20} skipped: {reason}")
            continue
        made[variant] = cell
    return made


def in_turns(calls: dict[str, Callable[[], object]], rounds: int, block_s: float) -> dict[str, list[float]]:
    """Seconds per call of each, a value a round; the order is drawn anew in each round."""
    numbers = {}
    for name, call in calls.items():
        for _ in range(WARM_UP_CALLS):
            call()
        numbers[name] = max(1, round(block_s / _seconds(call, 1)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            times[name].append(_seconds(calls[name], numbers[name]))
    return times


def _seconds(call: Callable[[], object], number: int) -> float:
    start_s = time.perf_counter()
    for _ in range(number):
        call()
    return (time.perf_counter() - start_s) / number


def show(made: dict[str, bench.Suite], rounds: int, block_s: float) -> None:
    """A line for each cell: time, ratio to dense with its quartiles, bytes, times smaller, error."""
    times = in_turns({name: cell.step.run for name, cell in made.items()}, rounds, block_s)
    test = trained_models.trained_models().test if "student" in made else None
    sizes = {name: checkpoint_bytes(cell.step.module) for name, cell in made.items() if cell.step.module}
    for name, cell in made.items():
        ratios = [mine / dense for mine, dense in zip(times[name], times["dense"], strict=True)]
        low, ratio, high = statistics.quantiles(ratios, n=4)
        if test is None:
            error = f"error {cell.close.error:.2g}" if cell.close is not None else ""
        else:
            assert cell.step.module is not None
            error = f"wrong {trained_models.error_rate(cell.step.module, test):.2%}"
        print(
            f"    {name:20} {statistics.median(times[name]) * 1e3:8.2f} ms   {ratio:.3f} ({low:.3f}-{high:.3f})   "
            f"{1 / ratio:5.2f} × faster   {sizes['dense'] / sizes[name]:5.2f} × smaller   {error}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", default="256,512,768")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--variants", default="", help="of the suite; default: all")
    parser.add_argument("--task", action="store_true", help="the trained task")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--block-ms", type=float, default=20.0)
    options = parser.parse_args()
    os.environ["TBP_THREADS"] = str(options.threads)
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    print(f"{bench.device('cpu').hardware}, torch {torch.__version__}, {options.threads} thread(s), {load}")
    chosen = tuple(filter(None, options.variants.split(",")))
    if options.task:
        suite = benchmarks.trained_task.Nightly
        print("trained task, batch 1")
        show(cells(suite, chosen or suite.variants, 1), options.rounds, options.block_ms / 1e3)
        return
    for width in map(int, options.widths.split(",")):
        for batch in map(int, options.batches.split(",")):
            print(f"width {width}, batch {batch}, {SEQUENCE_LENGTH} positions")
            show(cells(row(width), chosen or NIGHTLY.variants, batch), options.rounds, options.block_ms / 1e3)


if __name__ == "__main__":
    main()
