"""``tbp report --serve``: the written site over HTTP, to this machine only.

Takes a folder, serves its files until Ctrl-C, and the recorded traces that its pages link to. Some browsers keep no
settings for pages from a disk; over HTTP they do.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import sys
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from tbp.errors import UsageError
from tbp.report.parts.addresses import INDEX
from tbp.system.printing import warn
from tbp.traces.recording import TRACE_END

HOST = "127.0.0.1"
# A page of another host whose name resolves to 127.0.0.1 would otherwise read the report (DNS rebinding).
_LOCAL = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?", re.IGNORECASE)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".xml": "application/atom+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}


# Of every answer. Pages have policies of their own, in which plotly's styles and pictures are allowed; what is no page
# (a picture, an error) may load nothing at all, and nothing may be framed.
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY, POLICY_OF_PAGES = "default-src 'none'; frame-ancestors 'none'; sandbox", "frame-ancestors 'none'"

# A browser opens 6 connections to a server, for some milliseconds each; the largest file, over a tunnel to a distant
# machine, may take minutes. Who sends or takes nothing for SILENT_S only holds a connection.
CLIENT_S = 300.0
SILENT_S = 10.0
MOST_CLIENTS = 64


class Handler(SimpleHTTPRequestHandler):
    """GET and HEAD of the files below one folder; no listings, nothing hidden, nothing that a link leads out to.

    Of the results folder, which ``results`` names relative to that folder, it gives traces and nothing else.

    Each connection is for one request (HTTP/1.0), so that the time of a connection bounds that of a request.
    """

    extensions_map = TYPES
    server_version, sys_version = "tbp", ""
    timeout = SILENT_S

    def __init__(self, *arguments: Any, results: str = "", **keywords: Any) -> None:
        self.results = results
        super().__init__(*arguments, **keywords)

    def do_GET(self) -> None:
        self._answer(with_content=True)

    def do_HEAD(self) -> None:
        self._answer(with_content=False)

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        is_page = self._is_found and self.path.partition("?")[0].endswith((".html", "/"))
        self.send_header("Content-Security-Policy", POLICY_OF_PAGES if is_page else POLICY)
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """Silent: the terminal is for the report's words."""

    _is_found = False

    def _answer(self, *, with_content: bool) -> None:
        host = self.headers.get_all("Host", [])
        if len(host) != 1 or not _LOCAL.fullmatch(host[0]):
            self.send_error(HTTPStatus.FORBIDDEN, "this server answers to localhost only")
            return
        file = self._file()
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._is_found = True
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", self.guess_type(self.path.partition("?")[0].rstrip("/") or INDEX))
            self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
            self.end_headers()
            if with_content:
                shutil.copyfileobj(file, self.wfile)

    def _file(self) -> IO[bytes] | None:
        """The regular file that is asked for, open, or None; the folder itself stands for its index."""
        root = Path(self.directory).resolve()
        try:
            if trace := self._trace():
                return _opened(trace)
            path = Path(self.translate_path(self.path)).resolve()
            if path == root:
                path = (root / INDEX).resolve()
            elif self.path.partition("?")[0].endswith("/"):
                return None
            if not path.is_relative_to(root) or any(part.startswith(".") for part in path.relative_to(root).parts):
                return None
            return _opened(path)
        except (OSError, ValueError, RuntimeError):  # ValueError: a NUL in the address; RuntimeError: links in a circle
            return None

    def _trace(self) -> Path | None:
        """The trace that is asked for; None for anything else. A browser drops the ``../`` that lead above the root."""
        if not self.results or not self.path.endswith(TRACE_END):
            return None
        below = tuple(part for part in unquote(self.results).split("/") if part != "..")
        parts = Path(self.translate_path(self.path)).relative_to(self.directory).parts
        if parts[: len(below)] != below:
            return None
        results = (Path(self.directory) / unquote(self.results)).resolve()
        path = results.joinpath(*parts[len(below) :]).resolve()
        return path if path.is_relative_to(results) and path.name.endswith(TRACE_END) else None


def _opened(path: Path) -> IO[bytes] | None:
    """The file at a path without links, if it is a regular one. Raises OSError."""
    # Neither a link, which ``resolve`` has followed, nor a pipe, which nobody may ever write to.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None


class SiteServer(ThreadingHTTPServer):
    """Serves as many clients as MOST_CLIENTS, each for at most CLIENT_S; what they break off is no error."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: Callable[..., Handler]) -> None:
        super().__init__(address, handler)
        self._ends: dict[socket.socket, float] = {}  # on the monotonic clock; of the clients that are connected

    def verify_request(self, request: Any, client_address: object) -> bool:
        return len(self._ends) < MOST_CLIENTS

    def process_request(self, request: Any, client_address: Any) -> None:
        self._ends[request] = time.monotonic() + CLIENT_S
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._ends.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called several times a second: clients that are too slow are cut off."""
        now_s = time.monotonic()
        for request, end_s in list(self._ends.items()):
            if now_s > end_s:
                with suppress(OSError):  # it ended meanwhile
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):  # a client that left, or was too slow
            warn(f"tbp: an answer failed: {error!r}")


def server(folder: Path, port: int, results: str = "") -> SiteServer:
    """A server of ``folder`` on 127.0.0.1; port 0 takes a free one. ``results`` is as of ``ReportData``.

    Raises:
        UsageError: the port is taken.
    """
    try:
        return SiteServer((HOST, port), partial(Handler, directory=str(folder), results=results))
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot serve on port {port}: {error}; choose another with --port, 0 takes any") from None


def serve(index: Path, port: int, open_it: bool, results: str = "") -> None:
    """Serve the folder of ``index`` until Ctrl-C, with the traces of ``results``; ``open_it`` shows it in a browser."""
    with server(index.parent, port, results) as running:
        address = f"http://{HOST}:{running.server_address[1]}/{index.name}"
        warn(f"serving {address} to this machine only; Ctrl-C ends it")
        if open_it:
            show(address)
        with suppress(KeyboardInterrupt):
            running.serve_forever()
    warn("")  # behind the ^C of the terminal


def show(address: str) -> None:
    """Open the address in the user's browser; says where it is where there is none."""
    if not webbrowser.open(address):
        warn(f"tbp: no browser could be opened; the report is at {address}")
