"""``tbp init``: a repository that tbp can measure, with a first benchmark over its own code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.errors import ExitCode
from tbp.system.printing import can_ask, say, show, warn

if TYPE_CHECKING:
    from tbp.scaffold.candidates import Candidate
    from tbp.scaffold.choosing import Choice
    from tbp.scaffold.files import PlannedFile
    from tbp.scaffold.plan import InitialState

HELP = "set this repository up: configuration, a first benchmark over your own code, workflows"
EXAMPLES = (
    ("set up, with the likeliest callable where nobody is there to choose", "tbp init"),
    ("time this one, with these arguments", "tbp init --callable 'mylib.text:slug(\"A title\")'"),
    ("show what would be written, with workflows for GitHub", "tbp init --github --dry-run"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="ask nothing: take the likeliest callable that works")
    meaning = "what the first benchmark times: package.module:name, or package.module:name(ARGUMENTS)"
    parser.add_argument("--callable", default="", metavar="NAME", help=meaning)
    parser.add_argument(
        "--github", action="store_true", help="add workflows for GitHub: every night, and pull requests"
    )
    parser.add_argument("--gitlab", action="store_true", help="add jobs for GitLab: every night, and merge requests")
    parser.add_argument("--dry-run", action="store_true", help="print the difference, and write nothing")
    parser.add_argument("--force", action="store_true", help="overwrite files that differ from what is written here")
    meaning = "run nothing of the project: no trial of a callable, and no first benchmark"
    parser.add_argument("--no-run", action="store_true", help=meaning)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 where all is there in the end, 4 where the first benchmark failed."""
    from tbp.scaffold.files import difference, planned, write
    from tbp.scaffold.plan import initial_state, proposals
    from tbp.scaffold.workflows import Workflows

    state = initial_state(Path())
    _introduce(state)
    choice = _choice(state, options)
    if choice is not None:
        warn(*(f"tbp: {note}" for note in choice.notes))
    workflows = Workflows(options.github, options.gitlab)
    files = planned(proposals(state, choice.suite if choice else None, workflows), options.force)
    if options.dry_run:
        show(difference(files, state.around.top))
        return ExitCode.OK
    write(files, state.around.folder, state.around.top)
    _report(files, state, options)
    if choice is not None and not options.no_run and not _measure(state, choice):
        return ExitCode.NOTHING_MEASURED
    _say_next(state)
    return ExitCode.OK


def _introduce(state: InitialState) -> None:
    from tbp.scaffold.asv_projects import tracked

    package, around = state.package, state.around
    warn(*(f"tbp: {note}" for note in around.notes))
    if package is not None:
        more = f"; also there: {', '.join(package.neighbours)}" if package.neighbours else ""
        warn(f"tbp: package {package.name}, branch {around.branch}{more}")
    if state.config is not None:
        warn(
            f"tbp: asv is set up already ({state.config.path.relative_to(around.top)}): its suites stay as they are, "
            "and report, compare, gate and bisect take them"
        )
        names = tracked(state.config.path.parent / state.benchmark_dir)
        if names:
            warn(f"tbp: say of {', '.join(names[:3])} which is better in [tool.tbp.better], where units do not tell")


def _choice(state: InitialState, options: argparse.Namespace) -> Choice | None:
    """The first suite; None where the project has suites and no callable is named."""
    from tbp.scaffold.choosing import by_default, by_name, by_question

    if state.package is None or (state.has_suites and not options.callable):
        return None
    runs = not options.no_run
    has_gpu = Path("/dev/nvidia0").exists()
    if options.callable:
        return by_name(options.callable, state.package, state.known, runs, has_gpu)
    if options.yes or not runs or not can_ask():
        warn("tbp: looking for a callable to time (--callable names one)")
        return by_default(state.package, state.known, runs, has_gpu)
    return by_question(state.package, state.known, _ask, has_gpu)


def _ask(shown: Sequence[Candidate], trouble: str) -> str:
    if trouble:
        warn(f"tbp: {trouble}")
    else:
        lines = [f"{number:3}  {each.spelled}({each.arguments})" for number, each in enumerate(shown, start=1)]
        warn("Which of these shall the first benchmark time?", *lines)
    warn("A number, another callable as package.module:name(ARGUMENTS), or Enter for 1:")
    line = sys.stdin.readline()
    if not line:  # the end of the input
        raise KeyboardInterrupt
    return line


def _report(files: Sequence[PlannedFile], state: InitialState, options: argparse.Namespace) -> None:
    from tbp.scaffold.files import FileFate
    from tbp.scaffold.workflows import GITLAB_MAIN, includes_jobs, is_name_alone

    for file in files:
        name = file.path.relative_to(state.around.top)
        if file.is_written:
            say(f"{file.fate.value:8} {name}: {file.purpose}")
        elif file.fate is FileFate.KEPT:
            warn(f"tbp: {name} is kept, as it differs from what tbp writes; --force overwrites it")
    if not any(file.is_written for file in files):
        say("nothing to write: tbp is set up here")
    if options.gitlab and not includes_jobs(state.around.top):
        warn(f"tbp: add `- local: .gitlab/tbp.yml` to `include:` in {GITLAB_MAIN}")
    if (options.github or options.gitlab) and is_name_alone():
        warn(
            "tbp: the workflows install tbp-perf by its name from PyPI, and this tbp came from elsewhere: see that it "
            "is tbp there, or install `tbp-perf @ git+URL` and run this again with --force"
        )
    if not (state.config_path.parent / "pyproject.toml").exists():
        warn(
            "tbp: there is no pyproject.toml for [tool.tbp], so its defaults hold; tbp makes none, as pip would build "
            "the project another way"
        )
    if state.around.host and not (options.github or options.gitlab):
        warn(f"tbp: `tbp init --{state.around.host}` adds workflows: every night, and for each request")


def _measure(state: InitialState, choice: Choice) -> bool:
    """Runs the first benchmark; False where it failed."""
    from tbp.model.series import short_hash
    from tbp.project.asv_config import read_config
    from tbp.scaffold.first_run import measured
    from tbp.system.progress import Progress

    warn(f"tbp: measuring {choice.suite.benchmark} on commit {short_hash(state.around.commit)}, as asv does it")
    with Progress() as progress:
        value = measured(read_config(state.config_path), choice.suite.benchmark, state.around.commit, progress.say)
    if value.failure:
        suite = Path(state.benchmark_dir) / choice.suite.file
        warn(*value.failure, f"tbp: correct {suite}, or commit what it needs, and run `tbp nightly`")
    elif value.is_skipped:
        say(f"{value.text} is skipped on the newest commit, which lacks it: commit your work, and it is measured")
    else:
        say(f"measured {value.text}")
    return not value.failure


def _say_next(state: InitialState) -> None:
    top_config = state.config_path
    folder = top_config.parent
    before = "" if folder == state.around.folder else f"cd {folder.relative_to(state.around.folder)} && "
    say(
        "next:",
        f"  {before}tbp nightly        measures the newest commits, and reports",
        f"  {before}tbp gate HEAD .    after an edit: what did it make slower? measures both, in turns",
        f"  {before}tbp report --open  shows all that is stored; tbp bisect finds the commit of a slow-down",
    )
