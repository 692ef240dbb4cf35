"""The time until a report's pages show something, and their sizes.

    python tools/page_speed.py [--series 300] [--commits 200] [--one-benchmark] [--out DIR]

Builds a report of made-up results and opens its index, its other pages and those of two benchmarks in Chromium from
file://, each in a new browser context, five times. Shown are medians, from the start of the navigation: *paint* is the
first paint of anything, *chart* is when the first sparkline or plot is in the page and drawn, *free* is the end of the
last task of more than 50 ms: from there on the page answers at once. *typing* is the longest task while "attention
bf16" is typed into the page's search field, letter by letter; 50 ms where none is longer. *nodes* are all of the
document's. With
--one-benchmark all series are of one benchmark, 1,632 of them. Targets: first paint in 0.3 s, first chart in 1 s, free
in 1 s, typing 200 ms at 10,000 series; the index of 300 series under 200 kB; a benchmark's page with its data under
40 kB in the middle and 400 kB at most; shared scripts under 1.4 MB. Takes about two minutes; needs playwright and
Chromium (TBP_CHROMIUM or /usr/bin/chromium).
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthetic_project import LARGEST_GRID, Project, synthetic

CHART = ".spark path, #chart .scatterlayer path"  # without the small pictures beside names and changes
NODES = "document.createNodeIterator(document, NodeFilter.SHOW_ALL)"
TIMES = 5
TYPED = "attention bf16"
LETTER_MS = 80  # between two letters, as of somebody who types fast
SETTLED_MS = 1500  # without a further long task
TIMEOUT_S = 20.0
CHROMIUM = os.environ.get("TBP_CHROMIUM", "/usr/bin/chromium")
# Notes the time at which a matching element is there and the next frame is drawn.
WATCH = """
(() => {
  window.free = window.longest = 0;
  const last = (list) => {
    for (const { startTime, duration } of list.getEntries()) {
      window.free = startTime + duration;
      window.longest = Math.max(window.longest, duration);
    }
  };
  new PerformanceObserver(last).observe({ type: "longtask", buffered: true });
  const look = () => {
    if (document.querySelector(SELECTOR)) {
      requestAnimationFrame(() => setTimeout(() => { window.chartDrawn ??= performance.now(); }));
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
})();
"""


@dataclass(frozen=True)
class Speed:
    paint_s: float
    chart_s: float
    free_s: float
    typing_ms: float
    nodes: int


def built(project: Project, out: Path) -> None:
    command = [sys.executable, "-m", "tbp", "report", "--exit-zero", "--out", str(out)]
    environment = os.environ | {"TBP_NO_CACHE": "1"}
    subprocess.run(command, cwd=project.folder, env=environment, stdout=subprocess.DEVNULL, check=True)


def speed(browser: Any, page: Path, has_chart: bool) -> Speed:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(WATCH.replace("SELECTOR", repr(CHART)))
    tab = context.new_page()
    tab.goto(page.as_uri())
    paint_ms = waited(tab, "performance.getEntriesByType('paint')[0]?.startTime")
    chart_ms = waited(tab, "window.chartDrawn") if has_chart else float("nan")
    tab.wait_for_timeout(SETTLED_MS)
    free_ms = max(paint_ms, float(tab.evaluate("() => window.free")))
    nodes = tab.evaluate(
        f"() => {{ const all = {NODES}; let number = 0; while (all.nextNode()) number += 1; return number; }}"
    )
    typing_ms = typing(tab)
    context.close()
    return Speed(paint_ms / 1000, chart_ms / 1000, free_ms / 1000, typing_ms, int(nodes))


def typing(tab: Any) -> float:
    """The longest task while somebody types into the search field of the page; NaN where it has none."""
    field = tab.locator("main input[type=search]:visible").first
    if not field.count():
        return float("nan")
    field.focus()
    tab.evaluate("() => { window.longest = 50; }")
    field.press_sequentially(TYPED, delay=LETTER_MS)
    tab.wait_for_timeout(SETTLED_MS)
    return float(tab.evaluate("() => window.longest"))


def waited(tab: Any, expression: str) -> float:
    """The expression's value, once it has one; NaN after TIMEOUT_S.

    ``wait_for_function`` needs eval, which the pages' content security policy forbids.
    """
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        value = tab.evaluate(f"() => {expression}")
        if value is not None:
            return float(value)
        tab.wait_for_timeout(20)
    return float("nan")


def loaded(out: Path, page: Path) -> list[Path]:
    """The page and the data that it loads when it is opened, without files that all pages share."""
    text = page.read_text()
    data = [
        path for path in out.glob("data/*.js") if path.name in text and path.name not in ("layout.js", "commits.js")
    ]
    return [page, *data]


def show(browser: Any, out: Path, times: int) -> None:
    pages = sorted(out.glob("*.html"), key=lambda path: path.name != "index.html")
    benchmarks = sorted(out.glob("benchmarks/*.html"), key=lambda path: path.stat().st_size)
    shown = dict.fromkeys([*pages, benchmarks[-1], benchmarks[len(benchmarks) // 2]])
    heads = ("paint s", "chart s", "free s", "typing ms", "nodes", "page kB", "+ data", "gzip")
    print(" " * 52 + "".join(f"{head:>10}" for head in heads))
    for page in shown:
        has_chart = page.name == "index.html" or page.parent.name == "benchmarks"
        speeds = [speed(browser, page, has_chart) for _ in range(times)]
        paint_s, chart_s, free_s, typing_ms = (
            statistics.median(getattr(each, name) for each in speeds)
            for name in ("paint_s", "chart_s", "free_s", "typing_ms")
        )
        contents = [path.read_bytes() for path in loaded(out, page)]
        sizes = (len(contents[0]), sum(map(len, contents)), sum(len(gzip.compress(content, 6)) for content in contents))
        columns = "".join(f"{size / 1000:>10.1f}" for size in sizes)
        columns_of_time = f"{paint_s:>10.2f}{chart_s:>10.2f}{free_s:>10.2f}{typing_ms:>10.0f}{speeds[0].nodes:>10,}"
        print(f"{page.relative_to(out).as_posix()[-50:]:52}{columns_of_time}{columns}", flush=True)
    shared = sum(path.stat().st_size for path in out.glob("static/**/*.js")) / 1e6
    print(f"shared scripts: {shared:.2f} MB")


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--one-benchmark", action="store_true", help="of all series")
    parser.add_argument("--times", type=int, default=TIMES, help="each page is opened")
    parser.add_argument("--out", type=Path, help="folder of a report that is built already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        out = arguments.out or Path(folder) / "site"
        if arguments.out is None:
            grid = LARGEST_GRID if arguments.one_benchmark else ()
            made = synthetic(Path(folder) / "made", arguments.series, arguments.commits, parameters=True, grid=grid)
            built(made, out)
        args = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=args)
        show(browser, out.resolve(), arguments.times)
        browser.close()


if __name__ == "__main__":
    main()
