"""Cutting a list at its brackets: values, strings that hold brackets, and brackets that nothing opened."""

import pytest

from tbp.traces.reading.cutting import values_end


@pytest.mark.parametrize(
    ("whole", "rest"),
    [
        (b'{"a": 1}, {"b": [2]}', b""),
        (b'{"a": 1}', b', {"b": [2]'),
        (b'\n  {\n "a": {\n }\n }\n,\n  [{}, {}]', b" , "),
        (b'{"a": "}, {"}', b', {"b": "}'),
        (rb'{"a": "\"}, {\\"}, {"b": "\\\\\""}', rb', {"\"": "}'),
        (b'{"a": 1}', b'}, {"b": 2}'),
        (b"{}", b"\n ]\n}\n"),
        (b'1, "x", null, {"\x02": 1}', b", 2"),
        (b"", b'{"a": 1, "b": {}'),
        (b"", b"]}"),
        (b"", b""),
    ],
)
def test_the_last_whole_value_ends_where_the_depth_is_none(whole: bytes, rest: bytes) -> None:
    assert values_end(whole + rest) == len(whole)
