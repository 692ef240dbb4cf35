"""How well the operator table agrees with torch's own ``key_averages()``, on random small programs in every mode.

    python tools/random_programs.py [--programs 200] [--seed 0]

Each program is a few steps of random operators, nested annotations, modules, backward passes and optimizers, on one to
three threads, recorded in one of the modes of ``MODES``, with steps or without. Operators, calls and self CPU time must
be equal to the nanosecond. A difference is printed with the seed of its program, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function, schedule

from tbp.traces.operators.operators import whole_trace_table
from tbp.traces.reading.read import read_trace

MODES: dict[str, dict[str, bool]] = {
    "bare": {},
    "shapes": {"record_shapes": True},
    "memory": {"profile_memory": True},
    "stack": {"with_stack": True},
    "modules": {"with_modules": True},
    "flops": {"with_flops": True},
    "all": dict.fromkeys(("record_shapes", "profile_memory", "with_stack", "with_modules", "with_flops"), True),
}
EXACT_US = 0.002  # two ns: both sides add up the same whole ns, torch in float µs

_ADDRESS = re.compile(r"\s*(?:\bat\s+)?\b0x[0-9a-fA-F]+\b")
_STEP = re.compile(r"ProfilerStep[#*].*")
_LINE = re.compile(r"\(#?\d+\)(?=: )")  # of a Python function: the table numbers those of one name in their order

Part = Callable[[torch.Tensor], torch.Tensor]
Rows = dict[str, tuple[float, float]]  # calls and self CPU time in µs, by name


def program(seed: int) -> Callable[[], object]:
    """One step of a random program; always the same one for a seed."""
    choice = random.Random(seed)
    torch.manual_seed(seed)
    width = choice.choice((4, 8, 16))
    parts = [_part(choice, width, depth=2) for _ in range(choice.randint(1, 6))]
    model = nn.Sequential(nn.Linear(width, width), choice.choice((nn.ReLU, nn.GELU, nn.Tanh))())
    optimizer = choice.choice((torch.optim.SGD, torch.optim.AdamW))(model.parameters(), lr=1e-3)
    x = torch.randn(choice.randint(1, 5), width)
    trains = choice.random() < 0.5

    def step() -> None:
        y = x
        for part in parts:
            y = part(y)
        if trains:
            optimizer.zero_grad()
            model(y).sum().backward()
            optimizer.step()

    return step


def _part(choice: random.Random, width: int, depth: int) -> Part:
    matrix, module = torch.randn(width, width), nn.LayerNorm(width)
    simple: list[Part] = [
        lambda x: x @ matrix,
        lambda x: torch.relu(x).add(1),
        lambda x: torch.softmax(x, -1),
        lambda x: torch.cat([x, x]).mean(0, keepdim=True).expand(2, width),
        lambda x: module(x).detach(),
        lambda x: x.t().contiguous().t(),
        lambda x: x[: max(int((x.sum() > 0).item()), 1)],
    ]
    if depth == 0 or choice.random() < 0.6:
        return choice.choice(simple)
    inner = [_part(choice, width, depth - 1) for _ in range(choice.randint(1, 3))]
    name = choice.choice(("block", "layer", "aten::mm", "forward"))

    def annotated(x: torch.Tensor) -> torch.Tensor:
        with record_function(name):
            for part in inner:
                x = part(x)
        return x

    return annotated


def difference(seed: int, mode: str, *, has_steps: bool, threads: int, folder: Path) -> list[str]:
    """The differences between both tables of one recorded program, a line each; empty where they are equal."""
    steps = [program(seed * 10 + thread) for thread in range(threads)]
    path, tables = folder / "trace.json", []

    def keep(profiler: Any) -> None:
        profiler.export_chrome_trace(str(path))
        tables.append(_torch_rows(profiler))

    every_thread = torch._C._profiler._ExperimentalConfig(profile_all_threads=threads > 1)
    with profile(
        activities=[ProfilerActivity.CPU],
        schedule=schedule(wait=0, warmup=1, active=2, repeat=1) if has_steps else None,
        on_trace_ready=keep,
        experimental_config=every_thread,
        **MODES[mode],  # type: ignore[arg-type]
    ) as profiler:
        for _ in range(3):
            running = [threading.Thread(target=step) for step in steps[1:]]
            for thread in running:
                thread.start()
            steps[0]()
            for thread in running:
                thread.join()
            if has_steps:
                profiler.step()
    (theirs,) = tables
    return list(_lines(_rows(whole_trace_table(read_trace(path)).frame), theirs))


def _torch_rows(profiler: Any) -> Rows:
    """torch's table; "[memory]" has no time and is no timed event of the file."""
    events = [event for event in profiler.key_averages() if event.key != "[memory]"]
    return _added((event.key, event.count, event.self_cpu_time_total) for event in events)


def _rows(frame: Any) -> Rows:
    return _added(frame[["operator", "calls", "self_us"]].itertuples(index=False, name=None))


def _added(rows: Any) -> Rows:
    calls: dict[str, float] = defaultdict(float)
    self_us: dict[str, float] = defaultdict(float)
    for name, count, time_us in rows:
        comparable = _LINE.sub("", _STEP.sub("ProfilerStep", _ADDRESS.sub("", name)))
        calls[comparable] += count
        self_us[comparable] += time_us
    return {name: (calls[name], self_us[name]) for name in calls}


def _lines(ours: Rows, theirs: Rows) -> list[str]:
    lines = [f"only in one of both: {name}" for name in sorted(ours.keys() ^ theirs.keys())]
    for name in sorted(ours.keys() & theirs.keys()):
        (calls, self_us), (their_calls, their_self_us) = ours[name], theirs[name]
        if calls != their_calls or abs(self_us - their_self_us) > EXACT_US:
            lines.append(f"{name}: {calls:g} calls, {self_us:.3f} µs; torch {their_calls:g}, {their_self_us:.3f} µs")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first program")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recorded: Counter[str] = Counter()
    unequal: Counter[str] = Counter()
    kinds = itertools.cycle(itertools.product(MODES, (True, False), (1, 2, 3)))
    with tempfile.TemporaryDirectory() as folder:
        for seed, (mode, has_steps, threads) in zip(
            range(arguments.seed, arguments.seed + arguments.programs), kinds, strict=False
        ):
            lines = difference(seed, mode, has_steps=has_steps, threads=threads, folder=Path(folder))
            recorded[mode] += 1
            unequal[mode] += bool(lines)
            for line in lines:
                print(f"seed {seed}, {mode}, {'steps' if has_steps else 'no steps'}, {threads} threads: {line}")
    for mode, number in recorded.items():
        print(f"{mode:8} {number:4} programs, {unequal[mode]} unlike key_averages()")
    return 1 if unequal.total() else 0


if __name__ == "__main__":
    sys.exit(main())
