"""Large trace files for the measurements here: real events, recorded or taken from a file, repeated later in time.

    python tools/trace_files.py OUT --mb 100 [--from TRACE]

Each repetition moves the times on and gives the ids and step numbers of its own, so that nothing is an event twice;
the text is the profiler's own, space for space.
"""

from __future__ import annotations

import argparse
import gzip
import re
from pathlib import Path

SHIFTED = re.compile(
    rb'"ts": (?P<ts>\d+)|"(?P<key>[Ee]xternal id|correlation|id)": (?P<id>\d+)|ProfilerStep#(?P<step>\d+)'
)
EVENTS = re.compile(rb'"traceEvents": \[\s*')
GAP_US = 1000


def recorded(path: Path, steps: int = 20, seed: int = 0) -> Path:
    """Trace training steps of a small encoder and a convolution with shapes and memory."""
    import torch
    from torch.profiler import ProfilerActivity, profile, schedule

    torch.manual_seed(seed)
    model = torch.nn.TransformerEncoderLayer(32, 2, 64, batch_first=True)
    convolution = torch.nn.Conv2d(3, 4, 3)
    optimizer = torch.optim.AdamW([*model.parameters(), *convolution.parameters()])
    x_BSD, image_BCHW = torch.randn(2, 8, 32), torch.randn(2, 3, 16, 16)
    with profile(
        activities=[ProfilerActivity.CPU],
        schedule=schedule(wait=0, warmup=1, active=steps, repeat=1),
        record_shapes=True,
        profile_memory=True,
        acc_events=True,
    ) as profiler:
        for _ in range(steps + 1):
            optimizer.zero_grad()
            (model(x_BSD).sum() + convolution(image_BCHW).sum()).backward()
            optimizer.step()
            profiler.step()
    profiler.export_chrome_trace(str(path))
    return path


def repeated(source: Path, target: Path, size_mb: float) -> Path:
    """``source`` as often as makes ``size_mb`` of text, at least once."""
    data = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
    found = EVENTS.search(data)
    if not found:
        raise SystemExit(f"{source} has no traceEvents")
    head, rest = data[: found.end()], data[found.end() :]
    end = rest.rindex(b"]")
    events, tail = rest[:end].rstrip(), rest[end:]
    hits = list(SHIFTED.finditer(events))
    times_us = [int(hit["ts"]) for hit in hits if hit["ts"] and int(hit["ts"]) < 2**62 // 1000]
    middle_us = sorted(times_us)[len(times_us) // 2]
    near_us = [time_us for time_us in times_us if abs(time_us - middle_us) < 600e6]  # not "Record Window End": 2^63
    span_us = max(near_us) - min(near_us) + GAP_US
    ids = max((int(hit["id"]) for hit in hits if hit["id"] and int(hit["id"]) < 2**40), default=0) + 1
    steps = len({hit["step"] for hit in hits if hit["step"]})

    def shift(hit: re.Match[bytes], by: int) -> bytes:
        if hit["ts"]:
            return b'"ts": %d' % (int(hit["ts"]) + by * span_us)
        if hit["id"]:
            return b'"%b": %d' % (hit["key"], int(hit["id"]) + by * ids)
        return b"ProfilerStep#%d" % (int(hit["step"]) + by * steps)

    with target.open("wb") as file:
        file.write(head)
        for by in range(max(1, round(size_mb * 1e6 / len(events)))):
            file.write(b",\n  " if by else b"")
            file.write(SHIFTED.sub(lambda hit, by=by: shift(hit, by), events))  # type: ignore[misc]
        file.write(b"\n  " + tail)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mb", type=float, default=100.0)
    parser.add_argument("--from", dest="source", type=Path, help="a trace to repeat; without it one is recorded")
    arguments = parser.parse_args()
    source = arguments.source or recorded(arguments.out.with_suffix(".once.json"))
    repeated(source, arguments.out, arguments.mb)


if __name__ == "__main__":
    main()
