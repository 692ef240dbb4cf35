"""Runners that share a data branch over a real remote: whatever each of them has, all of them get, once."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tbp.__main__ import main
from tbp.asv.ratios import Ratio, add_ratios, read_ratios
from tbp.errors import RunFailed, UnreadableInput, UsageError
from tbp.model.series import SeriesKey
from tbp.nightly import bounds, remote_branch
from tbp.nightly.data_branch import shared_with
from tbp.nightly.exchange import Exchange
from tbp.nightly.folder_files import is_shared
from tbp.nightly.leases import LEASE, Lease, PoolSetup
from tbp.project.asv_config import read_config

from ..clusters import wait_until
from ..repositories import commit, git, new_repository
from ..result_folders import write_result
from ..web_servers import receiving

KEY = SeriesKey("suite.time_it", (), "box", "env")
OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = tmp_path / "remote.git"
    folder.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "main")
    return folder


def runner(remote: Path, name: str) -> Exchange:
    """A clone with asv's configuration and no results, as each runner has one."""
    folder = new_repository(remote.parent / name)
    commit(folder, "code", files={"asv.conf.json": json.dumps({"project": "tiny", "results_dir": "results"})})
    git(folder, "remote", "add", "origin", str(remote))
    return shared_with(read_config(folder / "asv.conf.json"), "tbp-data")


def content(exchange: Exchange) -> dict[str, bytes]:
    """The files of a results folder but for its memory."""
    files = (path for path in exchange.results_dir.rglob("*") if path.is_file())
    paths = {path.relative_to(exchange.results_dir).as_posix(): path.read_bytes() for path in files}
    return {path: data for path, data in paths.items() if path not in ("nightly.data", "nightly.lock")}


def branch_files(remote: Path) -> list[str]:
    return git(remote, "ls-tree", "-r", "--name-only", "tbp-data").split()


def commits(remote: Path) -> int:
    return int(git(remote, "rev-list", "--count", "tbp-data"))


def write(exchange: Exchange, path: str, data: bytes) -> None:
    file = exchange.results_dir / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def rows(exchange: Exchange, commit: str = OLD) -> dict[str, object]:
    return json.loads((exchange.results_dir / "box" / f"{commit[:8]}-env.json").read_text())["results"]


def test_every_kind_of_file_reaches_the_other_runner_and_nothing_else_does(remote: Path):
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    write_result(ada.results_dir, OLD, {"suite.time_it": [[1.0], [], "1"]})
    add_ratios(ada.results_dir, [(KEY, Ratio(OLD, NEW, (0.1,)))])
    cell = "box/aaaaaaaa-env.traces/suite.torchtime_it/x-1.20260101T000000-7"
    shared = {f"{cell}.session.json.gz", f"{cell}.pt.trace.json.gz", f"{cell}.operators.json.gz", "benchmarks.json"}
    shared |= {"box/machine.json", "nightly.reported", "notify.sent"}
    private = {
        "box/aaaaaaaa-env.json.unreadable",
        "box/.unfinished-tbp-x",
        ".hidden/a.json",
        "notes.txt",
        "deep/a/b.json",
    }
    for path in shared | private:
        write(ada, path, b"{}")
    sent = ada.push("night").sent
    assert set(sent) == shared | {"box/aaaaaaaa-env.json", "box/bbbbbbbb-env.paired"}
    assert set(bob.pull().received) == set(sent)
    assert content(bob) == {path: data for path, data in content(ada).items() if path not in private}
    assert not bob.push("nothing is new").sent
    assert commits(remote) == 1


def test_one_file_of_two_runners_has_the_benchmarks_of_both_and_of_each_the_newest(remote: Path):
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    both = {"both": [[2.0], [], "1", 2000]}
    write_result(ada.results_dir, OLD, {"ada": [[1.0], [], "1", 1000], "both": [[9.0], [], "1", 1000]})
    write_result(bob.results_dir, OLD, {"bob": [[3.0], [], "1", 2000]} | both)
    add_ratios(ada.results_dir, [(KEY, Ratio(OLD, NEW, (0.1,)))])
    ada.push("a")
    add_ratios(bob.results_dir, [(KEY, Ratio(OLD, NEW, (0.2,)))])
    bob.push("b")
    add_ratios(ada.results_dir, [(KEY, Ratio(OLD, NEW, (0.3,), is_fresh=True))])
    ada.push("c")
    bob.pull()
    assert content(ada) == content(bob)
    assert rows(ada) == {"ada": [[1.0], [], "1", 1000], "bob": [[3.0], [], "1", 2000]} | both
    effects = [ratio.effects for ratio in read_ratios(bob.results_dir).of[KEY]]
    assert sorted(effects) == [(0.1,), (0.2,), (0.3,)]


def test_a_pruned_trace_leaves_every_runner_and_any_other_file_that_is_gone_comes_back(remote: Path):
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    cell = "box/aaaaaaaa-env.traces/suite.torchtime_it/x-1.20260101T000000-7"
    write(ada, f"{cell}.pt.trace.json.gz", b"raw")
    write(ada, f"{cell}.session.json.gz", b"session")
    ada.push("a")
    bob.pull()
    write(bob, f"{cell}.operators.json.gz", b"table")
    (bob.results_dir / f"{cell}.pt.trace.json.gz").unlink()
    (bob.results_dir / f"{cell}.session.json.gz").unlink()
    bob.push("b")
    ada.push("c")
    expected = {f"{cell}.operators.json.gz": b"table", f"{cell}.session.json.gz": b"session"}
    assert (content(ada), content(bob)) == (expected, expected)
    assert not [path for path in branch_files(remote) if path.endswith(".pt.trace.json.gz")]


def test_a_push_that_another_one_overtakes_begins_again(remote: Path, monkeypatch: pytest.MonkeyPatch):
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    write_result(ada.results_dir, OLD, {"ada": [[1.0], [], "1", 1000]})
    write_result(bob.results_dir, OLD, {"bob": [[2.0], [], "1", 1000]})
    quick = remote_branch.RemoteBranch.commit

    def overtaken(branch: remote_branch.RemoteBranch, *arguments: object) -> str:
        """Bob pushes while Ada's push is under way."""
        made = quick(branch, *arguments)  # type: ignore[arg-type]
        if branch == ada.branch and commits_or_none(remote) == 0:
            monkeypatch.undo()
            bob.push("quicker")
        return made

    monkeypatch.setattr(remote_branch.RemoteBranch, "commit", overtaken)
    ada.push("slower")
    assert set(rows(ada)) == {"ada", "bob"}
    assert commits(remote) == 2


# Adds a benchmark to one file that all runners write, and pushes it, five times.
PUSHES = """
import json, sys
from pathlib import Path
from tbp.nightly.data_branch import shared_with
from tbp.project.asv_config import read_config
exchange = shared_with(read_config(Path("asv.conf.json")), "tbp-data")
path = exchange.results_dir / "box" / ("a" * 8 + "-env.json")
path.parent.mkdir(parents=True, exist_ok=True)
head = {"version": 2, "commit_hash": "a" * 40, "env_name": "env", "date": 1, "result_columns": ["result"]}
for number in range(5):
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):  # cut off by a kill, as asv's are
        content = head | {"results": {}}
    content["results"][f"{sys.argv[1]}{number}"] = [[1.0]]
    path.write_text(json.dumps(content))
    exchange.push("night")
    print(number, flush=True)
"""


def test_runners_that_push_at_once_lose_nothing_and_neither_does_a_killed_one(remote: Path):
    """It is killed before the remote has locked anything: git leaves its locks where it dies."""
    names = ["ada", "bob", "carol"]
    folders = {name: runner(remote, name).results_dir.parent for name in names}
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(
        '#!/bin/sh\nif [ "$RUNNER" = killed ] && [ -e once ]; then touch sending; sleep 60; fi\ntouch once\n'
    )
    hook.chmod(0o755)

    def start(name: str, variable: str = "") -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", PUSHES, name]
        return subprocess.Popen(
            command, cwd=folders[name], env=os.environ | {"RUNNER": variable}, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    runners = [start("ada", "killed"), start("bob"), start("carol")]
    wait_until((remote / "sending").exists, "the push of ada")
    os.killpg(runners[0].pid, signal.SIGKILL)
    runners.append(start("ada"))
    for each in runners:
        each.communicate(timeout=120)
    assert [each.returncode for each in runners] == [-signal.SIGKILL, 0, 0, 0]
    stored = json.loads(git(remote, "show", "tbp-data:results/box/aaaaaaaa-env.json"))["results"]
    assert set(stored) == {f"{name}{number}" for name in names for number in range(5)}


def commits_or_none(remote: Path) -> int:
    return commits(remote) if git(remote, "branch", "--list", "tbp-data") else 0


def test_a_remote_that_refuses_leaves_all_results_here_and_is_told_why(
    remote: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from ..test_schemas import faults

    ada = runner(remote, "ada")
    write_result(ada.results_dir, OLD, {"ada": [[1.0], [], "1", 1000]})
    before = content(ada)
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'this disk is full' >&2\nexit 1\n")
    hook.chmod(0o755)
    monkeypatch.chdir(ada.results_dir.parent)
    assert main(["data", "push"]) == 4
    errors = capsys.readouterr().err
    assert "this disk is full" in errors
    assert "run `tbp data push`" in errors
    assert content(ada) == before
    hook.unlink()
    assert main(["data", "push", "--json"]) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["sent"] == ["box/aaaaaaaa-env.json"]
    assert faults("data", text) == []


def test_a_lock_that_a_killed_push_left_at_the_remote_is_named(
    remote: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ada = runner(remote, "ada")
    write_result(ada.results_dir, OLD, {"ada": [[1.0], [], "1", 1000]})
    lock = remote / "refs" / "heads" / "tbp-data.lock"
    lock.touch()
    monkeypatch.chdir(ada.results_dir.parent)
    assert main(["data", "push"]) == 4
    assert "tbp-data.lock': File exists" in capsys.readouterr().err
    lock.unlink()
    assert main(["data", "push"]) == 0


def test_the_branch_has_a_bounded_history_and_runners_with_an_old_one_go_on(
    remote: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(remote_branch, "MOST_COMMITS", 3)
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    counts = []
    for number, exchange in enumerate([ada, ada, ada, ada, bob]):
        write_result(exchange.results_dir, f"{number}" * 40, {"x": [[1.0], [], "1", 1000]})
        if number == 0:
            bob.pull()
        exchange.push("night")
        counts.append(commits(remote))
    assert counts == [1, 2, 3, 1, 2]
    ada.pull()
    assert content(ada) == content(bob)
    assert len(content(ada)) == 5


def test_the_code_of_a_project_is_never_taken_for_results(remote: Path):
    ada = runner(remote, "ada")
    repository = ada.results_dir.parent
    git(repository, "push", "-q", "origin", "main")
    main_branch = shared_with(read_config(repository / "asv.conf.json"), "origin/main")
    before = git(remote, "rev-parse", "main")
    with pytest.raises(UsageError, match="no data branch of tbp"):
        main_branch.push("over the code")
    assert git(remote, "rev-parse", "main") == before


def test_nothing_of_the_repository_is_touched_whatever_its_state(remote: Path):
    """Bare, shallow, or detached with a dirty index: HEAD, index, working tree and shallow boundary stay."""
    ada = runner(remote, "ada")
    write_result(ada.results_dir, OLD, {"ada": [[1.0], [], "1", 1000]})
    repository = ada.results_dir.parent
    second = commit(repository, "more", files={"a.txt": "a"})
    git(repository, "push", "-q", "origin", "main")
    git(repository, "checkout", "-q", "--detach", second)
    (repository / "a.txt").write_text("staged")
    git(repository, "add", "a.txt")
    (repository / "a.txt").write_text("changed")
    state = git(repository, "status", "--porcelain=v2", "--branch"), (repository / ".git" / "index").read_bytes()
    ada.push("a")
    assert (
        git(repository, "status", "--porcelain=v2", "--branch"),
        (repository / ".git" / "index").read_bytes(),
    ) == state
    assert git(repository, "branch", "--list", "tbp-data") == ""

    for name, options in (("shallow", ["--depth=1"]), ("bare", ["--bare"])):
        clone = remote.parent / name
        git(remote.parent, "clone", "-q", *options, "--single-branch", f"file://{remote}", name)
        results = remote.parent / f"{name}-results"
        branch = remote_branch.remote_branch(clone, "tbp-data", name)
        exchange = Exchange(branch, results)
        exchange.pull()
        assert content(ada).items() <= content(exchange).items()
        write_result(results, NEW, {name: [[1.0], [], "1", 1000]})
        assert exchange.push(name).sent
        assert git(clone, "rev-parse", "--is-shallow-repository") == ("true" if name == "shallow" else "false")
    ada.pull()
    assert set(rows(ada, NEW)) == {"shallow", "bare"}


def test_a_result_that_was_cut_off_stays_here_and_a_whole_one_of_the_branch_replaces_it(remote: Path):
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    path = write_result(ada.results_dir, OLD, {"ada": [[1.0], [], "1", 1000]})
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    exchanged = ada.push("a")
    assert exchanged.sent == ()
    assert "cut off" in exchanged.notes[0]
    write_result(bob.results_dir, OLD, {"ada": [[1.0], [], "1", 1000]})
    bob.push("b")
    ada.pull()
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "path",
    ["../x.json", "box/../x.json", "/etc/x.json", "a/b/c.json", ".git/x.json", "box/.x.json", "box/x\ny.json",
     "box/\u202ex.json", "nightly.lock", "nightly.data", "box/x.traces/../y.session.json.gz", f"box/{'x' * 999}.json",
     f"box/{'ä' * 130}.json", "benchmarks.json/a.json", "notify.sent/a.json"],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_none_of_a_data_branch(path: str):
    assert not is_shared(path)
    assert is_shared("any night/aaaaaaaa-tbp-py3.11.json")


@pytest.mark.parametrize(
    ("bound", "value", "fault"),
    [
        ("MOST_FILES", 4, "has 5 files, and a data branch has at most 4"),
        ("MOST_BYTES", 100, "has 0.0 GB, and a data branch has at most 1e-07 GB"),
        ("MOST_LEASES", 1, "has 2 files in leases/, and a data branch has at most 1"),
    ],
)
def test_a_branch_beyond_a_bound_is_refused_by_name_before_anything_is_written(
    remote: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, fault: str
):
    """A marker, an explanation, a file and two leases."""
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    write(ada, "benchmarks.json", b"{}")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    leases = [Lease(PoolSetup("box"), name, OLD, at, at + LEASE) for name in ("ada", "bob")]
    ada.push("night", lambda _: leases)
    monkeypatch.setattr(bounds, bound, value)
    with pytest.raises(RunFailed, match=f"origin/tbp-data {fault}: take out"):
        bob.pull()
    assert content(bob) == {}


def test_results_that_would_make_the_branch_too_large_stay_here(remote: Path, monkeypatch: pytest.MonkeyPatch):
    ada = runner(remote, "ada")
    write(ada, "benchmarks.json", b"{}")
    ada.push("night")
    monkeypatch.setattr(bounds, "MOST_FILES", 3)
    write(ada, "box/machine.json", b"{}")
    with pytest.raises(RunFailed, match="with the results here origin/tbp-data has 4 files"):
        ada.push("night")
    assert "box/machine.json" in content(ada)
    monkeypatch.undo()
    assert ada.push("night").sent == ("box/machine.json",)


def new_tree(repository: Path, *entries: str) -> str:
    lines = "".join(f"{entry}\n" for entry in entries)
    done = subprocess.run(["git", "mktree"], cwd=repository, input=lines, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_tree_of_trees_without_an_end_is_not_listed(remote: Path, monkeypatch: pytest.MonkeyPatch):
    """Thirty levels of ten, in as many objects."""
    ada = runner(remote, "ada")
    write(ada, "benchmarks.json", b"{}")
    ada.push("night")
    entry = f"100644 blob {git(remote, 'rev-parse', 'tbp-data:README.md')}"
    for _ in range(30):
        below = new_tree(remote, *(f"{entry}\t{name}" for name in range(10)))
        entry = f"040000 tree {below}"
    tree = new_tree(remote, git(remote, "ls-tree", "tbp-data"), f"{entry}\tzzz")
    git(remote, "update-ref", "refs/heads/tbp-data", git(remote, "commit-tree", tree, "-m", "bomb"))
    monkeypatch.setattr(remote_branch, "MOST_LISTED_BYTES", 100_000)
    with pytest.raises(RunFailed, match="origin/tbp-data has more files than a data branch may have: take out"):
        ada.pull()


def test_a_marker_of_any_length_is_none(remote: Path):
    ada = runner(remote, "ada")
    write(ada, "benchmarks.json", b"{}")
    ada.push("night")
    folder = remote.parent / "forged"
    git(remote.parent, "clone", "-q", "-b", "tbp-data", str(remote), "forged")
    commit(folder, "marker", files={"tbp-data.json": json.dumps({"format": 1, "x": "x" * bounds.MOST_MARKER_BYTES})})
    git(folder, "push", "-q", "origin", "HEAD:tbp-data")
    with pytest.raises(UsageError, match="no data branch of tbp"):
        ada.pull()


def test_a_lease_of_any_length_counts_for_none_and_is_named(remote: Path):
    ada = runner(remote, "ada")
    write(ada, "benchmarks.json", b"{}")
    ada.push("night")
    git(remote.parent, "clone", "-q", "-b", "tbp-data", str(remote), "forged")
    commit(remote.parent / "forged", "lease", files={"leases/a.json": " " * bounds.MOST_LEASE_BYTES + "{}"})
    git(remote.parent / "forged", "push", "-q", "origin", "HEAD:tbp-data")
    pulled = ada.pull()
    assert (pulled.leases, pulled.notes) == (
        (), ("leases/a.json is larger than a lease, and counts for none: the next push takes it out",)
    )  # fmt: skip
    ada.push("night")
    assert "leases/a.json" not in branch_files(remote)


def test_a_folder_that_is_a_link_is_not_followed_out_of_the_results(remote: Path, tmp_path: Path):
    ada, bob = runner(remote, "ada"), runner(remote, "bob")
    write(ada, "box/aaaaaaaa-env.traces/suite.torchtime_it/x-1.20260101T000000-7.session.json.gz", b"a session")
    ada.push("a")
    bob.results_dir.mkdir()
    (tmp_path / "outside").mkdir()
    (bob.results_dir / "box").symlink_to(tmp_path / "outside")
    with pytest.raises(UnreadableInput, match="leads out of the results folder"):
        bob.pull()
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_branch_whose_name_ends_alike_is_another(remote: Path):
    ada = runner(remote, "ada")
    git(ada.results_dir.parent, "push", "-q", "origin", "main:refs/heads/a/refs/heads/tbp-data")
    write(ada, "benchmarks.json", b"{}")
    assert ada.pull().commit == ""
    assert ada.push("a").sent == ("benchmarks.json",)


def test_a_forged_memory_is_forgotten(remote: Path):
    ada = runner(remote, "ada")
    write(ada, "benchmarks.json", b"{}")
    ada.pull()
    memory = ada.results_dir / "nightly.data"
    state = json.loads(memory.read_text())
    state["known"]["benchmarks.json"][2] += "\t.github/evil\0" + f"100644 {state['known']['benchmarks.json'][2]}"
    memory.write_text(json.dumps(state))
    ada.push("a")
    assert branch_files(remote) == ["README.md", "results/benchmarks.json", "tbp-data.json"]


def test_a_token_goes_to_the_remote_and_into_no_message(
    remote: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    ada = runner(remote, "ada")
    repository = ada.results_dir.parent
    git(repository, "remote", "set-url", "origin", "https://user:hunter2@localhost:1/x.git")
    monkeypatch.setenv("TBP_DATA_TOKEN", "hunter3")
    monkeypatch.chdir(repository)
    variables = ada.branch._authorization()
    assert variables["GIT_CONFIG_KEY_0"] == "http.https://localhost:1/.extraHeader"
    assert main(["data", "pull"]) == 4
    printed = capsys.readouterr()
    assert "hunter" not in printed.out + printed.err
    git(repository, "remote", "set-url", "origin", "http://example.org/x.git")
    assert ada.branch._authorization() == {}, "not over an open line"


def test_a_token_does_not_follow_a_redirect_to_another_server(remote: Path, monkeypatch: pytest.MonkeyPatch):
    ada = runner(remote, "ada")
    monkeypatch.setenv("TBP_DATA_TOKEN", "hunter3")
    with receiving() as other, receiving() as first:
        first.usual = (302, {"Location": f"{other.url}/x.git/info/refs?service=git-upload-pack"}, b"")
        git(ada.results_dir.parent, "remote", "set-url", "origin", f"{first.url}/x.git")
        with pytest.raises(RunFailed, match="cannot be asked"):
            ada.pull()
        assert first.requests[0].headers["authorization"].startswith("Basic ")
        assert other.requests == []


def test_without_a_remote_or_a_branch_the_next_step_is_said(remote: Path, tmp_path: Path):
    ada = runner(remote, "ada")
    repository = ada.results_dir.parent
    assert ada.pull().commit == ""
    config = read_config(repository / "asv.conf.json")
    with pytest.raises(UsageError, match="no branch can be called so"):
        shared_with(config, "origin/a..b")
    git(repository, "remote", "set-url", "origin", str(tmp_path / "gone.git"))
    with pytest.raises(RunFailed, match="origin cannot be asked for its branch tbp-data"):
        ada.pull()
    git(repository, "remote", "rename", "origin", "upstream")
    with pytest.raises(UsageError, match="has no remote origin; it has upstream"):
        shared_with(config, "tbp-data")
    assert str(shared_with(config, "upstream/nights").branch) == "upstream/nights"
