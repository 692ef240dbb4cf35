"""One request to a server and its answer: with a timeout, bounds, retries, and no redirect to anybody else.

Takes a ``Request``, gives a ``Response``. Tried again is what the server was too busy for (429, 5xx, a rate limit) and
what never reached it. A message whose answer is lost is not sent again by itself: the server may have taken it.
"""

from __future__ import annotations

import http.client
import queue
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from tbp import __version__
from tbp.errors import NotDelivered
from tbp.system.foreign_text import line_of
from tbp.web.secret import Secret, is_loopback, masked

TIMEOUT_S = 20.0  # of one step of a connection; webhooks answer within a second, GitHub within ten
WHOLE_S = 60.0  # of a request and its answer: a server that sends a byte now and then does not hold a night up
MOST_BYTES = 10_000_000  # of an answer: a page of 100 issues of 65,536 characters
MOST_TRIES = 4
FIRST_WAIT_S = 1.0  # doubled with each try
MOST_WAIT_S = 120.0  # that a server may ask for; GitHub asks for a minute where too much is written at once
MOST_REDIRECTS = 3
MOST_REASON = 300  # characters of a server's words in a message
BUSY = (429, 500, 502, 503, 504)
REDIRECTS = (301, 302, 307, 308)
_CHUNK = 65_536
_AGENT = {"User-Agent": f"tbp/{__version__}"}


class Request(Struct, frozen=True):
    """A request; headers may hold secrets, so it is never printed."""

    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()  # that no message shows

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def is_repeatable(self) -> bool:
        """True where sending it twice does no more than once."""
        return self.method != "POST"

    def __repr__(self) -> str:
        return f"Request({self.method} {self.host})"


class Response(Struct, frozen=True):
    """The answer of a server."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_busy(self) -> bool:
        """True where the server asks for another try later; GitHub's rate limits are 403 as well."""
        is_limited = "retry-after" in self.headers or self.headers.get("x-ratelimit-remaining") == "0"
        return self.status in BUSY or (self.status == 403 and is_limited)

    @property
    def text(self) -> str:
        """The server's words as one short line."""
        return line_of(self.body[: 4 * MOST_REASON].decode("utf-8", "replace").strip())[:MOST_REASON]


class WebClock(Struct, frozen=True):
    """The time that retries go by."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def send(
    request: Request, clock: WebClock | None = None, most_bytes: int = MOST_BYTES, *, may_leave: bool = False
) -> Response:
    """Returns the answer to ``request``, whatever its status, after MOST_TRIES tries at most.

    Raises NotDelivered where nothing answers, or where it leads to another server; with ``may_leave`` that is the
    answer.
    """
    clock = clock or WebClock()
    wait_s = FIRST_WAIT_S
    for last in (*[False] * (MOST_TRIES - 1), True):
        try:
            answer = _followed(request, most_bytes, may_leave)
        except _Unreached as error:
            if last or not (error.is_unsent or request.is_repeatable):
                raise NotDelivered(masked(f"{request.host} {error}", *request.secrets)) from None
            answer = None
        asked_s = _asked_for(answer, clock.now()) if answer is not None else None
        if answer is not None and not answer.is_busy:
            return answer
        if answer is not None and (last or (asked_s or 0.0) > MOST_WAIT_S):
            return answer
        clock.sleep(asked_s if asked_s is not None else wait_s)
        wait_s *= 2
    raise AssertionError("the last try returns or raises")


def redirection(request: Request, answer: Response) -> str:
    """The address that ``answer`` leads to; empty where it leads nowhere. Raises NotDelivered where it is none."""
    location = answer.headers.get("location", "")
    if answer.status not in REDIRECTS or not location:
        return ""
    try:
        further = urljoin(request.url, location)
        urlsplit(further)
    except ValueError:
        raise NotDelivered(f"{request.host} leads to what is no address: correct the address") from None
    return further


class _Unreached(Exception):
    """No whole answer came; ``is_unsent`` where the request had not left whole by then."""

    def __init__(self, reason: str, *, is_unsent: bool) -> None:
        super().__init__(reason)
        self.is_unsent = is_unsent


def _followed(request: Request, most_bytes: int, may_leave: bool) -> Response:
    """The answer after redirects within the same server, for which the request is repeated as it is."""
    for _ in range(MOST_REDIRECTS + 1):
        answer = _once(request, most_bytes)
        further = redirection(request, answer)
        if not further:
            return answer
        if urlsplit(further)[:2] != urlsplit(request.url)[:2]:
            if may_leave:
                return answer
            to = line_of(urlsplit(further).netloc)[:MOST_REASON] or "nowhere"
            raise NotDelivered(
                masked(
                    f"{request.host} leads to another server ({to}), which gets no secret: correct the address",
                    *request.secrets,
                )
            )
        request = replace(request, url=further)
    raise NotDelivered(f"{request.host} leads from one address to the next without an end: correct the address")


def _once(request: Request, most_bytes: int) -> Response:
    """The answer within WHOLE_S. A socket's timeout begins anew with each byte, so another thread waits for it."""
    ends: queue.SimpleQueue[Response | Exception] = queue.SimpleQueue()

    def wait() -> None:
        try:
            ends.put(_answer(request, most_bytes))
        except Exception as error:  # raised again where it is waited for
            ends.put(error)

    threading.Thread(target=wait, daemon=True).start()
    try:
        end = ends.get(timeout=WHOLE_S)
    except queue.Empty:
        raise _Unreached(f"does not end its answer within {WHOLE_S:g} s; try again later", is_unsent=False) from None
    if isinstance(end, Exception):
        raise end
    return end


def _answer(request: Request, most_bytes: int) -> Response:
    prepared = urllib.request.Request(request.url, request.body, _AGENT | dict(request.headers), method=request.method)
    try:
        with _opener(request.url).open(prepared, timeout=TIMEOUT_S) as incoming:
            body = bytearray()
            while chunk := incoming.read1(min(_CHUNK, most_bytes + 1 - len(body))):
                body += chunk
                if len(body) > most_bytes:
                    raise _Unreached("answers without an end; check the address", is_unsent=False)
            headers = {name.lower(): value for name, value in incoming.headers.items()}
            return Response(incoming.status, bytes(body), headers)
    except URLError as error:
        raise _Unreached(_reason(error.reason), is_unsent=True) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Unreached(_reason(error), is_unsent=False) from None


def _opener(url: str) -> urllib.request.OpenerDirector:
    """An opener that neither follows redirects nor raises for a status; the proxies of the environment are for others
    than this machine."""
    opener = urllib.request.OpenerDirector()
    proxies: dict[str, str] | None = {} if is_loopback(urlsplit(url).hostname or "") else None
    for handler in (urllib.request.ProxyHandler(proxies), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()):
        opener.add_handler(handler)
    return opener


def _reason(error: object) -> str:
    """The failure in words; the texts of some exceptions hold the whole address or a header."""
    if isinstance(error, TimeoutError):
        return f"does not answer within {TIMEOUT_S:g} s; try again later"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be reached ({line_of(error.strerror)[:MOST_REASON]}); check the address and the network"
    return f"gives no whole answer ({type(error).__name__}); try again later"


def _asked_for(answer: Response, now: datetime) -> float | None:
    """Seconds that the server asks to wait, by Retry-After or GitHub's x-ratelimit-reset; None where it does not."""
    text = answer.headers.get("retry-after", "")
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    except ValueError:
        pass
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 12:
        return max(0.0, float(reset) - now.timestamp())
    return None
