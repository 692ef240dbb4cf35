import re
import shlex
from datetime import UTC, datetime

import pytest

from tbp.model.series import Commit, SeriesKey
from tbp.report.parts import addresses

WHEN = datetime(2026, 5, 1, tzinfo=UTC)
KEY = SeriesKey("attention.Quick.torchtime_step", (("variant", "sdpa"), ("length", "256")), "m", "e")


def test_slugs_are_safe_and_differ_where_names_do() -> None:
    assert addresses.slug("attention.Quick").startswith("attention-Quick-")
    assert addresses.slug("../../etc/passwd").startswith("etc-passwd-")
    assert addresses.slug("a.b") != addresses.slug("a-b")
    assert addresses.slug("ä" * 300).isascii()
    assert len(addresses.slug("x" * 300)) < 90
    assert addresses.slug("\udc80") == addresses.digest("\udc80")


# Pairs whose SHA-256 begins with the same 32 bits, and whose slugs have the same readable part.
LONG = "package.module_with_a_long_name.ClassWithALongName.time_something_very_long_"
PAIRS = [
    (f"{LONG}85374", f"{LONG}134808"),
    ("s.time_723", "s.time_29869"),
    ("é.time_51117", "é.time_85008"),
    ("a.b.Quick.torchtime_931", "a.b.Quick.torchtime_141143"),
]


@pytest.mark.parametrize("pair", PAIRS)
def test_no_two_names_that_somebody_could_find_share_a_page(pair: tuple[str, str]) -> None:
    files = {name: {addresses.page_file(name), addresses.data_file(name), addresses.more_file(name)} for name in pair}
    assert not set.intersection(*files.values())
    assert all(re.fullmatch("benchmarks/[A-Za-z0-9-]+-[a-z2-7]{24}.html", addresses.page_file(name)) for name in pair)
    (first, second) = (SeriesKey("a", (("b", name),), "m", "e") for name in pair)
    assert addresses.anchor(first) != addresses.anchor(second)


def test_anchors_differ_where_any_part_of_the_key_does() -> None:
    keys = [
        SeriesKey("a", (("b", "c"),), "m", "e"),
        SeriesKey("a", (("b", "d"),), "m", "e"),
        SeriesKey("a", (), "m", "e"),
        SeriesKey("a", (), "m", "f"),
    ]
    assert len({addresses.anchor(key) for key in keys}) == 4


@pytest.mark.parametrize(
    ("commit_url", "expected"),
    [
        ("https://example.org/c/", "https://example.org/c/0a1b"),
        ("http://example.org/?id=", "http://example.org/?id=0a1b"),
        ("javascript:alert(1)//", ""),
        ("java\nscript:alert(1)//", ""),
        (" https://example.org/", ""),
        ("https:", ""),
        ("//example.org/", ""),
        ("http://[broken/", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_become_links(commit_url: str, expected: str) -> None:
    assert addresses.commit_href(commit_url, Commit("0a1b", WHEN)) == expected


def test_a_hash_cannot_leave_its_place_in_a_link() -> None:
    href = addresses.commit_href("https://example.org/c/", Commit('"/../?<', WHEN))
    assert href == "https://example.org/c/%22%2F..%2F%3F%3C"


def test_the_command_picks_the_series_as_asv_names_it() -> None:
    command = addresses.reproduction(KEY, Commit("0a1b2c3d", WHEN))
    asv, run, flag, regex, commits = shlex.split(command)
    assert [asv, run, flag, commits] == ["asv", "run", "--bench", "0a1b2c3d^!"]
    assert re.search(regex, "attention.Quick.torchtime_step('sdpa', 256)")
    assert not re.search(regex, "attention.Quick.torchtime_step('sdpa', 2560)")
    assert not re.search(regex, "attention.Quick.torchtime_step('sdpa', -256)")
    assert not re.search(regex, "attentionXQuick.torchtime_step('sdpa', 256)")


def test_nothing_copied_into_a_shell_ends_its_line_or_its_quotes() -> None:
    hostile = SeriesKey("a';rm -rf ~\n\x1b\u2028", (("p", "'$(x)`"),), "m", "e")
    command = addresses.reproduction(hostile, Commit("0a1b2c3d", WHEN))
    assert command.isprintable()
    assert len(shlex.split(command)) == 5
    assert addresses.reproduction(hostile, Commit("0a1b; rm", WHEN)) == ""
