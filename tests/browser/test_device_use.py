"""Devices, ranks and memory in a real browser: read when opened, drawn, accessible, and harmless."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_single_file, write_site
from tbp.traces.devices.bounded_memory import bounded
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.per_step import devices
from tbp.traces.read_recording import read_recording

from ..histories import commit_order, history
from ..trace_events import as_read
from .conftest import HOSTILE
from .opening import (
    DESKTOP,
    PHONE,
    assert_harmless,
    opened,
    overflow,
    quiet_page,
    violations,
    wait_until,
    without_scripts,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AMP = Path(__file__).parents[1] / "data" / "h200" / "train_amp_stack_modules.pt.trace.json.gz"
FOLDS = ".device-use details[data-part]"


def traced(benchmark: str) -> History:
    rank = read_recording(AMP).rank
    assert rank is not None
    assert rank.memory is not None
    of = history([1.0], State.NOT_ENOUGH_DATA, benchmark=benchmark)
    return replace(of, devices=devices([rank]), memory=bounded(rank.memory))


def named(of: History, name: str) -> History:
    """The history with ``name``, as a trace has it, for every operator, kernel, module and device."""
    name = as_read(name)
    view, memory = of.devices, of.memory
    assert view is not None
    assert memory is not None
    view = replace(
        view,
        devices=view.devices.assign(device=name),
        kernels=view.kernels.assign(kernel=name, operator=name),
        idle=view.idle.assign(operator=name, device=name),
        backend=name,
    )
    frames = {part: getattr(memory, part) for part in ("peaks", "alive", "grown", "timeline")}
    frames = {
        part: frame.assign(device=frame["device"].map({"0": name, "host": "host"})) for part, frame in frames.items()
    }
    frames |= {part: frames[part].assign(operator=name, module=name) for part in ("peaks", "alive", "grown")}
    return replace(of, devices=view, memory=MemoryUse(**frames))


@pytest.fixture(scope="module")
def data() -> ReportData:
    several = traced("c.time_several")
    keys = [replace(several.key, parameters=(("width", str(width)),)) for width in range(40)]
    histories = (
        traced("a.time_amp"),
        named(traced("b.time_hostile"), HOSTILE),
        *(replace(several, key=key) for key in keys),
    )
    return ReportData("example", histories, commits=commit_order(histories))


@pytest.fixture(scope="module")
def site(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(data, tmp_path_factory.mktemp("devices")).parent


def page_of(site: Path, name: str) -> Path:
    return next(site.glob(f"benchmarks/{name}*.html"))


def opened_folds(page: Any) -> None:
    for fold in page.locator(FOLDS).all():
        fold.locator("> summary").click()
    wait_until(page, "document.querySelector('.memory-chart[data-ready]')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_what_is_folded_is_read_when_it_is_opened(browser, site, size, scheme) -> None:
    with opened(browser, page_of(site, "a-time"), size, scheme, fragment="#findings") as page:
        assert page.evaluate("tbp.uses.data.size") == 0
        assert page.locator(f"{FOLDS} table").count() == 0
        opened_folds(page)
        assert page.locator(f"{FOLDS}[data-ready]").count() == 3
        assert page.locator(f"{FOLDS} table").count() == 4
        assert "before aten::copy_ 26 %" in page.inner_text("[data-part=idle]")
        assert page.locator(".memory-chart .scatterlayer .trace").count() == 4  # a line and a peak of each device
        assert page.locator(".device-use .growth .key").count() == 2
        assert overflow(page) <= 0
        assert violations(page) == []


AT_ONCE = f"""new MutationObserver(() => {{
  for (const fold of document.querySelectorAll("{FOLDS}:not([open])")) fold.open = true;
}}).observe(document, {{ childList: true, subtree: true }})"""


def test_a_fold_that_is_opened_before_the_page_has_its_data_is_filled(browser, site) -> None:
    with quiet_page(browser) as page:
        page.add_init_script(AT_ONCE)
        page.goto(page_of(site, "a-time").as_uri())
        wait_until(page, f"document.querySelectorAll('{FOLDS}[data-ready]').length === 3")
        assert page.locator(f"{FOLDS} table").count() == 4


def test_a_second_opening_reads_nothing_again(browser, site) -> None:
    with opened(browser, page_of(site, "a-time")) as page:
        opened_folds(page)
        fold = page.locator("[data-part=idle]")
        for _ in range(2):
            fold.locator("> summary").click()
        assert fold.locator("table").count() == 1


def test_a_series_that_comes_into_the_page_later_has_its_parts(browser, site) -> None:
    with opened(browser, page_of(site, "c-time")) as page:
        wait_until(page, "document.querySelectorAll('.one').length > 1")
        assert page.locator(".one [data-waits]").count() > 0
        later = page.locator(".one:has(> [data-waits])").first
        later.locator("summary").first.click()
        wait_until(page, "document.querySelectorAll('.one[open] .device-use').length > 0")
        later = page.locator(".one[open]:has(.device-use)").last
        later.locator("[data-part=idle] summary").click()
        wait_until(page, "document.querySelector('[data-part=idle][data-ready] table')")


def test_a_report_of_one_file_has_the_same(browser, data, tmp_path) -> None:
    path = write_single_file(data, tmp_path / "report.html")
    name = page_of(write_site(data, tmp_path / "site").parent, "a-time").name
    with opened(browser, path, fragment=f"#/benchmarks/{name}") as page:
        opened_folds(page)
        assert page.locator(f"{FOLDS} table").count() == 4


def test_without_scripts_the_sentences_say_what_there_is(browser, site) -> None:
    with without_scripts(browser, page_of(site, "a-time")) as page:
        assert "Idle time: the host launches late 81 %" in page.inner_text(".device-use")
        assert page.locator(f"{FOLDS}:visible").count() == 0


def test_hostile_names_stay_names(browser, site) -> None:
    with opened(browser, page_of(site, "b-time")) as page:
        opened_folds(page)
        assert "<script>" in page.inner_text("[data-part=kernels]")
        assert_harmless(page)
