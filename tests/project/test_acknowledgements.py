"""Acknowledgements: reading them, what they match, and writing them."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.history.acknowledged import seen
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.series import Better, Commit, Outcome, Point, SeriesKey
from tbp.model.triage import TriageStatus
from tbp.project.acknowledgements import (
    Ack,
    day_of,
    read_acks,
    unmatched,
)
from tbp.project.new_acknowledgement import HEADER, AckRequest, new_ack, require_on_branch, write_ack
from tbp.wording.words import visible

from ..repositories import commit, git, new_repository

DAY = date(2026, 5, 10)
HASHES = [f"{place:x}" * 40 for place in range(1, 10)]


def history(*changes: Change, values=(1.0,) * 4 + (2.0,) * 4, benchmark="attention.time_x") -> History:
    points = tuple(
        Point(Commit(HASHES[place], datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=place)), Outcome.MEASURED, value)
        if value
        else Point(Commit(HASHES[place], datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=place)), Outcome.FAILED)
        for place, value in enumerate(values)
    )
    key = SeriesKey(benchmark, (), "box", "env")
    evidence = tuple(ChangeEvidence(change) for change in changes)
    return History(key, "seconds", Better.LOWER, points, State.REGRESSION, evidence)


def is_named(own: History, ack: Ack) -> bool:
    """True where ``ack`` gives the first change a state."""
    return seen([own], [ack], DAY)[0].changes[0].triage is not None


SLOWER = Change(4, 1.0, 2.0, 0.001, True)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "acks.toml"
    path.write_text(text, "utf-8")
    return path


def test_entries_are_read_as_they_stand(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """# mine
[[ack]]
benchmark = "attention.*"
commit = "5555555F"
reason = "exact softmax"
until = 2026-12-31
[[ack]]
benchmark = "train"
commit = "66666666"
reason = "AMP"
""",
    )
    assert read_acks(path) == (
        Ack("attention.*", "5555555f", "exact softmax", date(2026, 12, 31)),
        Ack("train", "66666666", "AMP"),
    )


def test_without_a_file_nothing_is_acknowledged(tmp_path: Path) -> None:
    assert read_acks(tmp_path / "acks.toml") == ()


GOOD = '[[ack]]\nbenchmark = "a"\ncommit = "5555555"\nreason = "r"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[ack", "correct the file"),
        ("[ack]\nbenchmark = 1", r"begins with \[\[ack\]\]"),
        ("[[ack]]\n[policy]", r"knows only \[\[ack\]\] tables, not 'policy'"),
        (GOOD + GOOD.replace("reason", "why"), r"acks.toml, \[\[ack\]\] number 2 has no key 'why'"),
        (GOOD + GOOD.replace('"r"', '" "'), "number 2: reason must be a text that says something"),
        (GOOD.replace('"a"', "3"), "number 1: benchmark must be a text"),
        (GOOD.replace("5555555", "main"), "commit must be 7 to 64 characters of a hash, not 'main'"),
        (GOOD + 'until = "soon"', "until must be a day like 2026-12-31, not 'soon'"),
        (GOOD + "until = 2026-12-31T10:00:00", "until must be a day like 2026-12-31"),
        ("\udc80", "cannot read"),
    ],
)
def test_what_cannot_be_meant_names_file_and_entry(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "acks.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=words) as raised:
        read_acks(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("benchmark", "commit", "is_found"),
    [
        ("attention.time_x", "5" * 40, True),
        ("attention.time_x", "5555555", True),
        ("attention.*", "5555555", True),
        ("Attention.*", "5555555", False),
        ("attention", "5555555", False),
        ("attention.*", "4444444", False),
    ],
)
def test_a_name_or_a_pattern_and_the_beginning_of_a_hash(benchmark, commit, is_found) -> None:
    own = history(SLOWER)
    assert is_named(own, Ack(benchmark, commit, "r")) is is_found


def test_a_commit_without_a_value_before_it_counts_as_the_same_change() -> None:
    own = history(SLOWER, values=(1.0, 1.0, 1.0, 0.0, 2.0, 2.0))
    assert is_named(own, Ack("attention.time_x", "4444444", "r"))
    assert not is_named(own, Ack("attention.time_x", "3333333", "r"))


def test_what_became_better_needs_no_acknowledgement() -> None:
    own = history(Change(4, 2.0, 1.0, 0.001, True))
    assert not is_named(own, Ack("*", "5555555", "r"))


def test_an_acknowledged_regression_is_none_and_an_expired_one_returns() -> None:
    ack = Ack("attention.*", "5555555", "exact softmax", DAY)
    (shown,) = seen([history(SLOWER)], [ack], DAY)
    assert shown.state is State.ACKNOWLEDGED
    assert shown.standing.change.acknowledged == "exact softmax"
    (shown,) = seen([history(SLOWER)], [ack], DAY + timedelta(days=1))
    assert shown.state is State.REGRESSION
    assert shown.standing.change.acknowledged == ""


def test_an_older_regression_that_nobody_accepted_still_stands() -> None:
    own = history(Change(2, 0.5, 1.0, 0.001, True), SLOWER, values=(0.5,) * 2 + (1.0,) * 2 + (2.0,) * 4)
    (shown,) = seen([own], [Ack("*", "5555555", "r")], DAY)
    assert shown.state is State.REGRESSION
    assert shown.standing.change.index == 2


def test_an_older_regression_that_was_undone_does_not() -> None:
    undone = (Change(2, 0.5, 1.0, 0.001, True), Change(3, 1.0, 0.5, 0.001, True, is_recovery=True), SLOWER)
    (shown,) = seen([history(*undone)], [Ack("*", "5555555", "r")], DAY)
    assert shown.state is State.ACKNOWLEDGED


def test_the_day_is_that_of_the_newest_commit() -> None:
    assert day_of([history(SLOWER)]) == date(2026, 5, 8)


def test_an_entry_that_matches_nothing_is_said() -> None:
    path = Path("reports/acks.toml")
    acks = [Ack("attention.*", "5555555", "r"), Ack("attention.tpyo", "5555555", "r")]
    (said,) = unmatched(seen([history(SLOWER)], acks, DAY), acks, path)
    assert said.startswith("reports/acks.toml: there is no regression of attention.tpyo at 5555555 to acknowledge")


def test_writing_adds_a_table_and_leaves_the_rest_as_it_is(tmp_path: Path) -> None:
    before = '# why we accept things\n\n[[ack]] # the first\nbenchmark = "a"\ncommit = "1234567"\nreason = "x" # !'
    path = written(tmp_path, before)
    write_ack(Ack("b", "89abcdef", "y", date(2026, 1, 2)), path)
    text = path.read_text("utf-8")
    assert text == before + '\n\n[[ack]]\nbenchmark = "b"\ncommit = "89abcdef"\nreason = "y"\nuntil = 2026-01-02\n'
    assert read_acks(path) == (Ack("a", "1234567", "x"), Ack("b", "89abcdef", "y", date(2026, 1, 2)))


def test_a_missing_file_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "acks.toml"
    write_ack(Ack("b", "89abcdef", "y"), path)
    assert path.read_text("utf-8").startswith(HEADER)
    assert read_acks(path) == (Ack("b", "89abcdef", "y"),)


def test_line_ends_of_the_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "acks.toml"
    path.write_bytes(GOOD.replace("\n", "\r\n").encode())
    write_ack(Ack("b", "89abcdef", "y"), path)
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")


HOSTILE = [
    'quote " and \\ back',
    "line\nend\r\t",
    "\x00\x1b[31m\x7f",
    "\u202eturned",
    "lone \udc80",
    "'''",
    "[[ack]]\nreason = 1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_reasons_stay_one_string(tmp_path: Path, text: str) -> None:
    path = tmp_path / "acks.toml"
    write_ack(Ack("b", "89abcdef", text), path)
    (read,) = read_acks(path)
    assert read.reason == visible(text)
    assert not any(ord(character) < 32 and character != "\n" for character in path.read_text("utf-8"))


@pytest.mark.parametrize("commit", ["89abcdef", "89abcdef" + "0" * 32, "89abcde"])
def test_the_same_change_is_acknowledged_once(tmp_path: Path, commit: str) -> None:
    path = tmp_path / "acks.toml"
    write_ack(Ack("b", "89abcdef", "y", date(2026, 1, 2)), path)
    before = path.read_bytes()
    with pytest.raises(
        UsageError, match=r"already until 2026-01-02 \(\[\[ack\]\] number 1\); change that entry with --update"
    ):
        write_ack(Ack("b", commit, "z"), path)
    assert path.read_bytes() == before
    write_ack(Ack("c", commit, "z"), path)


def test_a_file_that_takes_no_table_is_left_as_it_is(tmp_path: Path) -> None:
    text = 'ack = [{ benchmark = "a", commit = "1234567", reason = "x" }]\n'
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match="write them as"):
        write_ack(Ack("b", "89abcdef", "y"), path)
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("commit", "reason", "until", "words"),
    [
        ("main~3", "r", "", "main~3 is no commit that git knows here"),
        ("12345", "r", "", "write 7 or more characters"),
        ("1234567", " ", "", "--reason is empty"),
        ("1234567", "r", "tomorrow", "--until must be a day like 2026-12-31, not 'tomorrow'"),
    ],
)
def test_what_is_asked_for_must_make_sense(commit, reason, until, words) -> None:
    with pytest.raises(UsageError, match=words):
        new_ack(AckRequest(commit, "b", reason, until), None)


def test_only_commits_of_the_branch_are_acknowledged(tmp_path: Path) -> None:
    one = commit(new_repository(tmp_path), "one")
    git(tmp_path, "checkout", "-q", "-b", "1.x")
    two = commit(tmp_path, "two")
    require_on_branch(Ack("x", one, "why"), tmp_path, "main")
    require_on_branch(Ack("x", two, "why"), tmp_path, "1.x")
    require_on_branch(Ack("x", "abcdef12", "why"), tmp_path, "main")  # nobody knows it here
    with pytest.raises(UsageError, match="is not on the first-parent line of main"):
        require_on_branch(Ack("x", two, "why"), tmp_path, "main")


def test_two_at_once_lose_nothing(tmp_path: Path):
    path = tmp_path / "acks.toml"
    code = (
        "import sys; from pathlib import Path; from tbp.project.acknowledgements import Ack\n"
        "from tbp.project.new_acknowledgement import write_ack\n"
        "for n in range(10): write_ack(Ack(f'{sys.argv[2]}{n}', 'a' * 40, 'reason'), Path(sys.argv[1]))"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in "xyz"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert sorted(ack.benchmark for ack in read_acks(path)) == sorted(f"{name}{n}" for name in "xyz" for n in range(10))


@pytest.mark.parametrize("target", ["real.toml", "elsewhere/deeper/real.toml"])
def test_a_link_stays_one_and_its_file_keeps_its_mode(tmp_path: Path, target: str):
    file, link = tmp_path / target, tmp_path / "acks.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("# mine\n")
    file.chmod(0o660)
    link.symlink_to(file)
    write_ack(Ack("x", "a" * 40, "reason"), link)
    assert link.is_symlink()
    assert (file.stat().st_mode & 0o777, file.read_text().startswith("# mine\n")) == (0o660, True)
    assert len(read_acks(link)) == 1


def test_a_link_to_a_file_that_is_not_there_yet_is_followed(tmp_path: Path):
    (tmp_path / "acks.toml").symlink_to("shared/acks.toml")
    write_ack(Ack("x", "a" * 40, "reason"), tmp_path / "acks.toml")
    assert len(read_acks(tmp_path / "shared" / "acks.toml")) == 1


def test_a_link_to_itself_is_an_error_with_a_remedy(tmp_path: Path):
    (tmp_path / "acks.toml").symlink_to("acks.toml")
    with pytest.raises(UsageError, match=r"acks.toml"):
        write_ack(Ack("x", "a" * 40, "reason"), tmp_path / "acks.toml")


def test_an_event_with_its_owner_status_and_link_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """[[ack]]
event = "1111111A..2222222B"
status = "Investigating"
owner = "Ada"
link = "https://example.org/7"
[[ack]]
event = "3333333"
benchmark = "attention.*"
status = "fixed in 4444444C"
[[ack]]
event = "5555555"
reason = "r"
status = "wontfix"
""",
    )
    link = "https://example.org/7"
    assert read_acks(path) == (
        Ack("*", "2222222b", "", None, True, "1111111a", TriageStatus.INVESTIGATING, "", "Ada", link),
        Ack("attention.*", "3333333", "", None, True, "", TriageStatus.FIXED, "4444444c"),
        Ack("*", "5555555", "r", None, True, "", TriageStatus.WONTFIX),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + 'event = "5555555"', "number 1 has commit and event"),
        (GOOD.replace("commit", "event").replace("5555555", "main~3..main"), "event must be a hash, or two like"),
        (GOOD.replace("commit", "event").replace('reason = "r"', ""), "number 1: reason must be a text"),
        (GOOD + 'status = "done"', "status must be investigating, expected, wontfix or fixed in COMMIT, not 'done'"),
        (GOOD + 'status = "fixed"', "fixed in COMMIT with 7 or more characters of its hash, not 'fixed'"),
        (GOOD + 'status = "fixed in main"', "not 'fixed in main'"),
        (GOOD + 'link = "javascript:alert(1)"', "link must be an address that begins with https:// or http://"),
        (GOOD + 'link = "https://e.org/\\u202e"', "link must be an address"),
        (GOOD + 'link = "//e.org"', "link must be an address"),
        (GOOD + "owner = 1", "owner must be a text"),
        (GOOD + f'owner = "{"x" * 201}"', "owner must be a name of at most 200 characters"),
    ],
)
def test_a_state_that_cannot_be_meant_names_its_entry(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_acks(written(tmp_path, text))


def request(commit: str = "89abcdef", benchmark: str = "", **fields: str) -> AckRequest:
    return AckRequest(commit, benchmark, **fields)


def test_an_event_is_written_with_what_is_said_of_it(tmp_path: Path) -> None:
    path = tmp_path / "acks.toml"
    status = {"status": " Fixed in  4D7B91C0", "owner": " Ada ", "link": "https://e.org/7"}
    write_ack(new_ack(request("1111111a..89abcdef", until="2026-12-31", **status), None), path)
    write_ack(new_ack(request("89abcdef", "b.*", reason="r"), None), path)
    assert path.read_text("utf-8") == HEADER + (
        '\n[[ack]]\nevent = "1111111a..89abcdef"\nuntil = 2026-12-31\nstatus = "fixed in 4d7b91c0"\nowner = "Ada"\n'
        'link = "https://e.org/7"\n\n[[ack]]\nbenchmark = "b.*"\ncommit = "89abcdef"\nreason = "r"\n'
    )
    assert [ack.is_event for ack in read_acks(path)] == [True, False]


def test_an_entry_is_changed_and_the_rest_stays_as_it_is(tmp_path: Path) -> None:
    text = (
        '# why\n[[ack]]  # first\nevent = "1111111a..89abcdef" # of May\nreason = "r"\nstatus = "investigating" # now\n'
        '\n[[ack]]\nbenchmark = "b"\ncommit = "89abcdef"\nreason = "x"\n'
    )
    path = written(tmp_path, text)
    changed = new_ack(request("1111111a..89abcdef", reason="r", status="expected", owner="Ada"), None)
    with pytest.raises(UsageError, match=r"has the event 1111111a..89abcdef as investigating already .*--update"):
        write_ack(changed, path)
    write_ack(changed, path, is_update=True)
    assert path.read_text("utf-8") == text.replace(
        'status = "investigating" # now\n', 'status = "expected" # now\nowner = "Ada"\n'
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_owners_and_patterns_stay_one_string(tmp_path: Path, text: str) -> None:
    path = tmp_path / "acks.toml"
    write_ack(new_ack(request("89abcdef..1234567", text, owner=text, reason=text), None), path)
    (ack,) = read_acks(path)
    assert (ack.benchmark, ack.owner, ack.reason) == (visible(text), visible(text.strip()), visible(text))
