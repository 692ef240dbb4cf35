"""GitHub's interface, spoken to a server on this machine that behaves as it does."""

from collections.abc import Iterator

import pytest

from tbp.errors import NotDelivered, UsageError
from tbp.web.github import GitHub
from tbp.web.http import WebClock
from tbp.web.secret import Secret
from tbp.web.sticky import upsert_comment

from ..web_servers import TOKEN, FakeGitHub, github_at_home, receiving

MARKER = "<!-- tbp-gate -->"


@pytest.fixture
def server() -> Iterator[FakeGitHub]:
    with github_at_home() as fake:
        yield fake


@pytest.fixture
def github(server: FakeGitHub) -> GitHub:
    return GitHub(server.repository, Secret(TOKEN), server.url, WebClock(lambda seconds: None))


def test_every_page_of_a_list_is_read(server: FakeGitHub, github: GitHub):
    server.per_page = 2
    for number in range(5):
        github.post("/issues", {"title": f"number {number}"})
    assert [issue["number"] for issue in github.pages("/issues", state="all")] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("status", "headers", "step"),
    [
        (401, {}, "make a new one"),
        (403, {}, "issues: write"),
        (403, {"Retry-After": "3600"}, "run it again later"),
        (404, {}, "GITHUB_REPOSITORY"),
        (410, {}, "issues are switched off"),
        (422, {}, "title missing_field"),
        (500, {}, "try again later|run it again later"),
    ],
)
def test_a_refusal_says_what_to_do_and_shows_no_token(
    server: FakeGitHub, github: GitHub, status: int, headers: dict[str, str], step: str
):
    words = b'{"message": "no: %s", "errors": [{"field": "title", "code": "missing_field"}]}' % TOKEN.encode()
    server.replies = [(status, headers, words)] * 4
    with pytest.raises(NotDelivered, match=step) as caught:
        github.post("/issues", {"title": "x"})
    assert caught.value.status == status
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(("missing", "step"), [("GITHUB_REPOSITORY", "OWNER/NAME"), ("GITHUB_TOKEN", "github.token")])
def test_a_missing_variable_is_named(missing: str, step: str):
    environment = {"GITHUB_REPOSITORY": "ann/project", "GITHUB_TOKEN": TOKEN, missing: ""}
    with pytest.raises(UsageError, match=f"{missing}.*{step}"):
        GitHub.from_environment(environment)


def test_a_download_from_another_server_gets_no_token(server: FakeGitHub, github: GitHub):
    with receiving() as storage:
        storage.usual = (200, {}, b"zip")
        server.replies = [(302, {"Location": f"{storage.url}/blob?sig=1"}, b"")] * 2
        assert github.download("/actions/artifacts/1/zip", 10) == b"zip"
        assert "authorization" not in storage.requests[0].headers
        with pytest.raises(NotDelivered, match="without an end"):
            github.download("/actions/artifacts/1/zip", 2)


def test_a_comment_is_written_once_and_then_kept_up_to_date(server: FakeGitHub, github: GitHub):
    github.post("/issues", {"title": "a pull request"})
    addresses = {upsert_comment(github, "/issues/1/comments", MARKER, body) for body in ("first", "second", "second")}
    assert (len(addresses), [each["body"] for each in server.comments]) == (1, [f"{MARKER}\nsecond"])
    assert [got.method for got in server.written] == ["POST", "POST", "PATCH"]


EVE = {"login": "eve", "type": "User"}
ECHO = {"login": "translations[bot]", "type": "Bot"}  # a bot that repeats what people write


@pytest.mark.parametrize("stranger", [EVE, ECHO])
def test_a_comment_of_somebody_else_with_the_marker_is_left_alone(
    server: FakeGitHub, github: GitHub, stranger: dict[str, str]
):
    github.post("/issues", {"title": "a pull request"})
    server.comments.append({"id": 1, "of": "/issues/1", "body": f"{MARKER}\nall clear", "user": stranger})
    upsert_comment(github, "/issues/1/comments", MARKER, "3 regressions")
    assert [each["body"] for each in server.comments] == [f"{MARKER}\nall clear", f"{MARKER}\n3 regressions"]


@pytest.mark.parametrize(
    ("login", "has_graphql"), [("tbp-of-ann[bot]", True), ("github-actions[bot]", True), ("github-actions[bot]", False)]
)
def test_a_token_that_may_not_ask_for_its_user_knows_its_comments(
    server: FakeGitHub, github: GitHub, login: str, has_graphql: bool
):
    """That of a job, and that of another app, which only GraphQL names."""
    server.user, server.has_graphql = {"login": login, "type": "Bot"}, has_graphql
    github.post("/issues", {"title": "a pull request"})
    for body in ("first", "second"):
        upsert_comment(github, "/issues/1/comments", MARKER, body)
    assert [each["body"] for each in server.comments] == [f"{MARKER}\nsecond"]


def test_a_token_of_a_person_knows_its_comments_by_name(server: FakeGitHub, github: GitHub):
    server.may_ask_user, server.user = True, {"login": "ann", "type": "User"}
    upsert_comment(github, f"/commits/{'a' * 40}/comments", MARKER, "first")
    upsert_comment(github, f"/commits/{'a' * 40}/comments", MARKER, "second")
    assert [each["body"] for each in server.comments] == [f"{MARKER}\nsecond"]


def test_a_comment_that_is_too_long_is_not_sent(server: FakeGitHub, github: GitHub):
    with pytest.raises(NotDelivered, match="shorten"):
        upsert_comment(github, "/issues/1/comments", MARKER, "x" * 65_530)
    assert server.written == []
