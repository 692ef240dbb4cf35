"""Configuration, TOML and patterns beyond all bounds: one sentence, soon, and never a traceback."""

import math
import os
from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.project import patterns
from tbp.project.acknowledgements import read_acks
from tbp.project.asv_config import read_config
from tbp.project.bench_filter import bench_filter
from tbp.project.policy import read_policy

CONFIGS = [
    ("[" * 20_000, "nested too deeply"),
    ('{"repo": ' * 3000, "nested too deeply"),
    ('{"a": "' + "x" * 60_000, "took more than 0.2 s"),
    ("{a: '" + "x" * 60_000, "took more than 0.2 s"),
    ('{"a": [' + "1," * 30_000, "took more than 0.2 s"),
    (" " * 1_000_001, "larger than the 1 MB"),
    ('{"repo": "a\\u0000"}', "repo must be of at most 2,000 whole characters"),
    ('{"repo": "\\ud800"}', "repo must be of at most 2,000 whole characters"),
    ('{"results_dir": "' + "x" * 2001 + '"}', "results_dir must be of at most 2,000 whole characters"),
    ('{"branches": ["a\\u0000"]}', "branches must be of at most 2,000 whole characters"),
    ('{"benchmark_dir": "\\udfff"}', "benchmark_dir must be of at most 2,000 whole characters"),
    ('{"branches": {"' + "y" * 5000 + '": 1}}', "branches must be a list"),
]


@pytest.mark.parametrize(("text", "reason"), CONFIGS)
def test_a_configuration_beyond_the_bounds_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
):
    monkeypatch.setattr("tbp.project.asv_config.MOST_CPU_S", 0.2)
    path = tmp_path / "asv.conf.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason) as refused:
        read_config(path)
    assert len(str(refused.value)) < 600


def test_a_configuration_that_is_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "asv.conf.json")
    with pytest.raises(UsageError, match="no plain file"):
        read_config(tmp_path / "asv.conf.json")


TOMLS = [
    ("x = " + "[" * 2000, "nested more than 50 deep"),
    ("x = " + "[" * 60 + "]" * 60, "nested more than 50 deep"),
    (".".join("a" * 300) + " = 1", "nested more than 50 deep"),
    ("x = " + "{a=" * 60 + "1" + "}" * 60, "nested more than 50 deep"),
    ("#" * 4_000_001, "larger than the 4 MB"),
    ('x = "\0"', "Illegal character"),
]


@pytest.mark.parametrize("read", [read_policy, read_acks])
@pytest.mark.parametrize(("text", "reason"), TOMLS)
def test_a_toml_file_beyond_the_bounds_is_refused_by_name(tmp_path: Path, read, text: str, reason: str):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason):
        read(path)


@pytest.mark.parametrize("read", [read_policy, read_acks])
def test_a_toml_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path, read):
    os.mkfifo(tmp_path / "x.toml")
    with pytest.raises(UsageError, match="no plain file"):
        read(tmp_path / "x.toml")


LONG = "0x" + "f" * 4_000  # Python writes no number of more than 4,300 digits
NUMBERS = [
    ("asv.conf.json", f'{{"repo": {LONG}}}', "repo must be a string, not a value too long"),
    ("asv.conf.json", f'{{"branches": [{LONG}]}}', "branches must be a list of branch names, not a value too long"),
    ("acks.toml", f"ack = [{{reason = {LONG}, benchmark = 'a', commit = '0123456'}}]", "reason must be a text"),
    ("acks.toml", f"[[ack]]\nreason = 'a'\nbenchmark = [{LONG}]", "benchmark must be a text"),
    ("pyproject.toml", f"[tool.tbp]\nrelevant = {LONG}", "relevant must be a number"),
    ("pyproject.toml", f"[tool.tbp]\nkeep_traces_of_newest_runs = {LONG}", "newest_runs must be a whole number"),
    ("pyproject.toml", f"[tool]\ntbp = {LONG}", "must be a table, not a value too long"),
    ("pyproject.toml", f"[tool.tbp.better]\na = {LONG}", "must be .lower. or .higher., not a value too long"),
    ("pyproject.toml", f"[tool.tbp]\nbetter = [{LONG}]", "must be a table of regular expression"),
    ("pyproject.toml", f"[tool.tbp.names]\na = {LONG}", "must be a text, not a value too long"),
    ("pyproject.toml", f"[tool.tbp]\nnames = {LONG}", "must be a table of regular expression"),
    ("pyproject.toml", f"[tool.tbp]\npass_environment = {LONG}", "must be a list of names"),
    ("pyproject.toml", f"[tool.tbp]\npass_environment = [{LONG}]", "write the name of a variable"),
    ("pyproject.toml", f"[tool.tbp]\n{'a' * 90_000} = 1", "has no key a+…a+;"),
    ("acks.toml", f"{'a' * 90_000} = 1", "knows only"),
]
READERS = {"asv.conf.json": read_config, "acks.toml": read_acks, "pyproject.toml": read_policy}


@pytest.mark.parametrize(("name", "text", "reason"), NUMBERS)
def test_a_value_too_long_to_be_shown_is_refused_in_a_short_line(tmp_path: Path, name: str, text: str, reason: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=reason) as refused:
        READERS[name](tmp_path / name)
    assert len(str(refused.value)) < 500


def test_a_number_of_days_beyond_floating_point_is_for_ever(tmp_path: Path):
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.tbp]\nstale_days = {'9' * 400}\npaired_budget = {LONG}\n")
    policy = read_policy(path)
    assert (policy.stale_days, policy.paired_budget) == (math.inf, math.inf)


PATTERNS = [
    ("a{99999999999}", "repeats too often"),
    ("(" * 500 + ")" * 500, "nested too deeply"),
    ("x" * 10_001, "has 10,001 characters"),
    ("(", "is no regular expression"),
]


@pytest.mark.parametrize(("pattern", "reason"), PATTERNS)
def test_a_pattern_beyond_the_bounds_is_refused_wherever_it_stands(tmp_path: Path, pattern: str, reason: str):
    if pattern != "(":  # which is plain text to --bench
        with pytest.raises(UsageError, match=f"^--bench .*{reason}"):
            bench_filter([pattern])
    path = tmp_path / "pyproject.toml"
    path.write_text(f'[tool.tbp.better]\n"{pattern}" = "lower"\n')
    with pytest.raises(UsageError, match=rf"\[tool.tbp.better\] .*{reason}"):
        read_policy(path)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*.*)*!$", r"(\w|\w\w)+-"])
def test_a_pattern_without_an_end_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str):
    monkeypatch.setattr(patterns, "MOST_CPU_S", 0.1)
    name = "suite.time_" + "a" * 60
    with pytest.raises(UsageError, match=r"took 0.1 s on 'suite.time_aaa"):
        bench_filter([pattern])(f"{name}.", ())
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.tbp.better]\n'{pattern}' = 'lower'\n")
    with pytest.raises(UsageError, match="without repetitions of repetitions"):
        read_policy(path).direction(f"{name}.")
