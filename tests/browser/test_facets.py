"""Machines chosen on one page of the site are chosen on all of them, in a real browser."""

import random
from pathlib import Path

import pytest

from tbp.model.changes import State
from tbp.model.runs import Machine
from tbp.model.series import SeriesKey
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_single_file, write_site

from .conftest import commits, series
from .opening import PHONE, opened, overflow, violations, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MACHINES = (
    Machine("unit-1", (("GPU", "NVIDIA L4"), ("system", "Ubuntu 22.04"))),
    Machine("unit-2", (("GPU", "NVIDIA L4"), ("system", "Windows 11"))),
    Machine("unit-3", (("GPU", "NVIDIA A100"), ("system", "Ubuntu 22.04"))),
)


def fleet() -> ReportData:
    """Six sizes on three machines; each machine has a regression at another commit."""
    chance = random.Random(3)
    history = commits(chance, 20)
    histories = [
        series(
            chance, history, SeriesKey("fleet.Suite.time_step", (("size", f"s{size}"),), machine.name, "py3.13"), 1e-3,
            ((at, 1.5),) if size == 0 else (), state=State.REGRESSION if size == 0 else State.NO_CHANGE, traced=False,
        )
        for at, machine in zip((15, 16, 17), MACHINES, strict=True)
        for size in range(6)
    ]  # fmt: skip
    return ReportData("fleet", tuple(histories), MACHINES, commits=tuple(history))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(fleet(), tmp_path_factory.mktemp("fleet"))


@pytest.fixture(scope="module")
def one_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_single_file(fleet(), tmp_path_factory.mktemp("fleet") / "report.html")


@pytest.mark.parametrize("of", ["site", "one_file"])
def test_a_choice_of_machines_goes_along_from_page_to_page(browser, of, request) -> None:
    with opened(browser, request.getfixturevalue(of), ready="#filter[data-ready]") as page:
        page.select_option("select[name=os]", label="Ubuntu 22.04")
        assert page.inner_text("#shown") == "12 of 18 series"
        page.click("header >> text=Changes")
        page.wait_for_selector("#changes-filter")
        assert page.inner_text("#shown") == "2 of 3 events shown"
        page.select_option("select[name=machine]", "unit-1")
        assert page.inner_text("#shown") == "1 of 3 events shown"
        page.click("header >> text=Heatmap")
        page.wait_for_selector("#heat[data-ready]")
        assert page.inner_text("#heat-title").startswith("1 of 6 series moved")
        page.click("header >> text=Compare")  # whose columns have a machine each
        page.wait_for_selector("#compare-form[data-ready]")
        page.fill("#compare-q", "s3")
        assert "machine=unit-1" in page.url
        page.click("header >> text=Machines")
        page.wait_for_selector("#machines-filter")
        assert page.inner_text("#shown") == "1 of 3 environments shown"
        assert page.locator(".machine:visible h2 bdi >> nth=0").inner_text() == "NVIDIA L4 · Ubuntu 22.04"
        page.click("header >> text=Summary")
        page.wait_for_selector("#filter[data-ready]")
        assert page.inner_text("#shown") == "6 of 18 series"
        page.click("#series a >> nth=0")
        page.wait_for_selector("#chart[data-ready]")
        assert page.inner_text("#drawn").startswith("6 of 18 series drawn")
        page.click("header >> text=tbp")
        page.wait_for_selector("#filter[data-ready]")
        page.click("#all")
        assert page.inner_text("#shown") == "18 of 18 series"
        assert "machine" not in page.url


def test_the_chart_of_a_benchmark_and_its_list_have_the_same_machines(browser, site) -> None:
    (path,) = site.parent.glob("benchmarks/fleet*")
    with opened(browser, path, fragment="#gpu=NVIDIA+L4&cpu=elsewhere", ready="#chart[data-ready]") as page:
        assert page.inner_text("#drawn").startswith("8 of 18 series drawn, the worst first draw all 12")
        page.get_by_label("Ubuntu 22.04", exact=True).uncheck()
        assert page.inner_text("#drawn").startswith("6 of 18 series drawn")
        # What these series do not have stays for the other pages.
        assert page.url.endswith("#cpu=elsewhere&os=Windows+11&gpu=NVIDIA+L4")
        assert page.inner_text("#series-shown") == "6 of 18 series, as chosen for the chart"
        page.click("#every-series")
        wait_until(page, "document.getElementById('series-shown').textContent === '18 of 18 series'")
        assert page.url.endswith("#cpu=elsewhere")


def test_machines_can_be_chosen_on_a_phone_and_by_an_old_address(browser, site) -> None:
    for name in ("changes", "heatmap", "machines"):
        with opened(browser, site.with_name(f"{name}.html"), PHONE, fragment="#machine=gone&os=Windows+11") as page:
            wait_until(page, "document.getElementById('shown').textContent")
            assert page.inner_text("#shown").startswith("1 of ")
            assert overflow(page) <= 0
            assert violations(page) == []
