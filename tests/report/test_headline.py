"""What the first screen says: which recipes are set beside each other, and in which words."""

import dataclasses

import pytest

from benchmark.config.params import FinetuneSection
from benchmark.config.run import resolve_finetune
from benchmark.config.tasks import build_task
from benchmark.evaluation.design import Design
from benchmark.evaluation.effect import OVERALL, Contest, Effect, Measure, Overall, TaskEffect
from benchmark.evaluation.ranks import Ranking, RankTest
from benchmark.report import headline, kept, wording
from benchmark.report.gather import collect
from benchmark.report.model import Comparison
from benchmark.report.table import table_text
from benchmark.runs.workspace import Workspace
from tests.report.parts import PROFILE, make, markdown_of, page_of, sample_params, write_run, write_sample

TASKS = ("breastmnist", "vesselmnist3d")


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setattr(kept, "CACHE", tmp_path / "cache")
    return Workspace(tmp_path)


def params_of(*recipes: str):
    return sample_params(TASKS).model_copy(update={"finetune": FinetuneSection(recipes=recipes)})


def contest(a: str = "dam", value: float = 0.01, p: float | None = 0.2, design: Design | None = None) -> Contest:
    limits = (None, None) if p is None else (value - 0.02, value + 0.02)
    mean = Effect(value, *limits, p)
    task = TaskEffect(value, *limits, p, (0,) if p is None else (0, 1), 156, None)
    overall = Overall(Measure.AUROC, {"breastmnist": task}, mean)
    p_holm = {} if p is None else {(Measure.AUROC, OVERALL): p}
    designs = {(Measure.AUROC, OVERALL): design} if design else {}
    return Contest(a, "focal", {Measure.AUROC: overall}, p_holm, designs)


def of(contests: list[Contest]) -> Comparison:
    """These alone."""
    none = Ranking({}, 0, float("nan"), RankTest.FRIEDMAN)
    return Comparison("", PROFILE, (0, 1), {}, (), {}, {}, none, contests=tuple(contests))


def row(one: Contest) -> dict[str, str]:
    """What its table says of it, by heading."""
    (cells,) = headline.rows(of([one]))
    return dict(zip(headline.HEADINGS, cells, strict=False))


def test_recipes_that_differ_in_the_objective_alone_are_set_beside_each_other(workspace: Workspace) -> None:
    """`dam` and `focal` are trained alike; `medmnist` and `readme` are trained otherwise."""
    params = params_of("readme", "medmnist", "dam", "focal")
    write_sample(params, workspace, TASKS)
    (found,) = collect(params, PROFILE, workspace).contests
    assert (found.a, found.b) == ("dam", "focal")
    assert list(found.measures[Measure.AUROC].tasks) == list(TASKS)
    assert all(task.seeds == (0, 1) for task in found.measures[Measure.AUROC].tasks.values())


def test_seeds_that_were_not_trained_alike_are_no_such_recipe(workspace: Workspace) -> None:
    """As where a change was trained for the first seed alone."""
    params = params_of("dam", "focal")
    write_sample(params, workspace, TASKS)
    for recipe in ("dam", "focal"):
        task = build_task("breastmnist", params.tasks["breastmnist"])
        config = resolve_finetune(params, task, recipe, PROFILE, 0).model_copy(update={"epochs": 7})
        write_run(params, workspace, "breastmnist", recipe, 0, config=config)
    (found,) = collect(params, PROFILE, workspace).contests
    assert list(found.measures[Measure.AUROC].tasks) == ["vesselmnist3d"]


@pytest.mark.parametrize("change", [{"epochs": 7}, {"batch_size": 32}, {"network": "resnet18-strided-x"}, "data"])
def test_anything_else_that_differs_leaves_a_task_out(workspace: Workspace, change) -> None:
    params = params_of("dam", "focal")
    write_sample(params, workspace, ("breastmnist",))
    write_run(params, workspace, "vesselmnist3d", "dam")
    changes = {"data_md5": {"vesselmnist3d": "0" * 32}}
    if change != "data":
        task = build_task("vesselmnist3d", params.tasks["vesselmnist3d"])
        changes = {"config": resolve_finetune(params, task, "focal", PROFILE, 0).model_copy(update=change)}
    write_run(params, workspace, "vesselmnist3d", "focal", **changes)
    (found,) = collect(params, PROFILE, workspace).contests
    assert list(found.measures[Measure.AUROC].tasks) == ["breastmnist"]


def test_effects_are_kept_by_the_scores_they_are_of(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    params = params_of("dam", "focal")
    write_sample(params, workspace, TASKS)
    first = collect(params, PROFILE, workspace).contests
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.evaluation.effect.compare", None)
        assert collect(params, PROFILE, workspace).contests == first
    write_run(params, workspace, "breastmnist", "dam", 2)
    write_run(params, workspace, "breastmnist", "focal", 2)
    assert collect(params, PROFILE, workspace).contests != first


def test_page_markdown_and_terminal_begin_with_the_answer(workspace: Workspace) -> None:
    params = params_of("dam", "focal")
    write_sample(params, workspace, TASKS)
    comparison = make(params, workspace)
    answer, ranks, (cells,) = headline.answer(comparison), headline.ranks(comparison), headline.rows(comparison)
    text = table_text(comparison, width=10_000)
    assert text.startswith(f"{answer}\n{ranks}\n\n{headline.CAPTION}.\n")
    assert text.index(cells[2]) < text.index("\nDifference on test to")
    assert ranks.startswith("Mean rank in test AUROC over 2 tasks (1 is best): ")
    assert [line.split()[-3:] for line in text.splitlines() if "average precision" in line] == [
        [wording.difference(one.value) for one in comparison.contests[0].effects(Measure.AVERAGE_PRECISION).values()]
    ]
    markdown, page = markdown_of(workspace), page_of(workspace)
    assert markdown.index(answer) < markdown.index(f"| {' | '.join(cells)} |") < markdown.index("## Test AUROC")
    listed = "</th>" + "".join(f"<td>{cell}</td>" for cell in cells[1:])
    assert (
        page.index(answer)
        < page.index(listed)
        < page.index(ranks)
        < page.index('alt="Difference to the same training')
        < page.index('id="overview"')
    )
    assert "| dam \N{MINUS SIGN} focal | average precision | vesselmnist3d |" in markdown
    assert page.count("dam \N{MINUS SIGN} focal</th><td>partial AUROC") == 1 + len(TASKS)


def test_without_such_recipes_the_page_says_so(workspace: Workspace) -> None:
    params = params_of("readme", "dam")
    write_sample(params, workspace, TASKS)
    assert headline.NONE in table_text(make(params, workspace), width=10_000)
    assert headline.NONE in page_of(workspace)
    assert "Difference to the same training" not in page_of(workspace)


@pytest.mark.parametrize(
    ("contests", "answer"),
    [
        (
            [contest(p=None)],
            "Whether training for AUROC helped can't be told: beside the same training for another objective, ",
        ),
        ([contest(p=0.2)], "Training for AUROC did not measurably help: beside"),
        ([contest(p=0.01)], "Training for AUROC helped: beside"),
        ([contest(p=0.01), contest("x")], "Training for AUROC helped in some comparisons, not in all: beside"),
        (
            [contest(p=0.01), contest("x", -0.02, 0.01)],
            "Training for AUROC helped in one comparison and hurt in another: ",
        ),
        ([contest("x", -0.02, 0.01)], "Training for AUROC hurt: beside"),
        ([contest(p=0.01), contest("x", p=None)], "Training for AUROC helped where that is decided: beside"),
        ([contest("x", -0.02, 0.01), contest()], "Training for AUROC hurt in some comparisons, not in all: beside"),
    ],
)
def test_the_answer_is_worded_by_rule(contests: list[Contest], answer: str) -> None:
    assert headline.answer(of(contests)).startswith(answer)


def test_counts_name_every_word() -> None:
    many = [contest(p=0.01), contest("x", -0.02, 0.01), contest("y", p=0.3), contest("z", p=None)]
    assert headline.answer(of(many)).endswith(
        "is better in 1, worse in 1, not distinguishable in 1, not decided: one seed in 1 of 4 comparisons."
    )


def test_a_row_says_how_sure_and_what_could_have_been_seen() -> None:
    assert row(contest(design=Design(0.0312, 23, float("inf")))) == {
        "recipes": "dam \N{MINUS SIGN} focal",
        "tasks \N{MULTIPLICATION SIGN} seeds": "1 \N{MULTIPLICATION SIGN} 2",
        "AUROC [95\N{NO-BREAK SPACE}%]": "+0.0100 [\N{MINUS SIGN}0.0100, +0.0300]",
        "verdict": "not distinguishable",
        "p (Holm)": "0.200",
        "detectable": "0.031",
        "for 0.01": "23 seeds",
    }
    assert row(contest(design=Design(0.0312, 23, 1234.5)))["for 0.01"] == "23 seeds or 1,235 images"
    assert row(contest(design=Design(0.0312, float("inf"), float("inf"))))["for 0.01"] == "neither alone"
    alone = list(row(contest(p=None)).values())
    assert alone[1:] == ["1 \N{MULTIPLICATION SIGN} 1", "+0.0100", "not decided: one seed", *"\N{EN DASH}" * 3]


def test_a_word_stands_beside_a_further_figure_only_where_there_is_one_to_say() -> None:
    one = contest()
    overall = one.measures[Measure.AUROC]
    further = {measure: dataclasses.replace(overall, measure=measure) for measure in Measure}
    p_holm = {(measure, OVERALL): 0.2 for measure in Measure} | {(Measure.PARTIAL_AUROC, OVERALL): 0.01}
    both = row(dataclasses.replace(one, measures=further, p_holm=p_holm))
    assert both["partial AUROC, FPR \N{LESS-THAN OR EQUAL TO} 0.1"] == "+0.0100, better"
    assert both["average precision"] == "+0.0100"


def test_a_row_marks_what_was_trained_on_val(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Comparison, "trained_on_val", {"focal"})
    assert headline.rows(of([contest()]))[0][0] == f"dam \N{MINUS SIGN} focal{wording.TRAINED_ON_VAL}"


def test_of_stand_in_data_nothing_is_added_to_real_data(workspace: Workspace) -> None:
    params = params_of("dam", "focal")
    tasks = ("breastmnist", "standin-vesselmnist3d")
    params = params.model_copy(update={"fetch": params.fetch.model_copy(update={"tasks": tasks})})
    write_sample(params, workspace, tasks)
    (found,) = collect(params, PROFILE, workspace).contests
    assert list(found.measures[Measure.AUROC].tasks) == ["breastmnist"]


def test_every_task_has_its_interval_word_and_what_could_have_been_seen_in_the_terminal() -> None:
    one = contest(design=Design(0.031, 12.2, 4000.0))
    one = dataclasses.replace(
        one,
        p_holm=one.p_holm | {(Measure.AUROC, "breastmnist"): 0.012},
        designs=one.designs | {(Measure.AUROC, "breastmnist"): Design(0.052, 33.0, float("inf"))},
    )
    ((pair, task, difference, word, p, detectable, needed),) = headline.rows_of_tasks(of([one]))
    assert (pair, task) == ("dam \N{MINUS SIGN} focal", "breastmnist")
    assert difference == "+0.0100 [\N{MINUS SIGN}0.0100, +0.0300]"
    assert (word, p, detectable, needed) == ("better", "0.012", "0.052", "33 seeds")
    text = table_text(of([one]))
    (line,) = [line for line in text.partition("The same of each task.")[2].splitlines() if "0.052" in line]
    for part in (task, difference, word, p, needed):
        assert part in line
