"""The report in a browser: quiet, self-contained, and within the width of a phone and of a wide screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmark.runs.workspace import Workspace
from tests.report.parts import make, sample_params, write_sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
TASKS = {"real": ("breastmnist", "chestmnist"), "standin": ("standin-breastmnist",), "empty": ()}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report on real tasks (one out of reach), one on stand-in data, and one without any run."""
    written = {}
    for name, tasks in TASKS.items():
        workspace = Workspace(tmp_path_factory.mktemp(name))
        params = sample_params(tasks or ("breastmnist",), left_out=("pneumoniamnist_rebuilt",))
        write_sample(params, workspace, tasks)
        make(params, workspace)
        written[name] = workspace.reports / "report.html"
    return written


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_the_page_is_quiet_and_as_wide_as_the_screen(
    browser: Browser, pages: dict[str, Path], width: int, scheme: str, name: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(pages[name].as_uri())
    page.wait_for_load_state("networkidle")
    assert said == []
    assert [url for url in requests if not url.startswith(("data:", pages[name].as_uri()))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert is_dark(page) == (scheme == "dark")
    context.close()


def test_tables_sort_by_click_and_by_key_and_anchors_lead_to_their_task(
    browser: Browser, pages: dict[str, Path]
) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(pages["real"].as_uri())
    button = page.locator("#breastmnist ~ h3 + div table.sortable thead button").nth(1)
    shown = "[...document.querySelectorAll('#breastmnist ~ h3 + div table.sortable')][0]"
    cells = f"[...{shown}.tBodies[0].rows].map(row => parseFloat(row.cells[1].textContent))"
    button.click()
    descending = page.evaluate(cells)
    assert descending == sorted(descending, reverse=True)
    assert page.evaluate(f"{shown}.tHead.rows[0].cells[1].ariaSort") == "descending"
    button.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(cells) == descending[::-1]
    page.locator("a[href='#chestmnist']").first.click()
    assert page.evaluate("Math.abs(document.getElementById('chestmnist').getBoundingClientRect().top)") < 900
    page.close()


def is_dark(page: Page) -> bool:
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(",")) < 3 * 128
