"""The page and its Markdown twin, the terminal's table, and that nobody is asked for anything."""

import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchmark.config.tasks import STAMP
from benchmark.published.verdict import Verdict
from benchmark.report import standing, wording
from benchmark.report.table import table_text
from benchmark.runs.workspace import Workspace
from benchmark.sweep import results
from pipelines import report as stage
from tests.helpers import find
from tests.report.conftest import Sample
from tests.report.parts import (
    cell,
    make,
    make_result,
    markdown_of,
    page_of,
    part,
    sample_params,
    write_run,
    write_sample,
)


class Resources(HTMLParser):
    """Collects what a browser would fetch, what it would follow, and what it would run."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.followed: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "action", "poster"):
                (self.followed if tag == "a" else self.fetched).append(value or "")


def test_the_page_fetches_nothing_and_leads_to_the_run_folders(page: str, sample: Sample) -> None:
    resources = Resources()
    resources.feed(page)
    assert resources.fetched
    assert all(address.startswith("data:") for address in resources.fetched)
    folders = [address for address in resources.followed if address.startswith("../")]
    known = ("#", "https://doi.org/", "https://github.com/")
    assert all(address.startswith(known) for address in resources.followed if address not in folders)
    assert {(sample[1].reports / address).resolve() for address in folders} == {
        path.parent.resolve() for path in sample[1].root.glob("*/quick/**/run.json")
    }
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 5_000_000


def test_the_twin_has_the_same_figures(page: str, markdown: str) -> None:
    folded = r"<style>.*?</style>|<script>.*?</script>|<details>.*?</details>"  # what is folded is in the page alone
    shown = re.sub(rf"{folded}|<[^>]*>", " ", page, flags=re.S)
    figures = re.compile(r"[+\u2212]?\b\d\.\d{3,4}\b(?: ± \d\.\d{4})?")
    assert sorted(set(figures.findall(shown))) == sorted(set(figures.findall(markdown)))


def test_intervals_and_reasons_are_shown(sample: Sample, page: str) -> None:
    one, task = cell(sample[0], "breastmnist", "readme"), part(sample[0], "breastmnist")
    assert one.numbers is not None
    assert wording.spanned(one.numbers.over.both) in page
    for reference in standing.references(task):
        judgement = standing.judgement(task, one, reference.row, reference.among)
        assert judgement is not None
        assert judgement.reason in html.unescape(page)


def test_a_word_stands_beside_the_interval_that_decided_it(sample: Sample, page: str, markdown: str) -> None:
    """Of every recipe with figures, beside the README's figure, MedMNIST's ResNet-18 and the best row."""
    task = part(sample[0], "breastmnist")
    named = [reference.name for reference in standing.references(task)]
    assert named[:2] == ["README", "MedMNIST v2 ResNet-18"]
    assert re.fullmatch(r"best of \d+ comparable rows", named[2])
    (table,) = re.findall(r'<h3 id="beside">.*?</table>', page, re.S)
    rows = [re.sub(r"<[^>]*>|\s+", " ", row).split() for row in re.findall(r"<tr>.*?</tr>", table, re.S)]
    found = {" ".join(row).partition("breastmnist ")[2] for row in rows}
    for reference in standing.references(task):
        judged = [standing.judgement(task, one, reference.row, reference.among) for one in task.cells if one.done]
        assert len(judged) == 3
        (shown,) = (row for row in found if row.startswith(reference.name))
        (line,) = (row for row in markdown.splitlines() if row.startswith(f"| breastmnist, {reference.name} |"))
        for one in judged:
            assert one is not None
            assert one.difference is not None
            figures = f"{wording.difference(one.difference.value)} {wording.bounds(one.difference)}"
            alone = " of images alone" if one.verdict is Verdict.ONE_SEED else ""
            assert f"{figures}{alone} {one.verdict}" in shown
            assert f"{figures}{alone}, {one.verdict}" in line
            if one.verdict is not Verdict.ONE_SEED:
                outside = one.difference.low > 0 or one.difference.high < 0
                assert outside == (one.verdict in (Verdict.ABOVE, Verdict.BELOW))
    assert len(cell(sample[0], "breastmnist", "dam").done) == 1


def test_one_seed_says_that_its_interval_is_of_images_alone(sample: Sample, page: str, markdown: str) -> None:
    one = cell(sample[0], "breastmnist", "dam")
    assert one.numbers is not None
    assert one.interval == one.numbers.over.images
    assert f"{wording.spanned(one.interval)} of images alone" in markdown
    assert f"<small>{wording.limits(one.interval)}</small><small>of images alone</small>" in page


def test_origins_are_shown(page: str, markdown: str) -> None:
    for text in (page, markdown):
        for fact in ("0123456789abcdef, with uncommitted changes", "libauc 2.0.1", "Some CPU", "11,167,425", "abc123"):
            assert fact in text
        assert "breastmnist version 7" in text
        assert "6 (of 100)" in text
        assert "1 min 15 s" in text
        assert "Energy was not measured" in text
        assert "mlflow run . -e finetune -P task=" in text
        assert str(find("breastmnist").md5) in text


def test_an_objective_is_shown_with_its_optimizer_and_rate(markdown: str) -> None:
    for objective in (
        "| cross-entropy, adam, lr 0.001 |",
        "| cross-entropy (multi-label: bce-with-logits), adam, lr 0.001 |",
        "| aucm, pesg, lr 0.1 |",
    ):
        assert objective in markdown


def test_superseded_figures_are_nowhere(page: str, markdown: str) -> None:
    for text in (page.partition('<h2 id="nodulemnist3d">')[2], markdown.partition("## nodulemnist3d")[2]):
        section = text.partition("pneumoniamnist_rebuilt")[0]
        assert "0.863" in section  # the corrected table's ResNet-18 + 3D
        assert ">0.885<" not in section
        assert "| 0.885 |" not in section


def test_stand_in_data_is_stamped_everywhere_and_never_compared(workspace: Workspace) -> None:
    params = sample_params(("standin-breastmnist",))
    write_sample(params, workspace, ("standin-breastmnist",), seeds=(0,))
    comparison = make(params, workspace)
    one = part(comparison, "standin-breastmnist")
    assert one.delta(one.cells[0], one.readme) is None
    page = page_of(workspace)
    assert page.index(STAMP) < page.index("<style>")
    captions = re.findall(r"<caption>(.*?)</caption>", page, re.S)
    assert len(captions) == 6
    assert all(STAMP in caption for caption in captions)
    markdown = markdown_of(workspace)
    assert all(STAMP in line for line in markdown.splitlines() if line.startswith("## "))
    assert markdown.splitlines()[2] == f"**{STAMP}**"
    assert table_text(comparison).startswith(STAMP)


def test_the_page_links_to_the_pages_of_sweeps(workspace: Workspace) -> None:
    result = make_result()
    results.write(results.paths("breastmnist", "readme", workspace), result.table, result.winner)
    make(sample_params(("breastmnist",)), workspace)
    for text in (page_of(workspace), markdown_of(workspace)):
        assert "sweep-breastmnist.html" in text
    assert (workspace.reports / "sweep-breastmnist.html").is_file()


def test_equal_runs_give_equal_bytes_wherever_they_lie(sample: Sample, page: str, workspace: Workspace) -> None:
    params = sample_params(
        ("breastmnist", "chestmnist", "vesselmnist3d"), left_out=("nodulemnist3d", "pneumoniamnist_rebuilt")
    )
    for folder in (sample[1].runs, sample[1].trunks):
        shutil.copytree(folder, workspace.root / folder.name)
    make(params, workspace)
    assert page_of(workspace) == page
    assert sorted(path.name for path in workspace.reports.iterdir()) == ["report.html", "report.md"]


# ------------------------------------------------------------------------------------------------ terminal


def test_the_terminal_table_fits_and_has_every_task_and_reason(sample: Sample) -> None:
    text = table_text(sample[0])
    table = text.split("\nbreastmnist, dam")[0]
    assert max(map(len, table.splitlines())) <= 120
    for name in ("breastmnist", "0.9121", "0.901", "refused", "not run: data not reachable", "failed: out | of memory"):
        assert name in text
    assert f"{cell(sample[0], 'breastmnist', 'readme').figures['test_auc'].mean:.4f} ± " in text


def test_the_terminal_table_cuts_no_figure_with_many_methods_either(sample: Sample) -> None:
    comparison = sample[0]
    names = [f"{name}{turn}" for turn in range(3) for name in comparison.recipes]
    tasks = tuple(replace(task, cells=task.cells * 3) for task in comparison.tasks)
    text = table_text(replace(comparison, recipes=dict.fromkeys(names, ""), tasks=tasks))
    figure = wording.measured(cell(comparison, "breastmnist", "readme").figures["test_auc"])
    assert text.count(figure) == 3 * table_text(comparison).count(figure) > 0
    assert max(map(len, text.split("\nbreastmnist, dam")[0].splitlines())) <= 120


def test_the_stage_writes_the_report_and_prints_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    stage.main(profile="full")
    assert sorted(path.name for path in Path("reports").iterdir()) == ["report.html", "report.md"]
    printed = capsys.readouterr().out
    assert "Test AUROC, profile full" in printed
    assert printed.endswith("report: reports/report.html and reports/report.md\n")


def test_a_run_without_figures_keeps_its_row_among_the_origins(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    write_run(params, workspace, "breastmnist", "dam", status="running", seconds=None, best_epoch=None, parameters=None)
    make(params, workspace)
    (row,) = (line for line in markdown_of(workspace).splitlines() if line.startswith("| breastmnist | dam | 0 |"))
    assert row.split(" | ")[3] == "not finished"
    assert row.split(" | ")[7:10] == ["6 (of 100)", wording.NOTHING, wording.NOTHING]


HOSTILE = "x | <b>bold</b> [link](javascript:alert) ![image](http://x/y.png) `code` **strong** _em_ ~~gone~~\n# title"


def rows_of(tokens: list[Token]) -> Iterator[list[Token]]:
    """The tokens of every table's rows."""
    starts = [place for place, one in enumerate(tokens) if one.type == "tr_open"]
    for start in starts:
        end = next(place for place in range(start, len(tokens)) if tokens[place].type == "tr_close")
        yield tokens[start:end]


def test_what_a_record_says_is_text_and_nothing_else(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    facts = {
        "code": {"commit": HOSTILE, "dirty": True, "digest": HOSTILE},
        "versions": {HOSTILE: HOSTILE},
        "hardware": {"cpu": HOSTILE, "cores": 2, "threads": 2, "memory_gb": 8.0, "gpu": HOSTILE},
        "started": HOSTILE,
        "data_md5": {HOSTILE: HOSTILE},
    }
    changed = write_run(params, workspace, "breastmnist", "dam", **facts)
    changed.write_tracking({"tracking_uri": HOSTILE, "run_id": HOSTILE, "identity": changed.record().identity})
    write_run(params, workspace, "breastmnist", "readme", status=f"failed: {HOSTILE}")
    make(params, workspace)
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown_of(workspace))
    tokens = [one for token in parsed for one in (token, *(token.children or ()))]
    links = {str(one.attrs["href"]).partition("/")[0] for one in tokens if one.type == "link_open"}
    assert links == {"..", "https:"}
    assert not [one for one in tokens if one.type in ("html_inline", "html_block", "image", "em_open", "s_open")]
    assert not [one for one in tokens if one.type == "code_inline" and one.content == "code"]
    texts = [one.content for one in tokens if one.type == "text"]
    assert any("**strong** _em_ ~~gone~~ # title" in text for text in texts)
    assert "strong" not in texts
    columns = [sum(one.type == "td_open" for one in row) for row in rows_of(parsed)]
    assert columns.count(15) == 2  # of the two runs, whose rows have a cell for each column and no more
    page = page_of(workspace)
    assert "<b>" not in page
    assert "javascript:alert" not in re.findall(r'href="([^"]*)"', page)
