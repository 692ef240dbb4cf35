"""Writes the sample project as a real git repository: one git commit per ``SampleCommit``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tbp.demo.sample import COMMITS, WORKING_TREE
from tbp.errors import RunFailed, UsageError


def create(folder: Path, now: datetime) -> tuple[str, ...]:
    """Make the repository in ``folder`` and return its commits' hashes, oldest first; the newest is dated ``now``.

    Raises:
        UsageError: git is missing.
        RunFailed: git refused.
    """
    folder.mkdir(parents=True)
    _git(folder, now, "init", "--quiet", "--initial-branch=main")
    hashes = []
    for index, commit in enumerate(COMMITS):
        _write(folder, commit.files)
        date = now - timedelta(days=len(COMMITS) - 1 - index)
        _git(folder, date, "add", "--all")
        _git(folder, date, "commit", "--quiet", f"--message={commit.subject}")
        hashes.append(_git(folder, date, "rev-parse", "HEAD").strip())
    _write(folder, WORKING_TREE)
    return tuple(hashes)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _git(folder: Path, date: datetime, *arguments: str) -> str:
    """Output of git, run with a fixed identity and without the user's configuration."""
    stamp = date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    identity = {
        "GIT_AUTHOR_NAME": "tbp demo",
        "GIT_AUTHOR_EMAIL": "demo@example.invalid",
        "GIT_COMMITTER_NAME": "tbp demo",
        "GIT_COMMITTER_EMAIL": "demo@example.invalid",
        "GIT_AUTHOR_DATE": stamp,
        "GIT_COMMITTER_DATE": stamp,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=inherited | identity, capture_output=True, text=True, check=True
        )
    except FileNotFoundError:
        raise UsageError("git is not installed or not on PATH; install git and run tbp demo again") from None
    except subprocess.CalledProcessError as error:
        raise RunFailed(f"git {arguments[0]} failed in {folder}: {error.stderr.strip()}") from None
    return done.stdout
