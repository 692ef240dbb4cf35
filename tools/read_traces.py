"""How long a trace file takes to become an operator table, in every layout of its JSON, beside peers in the same run.

    python tools/read_traces.py [--mb 100] [--layout NAME]... [--rounds 3] [--from TRACE] [--peer PYTHON]...

Real events, recorded here (seeded; training steps with shapes and memory) or taken from TRACE, are repeated to the
size. Every reader has a process of its own, with its imports done before the clock starts, so that CPU time and peak
memory are its own; the file is in the page cache for all. The readers take turns, and of each the fastest round is
shown. Beside tbp run json + pandas, and msgspec leaving every event as text, which is about the least that reading
JSON takes. ``--peer`` names a Python that has HolisticTraceAnalysis, traceinsight (both are the package ``hta``, so
one each) or torch-tb-profiler; they read the profiler's own layout, once.

Targets for 100 MB in any layout: 1.3 CPU s and 150 MB peak; 2.5 × faster than json + pandas, 8 × faster than HTA and
torch-tb-profiler. At last, from the same recording: from the profiler's stop to a table, by ``key_averages()`` and by
exporting the trace and reading it here; target 1/8.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import subprocess
import tempfile
import time
from pathlib import Path

from own_process import Read, Reading, measure, reading
from trace_files import AS_RECORDED, LAYOUTS, recorded, repeated

NAIVE = "json + pandas"
OURS = "tbp"
FLOOR = "msgspec, events as text"
PEERS = {"HolisticTraceAnalysis": "hta", "traceinsight": "hta", "torch-tb-profiler": "torch_tb_profiler"}
STOP_STEPS = 60  # about 40,000 events


def tbp() -> Read:
    from tbp.traces.operators.operators import whole_trace_table
    from tbp.traces.reading.read import read_trace

    return lambda path: len(whole_trace_table(read_trace(path)).frame)


def json_and_pandas() -> Read:
    import pandas as pd

    return lambda path: len(pd.DataFrame(json.loads(path.read_bytes())["traceEvents"]))


def events_as_text() -> Read:
    import msgspec

    document, events = (msgspec.json.Decoder(kind) for kind in (dict[str, msgspec.Raw], list[msgspec.Raw]))
    return lambda path: len(events.decode(document.decode(path.read_bytes())["traceEvents"]))


def hta() -> Read:
    """A reader that parses with HTA and builds its call stacks, from which its self times come."""
    from hta.common.trace import Trace

    def read(path: Path) -> int:
        trace = Trace({0: str(path)}, str(path.parent))
        trace.load_traces(include_last_profiler_step=True, use_multiprocessing=False)
        return len(trace.get_trace(0))

    return read


def torch_tb_profiler() -> Read:
    from torch_tb_profiler.profiler.data import RunProfileData

    def read(path: Path) -> int:
        profile = RunProfileData.from_json("worker", "1", json.loads(path.read_bytes()))
        return len(profile.op_list_groupby_name)

    return read


READERS = {OURS: tbp, NAIVE: json_and_pandas, FLOOR: events_as_text, "hta": hta, "torch_tb_profiler": torch_tb_profiler}


def line(label: str, readings: list[Reading | str], ours_s: float) -> None:
    """Print the fastest reading of one reader."""
    good = [each for each in readings if isinstance(each, Reading)]
    if not good:
        print(f"  {label:30}{readings[0]}", flush=True)
        return
    best = min(good, key=lambda each: each.cpu_s)
    figures = f"{best.rows:>9}{best.wall_s:>8.2f}{best.cpu_s:>8.2f}{best.imports_mib:>11.0f}{best.peak_mib:>9.0f}"
    print(f"  {label:30}{figures}{best.cpu_s / ours_s:>10.1f} ×", flush=True)


def installed(python: str) -> list[tuple[str, str]]:
    """(distribution with its version, reader) of the peers that a Python has."""
    code = f"import importlib.metadata as m; print([(d.metadata['Name'], d.version) for d in m.distributions() if d.metadata['Name'] in {list(PEERS)}])"  # noqa: E501
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return [(f"{name} {version}", PEERS[name]) for name, version in sorted(set(ast.literal_eval(done.stdout)))]


def compare(path: Path, rounds: int, peers: list[str]) -> None:
    """Print what every reader needs for one file."""
    names = (OURS, NAIVE, FLOOR)
    turns = [[reading(__file__, name, path) for name in names] for _ in range(rounds)]
    ours_s = min((turn[0].cpu_s for turn in turns if isinstance(turn[0], Reading)), default=math.nan)
    for number, name in enumerate(names):
        line(name, [turn[number] for turn in turns], ours_s)
    for python in peers:
        for label, reader in installed(python):
            line(label, [reading(__file__, reader, path, python)], ours_s)


def stop_to_table(folder: Path) -> None:
    """Prints the time from the profiler's stop, which costs both the same, to a table of operators."""
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
    parser.add_argument("--mb", type=float, default=100.0)
    parser.add_argument("--layout", action="append", choices=[AS_RECORDED, *LAYOUTS], help="all of them by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--from", dest="source", type=Path, help="a trace to repeat; without it one is recorded")
    parser.add_argument("--peer", action="append", default=[], help="a Python with a peer installed")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        reader, path = arguments.measure
        measure(READERS[reader](), Path(path))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = arguments.source or recorded(folder / "once.json")
        print(f"{'':32}{'rows':>9}{'wall s':>8}{'CPU s':>8}{'imports MB':>11}{'peak MB':>9}{'CPU ratio':>12}")
        for layout in arguments.layout or [AS_RECORDED, *LAYOUTS]:
            path = repeated(source, folder / "trace.json", arguments.mb, layout)
            print(f"{layout}, {path.stat().st_size / 1e6:.0f} MB")
            compare(path, arguments.rounds, arguments.peer if layout == AS_RECORDED else [])
        stop_to_table(folder)


if __name__ == "__main__":
    main()
