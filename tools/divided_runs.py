"""How well events join: real runs of one machine, dealt out in turns to several, against the undivided history.

    python tools/divided_runs.py path/to/results [--machines 3]

Prints four numbers: the different first commits of the confirmed changes of the code, their events, the events with a
range of one commit, and those of these at whose commit the undivided history has an event. Takes about as long as two
reports of the results.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tbp.history.events import Event
from tbp.report.base.report_data import ReportData
from tbp.report.site.load import report_data


def divided(results: Path, folder: Path, machines: int) -> None:
    """The result files of ``results`` in ``folder``, each as if measured on the next of ``machines`` machines."""
    (folder / "benchmarks.json").write_bytes((results / "benchmarks.json").read_bytes())
    contents = {path: json.loads(path.read_bytes()) for path in results.glob("*/*.json") if path.name != "machine.json"}
    for number, (path, content) in enumerate(sorted(contents.items(), key=lambda item: item[1]["date"])):
        machine = f"m{number % machines}"
        (folder / machine).mkdir(exist_ok=True)
        params = {**content["params"], "machine": machine}
        (folder / machine / path.name).write_text(json.dumps({**content, "params": params}))
        facts = json.loads((path.parent / "machine.json").read_bytes())
        (folder / machine / "machine.json").write_text(json.dumps({**facts, "machine": machine}))


def verdicts(data: ReportData) -> list[Event]:
    return [event for event in data.events if event.is_verdict]


def summary(divided_data: ReportData, whole: ReportData) -> Mapping[str, int]:
    events = verdicts(divided_data)
    exact = [event.range.first.hash for event in events if event.range.commits == 1]
    seen_at = {change.range.first.hash for event in events for change in event.changes if change.range is not None}
    known = {event.range.first.hash for event in verdicts(whole)}
    return {
        "first commits": len(seen_at),
        "events": len(events),
        "of one commit": len(exact),
        "at an event of the undivided history": sum(commit in known for commit in exact),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--machines", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        divided(options.results, Path(folder), options.machines)
        numbers = summary(report_data(None, Path(folder)), report_data(None, options.results))
    print(", ".join(f"{number} {name}" for name, number in numbers.items()))


if __name__ == "__main__":
    main()
