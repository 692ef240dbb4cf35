"""Which of today's parameters those of a run were, told by their values."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.asv.declarations import Benchmark, parameter_values
from tbp.asv.parameters import completed, named
from tbp.asv.results import Results, read_results
from tbp.system.python_text import plain_value

from ..result_frames import rows_of

Writer = Callable[..., Path]

N, KIND, WORKERS = ("10", "20"), ("a", "b"), ("1", "4")


def declared(**parameters: tuple[str, ...]) -> Benchmark:
    return Benchmark("x", "time", "seconds", "1", tuple(parameters), tuple(parameters.values()))


def labels(values: tuple[tuple[str, ...], ...], benchmark: Benchmark) -> list[str]:
    return [",".join(f"{name}={value}" for name, value in cell) for cell in named(values, benchmark).cells]


@pytest.mark.parametrize(
    ("values", "today", "expected"),
    [
        # As it is declared, and with a value more or all values other ones.
        ((N, KIND), {"n": N, "kind": KIND}, ["n=10,kind=a", "n=10,kind=b", "n=20,kind=a", "n=20,kind=b"]),
        ((N,), {"n": ("5", "10", "20")}, ["n=10", "n=20"]),
        ((("1", "2"),), {"n": N}, ["n=1", "n=2"]),
        # Two have changed places: the cells stay in the order of the run's results.
        ((N, KIND), {"kind": KIND, "n": N}, ["kind=a,n=10", "kind=b,n=10", "kind=a,n=20", "kind=b,n=20"]),
        ((N, KIND), {"kind": (*KIND, "c"), "n": ("20", "30")},
         ["kind=a,n=10", "kind=b,n=10", "kind=a,n=20", "kind=b,n=20"]),
        ((("1", "10"), ("10", "100")), {"columns": ("10", "100"), "rows": ("1", "10")},
         ["columns=10,rows=1", "columns=100,rows=1", "columns=10,rows=10", "columns=100,rows=10"]),
        # Values that moved on, not places.
        ((("1", "2"), ("2", "4")), {"a": ("2", "4"), "b": ("4", "8")}, ["a=1,b=2", "a=1,b=4", "a=2,b=2", "a=2,b=4"]),
        # The same values in both places: nothing tells, and nothing is guessed.
        ((N, N), {"a": N, "b": N}, ["a=10,b=10", "a=10,b=20", "a=20,b=10", "a=20,b=20"]),
        # One with several values was added, in front or behind.
        ((N,), {"n": N, "workers": WORKERS}, ["n=10", "n=20"]),
        ((N,), {"workers": WORKERS, "n": N}, ["n=10", "n=20"]),
        # One with a single value was added, or removed: the series goes on.
        ((N,), {"n": N, "workers": ("1",)}, ["n=10,workers=1", "n=20,workers=1"]),
        ((), {"workers": ("1",)}, ["workers=1"]),
        ((N, ("1",)), {"n": N}, ["n=10", "n=20"]),
        ((("1",),), {}, [""]),
        # One with several values was removed.
        ((N, WORKERS), {"n": N}, ["n=10,param2=1", "n=10,param2=4", "n=20,param2=1", "n=20,param2=4"]),
        # Nothing in common with today's.
        ((("7",),), {"n": N, "kind": KIND}, ["param1=7"]),
        # One changed its place, the other its place and all its values.
        ((N, KIND), {"kind": ("x", "y"), "n": N}, ["kind=a,n=10", "kind=b,n=10", "kind=a,n=20", "kind=b,n=20"]),
    ],
)  # fmt: skip
def test_parameters_are_named_by_their_values(
    values: tuple[tuple[str, ...], ...], today: dict[str, tuple[str, ...]], expected: list[str]
):
    assert labels(values, declared(**today)) == expected


def test_a_process_has_the_parameter_that_was_added_with_one_value():
    today = declared(n=N, workers=("1",))
    assert completed((("n", "10"),), today) == (("n", "10"), ("workers", "1"))
    assert completed((("n", "10"), ("workers", "4")), today) == (("n", "10"), ("workers", "4"))
    assert completed((("n", "10"),), declared(n=N, workers=WORKERS)) == (("n", "10"),)
    assert completed((("size", "10"),), today) == (("size", "10"),)


def test_what_was_added_with_several_values_is_said():
    assert named((N,), declared(n=N, workers=WORKERS)).added == ("workers",)
    assert named((N,), declared(n=N, workers=("1",))).added == ()


def test_values_that_fit_in_several_ways_are_not_named():
    found = named((N,), declared(a=N, b=N))
    assert found.is_ambiguous
    assert found.cells == ((("param1", "10"),), (("param1", "20"),))


def test_three_that_changed_places_are_found_and_two_alike_among_them_are_not_told_apart():
    today = declared(kind=KIND, n=N, workers=WORKERS)
    assert labels((N, WORKERS, KIND), today)[0] == "kind=a,n=10,workers=1"
    alike = declared(kind=KIND, rows=N, columns=N)
    assert named((N, N, KIND), alike).is_ambiguous


def test_equal_reprs_are_numbered_as_asv_does_and_addresses_left_out():
    assert parameter_values([["<Obj>", "<Obj>", "'x'"]]) == [["<Obj> (0)", "<Obj> (1)", "x"]]
    assert parameter_values([["<m.Obj object at 0x7f01>", "<m.Obj object at 0x7fA2>"]]) == [
        ["<m.Obj object> (0)", "<m.Obj object> (1)"]
    ]
    assert plain_value("<m.Obj object at 0x7f01>") == "<m.Obj object>"
    assert plain_value("'cat at 0x10'") == "cat at 0x10"


def results_of(path: Path, **declaration: object) -> Results:
    folder = path.parent.parent
    (folder / "benchmarks.json").write_text(json.dumps({"time_x": {"version": "v", **declaration}, "version": 2}))
    return read_results(folder)


def test_a_parameter_that_was_added_is_told_with_the_commit_that_has_it_first(result_file: Writer):
    result_file("a", {"time_x": [[1.0, 2.0], [list(N)], "v"]})
    result_file("b", {"time_x": [[1.0, 2.0, 3.0, 4.0], [list(N), list(WORKERS)], "v"]}, date=1_800_000_000_000)
    path = result_file("c", {"time_x": [[1.0, 2.0, 3.0, 4.0], [list(N), list(WORKERS)], "v"]}, date=1_900_000_000_000)
    results = results_of(path, param_names=["n", "workers"], params=[list(N), list(WORKERS)])
    said = "it has the parameter workers since bbbbbbbb; the value in earlier runs is unknown, so "
    said += "they are series without it, which end there"
    assert results.remarks == {"time_x": said}
    assert results.problems == (f"time_x: {said}",)
    assert {value.parameters for value in rows_of(results) if value.commit[0] == "a"} == {
        (("n", "10"),),
        (("n", "20"),),
    }


def test_two_values_of_one_name_in_one_file_are_two_series_and_nothing_is_to_be_deleted(result_file: Writer):
    path = result_file("a", {"time_x": [[1.0, 9.0], [["<Obj>", "<Obj>"]], "v"]})
    results = results_of(path, param_names=["o"], params=[["<Obj>", "<Obj>"]])
    assert results.problems == ()
    assert [(value.parameters, value.value) for value in rows_of(results)] == [
        ((("o", "<Obj> (0)"),), 1.0),
        ((("o", "<Obj> (1)"),), 9.0),
    ]


def test_a_series_whose_parameters_changed_places_goes_on(result_file: Writer):
    result_file("a", {"time_x": [[1.0, 2.0, 3.0, 4.0], [list(N), ["'a'", "'b'"]], "v"]})
    path = result_file("b", {"time_x": [[1.0, 3.0, 2.0, 4.0], [["'a'", "'b'"], list(N)], "v"]})
    results = results_of(path, param_names=["kind", "n"], params=[["'a'", "'b'"], list(N)])
    found = {(value.commit[0], value.parameters): value.value for value in rows_of(results)}
    for kind, n, value in (("a", "10", 1.0), ("b", "10", 2.0), ("a", "20", 3.0), ("b", "20", 4.0)):
        assert found["a", (("kind", kind), ("n", n))] == found["b", (("kind", kind), ("n", n))] == value
    assert results.problems == ()
