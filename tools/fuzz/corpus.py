"""Sound inputs of each fuzz target, from which fuzzing starts, whose formats ``words`` knows."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
import tempfile
from pathlib import Path

import msgspec
from targets import COMMIT, MORNING_S, SOUND_RESULT, SOUND_TRACE, store_in

from tbp.asv.result_cache import _ENCODER
from tbp.asv.result_file import result_file
from tbp.system.store import Store
from tbp.traces.operator_files import operator_bytes
from tbp.traces.read_recording import read_recording

_SESSION = {
    "format": 1, "run": "1", "session": "s0", "benchmark": "suite.time_thing", "parameters": {"width": "'64'"},
    "commit": COMMIT, "environment": "env", "machine": "box", "started": "2026-01-01T00:00:00+00:00",
    "wall_s": [1.0, 1.5], "cpu_s": [1.0, 1.0], "involuntary_switches": [0, 1], "yardstick_s": [0.5, 0.5],
    "trace": "64-0.s0.pt.trace.json.gz", "roof_flop_per_s": 1e9,
}  # fmt: skip
_OLD_RESULT = {
    "version": 1, "commit_hash": COMMIT, "date": 1_700_000_000_000, "params": {"cpu": "x", "ram": "16000000"},
    "requirements": {}, "results": {"suite.time_a": {"result": [1.0, float("nan")], "params": [["1", "2"]],
    "stats": [{"q_25": 1, "q_75": 2, "number": 3}, None]}, "suite.track_b": float("inf")},
}  # fmt: skip
_REASONS = {
    "format": 1, "machine": "box", "environment": "env", "commit": COMMIT,
    "outputs": ["Traceback (most recent call last):\n  File\nKeyError: 'x'", "asv: skipped: NotImplementedError('y')"],
    "cells": [{"benchmark": "a", "values": ["'x'", "1"], "output": 1}, {"benchmark": "b", "values": [], "output": 0}],
}  # fmt: skip
_PAIRED = {
    "format": 1, "machine": "box", "environment": "env", "cells": [{"benchmark": "suite.time_thing",
    "parameters": [["width", "64"]], "ratios": [{"base": COMMIT, "head": COMMIT, "effects": [0.1, -0.2]}]}],
}  # fmt: skip
_MACHINE = {"machine": "box", "cpu": "x", "ram": "16000000", "gpu": ["T4", {"driver": 1}], "version": 1}
_BENCHMARKS = {
    "version": 2, "suite.time_thing": {"name": "suite.time_thing", "type": "time", "unit": "seconds", "version": "1",
    "param_names": ["width"], "params": [["'a'", "2"]], "code": "def time_thing(): ..."},
}  # fmt: skip
_CONFIGURATIONS = (
    b'{\n// a comment\n"version": 1, "project": \'tbp\', "repo": "..", "branches": ["main", null],}',
    b'{repo: ".", results_dir: "results", benchmark_dir: "b", /* of */ html_dir: \'\\\nh\'}',
    b'{"repo": "git@host:x", "show_commit_url": "https://example.org/"}',
    b'{"repo": "https://host/x", "matrix": {"req": {"numpy": [], $x: [+.5e3, -0xF, NaN, Infinity, 1.]}}}',
    b'\xef\xbb\xbf{"repo": "..", "branches": [], "\\u0061\\x62": "\\u2028\\0"}',
)
_POLICIES = (
    b'[project]\nname = "x"\n[tool.tbp]\nrelevant = 0.05\nstale_days = 30\n[tool.tbp.better]\n"metric$" = "lower"\n',
    b"[tool.tbp]\nfalse_discovery_rate = 1e-2\npaired_budget = inf\nkeep_traces_of_newest_runs = 1_0\n",
    b"tool.tbp.pass_environment = [\"MY_DATA\", 'MYLIB_*']\ntool.tbp.stale_days = 0x1F\n",
    b"[tool.tbp.names]\n'^request_\\d+$' = \"request\"\n'^graph_\\w+$' = \"graph {n}\"\n",
    b"[tool.tbp.machines]\n'^fv-az' = 'hosted {processor}, {GPU}'\n'.' = '{{ram}'\n",
    b"[tool.tbp.names]\n'(?P<a>x)|(?=y)(z){2,3}' = '''\nq'''\n",
    b'[tool.tbp.better]\n"(?i)^a.*[^b-c]+?(?:d|e)$" = "higher"\n[[other]]\nday = 1979-05-27T07:32:00Z\n',
)
_ACKS = (
    b"""# comment
[[ack]]
benchmark = "attention.*"   # asv's name
commit = "04342f08"
reason = 'exact softmax is worth it'
until = 2026-12-31
""",
    b'[[ack]]\nevent = "1111111..0123456"\nstatus = "fixed in 04342F08"\nowner = "A"\nlink = "https://e.org/7"\n',
    b'[[ack]]\nevent = "0123456"\nbenchmark = "a*"\nstatus = "investigating"\n[[ack]]\nevent = "0123457"\n',
    b'ack = [{benchmark = "a", commit = "0123456", reason = """b"""}]\r\n',
    b'[[ack]]\r\ncommit = "ABCDEF0"\r\nbenchmark = "a[b]?"\r\nreason = "\\u00e9"\r\nuntil = "2026-12-31"\r\n[[ack]]\n',
    b"",
)
_EVENTS = json.loads(SOUND_TRACE)["traceEvents"]
# Events of a trace in every way that its text is laid out.
_SPAN = b'{"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 10.5, "dur": 50}'
_KERNEL = b'{"args":{"stream":7,"correlation":7},"dur":3,"ts":4e1,"tid":7,"pid":0,"name":"k","cat":"kernel","ph":"X"}'
_LAYOUTS = (
    b'{"schemaVersion": 1, "traceEvents": [' + _SPAN + b", " + _KERNEL + b'], "tbp": {"a": [1]}}',
    b"[" + _SPAN + b",\n" + _KERNEL + b"]",
    b"[\n" + _SPAN + b",\n" + _KERNEL + b",\n",  # as a recorder leaves it that was killed
    _SPAN + b"\n" + _KERNEL + b"\n",
    b'{"traceEvents": [' + _SPAN + b']}{"traceEvents": [' + _KERNEL + b"]}",
    b'{"traceEvents": [' + _KERNEL + b'], "x": "}, {", "traceEvents": [' + _SPAN + b", {}]}",
    b'{"a": 1, "b": {"traceEvents": [' + _SPAN + b"]}}",
    b'{"a": 1, "traceEvents": ' + _SPAN + b"," + _KERNEL + b"]}",
    json.dumps({"traceEvents": _EVENTS[1:3]}, indent=1).encode(),
    json.dumps(_EVENTS[4:], separators=(",", ":")).encode(),
)
_MORE_EVENTS = (
    {"ph": "M", "name": "process_labels", "pid": 0, "args": {"labels": "GPU 0"}},
    {"ph": "M", "name": "thread_name", "pid": 0, "tid": 7, "args": {"name": "stream 7"}},
    {"ph": "s", "id": 7, "pid": 1, "tid": 1, "ts": 41, "cat": "fwdbwd", "name": "fwdbwd"},
    {"ph": "i", "name": "[memory]", "pid": 1, "tid": 1, "ts": 42, "s": "t", "args": {"Device Type": 1, "Device Id": 0,
     "Addr": 140, "Bytes": -512, "Total Allocated": 1024}},
    {"ph": "b", "cat": "x", "name": "async", "id": "0x1", "pid": 1, "tid": 1, "ts": 1},
    {"ph": "X", "cat": "Kernel", "name": "void f<float>()", "pid": 0, "tid": "stream 7", "ts": "43.001", "dur": 1,
     "args": {"est. achieved occupancy %": 31, "warps per SM": 1.5, "External id": 2**64 - 1}},
    {"ph": "X", "cat": "gpu_memcpy", "name": "Memcpy", "pid": 0, "tid": 7, "ts": 50, "dur": 1, "args": {"bytes": 64}},
    {"ph": "X", "cat": "python_function", "name": "nn.Module: Linear_0", "pid": 1, "tid": 1, "ts": 5, "dur": 90,
     "args": {"Python id": 1, "Python parent id": None, "Call stack": "a.py(1): f;b", "Module Hierarchy": "TOP"}},
    {"ph": "X", "cat": "cpu_op", "name": "aten::convolution", "pid": 1, "tid": 1, "ts": 60, "dur": 9,
     "args": {"Input Dims": [[1, 2, 3, 3], []], "Concrete Inputs": ["", "[1, 1]", "False"]}},
)  # fmt: skip


def _timed(times: list[tuple[float, float, str]]) -> bytes:
    """Events with these starts and durations, each in its own process; a category is a name, too."""
    return json.dumps(
        [
            {"ph": "X", "cat": "user_annotation" if "#" in cat else cat, "name": cat, "ts": ts, "dur": dur,
             "pid": 0 if cat == "kernel" else at, "tid": 1, "args": {"correlation": 3}}
            for at, (ts, dur, cat) in enumerate(times)
        ]
    ).encode()  # fmt: skip


# Times that cannot be: on the clock of another device, beyond the successor, longer than the recording, in the future.
_STRAY_TIMES = (
    [(0, 5, "kernel"), (1.7e15, 5, "cpu_op"), (1.7e15 + 9, 5, "kernel"), (1.7e15 + 12, 0, "cpu_op")],
    [(10, 50, "kernel"), (20, 5, "kernel"), (21, 1, "cuda_runtime"), (22, 1, "cuda_runtime")],
    [(10, 1, "cpu_op"), (12, 4e9, "kernel"), (13, 5e9, "cpu_op"), (12.5, 6e9, "cpu_op"), (9, 3e9, "ProfilerStep#1")],
    [(10, 1, "cpu_op"), (20, 9e12, "cpu_op"), (8e12, 1, "kernel")],
)
_TRACES = (
    *_LAYOUTS,
    *(json.dumps([_EVENTS[1], event]).encode() for event in _MORE_EVENTS),
    *map(_timed, _STRAY_TIMES),
    SOUND_TRACE,
)


def corpus() -> dict[str, list[bytes]]:
    """The sound inputs by target. None is longer than what is tried."""
    with tempfile.TemporaryDirectory() as folder:
        tables = [_table(Path(folder) / "once.json", text) for text in (_TRACES[0], SOUND_TRACE)]
        database = _database(Path(folder))
    first_table = {**json.loads(tables[0]), "format": 1}
    del first_table["frames"]
    result = _ENCODER.encode(result_file("c0ffee00-env.json", "box", SOUND_RESULT))
    findings = msgspec.msgpack.encode({"changes": [], "breaks": []})
    short = {key: _SESSION[key] for key in list(_SESSION)[:10]}  # as the first ones were
    sessions = [_SESSION, short, {**short, "trace": None, "trace_note": "too large"}, {**short, "format": 2}]
    session_texts = [json.dumps(session).encode() for session in sessions]
    packed = [gzip.compress(text, 1, mtime=0) for text in _TRACES[:4]]
    return {
        "trace": list(_TRACES),
        "packed-trace": [
            *packed, packed[0] + packed[1], packed[0] + b"\0" * 8, gzip.compress(_TRACES[1], 0, mtime=0),
            b"\x1f\x8b\x08\x08" + packed[0][4:10] + b"name\0" + packed[0][10:], gzip.compress(b"[", mtime=0) * 2,
        ],
        "operators": list(_TRACES),
        "operator-file": [*tables, json.dumps(first_table).encode(), gzip.compress(tables[0], mtime=0)],
        "result": [SOUND_RESULT, json.dumps(_OLD_RESULT).encode()],
        "results-folder": [
            b"r" + SOUND_RESULT, b"m" + json.dumps(_MACHINE).encode(), b"b" + json.dumps(_BENCHMARKS).encode(),
        ],
        "paired": [json.dumps(_PAIRED).encode()],
        "reasons": [json.dumps(_REASONS).encode()],
        "sessions": [*session_texts, gzip.compress(session_texts[0], 1, mtime=0)],
        "configuration": list(_CONFIGURATIONS),
        "policy": list(_POLICIES),
        "acks": list(_ACKS),
        "payload": [result, findings, gzip.compress(tables[0], mtime=0)],
        "store-file": [database],
        "command-line": _COMMAND_LINES.strip().replace(b" ", b"\n").split(b"\n\n"),
    }  # fmt: skip


# Arguments of every verb, a command line in a line.
_COMMAND_LINES = b"""
hotspots once.json --top 3 --json

hotspots once.json once.json --csv --by self --group-by shapes

hotspots once.json --shapes --flame f.html --results r

export once.json --perfetto out.json

export once.json --tensorboard out

ack suite.* 0123456 --reason why --until 2026-12-31 --acks a.toml

compare main HEAD --results r --strict --bench (a|b --machine box

compare a1b2 . --json --config asv.conf.json --branch main

gate main HEAD --threads 1 --budget 10 --relevant 5 -E existing --excluded 2% --false-discovery-rate 5

report --results x --bench a --base v1 --single-file --serve --port 8080 --open --out d

nightly --most 3 --paired-budget 0 --out d

trace prune --apply --results r

demo --out d

--version
"""


def _table(path: Path, text: bytes) -> bytes:
    """The operator table of a trace, unpacked."""
    path.write_bytes(text)
    return gzip.decompress(operator_bytes(read_recording(path)))


def _database(folder: Path) -> bytes:
    """A store with one value, in pages that are small enough for all of it to be tried."""
    with store_in(folder) as path:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA page_size = 512")
            database.execute("VACUUM")
        Store("fuzz", clock=lambda: MORNING_S).keep({b"key": b"value"})
        return path.read_bytes()
