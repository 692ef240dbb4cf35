"""Damage of one byte anywhere costs the event that it is in, whatever the layout, and what it costs is told exactly."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.errors import UnreadableTrace
from tbp.export.document import read_copy
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.search import DECODED_FROM_BYTES, MOST_DECODED, Effort
from tbp.traces.reading.trace import UNNAMED
from tbp.traces.reading.window import ValueState, Window

Write = Callable[..., Path]
Events = list[dict[str, Any]]

LIKE_EVENTS = {"stack": [{"ph": "X", "name": '}, {"ph": "X"'}, {"ph": "X", "ts": 1}], "note": "}, {"}


def events(count: int, **more: Any) -> Events:
    return [
        {"ph": "X", "name": "aten::mm", "pid": 7, "ts": 100 + n, "dur": 1, "args": {"External id": n, **more}}
        for n in range(count)
    ]


def in_any_order(event: dict[str, Any]) -> dict[str, Any]:
    keys = list(event)
    random.Random(event["ts"]).shuffle(keys)
    return {key: event[key] for key in keys}


LAYOUTS: dict[str, Callable[[Events], str]] = {
    "spaces": json.dumps,
    "compact": lambda whole: json.dumps(whole, separators=(",", ":")),
    "pretty": lambda whole: json.dumps(whole, indent=2),
    "any order": lambda whole: json.dumps([in_any_order(event) for event in whole], indent=1),
    "nested": lambda whole: json.dumps([{**event, "args": event["args"] | LIKE_EVENTS} for event in whole]),
}


def document(layout: str, whole: Events) -> bytes:
    return f'{{"schemaVersion": 1, "traceEvents": {LAYOUTS[layout](whole)}, "last": 1}}'.encode()


def lost_and_told(path: Path, count: int) -> tuple[int, int]:
    trace = read_trace(path)
    copied = sum(json.loads(text).get("ph") == "X" for text in read_copy(path).events)
    assert copied >= len(trace)
    return count - len(trace), trace.loss.unreadable + trace.loss.untimed


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_byte_anywhere_costs_at_most_its_event_and_that_is_told(write: Write, layout: str) -> None:
    """A seventh of all deletions and insertions in a file of four events, its head and tail among them."""
    text = document(layout, events(4))
    chance = random.Random(layout)
    for at in range(len(text)):
        for byte in (b"", *(bytes([byte]) for byte in b'{}[]",:\\x')):
            if chance.random() > 1 / 7:
                continue
            path = write(text[:at] + byte + text[at + (not byte) :])
            lost, told = lost_and_told(path, 4)
            assert lost == told <= 1, (at, byte, text[:at][-30:], text[at:][:30])


@pytest.mark.parametrize("behind", [10, 20, 60, 1 << 18])
@pytest.mark.parametrize("number", ["1}2", "12}", "1}.2", '"1}2"}'])
def test_a_brace_in_a_number_before_the_phase_divides_no_event_into_two(
    write: Write, monkeypatch: pytest.MonkeyPatch, number: str, behind: int
) -> None:
    """Wherever the piece ends that is decoded at once: in the other half, or behind it."""
    sound = '{"ph": "X", "name": "a", "ts": 1, "dur": 1}'
    damaged = f'{{"dur": 1, "ts": {number}, "ph": "X", "name": "aten::mm", "args": {{"Ev Idx": 12}}}}'
    text = f'{{"traceEvents": [{sound}, {sound.replace("1,", "3,")}, {damaged}, {sound.replace("1,", "9,")}]}}'.encode()
    part_bytes = text.index(number.encode()) - text.index(b"[") + behind
    monkeypatch.setattr("tbp.traces.reading.document.PART_BYTES", part_bytes)
    assert lost_and_told(write(text), 4) == (1, 1)


@pytest.mark.parametrize("part_bytes", [1_500, 1 << 18])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_of_2000_events_1999_are_left(
    write: Write, monkeypatch: pytest.MonkeyPatch, layout: str, part_bytes: int
) -> None:
    monkeypatch.setattr("tbp.traces.reading.document.PART_BYTES", part_bytes)
    text = document(layout, events(2000))
    at = text.index(b"1003") - 40
    for old, new in ((b"}", b""), (b"}", b"}}"), (b"{", b""), (b'"', b""), (b":", b""), (b",", b""), (b'"', b'\\"')):
        start = text.index(old, at)
        path = write(text[:start] + new + text[start + len(old) :])
        lost, told = lost_and_told(path, 2000)
        assert lost == told <= 1, (old, new)
        assert read_trace(path).metadata["last"] == "1"


@pytest.mark.parametrize("before", ['"b": ', '"a" "b": ', '"a": 1, "b": ', '"a" ', "x ", '{"a": {"b" '])
@pytest.mark.parametrize("behind", ["", "}", "}}", ', "last": 1}}', "}, {"])
def test_a_list_of_events_in_damage_is_that_of_a_document(write: Write, before: str, behind: str) -> None:
    text = f'{before}{{"traceEvents": {LAYOUTS["spaces"](events(3))}}}{behind}'
    assert len(read_trace(write(text.encode()))) == 3


@pytest.mark.parametrize("piece_bytes", [100, 128, 150, 1 << 18])
@pytest.mark.parametrize("behind", ["}}", ', "k": 1}]', "}, {", "]}"])
def test_a_list_in_damage_is_an_argument_wherever_a_piece_ends(
    write: Write, monkeypatch: pytest.MonkeyPatch, behind: str, piece_bytes: int
) -> None:
    path = write(f'"a": 1, "b": {{"stack": {LAYOUTS["spaces"](events(2))}{behind}'.encode())
    with pytest.raises(UnreadableTrace):
        read_trace(path)
    monkeypatch.setattr("tbp.traces.reading.document.PART_BYTES", piece_bytes)
    monkeypatch.setattr("tbp.traces.reading.document.BLOCK_BYTES", 2 * piece_bytes)
    with pytest.raises(UnreadableTrace):
        read_trace(path)


@pytest.mark.parametrize("piece_bytes", [100, 128, 150, 400, 1 << 18])
@pytest.mark.parametrize("key", ["odd", "traceEvent[", "args"])
def test_an_event_behind_a_document_is_read_wherever_a_piece_ends(
    write: Write, monkeypatch: pytest.MonkeyPatch, key: str, piece_bytes: int
) -> None:
    monkeypatch.setattr("tbp.traces.reading.document.PART_BYTES", piece_bytes)
    monkeypatch.setattr("tbp.traces.reading.document.BLOCK_BYTES", 2 * piece_bytes)
    (sound,) = events(1)
    late = {key: {"stream": 7, "correlation": 7, "note": "n" * 200}, **sound}
    assert len(read_trace(write(f"{document('spaces', [sound]).decode()}{json.dumps(late)}".encode()))) == 2


@pytest.mark.parametrize("block_bytes", [700, 8192])
def test_two_writers_of_one_file_lose_what_they_tore(write: Write, block_bytes: int) -> None:
    relus = [{**event, "name": "aten::relu"} for event in events(3000)]
    first, second = document("spaces", events(3000)), document("compact", relus)
    text = b"".join(part[at : at + block_bytes] for at in range(0, len(first), block_bytes) for part in (first, second))
    trace = read_trace(write(text))
    torn = len(first) // block_bytes + len(second) // block_bytes
    lost = 6000 - len(trace)
    assert lost <= 1.1 * torn
    assert trace.loss.unreadable + trace.loss.untimed + trace.loss.doubled == pytest.approx(lost, rel=0.1)


@pytest.mark.parametrize("hole", [b"\0" * 5000, b"\xff" * 5000, b"", b"[[{{" * 1000, b'"traceEvents": [' * 300])
def test_a_hole_of_any_content_hides_no_event_behind_it(write: Write, hole: bytes) -> None:
    text = document("spaces", events(3000))
    trace = read_trace(write(text[:100_000] + hole + text[103_000:]))
    gone = {*range(3000)} - {*trace.external_id.tolist()}
    assert 30 <= len(gone) <= 3000 / 90 + 2
    assert trace.external_id[-1] == 2999


ONE, TWO = events(3), [{**event, "name": "aten::relu", "ts": event["ts"] + 500} for event in events(3, more=1)]


def listed(whole: Events) -> str:
    return "".join(json.dumps(event) + ",\n" for event in whole)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"traceEvents": ONE}) + "\n" + json.dumps({"traceEvents": TWO}),
        json.dumps({"traceEvents": ONE, "x": {}}) + json.dumps({"schemaVersion": 1, "traceEvents": TWO}),
        json.dumps(ONE) + json.dumps(TWO),
        json.dumps(ONE) + ", " + json.dumps({"traceEvents": TWO}),
        json.dumps([{"traceEvents": ONE}, {"traceEvents": TWO}]),
        "\ufeff" + json.dumps({"traceEvents": ONE}) + "\ufeff" + json.dumps({"traceEvents": TWO}),
        json.dumps({"traceEvents": ONE, "more": TWO}),
    ],
)
def test_traces_behind_one_another_are_read_and_told_of(write: Write, text: str) -> None:
    trace = read_trace(write(text.encode()))
    assert [trace.names[code] for code in trace.name_code] == ["aten::mm"] * 3 + ["aten::relu"] * 3
    assert trace.losses == ("read as one with the trace before it in the file: 1 trace",)


def test_members_of_a_gzip_file_are_read_and_told_of(write: Write) -> None:
    members = gzip.compress(json.dumps({"traceEvents": ONE}).encode()) + gzip.compress(json.dumps(TWO).encode())
    trace = read_trace(write(members, "two.json.gz"))
    assert (len(trace), trace.loss.joined) == (6, 1)
    broken = read_trace(
        write(members.replace(b"\x1f\x8b", b"\x1f\x00").replace(b"\x1f\x00", b"\x1f\x8b", 1), "b.json.gz")
    )
    assert (len(broken), broken.loss.packing_damaged) == (3, 1)


@pytest.mark.parametrize(
    "text",
    [
        "[\n" + listed(ONE + TWO),
        "[" + json.dumps(ONE + TWO)[1:-1],
        "[\n" + listed(ONE) + "[\n" + listed(TWO),
        "[," + json.dumps(ONE + TWO)[1:],
        "\n".join(map(json.dumps, ONE + TWO)),
        "\x1e" + "\n\x1e".join(map(json.dumps, ONE + TWO)) + "\n",
    ],
)
def test_a_list_of_whole_events_is_complete_without_its_brackets(write: Write, text: str) -> None:
    trace = read_trace(write(text.encode()))
    assert (len(trace), trace.losses) == (6, ())


def test_an_object_whose_list_does_not_end_is_cut_off(write: Write) -> None:
    trace = read_trace(write(f'{{"traceEvents": [{listed(ONE)}'.encode()))
    assert trace.losses == ("the file ends inside its events: those after the first 3 are lost",)


def test_a_list_inside_another_key_is_read(write: Write) -> None:
    assert len(read_trace(write({"data": {"traceEvents": ONE}, "n": 1}))) == 3


@pytest.mark.parametrize("number", range(50))
def test_whole_files_of_any_layout_are_as_json_reads_them(write: Write, number: int) -> None:
    chance = random.Random(number)
    alphabet = 'ab\u00e9\u4e2d\U0001f600"\\/\n\t{}[],: }, {"ph": "X"'

    def text() -> str:
        return "".join(chance.choices(alphabet, k=chance.randrange(20)))

    def value(depth: int = 0) -> Any:
        match chance.randrange(7 if depth < 3 else 4):
            case 0:
                return text()
            case 1:
                return chance.choice((None, True, False))
            case 2:
                return chance.randrange(-9, 10**12)
            case 3:
                return chance.random() * 10 ** chance.randrange(-9, 9)
            case 4:
                return [value(depth + 1) for _ in range(chance.randrange(4))]
            case _:
                return {text(): value(depth + 1) for _ in range(chance.randrange(4))}

    phases = "XXXXiMsfCN"
    whole = [
        in_any_order({"ph": chance.choice(phases), "ts": n, "dur": n % 9, "name": text(), "args": {text(): value()}})
        for n in range(400)
    ]
    style = {
        "indent": chance.choice((None, None, 0, 1, 4, "\t")),
        "separators": chance.choice(((",", ":"), (", ", ": "), (" ,\r\n ", " :\t"))),
        "ensure_ascii": chance.random() < 0.5,
    }
    keys = {text() + str(at): value() for at in range(chance.randrange(4))}
    content = json.dumps({**keys, "traceEvents": whole, "last": value()}, **style)
    trace = read_trace(write(content.encode()))
    expected = [event for event in json.loads(content)["traceEvents"] if event["ph"] == "X"]
    assert [trace.names[code] for code in trace.name_code] == [
        event["name"] if event["name"].strip() else UNNAMED for event in expected
    ]
    assert trace.start_ns.tolist() == [event["ts"] * 1000 for event in expected]
    assert trace.losses == ()
    assert set(keys) <= set(trace.metadata)


@pytest.mark.parametrize(
    ("text", "state", "end"),
    [
        (b'{"a": 1}, {', ValueState.WHOLE, 8),
        (b'{"a": NaN, "b": -inf, "c": N/A}}', ValueState.WHOLE, 31),
        (b'{"a": "C:\\Users\x01\xff \\" }"} ', ValueState.WHOLE, 25),
        (b'{"a": [1, {"b": "', ValueState.CUT, 17),
        (b'{"a": Na', ValueState.CUT, 7),
        (b'{"a": 1, {"b": 2}', ValueState.BROKEN, 9),
        (b'{"a": [1}', ValueState.BROKEN, 8),
        (b'{"a": 1,}', ValueState.BROKEN, 8),
    ],
)
def test_a_value_is_whole_cut_off_or_broken(text: bytes, state: ValueState, end: int) -> None:
    reached, at = Window(text, is_last=True).value(0)
    assert reached is state
    assert abs(at - end) <= (0 if state is ValueState.WHOLE else 1)


def test_a_search_that_decodes_the_file_again_and_again_is_refused() -> None:
    effort = Effort()
    effort.add(DECODED_FROM_BYTES + MOST_DECODED * 1000, file_bytes=1000)
    with pytest.raises(UnreadableTrace, match="is damaged all over"):
        effort.add(1, file_bytes=1000)
