"""Two methods side by side, for the terminal and as a page."""

import pytest

from benchmark.config.tasks import STAMP
from benchmark.evaluation import comparison
from benchmark.evaluation.comparison import Pair
from benchmark.report import compare_page, wording
from benchmark.runs.workspace import Workspace
from tests.evaluation.parts import PROFILE, write


def compared(workspace: Workspace, a: str, b: str) -> Pair:
    return comparison.compare(*(comparison.find(name, PROFILE, workspace) for name in (a, b)), 50)


def test_text_and_page_say_the_same(workspace: Workspace) -> None:
    for task in ("standin-breastmnist", "standin-vesselmnist3d"):
        write(workspace, task, "a", 1.0)
        write(workspace, task, "b", 1.5)
    write(workspace, "standin-adrenalmnist3d", "b", 1.5)
    pair = compared(workspace, "a", "b")
    text, page = compare_page.text(pair), compare_page.write(pair, workspace.reports).read_text()
    for row in pair.rows:
        assert wording.interval(row) in page
        assert wording.answer(pair, row) in text
        assert wording.answer(pair, row) in page
    for remark in compare_page.remarks(pair):
        assert remark in text
    assert STAMP in text
    assert STAMP in page
    assert "standin-adrenalmnist3d" in text


@pytest.mark.parametrize(
    ("shift", "seeds", "answer"),
    [
        (2.5, 3, "b better"),
        (0.1, 3, "a better"),
        (1.0, 3, "not distinguishable"),
        (2.5, 1, "not decided: one seed"),
    ],
)
def test_every_answer_has_its_words(workspace: Workspace, shift: float, seeds: int, answer: str) -> None:
    write(workspace, "breastmnist", "a", 1.0)
    write(workspace, "breastmnist", "b", shift, seeds=seeds)
    pair = compared(workspace, "a", "b")
    assert [wording.answer(pair, row) for row in pair.rows] == [answer]


@pytest.mark.parametrize(("seeds", "images_alone", "few"), [(1, True, True), (3, False, True), (5, False, False)])
def test_what_few_seeds_leave_out_is_said(workspace: Workspace, seeds: int, images_alone: bool, few: bool) -> None:
    write(workspace, "breastmnist", "a", 1.0, seeds=5)
    write(workspace, "breastmnist", "b", 1.5, seeds=seeds)
    pair = compared(workspace, "a", "b")
    page = " ".join(compare_page.write(pair, workspace.reports).read_text().split())
    alone = "there is no p, and the interval is of images alone, on breastmnist."
    assert (alone in page) == (alone in compare_page.text(pair)) == images_alone
    assert ("of a side with one seed there are no seeds in it" in page) == images_alone
    assert ("no least spread is assumed" in page) == few


def test_ranks_are_given_to_the_names_of_the_sides(workspace: Workspace) -> None:
    for task in ("breastmnist", "vesselmnist3d"):
        write(workspace, task, "one", 1.0)
        write(workspace, task, "far: away", 2.5)
    pair = compared(workspace, "one", "far: away")
    assert compare_page.remarks(pair) == ["Mean rank over 2 tasks: one 2.00, far: away 1.00; sign test p = 0.500."]
    assert compare_page.write(pair, workspace.reports).name == "compare-one-far-away.html"
