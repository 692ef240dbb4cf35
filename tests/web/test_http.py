"""Requests to real servers on this machine: retries, redirects, bounds, and secrets that no message shows."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Thread

import pytest

from tbp.errors import NotDelivered, UsageError
from tbp.web import http
from tbp.web.http import Request, WebClock, send
from tbp.web.secret import Secret, address_of, masked, secret_of, shown_address

from ..web_servers import Receiver, receiving, serving

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def clock(waits: list[float]) -> WebClock:
    return WebClock(waits.append, lambda: NOW)


def post(receiver: Receiver) -> Request:
    return Request("POST", f"{receiver.url}/services/T0/secret-of-the-hook", b"{}", {}, (Secret(f"{receiver.url}/x"),))


@pytest.mark.parametrize(
    ("headers", "waited_s"),
    [
        ({}, [1.0, 2.0]),
        ({"Retry-After": "7"}, [7.0, 7.0]),
        ({"Retry-After": "Fri, 01 May 2026 12:00:30 GMT"}, [30.0, 30.0]),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 9)}, [9.0, 9.0]),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_after_the_time_it_wants(
    receiver: Receiver, clock: WebClock, waits: list[float], status: int, headers: dict[str, str], waited_s: list[float]
):
    receiver.replies = [(status, headers, b"")] * 2
    assert send(post(receiver), clock).status == 200
    assert waits == waited_s


def test_a_server_that_stays_busy_is_left_after_four_tries(receiver: Receiver, clock: WebClock, waits: list[float]):
    receiver.usual = (503, {}, b"")
    assert send(post(receiver), clock).status == 503
    assert (len(receiver.requests), waits) == (4, [1.0, 2.0, 4.0])


def test_nobody_waits_an_hour(receiver: Receiver, clock: WebClock, waits: list[float]):
    receiver.usual = (429, {"Retry-After": "3600"}, b"")
    assert send(post(receiver), clock).status == 429
    assert (len(receiver.requests), waits) == (1, [])


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_what_is_refused_is_not_sent_again(receiver: Receiver, clock: WebClock, status: int):
    receiver.usual = (status, {}, b"no_service")
    assert send(post(receiver), clock).text == "no_service"
    assert len(receiver.requests) == 1


def test_a_message_of_which_nobody_knows_whether_it_was_taken_is_not_sent_twice(receiver: Receiver, clock: WebClock):
    receiver.replies = [(0, {}, b"")]
    with pytest.raises(NotDelivered, match="gives no whole answer"):
        send(post(receiver), clock)
    assert len(receiver.requests) == 1
    receiver.replies = [(0, {}, b"")]
    assert send(Request("GET", receiver.url), clock).status == 200, "to ask twice does no harm"


def test_a_server_that_is_not_there_is_tried_again(clock: WebClock, waits: list[float]):
    with serving(lambda got: (200, {}, b"")) as url:
        pass
    with pytest.raises(NotDelivered, match="cannot be reached"):
        send(Request("POST", f"{url}/hook", b""), clock)
    assert len(waits) == 3


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_server_gets_nothing(receiver: Receiver, clock: WebClock, status: int):
    with receiving() as other:
        receiver.usual = (status, {"Location": f"{other.url}/taken"}, b"")
        with pytest.raises(NotDelivered, match="leads to another server"):
            send(post(receiver), clock)
        assert other.requests == []


@pytest.mark.parametrize("location", ["http://[", "//[::1"])
def test_a_redirect_to_no_address_is_not_delivered(receiver: Receiver, clock: WebClock, location: str):
    receiver.usual = (302, {"Location": location}, b"")
    with pytest.raises(NotDelivered, match="leads to"):
        send(post(receiver), clock)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_within_a_server_repeats_the_request(receiver: Receiver, clock: WebClock, status: int):
    receiver.replies = [(status, {"Location": "/moved"}, b"")]
    assert send(post(receiver), clock).is_ok
    assert [(got.method, got.path, got.body) for got in receiver.requests[1:]] == [("POST", "/moved", b"{}")]


def test_redirects_come_to_an_end(receiver: Receiver, clock: WebClock):
    receiver.usual = (302, {"Location": "/again"}, b"")
    with pytest.raises(NotDelivered, match="without an end"):
        send(post(receiver), clock)


def test_an_answer_without_an_end_is_not_read(receiver: Receiver, clock: WebClock):
    receiver.usual = (200, {}, b"x" * 2_000)
    with pytest.raises(NotDelivered, match="without an end"):
        send(Request("POST", receiver.url, b""), clock, most_bytes=1_000)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"], ids=["headers", "body"])
def test_an_answer_that_comes_byte_by_byte_holds_nobody_up(monkeypatch: pytest.MonkeyPatch, head: bytes):
    """A hundred bytes, each well within the timeout of a socket; the answer is whole with the last of them."""
    monkeypatch.setattr(http, "WHOLE_S", 0.2)
    answer = head + b"x" * 99 if head else b"HTTP/1.1 200 OK\r\nX: " + b"x" * 74 + b"\r\n\r\n"
    released = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                for byte in answer:
                    connection.sendall(bytes([byte]))
                    released.wait(0.05)

        sender = Thread(target=drip)
        sender.start()
        request = Request("POST", f"http://127.0.0.1:{server.getsockname()[1]}", b"")
        with pytest.raises(NotDelivered, match=r"does not end its answer within 0\.2 s"):
            send(request)
        released.set()
        sender.join()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://example.org/hook-secret", "https://"),
        ("https://ann:hook-secret@example.org/", "user"),
        ("https:///hook-secret", "is no address"),
        ("https://example.org:99999/hook-secret", "is no address"),
        ("hook-secret", "is no address"),
        ("ftp://example.org/hook-secret", "https://"),
        ("https://example.org/hook secret", "characters"),
    ],
)
def test_an_unsafe_address_is_refused_and_not_shown(address: str, reason: str):
    with pytest.raises(UsageError, match=reason) as caught:
        address_of({"TBP_WEBHOOK_URL": address}, "TBP_WEBHOOK_URL")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["https://example.org/hook", "http://127.0.0.1:80/", "http://[::1]/", "http://localhost"]
)
def test_https_and_this_machine_are_addresses(address: str):
    assert address_of({"U": f" {address}\n"}, "U") is not None


def test_a_secret_shows_nothing_of_itself():
    secret = Secret("https://hooks.slack.test/services/T01/B02/abcdefghijkl")
    assert {repr(secret), f"{secret}", str([secret])} == {"***", "[***]"}
    assert shown_address(secret) == "https://hooks.slack.test/***"
    assert masked("no team at /services/T01/B02/abcdefghijkl: abcdefghijkl", secret) == "no team at /***: ***"
    assert secret_of({"T": ""}, "T") is None
    assert "abcdefghijkl" not in repr(Request("POST", secret.reveal(), headers={"Authorization": "abcdefghijkl"}))
