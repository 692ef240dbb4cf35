"""Two versions of one file: literal contents, literal answers, the same whoever merges."""

import json

import pytest

from tbp.asv.reasons import MOST_BYTES, merged_reasons
from tbp.nightly.merging import merged

HEAD = {"version": 2, "commit_hash": "a" * 40, "env_name": "env", "date": 1}
COLUMNS = ["result", "params", "version", "started_at", "samples"]


def result(rows: object, columns: list[str] = COLUMNS, **head: object) -> bytes:
    return json.dumps({**HEAD, "result_columns": columns, "results": rows, **head}).encode()


def rows(content: bytes) -> object:
    return json.loads(content)["results"]


def of_results(ours: bytes, theirs: bytes) -> bytes:
    """The merged result file, which does not depend on the side."""
    made, mirrored = merged("box/a-env.json", None, ours, theirs), merged("box/a-env.json", None, theirs, ours)
    assert repr(json.loads(made)) == repr(json.loads(mirrored))
    return made


def test_every_benchmark_stays_and_the_newest_start_wins():
    ours = result({"a": [[1.0], [], "1", 10], "both": [[1.0], [], "1", 10]})
    theirs = result({"b": [[2.0], [], "1", 5], "both": [None, [], "1", 20]})
    expected = {"a": [[1.0], [], "1", 10], "b": [[2.0], [], "1", 5], "both": [None, [], "1", 20]}
    assert rows(of_results(ours, theirs)) == expected


def test_a_file_that_has_all_of_the_other_stays_byte_for_byte():
    small, large = result({"a": [[1.0]]}), result({"a": [[1.0]], "b": [[2.0]]})
    assert of_results(small, large) == large
    assert of_results(large, small) == large


def test_cells_that_the_newer_run_left_out_are_those_of_the_older():
    nan = float("nan")
    params = [["1", "2", "3"]]
    older = result({"a": [[1.0, 2.0, None], params, "1", 10, [[1.0], [2.0], None]]})
    newer = result({"a": [[nan, 3.0, nan], params, "1", 20, [None, [3.0], None]]})
    assert rows(of_results(older, newer)) == {"a": [[1.0, 3.0, None], params, "1", 20, [[1.0], [3.0], None]]}
    changed = result({"a": [[nan, 3.0, nan], params, "2", 20]})
    assert repr(rows(of_results(older, changed))) == repr({"a": [[nan, 3.0, nan], params, "2", 20]}), "another version"


def test_columns_are_found_by_name():
    ours = result({"a": [[1.0], [], "1", 10]})
    theirs = result({"b": [5, [2.0]]}, columns=["started_at", "result"])
    assert rows(of_results(ours, theirs)) == {"a": [[1.0], [], "1", 10], "b": [[2.0], None, None, 5]}


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"version": 2, "commit_hash": 7}', b"[" * 99_999, b"\xff"])
def test_what_is_no_result_gives_way(broken: bytes):
    whole = result({"a": [[1.0]]})
    assert of_results(whole, broken) == whole if broken else True
    assert merged("box/a-env.json", None, broken, whole) == whole


def test_objects_merge_by_key_and_what_one_side_took_out_is_gone():
    base, ours = {"a": 1, "b": 2, "list": [1, 2]}, {"a": 1, "c": 3, "list": [1, 2, 3]}
    theirs = {"a": 7, "b": 2, "d": 4, "list": [2]}
    content = merged("benchmarks.json", *(json.dumps(each).encode() for each in (base, ours, theirs)))
    assert json.loads(content) == {"a": 7, "c": 3, "d": 4, "list": [2, 3]}
    content = merged("benchmarks.json", None, *(json.dumps(each).encode() for each in (ours, theirs)))
    assert set(json.loads(content)) == {"a", "b", "c", "d", "list"}, "nothing is known to be taken out"


def reasons(*cells: tuple[str, str]) -> bytes:
    entries = [{"benchmark": name, "values": [], "output": index} for index, (name, _) in enumerate(cells)]
    content = {"format": 1, "machine": "m", "environment": "e", "commit": "a" * 40}
    return json.dumps(content | {"outputs": [output for _, output in cells], "cells": entries}).encode()


def test_reasons_are_kept_by_cell():
    ours, theirs = reasons(("a", "ours"), ("b", "only")), reasons(("a", "theirs"), ("c", "too"))
    content = json.loads(merged_reasons(ours, theirs))
    of = {cell["benchmark"]: content["outputs"][cell["output"]] for cell in content["cells"]}
    assert of == {"a": "ours", "b": "only", "c": "too"}
    assert merged_reasons(ours, b"{") == ours
    assert merged_reasons(b"{", theirs) == theirs
    assert merged_reasons(reasons(("a", "ours")), theirs) == theirs
    assert len(ours) < MOST_BYTES
