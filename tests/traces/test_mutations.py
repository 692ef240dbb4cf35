"""Real small traces with random damage, 1,000 times: read or refused, never another exception, never long.

Every case is made of its own number, so a failure names what to run again.
"""

import gzip
import random
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tbp.errors import UnreadableTrace
from tbp.traces.devices.ranks import rank_of, runs
from tbp.traces.differences.difference import difference
from tbp.traces.operators.operators import whole_trace_table
from tbp.traces.reading.read import read_trace

CASES = 1_000
HANGS_AFTER_S = 60  # a case takes 0.04; no measure of speed, only of an end

NAMES = (
    "a100/old-category-names.json.gz",
    "triton/triton_example.json.gz",
    "cpu/rank-34.Jul_15_10_52_41.1074.pt.trace.json.gz",
    "mi250/mi250_minitoy_train_ROCm6_2_kineto.json.gz",
    "a100/alexnet.json.gz",
)
TOKENS = (
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"NaN",
    b"N/A", b"null", b"true", b"{}", b"[]", b"-1", b"1e400", b"9" * 30, b"-Infinity", b'"x"', b"[[1e99]]", b'["[["]',
    b"\\ud800", b'"traceEvents": [', b'"dur": -5', b'"args": 3', b'"External id": 99999999999999999999',
)  # fmt: skip
VALUES = re.compile(
    rb'"(ts|dur|args|name|cat|pid|tid|ph|External id|correlation|Input Dims|Concrete Inputs|bytes|traceEvents|'
    rb'world_size|rank)"\s*:\s*'
)


def damaged(chance: random.Random, whole: bytes) -> bytes:
    """Some bytes changed, cut out, put in, repeated, or the value of a key replaced."""
    data = bytearray(whole)
    for _ in range(chance.choice((1, 1, 2, 3, 8, 30))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.choice((1, 2, 10, 100, 5000))]
            case 2:
                data[at:at] = chance.choice(TOKENS)
            case 3:
                start = chance.randrange(len(data) + 1)
                data[at:at] = data[start : start + chance.choice((1, 10, 100, 1000))]
            case 4 if chance.random() < 0.2:
                del data[at:]
            case _:
                if found := VALUES.search(data, at):
                    data[found.end() : found.end()] = chance.choice(TOKENS) + chance.choice((b"", b', "q": '))
    return bytes(data)


@contextmanager
def ending(case: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        pytest.fail(f"case {case} does not end")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS_AFTER_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


@pytest.mark.slow
def test_damage_to_real_traces_is_read_or_refused(recordings: Path, tmp_path: Path) -> None:
    packed = [(recordings / name).read_bytes() for name in NAMES]
    wholes = [*packed, *map(gzip.decompress, packed), *map(gzip.decompress, packed)]
    path = tmp_path / "damaged.json"
    outcomes = {"read": 0, "read with a loss": 0, "refused": 0}
    for case in range(CASES):
        chance = random.Random(case)
        path.write_bytes(damaged(chance, chance.choice(wholes)))
        with ending(case):
            try:
                trace = read_trace(path)
                rank = rank_of(path, trace)
                whole_trace_table(trace)
                runs([rank])
                result = difference([rank.session], [rank.session])
                assert result.delta_us == 0, case
                assert not result.rows["certain"].any(), case
                outcomes["read with a loss" if trace.losses else "read"] += 1
            except UnreadableTrace:
                outcomes["refused"] += 1
    # Every way out is taken often, so that none is tested by chance only.
    assert min(outcomes.values()) >= CASES // 20, outcomes
