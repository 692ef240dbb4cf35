"""Files made to exhaust memory or time are refused in one line, inside a process that is not allowed much of either.

Each is read by a process of its own with hard limits on address space and CPU time (RLIMIT_AS, RLIMIT_CPU), so that a
bound that does not hold kills it instead of slowing the tests down.
"""

import gzip
import importlib.util
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbp.traces.devices.ranks import rank_of, runs
from tbp.traces.reading import packing
from tbp.traces.reading.loss import Tally
from tbp.traces.reading.read import read_trace

# The imports take 0.75 GB of address space, mostly the BLAS library's and none of it resident; the rest is for reading.
ADDRESS_SPACE_BYTES = 1_300 << 20
CPU_S = 20
RESIDENT_MIB = 310  # beside the imports, which pyarrow makes larger; also of the most events that fit the limits here

READ = """
import sys
from pathlib import Path
from tbp.errors import UnreadableTrace
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace

def mib(of):
    return int(Path("/proc/self/status").read_text().split(of + ":")[1].split()[0]) // 1024

imported = mib("VmRSS")
try:
    trace = read_trace(sys.argv[1])
    print("read", len(trace), len(session(trace).table.frame), *trace.losses, sep="|", end="|")
except UnreadableTrace as error:
    print("refused", error, sep="|", end="|")
print(mib("VmHWM") - imported)
"""

HEAD, TAIL = b'{"traceEvents": [', b"]}"
EVENT = b'{"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": %d, "dur": 1, "args": {}}'


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))


def read_within_limits(path: Path) -> str:
    """What came of it: "read|…" or "refused|…"; fails the test if the limits were met."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False, preexec_fn=limit,
        env={"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said, _, peak_mib = done.stdout.strip().rpartition("|")
    assert int(peak_mib) <= RESIDENT_MIB
    return said


def written(path: Path, parts: Iterator[bytes]) -> Path:
    with gzip.open(path, "wb", 6) if path.suffix == ".gz" else path.open("wb") as file:
        for part in parts:
            file.write(part)
    return path


def bomb_of_spaces() -> Iterator[bytes]:
    yield HEAD
    for _ in range(400):
        yield b" " * (1 << 20)
    yield TAIL


def bomb_of_events() -> Iterator[bytes]:
    yield HEAD + EVENT % 0
    for _ in range(100):
        yield (b"," + EVENT % 1) * 10_000
    yield TAIL


def bomb_in_events() -> Iterator[bytes]:
    """Each event is shorter than the longest one allowed, so that only the ratio tells."""
    yield HEAD + EVENT % 0
    for number in range(50):
        yield b"," + (EVENT % number)[:-1] + b" " * (8 << 20) + b"}"
    yield TAIL


def bomb_in_the_head() -> Iterator[bytes]:
    yield b'{"note": "'
    for _ in range(200):
        yield b"x" * (1 << 20)
    yield b'", "traceEvents": []}'


def many_heads() -> Iterator[bytes]:
    """The key of the list, again and again, each inside the value of the one before."""
    yield b'{"a": {"traceEvents": 1, ' * 600_000


def gigantic_name() -> Iterator[bytes]:
    yield HEAD + b'{"ph": "X", "name": "'
    for _ in range(300):
        yield b"x" * (1 << 20)
    yield b'", "ts": 1, "dur": 1}' + TAIL


def gigantic_braces() -> Iterator[bytes]:
    """A string of what looks like the start of events, as often as fits."""
    yield HEAD + b'{"ph": "X", "name": "'
    for _ in range(100):
        yield b"},{'" * (1 << 18)
    yield b'", "ts": 1, "dur": 1}' + TAIL


def many_names(key: bytes) -> Callable[[], Iterator[bytes]]:
    def parts() -> Iterator[bytes]:
        yield HEAD + EVENT % 0
        for low in range(0, 3_000_000, 10_000):
            yield b"".join(b',{"ph":"X","ts":1,"dur":1,"%b":"%d"}' % (key, n) for n in range(low, low + 10_000))
        yield TAIL

    return parts


def many_long_names() -> Iterator[bytes]:
    yield HEAD + EVENT % 0
    for number in range(100):
        yield b',{"ph":"X","ts":1,"dur":1,"name":"%d%b"}' % (number, b"x" * (1 << 20))
    yield TAIL


def many_empty_events() -> Iterator[bytes]:
    yield HEAD
    for _ in range(300):
        yield b"{}," * 100_000
    yield b"{}" + TAIL


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("spaces.json.gz", bomb_of_spaces, "unpacks to over 400 × its size"),
        ("within.json.gz", bomb_in_events, "unpacks to over"),
        ("head.json.gz", bomb_in_the_head, "has an event or key of more than 16 MB"),
        ("keys.json", many_heads, "holds no timed event"),
        ("name.json", gigantic_name, "has an event or key of more than 16 MB"),
        ("braces.json", gigantic_braces, "has an event or key of more than 16 MB"),
        ("names.json", many_names(b"name"), "different names"),
        ("threads.json", many_names(b"tid"), "different names, shapes or threads"),
        ("long.json", many_long_names, "different names"),
        ("empty.json", many_empty_events, "holds more than 5,000,000 events"),
    ],
)
def test_is_refused_within_limits(
    tmp_path: Path, name: str, content: Callable[[], Iterator[bytes]], reason: str
) -> None:
    path = written(tmp_path / name, content())
    said = read_within_limits(path)
    assert said.startswith(f"refused|{path} "), said
    assert reason in said
    assert "\n" not in said


def test_a_bomb_of_equal_events_is_refused(tmp_path: Path) -> None:
    """As compressible as events get, and as much of it: the ratio refuses it before memory or time do."""
    said = read_within_limits(written(tmp_path / "events.json.gz", bomb_of_events()))
    assert said.startswith(("refused|", "read|1000001|"))


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b"[" * 1_000_000,
        HEAD + b"[" * 1_000_000 + b"]" * 1_000_000 + TAIL,
        HEAD + EVENT.replace(b"{}", b'{"a": ' + b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000 + b"}") % 1 + TAIL,
        b'{"a": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b', "traceEvents": []}',
        b'{"traceEvents": ' + b"[" * 1_000_000,
        b"[" * 1_000_000,
        HEAD + EVENT % 1 + TAIL[:1] + b', "a": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    ],
    ids=["events", "closed events", "args", "head", "list", "bare list", "tail"],
)
def test_nesting_a_million_deep_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "deep.json"
    path.write_bytes(content)
    assert read_within_limits(path).startswith(f"refused|{path} ")


def test_absurd_times_are_left_out_and_said(tmp_path: Path) -> None:
    absurd = [b"1e300", b"9" * 400, b"-1e17", b"1e999999999", b"1" + b"0" * 100_000, b"4000000000000001", b"NaN"]
    events = [EVENT % 5, *(EVENT.replace(b"%d", time) for time in absurd)]
    events += [EVENT.replace(b'"dur": 1', b'"dur": ' + time) % 7 for time in absurd]
    path = tmp_path / "times.json"
    path.write_bytes(HEAD + b",".join(events) + TAIL)
    said = read_within_limits(path)
    assert said.startswith("read|1|1|"), said
    assert "left out for want of a usable time: 14 events" in said


def test_operators_nested_deeper_than_any_stack(tmp_path: Path) -> None:
    """100,000 calls inside each other in time, each with a kernel: quadratic work would meet the limit."""
    count = 100_000

    def parts() -> Iterator[bytes]:
        yield HEAD + EVENT % 0
        for n in range(count):
            times = (n, 4 * count - 2 * n)
            yield b',{"ph":"X","cat":"cpu_op","name":"f%d","ts":%d,"dur":%d,"args":{}}' % (n % 7, *times)
            launch = b',{"ph":"X","cat":"cuda_runtime","name":"r","ts":%d,"dur":%d,"args":{"correlation":%d}}'
            yield launch % (*times, n)
            yield b',{"ph":"X","cat":"kernel","name":"k","tid":7,"ts":%d,"dur":1,"args":{"correlation":%d}}' % (n, n)
        yield TAIL

    assert read_within_limits(written(tmp_path / "nested.json", parts())).startswith("read|300001|")


@pytest.mark.skipif(importlib.util.find_spec("zstandard") is None, reason="no zstd reader installed")
def test_a_zstd_window_of_gigabytes_is_refused(tmp_path: Path) -> None:
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
    path = tmp_path / "window.json.zst"
    path.write_bytes(frame)
    assert read_within_limits(path).startswith("refused|")


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    locked = tmp_path / "locked.json"
    locked.write_bytes(HEAD + EVENT % 1 + TAIL)
    locked.chmod(0)
    reasons = {
        tmp_path / "pipe.json": "is no file but a pipe or device",
        Path("/dev/zero"): "is no file but a pipe or device",
        tmp_path: "is a folder; name a trace file in it",
        tmp_path / "nowhere.json": "cannot be opened (No such file or directory)",
        tmp_path / ("x" * 300): "cannot be opened (File name too long)",
    }
    if os.geteuid():  # root may read everything
        reasons[locked] = "cannot be opened (Permission denied)"
    for path, reason in reasons.items():
        assert read_within_limits(path).startswith(f"refused|{path} {reason}")


def test_a_file_that_is_still_being_written_is_read_as_far_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It grows by as much as it has while it is read: no bound is one of its size at the beginning."""
    monkeypatch.setattr(packing, "RATIO_FROM_BYTES", 1 << 20)
    path = tmp_path / "growing.json"
    path.write_bytes(HEAD + b",".join(EVENT % n for n in range(30_000)))
    with path.open("ab") as writer:
        blocks = packing.blocks(path, Tally())
        size = len(next(blocks))
        writer.write(b"," + b",".join(EVENT % n for n in range(30_000)) + b', {"ph": "X", "na')
        writer.flush()
        size += sum(map(len, blocks))
    assert size == path.stat().st_size
    trace = read_trace(path)
    assert len(trace) == 60_000
    assert trace.losses == ("the file ends inside its events: those after the first 60000 are lost",)


def test_numbers_of_ranks_that_no_run_has_are_not_believed(tmp_path: Path) -> None:
    for told in (b'{"rank": 3, "world_size": 1%b}' % (b"0" * 18), b'{"rank": -1, "world_size": "8"}', b"[]", b"7"):
        path = tmp_path / "rank.json"
        path.write_bytes(b'{"distributedInfo": ' + told + b', "traceEvents": [' + EVENT % 1 + TAIL)
        (run,) = runs([rank_of(path, read_trace(path))])
        assert (run.world_size, run.missing) == (1, ())


def test_times_an_age_apart_have_a_middle(tmp_path: Path) -> None:
    path = tmp_path / "apart.json"
    path.write_bytes(HEAD + EVENT % 1 + b"," + EVENT % (3 * 10**15) + TAIL)
    assert rank_of(path, read_trace(path)).origin.end_ns > 0
