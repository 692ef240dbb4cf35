"""The registry of pages: what an entry names is there, and what nobody names is not."""

import pytest

from tbp.report.base.render import OF_EVERY_PAGE, OF_SEARCH, SCRIPT_OF_SINGLE_FILE, STATIC
from tbp.report.pages import PAGES
from tbp.report.pages.benchmark import files
from tbp.report.site.build import write_site


def test_each_page_has_a_file_a_title_and_a_template_of_its_own() -> None:
    assert len({page.file for page in PAGES}) == len({page.title for page in PAGES}) == len(PAGES)
    assert all((STATIC.parent / "templates" / page.file).exists() for page in PAGES)


def test_every_script_is_loaded_by_a_page() -> None:
    used = {name for page in PAGES for name in page.scripts}
    used |= {*files.SCRIPTS, *OF_EVERY_PAGE, *OF_SEARCH, SCRIPT_OF_SINGLE_FILE}
    assert used == {path.relative_to(STATIC).with_suffix("").as_posix() for path in STATIC.rglob("*.js")}


def test_a_page_with_nothing_to_show_is_neither_written_nor_linked(tmp_path, make_history, make_report) -> None:
    index = write_site(make_report(make_history()), tmp_path)
    assert "compression.html" not in index.read_text("utf-8")
    assert not (tmp_path / "compression.html").exists()
    assert {path.name for path in tmp_path.glob("*.html")} == {page.file for page in PAGES} - {
        "compression.html", "claims.html",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["compression.html", "charts.html"])
def test_a_page_that_is_no_more_is_removed(tmp_path, make_history, make_report, name) -> None:
    write_site(make_report(make_history()), tmp_path)
    old = tmp_path / name
    old.write_bytes((tmp_path / "machines.html").read_bytes())
    mine = tmp_path / "notes.html"
    mine.write_bytes(old.read_bytes())
    write_site(make_report(make_history()), tmp_path)
    assert (old.exists(), mine.exists()) == (False, True)
