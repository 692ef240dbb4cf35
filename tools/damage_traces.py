"""Events that one damaged byte costs, and whether the reader tells how many: random deletions and insertions.

    python tools/damage_traces.py [--events 20000] [--damages 500] [--layout NAME]... [--seed 0] [--from TRACE]

Real events, recorded here (seeded) or taken from TRACE, are written in each layout of ``trace_files``. Every damage is
a file of its own: one byte deleted, or one put in, at a random position. Lost events are those of the whole file that
were not read; told ones are those that ``Trace.loss`` counts. The copy that `tbp export` makes has to hold as many: it
is made of every tenth file.

Targets: a median of at most 2 lost events, at most 50 in the worst case, and told within a tenth of the lost.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from pathlib import Path

import msgspec
from trace_files import AS_RECORDED, LAYOUTS, recorded, repeated

from tbp.errors import UnreadableTrace
from tbp.traces.reading.read import read_texts, read_trace

# Half of what is put in is JSON's punctuation: any other byte in a string damages nothing.
PUT_IN = b'{}[]",:\\' * 4 + bytes(range(32, 64))
COPIED_EACH = 10  # a copy takes five times as long as reading
EVENT_BYTES = 400  # of text, at most, of a recorded event; the whole file is cut to the wanted number


def text_of(source: Path, events: int, layout: str, folder: Path) -> bytes:
    """The first ``events`` timed events of ``source``, repeated if need be, in ``layout``."""
    path = repeated(source, folder / "whole.json", events * EVENT_BYTES / 1e6, AS_RECORDED)
    document = json.loads(path.read_bytes())
    timed = [event for event in document["traceEvents"] if event["ph"] == "X"][:events]
    if layout == AS_RECORDED:
        inside = ",\n".join("  " + json.dumps(event)[:-1] + "\n  }" for event in timed)
    else:
        inside = LAYOUTS[layout](timed)
    head = json.dumps({"schemaVersion": 1, "record_shapes": 1})[:-1]
    return f'{head}, "traceEvents": [\n{inside}\n  ],\n  "traceName": "whole.json"\n}}\n'.encode()


def damaged(chance: random.Random, text: bytes) -> bytes:
    at = chance.randrange(len(text))
    if chance.random() < 0.5:
        return text[:at] + text[at + 1 :]
    return text[:at] + bytes([chance.choice(PUT_IN)]) + text[at:]


class Timed(msgspec.Struct):
    """The part of a copied event by which it is counted."""

    ph: str = ""


def lost_and_told(path: Path, events: int, *, is_copied: bool) -> tuple[int, int, bool]:
    """(events lost, events told as lost, whether a copy holds as many); a refused file loses all and tells it."""
    try:
        trace = read_trace(path)
    except UnreadableTrace:
        return events, events, True
    loss = trace.loss
    counted = loss.unreadable + loss.untimed + loss.misplaced + loss.doubled
    return events - len(trace), counted, not is_copied or copied(path) >= len(trace)


def copied(path: Path) -> int:
    """The timed events of a copy of the file."""
    texts: list[bytes] = []
    read_texts(path, texts.extend)
    decode = msgspec.json.Decoder(Timed).decode
    return sum(decode(text).ph == "X" for text in texts)


def measure(layout: str, text: bytes, events: int, damages: int, seed: int, folder: Path) -> None:
    """Print what the damages of one layout cost."""
    path = folder / "damaged.json"
    outcomes = []
    for number in range(damages):
        path.write_bytes(damaged(random.Random(f"{seed}/{number}"), text))
        outcomes.append(lost_and_told(path, events, is_copied=number % COPIED_EACH == 0))
    losses = [lost for lost, _, _ in outcomes]
    untrue = [number for number, (lost, counted, _) in enumerate(outcomes) if abs(counted - lost) > 0.1 * lost]
    fewer = sum(not copied for _, _, copied in outcomes)
    some = sum(lost > 0 for lost in losses)
    print(
        f"{layout:18}{len(text) / 1e6:6.1f} MB{some:6} lose some; lost: median {statistics.median(losses):g}, "
        f"worst {max(losses):,}; told falsely: {len(untrue)} {untrue[:5]}; fewer in the copy: {fewer}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--damages", type=int, default=500)
    parser.add_argument("--layout", action="append", choices=[AS_RECORDED, *LAYOUTS], help="all of them by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", dest="source", type=Path, help="a trace to repeat; without it one is recorded")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = arguments.source or recorded(folder / "once.json")
        for layout in arguments.layout or [AS_RECORDED, *LAYOUTS]:
            text = text_of(source, arguments.events, layout, folder)
            measure(layout, text, arguments.events, arguments.damages, arguments.seed, folder)


if __name__ == "__main__":
    main()
