"""The environment variables by which asv's process tells the ruler where its results are."""

import os
from pathlib import Path

import pytest

pytest.importorskip("asv")


@pytest.fixture
def announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Results folder and machine that an asv command line tells the ruler."""
    from tbp.asv.environment import announce

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def tell(*arguments: str) -> tuple[str, str]:
        for name in ("TBP_RESULTS_DIR", "TBP_MACHINE", "TBP_RUN"):
            monkeypatch.delenv(name, raising=False)
        announce(list(arguments))
        folder = os.environ.get("TBP_RESULTS_DIR", "")
        return folder.removeprefix(f"{tmp_path}/"), os.environ.get("TBP_MACHINE", "")

    return tell


def configuration(name: str, results: str) -> None:
    Path(name).write_text(f'// asv takes comments\n{{"version": 1, "repo": ".", "results_dir": "{results}"}}')


@pytest.mark.parametrize("name", ["asv.conf.json", "asv.conf.jsonc"])
def test_the_configuration_has_either_of_its_default_names(announced, name: str):
    configuration(name, "kept")
    assert announced("run", "-m", "box", "HEAD^!") == ("kept", "box")


@pytest.mark.parametrize(
    "named", [("--config", "other.jsonc"), ("--config=other.jsonc",), ("--conf", "other.jsonc"), ("--con=other.jsonc",)]
)
def test_a_named_configuration_wins_however_it_is_spelled(announced, named: tuple[str, ...]):
    configuration("asv.conf.json", "default")
    configuration("other.jsonc", "named")
    assert announced("run", *named, "--machine=box") == ("named", "box")
    assert announced(*named, "run", "-mbox", "--quick", "-e", "--bench", "x") == ("named", "box")


def test_a_run_that_stores_nothing_is_not_announced(announced):
    configuration("asv.conf.json", "results")
    assert announced("run", "--dry-run") == ("", "")
    assert announced("publish") == ("", "")
    configuration("asv.conf.jsonc", "results")
    assert announced("run") == ("", ""), "asv refuses two configurations"
