"""Callables that a first benchmark may time, and arguments for them; nothing is imported."""

import pytest

from tbp.scaffold.candidates import Candidate, candidates
from tbp.scaffold.suites import named_candidate


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


@pytest.mark.parametrize(
    ("init", "width", "channels"),
    [
        ("def __init__(self, width=256): ...", 256, 256),
        ("def __init__(self, heads=8, *, d_model: int = 512): ...", 512, 512),
        ("def __init__(self, dim, out_features=10): ...", 64, 64),
        ("def __init__(self, out_dim=10): self.a, self.b = nn.Linear(784, 256), nn.Linear(256, out_dim)", 784, 3),
        ("def __init__(self): self.a = nn.Sequential(nn.Conv2d(1, 8, 3), Linear(99, 2))", 99, 1),
        ("def __init__(self, width=True, channels=10**9): ...", 64, 64),
        ("pass", 64, 3),
    ],
)
def test_the_inputs_of_a_module_fit_its_first_sizes(init: str, width: int, channels: int):
    source = f"class Net(nn.Module):\n    {init}\n    def forward(self, x): ...\n"
    (net,) = candidates([("lib", source.encode())])
    assert (net.width, net.channels) == (width, channels)


@pytest.mark.parametrize(
    ("given", "width"), [("(512)", 512), ("(heads=4, width=32)", 32), ("(heads=4)", 256), ("('x')", 256), ("", 256)]
)
def test_arguments_that_are_given_say_the_width(given: str, width: int):
    source = b"class Net(nn.Module):\n    def __init__(self, width=256): ...\n    def forward(self, x): ...\n"
    assert named_candidate(f"lib:Net{given}", candidates([("lib", source)])).width == width


def test_bases_in_circles_come_to_an_end():
    circle = "class A(B, Module): pass\nclass B(A, Module): pass\n"
    doubled = "".join(f"class C{number + 1}(C{number}, C{number}): pass\n" for number in range(40))
    listed = candidates([("m", f"{circle}class C0(Module): pass\n{doubled}".encode())])
    assert len(listed) == 43
