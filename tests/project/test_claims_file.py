"""The claims file: the one of tbp itself, and files that cannot be meant."""

from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.project.claims_file import MOST_PRACTICES, read_claims

ROOT = Path(__file__).resolve().parents[2]
CLAIM = '[[claim]]\ntitle = "Faster"\n'
PRACTICE = f'{CLAIM}[[claim.practice]]\ntitle = "Fused"\nvariant = "sdpa"\nagainst = "naive"\n'


def test_a_practice_has_what_its_entry_says(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(f'{PRACTICE}measure = "peak_bytes"\nat_least = 2\nwhere = {{ batch = 8 }}\nclaimed = false\n')
    file = read_claims(path)
    assert file is not None
    (practice,) = file.claims[0].practices
    assert (practice.variant, practice.against) == ("sdpa", "naive")
    assert (practice.benchmarks, practice.measure) == ("*", "peak_bytes")
    assert (practice.at_least, practice.where, practice.is_claimed) == (2.0, {"batch": 8}, False)
    assert read_claims(tmp_path / "none.toml") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not TOML", "cannot read"),
        ("clam = 1", "knows only [[claim]] and [[defect]] tables, not 'clam'"),
        ("claim = 1", "each claim is a table that begins with [[claim]]"),
        (f"{CLAIM}practice = 1", "[[claim]] number 1: each practice is a table that begins with [[claim.practice]]"),
        ('[[claim]]\ntitle = " "', "[[claim]] number 1: title: expected a text with letters in it"),
        ("[[claim]]\ntitle = 3", "title: expected text, got number"),
        (
            f'{CLAIM}[[claim.practice]]\ntitle = "a"\nvariant = "b"',
            "[[claim.practice]] number 1: it has no key against",
        ),
        (f"{PRACTICE}atleast = 2", "has no key 'atleast'; it knows title, variant, against"),
        (f'{PRACTICE}at_least = "2"', "at_least: expected number, got text"),
        (f"{PRACTICE}at_least = -1", "at_least: expected number >= 0.0"),
        (f"{PRACTICE}at_least = 0", "at_least above 0"),
        (f"{PRACTICE}within = inf", "within: expected number <= 1000000000.0"),
        (f"{PRACTICE}within = nan", "within"),
        (f"{PRACTICE}at_least = 2\nwithin = 1", "leave the one that is not meant"),
        (f"{PRACTICE}where = {{ a = [1] }}", "where: expected text or number, got list"),
        (f"{PRACTICE}claimed = 1", "claimed: expected true or false, got number"),
        ('[[defect]]\nname = "a"', "[[defect]] number 1: it has no key snippet"),
        ('[[defect]]\nname = "a"\nsnippet = "b"\nhappens = "c"\nright = "d"\n' * 2, "two defects called 'a'"),
        (
            PRACTICE + '[[claim.practice]]\ntitle = "a"\nvariant = "b"\nagainst = "c"\n' * MOST_PRACTICES,
            "keep it to 500",
        ),
        (f"[[claim]]\ntitle = '{'x' * 3000}'", "title: expected text of length <= 2000"),
        (f'[[claim]]\n"{"<b>" * 1000}" = 1\n', "has no key '<b><b>"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_entry(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_claims(path)
    assert message in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_huge_file_and_one_of_other_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    for content in (b"#" * 5_000_000, b"\xff\xfe", b"claim = " + b"[" * 5_000):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="cannot read"):
            read_claims(path)


def test_each_defect_of_the_suites_is_in_the_claims_of_tbp() -> None:
    file = read_claims(ROOT / "benchmarks" / "claims.toml")
    assert file is not None
    assert [claim.title for claim in file.claims] == [
        "Better models by design", "Faster training", "Smaller models", "Faster inference",
    ]  # fmt: skip
    assert all(practice.why for claim in file.claims for practice in claim.practices)
    declared = (ROOT / "benchmarks" / "workloads" / "defects.py").read_text("utf-8")
    assert all(f'"{defect.name}"' in declared for defect in file.defects)


def test_each_practice_of_tbp_names_variants_of_its_suites() -> None:
    """A renamed variant would leave a practice unmeasured for ever."""
    sources = {path.stem: path.read_text("utf-8") for path in (ROOT / "benchmarks").glob("*.py")}
    sources = {name: text + _workload(name) for name, text in sources.items()}
    file = read_claims(ROOT / "benchmarks" / "claims.toml")
    assert file is not None
    for practice in (practice for claim in file.claims for practice in claim.practices):
        source = sources[practice.benchmarks.partition(".")[0]]
        for variant in (practice.variant, practice.against):
            assert f'"{practice.parameter or variant}"' in source, practice


def _workload(name: str) -> str:
    path = ROOT / "benchmarks" / "workloads" / f"{name}.py"
    return path.read_text("utf-8") if path.exists() else ""
