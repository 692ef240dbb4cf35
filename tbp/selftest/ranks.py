"""Check of distributed steps: two processes that torchrun starts add up their numbers, by NCCL on CUDA."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.distributed as dist

from tbp import bench
from tbp.bench.ranks import BACKENDS
from tbp.selftest.checks import Reading, check

RANKS = 2
NUMBERS = 1024


def sum_of_ranks(case: bench.Case) -> bench.Step:
    """In each rank: numbers of its own added to those of the others."""
    mine = torch.full((NUMBERS,), float(dist.get_rank() + 1), device=case.device)

    def run() -> torch.Tensor:
        total = mine.clone()
        dist.all_reduce(total)
        return total

    return bench.Step(run, run)


@check("two ranks")
def two_ranks(device: bench.Device) -> Iterator[Reading]:
    """Each rank has the sum of both; without as many GPUs it is skipped."""
    step = bench.distributed(sum_of_ranks, bench.Case({}, torch.float32, device.name), RANKS)
    step.run()
    sums, expected = set(step.output().flatten().tolist()), sum(range(1, RANKS + 1))
    shown = ", ".join(f"{value:g}" for value in sorted(sums)[:3])  # of each rank's numbers one is enough
    yield Reading(f"sum over {RANKS} ranks by {BACKENDS[device.name]}", shown, f"{expected}", sums == {expected})
