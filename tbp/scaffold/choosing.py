"""Which callable the first suite times: the one that is named or chosen, or the likeliest that works.

The project's code is run only in trials (``tbp.scaffold.trial``), and not at all where ``runs`` is false.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from tbp.errors import UsageError
from tbp.scaffold.candidates import Candidate
from tbp.scaffold.package import SourcePackage
from tbp.scaffold.suites import FirstSuite, import_suite, named_candidate, suites_of
from tbp.scaffold.trial import SuiteTrial, first_that_works

# More than a screen of names is no help to whoever has to choose.
MOST_SHOWN = 9
# Each has a form or five, and a trial of one that hangs takes its whole time.
MOST_TRIED = 6

Asks = Callable[[Sequence[Candidate], str], str]
"""Shows candidates and why the last choice failed; gives what is typed: a number, a name, or nothing for the first."""


class Choice(Struct, frozen=True):
    """A suite, how long a call took in its trial, and remarks."""

    suite: FirstSuite
    seconds: float = 0.0  # 0: not tried
    notes: tuple[str, ...] = ()


def by_name(text: str, package: SourcePackage, known: Sequence[Candidate], runs: bool, has_gpu: bool) -> Choice:
    """The suite over the callable that ``text`` names. Raises UsageError where there is none, or it does not work."""
    candidate = named_candidate(text, known)
    suites = suites_of(candidate, _has_ruler(package), has_gpu)
    if not runs:
        return Choice(suites[0])
    trial = first_that_works(suites, package)
    if trial.suite is None:
        if not trial.is_imported or trial.missing:
            raise _unusable(trial, package)
        advice = f"give other arguments, --callable '{candidate.spelled}(…)', or name another callable"
        raise UsageError(f"cannot time {trial.reason}; {advice}")
    return Choice(trial.suite, trial.seconds)


def by_question(package: SourcePackage, known: Sequence[Candidate], asks: Asks, has_gpu: bool) -> Choice:
    """The suite over the callable that somebody chooses; asks again until it works."""
    shown = [each for each in known if each.arguments is not None][:MOST_SHOWN]
    if not shown:
        return by_default(package, known, True, has_gpu)
    trouble = ""
    while True:
        typed = asks(shown, trouble).strip() or "1"
        spelled = shown[int(typed) - 1].spelled if typed.isdecimal() and 1 <= int(typed) <= len(shown) else typed
        try:
            return by_name(spelled, package, known, True, has_gpu)
        except UsageError as error:
            trouble = str(error)


def by_default(package: SourcePackage, known: Sequence[Candidate], runs: bool, has_gpu: bool) -> Choice:
    """The suite over the likeliest callable that works, or else over the import of the package.

    Raises UsageError where not even that works.
    """
    likely = [each for each in known if each.arguments is not None and each.is_safe]
    likely = [each for each in likely if each.is_module or not _has_ruler(package)][:MOST_TRIED]
    suites = [suite for each in likely for suite in suites_of(each, _has_ruler(package), has_gpu)]
    fallback = import_suite(package.name)
    if not runs:
        return Choice((suites or [fallback])[0])
    trial = first_that_works([*suites, fallback], package)
    if trial.suite is None:
        raise _unusable(trial, package)
    if trial.suite is not fallback:
        return Choice(trial.suite, trial.seconds)
    advice = f"name a callable with --callable '{package.name}:NAME(ARGUMENTS)'"
    return Choice(fallback, trial.seconds, (f"nothing could be called by itself, so the import is timed: {advice}",))


def _has_ruler(package: SourcePackage) -> bool:
    """True where suites of tbp's ruler can be used: the project uses torch, and runs from its checkout."""
    return package.uses_torch and not package.is_compiled


def _unusable(trial: SuiteTrial, package: SourcePackage) -> UsageError:
    """The error of a package that cannot be imported, or lacks a dependency."""
    top = package.name.partition(".")[0]
    if trial.missing and trial.missing.partition(".")[0] != top:
        remedy = "install your dependencies beside tbp (`pip install .` in the Python that runs tbp), and try again"
    else:
        remedy = f"correct it (`python -c 'import {package.name}'` shows more), or write the files only, with --no-run"
    subject = f"time {trial.reason}" if trial.is_imported else f"import {package.name}: {trial.reason}"
    return UsageError(f"cannot {subject}; {remedy}")
