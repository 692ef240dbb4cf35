"""Callables that a first benchmark may time, and arguments for them; nothing is imported."""

import pytest

from tbp.scaffold.candidates import Candidate, candidates


def only(source: str) -> Candidate:
    (candidate,) = candidates([("lib", source.encode())])
    return candidate


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("", ""),
        ("n=3", ""),
        ("word", '"the_quick_brown_fox"'),
        ("text: str", "TEXT"),
        ("iterable, n", "NUMBERS, 10"),
        ("func, seq", "str, NUMBERS"),
        ("rows: list[int], *, size", "NUMBERS, size=10"),
        ("iterable=None", "NUMBERS"),
        ("socket_factory", None),
        ("x: Callable[[int], int]", "str"),
    ],
)
def test_arguments_are_guessed_by_name_and_annotation(signature: str, arguments: str | None):
    assert only(f"def f({signature}):\n    return 1").arguments == arguments


def test_a_class_is_made_of_data_where_it_takes_some():
    assert (
        only("class Bag:\n    def __init__(self, iterable=()):\n        self.n = len(iterable)").arguments == "NUMBERS"
    )


@pytest.mark.parametrize(
    "source",
    [
        "def _hidden(): pass",
        "async def fetch(): pass",
        "class Wrong(ValueError):\n    def __init__(self): pass",
        "@contextmanager\ndef opened():\n    yield 1",
        "def time_zone(): pass",  # asv would take the import of it for a benchmark
        "class TimeZone:\n    def __init__(self): pass",
        "def (:",
    ],
)
def test_some_are_no_candidates(source: str):
    assert candidates([("lib", source.encode())]) == ()


@pytest.mark.parametrize(
    "source",
    [
        "def read():\n    return open('x').read()",
        "def clean_up():\n    return 1",
        "def spawn():\n    return subprocess.run(['ls'])",
        "def count(n=0):\n    while True:\n        yield n",
    ],
)
def test_what_acts_or_never_ends_does_not_come_up_by_itself(source: str):
    assert not only(source).is_safe


def test_the_likeliest_does_work_and_is_exported():
    package = b"from lib.core import loops\n"
    core = b"def plain(): return 1\ndef loops(): return [i for i in range(9)]\ndef unknown(gizmo): return gizmo\n"
    listed = candidates([("lib", package), ("lib.core", core)])
    assert [each.spelled for each in listed] == ["lib.core:loops", "lib.core:plain", "lib.core:unknown"]


def test_of_modules_the_one_made_of_the_others_comes_first():
    source = b"""
class Attention(nn.Module):
    def __init__(self, width, heads): ...
    def forward(self, x): ...
class Cross(Attention):
    def forward(self, x, memory): ...
class Block(nn.Module):
    def __init__(self, dim, *, dropout):
        self.attention = Attention(dim, 4)
    def forward(self, x, mask=None): ...
"""
    listed = {each.name: each for each in candidates([("lib", source)])}
    assert next(iter(listed)) == "Block"
    assert (listed["Block"].arguments, listed["Block"].inputs) == ("64, dropout=0.0", 1)
    assert (listed["Cross"].arguments, listed["Cross"].inputs) == ("64, 4", 2)
