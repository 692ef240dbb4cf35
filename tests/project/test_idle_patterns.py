"""Patterns of [tool.tbp] that find none of the names of the results."""

from pathlib import Path

from tbp.project.idle_patterns import idle_patterns
from tbp.project.policy import read_policy


def test_a_pattern_that_finds_nothing_is_named_with_what_is_near(tmp_path: Path):
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.tbp.better]\n'loss$' = 'lower'\n'acuracy' = 'higher'\n[tool.tbp.machines]\n'^ci' = 'ci'\n")
    policy, benchmarks = read_policy(path), ["fit.track_loss", "fit.track_accuracy"]
    assert list(idle_patterns(policy, benchmarks, ["ci-1"])) == [
        "[tool.tbp.better] 'acuracy' matches no benchmark of the results; known: fit.track_accuracy, fit.track_loss"
    ]
    assert list(idle_patterns(policy, [], [])) == [], "nothing is measured yet"
