"""``tbp report --serve``: the written site over HTTP, to this machine only.

Takes a folder, serves its files until Ctrl-C. Some browsers keep no settings for pages from a disk; over HTTP they do.
"""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tbp.errors import UsageError
from tbp.system.printing import warn

HOST = "127.0.0.1"
# A page of another host whose name resolves to 127.0.0.1 would otherwise read the report (DNS rebinding).
NAMES = (HOST, "localhost")
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


class Handler(SimpleHTTPRequestHandler):
    """GET and HEAD of the files below one folder; no listings, nothing hidden, nothing that a link leads out to."""

    extensions_map = TYPES
    protocol_version = "HTTP/1.1"

    def send_head(self) -> Any:
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if name not in NAMES:
            self.send_error(HTTPStatus.FORBIDDEN, "this server answers to localhost only")
            return None
        if self._is_inside():
            return super().send_head()
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def list_directory(self, path: object) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """Silent: the terminal is for the report's words."""

    def _is_inside(self) -> bool:
        root = Path(self.directory).resolve()
        try:
            path = Path(self.translate_path(self.path)).resolve()
        except (OSError, ValueError):  # ValueError: a NUL in the address
            return False
        if not path.is_relative_to(root):
            return False
        return not any(part.startswith(".") for part in path.relative_to(root).parts)


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of ``folder`` on 127.0.0.1; port 0 takes a free one. Raises UsageError where the port is taken."""
    try:
        server_of_folder = ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot serve on port {port}: {error}; choose another with --port, 0 takes any") from None
    server_of_folder.daemon_threads = True
    return server_of_folder


def serve(index: Path, port: int, open_it: bool) -> None:
    """Serve the folder of ``index`` until Ctrl-C; ``open_it`` shows it in the browser."""
    with server(index.parent, port) as running:
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
