"""Small cells of the suites for a GPU, checked as their set-up does, with tensors on the CPU."""

import dataclasses
from collections.abc import Callable

import torch
from torch import nn

from tbp.bench import Case
from tbp.bench.oracle import check
from tbp.bench.workloads import find

SHAPE = {
    "batch": 2, "sequence_length": 16, "tokens": 32, "d_model": 64, "heads": 4, "d_ff": 128, "past": 5,
    "queries_per_head": 2,
}  # fmt: skip
CASE = Case(SHAPE, torch.float32, "cpu")


def checked(family: str, variant: str, case: Case = CASE) -> float:
    workload = find(family, variant)
    return check(workload, case, workload.build(case))


class OnCpu(Case):
    """A case on CUDA whose tensors lie on the CPU."""

    def randn(self, *size: int) -> torch.Tensor:
        return dataclasses.replace(CASE, dtype=self.dtype).randn(*size)

    def place(self, make: Callable[[], nn.Module]) -> nn.Module:
        return dataclasses.replace(CASE, dtype=self.dtype).place(make)


ON_CUDA = OnCpu(SHAPE, torch.float32, "cuda")
