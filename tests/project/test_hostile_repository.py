"""A repository whose configuration, hooks and attributes name programs: no verb that reads runs any of them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tbp.project.git import GitFailed, git
from tbp.project.working_tree import judged

from ..command_line import Run
from ..repositories import commit, new_repository
from ..repositories import git as plain_git
from ..result_folders import write_result

HOOKS = (
    "applypatch-msg", "pre-applypatch", "pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase",
    "post-checkout", "post-merge", "pre-push", "pre-receive", "update", "post-update", "reference-transaction",
    "push-to-checkout", "pre-auto-gc", "post-rewrite", "sendemail-validate", "fsmonitor-watchman", "post-index-change",
)  # fmt: skip
# Keys whose value git runs as a program, or by which it comes to run one.
PROGRAMS = (
    "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy",
    "core.alternateRefsCommand", "pager.log", "pager.rev-list", "pager.for-each-ref", "sequence.editor",
    "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge",
    "merge.evil.driver", "gpg.program", "gpg.ssh.program", "gpg.x509.program",
    "credential.helper", "uploadpack.packObjectsHook", "remote.origin.uploadpack", "remote.origin.receivepack",
    "remote.origin.proxy", "interactive.diffFilter", "difftool.evil.cmd", "mergetool.evil.cmd", "man.evil.cmd",
    "browser.evil.cmd", "trailer.evil.command", "alias.log", "alias.rev-list", "alias.rev-parse",
)  # fmt: skip
SETTINGS = {
    "log.showSignature": "true", "commit.gpgSign": "true", "diff.tool": "evil", "merge.tool": "evil",
    "filter.evil.required": "true", "submodule.recurse": "true", "submodule.sub.update": "!touch", "gc.auto": "1",
    "remote.origin.promisor": "true", "remote.origin.partialclonefilter": "blob:none", "protocol.ext.allow": "always",
    "protocol.allow": "always", "extensions.partialClone": "origin", "core.repositoryFormatVersion": "1",
}  # fmt: skip


class HostileProject:
    """A project with results of two of its commits; whatever it has run leaves a file in ``executed``."""

    def __init__(self, folder: Path, address: str) -> None:
        self.repository = new_repository(folder / "project")
        self.executed = folder / "executed"
        self.executed.mkdir()
        files = {".gitattributes": "* filter=evil diff=evil merge=evil\n", "a": "1\n"}
        self.commits = [commit(self.repository, "one", files=files), commit(self.repository, "two", files={"a": "2\n"})]
        for number, name in enumerate(self.commits):
            write_result(folder / "results", name, {"s.time_x": [[1.0 + number], [], "1"]}, number)
        self.config = folder / "asv.conf.json"
        self.config.write_text(json.dumps({"repo": "project", "results_dir": "results", "branches": ["main"]}))
        for hook in HOOKS:
            self._program(self.repository / ".git" / "hooks" / hook, f"hook-{hook}")
            self._program(folder / "hooks" / hook, f"hooksPath-{hook}")
        settings = {name: str(self._program(folder / "bin" / name, name)) for name in PROGRAMS} | SETTINGS
        settings |= {"remote.origin.url": address.format(program=self._program(folder / "bin" / "url", "url"))}
        settings |= {"core.hooksPath": str(folder / "hooks")}
        for name, value in settings.items():
            plain_git(self.repository, "config", name, value)

    def _program(self, path: Path, mark: str) -> Path:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"#!/bin/sh\ntouch '{self.executed / mark}'\ncat\n")
        path.chmod(0o755)
        return path

    def forget_an_object(self) -> None:
        """The older commit is gone, as in a partial clone, which would fetch it."""
        name = self.commits[0]
        (self.repository / ".git" / "objects" / name[:2] / name[2:]).unlink()


@pytest.fixture(params=["ext::{program}", "file:///nowhere", "ssh://nowhere/x"])
def project(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> HostileProject:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    return HostileProject(tmp_path, request.param)


@pytest.mark.parametrize("is_partial", [False, True], ids=["whole", "partial"])
def test_a_verb_that_reads_runs_nothing_of_a_repository(project: HostileProject, run: Run, is_partial: bool):
    if is_partial:
        project.forget_an_object()
    old, new = project.commits
    site, log = project.config.parent / "site", project.config.parent / "log"
    for verb in (
        ("report", "--out", site),
        ("report", "--out", site, "--base", old),
        ("compare", old, new),
        ("hotspots", "HEAD"),
        ("export", "HEAD", "--tensorboard", log),
        ("trace", "prune"),
        ("ack", "s.time_x", new, "--reason", "x"),
        ("ack", new, "--reason", "x", "--status", "fixed in HEAD"),
    ):
        run(*verb, "--config", project.config)
        run(*verb, "--results", project.config.parent / "results")
    assert sorted(path.name for path in project.executed.iterdir()) == []


def test_the_programs_would_be_run_by_git_itself(project: HostileProject):
    """The test above can fail: git as a user types it runs many of them."""
    for command in (["status"], ["diff", "HEAD~1", "HEAD"], ["add", "--renormalize", "."]):
        subprocess.run(["git", *command], cwd=project.repository, capture_output=True, timeout=60)
    executed = {path.name for path in project.executed.iterdir()}
    assert {"core.fsmonitor", "filter.evil.clean", "hooksPath-post-index-change", "diff.evil.command"} <= executed


def test_a_snapshot_for_the_gate_runs_filters_and_nothing_else(project: HostileProject):
    """Filters make the content of files (git-lfs is one), and a gate runs the project's code anyway."""
    (project.repository / "a").write_text("3\n")
    judged(project.repository, ".")
    assert {path.name for path in project.executed.iterdir()} == {"filter.evil.clean"}


def test_another_user_s_repository_is_refused_by_git_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """tbp never sets safe.directory."""
    commit(new_repository(tmp_path / "project"), "one")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests
    with pytest.raises(GitFailed, match="dubious ownership"):
        git(tmp_path / "project", "rev-parse", "HEAD")
