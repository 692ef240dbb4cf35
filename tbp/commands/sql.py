"""``tbp sql``: a question to a store in SQL."""

from __future__ import annotations

import argparse

from tbp.commands.options import add_form_option
from tbp.errors import ExitCode

HELP = "ask a store in SQL; docs/reference/store.md has its tables, and ten questions"
EXAMPLES = (
    ("the slowest benchmarks today", "tbp sql 'FROM series ORDER BY value DESC LIMIT 10' --store /data/tbp"),
    (
        "what became slower this month, for a spreadsheet",
        "tbp sql \"SELECT * FROM changes WHERE is_worse AND date >= '2026-11-01'\" --store /data/tbp --csv slower.csv",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", metavar="QUERY", help="one SELECT, in the SQL of DuckDB")
    parser.add_argument("--store", required=True, metavar="URI", help="the store: a folder, or a URL")
    add_form_option(parser, "--json", "as JSON, an object for each row")
    add_form_option(parser, "--csv", "as CSV")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 when there is an answer, and be it of no row."""
    from tbp.commands.output import require_writable, terminal_width, write_forms
    from tbp.dataset.answers import answer_table, to_csv, to_json
    from tbp.dataset.files import StoreFiles
    from tbp.dataset.parts import required
    from tbp.dataset.sql import answer
    from tbp.system.printing import warn

    require_writable({"--json": options.json, "--csv": options.csv})
    store = StoreFiles(options.store)
    live = required(store)
    warn(*(f"tbp: {problem}" for problem in live.problems))
    rows = answer(store, live, options.query)
    forms = {"--json": (options.json, lambda: to_json(rows)), "--csv": (options.csv, lambda: to_csv(rows))}
    write_forms(forms, lambda: answer_table(rows, terminal_width()))
    return ExitCode.OK
