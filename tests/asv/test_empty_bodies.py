"""Benchmarks whose body never runs: generators and coroutines, told by their source."""

from pathlib import Path

import pytest

from tbp.asv.declarations import Benchmark
from tbp.asv.empty_bodies import never_runs
from tbp.asv.results import read_results

from ..result_folders import write_result


def of(code: str, name: str = "suite.time_it", kind: str = "time") -> str:
    return never_runs(Benchmark(name, kind, "seconds", code=code))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("def time_it():\n    for row in rows():\n        yield row\n", "a generator"),
        ("def time_it():\n    yield from rows()\n", "a generator"),
        ("def time_it():\n    x = [(yield)]\n", "a generator"),
        ("class Suite:\n    def time_it(self, n):\n        if n:\n            yield n\n", "a generator"),
        ("async def time_it():\n    await work()\n", "a coroutine"),
        ("class Suite:\n    async def time_it(self):\n        yield 1\n", "a coroutine"),
    ],
)
def test_a_body_that_never_runs_is_told(code: str, kind: str):
    assert of(code).startswith(f"suite.time_it is {kind}, so asv measures a call that runs nothing of its body")


@pytest.mark.parametrize(
    "code",
    [
        "def time_it():\n    return list(rows())  # yield\n",
        "def time_it():\n    def rows():\n        yield 1\n    list(rows())\n",
        "def time_it():\n    list(map(lambda x: (yield), [1]))\n",
        "@runs_it\ndef time_it():\n    yield 1\n",
        "def time_it():\n    work('yield')\n\ndef setup():\n    yield 1\n",
        "def time_it(:\n    yield\n",
        "(" * 1990 + "yield",
        "def time_it():\n    yield 1\n" + "#" * 3000,
        "",
    ],
)
def test_nothing_is_claimed_of_others(code: str):
    assert of(code) == ""


def test_only_what_is_called_for_its_time_or_memory_is_told():
    code = "def track_it():\n    yield 1\n"
    assert of(code, "suite.track_it", "track") == "", "asv fails it"
    assert of("def peakmem_it():\n    yield 1\n", "suite.peakmem_it", "peakmemory")


def test_it_is_a_problem_of_the_results(tmp_path: Path):
    write_result(tmp_path, "a" * 40, {"suite.time_it": [[6e-7], [], "1"]})
    declared = '{"suite.time_it": {"name": "suite.time_it", "type": "time", "unit": "seconds", "code": "%s"}}'
    (tmp_path / "benchmarks.json").write_text(declared % r"def time_it():\n    yield 1\n")
    assert [problem[:30] for problem in read_results(tmp_path, cache=False).problems] == [
        "suite.time_it is a generator, "
    ]
