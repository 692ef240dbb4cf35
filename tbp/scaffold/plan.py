"""``tbp init`` from a folder to the files it lacks: a new project for asv, or one that has it.

Takes what the other modules have read, gives a ``Plan``; nothing is written here, and nothing of the project runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tbp.errors import UsageError
from tbp.project.asv_config import AsvConfig, read_config
from tbp.project.git import GitFailed, git
from tbp.scaffold.asv_projects import benchmark_folder, configurations, has_benchmarks
from tbp.scaffold.candidates import Candidate, candidates
from tbp.scaffold.files import Proposal
from tbp.scaffold.package import SourcePackage, package_of
from tbp.scaffold.suites import FirstSuite
from tbp.scaffold.surroundings import Surroundings, surroundings
from tbp.scaffold.texts import IGNORED, configuration_text, with_ignored, with_policy
from tbp.scaffold.workflows import Workflows, workflow_files
from tbp.wording.words import named


class InitialState(Struct, frozen=True):
    """A project before `tbp init`."""

    around: Surroundings
    package: SourcePackage | None  # None in a project that has asv and nothing to import in this folder
    benchmark_dir: str
    config: AsvConfig | None = None  # where asv is configured already
    has_suites: bool = False
    known: tuple[Candidate, ...] = ()

    @property
    def config_path(self) -> Path:
        return self.config.path if self.config is not None else self.around.folder / "asv.conf.json"


def initial_state(folder: Path) -> InitialState:
    """The project in ``folder``.

    Raises:
        UsageError: there is no repository, commit or package, or several configurations of asv.
        UnreadableInput: git is missing, or refuses the repository.
    """
    around = surroundings(folder)
    paths = configurations(around.folder)
    if len(paths) > 1:
        names = named([str(path.relative_to(around.folder)) for path in paths], 5)
        raise UsageError(f"asv is configured more than once ({names}): run `tbp init` in the folder that is meant")
    config = read_config(paths[0]) if paths else None
    try:
        package: SourcePackage | None = package_of(around.folder, around.top)
    except UsageError:
        if config is None:
            raise
        package = None
    benchmark_dir = config.benchmark_dir if config is not None else benchmark_folder(around.folder)
    suites = (config.path.parent if config is not None else around.folder) / benchmark_dir
    known = candidates(package.files()) if package is not None else ()
    return InitialState(around, package, benchmark_dir, config, has_benchmarks(suites), known)


def proposals(state: InitialState, suite: FirstSuite | None, workflows: Workflows) -> tuple[Proposal, ...]:
    """The files of ``state`` with ``suite`` in it; asv.conf.json comes last, as it tells that the rest is there."""
    home = state.config_path.parent
    listed = [*_suite_files(home / state.benchmark_dir, state, suite), *_shared_files(home)]
    listed += workflow_files(state.around, state.package, workflows, home)
    if state.config is None:
        assert state.package is not None
        is_for_torch = suite is not None and suite.is_for_torch
        text = configuration_text(state.around, state.package, state.benchmark_dir, is_for_torch)
        listed.append(Proposal(state.config_path, lambda _: text, purpose="asv's configuration"))
    return tuple(listed)


def _suite_files(folder: Path, state: InitialState, suite: FirstSuite | None) -> Sequence[Proposal]:
    if suite is None:
        return ()
    package = Proposal(folder / "__init__.py", lambda text: text, purpose="makes it a package")
    body = Proposal(folder / suite.file, lambda _: suite.text, purpose=f"times {suite.subject}")
    return (package, body)


def _shared_files(home: Path) -> Sequence[Proposal]:
    listed = []
    missing = tuple(name for name in IGNORED if not _is_ignored(home, name))
    if missing:
        listed.append(
            Proposal(home / ".gitignore", lambda text: with_ignored(text, missing), True, "what asv and tbp make")
        )
    policy = home / "pyproject.toml"
    if policy.exists():
        listed.append(Proposal(policy, lambda text: with_policy(text, policy), True, "[tool.tbp], how tbp judges"))
    return listed


def _is_ignored(folder: Path, name: str) -> bool:
    try:
        git(folder, "check-ignore", "--quiet", "--no-index", "--", f"{name}x")
    except GitFailed:  # exit status 1: it is not
        return False
    return True
