"""Cutting a list at its brackets: values, strings that hold brackets, damage, and text that comes in small parts."""

import pytest

from tbp.traces.reading.cutting import Cutter, cut


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b'{"a": 1}, {"b": [2]}', [b'{"a": 1}', b'{"b": [2]}']),
        (b'\n  {\n "a": {\n }\n }\n,\n  [{}, {}]', [b'{\n "a": {\n }\n }', b"[{}, {}]"]),
        (b'{"a": "}, {"}, {"b": "[["}', [b'{"a": "}, {"}', b'{"b": "[["}']),
        (rb'{"a": "\"}, {\\"}, {"b": "\\\\\""}', [rb'{"a": "\"}, {\\"}', rb'{"b": "\\\\\""}']),
        (b'1, "x", null, {"\x02": 1}', [b'{"\x02": 1}']),
        (b"", []),
    ],
)
def test_values_of_whole_text(text: bytes, values: list[bytes]) -> None:
    pieces = cut(text)
    assert [text[start:end] for start, end in pieces.spans] == values
    assert (pieces.strays, pieces.open_from, pieces.list_end) == (0, None, None)


@pytest.mark.parametrize(
    ("text", "spans", "strays", "open_from"),
    [
        (b'{"a": 1}}, {"b": 2}', [(0, 8), (11, 19)], 1, None),
        (b'{"a": 1}], {"b": 2}', [(0, 8), (11, 19)], 1, None),
        (b'{"a": 1}, {"b": {}', [(0, 8)], 0, 10),
        (b'{"a": 1}, {"b: {}}', [(0, 8)], 0, 10),
        (b'{"a": 1}, {"b": "\\"}', [(0, 8)], 0, 10),
    ],
)
def test_damage_hides_no_other_value(text: bytes, spans: list[tuple[int, int]], strays: int, open_from: int | None):
    pieces = cut(text)
    assert (pieces.spans, pieces.strays, pieces.open_from) == (spans, strays, open_from)


@pytest.mark.parametrize(
    ("text", "list_end"),
    [(b"{}]", 2), (b"{}\n ]\n}\n", 4), (b'{} ], "name": [{}]}', 3), (b"{}], {}", None), (b"{}}, {}]}", 7)],
)
def test_the_list_ends_where_no_event_follows(text: bytes, list_end: int | None) -> None:
    pieces = cut(text)
    assert pieces.list_end == list_end
    assert all(end <= (list_end or len(text)) for _, end in pieces.spans)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_parts_make_no_difference(size: int) -> None:
    text = rb'{"a\\": "\\\"}{"}, [[{"b": "]"}], 1] , {} ]'
    cutter = Cutter()
    starts, ends = [], []
    while cutter.position < len(text):
        brackets = cutter.advance(text, min(len(text), max(cutter.position, 0) + size + 1))
        starts += brackets.starts.tolist()
        ends += brackets.ends.tolist()
    assert [text[start:end] for start, end in zip(starts, ends, strict=True)] == [
        rb'{"a\\": "\\\"}{"}',
        b'[[{"b": "]"}], 1]',
        b"{}",
    ]
    assert brackets.strays.tolist() == [len(text) - 1]
