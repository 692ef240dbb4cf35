"""The night without asv: what is to be done, what is cleared away, and alarms that later nights bring."""

import json
import os
from pathlib import Path

import pytest

from tbp.__main__ import main
from tbp.asv.leftovers import remove_abandoned, set_aside, set_machine_aside
from tbp.nightly.new_commits import FIRST_NIGHT, Pending, pending
from tbp.project.asv_config import AsvConfig, read_config

from ..repositories import commit, git, new_repository
from ..result_folders import write_result


@pytest.fixture
def config(tmp_path: Path) -> AsvConfig:
    """A repository of six commits with asv's configuration in it, and no results."""
    new_repository(tmp_path)
    for subject in "abcdef":
        commit(tmp_path, subject)
    (tmp_path / "asv.conf.json").write_text(json.dumps({"project": "tiny", "results_dir": "results"}))
    return read_config(tmp_path / "asv.conf.json")


def history(config: AsvConfig) -> list[str]:
    """Oldest first."""
    return git(config.local_repository, "rev-list", "--reverse", "main").split()


def measure(config: AsvConfig, commit: str, value: float | None) -> Path:
    """A result file of one counter; None is a run that failed."""
    rows = {"suite.track_bytes": [[value], [], "1"]}
    return write_result(config.results_dir, commit, rows, history(config).index(commit))


def test_a_first_night_takes_the_newest_few(config: AsvConfig):
    assert pending(config, 20) == Pending(tuple(history(config)[-FIRST_NIGHT:]))


def test_the_oldest_of_the_new_ones_come_first(config: AsvConfig):
    commits = history(config)
    measure(config, commits[1], 1.0)
    assert pending(config, 20) == Pending(tuple(commits[2:]), before=(commits[1],))
    assert pending(config, 2) == Pending(tuple(commits[2:4]), before=(commits[1],))


def test_a_failed_commit_counts_as_measured_and_a_sound_one_goes_before_it(config: AsvConfig):
    commits = history(config)
    measure(config, commits[1], 1.0)
    measure(config, commits[2], None)
    measure(config, commits[3], None)
    assert pending(config, 20) == Pending(tuple(commits[4:]), before=(commits[1], commits[3]))


def test_results_of_other_branches_are_passed_over(config: AsvConfig):
    commits = history(config)
    git(config.local_repository, "checkout", "-q", "--detach", commits[0])
    aside = commit(config.local_repository, "aside")
    path = measure(config, commits[0], 1.0)
    path.write_text(path.read_text().replace(commits[0], aside))
    assert pending(config, 20) == Pending(tuple(commits[-FIRST_NIGHT:]))


def test_what_killed_runs_left_is_removed_after_an_hour(tmp_path: Path):
    cell = tmp_path / "box" / "c0ffee00-env.traces" / "suite.torchtime_it"
    cell.mkdir(parents=True)
    kept = [cell / "a.1.pt.trace.json.gz", cell / "a.1.session.json.gz", cell / "b.1.session.json.gz"]
    left = [cell / "c.1.pt.trace.json.gz", cell / ".unfinished-x", cell / ".unfinished-x.plain"]
    for path in (*kept, *left):
        path.write_bytes(b"")
    assert remove_abandoned(tmp_path) == 0, "a run may be about to write the session"
    for path in (*kept, *left):
        os.utime(path, (0, 0))
    assert remove_abandoned(tmp_path) == len(left)
    assert sorted(cell.iterdir()) == kept
    assert remove_abandoned(tmp_path / "not-there") == 0


def test_a_result_that_was_cut_off_is_set_aside(config: AsvConfig):
    commits = history(config)
    whole, cut, other = (measure(config, commit, 1.0) for commit in commits[:3])
    for path in (cut, other):
        path.write_bytes(path.read_bytes()[:50])
    aside = set_aside(config.results_dir, commits[:2])
    assert aside == [cut.with_name(f"{cut.name}.unreadable")]
    assert (whole.exists(), cut.exists(), other.exists()) == (True, False, True)


@pytest.mark.parametrize("content", ['{"version": 1, "vm": {"ar', "", "[" * 100_000, "\udcff"])
def test_a_description_of_the_machine_that_was_cut_off_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
):
    monkeypatch.setenv("HOME", str(tmp_path))
    machines = tmp_path / ".asv-machine.json"
    machines.write_text(content, errors="surrogateescape")
    assert set_machine_aside() == tmp_path / ".asv-machine.json.unreadable"
    assert not machines.exists()
    assert set_machine_aside() is None
    machines.write_text('{"version": 1}')
    assert set_machine_aside() is None
    assert machines.exists()


def test_a_regression_that_a_later_night_confirms_raises_the_alarm_then(
    config: AsvConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Two runs before and one after confirm nothing; the night after brings another run, and no change of its own."""
    monkeypatch.chdir(config.path.parent)
    commits = history(config)
    codes = []
    for newest, value in zip(commits, [1.0, 1.0, 2.0, 2.0, 2.0], strict=False):
        git(config.local_repository, "reset", "-q", "--soft", newest)  # the branch grows by one commit a night
        measure(config, newest, value)
        codes.append(main(["nightly"]))
    assert codes == [0, 0, 0, 3, 0]
    assert "suite.track_bytes" in capsys.readouterr().out
