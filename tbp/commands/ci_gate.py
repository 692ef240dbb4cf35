"""``tbp ci gate``: the gate of a pull request, in a job of GitHub or GitLab that needs no secret."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import add_measuring_options, gate_request
from tbp.errors import ExitCode, TbpError, UsageError
from tbp.system.foreign_text import line_of
from tbp.system.printing import command, warn

if TYPE_CHECKING:
    from tbp.ci.commits import Sides
    from tbp.model.comparison import Comparison

HELP = "gate the pull request of this job: files, summary, annotations and outputs; sends nothing"
EXAMPLES = (
    ("in a job on pull_request, or of a merge request: its base and its head", "tbp ci gate --budget 10"),
    ("any two commits, with the files in a folder", "tbp ci gate --base v1.2 --head HEAD --out build/gate"),
    ("what is undecided fails the job as well", "tbp ci gate --bench Quick --fail-on undecided"),
)
FORMS = {"json": "gate.json", "markdown": "gate.md", "junit": "gate.xml", "svg": "gate.svg"}


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "the commit compared against (default: of the job's pull or merge request, or push)"
    parser.add_argument("--base", default="", metavar="REV", help=meaning)
    parser.add_argument("--head", default="", metavar="REV", help="the commit judged (default: what is checked out)")
    meaning = "what fails the job: a regression and what was not measured (default), what is undecided too, or nothing"
    parser.add_argument("--fail-on", default="regression", choices=["regression", "undecided", "never"], help=meaning)
    meaning = f"folder of {', '.join(FORMS.values())} (default: tbp-gate)"
    parser.add_argument("--out", type=Path, default=Path("tbp-gate"), metavar="DIR", help=meaning)
    add_measuring_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns the exit code of ``tbp gate --strict``, but 0 where ``--fail-on`` forgives it.

    A gate that cannot be measured leaves its files too, with the reason.
    """
    from tbp.ci.answer import FailOn, annotated, job_code, outputs
    from tbp.commands.output import ComparisonOutput, write_comparison
    from tbp.comparison.markdown import markdown

    options.bench = [line.strip() for text in options.bench for line in text.splitlines() if line.strip()]
    options.machine = options.machine or os.environ.get("RUNNER_ENVIRONMENT", "")  # "github-hosted"
    files = _emptied(options.out)
    comparison, code = _judged(options)
    write_comparison(comparison, ComparisonOutput(**files, strict=True, verbose=False, exit_zero=False))
    ended = job_code(code, FailOn(options.fail_on))
    given = outputs(comparison, code) | {form: line_of(str(path)) for form, path in files.items()}
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in given.items()))
    _append("GITHUB_STEP_SUMMARY", markdown(comparison))
    if os.environ.get("GITHUB_ACTIONS"):
        for each in annotated(comparison, fails=ended is not ExitCode.OK):
            command(each.level, each.message, title=each.title)
    return ended


def _emptied(folder: Path) -> dict[str, Path]:
    """The file of each form; none is left of an earlier gate, which a crash of this one would pass off as its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")  # nor is it a part of the working tree
    files = {form: folder / name for form, name in FORMS.items()}
    for path in files.values():
        path.unlink(missing_ok=True)
    return files


def _judged(options: argparse.Namespace) -> tuple[Comparison, ExitCode]:
    """The comparison and the exit code of ``--strict``; where nothing could be measured, one that gives the reason."""
    from tbp.asv.runner import require_asv
    from tbp.ci.answer import unmeasured
    from tbp.model.comparison import ComparedCommit
    from tbp.project.asv_config import read_config
    from tbp.turns.run import gate
    from tbp.wording.phrases import exit_code

    sides = ComparedCommit(options.base or "base", ""), ComparedCommit(options.head or "head", "")
    try:
        config = read_config(options.config)
        require_asv()
        sides = _commits(config.local_repository, options)
        gated = gate(config, *sides, gate_request(options))
    except TbpError as error:
        warn(f"tbp: {error}")
        return unmeasured(*sides, str(error)), error.exit_code
    return gated.comparison, gated.exit_code(exit_code(gated.comparison, strict=True))


def _commits(repository: Path, options: argparse.Namespace) -> Sides:
    from tbp.ci.change import change_of_job
    from tbp.ci.commits import commits_of, named_commits

    if options.base:
        return named_commits(repository, options.base, options.head)
    return commits_of(repository, change_of_job(os.environ), options.head)


def _append(variable: str, text: str) -> None:
    """Adds ``text`` to the file that the job names in ``variable``, where it does."""
    if path := os.environ.get(variable):
        try:
            with Path(path).open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"cannot write {path} of {variable}: {error.strerror}; unset it outside a job") from None
