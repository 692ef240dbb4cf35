"""How long a trace file takes to become an operator table, beside peers in the same run.

    python tools/read_traces.py [--mb 100 500] [--from TRACE] [--peer PYTHON]... [--keep DIR]

Real events, recorded here (seeded; training steps with shapes and memory) or taken from TRACE, are repeated to each
size. Every reader has a process of its own, with its imports done before the clock starts, so that CPU time and peak
memory are its own; the file is in the page cache for all. ``--peer`` names a Python that has HolisticTraceAnalysis,
traceinsight (both are the package ``hta``, so one each) or torch-tb-profiler; json + pandas needs none. Peers read
the smallest size only. Targets: 100 MB in 1.2 CPU s and 150 MB peak, 500 MB in 300 MB; 8 × faster than HTA and
torch-tb-profiler, 2.5 × faster than json + pandas.

At last, from the same recording: from the profiler's stop to a table, by ``key_averages()`` and by exporting the
trace and reading it here; target 1/8.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from trace_files import recorded, repeated

NAIVE = "json + pandas"
OURS = "tbp"
PEERS = {"HolisticTraceAnalysis": "hta", "traceinsight": "hta", "torch-tb-profiler": "torch_tb_profiler"}
STOP_STEPS = 60  # about 40,000 events


def tbp() -> Callable[[Path], int]:
    from tbp.traces.operators.operators import operator_table
    from tbp.traces.reading.read import read_trace

    return lambda path: len(operator_table(read_trace(path)).frame)


def json_and_pandas() -> Callable[[Path], int]:
    import pandas as pd

    return lambda path: len(pd.DataFrame(json.loads(path.read_bytes())["traceEvents"]))


def hta() -> Callable[[Path], int]:
    """Parsed and its call stacks built, which is where its self times come from."""
    from hta.common.trace import Trace

    def read(path: Path) -> int:
        trace = Trace({0: str(path)}, str(path.parent))
        trace.load_traces(include_last_profiler_step=True, use_multiprocessing=False)
        return len(trace.get_trace(0))

    return read


def torch_tb_profiler() -> Callable[[Path], int]:
    from torch_tb_profiler.profiler.data import RunProfileData

    def read(path: Path) -> int:
        profile = RunProfileData.from_json("worker", "1", json.loads(path.read_bytes()))
        return len(profile.op_list_groupby_name)

    return read


READERS = {OURS: tbp, NAIVE: json_and_pandas, "hta": hta, "torch_tb_profiler": torch_tb_profiler}


def measure(reader: str, path: Path) -> None:
    read = READERS[reader]()
    base_mib = peak_mib()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    rows = read(path)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    print(json.dumps([rows, wall_s, cpu_s, base_mib, peak_mib()]))


def peak_mib() -> float:
    """Of this process; ru_maxrss would be at least that of the process which started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def line(label: str, python: str, reader: str, path: Path, ours_s: float = math.nan) -> float:
    """Print one reader's line; gives its CPU time."""
    command = [python, __file__, "--measure", reader, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{label:32}{(done.stderr.strip().splitlines() or ['failed'])[-1][:80]}", flush=True)
        return math.nan
    rows, wall_s, cpu_s, base_mib, peak_mib = json.loads(done.stdout.splitlines()[-1])
    ratio = f"{cpu_s / ours_s:>10.1f} ×" if math.isfinite(ours_s) else ""
    print(f"{label:32}{rows:>9}{wall_s:>8.2f}{cpu_s:>8.2f}{base_mib:>10.0f}{peak_mib:>10.0f}{ratio}", flush=True)
    return float(cpu_s)


def installed(python: str) -> list[tuple[str, str]]:
    """(distribution with its version, reader) of the peers that a Python has."""
    code = f"import importlib.metadata as m; print([(d.metadata['Name'], d.version) for d in m.distributions() if d.metadata['Name'] in {list(PEERS)}])"  # noqa: E501
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return [(f"{name} {version}", PEERS[name]) for name, version in sorted(set(eval(done.stdout)))]


def compare(folder: Path, sizes_mb: list[float], source: Path | None, peers: list[str]) -> None:
    source = source or recorded(folder / "once.json")
    for number, size_mb in enumerate(sorted(sizes_mb)):
        path = repeated(source, folder / f"{size_mb:.0f}.json", size_mb)
        print(f"\n{path.stat().st_size / 1e6:.0f} MB of JSON, {source.name}")
        print(f"{'':32}{'rows':>9}{'wall s':>8}{'CPU s':>8}{'import MB':>10}{'peak MB':>10}{'CPU ratio':>12}")
        ours_s = min(line(OURS, sys.executable, OURS, path) for _ in range(3))
        if number == 0:
            line(NAIVE, sys.executable, NAIVE, path, ours_s)
            for python in peers:
                for label, reader in installed(python):
                    line(label, python, reader, path, ours_s)
        path.unlink()


def stop_to_table(folder: Path) -> None:
    """From the profiler's stop, which costs both the same, to a table of operators."""
    import torch

    from tbp.traces.operators.operators import whole_trace_table
    from tbp.traces.reading.read import read_trace

    model = torch.nn.TransformerEncoderLayer(32, 2, 64, batch_first=True)
    optimizer = torch.optim.AdamW(model.parameters())
    x_BSD = torch.randn(2, 8, 32)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        for _ in range(STOP_STEPS):
            optimizer.zero_grad()
            model(x_BSD).sum().backward()
            optimizer.step()
    path = folder / "stopped.json"
    started_s = time.process_time()
    profiler.export_chrome_trace(str(path))
    exported_s = time.process_time()
    ours = whole_trace_table(read_trace(path))
    read_s = time.process_time()
    theirs = profiler.key_averages()
    ended_s = time.process_time()
    print(f"\nstop → operator table, CPU s: {len(profiler.events())} events, {len(ours.frame)} and {len(theirs)} rows")
    print(f"export {exported_s - started_s:.3f} + tbp {read_s - exported_s:.3f}, key_averages {ended_s - read_s:.3f}")
    print(
        f"key_averages ÷ tbp = {(ended_s - read_s) / (read_s - exported_s):.1f}, "
        f"÷ (export + tbp) = {(ended_s - read_s) / (read_s - started_s):.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, nargs="+", default=[100.0, 500.0])
    parser.add_argument("--from", dest="source", type=Path, help="a trace to repeat; without it one is recorded")
    parser.add_argument("--peer", action="append", default=[], help="a Python with a peer installed")
    parser.add_argument("--keep", type=Path, help="folder to work in instead of a temporary one")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure[0], Path(arguments.measure[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        compare(folder, arguments.mb, arguments.source, arguments.peer)
        stop_to_table(folder)


if __name__ == "__main__":
    main()
