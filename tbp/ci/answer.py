"""The answer of a gate in a job: its verdict in one word, its exit code, and the lines that GitHub's pages show.

Takes a comparison, gives values; foreign text is left to whoever writes them.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from tbp.errors import ExitCode
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison
from tbp.wording import phrases

MOST_ANNOTATIONS = 10
"""GitHub shows so many errors of a step, and so many warnings.
https://docs.github.com/rest/checks/runs, and actions/toolkit issue 457"""


class FailOn(StrEnum):
    """The verdicts that fail a job, beside those on a gate that could not be meant."""

    REGRESSION = "regression"  # and what was not measured
    UNDECIDED = "undecided"  # the same, and what nothing can be said of
    NEVER = "never"


_FORGIVEN = {
    FailOn.REGRESSION: (ExitCode.UNDECIDED,),
    FailOn.UNDECIDED: (),
    FailOn.NEVER: (ExitCode.UNDECIDED, ExitCode.REGRESSION, ExitCode.NOTHING_MEASURED),
}

# Words for scripts: an exit code of ``tbp gate --strict`` → the output "verdict".
VERDICTS = {
    ExitCode.OK: "pass",
    ExitCode.REGRESSION: "regression",
    ExitCode.UNDECIDED: "undecided",
    ExitCode.NOTHING_MEASURED: "failed",
    ExitCode.USAGE: "unusable",
    ExitCode.INTERRUPTED: "interrupted",
}


class Annotation(Struct, frozen=True):
    """A line that GitHub shows on the page of a run, and beside the pull request's checks."""

    level: str  # "error" or "warning"
    title: str
    message: str


def job_code(code: ExitCode, fail_on: FailOn) -> ExitCode:
    """The exit code of a job whose gate ended with ``code``, that of ``--strict``."""
    return ExitCode.OK if code in _FORGIVEN[fail_on] else code


def outputs(comparison: Comparison, code: ExitCode) -> dict[str, str]:
    """The outputs of the step that hold no foreign text, which is nothing for a workflow's scripts."""
    regressions = len(comparison.of(State.REGRESSION))
    return {"verdict": VERDICTS[code], "exit-code": str(int(code)), "regressions": str(regressions)}


def annotated(comparison: Comparison, *, fails: bool) -> list[Annotation]:
    """A line for each regression, an error where it ``fails`` the job, and for each benchmark that failed."""
    regressions = [
        Annotation("error" if fails else "warning", "Slower", f"{judged.name}: {phrases.effect(judged)}")
        for judged in comparison.of(State.REGRESSION)[:MOST_ANNOTATIONS]
    ]
    failed = [
        Annotation("warning", "Not measured", f"{judged.name}: {judged.reason}")
        for judged in comparison.of(State.FAILED)[:MOST_ANNOTATIONS]
    ]
    if not comparison.judgements:
        failed = [Annotation("error" if fails else "warning", "Not measured", note) for note in comparison.notes]
    return regressions + failed


def unmeasured(baseline: str, contender: str, reason: str) -> Comparison:
    """The comparison of two commits that could not be measured, for ``reason``, a sentence."""
    sides = ComparedCommit(baseline, ""), ComparedCommit(contender, "")
    return Comparison("", *sides, method=phrases.MEASURED_IN_TURNS, judgements=(), notes=(reason,))
