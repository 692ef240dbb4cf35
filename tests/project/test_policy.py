"""[tool.tbp] of a project."""

from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.model.series import Better
from tbp.project.policy import Policy, read_policy


def policy(folder: Path, text: str) -> Policy:
    path = folder / "pyproject.toml"
    path.write_text(text)
    return read_policy(path)


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.ruff]\n"])
def test_a_project_that_asks_for_nothing_has_the_defaults(tmp_path: Path, text: str):
    assert policy(tmp_path, text) == read_policy(tmp_path / "none.toml") == Policy()


def test_every_key_is_read(tmp_path: Path):
    found = policy(
        tmp_path,
        "[tool.tbp]\nrelevant = 0.05\nstale_days = 7\nfalse_discovery_rate = 0.1\nkeep_traces_of_newest_runs = 3\n"
        "paired_budget = 0.5\npass_environment = ['MY_DATA', 'MYLIB_*']\n"
        "[tool.tbp.better]\n'track_loss' = 'lower'\n'^q\\.' = 'higher'\n"
        "[tool.tbp.machines]\n'^fv-az' = 'hosted {processor}'\n",
    )
    assert (found.relevant, found.stale_days, found.false_discovery_rate) == (0.05, 7.0, 0.1)
    assert (found.keep_traces_of_newest_runs, found.paired_budget) == (3, 0.5)
    assert found.pass_environment == ("MY_DATA", "MYLIB_*")
    assert [(rule.pattern.pattern, rule.name) for rule in found.machines] == [("^fv-az", "hosted {processor}")]
    assert found.direction("suite.track_loss") is Better.LOWER
    assert found.direction("q.track_x") is Better.HIGHER
    assert found.direction("suite.time_x") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.tbp]\nrelevent = 0.05", "has no key relevent"),
        ("[tool.tbp]\npass_environment = 'A'", "pass_environment must be a list of names of variables, not 'A'"),
        ("[tool.tbp]\npass_environment = ['*']", r"pass_environment has '\*': write the name of a variable"),
        ("[tool.tbp]\npass_environment = ['A*']", "pass_environment has"),
        ("[tool.tbp]\npass_environment = ['A=b']", "pass_environment has"),
        ("[tool.tbp]\npass_environment = [1]", "pass_environment has 1"),
        ("[tool.tbp]\nrelevant = '5 %'", "relevant must be a number"),
        ("[tool.tbp]\nrelevant = 5", "relevant must be a number of at least 0 and at most 1, where 0.05 is 5 %, not 5"),
        ("[tool.tbp]\nstale_days = true", "stale_days must be a number"),
        ("[tool.tbp]\nfalse_discovery_rate = 5", "at most 1"),
        ("[tool.tbp]\nrelevant = nan", "relevant must be a number"),
        ("[tool.tbp]\nkeep_traces_of_newest_runs = 1.5", "must be a whole number"),
        ("[tool]\ntbp = 1", "must be a table"),
        ("[tool.tbp]\nbetter = 'lower'", "must be a table of regular expression"),
        ("[tool.tbp.better]\n'(' = 'lower'", "no regular expression"),
        ("[tool.tbp.better]\n'x' = 'less'", 'must be "lower" or "higher"'),
        ("[tool.tbp.better]\n'x' = 'unknown'", 'must be "lower" or "higher"'),
        ("[tool.tbp]\nmachines = 'hosted'", "machines. must be a table of regular expression = name, not 'hosted'"),
        ("[tool.tbp.machines]\n'^fv' = '{speed}'", "names 'speed'; the facts are processor, cores"),
        ("[tool.tbp", "cannot read"),
    ],
)
def test_what_cannot_be_meant_is_said_with_file_and_key(tmp_path: Path, text: str, said: str):
    with pytest.raises(UsageError, match=said) as caught:
        policy(tmp_path, text)
    assert "pyproject.toml" in str(caught.value)
