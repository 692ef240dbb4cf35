"""Texts of strangers inside chats and trackers: nobody is called, nothing is drawn, no marker is imitated.

Slack calls people by ``<!channel>`` and ``<@U1>``, Mattermost and Discord by a bare ``@channel`` and ``@everyone``,
GitHub and GitLab by ``@name``. An at sign of full width looks the same and calls nobody. Bodies in Markdown are
``comparison.markdown``'s.
"""

from __future__ import annotations

import re

from tbp.wording import words

_QUIET = str.maketrans({"@": "＠"})
_CALL = re.compile(r"<(?=\S)")  # not that of "p < 0.001"
# What begins a link, a code, a reference or a comment somewhere.
_TITLE = str.maketrans({"@": "＠", "#": "＃", "`": "ˋ", "<": "‹", ">": "›", "[": "［", "]": "］", "!": "！"})
_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "＠", "`": "ˋ"})


def quiet(text: str) -> str:
    """``text`` in one line that calls nobody."""
    return _CALL.sub("‹", words.one_line(text).translate(_QUIET))


def for_title(text: str) -> str:
    """``text`` for a title, where no code can be."""
    return words.one_line(text).translate(_TITLE)


def slack_code(text: str) -> str:
    """``text`` as code of Slack's mrkdwn, where nothing but its end has a meaning; empty for an empty one."""
    line = slack_text(text)
    return f"`{line}`" if line else ""


def slack_text(text: str) -> str:
    """tbp's words for mrkdwn."""
    return words.one_line(text).translate(_SLACK)
