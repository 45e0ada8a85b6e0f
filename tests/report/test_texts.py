"""What the report says in words: how far figures are comparable, and what they support."""

from dataclasses import replace
from typing import Any, ClassVar, Literal

import pytest

from benchmark.config.run import RunConfig, resolve_finetune
from benchmark.config.tasks import build_task
from benchmark.objectives import Objective
from benchmark.report import standing
from benchmark.report.discussion import discussion
from benchmark.report.gather import collect
from benchmark.report.headline import ranks
from benchmark.report.model import Comparison, MeasuredRun
from benchmark.report.notes import notes, verdict
from benchmark.report.origins import origins
from benchmark.runs.workspace import Workspace
from tests.report.conftest import Sample
from tests.report.parts import (
    PROFILE,
    cell,
    make,
    markdown_of,
    page_of,
    part,
    sample_params,
    write_run,
    write_sample,
)

FEW = {"train": 60, "val": 40, "test": 60}
MINUS = "\N{MINUS SIGN}"


def sentences(comparison: Comparison, task: str) -> dict[str, str]:
    return {note.topic: note.text for note in notes(comparison, part(comparison, task))}


# ------------------------------------------------------------------------------------------------ comparability


def test_departures_from_the_protocol_are_said(sample: Sample) -> None:
    said = sentences(sample[0], "breastmnist")
    assert said["Fewer epochs"] == "readme, medmnist, dam: 6 of the recipe's 100 epochs."
    assert "resnet18-strided in place of the recipe's medmnist-resnet18" in said["Another network"]
    assert "for 6 of 100 epochs" in said["Pretraining"]
    assert said["Pretraining"].endswith("all 2D sets, so also on pneumoniamnist.")
    assert said["Seeds"].startswith("Unequal numbers: readme 2, medmnist 2, dam 1")
    assert "not stated" in said["Selection"]


def test_the_published_protocol_is_no_departure(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    task = build_task("breastmnist", params.tasks["breastmnist"])
    config = resolve_finetune(params, task, "medmnist", PROFILE, 0)
    config = config.model_copy(update={"epochs": config.recipe_epochs, "network": config.recipe_network})
    write_run(params, workspace, "breastmnist", "medmnist", config=config)
    comparison = collect(params, PROFILE, workspace)
    one = part(comparison, "breastmnist")
    assert verdict(one, notes(comparison, one)).startswith("Comparable")
    assert "One seed" in sentences(comparison, "breastmnist")["Seeds"]


def test_a_network_by_settings_is_called_by_its_text(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    task = build_task("breastmnist", params.tasks["breastmnist"])
    config = resolve_finetune(params, task, "medmnist", PROFILE, 0).model_dump(mode="json")
    config["network"] = {
        "family": "resnet",
        "width": 16,
        "blocks": [2, 2, 2, 2],
        "stem_kernel": 3,
        "stem_stride": 2,
        "pool": False,
    }
    write_run(params, workspace, "breastmnist", "medmnist", config=RunConfig.model_validate(config))
    comparison = collect(params, PROFILE, workspace)
    one = part(comparison, "breastmnist")
    said = sentences(comparison, "breastmnist")["Another network"]
    assert "resnet18-w16-s2 in place of the recipe's medmnist-resnet18" in said
    (ran,) = (row.network for row in origins(comparison, workspace.root).rows if row.recipe == "medmnist")
    assert ran == "resnet18-w16-s2 (for medmnist-resnet18)"
    assert one.baseline is not None
    (judged,) = (standing.judgement(one, each, one.baseline) for each in one.cells if each.done)
    assert judged is not None
    assert "resnet18-w16-s2) against" in judged.reason


def test_the_epoch_that_is_kept_is_each_recipes_own(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    task = build_task("breastmnist", params.tasks["breastmnist"])
    write_run(params, workspace, "breastmnist", "readme")
    config = resolve_finetune(params, task, "dam", PROFILE, 0).model_copy(update={"keep": "last"})
    write_run(params, workspace, "breastmnist", "dam", config=config)
    said = sentences(collect(params, PROFILE, workspace), "breastmnist")["Selection"]
    assert said.startswith(
        "Ours keeps the epoch of best val AUROC (readme) and the last epoch, chosen by nothing (dam), and opens test once"
    )


def test_facts_of_the_published_figures_are_said(sample: Sample) -> None:
    comparison = sample[0]
    assert "The README gives no figures" in sentences(comparison, "chestmnist")["Published"]
    assert "526 test images" in sentences(comparison, "nodulemnist3d")["Published"]
    own = sentences(comparison, "pneumoniamnist_rebuilt")["Data"]
    assert own.startswith("Set beside the figures of pneumoniamnist: same images and splits")


@pytest.mark.parametrize(("majority", "below"), [(0.8612, False), (0.8613, True)])
def test_an_accuracy_below_the_commoner_class_is_said(sample: Sample, majority: float, below: bool) -> None:
    """The README's of VesselMNIST3D is 0.861257."""
    comparison = sample[0]
    vessel = replace(part(comparison, "vesselmnist3d"), majority=majority)
    (text,) = (note.text for note in notes(comparison, vessel) if note.topic == "Accuracy")
    assert ("below it: the README, readme." in text) == below
    assert f"a test accuracy of {majority:.4f}" in text


def test_another_image_size_is_a_difference(workspace: Workspace) -> None:
    comparison = make(sample_params(("adrenalmnist3d_64",)), workspace)
    assert "image size 64 against the published 28" in sentences(comparison, "adrenalmnist3d_64")["Image size"]


# ------------------------------------------------------------------------------------------------ discussion


class Unheard(Objective):
    """Known to nobody but this test."""

    loss: Literal["unheard-of"] = "unheard-of"
    for_auc: ClassVar[bool] = True

    @property
    def optimizer_name(self) -> str:
        return "none"

    def make_criterion(self, *_: Any, **__: Any) -> Any: ...
    def make_optimizer(self, *_: Any, **__: Any) -> Any: ...


def with_objective(comparison: Comparison, recipe: str, objective: Objective) -> Comparison:
    """The same figures, from runs of another objective."""

    def changed(run: MeasuredRun) -> MeasuredRun:
        assert run.trained is not None
        config = run.trained.config.model_copy(update={"objective": objective})
        return replace(run, record=run.trained.model_copy(update={"config": config}))

    tasks = []
    for task in comparison.tasks:
        cells = (replace(c, runs=tuple(map(changed, c.runs))) if c.recipe == recipe else c for c in task.cells)
        tasks.append(replace(task, cells=tuple(cells)))
    return replace(comparison, tasks=tuple(tasks))


def with_a_better_dam(workspace: Workspace) -> Comparison:
    """Three recipes with three seeds, of which one is clearly better."""
    params = sample_params(("breastmnist",))
    write_sample(params, workspace, ("breastmnist",), seeds=(0, 1, 2))
    for run in cell(make(params, workspace), "breastmnist", "dam").runs:
        scores = run.folder.scores()
        labels, values = scores["test"]
        run.folder.write_scores(scores | {"test": (labels, 0.5 * values + 0.5 * labels)})
        run.folder.seal(run.folder.record())
    return make(params, workspace)


def test_whatever_trains_for_auroc_is_discussed_beside_what_does_not(workspace: Workspace) -> None:
    comparison = with_a_better_dam(workspace)
    better = [sentence for sentence in discussion(comparison) if "so dam better" in sentence]
    assert [
        f"{name} {MINUS} dam" in sentence for name, sentence in zip(("readme", "medmnist"), better, strict=True)
    ] == [True] * 2
    changed = discussion(with_objective(comparison, "medmnist", Unheard()))
    assert [sentence for sentence in changed if " better " in sentence] == better[:1]


def test_what_can_not_be_told_apart_stands_in_the_tasks_section_alone(workspace: Workspace) -> None:
    params = sample_params(("breastmnist",))
    write_sample(params, workspace, ("breastmnist",))
    assert not any("not distinguishable" in sentence for sentence in discussion(make(params, workspace)))
    assert "not distinguishable" in page_of(workspace)


def test_a_better_recipe_is_named_with_its_difference_and_p(workspace: Workspace) -> None:
    comparison = with_a_better_dam(workspace)
    (row,) = comparison.pairs["readme", "dam"].rows
    (told,) = (sentence for sentence in discussion(comparison) if f"readme {MINUS} dam" in sentence)
    assert told.startswith(f"breastmnist: readme {MINUS} dam is {MINUS}{-row.difference.value:.4f} [")
    assert "in test AUROC, so dam better (p = " in told
    assert told.endswith(", Holm).")


@pytest.mark.parametrize(("recipes", "test"), [(2, "sign test"), (3, "Friedman's test")])
def test_ranks_are_told_with_the_test_that_was_made(workspace: Workspace, recipes: int, test: str) -> None:
    names = ("breastmnist", "pneumoniamnist")
    params = sample_params(names)
    few = params.finetune.model_copy(update={"recipes": params.finetune.recipes[:recipes]})
    params = params.model_copy(update={"finetune": few})
    for name in names:
        for recipe in few.recipes:
            write_run(params, workspace, name, recipe, sizes=dict.fromkeys(names, FEW))
    comparison = make(params, workspace)
    sentence = ranks(comparison)
    assert sentence.startswith("Mean rank in test AUROC over 2 tasks")
    assert f"; {test} p = " in sentence
    other = {"sign test": "Friedman", "Friedman's test": "sign test"}[test]
    for text in (markdown_of(workspace), page_of(workspace).replace("&#39;", "'")):
        assert sentence in text
        assert other not in text
