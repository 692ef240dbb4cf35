"""The state of a regression in words, and its link."""

from datetime import date

import pytest
from msgspec.structs import replace

from tbp.model.triage import Triage, TriageStatus
from tbp.report.parts.triage_words import event_notes, in_words, sentence, triage_note
from tbp.wording.words import visible

from ...histories import HOSTILE

DAY = date(2026, 12, 31)
FIXED = Triage(TriageStatus.FIXED, fixed_in="4d7b91c0" * 5)


@pytest.mark.parametrize(
    ("triage", "words"),
    [
        (Triage(reason="worth it"), "acknowledged: worth it"),
        (Triage(reason="worth it", until=DAY), "acknowledged until 2026-12-31: worth it"),
        (Triage(reason="r", until=DAY, is_expired=True), "acknowledgement expired on 2026-12-31: r"),
        (Triage(TriageStatus.INVESTIGATING, owner="Ada"), "investigating, Ada"),
        (Triage(TriageStatus.EXPECTED, "r", "Ada", until=DAY), "expected until 2026-12-31, Ada: r"),
        (Triage(TriageStatus.WONTFIX, "r", until=DAY, is_expired=True), "will not be fixed expired on 2026-12-31: r"),
        (FIXED, "fixed in 4d7b91c0, not measured since"),
        (replace(FIXED, until=DAY), "fixed in 4d7b91c0 until 2026-12-31, not measured since"),
        (replace(FIXED, seen_by="0a" * 20, owner="Ada"), "not fixed by 4d7b91c0: 0a0a0a0a still shows it, Ada"),
    ],
)
def test_a_state_in_words(triage: Triage, words: str) -> None:
    assert in_words(triage) == words


def test_hostile_texts_stay_one_line() -> None:
    for text in HOSTILE:
        words = in_words(Triage(TriageStatus.EXPECTED, text, text))
        assert (visible(words), len(words.splitlines())) == (words, 1)
        assert len(in_words(Triage(reason=text * 1000, owner=text * 1000))) < 300


@pytest.mark.parametrize(
    ("link", "href", "host"),
    [
        ("https://example.org/issues/7", "https://example.org/issues/7", "example.org"),
        ("https://example.org@evil.test/", "https://example.org@evil.test/", "evil.test"),
        ("javascript:alert(1)", "", ""),
        ("https://e.org/\u202e", "", ""),
        ("data:text/html,x", "", ""),
        ("", "", ""),
    ],
)
def test_only_addresses_of_the_web_are_links(link: str, href: str, host: str) -> None:
    note = triage_note(Triage(link=link))
    assert (note.href, note.host) == (href, host)


def test_an_event_has_each_state_once_and_what_counts_first(make_history, make_report) -> None:
    expected, looked_into = (
        Triage(TriageStatus.EXPECTED, "r"),
        Triage(TriageStatus.INVESTIGATING, link="https://e.org/7"),
    )
    triages = [expected, replace(expected, entries=(2,)), looked_into]
    histories = []
    for number, triage in enumerate(triages):
        plain = make_history(machine=f"m{number}")
        histories.append(replace(plain, changes=tuple(replace(each, triage=triage) for each in plain.changes)))
    (event,) = make_report(*histories).events
    assert sentence(event_notes(event)) == "investigating (https://e.org/7); expected: r"
