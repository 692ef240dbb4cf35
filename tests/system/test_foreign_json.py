"""JSON of others: nothing that can be written makes a reader fail."""

from pathlib import Path

import pytest
from msgspec import Struct

from tbp.system.foreign_json import object_at, object_in, value_at, value_in


class Lease(Struct):
    commit: str


BROKEN = [b"", b'{"commit": "c', b'{"commit": "\xff"}', b"[1]", b"null", b"[" * 100_000, b'{"commit": ' + b"9" * 5000]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_object_is_none(text: bytes, tmp_path: Path):
    (tmp_path / "file").write_bytes(text)
    assert (object_in(text), value_in(text, Lease)) == (None, None)
    assert (object_at(tmp_path / "file", 1_000_000), value_at(tmp_path / "file", Lease, 1_000_000)) == (None, None)


def test_an_object_is_given_as_python_writes_it():
    assert object_in('{"commit": "\\ud83d", "value": -Infinity}') == {"commit": "\ud83d", "value": -float("inf")}
    assert value_in('{"commit": "c", "more": 1}', Lease) == Lease("c")
    assert value_in('{"commit": 1}', Lease) is None


def test_a_file_that_is_missing_too_large_or_none_is_none(tmp_path: Path):
    file = tmp_path / "lease.json"
    file.write_text('{"commit": "c"}')
    assert (object_at(file, 15), value_at(file, Lease, 15)) == ({"commit": "c"}, Lease("c"))
    assert (object_at(file, 14), value_at(file, Lease, 14)) == (None, None)
    assert (object_at(tmp_path, 15), value_at(tmp_path / "none", Lease, 15)) == (None, None)
