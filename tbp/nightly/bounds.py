"""The bounds of a data branch, which whoever may push to it could fill: what lies beyond one is refused by name.

What tbp pushes keeps within them too, so that no branch grows until nobody takes it any more.
"""

from __future__ import annotations

from collections.abc import Collection

from tbp.errors import RunFailed

# GitHub refuses files of more than 100 MB.
MOST_FILE_BYTES = 100_000_000
# Of all files together. GitHub advises against repositories of more than 5 GB, GitLab takes none of more than 10 GB.
MOST_BYTES = 10_000_000_000
# Five hundred cells of a session and a table each, every night for three years.
MOST_FILES = 1_000_000
# A runner has one for each setup.
MOST_LEASES = 1_000
MOST_LEASE_BYTES = 10_000
MOST_MARKER_BYTES = 10_000


def require_bounded(subject: str, sizes: Collection[int], leases: int) -> None:
    """Raises RunFailed where files of ``sizes``, and so many leases, are more than a branch may have.

    ``subject`` begins its message: ``origin/tbp-data has``.
    """
    if len(sizes) > MOST_FILES:
        raise too_much(f"{subject} {len(sizes):,} files, and a data branch has at most {MOST_FILES:,}")
    if (total := sum(sizes)) > MOST_BYTES:
        raise too_much(f"{subject} {total / 1e9:,.1f} GB, and a data branch has at most {MOST_BYTES / 1e9:g} GB")
    if leases > MOST_LEASES:
        raise too_much(f"{subject} {leases:,} files in leases/, and a data branch has at most {MOST_LEASES:,}")


def too_much(fault: str) -> RunFailed:
    """The error of a branch that is too large."""
    return RunFailed(
        f"{fault}: take out what does not belong there, or prune traces (`tbp trace prune --apply`) and name a new "
        "branch with --data"
    )
