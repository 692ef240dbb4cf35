"""Asking git: one place that runs it, quietly, never waiting for an answer from a person or for ever."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tbp.system.pipes import room

GIT_TIMEOUT_S = 120.0  # a walk over a hundred thousand commits takes a few seconds; a dead network drive takes for ever


class GitFailed(Exception):
    """git could not answer; the message is a sentence."""


class GitMissing(GitFailed):
    """There is no git to ask."""


def git(repository: Path, *arguments: str, stdin: str = "", variables: Mapping[str, str] | None = None) -> str:
    """What git prints, run in ``repository`` with ``variables`` added to its environment.

    Raises:
        GitFailed: and nothing else; GitMissing where git is not installed.
    """
    with Question(repository, *arguments, stdin=stdin, variables=variables) as question:
        return question.answer()


class Question:
    """git, begun when this is made, so that several may be under way; ended with the context. The arguments are those
    of ``git``; where ``stdin`` is None, git waits to be told.
    """

    def __init__(
        self,
        repository: Path,
        *arguments: str,
        stdin: str | None = "",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        quiet = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
        self.repository = repository
        self._stdin: bytes | None = None  # not told yet
        self._process: subprocess.Popen[bytes] | None = None
        self._failed: OSError | None = None
        try:
            self._process = subprocess.Popen(
                ["git", "-C", str(repository), *arguments],
                # Without anything to read git must not wait for its end, which a copy of this process would hold open.
                stdin=subprocess.DEVNULL if stdin == "" else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | quiet | dict(variables or {}),
            )
        except OSError as error:
            self._failed = error
        if stdin:
            self.tell(stdin)

    def __enter__(self) -> Question:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            with contextlib.suppress(BrokenPipeError):  # what it did not want to read any more
                self._process.__exit__(kind, error, at)

    def tell(self, stdin: str) -> None:
        """All that git is to read, at once if the pipe takes it in."""
        self._stdin = stdin.encode()
        if self._process is None or self._process.stdin is None:
            return
        if len(self._stdin) <= room(self._process.stdin):
            with contextlib.suppress(BrokenPipeError):  # git wants to read nothing, and says why
                self._process.stdin.write(self._stdin)
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.stdin, self._stdin = None, None

    def answer(self) -> str:
        """What git prints, to be asked for once. Raises as ``git``."""
        if self._process is None:
            if isinstance(self._failed, FileNotFoundError):
                raise GitMissing("git was not found: install it")
            raise GitFailed(f"git could not be started: {self._failed}")
        try:
            out, err = self._process.communicate(self._stdin, GIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise GitFailed(f"git did not answer within {GIT_TIMEOUT_S:.0f} s in {self.repository}") from None
        status = self._process.returncode
        if status:
            said = err.decode(errors="replace").strip().splitlines()
            raise GitFailed(f"git cannot read {self.repository} ({said[0] if said else f'exit {status}'})")
        return out.decode(errors="replace")


def is_shallow(repository: Path) -> bool:
    """Whether older commits were left out when ``repository`` was cloned. Raises GitFailed."""
    return git(repository, "rev-parse", "--is-shallow-repository").strip() == "true"
