"""The local server, asked over a real socket."""

import http.client
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.report.site import serve
from tbp.report.site.serve import server

from ...result_folders import write_result


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "data").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    names = "index.html data/index.js points.csv feed.xml summary.json .hidden/x.html static.css"
    for name in names.split():
        (folder / name).write_text(name, "utf-8")
    (tmp_path / "secret.html").write_text("secret", "utf-8")
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    (folder / "folder").mkdir()
    (folder / "folder" / "index.html").symlink_to(tmp_path / "secret.html")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop.html").symlink_to("loop.html")
    (folder / "inside.html").symlink_to("index.html")
    os.mkfifo(folder / "pipe.html")
    return folder


@pytest.fixture
def port(site: Path) -> Iterator[int]:
    with server(site, 0) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found.server_address[1]
        found.shutdown()
        thread.join()


def ask(port: int, path: str, method: str = "GET", host: str = "") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    found = answer.status, headers, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/data/index.js", "text/javascript; charset=utf-8"),
        ("/static.css", "text/css; charset=utf-8"),
        ("/summary.json", "application/json"),
        ("/points.csv", "text/csv; charset=utf-8"),
        ("/feed.xml", "application/atom+xml; charset=utf-8"),
    ],
)
def test_files_come_with_their_type(port: int, path: str, kind: str) -> None:
    status, headers, body = ask(port, path)
    assert (status, headers["content-type"]) == (200, kind)
    assert body.decode() == (path.removeprefix("/") or "index.html")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.html", "/..%2fsecret.html", "/%2e%2e/secret.html", "/data/../../secret.html", "//etc/passwd",
        "/link.html", "/.hidden/x.html", "/data/", "/data", "/nothing.html", "/%00", "/folder/", "/folder",
        "/folder/index.html", "/linked/secret.html", "/loop.html", "/pipe.html", "/index.html/", "/index.html/x",
        "/%2e%2e%2fsecret.html", "/..\\secret.html", "/" + "x" * 300, "/data/%2e%2e/%2e%2e/secret.html",
        "/?/../secret.html",
    ],
)  # fmt: skip
def test_nothing_outside_hidden_or_listed_is_given(port: int, path: str) -> None:
    status, headers, body = ask(port, path)
    assert (status, b"secret" in body) == ((200, False) if path.startswith("/?") else (404, False))
    assert status == 200 or headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200), ("localhost", 200), ("LOCALHOST", 200), ("127.0.0.1", 200), ("", 200),
        ("evil.example", 403), ("evil.example:80", 403), ("127.0.0.1.evil.example", 403), ("localhost.", 403),
        ("localhost:1:evil.example", 403), ("127.0.0.1@evil.example", 403), ("[::1]", 403), ("0.0.0.0", 403),
        ("127.1", 403), ("2130706433", 403), ("localhost evil.example", 403),
    ],
)  # fmt: skip
def test_only_localhost_is_answered(port: int, host: str, status: int) -> None:
    assert ask(port, "/index.html", host=host)[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get"])
def test_nothing_can_be_sent(port: int, method: str) -> None:
    assert ask(port, "/index.html", method)[0] == 501


def raw(port: int, text: bytes) -> bytes:
    """The whole answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        pieces = []
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("hosts", ["", "Host: localhost\r\nHost: evil.example\r\n", "Host:\r\n"])
def test_a_request_without_a_single_host_is_refused(port: int, hosts: str) -> None:
    assert b" 403 " in raw(port, f"GET /index.html HTTP/1.0\r\n{hosts}\r\n".encode()).splitlines()[0]


def test_head_has_no_body_and_a_query_changes_nothing(port: int) -> None:
    answer = raw(port, b"HEAD /index.html?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.splitlines()[0].split()[1] == b"200"
    assert answer.endswith(b"\r\n\r\n")
    assert ask(port, "/index.html?x=1")[2] == b"index.html"
    assert ask(port, "/inside.html")[2] == b"index.html"


def test_no_other_site_may_frame_read_or_be_told_of_a_page(port: int) -> None:
    headers = ask(port, "/index.html")[1]
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "python" not in headers["server"].lower()


def test_clients_that_leave_or_hang_are_borne_in_silence(
    site: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A large file nobody reads, a header that never ends, a reset, nothing at all: all are cut off, others served."""
    monkeypatch.setattr(serve, "CLIENT_S", 2.0)  # in which a busy machine answers the others
    monkeypatch.setattr(serve.Handler, "timeout", 2.0)
    (site / "large.json").write_bytes(b"x" * 50_000_000)
    with server(site, 0) as found:
        thread = threading.Thread(target=partial(found.serve_forever, 0.05), daemon=True)
        thread.start()
        port = found.server_address[1]
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        slow[0].sendall(b"GET /large.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slow[1].sendall(b"GET /index.html HTTP/1.1\r\nHost: local")
        slow[2].sendall(b"GET /large.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slow[2].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        slow[2].close()
        slow[3].sendall(b"\x00\xff" * 100 + b"\r\n\r\n")
        assert ask(port, "/index.html")[0] == 200
        end_s = time.monotonic() + 20
        while found._ends and time.monotonic() < end_s:  # a byte now and then does not keep a connection
            with suppress(OSError):
                slow[1].sendall(b"x")
            time.sleep(0.1)
        assert not found._ends
        found.shutdown()
        thread.join()
    for connection in slow:
        connection.close()
    assert capfd.readouterr() == ("", "")


def test_more_clients_than_anybody_needs_are_turned_away(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MOST_CLIENTS", 3)
    with server(site, 0) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        port = found.server_address[1]
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        for connection in waiting:
            connection.sendall(b"GET /")
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(port, "/index.html")
        waiting.pop().close()
        end_s = time.monotonic() + 20
        while len(found._ends) > 2 and time.monotonic() < end_s:
            time.sleep(0.02)
        assert ask(port, "/index.html")[0] == 200
        found.shutdown()
        thread.join()
    for connection in waiting:
        connection.close()


def test_it_listens_to_this_machine_only(site: Path) -> None:
    with server(site, 0) as found:
        assert found.server_address[0] == "127.0.0.1"


def test_traces_beside_the_site_are_given_and_nothing_else_of_the_results(site: Path) -> None:
    """A page links to ``../../.asv/my results/box/…``, and a browser asks for what is left without the ``../``."""
    cell = site.parent / ".asv" / "my results" / "box" / "c.traces" / "b"
    cell.mkdir(parents=True)
    (cell / "x.pt.trace.json.gz").write_bytes(b"trace")
    (cell / "x.session.json.gz").write_bytes(b"session")
    (site.parent / "other.pt.trace.json.gz").write_bytes(b"other")
    (cell / "link.pt.trace.json.gz").symlink_to(site.parent / "other.pt.trace.json.gz")
    (cell / "pipe.pt.trace.json.gz").mkdir()
    below = "/.asv/my%20results/box/c.traces/b"
    with server(site, 0, "../.asv/my%20results") as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        port = running.server_address[1]
        assert ask(port, f"{below}/x.pt.trace.json.gz")[::2] == (200, b"trace")
        for path in ("x.session.json.gz", "link.pt.trace.json.gz", "pipe.pt.trace.json.gz", "y.pt.trace.json.gz",
                     "../../../../../other.pt.trace.json.gz"):  # fmt: skip
            assert ask(port, f"{below}/{path}")[0] == 404, path
        assert ask(port, "/other.pt.trace.json.gz")[0] == 404
        assert ask(port, "/index.html")[0] == 200
        running.shutdown()


def test_a_taken_port_is_said(site: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="choose another with --port"):
            server(site, taken.getsockname()[1])
    with pytest.raises(UsageError, match="cannot serve on port 70000"):
        server(site, 70000)


def test_ctrl_c_ends_it_with_the_code_of_the_report(tmp_path: Path) -> None:
    for place in range(30):
        value = 1.0 + 0.01 * (place % 3) + (place >= 15)
        write_result(tmp_path / "results", f"{place + 1:08x}" * 5, {"s.time_x": [[value], [], "1"]}, place)
    process = subprocess.Popen(
        [sys.executable, "-m", "tbp", "report", "--results", "results", "--out", "site", "--serve", "--port", "0"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    line = ""
    while not line.startswith("serving"):
        line = process.stderr.readline()
        assert line, "the server ended before it served"
    port = int(line.split("127.0.0.1:")[1].split("/")[0])
    assert b"written by tbp report" in ask(port, "/")[2]
    time.sleep(0.2)  # serve_forever is entered after the line
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Traceback" not in err
    assert "; 1 stands.\n  s.time_x: ▲ +99 % slower since 00000010\n" in out
