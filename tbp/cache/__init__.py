"""What earlier builds found out, kept so that the next one pays for what is new only.

Everything is under ``$XDG_CACHE_HOME/tbp`` (``~/.cache/tbp``): a results folder is committed, pushed to a branch or
copied between machines, and may be read-only, so nothing is left in it. ``TBP_NO_CACHE=1`` switches all of it off.

A cache is never needed and never trusted: an entry that is damaged, of another version of tbp or of something else
counts as absent, and one that cannot be written is not written. Writers replace whole files, so of two the last wins.
"""
