"""The job that comments, as GitHub runs it: the step of comment/action.yml in a shell, and a server here for GitHub."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tbp.comparison.json_form import to_json
from tbp.model.comparison import Comparison

from ..web_servers import TOKEN
from .conftest import BRANCH, FORK, HEAD_SHA, GitHubOfPulls, pull, zipped

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "comment" / "action.yml").read_text(encoding="utf-8"))


def test_the_step_comments_and_shows_no_token(server: GitHubOfPulls, tmp_path: Path, comparison: Comparison):
    (script,) = [step["run"] for step in ACTION["runs"]["steps"] if step["name"] == "Comment"]
    server.pulls = [pull(17, "perf please")]
    server.artifacts = [("gate of me", zipped(gate__json=to_json(comparison)))]
    run = {"id": 9, "event": "pull_request", "head_sha": HEAD_SHA, "head_branch": BRANCH, "conclusion": "failure"}
    (tmp_path / "event").write_text(json.dumps({"workflow_run": run | {"head_repository": FORK}}))
    variables = os.environ | {
        "GITHUB_EVENT_NAME": "workflow_run", "GITHUB_EVENT_PATH": str(tmp_path / "event"),
        "GITHUB_REPOSITORY": server.repository, "GITHUB_API_URL": server.url, "GITHUB_TOKEN": TOKEN,
        "GITHUB_ACTION_PATH": str(ROOT / "comment"), "GITHUB_SERVER_URL": "https://github.test",
        "ARTIFACT": "gate of me", "LABEL": "perf please", "ONLY_CHANGES": "false",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    done = subprocess.run(shell, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "#17: commented, https://github.test/ann/project/issues/17#1\n"
    (comment,) = server.comments
    assert "### 2 regressions" in comment["body"]
    assert server.pulls[0]["labels"] == []
