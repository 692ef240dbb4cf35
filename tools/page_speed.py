"""The time until a report's pages show something, and their sizes.

    python tools/page_speed.py [--series 300] [--commits 200] [--out DIR]

Builds a report of made-up results and opens its index, its other pages and those of two benchmarks in Chromium from
file://, each in a new browser context, five times. Shown are medians, from the start of the navigation: *paint* is the
first paint of anything, *chart* is when the first sparkline or plot is in the page and drawn. Targets: first paint in
0.3 s, first chart in 1 s; the index of 300 series under 250 kB; a benchmark's page with its data under 40 kB; shared
scripts under 1.4 MB. Takes about two minutes; needs playwright and Chromium (TBP_CHROMIUM or /usr/bin/chromium).
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

from synthetic_project import Project, synthetic

CHART = ".spark path, #chart .scatterlayer path"  # without the small pictures beside names and changes
TIMES = 5
TIMEOUT_S = 20.0
CHROMIUM = os.environ.get("TBP_CHROMIUM", "/usr/bin/chromium")
# Notes the time at which a matching element is there and the next frame is drawn.
WATCH = """
(() => {
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
    context.close()
    return Speed(paint_ms / 1000, chart_ms / 1000)


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


def show(browser: Any, out: Path) -> None:
    pages = sorted(out.glob("*.html"), key=lambda path: path.name != "index.html")
    largest = max(out.glob("benchmarks/*.html"), key=lambda path: path.stat().st_size)
    median = sorted(out.glob("benchmarks/*.html"), key=lambda path: path.stat().st_size)[len(pages) // 2]
    print(f"{'':52}{'paint s':>9}{'chart s':>9}{'page kB':>9}{'+ data':>9}{'gzip':>9}")
    for page in [*pages, largest, median]:
        has_chart = page.name in ("index.html", "charts.html") or page.parent.name == "benchmarks"
        speeds = [speed(browser, page, has_chart) for _ in range(TIMES)]
        paint_s = statistics.median(each.paint_s for each in speeds)
        chart_s = statistics.median(each.chart_s for each in speeds)
        contents = [path.read_bytes() for path in loaded(out, page)]
        sizes = (len(contents[0]), sum(map(len, contents)), sum(len(gzip.compress(content, 6)) for content in contents))
        columns = "".join(f"{size / 1000:>9.1f}" for size in sizes)
        print(f"{page.relative_to(out).as_posix()[-50:]:52}{paint_s:>9.2f}{chart_s:>9.2f}{columns}", flush=True)
    shared = sum(path.stat().st_size for path in out.glob("static/**/*.js")) / 1e6
    print(f"shared scripts: {shared:.2f} MB")


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--out", type=Path, help="folder of a report that is built already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        out = arguments.out or Path(folder) / "site"
        if arguments.out is None:
            built(synthetic(Path(folder) / "made", arguments.series, arguments.commits, parameters=True), out)
        args = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=args)
        show(browser, out.resolve())
        browser.close()


if __name__ == "__main__":
    main()
