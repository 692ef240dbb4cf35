"""Every series of the index as data for its script: what the filter looks at, and what rows are made of.

Takes a ``Summary``, gives plain JSON values for data/index.js. The page itself holds the worst rows only, so that it
stays small; pages/index.js makes the others of this, as they are asked for, and pages/charts.js draws all of them.
What is empty at the end of a row is left out: most series are quiet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tbp.model.changes import State
from tbp.report.base.render import DataFile
from tbp.report.pages.index.page import Summary
from tbp.report.pages.index.rows import Row
from tbp.report.parts import sparkline
from tbp.report.parts.commit_links import CommitLink
from tbp.report.parts.series_order import ROW_ORDER, Tile
from tbp.report.parts.shown_change import told_size
from tbp.wording import verdicts, words

Value: TypeAlias = "str | int | float | list[Value]"

# The order of a row's fields is static/charts/series.js's ``fields``.


class _Texts:
    """Values that many rows share, each once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], int] = {}

    def place(self, *texts: str) -> int:
        return self.known.setdefault(texts, len(self.known))

    @property
    def listed(self) -> list[Value]:
        return [list[Value](texts) if len(texts) > 1 else texts[0] for texts in self.known]


def index_files(summary: Summary) -> Iterator[DataFile]:
    """The data of the index, and the list of benchmarks, which the pages of benchmarks load to lead to each other."""
    yield DataFile("data/index.js", (("tbp.index", index_data(summary)),))
    yield DataFile("data/benchmarks.js", (("tbp.benchmarks", benchmark_list(summary)),))


def benchmark_list(summary: Summary) -> list[list[str]]:
    """Each benchmark, by suite and name: its name, its address from the site's folder, and the worst state of its
    series: the name and glyph of the state, and how many series are in it."""
    return [
        [words.visible(benchmark.name), benchmark.href, *_worst(benchmark.tiles)]
        for family in summary.families
        for benchmark in family.benchmarks
    ]


def _worst(tiles: Sequence[Tile]) -> tuple[str, str, str]:
    worst = min(tiles, key=lambda tile: ROW_ORDER.index(tile.state))
    return worst.state.name.lower(), worst.glyph, f"{worst.number:,} {worst.word}"


def index_data(summary: Summary) -> dict[str, Value | dict[str, Value]]:
    """What data/index.js hands to the script."""
    benchmarks, places, commits = _Texts(), _Texts(), _Texts()
    series: list[Value] = [_row(one, benchmarks, places, commits) for one in summary.rows]
    return {
        "states": [[state.name.lower(), verdicts.GLYPHS[state], verdicts.PLURALS[state][0]] for state in State],
        "benchmarks": benchmarks.listed,
        "places": places.listed,
        "commits": commits.listed,
        "spark": {
            "width": sparkline.WIDTH, "height": sparkline.HEIGHT, "units": sparkline.UNITS,
            "margin": sparkline.MARGIN, "levels": sparkline.LEVELS,
        },
        "series": series,
    }  # fmt: skip


def _row(one: Row, benchmarks: _Texts, places: _Texts, commits: _Texts) -> list[Value]:
    page, _, anchor = one.href.partition("#")
    levels: list[Value] = [_seen(level) for level in one.levels]
    standing = one.standing
    causes: list[Value] = [_seen(cause) for cause in one.causes]
    # One to a smaller value is -1 - its column.
    changes: list[Value] = [
        column if is_up else -1 - column for column, is_up in zip(one.sparkline.changes, one.sparkline.ups, strict=True)
    ]
    fields: list[Value] = [
        benchmarks.place(_seen(one.benchmark), page),
        _seen(one.parameters),
        anchor,
        places.place(_seen(one.machine), _seen(one.environment), _seen(one.place)),
        list(State).index(one.state),
        _seen(one.newest),
        one.sparkline.code,
        _seen(one.device),
        _seen(one.remark),
        # Only of what moved:
        told_size(one.size),
        _seen(one.change) if one.size else "",
        list[Value](one.sure),
        _commit(one.commit, commits),
        _commit(one.last_good, commits),
        one.between,
        causes,
        changes,
        levels,
        _seen(standing.leaving) if standing else "",
        _seen(standing.net) if standing else "",
        (standing.is_left + 2 * standing.is_net_worse) if standing else 0,
        _seen(one.no_cause),
    ]
    while fields and fields[-1] in ("", 0, []):
        fields.pop()
    return fields


def _commit(link: CommitLink | None, commits: _Texts) -> int:
    """Its place in the list of commits, from 1; 0 for none, so that it can be left out."""
    if link is None:
        return 0
    return 1 + commits.place(
        _seen(link.short), _seen(link.hash), _seen(link.subject), link.href, link.date, link.anchor
    )


def _seen(text: str) -> str:
    return words.visible(text)
