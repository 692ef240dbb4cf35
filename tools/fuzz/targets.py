"""Fuzz targets: functions from bytes to nothing, each of which raises only on a fault.

A target gives its bytes to a reader as the content of a file, or as the arguments of the command line. Every error of
tbp's own is an answer, if its message is a line that a terminal may print. A fault is any other exception, a result
that contradicts itself, or an output that holds a character which acts unseen. ``bounded`` adds time and memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
from checks import Fault, file_of, gzipped, is_sampled, printed_by, require_harmless, require_printable, scratch

from tbp import cli
from tbp.__main__ import main
from tbp.asv.ratios import read_ratios
from tbp.asv.reasons import read_reasons, stored_outputs
from tbp.asv.result_cache import _decoded as stored_result
from tbp.asv.result_file import result_file
from tbp.asv.result_json import UnusableFile
from tbp.asv.results import read_results
from tbp.asv.session_files import read_sessions
from tbp.errors import TbpError, UnreadableTrace
from tbp.history.judge_series import SeriesFindings
from tbp.project.acknowledgements import Ack, read_acks
from tbp.project.asv_config import read_config
from tbp.project.machine_rules import rule_of
from tbp.project.new_acknowledgement import write_ack
from tbp.project.policy import read_policy
from tbp.system.store import FILE, Store
from tbp.traces.operator_files import operator_bytes, stored_recording
from tbp.traces.read_recording import read_recording
from tbp.traces.reading import cutting, document, packing
from tbp.traces.reading.read import read_texts, read_trace
from tbp.traces.reading.trace import Trace

Target = Callable[[bytes], None]

# Verbs that only read, or write where they are told to; the rest start programs, and are only parsed.
RUNNABLE = ("ack", "compare", "hotspots", "export")
# A part of the inputs, the same ones always, for checks that take longer than the reader: one in so many.
REPEATED, RUN = 4, 128
PIECES = (0, 0, 512, 128)  # bytes of a trace to look at in one go; 0: as many as always
COMMIT = "c0ffee00" * 5
MORNING_S = 1_700_000_000  # of the store's clock: the corpus has a value of that time, which is two days older here

# Of parsers, which never change: written anew each time, usage and help take ten times as long as the parsing.
os.environ.update(LANGUAGE="C", COLUMNS="80")
cli.Parser.format_usage = cache(cli.Parser.format_usage)  # type: ignore[method-assign]
cli.Parser.format_help = cache(cli.Parser.format_help)  # type: ignore[method-assign]


def trace(data: bytes) -> None:
    """A trace: its events, and their texts for a copy. The copy has at least as many, and no time is negative.

    Half of the traces are read in pieces of some bytes; where nothing is lost, the whole has the same events.
    """
    path = file_of("once.json", data)
    size = PIECES[zlib.crc32(data) % len(PIECES)]
    with _pieces_of(size):
        events = _required_trace(path, data)
    if size and events is not None and not events.loss:
        whole = read_trace(path)
        if (whole.names, whole.start_ns.tolist()) != (events.names, events.start_ns.tolist()):
            raise Fault(f"{len(events)} events in pieces of {size} bytes, and {len(whole)} at once")


@contextlib.contextmanager
def _pieces_of(size: int) -> Iterator[None]:
    """A block in which traces are read in pieces of so many bytes, as large ones are in larger pieces; 0: as always."""
    if not size:
        yield
        return
    sizes = {(document, "PART_BYTES"): size, (cutting, "_GUESS_BYTES"): size}
    sizes |= {(document, "BLOCK_BYTES"): 2 * size, (packing, "BLOCK_BYTES"): 2 * size}
    before = {of: getattr(*of) for of in sizes}
    for of, value in sizes.items():
        setattr(*of, value)
    try:
        yield
    finally:
        for of, value in before.items():
            setattr(*of, value)


def _required_trace(path: Path, data: bytes) -> Trace | None:
    """The trace in ``path``, which has all properties that are required; None where there is none."""
    try:
        events = read_trace(path)
    except UnreadableTrace as error:
        require_printable([str(error)])
        return None
    require_printable(events.losses)
    if not len(events) or int(events.duration_ns.min()) < 0:
        raise Fault(f"{len(events)} events, or a negative duration")
    if not is_sampled(data, REPEATED):
        return events
    texts: list[bytes] = []
    read_texts(path, texts.extend)
    if not all(isinstance(json.loads(text), dict) for text in texts) or len(texts) < len(events):
        raise Fault(f"{len(texts)} texts of {len(events)} events, or one that is no object")
    return events


def packed_trace(data: bytes) -> None:
    """A trace of which only the start of a gzip file is sound."""
    path = file_of("once.json.gz", data)
    with contextlib.suppress(UnreadableTrace):
        read_trace(path)


def operators(data: bytes) -> None:
    """A trace up to its operators: they are stored, and read back the same. Self times are within the step's."""
    path = file_of("once.json", data)
    try:
        recording = read_recording(path)
    except UnreadableTrace as error:
        require_printable([str(error)])
        return
    table = operator_bytes(recording)
    if operator_bytes(stored_recording(path, table)) != table:
        raise Fault("its operator table is read back as another one")
    if (recording.session.table.frame["self_us"] < 0).any():
        raise Fault("a self time is negative")


def operator_file(data: bytes) -> None:
    """An operator table in the place of a trace; ``data`` is what it holds unpacked."""
    path = scratch() / "once.operators.json.gz"
    with contextlib.suppress(UnreadableTrace):
        recording = stored_recording(path, gzipped(data))
        if is_sampled(data, REPEATED):
            operator_bytes(recording)


def result(data: bytes) -> None:
    """A result file: as many values as it counts, all of them quantities, and texts that can be encoded."""
    try:
        file = result_file(f"{COMMIT[:8]}-env.json", "box", data)
    except UnusableFile as error:
        require_printable([str(error)])
        return
    require_printable([*file.problems, file.head.commit, file.head.hardware, file.head.requirements])
    for benchmark in file.benchmarks:
        f"{benchmark.name}{benchmark.version}{benchmark.parameters}".encode()
    if {len(file.value), len(file.q25), len(file.q75), len(file.number)} != {int(file.counts.sum())}:
        raise Fault("columns of several lengths")
    if np.isneginf(file.value).any():
        raise Fault("a value of minus infinity")


def results_folder(data: bytes) -> None:
    """A results folder; ``data`` is, by its first byte, a result file, machine.json or benchmarks.json."""
    sound = {"box/c0ffee00-env.json": SOUND_RESULT, "box/machine.json": b"{}", "benchmarks.json": b"{}"}
    kind, content = data[:1], data[1:]
    name = {b"m": "box/machine.json", b"b": "benchmarks.json"}.get(kind, "box/c0ffee00-env.json")
    for file, text in {**sound, name: content}.items():
        file_of(f"results/{file}", text)
    try:
        results = read_results(scratch() / "results", cache=False)
    except TbpError as error:
        require_printable([str(error)])
        return
    require_printable([*results.problems, *results.remarks.values()])
    str(results.machines).encode()
    if not len(results.frame):
        raise Fault("results without a value")


def paired(data: bytes) -> None:
    """A file of ratios."""
    file_of(f"paired/box/{COMMIT[:8]}-env.paired", data)
    require_printable(read_ratios(scratch() / "paired").problems)


def reasons(data: bytes) -> None:
    """A file of the outputs of failed benchmarks."""
    path = file_of(f"reasons/box/{COMMIT[:8]}-env.reasons", data)
    read = read_reasons(scratch() / "reasons")
    require_printable([*read.problems, *(line for of in read.by_series.values() for line in of.values())])
    if not read.problems and not stored_outputs(path) and read.by_series:
        raise Fault("reasons without an output")


def sessions(data: bytes) -> None:
    """A session file; ``data`` is what it holds unpacked, or all of it where it begins as gzip does."""
    file_of("recorded/box/c.traces/suite/64-0.s0.session.json.gz", gzipped(data))
    read = read_sessions(scratch() / "recorded")
    require_printable([*read.problems, *(session.trace_note for session in read.sessions)])
    for session in read.sessions:
        read.medians_s(session.key, session.commit)
        read.roof_flop(session.key, session.commit)


def configuration(data: bytes) -> None:
    """asv.conf.json."""
    with _answered():
        config = read_config(file_of("asv.conf.json", data))
        str(config).encode()
        os.fsencode(config.results_dir)


def policy(data: bytes) -> None:
    """``[tool.tbp]`` in pyproject.toml."""
    with _answered():
        known = read_policy(file_of("pyproject.toml", data))
        known.direction("suite.track_metric")
        if (rule := rule_of(known.machines, "fv-az7")) is not None:
            require_printable([rule.called({"processor": data.decode(errors="replace")})])


def acks(data: bytes) -> None:
    """acks.toml: where it can be read, one more entry is added, and nothing else changes."""
    path = file_of("acks/acks.toml", data)
    added = Ack("fuzz.time_thing", "0123456789", "a reason")
    with _answered():
        before = read_acks(path)
        write_ack(added, path)
        if read_acks(path) != (*before, added):
            raise Fault(f"{before} and one more became {read_acks(path)}")


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """A block that may end with an error of tbp's own, of one line."""
    try:
        yield
    except TbpError as error:
        require_printable([str(error)])


def payload(data: bytes) -> None:
    """A value of the store, of each of its owners: what does not fit is unknown."""
    file = stored_result(data)
    if file is not None and len(file.value) != int(file.counts.sum()):
        raise Fault("a result file of several lengths was accepted")
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):  # as ``known_series`` has it
        msgspec.msgpack.decode(data, type=SeriesFindings)
    with contextlib.suppress(UnreadableTrace):
        stored_recording(Path("trace"), data)


def store_file(data: bytes) -> None:
    """The file of the store itself: whatever it holds, what is asked for is right or unknown."""
    with store_in(scratch()) as path:
        for end in ("-wal", "-shm"):
            Path(f"{path}{end}").unlink(missing_ok=True)
        path.write_bytes(data)
        store = Store("fuzz", clock=lambda: MORNING_S + 2 * 86_400)
        if store.known([b"key"]) not in ({}, {b"key": b"value"}):
            raise Fault("another value than was kept")
        if not is_sampled(data, REPEATED):
            return
        store.keep({b"key": b"value"})
        if store.known([b"key"]) not in ({}, {b"key": b"value"}):
            raise Fault("another value than was kept")


@contextlib.contextmanager
def store_in(folder: Path) -> Iterator[Path]:
    """A block in which the store is in use, and its file, which need not be there, in ``folder``."""
    (folder / "tbp").mkdir(exist_ok=True)
    before = os.environ.pop("TBP_NO_CACHE", None), os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield folder / "tbp" / FILE
    finally:
        for name, value in zip(("TBP_NO_CACHE", "XDG_CACHE_HOME"), before, strict=True):
            os.environ.pop(name, None)
            os.environ.update({} if value is None else {name: value})


_parser = cache(cli.parser)


def command_line(data: bytes) -> None:
    """The arguments of ``tbp``, a line each. Those of verbs that start programs are parsed and not run."""
    arguments = [os.fsdecode(line.replace(b"\0", b"")) for line in data.split(b"\n")]  # no process is given a null
    # Nothing is written beside the folder of the target.
    arguments = [argument.replace("/", "_").replace("..", "_") for argument in arguments]
    code, printed = printed_by(lambda: _parser().parse_args(arguments) and 0)
    if code == 0 and arguments[0] in RUNNABLE and is_sampled(data, RUN):
        folder = scratch() / "project"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "once.json").write_bytes(SOUND_TRACE)
        with contextlib.chdir(folder):
            code, more = printed_by(lambda: main(arguments))
        printed += more
    require_harmless(printed)
    if code not in (0, 2, 3, 4, 5):
        raise Fault(f"exit code {code}")


SOUND_RESULT = json.dumps(
    {"version": 2, "commit_hash": COMMIT, "env_name": "env", "date": 1_700_000_000_000, "params": {"machine": "box"},
     "python": "3.11", "requirements": {"numpy": "1.26"}, "result_columns": ["result", "params", "version",
     "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25", "stats_q_75", "stats_number"],
     "results": {"suite.time_thing": [[1.5, None], [["'a'", "2"]], "1", 1_700_000_000_000, 1, [1], [2], [1, 1], [2, 2],
     [3, 3]]}}
).encode()  # fmt: skip
SOUND_TRACE = json.dumps({"schemaVersion": 1, "traceEvents": [
    {"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#1", "pid": 1, "tid": 1, "ts": 0, "dur": 100},
    {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 1, "tid": 1, "ts": 10.5, "dur": 50,
     "args": {"External id": 1, "Input Dims": [[2, 3], [3, 4]], "Input type": ["float", "float"]}},
    {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 1, "ts": 20, "dur": 5,
     "args": {"correlation": 7, "External id": 1}},
    {"ph": "X", "cat": "kernel", "name": "gemm", "pid": 0, "tid": 7, "ts": 40, "dur": 30,
     "args": {"correlation": 7, "device": 0, "stream": 7}},
    {"ph": "B", "cat": "cpu_op", "name": "b", "pid": 1, "tid": 2, "ts": 1},
    {"ph": "E", "cat": "cpu_op", "name": "b", "pid": 1, "tid": 2, "ts": 4},
    {"ph": "M", "name": "process_name", "pid": 1, "args": {"name": "python"}},
    {"ph": "f", "id": 7, "pid": 0, "tid": 7, "ts": 40, "cat": "ac2g", "name": "ac2g", "bp": "e"},
]}).encode()  # fmt: skip

TARGETS: dict[str, Target] = {
    "trace": trace, "packed-trace": packed_trace, "operators": operators, "operator-file": operator_file,
    "result": result, "results-folder": results_folder, "paired": paired, "reasons": reasons, "sessions": sessions,
    "configuration": configuration, "policy": policy, "acks": acks, "payload": payload, "store-file": store_file,
    "command-line": command_line,
}  # fmt: skip
