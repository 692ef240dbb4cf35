"""Git repositories for the tests, which are the same whoever runs them."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

NO_CONFIGURATION = dict.fromkeys(("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"), os.devnull)
IDENTITY = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str, day: float | None = None) -> str:
    """The answer of git; what it commits is of this day of January 2026, or of now."""
    variables = os.environ | NO_CONFIGURATION | IDENTITY
    if day is not None:
        when = (datetime(2025, 12, 31, tzinfo=UTC) + timedelta(days=day)).isoformat(timespec="seconds")
        variables |= {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    done = subprocess.run(["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def new_repository(folder: Path, branch: str = "main") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", branch)
    return folder


def commit(folder: Path, subject: str = "x", day: float | None = None, files: Mapping[str, str] | None = None) -> str:
    """The hash of a new commit of ``files``, or of none."""
    for name, text in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        git(folder, "add", name)
    git(folder, "commit", "-q", "--allow-empty", "-m", subject, day=day)
    return git(folder, "rev-parse", "HEAD")
