"""``feed.xml``: an Atom feed (RFC 4287) with one entry for each event that has confirmed changes, the newest first.

Takes ``ReportData``, gives bytes. The same results give the same feed: ids come from project and commit, dates from
commits, and nothing from the clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as Xml

from tbp.history.events import Event, SeriesChange
from tbp.report.base.report_data import ReportData
from tbp.report.parts import addresses, event_words, triage_words
from tbp.report.parts.change_sorts import counted
from tbp.wording import verdicts, words

ATOM = "http://www.w3.org/2005/Atom"
MOST_ENTRIES = 100
"""The newest ones: a feed is asked for again and again, and what is older is on the site."""

MOST_NAMED = 20
"""Changes told of one event."""


def feed_xml(data: ReportData) -> bytes:
    """The feed; without any change it has no entries."""
    newest_first = [event for event in data.events if event.is_verdict]
    latest = data.newest.date if data.newest else datetime.fromtimestamp(0, UTC)
    feed = Xml.Element("feed", {"xmlns": ATOM})
    _add(feed, "title", words.one_line(f"{data.project}: performance"))
    _add(feed, "id", _id(data.project))
    _add(feed, "updated", _moment(latest))
    Xml.SubElement(_add(feed, "author"), "name").text = words.xml_text(words.one_line(data.project)) or "tbp"
    _add(feed, "link", rel="alternate", href="index.html", type="text/html")
    _add(feed, "generator", "tbp")
    for event in newest_first[:MOST_ENTRIES]:
        _entry(feed, event, data)
    Xml.indent(feed, space=" ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Xml.tostring(feed, "unicode")}\n'.encode()


def _entry(feed: Xml.Element, event: Event, data: ReportData) -> None:
    commit, changes = event.range.first, event.changes
    entry = _add(feed, "entry")
    of_several = event_words.of_several(event.range)
    at = f"by {of_several} up to {commit.short}" if of_several else f"at {commit.short}"
    subject = f": {words.one_line(commit.subject)}" if commit.subject else ""
    _add(entry, "title", f"{counted(changes)} {at}{subject}")
    _add(entry, "id", _id(data.project, commit.hash))
    _add(entry, "updated", _moment(commit.date))
    href = addresses.commit_href(data.commit_url, commit) or addresses.page_file(changes[0].history.key.benchmark)
    _add(entry, "link", rel="alternate", href=href)
    lines = [_sentence(change) for change in changes[:MOST_NAMED]]
    if len(changes) > MOST_NAMED:
        lines.append(f"and {len(changes) - MOST_NAMED:,} more")
    if event.suspects:
        lines.append(f"and {event_words.extent(event.suspects)} suspect")
    if of_several and event.range.last_before is not None:
        lines.append(f"the cause is {of_several} since {event.range.last_before.short}")
    clauses = event_words.unsure(event), event_words.seen_by(event.sightings, data.faces), event_words.touching(event)
    lines += filter(None, clauses)
    _add(entry, "content", "\n".join(map(words.one_line, lines)), type="text")


def _sentence(member: SeriesChange) -> str:
    history, change = member.history, member.evidence.change
    effect = verdicts.effect(change, history.unit, history.better)
    sure = filter(
        None, [verdicts.before_after(change, history.unit), verdicts.interval_of_change(change, history.unit)]
    )
    sentence = f"{history.key.name} on {history.key.setup.called({})}: {effect}, {', '.join(sure)}"
    if undone := verdicts.undone(member.history, member.evidence):
        return f"{sentence}; {undone}"
    triage = member.evidence.triage
    return (
        f"{sentence}; {triage_words.sentence([triage_words.triage_note(triage)])}" if triage is not None else sentence
    )


def _id(project: str, commit: str = "") -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, words.xml_text(f'tbp:{project}:{commit}'))}"


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: Xml.Element, tag: str, text: str = "", **attributes: str) -> Xml.Element:
    element = Xml.SubElement(parent, tag, {name: words.xml_text(value) for name, value in attributes.items()})
    if text:
        element.text = words.xml_text(text)
    return element
