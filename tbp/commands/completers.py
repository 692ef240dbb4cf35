"""Values that a shell completes: names of benchmarks, branches and tags. A completion is silent where it knows none."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

CONFIG = "asv.conf.json"
MOST_BYTES = 10_000_000  # of benchmarks.json: a key press waits for it


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers the shell and ends the process, where argcomplete is installed."""
    try:
        import argcomplete
    except ImportError:
        return
    argcomplete.autocomplete(parser, always_complete_options=False)


def benchmarks(parsed_args: argparse.Namespace, **_: Any) -> Iterable[str]:
    """Names in benchmarks.json, which asv leaves beside its results."""
    import json

    try:
        path = _results_dir(parsed_args) / "benchmarks.json"
        if path.stat().st_size > MOST_BYTES:
            return []
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [name for name in known if name != "version"] if isinstance(known, dict) else []


def _results_dir(parsed_args: argparse.Namespace) -> Path:
    """The folder of results, found without the readers of tbp: they import pandas, which a key press must not feel."""
    if results := getattr(parsed_args, "results", None):
        return Path(results)
    config = Path(getattr(parsed_args, "config", None) or CONFIG)
    written = re.search(r'"results_dir"\s*:\s*"([^"\\]*)"', config.read_text("utf-8"))
    return config.parent / (written[1] if written else "results")


def revisions(**_: Any) -> Iterable[str]:
    """Branches and tags of the repository around the current folder."""
    from tbp.project.git import GitFailed, git

    try:
        return git(
            Path(), "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes"
        ).split()
    except GitFailed:
        return []
