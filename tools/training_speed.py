"""The speed of training steps, each beside its naive or bare version and the machine's products, in one run.

    python tools/training_speed.py [--threads 1] [--rounds 15]

Every round takes one call of each in turn, so that a change of the machine's speed meets all of them. A row is the
median of the rounds' ratios, with their quartiles. The steps are those of ``benchmarks/``, checked by their oracles
first. Run it on a quiet machine; it ends with 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.optim import AdamW

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import benchmarks.workloads.accumulation
import benchmarks.workloads.distillation
import benchmarks.workloads.schedule
import benchmarks.workloads.train_step  # noqa: F401 - each registers its workloads
from benchmarks.workloads.training_steps import batch_of, model_of
from tbp.bench import Case, Skip
from tbp.bench.oracle import check
from tbp.bench.workloads import find
from tbp.training import create_optimizer, half_precision_support, train_with_amp

SHAPE = {"d_model": 512, "heads": 8, "sequence_length": 128, "batch": 8, "micro_batches": 4, "groups": 2}
CASE = Case(SHAPE, torch.float32, "cpu")
ROOF_WIDTH = 1024  # of the square product that is the roof: 2 GFLOP
PRODUCTS = 5  # in each round

Call = Callable[[], object]


def seconds(call: Call) -> float:
    start_s = time.perf_counter()
    call()
    return time.perf_counter() - start_s


def ratios(calls: dict[str, Call], rounds: int) -> list[dict[str, float]]:
    """Seconds of each call in each round; the order turns, and a first round warms up."""
    names, taken = list(calls), []
    for number in range(rounds + 1):
        turned = names[number % len(names) :] + names[: number % len(names)]
        times = {name: seconds(calls[name]) for name in turned}
        if number:
            taken.append(times)
    return taken


def row(name: str, values: list[float], target: str, is_met: bool) -> bool:
    low, middle, high = statistics.quantiles(values, n=4)
    print(f"{name:62} {middle:6.3f}  ({low:.3f}–{high:.3f})  {target:8} {'met' if is_met else 'MISSED'}")
    return is_met


def run_of(family: str, variant: str) -> tuple[Call, int]:
    """The checked step of a workload, and its FLOPs."""
    workload = find(family, variant)
    step = workload.build(CASE)
    check(workload, CASE, step)
    return step.run, step.flops or 0


def share_of_the_roof(rounds: int) -> bool:
    square = torch.randn(ROOF_WIDTH, ROOF_WIDTH)
    run, flops = run_of("train_step", "float32")
    fastest_s: list[float] = []
    calls = {
        "step": run,
        # The fastest, as a roof is what can be reached.
        "roof": lambda: fastest_s.append(min(seconds(lambda: torch.mm(square, square)) for _ in range(PRODUCTS))),
    }
    taken = ratios(calls, rounds)
    roofs = [2 * ROOF_WIDTH**3 / best_s for best_s in fastest_s[1:]]
    shares = [flops / times["step"] / roof for times, roof in zip(taken, roofs, strict=True)]
    return row("training step, share of the sgemm roof", shares, "≥ 0.65", statistics.median(shares) >= 0.65)


def optimizers(rounds: int) -> bool:
    """AdamW's step alone, on the gradients of one batch."""
    model = model_of(CASE, layers=4)
    x_BSD, labels_BS = batch_of(CASE)
    torch.autograd.backward(F.cross_entropy(model(x_BSD).flatten(0, 1), labels_BS.flatten()))
    calls: dict[str, Call] = {
        "for-loop": AdamW(model.parameters(), foreach=False, fused=False).step,
        "foreach": AdamW(model.parameters(), foreach=True).step,
        "recommended": create_optimizer(model).step,
    }
    taken = ratios(calls, rounds)
    foreach, fused = ([times["for-loop"] / times[name] for times in taken] for name in ("foreach", "recommended"))
    row("for-loop AdamW ÷ foreach AdamW, the optimizer's step", foreach, "", True)
    return row("for-loop AdamW ÷ create_optimizer's", fused, "≥ 2", statistics.median(fused) >= 2.0)


def beside(family: str, variant: str, baseline: str, most: float | None, rounds: int) -> bool:
    """A variant's time ÷ its baseline's; ``most``: the target."""
    try:
        calls = {name: run_of(family, name)[0] for name in (variant, baseline)}
    except Skip as skip:
        print(f"{family}.{variant}: skipped, {skip}")
        return True
    shares = [times[variant] / times[baseline] for times in ratios(calls, rounds)]
    is_met = most is None or statistics.median(shares) <= most
    return row(f"{family}: {variant} ÷ {baseline}", shares, "" if most is None else f"≤ {most}", is_met)


def amp_beside_bare(rounds: int) -> bool:
    """The bfloat16 step against the same five lines of torch written out."""
    if reason := half_precision_support("cpu", torch.bfloat16):
        print(f"train_with_amp ÷ bare autocast: skipped, {reason}")
        return True
    model, batch = model_of(CASE), batch_of(CASE)
    optimizer = create_optimizer(model)

    def bare() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten())
        torch.autograd.backward(loss)
        optimizer.step()

    taken = ratios({"tbp": lambda: train_with_amp(model, batch, optimizer), "bare": bare}, rounds)
    shares = [times["tbp"] / times["bare"] for times in taken]
    return row("train_with_amp ÷ bare autocast, bfloat16", shares, "≤ 1.05", statistics.median(shares) <= 1.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{options.threads} threads, torch {torch.__version__}, load {load}, {options.rounds} rounds; {SHAPE}")
    rounds = options.rounds
    met = [
        share_of_the_roof(rounds),
        optimizers(rounds),
        amp_beside_bare(rounds),
        beside("train_step", "float32", "naive_attention", 1.0, rounds),
        beside("train_step", "amp_bfloat16", "naive_amp", 1.0, rounds),
        beside("train_step", "checkpointed", "adamw_for_loop", None, rounds),
        beside("accumulation", "accumulated", "naive", 1.05, rounds),
        beside("accumulation", "ragged", "naive_ragged", 1.05, rounds),
        beside("distillation", "distilled", "naive", 0.9, rounds),
        beside("schedule", "linear", "naive", 1.05, 20 * rounds),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
