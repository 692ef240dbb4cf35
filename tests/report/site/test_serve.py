"""The local server, asked over a real socket."""

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tbp.errors import UsageError
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
        "/link.html", "/.hidden/x.html", "/data/", "/data", "/nothing.html", "/%00",
    ],
)  # fmt: skip
def test_nothing_outside_hidden_or_listed_is_given(port: int, path: str) -> None:
    status, _, body = ask(port, path)
    assert status in (301, 404)
    assert b"secret" not in body
    if status == 301:  # to the folder with a slash, which is not listed
        assert ask(port, path + "/")[0] == 404


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:1", 200), ("localhost", 200), ("evil.example", 403), ("", 200)]
)
def test_only_localhost_is_answered(port: int, host: str, status: int) -> None:
    assert ask(port, "/index.html", host=host)[0] == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_sent(port: int, method: str) -> None:
    assert ask(port, "/index.html", method)[0] == 501


def test_it_listens_to_this_machine_only(site: Path) -> None:
    with server(site, 0) as found:
        assert found.server_address[0] == "127.0.0.1"


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
    assert "1 regression in 1 series" in out
