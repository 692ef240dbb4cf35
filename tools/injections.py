"""Sends a corpus of hostile names through every field of a project to every output of tbp, and looks at what acts.

Fields: names of benchmarks, parameters, values, units, machines, environments, requirements, processors, operators of
traces, commit subjects, authors, branches, tags, reasons and owners of acknowledgements, the project's title, and
arguments of the command line. Outputs: every page of the site and the report of one file, opened in Chromium, stdout
and stderr of the verbs, JSON, CSV, Markdown, JUnit, Atom, flame graphs, and what ``tbp notify`` would send. Ends with 1
where anything was executed, asked for, or acts.

    python tools/injections.py [--payloads N] [--first N] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from markdown_it import MarkdownIt

from tbp.__main__ import main as tbp
from tbp.system.foreign_text import INVISIBLE

MARK = "document.title='owned';window.owned=1;fetch('http://127.0.0.1:9/x')"
CORPUS = (
    f"<script>{MARK}</script>", f"<img src=x onerror={MARK}>", f"\"'><svg onload={MARK}>",
    f"</title><script>{MARK}</script>", f"</script><script>{MARK}</script>", f"</template><img src=x onerror={MARK}>",
    f"--><script>{MARK}</script><!--", "<!--<script>", f"javascript:{MARK}//",
    f"{{{{constructor.constructor('{MARK}')()}}}}", "{{7*7}}{% for x in y %}${7*7}#{7*7}",
    f"<iframe srcdoc='<script>{MARK}</script>'>", "<style>*{background:url(http://127.0.0.1:9/css)}</style>",
    "<link rel=stylesheet href=http://127.0.0.1:9/l>", "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content=0>", "<form action=http://127.0.0.1:9/><button>x",
    f"<a href=\"javascript:{MARK}\">x</a>", f"<math><mi xlink:href=javascript:{MARK}>",
    "<object data=http://127.0.0.1:9/o>", "<img src=http://127.0.0.1:9/i>", f"&lt;script&gt;{MARK}&lt;/script&gt;",
    f"\\u003cscript\\u003e{MARK}\\u003c/script\\u003e", f"';{MARK};'", f"\\';{MARK}//", f"`${{{MARK}}}`", "]]><x>",
    "__proto__", "constructor", "%{y}<extra></extra>", "<b><a href='http://127.0.0.1:9/p'>plotly</a></b>",
    "\x1b[2J\x1b[1;31m\x1b]0;owned\x07", "\x1b]8;;http://127.0.0.1:9/\x1b\\link\x1b]8;;\x1b\\", "\x9b31m\x90q\x9c",
    "\r\x1b[Kok", "x\nFORGED: no regression", "x\u2028FORGED\u2029FORGED\x85FORGED", "x\x0bFORGED\x0cFORGED\x1eFORGED",
    "\u202eevil\u2066\u200f", "\u200b\ufeff\u00ad\U000e0041tags", "::error file=x,line=1::FORGED",
    "  ::stop-commands::token", "##[error]FORGED", "##vso[task.setvariable variable=x]y",
    "##teamcity[buildStop comment='x']", "=HYPERLINK(\"http://127.0.0.1:9\")", "+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|'x'!A1", "-2+3", "x;=1+1", "../../../etc/passwd", "$(touch owned)`touch owned`;touch owned",
    "|x|`@everyone`[x](http://127.0.0.1:9/m)\n# x", "-" * 3 + "help", "\ud800\udfff",
)  # fmt: skip
COMMITS = 24
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
COMMAND = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.MULTILINE | re.IGNORECASE)
MARKDOWN = ("--markdown", "--github-issue", "--github-comment", "--gitlab-issue")  # what prints Markdown
TITLES = re.compile(r"^(--- would|opened #|updated #|closed #).*", re.MULTILINE)
FORGED = re.compile(r"^FORGED", re.MULTILINE)  # what is indented belongs to the line above
COLOURS = re.compile("\x1b\\[[0-9;]*m")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
COLUMNS = ["result", "params", "version", "started_at", "duration"]


class RenderedMarkdown(HTMLParser):
    """Elements, links, and words that GitHub makes links of, which a name brought into a rendered text."""

    ELEMENTS = frozenset({"base", "form", "iframe", "img", "link", "math", "meta", "object", "script", "style", "svg"})

    def __init__(self) -> None:
        super().__init__()
        self.code = 0
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.code += tag == "code"
        aims = [value for name, value in attributes if name == "href" and value]
        if tag in self.ELEMENTS or any(aim.startswith(("http://127", "javascript:")) for aim in aims):
            self.acting.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self.code and re.search("@everyone|http://127", data):
            self.acting.append(data)


class Findings:
    """Everything that acted, and how many outputs were looked at."""

    def __init__(self) -> None:
        self.acting: list[str] = []
        self.seen: Counter[str] = Counter()

    def look(self, kind: str, where: str, text: str) -> None:
        """Look at a printed or written text."""
        self.seen[kind] += 1
        for name, pattern in (("control", CONTROL), ("unseen", INVISIBLE), ("command", COMMAND), ("forged", FORGED)):
            if match := pattern.search(text):
                self.acting.append(f"{kind} {where}: {name}: {text[max(0, match.start() - 40) : match.end() + 40]!r}")

    def look_at_markdown(self, where: str, text: str) -> None:
        self.seen["markdown"] += 1
        rendered = RenderedMarkdown()
        rendered.feed(MarkdownIt("commonmark").enable("table").render(text))
        self.acting += [f"markdown {where}: {acting[:80]!r}" for acting in rendered.acting]

    def look_at_csv(self, where: str, text: str) -> None:
        self.seen["csv"] += 1
        for cell in {cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row}:
            if cell[:1] in tuple("=+-@\t\r") and not NUMBER.fullmatch(cell):
                self.acting.append(f"csv {where}: formula: {cell!r}")


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{role}_{key}": "x" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    variables = os.environ | identity | dict.fromkeys(("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"), os.devnull)
    command = [os.fsencode("git"), *(argument.encode(errors="replace").replace(b"\0", b"") for argument in arguments)]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False).stdout.decode().strip()


def make_project(folder: Path, payloads: list[str]) -> list[str]:
    """A repository with results of its commits, in which each payload has a machine; gives the hashes, oldest first."""
    git(folder, "init", "-q", "-b", "main")
    hashes = []
    for number in range(COMMITS):
        payload = payloads[number % len(payloads)]
        author = re.sub("[<>\n]", "", payload)  # which git does not take
        git(
            folder,
            "commit",
            "-q",
            "--allow-empty",
            "--cleanup=verbatim",
            "-m",
            payload,
            "--author",
            f"{author} <{author}>",
        )
        hashes.append(git(folder, "rev-parse", "HEAD"))
        for kind in ("branch", "tag"):
            git(folder, kind, "--", f"{number}{re.sub('[ ~^:?*[|]', '', payload)}".replace("..", "."))
    config = {"project": payloads[0], "repo": ".", "results_dir": "results", "branches": ["main"]}
    (folder / "asv.conf.json").write_text(json.dumps(config | {"show_commit_url": f"https://x/{payloads[0]}"}))
    declared: dict[str, Any] = {"version": 2, "par.time_x": _declared("par.time_x", "seconds", payloads)}
    chance = random.Random(1)
    for number, payload in enumerate(payloads):
        declared[payload] = _declared(payload, "seconds")
        declared[f"unit.track_{number}"] = _declared(f"unit.track_{number}", payload) | {"type": "track"}
        for ordinal, commit in enumerate(hashes):
            values = ["'x'"] if number else [repr(each) for each in payloads]
            level = (1 + (ordinal >= COMMITS // 2)) * chance.gauss(1, 0.005)
            rows: dict[str, Any] = {
                payload: [[level], []],
                "par.time_x": [[level] * len(values), [values]],
                f"unit.track_{number}": [[level], []],
                **({} if number else {"traced.torchtime_x": [[level], []]}),
            }  # fmt: skip
            _write_run(folder / "results" / f"m{number}", commit, payload, ordinal, rows)
    declared["traced.torchtime_x"] = _declared("traced.torchtime_x", "seconds")
    (folder / "results" / "benchmarks.json").write_text(json.dumps(declared))
    for commit in (hashes[0], hashes[-1]):
        _write_session(folder / "results" / "m0", commit, payloads)
    return hashes


def _declared(name: str, unit: str, parameters: Iterable[str] = ()) -> dict[str, Any]:
    named = {"param_names": [next(iter(parameters), "")], "params": [[repr(each) for each in parameters]]}
    plain: dict[str, Any] = {"param_names": [], "params": []}
    return {"name": name, "type": "time", "unit": unit, "version": "1"} | (named if parameters else plain)


def _write_run(folder: Path, commit: str, payload: str, ordinal: int, rows: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"machine": payload, "cpu": payload, "os": payload, "ram": payload, "num_cpu": "2", "gpu": payload}
    head = {"commit_hash": commit, "env_name": payload, "date": 1_700_000_000_000 + ordinal * 86_400_000, "version": 2}
    requirements = {payload: payload, "numpy": payload if ordinal > COMMITS // 2 else "1"}
    rest = {"params": facts, "python": payload, "requirements": requirements, "result_columns": COLUMNS}
    content = head | rest | {"results": {name: [*row, "1"] for name, row in rows.items()}}
    (folder / f"{commit[:8]}-e.json").write_text(json.dumps(content))


def _write_session(folder: Path, commit: str, payloads: list[str]) -> None:
    cell = folder / f"{commit[:8]}-e.traces" / "traced.torchtime_x"
    cell.mkdir(parents=True)
    events: list[dict[str, Any]] = []
    for step in range(5):
        start = step * 10_000
        events.append(_event(f"ProfilerStep#{step}", "user_annotation", start, 9_000))
        events += [_event(name, "cpu_op", start + 10 + 50 * ordinal, 40) for ordinal, name in enumerate(payloads)]
    session = {
        "format": 1, "run": "r", "session": "s", "benchmark": "traced.torchtime_x", "parameters": {}, "commit": commit,
        "environment": payloads[0], "machine": payloads[0], "started": "2026-01-01T00:00:00+00:00",
        "wall_s": [1.0] * 12, "trace": "0.s.pt.trace.json.gz",
    }  # fmt: skip
    (cell / "0.s.session.json.gz").write_bytes(gzip.compress(json.dumps(session).encode()))
    (cell / "0.s.pt.trace.json.gz").write_bytes(gzip.compress(json.dumps({"traceEvents": events}).encode()))


def _event(name: str, category: str, start_us: int, duration_us: int) -> dict[str, Any]:
    return {"ph": "X", "cat": category, "name": name, "pid": 1, "tid": 1, "ts": start_us, "dur": duration_us}


def hostile_arguments(hashes: list[str], payloads: list[str]) -> Iterator[tuple[str, ...]]:
    """Arguments of which one is hostile; most end in a message that names it."""
    old, new = hashes[0], hashes[-1]
    for payload in payloads:
        argument = payload.encode(errors="replace").decode().replace("\0", "")
        yield ("ack", f"--reason={argument}", "--", argument, hashes[COMMITS // 2])
        yield (
            "ack",
            f"--owner={argument}",
            "--status=investigating",
            "--link=https://e.org/",
            "--",
            hashes[COMMITS // 2],
        )
        yield ("ack", f"--status={argument}", f"--link={argument}", "--", f"x{argument}")
        yield ("compare", old, new, f"--machine={argument}")
        yield ("compare", old, f"x{argument}")
        yield ("report", f"--bench={argument}", argument)


def verbs(hashes: list[str]) -> Iterator[tuple[str, ...]]:
    """Arguments of every verb that measures nothing."""
    old, new = hashes[0], hashes[-1]
    traces = [f"results/m0/{commit[:8]}-e.traces/traced.torchtime_x/0.s.pt.trace.json.gz" for commit in (old, new)]
    yield ("report", "--out", "site")
    yield ("report", "--out", "site", "--branch", "main", "--base", old)
    yield ("report", "--out", "one", "--single-file")
    for form in ("--verbose", "--json", "--markdown", "--junit=junit.xml", "--svg=picture.svg"):
        yield ("compare", old, new, form)
    for chosen in (traces[:1], traces):
        yield from (("hotspots", *chosen, form) for form in ("--json", "--csv", "--flame=flame.html"))
    yield ("hotspots", old, "--shapes")
    yield ("export", new, "--perfetto", "traces.json")
    yield ("trace", "prune")
    yield ("check",)
    yield from (("notify", "--dry-run", target) for target in ("--improvements", "--slack", "--webhook", "--json"))
    yield from (("notify", "--dry-run", target) for target in MARKDOWN[1:])


def run_here(folder: Path, arguments: tuple[str, ...]) -> tuple[int, list[str]]:
    """The exit code of tbp in this process, and its stdout and stderr."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    with chdir(folder), redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        try:
            code = tbp(list(arguments))
        except SystemExit as ended:  # argparse's
            code = int(ended.code or 0)
    for stream in streams:
        stream.flush()
    return code, [stream.buffer.getvalue().decode() for stream in streams]  # type: ignore[attr-defined]


def print_outputs(folder: Path, hashes: list[str], payloads: list[str], findings: Findings) -> None:
    """Run the verbs, on a terminal's colours and without, and look at all that they print and write."""
    for verb in hostile_arguments(hashes, payloads):
        code, streams = run_here(folder, verb)
        where = " ".join(verb)[:60]
        if code not in (0, 2, 3, 4, 5):
            findings.acting.append(f"{where}: exit {code}: {streams[1][-300:]!r}")
        for stream in streams:
            findings.look("terminal", where, stream)
    for verb in verbs(hashes):
        for colours in ({}, {"FORCE_COLOR": "1"}) if verb[0] in ("compare", "hotspots") else ({},):
            done = subprocess.run(
                [sys.executable, "-m", "tbp", *verb], cwd=folder, capture_output=True, check=False, timeout=300,
                env=os.environ | colours,
            )  # fmt: skip
            where = " ".join(verb)[:60]
            if b"Traceback" in done.stderr or done.returncode not in (0, 2, 3, 4, 5):
                findings.acting.append(f"{where}: exit {done.returncode}: {done.stderr[-300:]!r}")
            for stream in (done.stdout, done.stderr):
                findings.look("terminal", where, COLOURS.sub("", stream.decode()) if colours else stream.decode())
            if verb[-1] in MARKDOWN:  # titles are no Markdown
                findings.look_at_markdown(where, TITLES.sub("", done.stdout.decode()))
            if "--csv" in verb:
                findings.look_at_csv(where, done.stdout.decode())
    findings.look_at_csv("points.csv", (folder / "site" / "points.csv").read_text("utf-8"))
    for name in ("site/summary.json", "site/points.csv", "site/feed.xml", "junit.xml", "picture.svg"):
        text = (folder / name).read_text("utf-8")
        findings.look("file", name, text if name.endswith("json") else COMMAND.sub("", text))
    for name in ("site/feed.xml", "junit.xml", "picture.svg"):
        ElementTree.parse(folder / name)  # well-formed
    owned = [str(path) for path in folder.rglob("owned")]
    findings.acting += [f"a shell made {path}" for path in owned]


def open_pages(folder: Path, findings: Findings) -> None:
    """Open every page in Chromium, use its parts, and see that nothing is executed or asked for."""
    from playwright.sync_api import sync_playwright

    named = [os.environ.get("TBP_CHROMIUM"), "/usr/bin/chromium", shutil.which("google-chrome")]
    executable = next(path for path in named if path and Path(path).exists())
    site = folder / "site"
    single = [f"{folder / 'one' / 'report.html'}#{page.relative_to(site)}" for page in site.rglob("*.html")]
    pages = [*map(str, site.rglob("*.html")), *single[:12], str(folder / "flame.html")]
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_context().new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("dialog", lambda dialog: (requests.append("a dialog"), dialog.dismiss()))
        for address in pages:
            requests.clear()
            page.goto(f"file://{address}")
            page.wait_for_load_state("load")
            page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
            page.mouse.move(600, 500)
            page.wait_for_timeout(150)
            name = address.rpartition("site/")[2][-60:]
            findings.seen["page"] += 1
            if page.evaluate("window.owned === 1 || document.title === 'owned'"):
                findings.acting.append(f"page {name}: executed")
            elsewhere = [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
            findings.acting += [f"page {name}: asked for {url}" for url in elsewhere]
            handlers = "[onerror], [onload], [onclick], a[href^='javascript:'], main iframe, main object, main base"
            if page.locator(handlers).count():
                findings.acting.append(f"page {name}: an element came out of a name")
            shown = page.evaluate("document.documentElement.innerText")
            if match := CONTROL.search(shown):
                findings.acting.append(
                    f"page {name}: control: {shown[max(0, match.start() - 30) : match.end() + 30]!r}"
                )
        browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--payloads", type=int, default=len(CORPUS), metavar="N", help="so many, from all over the corpus"
    )
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin with this one of the corpus")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the project here")
    options = parser.parse_args()
    payloads = [*CORPUS[options.first :: max(1, len(CORPUS) // options.payloads)]]
    os.environ["TBP_NO_CACHE"] = "1"
    findings = Findings()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(exist_ok=True)
        hashes = make_project(folder, payloads)
        print_outputs(folder, hashes, payloads, findings)
        open_pages(folder, findings)
    print(f"{len(payloads)} payloads: " + ", ".join(f"{number} of {kind}" for kind, number in findings.seen.items()))
    print(f"acting: {len(findings.acting)}")
    for finding in findings.acting[:50]:
        print(ascii(finding)[:400])
    return 1 if findings.acting else 0


if __name__ == "__main__":
    sys.exit(main())
