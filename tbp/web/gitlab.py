"""GitLab's REST interface, as far as tbp needs it: a ``CodeHost``. https://docs.gitlab.com/api/rest/"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

from tbp.errors import UsageError
from tbp.web.code_host import CodeHost
from tbp.web.http import WebClock
from tbp.web.secret import require_safe, secret_of


class GitLab(CodeHost, frozen=True, dict=True):
    """A project on a server."""

    projects: ClassVar[str] = "/projects"
    headers: ClassVar[Mapping[str, str]] = {"PRIVATE-TOKEN": "{}"}
    changing: ClassVar[str] = "PUT"
    oldest_first: ClassVar[Mapping[str, str]] = {"sort": "asc"}
    next_page: ClassVar[tuple[str, str]] = "x-next-page", "."
    author: ClassVar[str] = "author"
    user_name: ClassVar[str] = "username"
    rights: ClassVar[Mapping[int, str]] = {
        401: "does not accept GITLAB_TOKEN: it has expired or is of another server; make a new one",
        403: "refuses: the token needs the scope api, and a role that may write here (Reporter or more)",
        404: "has no such project or merge request for this token: check CI_PROJECT_ID and the token's project",
    }
    variable: ClassVar[str] = "CI_API_V4_URL"  # with the version: https://gitlab.com/api/v4

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, clock: WebClock | None = None) -> GitLab:
        """The project of a job. Raises UsageError that names a variable that is missing."""
        project, api = environment.get("CI_PROJECT_ID", ""), environment.get(cls.variable, "").rstrip("/")
        if not (project.isascii() and project.isdecimal()):
            raise UsageError("CI_PROJECT_ID must be a number; a job of GitLab has it")
        token = secret_of(environment, "GITLAB_TOKEN")
        if token is None:
            raise UsageError("GITLAB_TOKEN is empty: make a project access token with the scope api, a masked variable")
        require_safe(api, cls.variable)
        return cls(project, token, api, clock or WebClock())
