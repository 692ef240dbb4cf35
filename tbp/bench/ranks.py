"""Distributed steps: processes that torchrun starts, and that take one step together whenever they are asked to.

``distributed`` runs in the process that measures, and gives a ``Step`` of all ranks. ``serve`` runs in each rank.
Between them is a store of torch.distributed: the measuring process writes numbered orders, each rank its answer. An
order and its answers are part of the measured step.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.distributed as dist
from torch import Tensor

from .devices import Skip, device, settle
from .profiling import export_profile
from .workloads import Case, Step

if TYPE_CHECKING:  # a torch without torch.distributed has none
    from torch._C._distributed_c10d import TCPStore

ANSWER_S = 120.0  # until ranks that do not answer count as stuck; importing torch in four processes took 20 s
GLANCE_S = 5.0  # of waiting until torchrun is looked at; each time torch warns of it
START_S = 0.05  # between looks at whether the ranks have started, which takes seconds
IDLE = timedelta(hours=2)  # ranks wait as long for an order; without the measuring process they end at once
STOP_S = 10.0  # for torchrun to stop its ranks
MOST_OUTPUT = 3_000  # characters of what failed ranks printed: the traceback of the first

LOCAL = "127.0.0.1"
BACKENDS = {"cpu": "gloo", "cuda": "nccl"}


class RanksFailed(RuntimeError):
    """A rank raised, died or does not answer."""


def distributed(build: Callable[[Case], Step], case: Case, ranks: int = 2) -> Step:
    """The step of ``ranks`` processes, each of which has made ``build(case)`` inside an initialised process group.

    ``build`` is a function of a module: the ranks import it by name. Its step may communicate. The output is that of
    each rank, stacked; tokens are those of all. Traces are recorded in the ranks, and belong to one session.

    Raises:
        Skip: there are not as many devices, or ``build`` skips.
        RanksFailed: a rank did.
    """
    if not dist.is_available():
        raise Skip("this torch is built without torch.distributed")
    if case.device == "cuda" and torch.cuda.device_count() < ranks:
        raise Skip(f"{ranks} ranks need as many CUDA devices, and there are {torch.cuda.device_count()}")
    team = _Team(build, case, ranks)
    return Step(
        team.step,
        team.output,
        tokens=team.tokens,
        rank_traces=team.traces,
        cpu_s=team.cpu_s,
    )


class _Team:
    """The ranks, from the side of the process that measures. They end with it, or when nothing refers to the team."""

    all_used_s: ClassVar[float] = 0.0  # CPU seconds of all teams: a step and its baseline are timed by one clock

    def __init__(self, build: Callable[[Case], Step], case: Case, ranks: int) -> None:
        self._orders = 0
        self._used_s = 0.0  # CPU seconds of these ranks
        self._folder = Path(tempfile.mkdtemp(prefix="tbp-ranks-"))
        self._store = _store(0, is_master=True)
        self._ranks = ranks
        plan = self._folder / "plan.json"
        plan.write_text(json.dumps(_plan(build, case, self._store.port, self._folder)), encoding="utf-8")
        with (self._folder / "output").open("w") as output:
            self._torchrun = subprocess.Popen(
                _command(ranks, plan), stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
        self._end = weakref.finalize(self, _end, self._torchrun, self._folder)
        answers = self._answers()
        if skipped := next((answer["skipped"] for answer in answers if answer["skipped"]), ""):
            self._end()
            raise Skip(skipped)
        tokens = [answer["tokens"] for answer in answers]
        self.tokens = None if None in tokens else sum(tokens)

    def step(self) -> None:
        """One step of all ranks; returns when the last one is done."""
        self._ask(do="step")

    def output(self) -> Tensor:
        """The output of each rank, (ranks, …)."""
        self._ask(do="output")
        return torch.stack([torch.load(self._folder / f"{rank}.pt", weights_only=True) for rank in range(self._ranks)])

    def traces(self, steps: int, facts: Mapping[str, object]) -> Sequence[Path]:
        """A trace of ``steps`` steps by each rank, in their order; plain files, which the caller removes."""
        self._ask(do="trace", steps=steps, facts=facts)
        return [self._folder / f"{rank}.json" for rank in range(self._ranks)]

    @staticmethod
    def cpu_s() -> float:
        """CPU seconds of the ranks of every team of this process, until their newest steps ended."""
        return _Team.all_used_s

    def _ask(self, **order: object) -> None:
        self._orders += 1
        self._store.set(f"order/{self._orders}", json.dumps(order))
        used_s = sum(answer["cpu_s"] for answer in self._answers())
        _Team.all_used_s += used_s - self._used_s
        self._used_s = used_s

    def _answers(self) -> list[dict[str, Any]]:
        """The answer of each rank to the newest order. Raises RanksFailed."""
        keys = [f"answer/{self._orders}/{rank}" for rank in range(self._ranks)]
        end_s = time.monotonic() + ANSWER_S
        while True:
            if self._has(keys):
                return [json.loads(answer) for answer in self._store.multi_get(keys)]
            if self._torchrun.poll() is not None or time.monotonic() > end_s:
                printed = (self._folder / "output").read_text(encoding="utf-8", errors="replace")
                self._end()
                raise RanksFailed(f"the {self._ranks} ranks of a distributed step failed:\n{_first_traceback(printed)}")

    def _has(self, keys: list[str]) -> bool:
        """True once the store has all ``keys``; False where it has not for a while."""
        if self._orders == 0:
            time.sleep(START_S)
            return bool(self._store.check(keys))
        with suppress(dist.DistStoreError):
            self._store.wait(keys, timedelta(seconds=GLANCE_S))
            return True
        return False


def _end(torchrun: subprocess.Popen[bytes], folder: Path) -> None:
    torchrun.terminate()
    try:
        torchrun.wait(STOP_S)
    except subprocess.TimeoutExpired:
        torchrun.kill()
        torchrun.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _store(port: int, is_master: bool) -> TCPStore:
    """The measuring process's store on a free port, or a rank's connection to it."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    return TCPStore(LOCAL, port, is_master=is_master, wait_for_workers=False, timeout=IDLE)


def _command(ranks: int, plan: Path) -> list[str]:
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--local-addr={LOCAL}",
        f"--nproc-per-node={ranks}",
    ]
    return [*torchrun, str(Path(__file__).with_name("rank_process.py")), str(plan)]


def _plan(build: Callable[[Case], Step], case: Case, port: int, folder: Path) -> dict[str, object]:
    """All that a rank needs to build its step as this process would."""
    package = sys.modules.get(build.__module__.partition(".")[0])
    file = getattr(package, "__file__", None) if hasattr(package, "__path__") else None
    return {
        "import_path": sys.path,
        "package_file": file,
        "module": build.__module__,
        "function": build.__qualname__,
        "shape": dict(case.shape),
        "dtype": str(case.dtype).removeprefix("torch."),
        "device": case.device,
        "seed": case.seed,
        "port": port,
        "folder": str(folder),
    }


def _first_traceback(printed: str) -> str:
    """The first traceback of what ranks and torchrun printed, or else the end of it."""
    start = printed.find("Traceback")
    return printed[start : start + MOST_OUTPUT] if start >= 0 else printed[-MOST_OUTPUT:]


def serve(plan: Mapping[str, Any]) -> None:
    """Build the step of this rank and follow orders, until the measuring process is gone."""
    rank = int(os.environ["RANK"])
    case = Case(plan["shape"], getattr(torch, plan["dtype"]), plan["device"], plan["seed"])
    settle()
    _join(case.device)
    store = _store(plan["port"], is_master=False)
    build: Callable[[Case], Step] = getattr(importlib.import_module(plan["module"]), plan["function"])
    try:
        step = build(case)
    except Skip as skip:
        store.set(f"answer/0/{rank}", json.dumps({"skipped": str(skip), "tokens": None}))
        store.get("order/1")  # until the measuring process is gone
        return
    store.set(f"answer/0/{rank}", json.dumps({"skipped": "", "tokens": step.tokens}))
    _follow(step, case, store, rank, Path(plan["folder"]))


def _join(device_name: str) -> None:
    """Enter the process group of all ranks; on CUDA each has a GPU, and NCCL connects them here, not in a sample."""
    if device_name != "cuda":
        dist.init_process_group(BACKENDS[device_name])
        return
    gpu = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(gpu)
    dist.init_process_group(BACKENDS[device_name], device_id=gpu)


def _follow(step: Step, case: Case, store: TCPStore, rank: int, folder: Path) -> None:
    on = device(case.device)
    number = 0
    while True:
        number += 1
        try:
            order = json.loads(store.get(f"order/{number}"))
        except dist.DistError:  # the measuring process is gone; if it was killed, its folder is left
            shutil.rmtree(folder, ignore_errors=True)
            return
        if order["do"] == "step":
            step.run()
            on.synchronise()
        elif order["do"] == "output":
            torch.save(step.output().cpu(), folder / f"{rank}.pt")
        else:
            export_profile(folder / f"{rank}.json", step.run, on, order["steps"], order["facts"])
        store.set(f"answer/{number}/{rank}", json.dumps({"cpu_s": time.process_time()}))
