"""The ruler: times, counts, checks and traces workloads inside a commit's environment.

It runs beside whatever commit is under test, so it imports torch, asv_runner and itself, nothing else of tbp. Importing
it makes asv know the benchmark type ``torchtime_*``.
"""

import os

# torch then asks the driver's library for a GPU, instead of starting CUDA, which no forked process can use after that.
# A benchmark module may call torch.cuda.is_available() when it is imported, and asv forks its processes after that.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")

from .asv_type import TorchTime, register
from .clock import PROTOCOL, Clock, SamplingPlan, Timing, time_calls
from .devices import Device, Skip, device, require
from .graphs import graphed
from .oracle import WrongResult, relative_error
from .ranks import distributed
from .suite import Suite
from .tf32 import with_tf32
from .workloads import Case, Step, Workload, in_float64, inference, subject, workload

__all__ = [
    "PROTOCOL",
    "Case",
    "Clock",
    "Device",
    "SamplingPlan",
    "Skip",
    "Step",
    "Suite",
    "Timing",
    "TorchTime",
    "Workload",
    "WrongResult",
    "device",
    "distributed",
    "graphed",
    "in_float64",
    "inference",
    "relative_error",
    "require",
    "subject",
    "time_calls",
    "with_tf32",
    "workload",
]

register()
