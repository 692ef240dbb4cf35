"""Leases as files of a store: one of several runners gets each, and a lease that has ended is taken over."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

from tbp.dataset.files import StoreFiles
from tbp.errors import RunFailed
from tbp.nightly.leases import LEASE, Lease, PoolSetup, leased, now, released, taken, written
from tbp.nightly.store_sharing import StoreSharing
from tbp.project.policy import read_policy

from ..result_folders import write_result

POOL = PoolSetup("fleet", "env")
X, Y = "a" * 40, "b" * 40
RUNNERS = 8


class Runner:
    """One of a pool, with a results folder of its own."""

    def __init__(self, store: str, results_dir: Path) -> None:
        results_dir.mkdir()
        policy = read_policy(results_dir / "pyproject.toml")
        self.sharing, self.results_dir = StoreSharing(StoreFiles(store), results_dir, "tiny", policy), results_dir
        self.name, self.commit = results_dir.name, ""

    def measures(self, commit: str) -> None:
        write_result(self.results_dir, commit, {"suite.track_calls": [[1.0], [], "v"]}, machine="fleet")

    def takes(self, *commits: str, done: Sequence[str] = ()) -> str:
        """The first of ``commits`` that nobody else has, leased; empty where there is none."""
        self.sharing.push("", partial(self._chosen, commits, done))
        return self.commit

    def _chosen(self, commits: Sequence[str], done: Sequence[str], leases: Sequence[Lease]) -> Sequence[Lease]:
        at = now()
        elsewhere = leased(leases, POOL, self.name, at) | self.sharing.measured("fleet")
        self.commit = next((commit for commit in commits if commit not in elsewhere), "")
        if not self.commit:
            return released(leases, POOL, self.name, done, at)
        return taken(leases, POOL, self.name, self.commit, done, at, LEASE)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Runner]:
    monkeypatch.setattr("tbp.nightly.store_sharing.runner_name", lambda folder: folder.name)
    return lambda name: Runner(str(tmp_path / "store"), tmp_path / name)


def files(runner: Runner) -> list[Path]:
    return sorted((runner.results_dir.parent / "store" / "leases" / "tiny").glob("*"))


def test_of_runners_that_ask_at_once_each_gets_another_commit(runner: Callable[[str], Runner]):
    commits = [f"{number:040x}" for number in range(RUNNERS)]
    runners = [runner(f"runner-{number}") for number in range(RUNNERS)]
    barrier = threading.Barrier(RUNNERS)

    def ask(each: Runner) -> str:
        barrier.wait()
        return each.takes(*commits)

    with ThreadPoolExecutor(RUNNERS) as pool:
        assert sorted(pool.map(ask, runners)) == commits
    assert len(files(runners[0])) == RUNNERS


def test_a_measured_commit_is_given_to_nobody_else_and_its_lease_goes(runner: Callable[[str], Runner]):
    ada, bob = runner("ada"), runner("bob")
    assert ada.takes(X, Y) == X
    assert bob.takes(X) == ""
    ada.measures(X)
    assert ada.takes(Y, done=[X]) == Y
    assert bob.takes(X, Y) == ""
    assert bob.sharing.measured("fleet") == {X}
    assert bob.sharing.measured("another") == frozenset()
    assert len(files(ada)) == 1
    ada.measures(Y)
    assert ada.takes(done=[Y]) == ""
    assert files(ada) == []


def test_a_lease_that_has_ended_is_taken_over_in_the_next_turn(
    runner: Callable[[str], Runner], monkeypatch: pytest.MonkeyPatch
):
    ada, bob = runner("ada"), runner("bob")
    assert ada.takes(X) == X
    later = now() + LEASE + timedelta(minutes=1)
    monkeypatch.setattr(f"{__name__}.now", lambda: later)
    assert bob.takes(X) == X
    assert [path.name.split(".")[1] for path in files(ada)] == ["0", "1"]
    assert ada.takes(X) == ""
    bob.measures(X)
    assert bob.takes(done=[X]) == ""
    assert files(ada) == []


def test_turns_of_a_commit_are_counted_on_until_it_is_measured(runner: Callable[[str], Runner]):
    """Were they not, a runner that saw the first turn could make the second beside one that made the first anew."""
    ada, bob = runner("ada"), runner("bob")
    assert ada.takes(X) == X
    assert ada.takes(Y) == Y, "it was stopped, and a newer commit is there"
    assert [path.name.split(".")[1] for path in files(ada)] == ["0", "0"]
    assert bob.takes(X) == X
    assert sorted(path.name.split(".")[1] for path in files(ada)) == ["0", "0", "1"]


def test_a_commit_that_was_measured_between_the_look_and_the_lease_is_given_up(
    runner: Callable[[str], Runner], monkeypatch: pytest.MonkeyPatch
):
    ada, bob = runner("ada"), runner("bob")
    create = StoreFiles.create

    def late(store: StoreFiles, name: str, content: bytes) -> bool:
        monkeypatch.setattr(StoreFiles, "create", create)
        ada.measures(X)
        ada.sharing.push("")
        return create(store, name, content)

    monkeypatch.setattr(StoreFiles, "create", late)
    assert bob.takes(X, Y) == Y
    assert [path.name.split(".")[0].partition("-")[2] for path in files(ada)] == [Y]


def test_a_lease_that_ended_long_ago_is_removed(runner: Callable[[str], Runner], monkeypatch: pytest.MonkeyPatch):
    ada, bob = runner("ada"), runner("bob")
    assert ada.takes(X) == X
    later = now() + LEASE + timedelta(days=31)
    for module in (__name__, "tbp.nightly.store_sharing"):
        monkeypatch.setattr(f"{module}.now", lambda: later)
    bob.sharing.push("")
    assert files(ada) == []


def test_a_lease_of_a_commit_that_another_machine_measured_stays(runner: Callable[[str], Runner]):
    ada = runner("ada")
    write_result(ada.results_dir, X, {"suite.track_calls": [[1.0], [], "v"]}, machine="lab")
    assert ada.takes(X) == X
    assert ada.takes(Y) == Y
    assert len(files(ada)) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"x" * 1_000_000, written(Lease(POOL, "no name of a runner", X, now(), now() + LEASE))],
    ids=["empty", "half", "large", "foreign"],
)
def test_a_file_that_is_no_lease_keeps_nobody_from_measuring(content: bytes, runner: Callable[[str], Runner]):
    ada = runner("ada")
    folder = ada.results_dir.parent / "store" / "leases" / "tiny"
    folder.mkdir(parents=True)
    (folder / f"{POOL.digest}-{X}.0.json").write_bytes(content)
    (folder / "README").write_bytes(b"of somebody")
    assert ada.takes(X) == X
    ada.measures(X)
    ada.takes(done=[X])
    assert [path.name for path in files(ada)] == ["README"]


def test_a_folder_with_more_files_than_there_can_be_leases_is_refused(
    runner: Callable[[str], Runner], monkeypatch: pytest.MonkeyPatch
):
    ada, bob = runner("ada"), runner("bob")
    assert (ada.takes(X, Y), bob.takes(X, Y)) == (X, Y)
    monkeypatch.setattr("tbp.nightly.store_sharing.MOST_LEASES", 1)
    with pytest.raises(RunFailed, match="has 2 files in leases/tiny, and a project has at most 1 leases"):
        ada.takes(X)


@pytest.fixture
def in_memory() -> Iterator[str]:
    fsspec = pytest.importorskip("fsspec")
    yield "memory://shared"
    fsspec.filesystem("memory").store.clear()


def test_a_store_that_is_no_folder_gives_out_leases_too(
    in_memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tbp.nightly.store_sharing.runner_name", lambda folder: folder.name)
    ada, bob = Runner(in_memory, tmp_path / "ada"), Runner(in_memory, tmp_path / "bob")
    assert (ada.takes(X, Y), bob.takes(X, Y)) == (X, Y)
    assert not StoreFiles(in_memory).create(f"leases/tiny/{POOL.digest}-{X}.0.json", b"")


def test_a_store_that_cannot_be_reached_is_one_line_and_the_results_stay(runner: Callable[[str], Runner]):
    ada = runner("ada")
    ada.measures(X)
    (ada.results_dir.parent / "store").write_text("a file where the store should be")
    with pytest.raises(RunFailed, match="nothing in it is lost"):
        ada.takes(Y)
    assert len(list((ada.results_dir / "fleet").glob("*.json"))) == 1
