"""Reading: every form of file, exact times, and damage that is said or refused but never a crash."""

import gzip
import importlib
import importlib.util
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from tbp.errors import UnreadableTrace
from tbp.traces.reading.categories import Category
from tbp.traces.reading.loss import Loss, total
from tbp.traces.reading.numbers import nanoseconds
from tbp.traces.reading.read import read_texts, read_trace
from tbp.traces.reading.trace import Trace

Write = Callable[..., Path]

TWO = b"""{"schemaVersion": 1, "traceEvents": [
  {"ph": "X", "cat": "cpu_op", "name": "aten::mm", "pid": 7, "tid": 8, "ts": 1712195495519689.047, "dur": 63.813
  , "args": {"External id": 5, "Input Dims": [[2, 3], [3, 4]]}},
  {"ph": "X", "cat": "kernel", "name": "gemm", "pid": 0, "tid": "stream 7", "ts": 1712195495519700.5, "dur": 4,
   "args": {"correlation": 9, "External id": 5}},
  {"ph": "i", "name": "Record Window End", "pid": "", "tid": "", "ts": 9999999999999999}
], "tbp": {"workload": "attention", "steps": 20}}"""


STACK = [{"ph": "X", "name": "a", "ts": 1}, {"ph": "X", "name": "}, {"}, {"ph": "X", "name": '"'}]


def test_columns_of_a_small_file(write: Write) -> None:
    trace = read_trace(write(TWO))
    assert trace.names == ("aten::mm", "gemm")
    assert trace.category.tolist() == [Category.OPERATOR, Category.KERNEL]
    assert trace.threads == ("7/8", "0/stream 7")
    assert trace.start_ns.tolist() == [1712195495519689047, 1712195495519700500]
    assert trace.duration_ns.tolist() == [63813, 4000]
    assert trace.correlation.tolist() == [-1, 9]
    assert trace.external_id.tolist() == [5, 5]
    assert [trace.shapes[code] for code in trace.shape_code] == ["[[2, 3], [3, 4]]", ""]
    assert trace.losses == ()
    assert json.loads(trace.metadata["tbp"]) == {"workload": "attention", "steps": 20}


def test_gzip_list_form_and_key_order_read_the_same(write: Write) -> None:
    plain = read_trace(write(TWO))
    events = json.loads(TWO)["traceEvents"]
    events[0]["ts"] = "1712195495519689.047"  # Python's float would round it
    variants = (
        write(gzip.compress(TWO), "packed.json.gz"),
        write(json.dumps(events).encode(), "list.json"),
        write([dict(reversed(event.items())) for event in events], "reversed.json"),
        write(b"\n " + TWO.replace(b'"ph"', b'\n"ph"'), "spaced.json"),
    )
    for path in variants:
        trace = read_trace(path)
        assert trace.start_ns.tolist() == plain.start_ns.tolist(), path.name
        assert trace.names == plain.names
        assert trace.losses == ()


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        (b"4569272370986.598", 4569272370986598),
        (b"1712195495519689.047", 1712195495519689047),
        (b"1661203462598738", 1661203462598738000),
        (b"0.5", 500),
        (b"-3.5", -3500),
        (b"-0.25", -250),
        (b"1e3", 1000000),
        (b"2.0005", 2000),
        (b'"4553229275614.415"', 4553229275614415),
        (b"", None),
        (b"null", None),
        (b"NaN", None),
        (b"1e999999999", None),
        (b'"soon"', None),
    ],
)
def test_times_are_exact(text: bytes, expected_ns: int | None) -> None:
    assert nanoseconds(text) == expected_ns


@pytest.mark.parametrize(
    ("old", "new"),
    [("Operator", "cpu_op"), ("Runtime", "cuda_runtime"), ("Kernel", "kernel"), ("Memset", "gpu_memset")],
)
def test_old_category_names_mean_the_new_ones(trace_of: Callable[..., Trace], old: str, new: str) -> None:
    trace = trace_of(("a", 0, 1, {"cat": old}), ("b", 2, 1, {"cat": new}))
    assert trace.category[0] == trace.category[1] != Category.OTHER


def test_events_without_usable_time_are_left_out_and_said(trace_of: Callable[..., Trace]) -> None:
    trace = trace_of(("a", 0, 1), ("b", 1, -3.5), ("c", 1, None), ("d", "later", 1))
    assert trace.names[: len(trace)] == ("a",)
    assert trace.losses == ("left out for want of a usable time: 3 events",)


def test_an_event_twice_in_the_file_counts_once(trace_of: Callable[..., Trace]) -> None:
    numbered = ("a", 0, 1, {"args": {"External id": 1}})
    anonymous = ("b", 5, 0)  # whole µs: two calls may look the same
    trace = trace_of(numbered, numbered, anonymous, anonymous)
    assert len(trace) == 3
    assert trace.losses == ("counted once though more often in the file: 1 event",)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text.replace(b'"External id": 5', b'"External id": 5, "occupancy": NaN', 1), "not JSON"),
        (lambda text: text.replace(b'"External id": 5', b'"occupancy": -inf, "x": N/A', 1), "not JSON"),
        (lambda text: text.replace(b"aten::mm", b"aten\x01::mm"), "not JSON"),
        (lambda text: text.replace(b"aten::mm", b"C:\\Users\\mm"), "not JSON"),
        (lambda text: text.replace(b"aten::mm", b"aten\xff::mm"), "not JSON"),
        (lambda text: text.replace(b'{"External id": 5, "Input', b'{"External id": "x", "Input'), "not JSON"),
    ],
)
def test_a_value_that_is_not_json_costs_nothing_else(write: Write, damage: Callable[[bytes], bytes], said: str) -> None:
    trace = read_trace(write(damage(TWO)))
    assert trace.duration_ns.tolist() == [63813, 4000]
    assert len(trace.losses) == 1
    assert said in trace.losses[0]


def test_what_stands_before_the_cut_is_read(write: Write) -> None:
    trace = read_trace(write(TWO[: TWO.index(b"stream")]))
    assert trace.names == ("aten::mm",)
    assert trace.losses == ("the file ends inside its events: those after the first 1 are lost",)


def test_a_trailing_comma_loses_nothing(write: Write) -> None:
    trace = read_trace(write(TWO.replace(b"\n]", b",\n]")))
    assert len(trace) == 2
    assert trace.losses == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b"<html>404</html>",
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 1',
        b'{"traceEvents": []}',
        b'{"traceEvents": 5}',
        b'{"traceEvents": null}',
        b'{"traceEvents": [1, "x", null, [2]]}',
        b"[",
        b"[" * 100_000,
        b"null",
        b"\x1f\x8b",
        gzip.compress(b"", mtime=0),
        gzip.compress(b"{", mtime=0),
        b"\x00\x01\x02",
        b"PK\x03\x04",
    ],
)
def test_no_trace_is_refused_in_one_line(write: Write, content: bytes) -> None:
    with pytest.raises(UnreadableTrace) as refusal:
        read_trace(write(content))
    assert "\n" not in str(refusal.value)
    assert "trace.json" in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableTrace, match="check the path"):
        read_trace(tmp_path / "nowhere.json")


@pytest.mark.parametrize("size", [1, 50_000])
def test_of_two_lists_of_events_both_are_read_and_that_is_said(write: Write, size: int) -> None:
    events = json.dumps([{"ph": "X", "name": "aten::mm", "ts": 2 * at, "dur": 1} for at in range(size)]).encode()
    second = json.dumps([{"ph": "X", "name": "second", "ts": 1, "dur": 1}] * 3).encode()
    trace = read_trace(write(b'{"traceEvents": ' + events + b', "traceEvents": ' + second + b', "tbp": 5}'))
    assert (len(trace), trace.names, dict(trace.metadata)) == (size + 3, ("aten::mm", "second"), {"tbp": "5"})
    assert trace.losses == ("read as one with the trace before it in the file: 1 trace",)


@pytest.mark.parametrize(("depth", "is_read"), [(1, True), (2, True), (4, True), (5, False), (300, False)])
def test_a_trace_in_a_value_is_read_through_a_few_documents(write: Write, depth: int, is_read: bool) -> None:
    """Each looks through all of its text: 300 around 4 MB took 9 s."""
    event = b'{"traceEvents": [{"ph": "X", "name": "a", "ts": 1, "dur": 2}]}'
    path = write(b'{"a": 1, "in": ' * depth + event + b"}" * depth)
    if is_read:
        assert len(read_trace(path)) == 1
    else:
        with pytest.raises(UnreadableTrace, match='has no "traceEvents"'):
            read_trace(path)


def test_keys_behind_a_mended_event_are_kept(write: Write) -> None:
    assert read_trace(write(TWO.replace(b"63.813", b'63.813, "x": NaN'))).metadata["tbp"].startswith("{")


def test_half_of_a_character_is_mended(write: Write) -> None:
    trace = read_trace(write(TWO.replace(b"gemm", rb"g\ud800 \ud83d\ude00 \udc00")))
    assert trace.names[1] == "g\ufffd \U0001f600 \ufffd"
    assert trace.losses == ("mended where a value was not JSON or of no known kind: 1 event",)


def archive(kind: str) -> bytes:
    target = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(target, "w") as packed:
            packed.writestr("trace.json", TWO)
    else:
        with tarfile.open(fileobj=target, mode=kind) as packed:
            entry = tarfile.TarInfo("trace.json")
            entry.size = len(TWO)
            packed.addfile(entry, io.BytesIO(TWO))
    return target.getvalue()


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz"])
def test_an_archive_is_not_its_first_file(write: Write, kind: str) -> None:
    with pytest.raises(UnreadableTrace, match="is an archive of files; unpack it"):
        read_trace(write(archive(kind)))


def test_a_packed_file_cut_before_any_text_is_not_called_empty(write: Write) -> None:
    with pytest.raises(UnreadableTrace, match="is cut off or damaged so that nothing of it can be unpacked"):
        read_trace(write(gzip.compress(TWO)[:10]))
    with pytest.raises(UnreadableTrace, match="is empty"):
        read_trace(write(gzip.compress(b"")))


def test_random_damage_never_raises_anything_else(write: Write) -> None:
    chance = random.Random(0)
    packed = gzip.compress(TWO)
    for _ in range(400):
        broken = bytearray(packed if chance.random() < 0.2 else TWO)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(broken))
            broken[at : at + chance.randint(0, 5)] = bytes(chance.choices(b'{}[]",:\\0 N\xff', k=chance.randint(0, 3)))
        try:
            read_trace(write(bytes(broken)))
        except UnreadableTrace:
            continue


EVENTS: list[dict[str, Any]] = [
    {
        "ph": "X",
        "name": f'}}, {{"ph": {n % 7}',
        "ts": n,
        "dur": 1,
        "args": {"External id": n + 1, "stack": STACK[: n % 4]},
    }
    for n in range(500)
]


def in_any_order(event: dict[str, Any]) -> dict[str, Any]:
    keys = list(event)
    random.Random(event["ts"]).shuffle(keys)
    return {key: event[key] for key in keys}


LAYOUTS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "spaces": json.dumps,
    "compact": lambda events: json.dumps(events, separators=(",", ":")),
    "lines": lambda events: "[" + ",\n".join(map(json.dumps, events)) + "]",
    "pretty": lambda events: json.dumps(events, indent=2),
    "far in": lambda events: json.dumps(events, indent=" " * 100),
    "args first": lambda events: json.dumps([{"args": event["args"], **event} for event in events]),
    "any order": lambda events: json.dumps([in_any_order(event) for event in events], indent=1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("block_bytes", [1_000, 20_000, 2 << 20])
def test_layout_and_blocks_make_no_difference(
    write: Write, monkeypatch: pytest.MonkeyPatch, layout: str, block_bytes: int
) -> None:
    """Strings that look like events, and lists of objects that begin as events do."""
    monkeypatch.setattr("tbp.traces.reading.document.BLOCK_BYTES", block_bytes)
    monkeypatch.setattr("tbp.traces.reading.document.PART_BYTES", block_bytes)
    trace = read_trace(write(f'{{"traceEvents": {LAYOUTS[layout](EVENTS)}, "last": 1}}'.encode()))
    assert trace.start_ns.tolist() == list(range(0, 500_000, 1000))
    assert trace.external_id.tolist() == list(range(1, 501))
    assert trace.names == tuple(f'}}, {{"ph": {n}' for n in range(7))
    assert (trace.losses, dict(trace.metadata)) == ((), {"last": "1"})


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"name"', b'"name'), (b'"args": {', b'"args": '), (b": {", b": {{"), (b": [[", b": ["), (b"]]", b"]]]")],
)
def test_a_bracket_or_quote_costs_the_event_that_lacks_it(write: Write, old: bytes, new: bytes) -> None:
    args = {"Input Dims": [[2, 3], []], "Concrete Inputs": ["[1, 2]", ""]}
    text = json.dumps({"traceEvents": [{**event, "name": "n", "args": args} for event in EVENTS], "last": 1}).encode()
    at = text.index(b'"ts": 100,') - 30
    trace = read_trace(write(text[:at] + text[at:].replace(old, new, 1)))
    assert {*range(500)} - {*(trace.start_ns // 1000).tolist()} == {100}
    assert trace.loss.unreadable >= 1
    assert dict(trace.metadata) == {"last": "1"}


@pytest.mark.parametrize(
    ("value", "copied"),
    [
        pytest.param("1e999", "null", id="as fuzzing found it"),
        pytest.param("-12.5E+0400", "null", id="signed, with a fraction"),
        pytest.param('[1, {"y": 1e309}]', '[1, {"y": null}]', id="inside"),
        pytest.param('["1e999", 2e400]', '["1e999", null]', id="beside a text"),
        pytest.param("1" * 300 + "e10", "null", id="long"),
        pytest.param("1e308", "1e308", id="the largest stays"),
        pytest.param("1e-999", "1e-999", id="small ones stay"),
    ],
)
def test_a_number_beyond_floating_point_costs_no_event_in_a_copy(write: Write, value: str, copied: str) -> None:
    path = write(b'{"traceEvents": [{"ph": "X", "name": "a", "ts": 1, "dur": 2, "x": ' + value.encode() + b"}]}")
    texts: list[bytes] = []
    read_texts(path, texts.extend)
    assert len(read_trace(path)) == 1
    assert [text.decode() for text in texts] == [f'{{"ph": "X", "name": "a", "ts": 1, "dur": 2, "x": {copied}}}']


def test_an_event_may_be_megabytes_long(write: Write) -> None:
    long = [{**event, "args": {"stack": STACK * 50_000}} for event in EVENTS[:3]]
    trace = read_trace(write(EVENTS + long + EVENTS))
    assert len(trace) == 503
    assert trace.losses == ("counted once though more often in the file: 500 events",)


def test_every_real_trace_reads(recordings: Path) -> None:
    paths = sorted(recordings.glob("*/*.json.gz"))
    assert len(paths) >= 15
    for path in paths:
        trace = read_trace(path)
        assert len(trace) > 0
        assert trace.losses == (), path.name


def test_every_broken_file_reads_or_is_refused(recordings: Path, tmp_path: Path) -> None:
    with tarfile.open(recordings / "broken.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    paths = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    refused = set()
    for path in paths:
        try:
            assert len(read_trace(path)) > 0
        except UnreadableTrace:
            refused.add(path.name)
    assert len(paths) >= 21
    assert refused == {"empty.json", "empty.json.gz", "empty_events.json", "no_traceEvents.json", "not_json.json"}


# What each file was damaged with, as the loss that is counted; the others lose nothing.
BROKEN = {
    "bad_crc.json.gz": {"packing_unsure": 1},
    "bad_escape_windows.json": {"mended": 1},
    "control_char.json": {"mended": 1},
    "invalid_utf8.json": {"mended": 1},
    "na_literal.json": {"mended": 1},
    "nan_inf.json": {"mended": 1},
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_the_loss_of_a_broken_file_is_counted(recordings: Path, tmp_path: Path, name: str) -> None:
    with tarfile.open(recordings / "broken.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    loss = read_trace(tmp_path / "broken" / name).loss
    assert {key: value for key, value in asdict(loss).items() if value and key != "usable"} == BROKEN[name]
    assert loss.sentence.startswith("The trace is incomplete: ")


@pytest.mark.parametrize("name", ["truncated_half.json", "truncated_half.json.gz", "truncated_mid_string.json"])
def test_what_is_cut_off_is_said_and_the_rest_kept(recordings: Path, tmp_path: Path, name: str) -> None:
    with tarfile.open(recordings / "broken.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    trace = read_trace(tmp_path / "broken" / name)
    assert trace.loss.cut_off == 1
    assert trace.loss.packing_cut == int(name.endswith(".gz"))
    assert trace.loss.usable > 500
    assert trace.loss.unreadable == 0


def test_losses_add_up() -> None:
    both = total([Loss(usable=3, mended=1), Loss(usable=2, cut_off=1), Loss(cut_off=1)])
    assert both == Loss(usable=5, mended=1, cut_off=2)
    assert both.sentences[0] == "2 files end inside their events: those after the first 5 are lost"
    assert not Loss(usable=7)
    assert Loss(usable=7).sentence == ""


@pytest.mark.skipif(importlib.util.find_spec("zstandard") is None, reason="no zstd reader installed")
def test_zstd_reads_the_same(write: Write) -> None:
    zstandard = importlib.import_module("zstandard")
    packed = zstandard.ZstdCompressor().compress(TWO)
    assert read_trace(write(packed, "packed.json.zst")).start_ns.tolist() == read_trace(write(TWO)).start_ns.tolist()
    cut = zstandard.ZstdCompressor().compress(TWO * 1)[:-20]
    with pytest.raises(UnreadableTrace):
        read_trace(write(cut, "cut.json.zst"))


def test_without_a_zstd_reader_the_way_out_is_said(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("tbp.traces.reading.packing.importlib.import_module", missing)
    with pytest.raises(UnreadableTrace, match="pip install zstandard"):
        read_trace(write(b"\x28\xb5\x2f\xfd\x00", "packed.json.zst"))


def test_keys_on_both_sides_of_the_events_are_kept(write: Write) -> None:
    tail = json.dumps({"note": "x" * 5_000_000, "last": 1}).encode()
    body = b'{"first": {"traceEvents": [1]}, "traceEvents": [' + b", ".join([TWO_EVENT] * 3) + b"], " + tail[1:]
    trace = read_trace(write(body))
    assert len(trace) == 3
    assert trace.metadata["first"] == '{"traceEvents": [1]}'
    assert trace.metadata["last"] == "1"
    assert trace.losses == ()


TWO_EVENT = b'{"args": {"list": [{"a": 1}, {"a": 2}]}, "dur": 1, "ts": 1, "name": "n", "ph": "X"}'


def test_memory_and_copies_are_read(trace_of: Callable[..., Trace]) -> None:
    copy = ("Memcpy HtoD", 5, 1, {"cat": "gpu_memcpy", "args": {"bytes": 64}})
    allocation = ("[memory]", 1, None, {"ph": "i", "args": {"Bytes": 512, "Device Type": 1}})
    trace = trace_of(("mm", 0, 2), copy, allocation)
    assert trace.copied_bytes.tolist() == [-1, 64]
    assert trace.memory.size_bytes.tolist() == [512]
    assert trace.memory.device_type.tolist() == [1]
