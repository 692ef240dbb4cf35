"""The answer of a gate in a job: exit codes, outputs, annotations."""

from collections.abc import Callable

import pytest

from tbp.ci.answer import MOST_ANNOTATIONS, Annotation, FailOn, annotated, job_code, outputs, unmeasured
from tbp.errors import ExitCode
from tbp.model.comparison import Comparison
from tbp.system.printing import command

from ..comparison.conftest import FAILED, HOSTILE, REGRESSION, comparison, comparison_of, hostile  # noqa: F401

Make = Callable[..., Comparison]


@pytest.mark.parametrize(
    ("fail_on", "forgiven"),
    [("regression", {5}), ("undecided", set()), ("never", {3, 4, 5})],
)
def test_a_job_fails_on_what_it_was_told_to(fail_on: str, forgiven: set[int]):
    assert {int(code) for code in ExitCode if code and not job_code(code, FailOn(fail_on))} == forgiven


def test_outputs_hold_no_text_of_strangers(hostile: Comparison):  # noqa: F811
    assert outputs(hostile, ExitCode.REGRESSION) == {"verdict": "regression", "exit-code": "3", "regressions": "2"}


def test_each_regression_and_each_failure_is_annotated(comparison: Comparison):  # noqa: F811
    regression, second, failed = annotated(comparison, fails=True)
    name = "attention.Quick.torchtime_step (variant=sdpa)"
    assert regression == Annotation("error", "Slower", f"{name}: +6.1 % slower (99 % CI 5.2–7.0)")
    assert (second.level, failed.message) == ("error", "train.time_step: it failed in HEAD")
    assert annotated(comparison, fails=False)[0].level == "warning"


def test_no_more_is_annotated_than_github_shows(comparison_of: Make):  # noqa: F811
    many = annotated(comparison_of(*[REGRESSION] * 30, *[FAILED] * 30), fails=True)
    assert len(many) == 2 * MOST_ANNOTATIONS


def test_a_gate_without_a_measurement_annotates_the_reason():
    assert annotated(unmeasured("main", "#17", "it does not build"), fails=True) == [
        Annotation("error", "Not measured", "it does not build")
    ]


def test_a_command_of_the_log_cannot_be_ended_by_a_name(capsys: pytest.CaptureFixture[str]):
    command("error", f"100 %\r\n::set-output name=x::{HOSTILE}", title="a:b,c\n::stop::")
    line, end = capsys.readouterr().out.split("\n")
    assert line.startswith("::error title=a%3Ab%2Cc %3A%3Astop%3A%3A::100 %25 ::set-output name=x::a|b`@team")
    assert end == ""
