"""Result files from elsewhere beside the stored runs, in a real browser."""

import json

import pytest

from .opening import PHONE, opened, overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def result_file(**other: object) -> bytes:
    """As asv writes it: of two parameters, with a value, a skipped one, a failed one and a row that is too short."""
    step = "attention.Quick.torchtime_step"
    params = [["'math'", "'sdpa'"], ["64", "1024"], ["'float32'"]]
    file = {
        "commit_hash": "f00dfeed" * 5, "env_name": "elsewhere-py3.13", "date": 1775000000000,
        "params": {"machine": "<img src=x onerror=document.title='owned'>"}, "version": 2,
        "result_columns": ["result", "params"],
        "results": {step: [[1e-4, float("nan"), None], params], "gone.time_x": [[float("-inf")], []]},
    } | other  # fmt: skip
    return json.dumps(file).encode()


def test_a_result_file_from_elsewhere_becomes_a_column(browser, plausible_site) -> None:
    with opened(browser, plausible_site.parent / "compare.html", ready="#compare-form[data-ready]") as page:
        given = {"name": "theirs.json", "mimeType": "application/json", "buffer": result_file()}
        page.set_input_files("#compare-files", [given])
        page.wait_for_selector("#compare-read li")
        assert page.inner_text("#compare-read") == "theirs.json: 3 series; 1 of its benchmarks are not in this report."
        page.fill("#compare-q", "torchtime_step variant=math, sequence_length=64")
        row = page.locator("#compare-table tbody tr").first.inner_text()
        assert "100 µs" in row
        assert "% faster" in row
        page.fill("#compare-q", "torchtime_step variant=math, sequence_length=1024")
        page.click("#compare-folds summary")
        assert "skipped" in page.locator("#compare-folds tbody tr").first.inner_text()
        page.fill("#compare-q", "torchtime_step variant=sdpa, sequence_length=64")
        assert "failed" in page.locator("#compare-table tbody tr").first.inner_text()
        assert "<img src=x" in page.inner_text("#compare-columns")
        assert "f00dfeed" in page.inner_text("#compare-title")
        assert "f00dfeed" not in page.evaluate("location.hash")
        assert page.locator("main img").count() == 0
        assert page.title() != "owned"
        assert violations(page) == []
        page.get_by_role("button", name="Remove Contender").click()
        assert page.locator("#compare-default").is_visible()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<script>", "<b>x.json is no JSON: choose a result file of asv"),
        (b'{"machine": "m"}', "<b>x.json is no asv result, it has no results of a commit: choose"),
        (b"null", "<b>x.json is no asv result"),
        (result_file(version=1), "<b>x.json is of another format of asv than 2: run asv update"),
        (result_file(results={"gone.time_x": [[1.0], []]}), "<b>x.json has none of this report's series"),
        (result_file(results={"attention.Quick.torchtime_step": 3}), "<b>x.json has none of this report's series"),
        (b"[" * 200_000, "<b>x.json is no JSON"),
    ],
)
def test_a_file_that_is_no_result_is_told_what_to_do(browser, plausible_site, content, said) -> None:
    with opened(browser, plausible_site.parent / "compare.html", PHONE, ready="#compare-form[data-ready]") as page:
        # Dropped, as from a folder's window.
        page.evaluate(
            """async (content) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(content)], "<b>x.json"));
              document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
            }""",
            list(content),
        )
        page.wait_for_selector("#compare-read li")
        assert page.inner_text("#compare-read").startswith(said)
        assert page.locator("#compare-default").is_visible()
        assert page.locator("#compare-read b").count() == 0
        assert overflow(page) <= 0
