"""Pages stay small: what a reader waits for on a slow disk or line."""

import gzip
import math
import random
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tbp.history.two_sides import sides
from tbp.model.changes import Circumstance, History, State
from tbp.report.base.render import STATIC, Frame, main_html, packed_call, script_call, script_text, static_text
from tbp.report.data.history_chart import commits_payload

from ...histories import page_of

# The ordinary page: README and DESIGN promise it.
MOST_BYTES = 40_000


def measured(make_history: Callable[..., History], name: str, runs: int, changed: bool, make_change) -> History:
    """A noisy series, with a step in the last quarter where ``changed``; its samples and circumstances are known."""
    chance = random.Random(name)
    at = 3 * runs // 4
    values = [2e-3 * math.exp(chance.gauss(0, 0.02)) * (1.2 if changed and i >= at else 1) for i in range(runs)]
    state = State.REGRESSION if changed else State.NO_CHANGE
    changes = (make_change(at, 2e-3, 2.4e-3),) if changed else ()
    parameters = (("variant", name), ("sequence_length", "1024"), ("dtype", "float32"), ("device", "cpu"))
    history = make_history(values, state, parameters=parameters, changes=changes)
    if changed:
        samples = [[chance.gauss(2e-3, 5e-5) for _ in range(300)] for _ in range(3)]
        (both,) = sides(history.points, [changes[0].change], lambda _: samples)
        around = tuple(Circumstance(f"package-{i}", "1.2.3", "1.2.3") for i in range(30))
        history = replace(history, changes=(replace(changes[0], sides=both, circumstances=around),))
    return history


@pytest.mark.parametrize(
    ("series", "runs", "changed", "most_bytes"),
    # Twenty changed series are twenty changes, each with its values, its levels and a command.
    [(12, 120, 3, MOST_BYTES), (60, 200, 8, MOST_BYTES), (28, 76, 20, 50_000)],
    ids=["an ordinary page", "many parameters", "a commit that moved most of it"],
)
def test_a_page_and_the_data_that_it_opens_with_are_small(
    make_history, make_change, make_report, series, runs, changed, most_bytes
) -> None:
    found = [measured(make_history, f"variant_{i}", runs, i < changed, make_change) for i in range(series)]
    code = "    def torchtime_step(self, *values):\n        return self.step.run()\n" * 40  # longer than is shown
    data = make_report(*found, sources={found[0].key.benchmark: code})
    page = page_of(found[0].key.benchmark, data)
    html = main_html("benchmark.html", page, Frame("example", "today", "0", root="../")).encode()
    script = script_call(*packed_call("tbp.chart", page.chart.payload)).encode()
    more = script_call(*packed_call("tbp.more", page.chart.more)).encode()
    print(f"page {len(html):,} B, data {len(script):,} B, gzip {len(gzip.compress(html + script)):,} B")
    print(f"data that comes later {len(more):,} B")
    assert len(html) + len(script) < most_bytes
    assert len(more) < 1_000 * series


def test_a_page_of_400_series_of_165_runs_is_no_monster(make_history, make_change, make_report) -> None:
    found = [measured(make_history, f"variant_{i}", 165, i % 20 == 0, make_change) for i in range(400)]
    data = make_report(*found)
    page = page_of(found[0].key.benchmark, data)
    html = main_html("benchmark.html", page, Frame("example", "today", "0", root="../")).encode()
    script = script_call(*packed_call("tbp.chart", page.chart.payload)).encode()
    print(f"page {len(html):,} B, data {len(script):,} B, gzip {len(gzip.compress(html + script)):,} B")
    assert len(html) + len(script) < 150_000
    assert len(script_call("tbp.commits", commits_payload(data.commits, data.commit_url))) < 20_000


def test_the_scripts_of_a_site_are_small() -> None:
    names = [file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*.js")]
    sizes = {name: len(script_text(name).encode()) for name in names}
    assert len(sizes) > 10
    assert sum(sizes.values()) < 1_400_000


def test_scripts_keep_every_text_as_it_is() -> None:
    ours = [file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*.js") if file.parent.name != "vendor"]
    assert "} commits apart`}. Each value" in script_text("charts/cursors.js")  # a text within another one
    # A text over several lines would lose what begins them.
    odd = [name for name in ours for line in static_text(name).splitlines() if line.count("`") % 2]
    assert odd == []
