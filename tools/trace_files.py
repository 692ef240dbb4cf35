"""Large trace files for the measurements here: real events, recorded or taken from a file, repeated later in time.

    python tools/trace_files.py OUT --mb 100 [--from TRACE] [--layout NAME]

Each repetition moves the times on and gives the ids and step numbers of its own, so that nothing is an event twice.
The text is the profiler's own, space for space, or the same events in another layout of ``LAYOUTS``.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SHIFTED = re.compile(
    rb'"ts": (?P<ts>\d+)|"(?P<key>[Ee]xternal id|correlation|id)": (?P<id>\d+)|ProfilerStep#(?P<step>\d+)'
)
EVENTS = re.compile(rb'"traceEvents": \[\s*')
GAP_US = 1000

AS_RECORDED = "as recorded"
_LIKE_EVENTS = {"stack": [{"ph": "X", "name": '}, {"ph": "X"'}, {"ph": "X", "ts": 1}], "note": "}, {"}


def _items(events: list[dict[str, Any]], **style: Any) -> str:
    return json.dumps(events, **style)[1:-1]


def _in_any_order(event: dict[str, Any]) -> dict[str, Any]:
    keys = list(event)
    random.Random(event.get("ts", 0)).shuffle(keys)
    return {key: event[key] for key in keys}


# Of the same events: the texts that others write, and what makes it hard to tell where an event ends.
LAYOUTS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "one line": lambda events: _items(events, separators=(",", ":")),
    "an event a line": lambda events: ",\n".join(map(json.dumps, events)),
    "pretty": lambda events: _items(events, indent=2),
    "far in": lambda events: _items(events, indent=" " * 12),
    "args first": lambda events: _items(
        [{"args": event.get("args", {}), **event} for event in events], separators=(",", ":")
    ),
    "any order": lambda events: _items([_in_any_order(event) for event in events], indent=1),
    "lists like events": lambda events: _items(
        [{**event, "args": event.get("args", {}) | _LIKE_EVENTS} for event in events], separators=(",", ":")
    ),
}


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


def repeated(source: Path, target: Path, size_mb: float, layout: str = AS_RECORDED) -> Path:
    """``source`` as often as makes ``size_mb`` of text, at least once."""
    data = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
    start = EVENTS.search(data)
    if not start:
        raise SystemExit(f"{source} has no traceEvents")
    head, rest = data[: start.end()], data[start.end() :]
    end = rest.rindex(b"]")
    events, tail = rest[:end].rstrip(), rest[end:]
    with target.open("wb") as file:
        file.write(head)
        for text in _repetitions(events):
            file.write(b",\n  " if file.tell() > len(head) else b"")
            file.write(text if layout == AS_RECORDED else LAYOUTS[layout](json.loads(b"[" + text + b"]")).encode())
            if file.tell() + len(tail) > size_mb * 1e6:
                break
        file.write(b"\n  " + tail)
    return target


def _repetitions(events: bytes) -> Iterator[bytes]:
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

    for by in itertools.count():
        yield SHIFTED.sub(lambda hit, by=by: shift(hit, by), events)  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mb", type=float, default=100.0)
    parser.add_argument("--from", dest="source", type=Path, help="a trace to repeat; without it one is recorded")
    parser.add_argument("--layout", choices=[AS_RECORDED, *LAYOUTS], default=AS_RECORDED)
    arguments = parser.parse_args()
    source = arguments.source or recorded(arguments.out.with_suffix(".once.json"))
    repeated(source, arguments.out, arguments.mb, arguments.layout)


if __name__ == "__main__":
    main()
