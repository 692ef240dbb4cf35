"""Commits that hardly can have changed a timing, by the files that they touch."""

from tbp.bisect.weights import QUIET_WEIGHT, weights


def test_documents_tests_suites_and_empty_commits_weigh_little():
    touched = {
        "a": ["README.md", "docs/conf.py"],
        "b": ["src/x.py", "README.md"],
        "c": ["benchmarks/speed.py"],
        "d": [],
        "e": ["tests/test_x.py"],
        "f": ["requirements-ci.txt"],
        "g": ["thing/tests.py"],
    }
    quiet = QUIET_WEIGHT
    assert weights([*touched, "unknown"], touched, "benchmarks") == (quiet, 1, quiet, quiet, quiet, 1, 1, 1)
