"""The data branch of a project: which one is meant, and the results folder's part in it."""

from __future__ import annotations

from tbp.model.series import short_hash
from tbp.nightly.exchange import Exchange
from tbp.nightly.leases import runner_name
from tbp.nightly.remote_branch import remote_branch
from tbp.nightly.sharing import Exchanged
from tbp.project.asv_config import AsvConfig
from tbp.system.strict_json import strict_json
from tbp.wording import words

# Of the account as JSON, which tbp/schemas/data.json describes; to rename or remove a field is another format.
# 1: the first.
FORMAT = 1


def shared_with(config: AsvConfig, text: str) -> Exchange:
    """The exchange of the project's results with the branch that ``text``, ``[REMOTE/]BRANCH``, names.

    Raises:
        UsageError: the configuration names no local repository, or that has no such remote.
    """
    branch = remote_branch(config.local_repository, text, runner_name(config.results_dir))
    return Exchange(branch, config.results_dir)


def account(exchange: Exchange, exchanged: Exchanged) -> str:
    """A sentence on what was exchanged."""
    if not exchanged.commit:
        return f"there is no branch {exchange.branch} yet: nothing was received"
    received, sent = (words.count(len(files), "file") for files in (exchanged.received, exchanged.sent))
    return f"{exchange.branch} is at {short_hash(exchanged.commit)}: {received} received, {sent} sent"


def account_as_json(exchange: Exchange, exchanged: Exchanged) -> str:
    """An object for programs: the branch, its commit, the paths of files, and notes."""
    content = {
        "format": FORMAT,
        "remote": exchange.branch.remote,
        "branch": exchange.branch.name,
        "commit": exchanged.commit,
        "received": exchanged.received,
        "sent": exchanged.sent,
        "notes": exchanged.notes,
    }
    return strict_json(content, indent=1) + "\n"
