"""The verdict of a gate on its merge request, in a job of GitLab that has the gate's files and runs nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tbp.ci.artifact import FILE, MOST_JSON_BYTES
from tbp.ci.comment import MARKER, GateRun, is_news, no_verdict, verdict
from tbp.comparison.json_form import from_json
from tbp.errors import UnreadableInput, UsageError
from tbp.model.comparison import Comparison
from tbp.system.bounded import read_plain
from tbp.web.gitlab import GitLab
from tbp.web.sticky import own_comment, upsert_comment


def noted(gitlab: GitLab, variables: Mapping[str, str], folder: Path, only_changes: bool) -> str:
    """Writes the note on the gate whose files lie in ``folder``, and returns a sentence on it.

    Raises:
        UsageError: the job is none of a merge request.
        NotDelivered: GitLab refuses.
    """
    number, commit = variables.get("CI_MERGE_REQUEST_IID", ""), variables.get("CI_COMMIT_SHA", "")
    if not (number.isascii() and number.isdecimal() and commit.isalnum()):
        raise UsageError("this is no job of a merge request: run it on merge_request_event")
    gate = GateRun(commit, variables.get("CI_PIPELINE_URL", ""))
    path = f"/merge_requests/{number}/notes"
    try:
        comparison = _comparison(folder / FILE)
        body, is_calm = verdict(comparison, gate), not is_news(comparison)
    except UnreadableInput as error:
        body, is_calm = no_verdict(str(error), gate), False
    if only_changes and is_calm and own_comment(gitlab, path, MARKER) is None:
        return f"!{number}: nothing changed: no note"
    upsert_comment(gitlab, path, MARKER, body)
    return f"!{number}: noted"


def _comparison(path: Path) -> Comparison:
    try:
        return from_json(read_plain(path, MOST_JSON_BYTES))
    except OSError as error:
        raise UnreadableInput(f"the gate left no {FILE}: {error.strerror}") from None
