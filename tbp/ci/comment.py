"""The words of the one comment on a pull request: the verdict, that there is none, or that it is outdated.

Takes a comparison and what the CI system itself says of its run, gives Markdown. Links and hashes come from the CI
system only; all else is escaped by ``tbp.comparison.markdown``.
"""

from __future__ import annotations

import re

from msgspec import Struct

from tbp.comparison.markdown import LIMIT, code, markdown
from tbp.model.changes import State
from tbp.model.comparison import Comparison
from tbp.model.series import short_hash

MARKER = "<!-- tbp gate -->"
"""The first line of the comment; GitHub and GitLab do not show it."""

_OF_COMMIT = re.compile(r"<!-- commit ([0-9a-f]{40,64}) -->")
_ADDRESS = re.compile(r"https?://[\w.:/~-]+", re.ASCII)  # nothing that ends a link
_NEWS = (State.REGRESSION, State.CHANGED, State.IMPROVEMENT, State.FAILED)


class GateRun(Struct, frozen=True):
    """The run of a gate, as the CI system tells of it."""

    commit: str  # of the pull request's branch: a hash
    address: str = ""  # of its page

    @property
    def line(self) -> str:
        """The foot of the comment, which does not change the verdict: where it comes from."""
        run = f" in [this run]({self.address})" if _ADDRESS.fullmatch(self.address) else ""
        commit = short_hash(self.commit)
        return f"<sub>Commit {commit}, measured{run}. The next gate of this pull request replaces it.</sub>"


def verdict(comparison: Comparison, run: GateRun) -> str:
    """The comment on a comparison, without its first line."""
    return f"{_commit(run.commit)}\n\n{markdown(comparison)}\n{run.line}\n"


def no_verdict(reason: str, run: GateRun) -> str:
    """The comment on a gate without a comparison; ``reason`` is a sentence, and may be foreign."""
    return f"{_commit(run.commit)}\n\n### The gate has no verdict\n\n{code(reason, 400)}\n\n{run.line}\n"


def outdated(body: str, newest: str) -> str:
    """``body``, a comment without its first line, under a line that names the newest commit, which was not measured."""
    first, _, rest = body.partition("\n")
    rest = re.sub(r"^\n?> \*\*Outdated\.\*\*[^\n]*\n", "", rest)
    line = f"> **Outdated.** This is of an earlier commit; {short_hash(newest)} has not been measured."
    whole = f"{first}\n\n{line}\n{rest}"
    return whole if len(whole) <= LIMIT else f"{first}\n\n{line}\n"


def commit_of(body: str) -> str:
    """The commit that a comment is of; empty where it names none."""
    matched = _OF_COMMIT.search(body)
    return matched[1] if matched else ""


def is_news(comparison: Comparison) -> bool:
    """Returns whether anything changed or failed."""
    return any(comparison.of(state) for state in _NEWS)


def _commit(commit: str) -> str:
    return f"<!-- commit {commit} -->"
