"""How many messages people get of nights without a change, and of nights with one: by real files, verb and webhook.

    python tools/simulated_messages.py [--projects 10] [--series 40] [--nights 40] [--seed 1]

A project is a results folder of one machine with thirty runs of each series before the first night. A night adds a run
of a new commit, and the pairs of processes that ``tbp nightly`` would measure, with a spread of 3 %; ``--alone`` adds
none. Then ``tbp notify --webhook --send`` tells a server on this machine. Runs have a noise of 3 % between
them, and one in fifty is 30 % slower, as on hosted runners. Half of the projects are steady. In the others a tenth of
the series becomes 30 % slower at the fifth night, is mended at a third of the nights, and slower again at two thirds.
Prints for both how many messages came, and for each step how many nights after it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import log
from pathlib import Path

from tbp.__main__ import main as tbp
from tbp.asv.ratios import Ratio, add_ratios
from tbp.history.stored import stored
from tbp.nightly.night_pairs import Task, fresh_tasks, new_tasks, tracked_series
from tbp.notify.news import first_told
from tbp.project.asv_config import AsvConfig, read_config
from tbp.report.site.load import report_data

BEFORE = 30
NOISE = 0.03
PAIR_NOISE = 0.03
ODD, ODD_FACTOR = 0.02, 1.3
SLOWER = 1.3
FIRST_STEP = 5
COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
           "stats_q_75", "stats_number", "stats_repeat"]  # fmt: skip
START_MS = 1_700_000_000_000
DAY_MS = 86_400_000


class Webhook(BaseHTTPRequestHandler):
    """A receiver that keeps the content of every message."""

    messages: list[dict[str, object]] = []  # noqa: RUF012 - http.server makes an instance for each request

    def do_POST(self) -> None:
        self.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing is printed."""


def commit(number: int) -> str:
    return f"{number + 0xC0FFEE00:040x}"[::-1]


def write_night(results: Path, noise: random.Random, number: int, slower: int, series: int) -> None:
    """The result file of one commit, of which the first ``slower`` of the ``series`` are slow."""
    rows = {}
    for name in range(series):
        value = 1e-3 * noise.gauss(1, NOISE) * (SLOWER if name < slower else 1.0)
        value *= ODD_FACTOR if noise.random() < ODD else 1.0
        quartiles = [[value * 0.99], [value * 1.01]]
        moment = START_MS + number * DAY_MS
        rows[f"suite.time_{name}"] = [[value], [], "v1", moment, 1.0, *quartiles, *quartiles, [10], [10]]
    content = {
        "version": 2, "commit_hash": commit(number), "env_name": "env", "date": START_MS + number * DAY_MS,
        "params": {"machine": "box"}, "python": "3.11", "requirements": {}, "result_columns": COLUMNS, "results": rows,
    }  # fmt: skip
    (results / "box" / f"{commit(number)[:8]}-env.json").write_text(json.dumps(content))


def measure_pairs(config: AsvConfig, noise: random.Random, slow_of: Mapping[str, int]) -> None:
    """Adds the ratios of a night, as ``measure_night`` chooses them; ``slow_of`` has how many of the series are slow at
    each commit, the newest last."""
    several = tracked_series(stored(config, None), "box")
    tracked = sorted(several, key=lambda series: series.key)  # so that noise falls on the same ones again
    of_key = {series.key: series for series in tracked}

    def measure(task: Task) -> None:
        for key, pairs in task.pairs.items():
            number = int(key.benchmark.rpartition("_")[2])
            base, head = (log(SLOWER) * (number < slow_of[name]) for name in (task.base, task.head))
            effects = tuple(noise.gauss(head - base, PAIR_NOISE) for _ in range(pairs))
            of_key[key].add(Ratio(task.base, task.head, effects, task.is_fresh))

    for task in new_tasks(tracked, list(slow_of)[-1:]):
        measure(task)
    while tasks := fresh_tasks(tracked):
        measure(tasks[0])
    add_ratios(config.results_dir, [(series.key, ratio) for series in tracked for ratio in series.made])


def messages_of(
    folder: Path, seed: int, series: int, nights: int, is_steady: bool, is_alone: bool
) -> list[tuple[int, str]]:
    """The night and the kind of each message of one project."""
    results, noise = folder / "results", random.Random(seed)
    (results / "box").mkdir(parents=True)
    (folder / "asv.conf.json").write_text(json.dumps({"project": "simulated", "results_dir": "results"}))
    for number in range(BEFORE):
        write_night(results, noise, number, 0, series)
    config, slow_of = read_config(folder / "asv.conf.json"), {commit(number): 0 for number in range(BEFORE)}
    first_told(report_data(config, None), results)
    several = []
    for night in range(nights):
        is_slow = not is_steady and (FIRST_STEP <= night < nights // 3 or night >= 2 * nights // 3)
        newest = commit(BEFORE + night)
        slow_of[newest] = max(1, series // 10) * is_slow
        write_night(results, noise, BEFORE + night, slow_of[newest], series)
        if not is_alone:
            measure_pairs(config, noise, slow_of)
            first_told(report_data(config, None), results)
        Webhook.messages.clear()
        code = tbp(["notify", "--webhook", "--send", "--config", str(folder / "asv.conf.json")])
        if code:
            raise SystemExit(f"tbp notify ended with {code}")
        several += [(night, str(message["kind"])) for message in Webhook.messages]
    return several


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=10)
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--nights", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="without pairs")
    options = parser.parse_args()
    with ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as server, tempfile.TemporaryDirectory() as temporary:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        os.environ["TBP_WEBHOOK_URL"] = f"http://127.0.0.1:{server.server_port}/"
        for is_steady in (True, False):
            counts: Counter[int] = Counter()
            for number in range(options.projects // 2):
                folder = Path(temporary) / f"{is_steady}-{number}"
                seed = options.seed * 1_000 + number
                several = messages_of(folder, seed, options.series, options.nights, is_steady, options.alone)
                counts[len(several)] += 1
                if several:
                    print(f"  project {number}: {', '.join(f'{kind} in night {night}' for night, kind in several)}")
            kind = "steady" if is_steady else "two steps"
            of = f"{options.projects // 2} projects of {options.series} series, {options.nights} nights each"
            shown = ", ".join(f"{projects} × {messages}" for messages, projects in sorted(counts.items()))
            print(f"{kind}: {of}: projects × messages {shown}", flush=True)
        server.shutdown()


if __name__ == "__main__":
    main()
