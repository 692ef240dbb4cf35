"""The page of claims in a browser: charts, widths, colours, axe, and hostile names."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.project.claims_file import Claim, ClaimsFile, KnownDefect
from tbp.report.site.build import write_site

from ..claims.claimed import practice, timed
from ..histories import report
from .conftest import HOSTILE
from .opening import DESKTOP, PHONE, assert_harmless, opened, overflow, unfold, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def claims_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A practice that depends on a width, one that is not measured, a defect; and all of it as an attack."""
    ratios = {"64": (1.3, 1.2, 1.4), "128": (1.0, 0.9, 1.1), "512": (0.4, 0.35, 0.45), "1024": (0.2, 0.19, 0.22)}
    cells = [timed("sdpa", 1e-6 * int(width) ** 2, ratio=ratio, width=width) for width, ratio in ratios.items()]
    cells += [timed("naive", 2e-6 * int(width) ** 2, width=width) for width in ratios]
    hostile = timed(HOSTILE, ratio=(0.5, 0.4, 0.6), against=HOSTILE, machine=HOSTILE, **{HOSTILE: HOSTILE})
    claims = (
        Claim("Faster", "A sentence.", (practice(why="one kernel"), practice(title="Other", variant="none"))),
        Claim(HOSTILE, HOSTILE, (practice(title=HOSTILE, variant=HOSTILE, against=HOSTILE, why=HOSTILE),)),
    )
    defects = (
        KnownDefect("tail", "x" * 90, "drops", "keeps"),
        KnownDefect(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
    )
    data = replace(report(*cells, hostile), claims=ClaimsFile(Path("c"), claims, defects))
    return write_site(data, tmp_path_factory.mktemp("claims")).with_name("claims.html")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_its_charts_fits_and_axe_finds_nothing_wrong(browser, claims_site, size, scheme) -> None:
    with opened(browser, claims_site, size, scheme, ready=".claim-chart[data-ready]") as page:
        unfold(page)
        assert page.locator(".claim-chart .scatterlayer .point").count() >= 4
        assert overflow(page) <= 0
        assert violations(page) == []
        assert_harmless(page)


def test_the_hover_of_a_mark_says_what_was_measured(browser, claims_site) -> None:
    with opened(browser, claims_site, ready=".claim-chart[data-ready]") as page:
        page.locator(".claim-chart .scatterlayer .point").first.hover(force=True)
        hover = page.locator(".claim-chart .hoverlayer .hovertext").first
        hover.wait_for(state="attached")
        assert "× faster than naive" in hover.text_content()
