"""Runs git: quietly, without locks, prompts or fetches, with an end, and without running what a repository names.

Takes a repository and git's arguments, gives what git prints. What a commit message, a branch or a tag is called is
foreign text, and is escaped where it is shown. So is the repository's own configuration: one that was unpacked from an
archive may name any program. Verbs that only read ask git for nothing that filters files or draws differences.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

GIT_TIMEOUT_S = 120.0  # a walk over a hundred thousand commits takes a few seconds; a dead network drive takes for ever
# In full. Whatever else a result names as its commit, git may take for a branch or an option, and answer for none.
HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
# Commits that tbp makes are its own: nobody needs a name for git on a machine that measures.
IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "tbp"), ("EMAIL", "tbp@localhost"))
}
_QUIET = {
    "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1",
    # A git older than 2024 fetches what a partial clone lacks, by any program that its configuration names.
    "GIT_ALLOW_PROTOCOL": "none",
}  # fmt: skip
# Each wins over the repository's own, which may name a program: https://git-scm.com/docs/git-config
_HARMLESS = (
    "core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.pager=cat", "log.showSignature=false",
    "log.mailmap=false",  # mailmap.file may be any file, or one that never ends
    "submodule.recurse=false", "gc.auto=0", "maintenance.auto=false",
)  # fmt: skip


class GitFailed(Exception):
    """git could not answer; the message is a sentence."""


class GitMissing(GitFailed):
    """There is no git to run."""


def git(repository: Path, *arguments: str, stdin: str = "", variables: Mapping[str, str] | None = None) -> str:
    """Returns what git prints, run in ``repository`` with ``variables`` added to its environment.

    Raises:
        GitFailed: and nothing else; GitMissing where git is not installed.
    """
    done = run_git(repository, *arguments, stdin=stdin.encode(), variables=variables)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise GitFailed(f"git cannot read {repository} ({words[0] if words else f'exit {done.returncode}'})")
    return done.stdout.decode(errors="replace")


def run_git(
    repository: Path,
    *arguments: str,
    stdin: bytes = b"",
    variables: Mapping[str, str] | None = None,
    timeout_s: float = GIT_TIMEOUT_S,
) -> subprocess.CompletedProcess[bytes]:
    """Returns the end of ``git ARGUMENTS``, whatever its exit status is.

    Raises:
        GitFailed: git could not be started or did not end in time; GitMissing where it is not installed.
    """
    environment = os.environ | _QUIET | dict(variables or {})
    try:
        return subprocess.run(
            _command(repository, arguments), input=stdin, capture_output=True, env=environment, timeout=timeout_s,
            check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise GitMissing("git was not found: install it") from None
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git did not answer within {timeout_s:.0f} s in {repository}") from None
    except OSError as error:
        raise GitFailed(f"git could not be started: {error}") from None


def beginning_of_git(repository: Path, *arguments: str, most_bytes: int) -> bytes:
    """Returns what git prints, of ``most_bytes`` at most: it is ended there.

    Ten trees of ten trees of ten trees … are a small repository, and a list of files that no memory holds.

    Raises:
        GitFailed: git could not be started, did not end in time, or failed.
    """
    try:
        running = subprocess.Popen(
            _command(repository, arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=os.environ | _QUIET,
        )  # fmt: skip
    except OSError as error:
        raise GitFailed(f"git could not be started: {error}") from None
    late = threading.Timer(GIT_TIMEOUT_S, running.kill)
    late.start()
    with running:
        assert running.stdout is not None
        printed = running.stdout.read(most_bytes)
        if len(printed) == most_bytes:
            running.kill()
    late.cancel()
    if running.returncode and len(printed) < most_bytes:
        raise GitFailed(f"git {arguments[0]} failed in {repository}, or took more than {GIT_TIMEOUT_S:.0f} s")
    return printed


def _command(repository: Path, arguments: Iterable[str]) -> list[str]:
    harmless = [argument for setting in _HARMLESS for argument in ("-c", setting)]
    return ["git", "--no-pager", "-C", str(repository), *harmless, *arguments]


def lines_of(printed: str) -> list[str]:
    """Returns the lines that git printed; ``str.splitlines`` would cut a branch's name at a U+2028 too."""
    return printed.removesuffix("\n").split("\n") if printed else []


def top_of(folder: Path) -> Path:
    """The top folder of the working tree around ``folder``. Raises GitFailed where there is none."""
    return Path(git(folder, "rev-parse", "--show-toplevel").removesuffix("\n"))


def is_shallow(repository: Path) -> bool:
    """True where older commits were left out when ``repository`` was cloned. Raises GitFailed."""
    return git(repository, "rev-parse", "--is-shallow-repository").strip() == "true"
