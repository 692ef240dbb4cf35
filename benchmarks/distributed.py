"""Suites of distributed training steps: DistributedDataParallel in two processes, with the traces of both."""

from tbp import bench

from .workloads.distributed import FAMILY


class Nightly(bench.Suite):
    family = FAMILY
    variants = ("accumulated",)  # its sessions start the ranks of ``naive`` too
    shapes = {"micro_batches": (4,)}
    fixed = {"d_model": 128, "heads": 4, "sequence_length": 16, "batch": 16}
    counters = ()
    rounds = 2  # each starts three or four processes that import torch
