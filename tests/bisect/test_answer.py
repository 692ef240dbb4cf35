"""The answer of a search, and its forms."""

import json
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tbp.bisect.answer import answer, exit_code
from tbp.bisect.bisection import Bisection, Ending
from tbp.bisect.forms import text, to_json
from tbp.bisect.search import LineSearch
from tbp.bisect.trials import Ruling
from tbp.errors import ExitCode
from tbp.project.first_parents import LineCommit
from tbp.statistics.paired_ratios import Pair
from tbp.turns.run import INTERRUPTED

from .test_search import levels, searched

SUBJECT = "Use\u202e a <b>loop\x1b[31m\n::error::no"
SERIES = ("suite.time_x", (("n", "1"),))


def line(commits: int) -> list[LineCommit]:
    return [
        LineCommit(f"{index:08x}" + 32 * "0", (f"{index - 1:08x}" + 32 * "0",), "Ada\x07", "2026-01-01", SUBJECT)
        for index in range(commits + 1)
    ]


def answered(search: LineSearch, ended: str = "") -> Bisection:
    return answer(search, line(search.last), SERIES, ended, "time_x")


def of(*steps: tuple[int, float], commits: int = 8, broken: Sequence[int] = ()) -> Bisection:
    return answered(searched(levels(commits, *steps), broken=broken))


def test_a_culprit_is_named_with_its_effect_and_the_next_commands():
    result = of((3, 0.10))
    assert (result.ending, exit_code(result)) == (Ending.COMMIT, ExitCode.REGRESSION)
    assert result.culprit is not None
    assert result.culprit.commit.commit.startswith("00000003")
    assert result.culprit.before.startswith("00000002")
    printed = text(result, width=120)
    assert printed.startswith("00000003 made suite.time_x (n=1) +10 % slower (99 % CI ")
    assert "that step explains it" in printed
    assert "git show 00000003 # the change" in printed
    assert "tbp ack 00000003" in printed


def test_a_culprit_that_was_never_measured_against_its_parent_names_what_it_rests_on():
    result = of((24, 0.10), commits=32)
    assert result.culprit is not None
    assert [(each.commit[:8], each.pairs) for each in result.culprit.rests_on] == [("00000000", 12), ("00000016", 6)]
    printed = " ".join(text(result, width=120).split())
    assert "909 ms → 1.00 s, from 12 pairs against GOOD and 6 pairs against 00000016" in printed
    assert result.gates == 6
    assert exit_code(result) is ExitCode.REGRESSION


def test_what_strangers_wrote_is_one_harmless_line():
    printed = text(of((3, 0.10)), width=120)
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert not any(line.lstrip().startswith("::") for line in printed.splitlines())


def test_an_improvement_is_named_and_sets_no_exit_code():
    result = of((3, -0.20))
    assert (result.ending, exit_code(result)) == (Ending.COMMIT, ExitCode.OK)
    assert "faster" in text(result)
    assert "tbp ack" not in text(result)


def test_without_a_change_there_is_nothing_to_search():
    result = of()
    assert (result.ending, exit_code(result)) == (Ending.NO_CHANGE, ExitCode.OK)
    assert text(result).startswith("No change of suite.time_x (n=1)")
    assert "EARLIER LATER" in text(result)
    assert result.culprit is None


def test_several_steps_are_no_whole_explanation():
    result = of((5, 0.05), (21, 0.09), commits=32)
    assert result.culprit is not None
    assert result.culprit.commit.commit.startswith("00000015")
    assert result.has_remainder
    printed = text(result, width=200)
    assert "that step is the largest part of it, +5" in printed
    assert "tbp bisect time_x 00000000 00000014 # the rest before it" in printed
    assert "the rest after it" not in printed


def test_a_range_names_all_of_its_commits():
    result = of((4, 0.10), broken=(4, 5))
    assert (result.ending, exit_code(result)) == (Ending.RANGE, ExitCode.REGRESSION)
    printed = text(result, width=120)
    assert printed.startswith("One of 3 commits made suite.time_x (n=1) +10 % slower")
    assert "or an earlier one: 00000004, 00000005, 00000006" in printed
    assert "00000004 left out: it does not build" in printed
    assert "git log 00000003..00000006" in printed


def test_small_steps_are_undecided():
    result = of(*[(index, 0.015) for index in range(1, 9)])
    assert (result.ending, exit_code(result)) == (Ending.UNDECIDED, ExitCode.UNDECIDED)
    assert "several small steps" in text(result)


def test_a_commit_that_noise_keeps_from_being_confirmed_is_named_as_a_suspect():
    search = searched(levels(8, (3, 0.10)))
    step = search.steps[0]
    step.pairs = [Pair(effect, effect, 1.0, 1.0) for effect in (0.3, -0.1, 0.25, -0.2, 0.3, -0.1) * 2]
    step.ruling = Ruling.OPEN
    step.rule(search.limits, search.bracket().levels)
    result = answered(search)
    assert (result.ending, exit_code(result)) == (Ending.UNDECIDED, ExitCode.UNDECIDED)
    assert "00000003 is suspected, and fresh pairs do not confirm it: anything from" in text(result, width=200)


@pytest.mark.parametrize(
    ("ended", "ending", "code"),
    [
        (INTERRUPTED, Ending.INTERRUPTED, ExitCode.INTERRUPTED),
        ("the budget of 2 min ended", Ending.UNDECIDED, ExitCode.UNDECIDED),
    ],
)
def test_a_search_that_ended_early_tells_how_to_go_on(ended: str, ending: Ending, code: ExitCode):
    search = searched(levels(32, (21, 0.10)))
    del search.trials[3:]
    result = answered(search, ended)
    assert (result.ending, exit_code(result)) == (ending, code)
    printed = text(result, width=120)
    assert f"{ended}; 8 commits left" in printed
    assert "the same command again" in printed


def test_an_interrupt_after_the_step_changes_no_answer():
    result = answered(searched(levels(8, (3, 0.10))), INTERRUPTED)
    assert (result.ending, exit_code(result)) == (Ending.COMMIT, ExitCode.REGRESSION)


def test_the_json_is_strict_and_has_the_search_inside_a_merge():
    result = replace(of((3, 0.10)), inside=of((2, 0.10)))
    content = json.loads(to_json(result), parse_constant=lambda name: pytest.fail(name))
    assert (content["format"], content["ending"], content["gates"]) == (1, "commit", 4)
    assert content["pairs"] == sum(probe["pairs"] for probe in content["probes"])
    assert content["culprit"]["commit"]["subject"].startswith("Use\u202e a <b>loop")
    assert content["culprit"]["judgement"]["state"] == "regression"
    assert [each["commit"][:8] for each in content["suspects"]] == ["00000003"]
    assert content["inside"]["suspects"][0]["commit"].startswith("00000002")
    assert content["ends"]["effect"] == pytest.approx(0.10, abs=0.01)
