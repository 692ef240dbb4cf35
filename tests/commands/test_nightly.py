"""The night without asv: what is to be done, what is cleared away, and alarms that later nights bring."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tbp.__main__ import main
from tbp.asv.leftovers import add_machine_facts, remove_abandoned, set_aside, set_machine_aside
from tbp.asv.reasons import write_outputs
from tbp.nightly.new_commits import FIRST_NIGHT, ROOM_BYTES, Pending, name_of, pending
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


def test_a_first_night_takes_the_newest_few_the_newest_first(config: AsvConfig):
    assert pending(config, "box") == Pending(tuple(history(config)[::-1][:FIRST_NIGHT]))


def test_the_newest_come_first_then_the_gaps_and_nothing_older_than_the_oldest_result(config: AsvConfig):
    commits = history(config)
    measure(config, commits[1], 1.0)
    assert pending(config, "box") == Pending((commits[5], commits[4], commits[3], commits[2]), sound=commits[1])
    measure(config, commits[4], 1.0)
    left = Pending((commits[5],), gaps=(commits[3], commits[2]), sound=commits[4])
    assert pending(config, "box") == left
    assert left.commits == (commits[5], commits[3], commits[2])


def test_a_commit_that_was_stopped_comes_before_all_others_and_one_measured_elsewhere_not_at_all(config: AsvConfig):
    commits = history(config)
    for place in (1, 4):
        measure(config, commits[place], 1.0)
    left = pending(config, "box", stopped={commits[1], commits[2]}, elsewhere={commits[5], commits[4]})
    assert left == Pending((), stopped=(commits[1],), gaps=(commits[3], commits[2]), sound=commits[1])


def test_what_another_host_of_the_pool_measured_is_not_measured_again(config: AsvConfig, tmp_path: Path):
    """asv would measure the sound commit of another host again: there is none then."""
    commits = history(config)
    for place in (1, 4):
        measure(config, commits[place], 1.0)
    (tmp_path / "pyproject.toml").write_text("[tool.tbp.machines]\n'^box' = 'pool'\n'^gpu' = '{GPU}'\n")
    assert [name_of(config, machine) for machine in ("box-2", "other")] == ["pool", "other"]
    assert pending(config, "box-2", name="pool") == Pending((commits[5],), gaps=(commits[3], commits[2]))
    assert pending(config, "other", name="other") == Pending(tuple(commits[::-1][:FIRST_NIGHT]))


def test_facts_of_a_named_machine_are_added_to_what_asv_s_file_says(tmp_path: Path):
    path = tmp_path / "machines.json"
    path.write_text('{"host-1": {"machine": "host-1", "cpu": "mine"}, "version": 1}')
    add_machine_facts(path, "host-1", {"cpu": "EPYC", "num_cpu": "2"})
    known = {"host-1": {"machine": "host-1", "cpu": "mine", "num_cpu": "2"}, "version": 1}
    assert json.loads(path.read_text()) == known
    before = path.stat().st_mtime_ns
    add_machine_facts(path, "host-1", {"cpu": "EPYC", "num_cpu": "2"})
    add_machine_facts(path, "host-2", {"cpu": "EPYC"})
    assert path.stat().st_mtime_ns == before
    for damaged in ("", "[1]", '{"host-1": 3}'):
        path.write_text(damaged)
        add_machine_facts(path, "host-1", {"cpu": "EPYC"})
        assert path.read_text() == damaged


def test_a_failed_commit_counts_as_measured_and_is_not_the_sound_one(config: AsvConfig):
    commits = history(config)
    measure(config, commits[1], 1.0)
    measure(config, commits[2], None)
    measure(config, commits[3], None)
    assert pending(config, "box") == Pending((commits[5], commits[4]), sound=commits[1])


def test_results_of_other_branches_and_machines_are_passed_over(config: AsvConfig):
    commits = history(config)
    git(config.local_repository, "checkout", "-q", "--detach", commits[0])
    aside = commit(config.local_repository, "aside")
    path = measure(config, commits[0], 1.0)
    path.write_text(path.read_text().replace(commits[0], aside))
    write_result(config.results_dir, commits[5], {"suite.track_bytes": [[1.0], [], "1"]}, machine="another")
    assert pending(config, "box") == Pending(tuple(commits[::-1][:FIRST_NIGHT]))


def test_a_commit_that_failed_for_want_of_room_is_measured_again_once_there_is_some(
    config: AsvConfig, monkeypatch: pytest.MonkeyPatch
):
    full, broken, newest = history(config)[-3:]
    for each, output in ((full, "OSError: [Errno 28] No space left on device"), (broken, "ValueError: no")):
        measure(config, each, None)
        path = config.results_dir / "box" / f"{each[:8]}-env.reasons"
        write_outputs(path, "box", "env", each, {("suite.track_bytes", ()): output})
    measure(config, newest, 1.0)
    assert pending(config, "box") == Pending((), stopped=(full,), sound=newest)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=ROOM_BYTES - 1))
    assert pending(config, "box") == Pending((), sound=newest)


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
        codes.append(main(["nightly", "--machine=box"]))
    assert codes == [0, 0, 0, 3, 0]
    assert "suite.track_bytes" in capsys.readouterr().out


def test_a_night_with_a_store_adds_its_results_and_reports_those_of_all_runners(
    config: AsvConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("duckdb")
    monkeypatch.chdir(config.path.parent)
    commits = history(config)
    for place, name in enumerate(commits):
        measure(config, name, 1.0)
        write_result(tmp_path / "elsewhere", name, {"suite.track_bytes": [[2.0], [], "1"]}, place, "runner-2")
    assert main(["ingest", "elsewhere", "--store", "store", "--project", "tiny"]) == 0
    assert main(["nightly", "--machine=box", "--store", "store", "--out", "site"]) == 0
    series = json.loads((tmp_path / "site" / "summary.json").read_text())["series"]
    assert {entry["machine"]: entry["runs"] for entry in series} == {"box": 6, "runner-2": 6}
