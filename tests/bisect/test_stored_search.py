"""A search that was begun, as the next try of the same question reads it."""

from math import isnan, nan
from pathlib import Path

from tbp.bisect.indirect import IndirectEffect
from tbp.bisect.search import LineSearch
from tbp.bisect.stored import Question, StoredSearch, digest_of_suites
from tbp.bisect.trials import Role, Ruling, Trial
from tbp.statistics.paired_ratios import Pair
from tbp.turns.evidence import Limits

QUESTION = Question("time_x", ("a" * 40, "b" * 40, "c" * 40), "", 1, "box", "digest", 0.02)
INDIRECT = IndirectEffect(0.1, 0.05, 0.15, 1e-4, None, 1e-3, ((0, 6),))
SERIES = ("suite.time_x", (("n", "1"),))


def search() -> LineSearch:
    return LineSearch((1.0, 1.0), Limits())


def stored(folder: Path) -> StoredSearch:
    begun = search()
    pair = Pair(0.1, nan, 1e-3, 1.1e-3, 0.5)
    begun.trials = [
        Trial(Role.ENDS, 0, 2, [pair], Ruling.BAD, "why", 2, operators=("aten::mm",)),
        Trial(Role.PROBE, 0, 1, least=24),
        Trial(Role.STEP, 1, 2, ruling=Ruling.STEP, indirect=INDIRECT),
    ]
    begun.skipped = {1: "it does not build"}
    file = StoredSearch(folder, QUESTION)
    file.write(SERIES, begun)
    return file


def test_a_search_comes_back_as_it_was(tmp_path: Path):
    again = search()
    assert stored(tmp_path).read_into(again) == SERIES
    ends, probe, step = again.trials
    assert isnan(ends.pairs[0].cpu_effect)
    assert (ends.pairs[0].effect, ends.ruling, ends.reason, ends.least) == (0.1, Ruling.BAD, "why", 2)
    assert (ends.operators, step.operators, step.ruling) == (("aten::mm",), None, Ruling.STEP)
    assert (probe.least, step.indirect) == (24, INDIRECT)
    assert again.skipped == {1: "it does not build"}


def test_another_question_begins_anew(tmp_path: Path):
    stored(tmp_path)
    other = Question("time_x", (*QUESTION.line[:2], "d" * 40), "", 1, "box", "digest", 0.02)
    again = search()
    assert StoredSearch(tmp_path, other).read_into(again) is None
    assert again.trials == []


def test_a_damaged_file_begins_anew(tmp_path: Path):
    file = stored(tmp_path)
    (path,) = (tmp_path / "bisect").iterdir()
    for content in (
        b"",
        b"{",
        path.read_bytes()[:-20],
        path.read_bytes().replace(b'"head":2', b'"head":9'),
        path.read_bytes().replace(b"[[0,6]]", b"[[7,6]]"),
    ):
        path.write_bytes(content)
        assert file.read_into(search()) is None


def test_a_search_can_be_forgotten(tmp_path: Path):
    file = stored(tmp_path)
    file.forget()
    file.forget()
    assert file.read_into(search()) is None


def test_other_suites_are_another_question(tmp_path: Path):
    (tmp_path / "speed.py").write_text("x = 1")
    before = digest_of_suites(tmp_path)
    (tmp_path / "speed.py").write_text("x = 2")
    assert digest_of_suites(tmp_path) != before
