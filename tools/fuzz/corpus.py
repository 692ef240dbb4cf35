"""Sound inputs of each fuzz target, from which fuzzing starts, and words that its formats know."""

from __future__ import annotations

import gzip
import json
import sqlite3
import tempfile
from pathlib import Path

import msgspec
import numpy as np
from targets import COMMIT, SOUND_RESULT, SOUND_TRACE

from tbp.asv.result_cache import _ENCODER
from tbp.asv.result_file import result_file
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
_PAIRED = {
    "format": 1, "machine": "box", "environment": "env", "cells": [{"benchmark": "suite.time_thing",
    "parameters": [["width", "64"]], "ratios": [{"base": COMMIT, "head": COMMIT, "effects": [0.1, -0.2]}]}],
}  # fmt: skip
_MACHINE = {"machine": "box", "cpu": "x", "ram": "16000000", "gpu": ["T4", {"driver": 1}], "version": 1}
_BENCHMARKS = {
    "version": 2, "suite.time_thing": {"name": "suite.time_thing", "type": "time", "unit": "seconds", "version": "1",
    "param_names": ["width"], "params": [["'a'", "2"]], "code": "def time_thing(): ..."},
}  # fmt: skip
_CONFIG = """{
    // a comment
    "version": 1, "project": 'tbp', "repo": "..", "branches": ["main", null], "results_dir": "results",
    "show_commit_url": "https://example.org/", benchmark_dir: "benchmarks", "matrix": {"req": {"numpy": []}, x: +.5e3,},
}
"""
_PYPROJECT = """[project]
name = "x"
[tool.tbp]
relevant = 0.05
stale_days = 30
keep_traces_of_newest_runs = 10
[tool.tbp.better]
"track_metric$" = "lower"
"""
_ACKS = """# comment
[[ack]]
benchmark = "attention.*"   # asv's name
commit = "04342f08"
reason = 'exact softmax is worth it'
until = 2026-12-31
"""
_OTHER_ACKS = 'ack = [{benchmark = "a", commit = "0123456", reason = """b"""}]\r\n'
_STREAM = b"\n".join(SOUND_TRACE[SOUND_TRACE.index(b"[") + 1 : -2].split(b", {"))


def corpus() -> dict[str, list[bytes]]:
    """The sound inputs by target."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "once.json"
        trace.write_bytes(SOUND_TRACE)
        table = operator_bytes(read_recording(trace))
        database = _database(Path(folder) / "store")
    traces = [
        SOUND_TRACE,
        SOUND_TRACE[SOUND_TRACE.index(b"[") : -1],
        _STREAM,
        json.dumps(json.loads(SOUND_TRACE), indent=1).encode(),
    ]
    result = _ENCODER.encode(result_file("c0ffee00-env.json", "box", SOUND_RESULT))
    findings = msgspec.msgpack.encode({"changes": [], "breaks": []})
    return {
        "trace": traces,
        "packed-trace": [gzip.compress(text, 1, mtime=0) for text in traces] + [gzip.compress(b"[", mtime=0) * 2],
        "operators": traces,
        "operator-file": [gzip.decompress(table)],
        "result": [SOUND_RESULT, json.dumps(_OLD_RESULT).encode()],
        "results-folder": [
            b"r" + SOUND_RESULT, b"m" + json.dumps(_MACHINE).encode(), b"b" + json.dumps(_BENCHMARKS).encode(),
        ],
        "paired": [json.dumps(_PAIRED).encode()],
        "sessions": [json.dumps(_SESSION).encode(), gzip.compress(json.dumps(_SESSION).encode(), 1, mtime=0)],
        "configuration": [_CONFIG.encode(), b'{"repo": "git@host:x"}'],
        "policy": [_PYPROJECT.encode()],
        "acks": [_ACKS.encode(), _OTHER_ACKS.encode(), b""],
        "payload": [result, findings, table],
        "store-file": [database],
        "command-line": [
            b"hotspots\nonce.json\n--top\n3\n--json", b"export\nonce.json\n--perfetto\nout.json",
            b"ack\nsuite.*\n0123456\n--reason\nwhy\n--until\n2026-12-31",
            b"compare\nmain\nHEAD\n--results\nr\n--strict",
            b"report\n--results\nx\n--bench\n(a", b"trace\nprune\n--apply", b"hotspots\nonce.json\nonce.json\n--csv",
        ],
    }  # fmt: skip


def _database(path: Path) -> bytes:
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE kept (key BLOB PRIMARY KEY, value BLOB NOT NULL, crc INTEGER NOT NULL, "
            "size INTEGER NOT NULL, used INTEGER NOT NULL)"
        )
        database.execute("INSERT INTO kept VALUES (?, ?, 1, 1, 1)", (np.arange(16, dtype=np.uint8).tobytes(), b"value"))
    database.close()
    return path.read_bytes()


# Words that a mutation puts in; libFuzzer escapes nothing in its own dictionary, so these are given in code too.
WORDS: tuple[bytes, ...] = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"null", b"true", b"\\ud800", b"\\u0000", b"\x1b[2J", b"\xff",
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"9" * 25, b"[" * 60, b'"ph"', b'"X"', b'"B"', b'"E"', b'"i"', b'"ts"',
    b'"dur"', b'"tid"', b'"pid"', b'"args"', b'"correlation"', b'"traceEvents":', b"ProfilerStep#", b"[[ack]]",
    b"[tool.tbp]", b"--", b"--config", b"--bench", b"--json", b"--acks", b"1" * 400, b"::error::", b"\r",
    b"\xe2\x80\xae",
)  # fmt: skip
