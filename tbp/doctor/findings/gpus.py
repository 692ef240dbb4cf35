"""Findings on NVIDIA GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from tbp.doctor.facts import MachineFacts
from tbp.doctor.finding import Finding, Severity
from tbp.wording import words

# A GPU that nobody uses is busy for 0 %; a few per cent are a display or a monitor that asks it often.
MUCH_BUSY = 0.05


def slowed(machine: MachineFacts) -> Iterator[Finding]:
    """Clocks that heat or power hold down now."""
    for gpu in machine.gpus:
        if gpu.slowed_by:
            yield Finding(
                Severity.GRAVE,
                f"GPU {gpu.index}",
                f"{words.joined(gpu.slowed_by)} holds its clock at {gpu.sm_mhz or '?'} of {gpu.most_sm_mhz or '?'} MHz",
                f"nvidia-smi --id={gpu.index} --query --display=PERFORMANCE,POWER,TEMPERATURE",
                "shows the limit; wait until it is cool, or lock a clock that it can hold",
            )


def shared(machine: MachineFacts) -> Iterator[Finding]:
    """GPUs that somebody else uses now."""
    for gpu in machine.gpus:
        is_busy = gpu.busy_share is not None and gpu.busy_share > MUCH_BUSY
        if is_busy or gpu.processes:
            pids = f" (pid {', '.join(map(str, gpu.processes))})" if gpu.processes else ""
            share = f", busy for {words.percent(gpu.busy_share or 0.0)} of the time" if is_busy else ""
            yield Finding(
                Severity.GRAVE if is_busy else Severity.WARNING,
                f"GPU {gpu.index}",
                f"another process uses it{pids}{share}: its work is in every wall time",
                f"nvidia-smi --id={gpu.index}",
                "shows who; wait, or choose another one by CUDA_VISIBLE_DEVICES",
            )


def torch_without_cuda(machine: MachineFacts) -> Iterator[Finding]:
    """A torch that cannot use the GPUs that are there."""
    if machine.gpus and machine.software.torch and not machine.software.torch_cuda:
        yield Finding(
            Severity.GRAVE,
            "torch",
            f"torch {machine.software.torch} is built without CUDA, so every CUDA cell is skipped",
            "pip install --force-reinstall torch",
            "PyPI's build for Linux has CUDA; leave out an index of CPU builds, in asv's environments too",
        )


def persistence(machine: MachineFacts) -> Iterator[Finding]:
    """GPUs whose driver is loaded for each process."""
    cold = [str(gpu.index) for gpu in machine.gpus if gpu.is_persistent is False]
    if cold:
        yield Finding(
            Severity.WARNING,
            f"GPU {', '.join(cold)}",
            "persistence mode is off: each process loads the driver first, and clocks start from idle",
            "sudo nvidia-smi --persistence-mode=1",
            "on the host: a container cannot change it" if machine.host.is_container else "until the next start",
        )


def partitions(machine: MachineFacts) -> Iterator[Finding]:
    """GPUs that are cut into instances, which share power and memory bandwidth with each other."""
    for gpu in machine.gpus:
        if gpu.is_mig:
            yield Finding(
                Severity.NOTE,
                f"GPU {gpu.index}",
                "MIG cuts it into instances: an instance has its own machine name, or its series would mix",
                f"nvidia-smi --id={gpu.index} mig -lgi",
                "lists them",
            )


def clocks(machine: MachineFacts) -> Iterator[Finding]:
    """A reminder that clocks can be locked; whether they are, nvidia-smi does not tell."""
    steady = [gpu for gpu in machine.gpus if not gpu.slowed_by and gpu.most_sm_mhz]
    if steady:
        # Four fifths of the most is held by every GPU that others report of under a power limit.
        mhz = round((steady[0].most_sm_mhz or 0) * 0.8)
        yield Finding(
            Severity.NOTE,
            "GPU clocks",
            "a GPU changes its clock with its temperature, and nvidia-smi does not tell whether it is locked",
            f"sudo nvidia-smi --lock-gpu-clocks={mhz}",
            "always to the same value; --reset-gpu-clocks ends it",
        )
