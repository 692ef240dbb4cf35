"""Commits as pages show them: short hash, date, subject and a link."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.model.series import Commit
from tbp.report.parts import addresses
from tbp.wording import words


class CommitLink(Struct, frozen=True):
    """A commit as it is shown; ``href`` is empty where there is nowhere to link to."""

    short: str
    hash: str
    subject: str
    date: str
    href: str
    author: str = ""

    @property
    def anchor(self) -> str:
        """Its id on the page of changes."""
        return addresses.commit_anchor(self.hash)


def commit_link(commit: Commit, commit_url: str) -> CommitLink:
    """The commit with its date and, where ``commit_url`` is a web address, a link."""
    href = addresses.commit_href(commit_url, commit)
    return CommitLink(commit.short, commit.hash, commit.subject, words.moment(commit.date), href, commit.author)


def span(commits: Sequence[Commit]) -> str:
    """``04342f08 (2026-05-01 13:37 UTC) to …``: the first and the last; empty without any."""
    ends = dict.fromkeys([*commits[:1], *commits[-1:]])
    return " to ".join(f"{commit.short} ({words.moment(commit.date)})" for commit in ends)
