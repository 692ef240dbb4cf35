"""``pytest --tbp-gate BASE``: marked tests of the working tree and of BASE, measured in turns.

Takes node ids and where pytest runs, gives what ``tbp gate`` gives. Both sides are the files of a commit in temporary
folders, the working tree as it is now among them, and run in the Python that runs pytest.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tbp.asv.checkouts import Checkout
from tbp.asv.runner import interruptible
from tbp.errors import NothingMeasured, UsageError
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.project.git import GitFailed, top_of
from tbp.project.policy import read_policy
from tbp.project.working_tree import WORKING_TREE, judged, left_from
from tbp.pytest_gate.files import write_files
from tbp.system.children import marking, temporary_folder
from tbp.turns.budget import Budget
from tbp.turns.cells import SIDES, Cell, Side
from tbp.turns.evidence import Evidence, Limits
from tbp.turns.progress import GateProgress
from tbp.turns.referee import IMPORT_TIMEOUT_S
from tbp.turns.run import ENDING_SHARE, Gated, GateRequest, MeasuredCells, take_turns
from tbp.turns.worker_process import Deadline, OutOfTime, Worker, WorkerLost
from tbp.wording import words
from tbp.wording.phrases import MEASURED_IN_TURNS

PROGRAM = Path(__file__).with_name("worker.py")
# Of a test with its fixtures, before its workload is called.
TEST_TIMEOUT_S = 300.0
MOST_NAMED = 3  # tests in a note
UNMARKED = "not marked in base: it can be measured once a commit with the mark is the base"
ABSENT = "not in base: there is no such test, or its file cannot be imported there"


class TestsRequest(Struct, frozen=True):
    """The tests to measure, and how."""

    __test__ = False  # no test, though pytest takes its name for one

    root: Path  # pytest's rootdir
    tests: tuple[str, ...]  # node ids
    options: tuple[str, ...] = ()  # of pytest, for both sides
    limits: Limits = field(default_factory=Limits)
    budget_s: float = inf


class TestAtCommit(Struct, frozen=True):
    """A test as a worker finds it in a commit."""

    __test__ = False

    is_marked: bool
    unsuitable: str  # why it cannot take turns, if so
    digest: str  # of its source


def gate_tests(base: str, request: TestsRequest) -> Gated:
    """Measure the tests of the working tree against those of ``base``, or of the commit at which HEAD left it.

    Raises:
        UsageError: there is no repository, or no such commit.
        NothingMeasured: a side cannot be looked at.
        KeyboardInterrupt: it was interrupted before there was anything to measure.
    """
    start_s = time.monotonic()
    deadline = Deadline(start_s + request.budget_s * (1 - ENDING_SHARE))
    try:
        top = top_of(request.root)
    except GitFailed as failed:
        raise UsageError(f"--tbp-gate needs a git repository: {failed}") from None
    contender = judged(top, WORKING_TREE)
    baseline = left_from(top, judged(top, base), contender)
    with interruptible(), marking(), GateProgress() as progress, _sides(top, baseline, contender, request) as sides:
        progress.say("collecting the marked tests of both sides")
        tests = _collected(sides, request, deadline)
        known = MeasuredCells(*_matched(request.tests, tests))
        known.notes += _changed_tests([each.cell.benchmark for each in known.evidence], tests)
        gate_request = GateRequest(limits=request.limits, budget_s=request.budget_s)
        budget = Budget(lambda: deadline.left_s, request.budget_s, time.monotonic() - start_s)
        rules = read_policy(request.root / "pyproject.toml").names
        take_turns(sides, known, gate_request, progress, budget, deadline, rules)
    everything = sorted((*known.judged, *known.settled), key=lambda judgement: judgement.benchmark)
    seconds = time.monotonic() - start_s
    comparison = Comparison(
        project=top.name, baseline=baseline, contender=contender, method=MEASURED_IN_TURNS,
        judgements=tuple(everything), machine=platform.node(), environment=f"py{platform.python_version()}",
        seconds=seconds, notes=tuple(known.notes),
    )  # fmt: skip
    return Gated(comparison, known.is_interrupted)


@contextmanager
def _sides(
    top: Path, baseline: ComparedCommit, contender: ComparedCommit, request: TestsRequest
) -> Iterator[Mapping[Side, Checkout]]:
    """Both sides' files and environments, in folders with names of one length."""
    with temporary_folder("tbp-pytest-") as home:
        sides: dict[Side, Checkout] = {}
        for side, commit in zip(SIDES, (baseline.commit, contender.commit), strict=True):
            write_files(top, commit, home / side)
            root = home / side / request.root.resolve().relative_to(top.resolve())
            root.mkdir(parents=True, exist_ok=True)
            variables = _variables(top, home / side, root, request)
            sides[side] = Checkout(commit, sys.executable, variables, "", str(root), program=str(PROGRAM))
        yield sides


def _variables(top: Path, files: Path, root: Path, request: TestsRequest) -> dict[str, str]:
    """The environment of a side: the user's, with the commit's source before what is installed."""
    before = [str(root / "src"), str(root), str(files / "src"), str(files)]
    given = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    moved = [str(files / Path(path).relative_to(top)) if Path(path).is_relative_to(top) else path for path in given]
    kept_out = ("PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")
    variables = {name: value for name, value in os.environ.items() if name not in kept_out}
    return variables | {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([*before, *moved])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TBP_WORKING_TREE": str(top.resolve()),
        "TBP_PYTEST_OPTIONS": "\n".join(request.options),
    }


def _collected(
    sides: Mapping[Side, Checkout], request: TestsRequest, deadline: Deadline
) -> dict[Side, dict[str, TestAtCommit]]:
    """The tests of each side in the files of those that are wanted. Raises NothingMeasured."""
    tests: dict[Side, dict[str, TestAtCommit]] = {}
    for side in SIDES:
        try:
            with Worker(sides[side], deadline=deadline) as worker:
                reply = worker.ask(IMPORT_TIMEOUT_S, do="discover", names=list(request.tests))
            if "failed" in reply:
                raise NothingMeasured(
                    f"the tests of {side} cannot be collected: {words.first_line(str(reply['failed']))}"
                )
            collected = msgspec.convert(reply["tests"], dict[str, TestAtCommit])
            foreign = msgspec.convert(reply["foreign"], list[str])
        except (WorkerLost, msgspec.ValidationError, KeyError) as problem:
            raise NothingMeasured(f"the tests of {side} cannot be collected: {problem}") from None
        except OutOfTime:
            raise NothingMeasured("the budget ended before the tests were collected; give it more time") from None
        if foreign:
            raise NothingMeasured(
                f"{side} imported {words.named(foreign, 1)} from the working tree instead of its files: only packages "
                "in the top folder, in src/ or beside the tests can be measured so; a suite and `tbp gate` can more"
            )
        tests[side] = collected
    return tests


def _matched(
    wanted: Sequence[str], tests: Mapping[Side, Mapping[str, TestAtCommit]]
) -> tuple[list[Evidence], list[Judgement]]:
    """The tests to measure, and a judgement for each that cannot be."""
    evidence, settled = [], []
    for name in wanted:
        base, head = tests["base"].get(name), tests["head"].get(name)
        if head is not None and head.unsuitable:
            reason = head.unsuitable
        elif base is None:
            reason = ABSENT
        else:
            reason = "" if base.is_marked else UNMARKED
        if reason:
            settled.append(Judgement(name, (), State.SKIPPED, reason=reason))
        else:
            evidence.append(Evidence(Cell(name, 0, (), timeout_s=TEST_TIMEOUT_S)))
    return evidence, settled


def _changed_tests(names: Sequence[str], tests: Mapping[Side, Mapping[str, TestAtCommit]]) -> Iterator[str]:
    empty = hashlib.sha256().hexdigest()
    changed = [
        name
        for name in names
        if name in tests["head"] and tests["base"][name].digest != tests["head"][name].digest != empty
    ]
    if changed:
        named = words.named(changed, MOST_NAMED)
        yield f"the code of {words.count(len(changed), 'test')} changed too, so a difference may be the test's: {named}"
