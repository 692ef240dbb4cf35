"""Options that several verbs share, so that each is named and explained once."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="asv's configuration (default: asv.conf.json)")


def add_branch_option(parser: argparse.ArgumentParser) -> None:
    say = "the series are this branch's first parents (default: the first of branches in asv.conf.json)"
    parser.add_argument("--branch", default="", metavar="NAME", help=say)


def add_results_options(parser: argparse.ArgumentParser) -> None:
    """Where asv's results are: beside its configuration, or in a folder of their own."""
    add_config_option(parser)
    parser.add_argument("--results", type=Path, metavar="DIR", help="asv's results (default: what the config says)")


def add_place_options(parser: argparse.ArgumentParser, which: str) -> None:
    """Which machine's and which environment's results are meant; ``which`` is the help of both."""
    parser.add_argument("--machine", default="", metavar="NAME", help=which)
    parser.add_argument("--environment", default="", metavar="NAME", help=which)


def add_bench_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bench", action="append", default=[], metavar="REGEX", help="only these benchmarks")


def add_stored_options(parser: argparse.ArgumentParser) -> None:
    """Where a stored commit's traces are, and which of its benchmark cells are meant."""
    add_results_options(parser)
    add_place_options(parser, "of a commit's traces; default: any")
    add_bench_option(parser)


def percent(text: str) -> float:
    """As a share: ``5`` and ``5%`` are 0.05."""
    value = float(text.removesuffix("%"))
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError("must be above 0 and below 100")
    return value / 100


def minutes(text: str) -> float:
    """A number above 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def minutes_or_none(text: str) -> float:
    """A number of at least 0."""
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError("must be at least 0")
    return value


def count(text: str) -> int:
    """A number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
