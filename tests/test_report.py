"""The report: figures against independent computation, nothing left out silently, and a page that asks nobody."""

import base64
import html
import io
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import Memory
from medmnist.evaluator import getACC, getAUC
from PIL import Image
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score

from benchmark import measures, report, statistics, sweep
from benchmark.config import FinetuneSection, Params, PerDim, load_params, resolve_finetune, resolve_pretrain
from benchmark.published.verdict import judge
from benchmark.report import STAMP, Comparison, numbers, standing, table_text, wording
from benchmark.report.discussion import discussion
from benchmark.report.gallery import gallery
from benchmark.report.model import Cell, TaskComparison
from benchmark.report.notes import notes, verdict
from benchmark.runs import RunFolder, cell_folder, run_folder, trunk_folder, write_refusal
from benchmark.tasks import Task, find_task
from pipelines import report as stage
from tests.test_sweep_page import make_result

RECIPES = ("readme", "medmnist", "dam")
PROFILE = "quick"
SIZES = {
    "breastmnist": {"train": 546, "val": 78, "test": 156},
    "vesselmnist3d": {"train": 1335, "val": 191, "test": 382},
    "chestmnist": {"train": 2000, "val": 1000, "test": 2000},  # of 78,468, 11,219 and 22,433: enough for 14 labels
}
FACTS: Mapping[str, Any] = {
    "code": {"commit": "0123456789abcdef", "dirty": True, "digest": "feedfacefeedface"},
    "versions": {"python": "3.11.9", "torch": "2.9.1", "libauc": "2.0.1"},
    "hardware": {"cpu": "Some CPU", "cores": 2, "threads": 2, "memory_gb": 8.0, "gpu": None},
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": {"train": 60.0, "total": 75.0},
    "best_epoch": 3,
    "parameters": 11_167_425,
}


def sample_params(tasks: tuple[str, ...], left_out: tuple[str, ...] = ()) -> Params:
    """The shipped params.yaml with these tasks and three recipes: it may say otherwise on another machine."""
    params = load_params()
    fetch = params.fetch.model_copy(update={"tasks": tasks, "left_out": left_out})
    epochs = PerDim[int, int].model_validate({"2d": 6, "3d": 6})
    quick = params.profiles[PROFILE].model_copy(update={"finetune_epochs": epochs, "pretrain_epochs": epochs})
    profiles = params.profiles | {PROFILE: quick}
    recipes = FinetuneSection(recipes=RECIPES)
    return params.model_copy(update={"fetch": fetch, "finetune": recipes, "profiles": profiles})


def write_run(params: Params, root: Path, task: Task, recipe: str, seed: int, **changes: Any) -> RunFolder:
    """A finished run: the task's own random labels, and random scores that are somewhat right."""
    config = resolve_finetune(params, task.name, task.reference or task.name, task.dim, recipe, PROFILE, seed)
    folder = run_folder(PROFILE, task.name, recipe, seed, root)
    random = np.random.default_rng([seed, len(task.name), len(recipe)])
    scores = {}
    for split, size in SIZES.get(task.reference or task.name, SIZES["breastmnist"]).items():
        labels = (np.random.default_rng(size).random((size, task.label_count)) < 0.3).astype(np.uint8)
        scores[split] = (labels, np.clip(0.35 * labels + 0.6 * random.random(labels.shape), 0, 1))
    folder.write_scores(scores)
    folder.write_history(
        [
            {"epoch": epoch, "lr": 0.1, "train_loss": 1 / epoch, "train_auc": 1 - 0.3 / epoch, "train_acc": 0.7,
             "val_auc": 0.9 - 0.2 / (epoch + seed), "val_acc": 0.7, "seconds": 10.0}
            for epoch in range(1, 7)
        ]
    )  # fmt: skip
    data = {} if task.is_standin else {"data_md5": {task.name: task.md5}}
    record = {**FACTS, **data, "config": config.model_dump(mode="json"), "standin": task.is_standin, "status": "done"}
    folder.write_record(record | changes)
    return folder


def write_sample(params: Params, root: Path, tasks: tuple[str, ...], seeds: tuple[int, ...] = (0, 1)) -> None:
    for name in tasks:
        for recipe in RECIPES:
            for seed in seeds:
                write_run(params, root / "runs", find_task(params, name), recipe, seed)


def build(params: Params, root: Path) -> Comparison:
    return report.build(params, PROFILE, root / "reports", root / "runs", root / "trunks", root / "sweeps")


def part(comparison: Comparison, name: str) -> TaskComparison:
    return next(one for one in comparison.tasks if one.task.name == name)


def cell(comparison: Comparison, task: str, recipe: str) -> Cell:
    return next(one for one in part(comparison, task).cells if one.recipe == recipe)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    """Two tasks, three recipes, two seeds; one cell failed, one refused, one task left out, one not run."""
    root = tmp_path_factory.mktemp("report")
    tasks = ("breastmnist", "chestmnist")
    params = sample_params((*tasks, "vesselmnist3d"), left_out=("nodulemnist3d", "pneumoniamnist_rebuilt"))
    write_sample(params, root, tasks)
    write_run(params, root / "runs", find_task(params, "breastmnist"), "dam", 1, status="failed: loss <not> finite")
    vessel = find_task(params, "vesselmnist3d")
    write_run(params, root / "runs", vessel, "readme", 0)
    write_run(params, root / "runs", vessel, "medmnist", 0, status="failed: out | of memory")
    write_refusal(
        cell_folder(PROFILE, "vesselmnist3d", "dam", root / "runs"), "vesselmnist3d", "dam", "binary tasks only"
    )
    run_folder(PROFILE, "breastmnist", "readme", 0, root / "runs").write_tracking(
        {"tracking_uri": "sqlite:///mlflow.db", "run_id": "abc123", "model_name": "breastmnist", "model_version": "7"}
    )
    trunk = trunk_folder(PROFILE, "2d", root / "trunks")
    config = resolve_pretrain(params, "2d", PROFILE).model_copy(update={"tasks": ("breastmnist", "chestmnist")})
    trunk.write_record({**FACTS, "status": "done", "config": config.model_dump(mode="json")})
    return build(params, root), root


@pytest.fixture(scope="module")
def page(sample: tuple[Comparison, Path]) -> str:
    return (sample[1] / "reports" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def markdown(sample: tuple[Comparison, Path]) -> str:
    return (sample[1] / "reports" / "report.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------ figures


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("recipe", RECIPES[:2])
def test_figures_of_a_binary_task_equal_scikit_learns(sample: tuple[Comparison, Path], recipe: str, split: str) -> None:
    comparison, root = sample
    aucs, accs = [], []
    for seed in (0, 1):
        labels, scores = run_folder(PROFILE, "breastmnist", recipe, seed, root / "runs").scores()[split]
        aucs.append(roc_auc_score(labels[:, 0], scores[:, 0]))
        accs.append(accuracy_score(labels[:, 0], scores[:, 0] > 0.5))
    figures = cell(comparison, "breastmnist", recipe).figures
    assert figures[f"{split}_auc"].mean == pytest.approx(sum(aucs) / 2, abs=1e-12)
    assert figures[f"{split}_auc"].spread == pytest.approx(abs(aucs[0] - aucs[1]) / 2**0.5, abs=1e-12)
    assert figures[f"{split}_acc"].mean == pytest.approx(sum(accs) / 2, abs=1e-12)


def test_figures_of_fourteen_labels_equal_medmnists(sample: tuple[Comparison, Path]) -> None:
    comparison, root = sample
    seeds = [run_folder(PROFILE, "chestmnist", "dam", seed, root / "runs").scores()["test"] for seed in (0, 1)]
    assert seeds[0][0].shape[1] == 14
    kind = "multi-label, binary-class"
    figures = cell(comparison, "chestmnist", "dam").figures
    assert figures["test_auc"].mean == pytest.approx(np.mean([getAUC(*one, kind) for one in seeds]), abs=1e-12)
    assert figures["test_acc"].mean == pytest.approx(np.mean([getACC(*one, kind) for one in seeds]), abs=1e-12)


def test_the_difference_is_ours_minus_published(sample: tuple[Comparison, Path]) -> None:
    one = part(sample[0], "breastmnist")
    ours = one.cells[0].figures["test_auc"].mean
    assert one.delta(one.cells[0], one.readme) == pytest.approx(ours - 0.9121)
    assert one.delta(one.cells[0], one.baseline) == pytest.approx(ours - 0.901)
    chest = part(sample[0], "chestmnist")
    assert chest.delta(chest.cells[0], chest.readme) is None


def test_the_majority_rate_is_that_of_the_test_labels(sample: tuple[Comparison, Path]) -> None:
    labels, _ = run_folder(PROFILE, "breastmnist", "dam", 0, sample[1] / "runs").scores()["test"]
    zeros = (labels == 0).mean()
    assert part(sample[0], "breastmnist").majority == pytest.approx(max(zeros, 1 - zeros))


# ------------------------------------------------------------------------------------------------ what is missing


def test_every_cell_has_figures_or_a_reason(sample: tuple[Comparison, Path]) -> None:
    assert sample[0].missing == [
        ("breastmnist", "dam", "seed 1: failed: loss <not> finite"),
        ("vesselmnist3d", "medmnist", "seed 0: failed: out | of memory"),
        ("vesselmnist3d", "dam", "refused: binary tasks only"),
        ("nodulemnist3d", "every recipe", "not run: data not reachable"),
        ("pneumoniamnist_rebuilt", "every recipe", "not run: data not reachable"),
    ]


def test_a_failed_seed_is_no_part_of_the_mean(sample: tuple[Comparison, Path]) -> None:
    found = cell(sample[0], "breastmnist", "dam")
    assert (found.status, found.figures["test_auc"].seeds, found.figures["test_auc"].spread) == ("done", 1, None)


def test_reasons_are_escaped_and_shown(page: str, markdown: str) -> None:
    assert "failed: loss &lt;not&gt; finite" in page
    assert "failed: loss &lt;not&gt; finite" in markdown
    assert r"failed: out \| of memory" in markdown


def test_without_any_run_every_cell_is_not_run(tmp_path: Path) -> None:
    comparison = build(sample_params(("breastmnist", "chestmnist")), tmp_path)
    assert {one.status for task in comparison.tasks for one in task.cells} == {"not run"}
    page = (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
    assert "0 of 6 cells" in page
    assert "No run of this profile is on disk." in page
    assert STAMP not in page
    assert "0.9121" in page


def test_a_run_that_lost_its_scores_is_said(tmp_path: Path) -> None:
    params = sample_params(("breastmnist",))
    folder = write_run(params, tmp_path / "runs", find_task(params, "breastmnist"), "dam", 0)
    (folder.path / "scores.npz").unlink()
    assert ("breastmnist", "dam", "seed 0: done, but scores.npz is missing") in build(params, tmp_path).missing


def test_a_record_with_nothing_but_a_status_is_shown(tmp_path: Path) -> None:
    run_folder(PROFILE, "breastmnist", "dam", 0, tmp_path / "runs").write_record({"status": "running"})
    comparison = build(sample_params(("breastmnist",)), tmp_path)
    assert cell(comparison, "breastmnist", "dam").status == "unfinished"


def test_one_class_only_is_called_undefined(tmp_path: Path) -> None:
    params = sample_params(("breastmnist",))
    folder = write_run(params, tmp_path / "runs", find_task(params, "breastmnist"), "dam", 0)
    folder.write_scores({"test": (np.zeros((5, 1)), np.linspace(0, 1, 5)[:, None])})
    assert "undefined" in table_text(build(params, tmp_path))


def test_intervals_verdicts_and_measures_are_those_of_the_scores(sample: tuple[Comparison, Path], page: str) -> None:
    one, task = cell(sample[0], "breastmnist", "readme"), part(sample[0], "breastmnist")
    labels = one.done[0].folder.scores()["test"][0]
    stack = np.stack([run.folder.scores()["test"][1] for run in one.done])
    over = statistics.over_seeds(labels, stack)
    assert one.numbers is not None
    assert one.numbers.over == over
    assert wording.spanned(over.both) in page
    best = standing.best(task)
    assert best is not None
    found = standing.judgement(task, one, best)
    assert found is not None
    assert found == judge(best, over, task.task, one.done[0].config["network"])
    assert found.reason in html.unescape(page)
    run = one.done[0].numbers
    assert run is not None
    assert run.bootstrap == statistics.bootstrap(labels, stack[0])
    assert run.measures["brier"] == pytest.approx(brier_score_loss(labels[:, 0], stack[0][:, 0]))


def test_recipes_are_compared_in_pairs_with_holms_correction(sample: tuple[Comparison, Path]) -> None:
    pair = sample[0].pairs["readme", "medmnist"]
    assert [row.task for row in pair.rows] == ["breastmnist", "chestmnist"]
    assert [row.p_holm for row in pair.rows] == statistics.holm([row.difference.p for row in pair.rows])


def test_a_recipe_that_differs_by_chance_alone_is_never_called_better(tmp_path: Path) -> None:
    """The sample's recipes have scores of the same distribution; one seed less decides nothing at all."""
    params = sample_params(("breastmnist",))
    write_sample(params, tmp_path, ("breastmnist",), seeds=(0, 1, 2))
    comparison = build(params, tmp_path)
    assert {row.verdict for pair in comparison.pairs.values() for row in pair.rows} == {"not distinguishable"}
    assert not any("better" in sentence for sentence in discussion(comparison))


def test_what_was_worked_out_once_is_kept_until_the_scores_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = sample_params(("breastmnist",))
    folder = write_run(params, tmp_path / "runs", find_task(params, "breastmnist"), "dam", 0)
    monkeypatch.setattr(
        numbers, "_run", Memory(tmp_path / "cache", verbose=0).cache(numbers.run_numbers, ignore=["folder"])
    )
    (first,) = numbers.of_runs([folder])
    with monkeypatch.context() as patch:
        patch.setattr(measures, "mean", lambda rows: pytest.fail("worked out again"))
        assert numbers.of_runs([folder])[0].bootstrap == first.bootstrap
    scores = folder.scores()
    folder.write_scores(scores | {"test": (scores["test"][0], scores["test"][1][::-1])})
    assert numbers.of_runs([folder])[0].bootstrap != first.bootstrap


def test_the_gallery_shows_the_worst_and_the_best_image(tmp_path: Path) -> None:
    params = sample_params(("vesselmnist3d",))
    task = find_task(params, "vesselmnist3d")
    folder = write_run(params, tmp_path / "runs", task, "dam", 0)
    labels, scores = folder.scores()["test"]
    images = np.zeros((len(labels), 28, 28, 28), np.uint8)
    images[:, 14, 14, 14] = np.arange(len(labels)) % 256
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / task.path, test_images=images)
    shown = gallery(part(build(params, tmp_path), "vesselmnist3d"), tmp_path)
    assert shown is not None
    errors = np.abs(labels - scores)[:, 0]
    assert [one.index for one in shown.wrong] == list(np.argsort(-errors, kind="stable")[:6])
    assert [one.index for one in shown.right] == list(np.argsort(errors, kind="stable")[:6])
    assert shown.wrong[0].truth == task.label_names[labels[shown.wrong[0].index, 0]]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.wrong[0].uri.partition(",")[2]))))
    assert picture.shape == (28, 3 * 28)
    assert picture[14, 14] == picture[14, 42] == picture[14, 70] == shown.wrong[0].index % 256


# ------------------------------------------------------------------------------------------------ comparability


def sentences(comparison: Comparison, task: str) -> dict[str, str]:
    one = part(comparison, task)
    return {note.topic: note.text for note in notes(comparison, one)}


def test_departures_from_the_protocol_are_said(sample: tuple[Comparison, Path]) -> None:
    found = sentences(sample[0], "breastmnist")
    assert found["Fewer epochs"] == "readme, medmnist, dam: 6 of the recipe's 100 epochs."
    assert "resnet18-strided in place of the recipe's medmnist-resnet18" in found["Another network"]
    assert "for 6 of 100 epochs" in found["Pretraining"]
    assert found["Pretraining"].endswith("all 2D sets, so also on pneumoniamnist.")
    assert found["Seeds"].startswith("Unequal numbers: readme 2, medmnist 2, dam 1")
    assert "not stated" in found["Selection"]


def test_the_published_protocol_is_no_departure(tmp_path: Path) -> None:
    params = sample_params(("breastmnist",))
    config = resolve_finetune(params, "breastmnist", "breastmnist", "2d", "medmnist", PROFILE, 0)
    config = config.model_copy(update={"epochs": config.recipe_epochs, "network": config.recipe_network})
    task = find_task(params, "breastmnist")
    write_run(params, tmp_path / "runs", task, "medmnist", 0, config=config.model_dump(mode="json"))
    comparison = build(params, tmp_path)
    one = part(comparison, "breastmnist")
    assert verdict(one, notes(comparison, one)).startswith("Comparable")
    assert "One seed" in sentences(comparison, "breastmnist")["Seeds"]


def test_facts_of_the_published_figures_are_said(sample: tuple[Comparison, Path]) -> None:
    comparison = sample[0]
    assert "The README gives no figures" in sentences(comparison, "chestmnist")["Published"]
    assert "526 test images" in sentences(comparison, "nodulemnist3d")["Published"]
    assert (
        "below it: the README" in sentences(comparison, "vesselmnist3d")["Accuracy"]
        or (part(comparison, "vesselmnist3d").majority or 0) < 0.861257
    )
    own = sentences(comparison, "pneumoniamnist_rebuilt")["Data"]
    assert own.startswith("Set beside the figures of pneumoniamnist: same images and splits")


def test_superseded_figures_are_nowhere(page: str, markdown: str) -> None:
    for text in (page.partition('<h2 id="nodulemnist3d">')[2], markdown.partition("## nodulemnist3d")[2]):
        section = text.partition("pneumoniamnist_rebuilt")[0]
        assert "0.863" in section  # the corrected table's ResNet-18 + 3D
        assert ">0.885<" not in section
        assert "| 0.885 |" not in section


def test_another_image_size_is_a_difference(tmp_path: Path) -> None:
    comparison = build(sample_params(("adrenalmnist3d_64",)), tmp_path)
    assert "image size 64 against the published 28" in sentences(comparison, "adrenalmnist3d_64")["Image size"]


# ------------------------------------------------------------------------------------------------ stand-in data


def test_stand_in_data_is_stamped_everywhere_and_never_compared(tmp_path: Path) -> None:
    params = sample_params(("standin-breastmnist",))
    write_sample(params, tmp_path, ("standin-breastmnist",), seeds=(0,))
    comparison = build(params, tmp_path)
    one = part(comparison, "standin-breastmnist")
    assert one.delta(one.cells[0], one.readme) is None
    page = (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
    assert page.index(STAMP) < page.index("<style>")
    captions = re.findall(r"<caption>(.*?)</caption>", page, re.S)
    assert len(captions) == 6
    assert all(STAMP in caption for caption in captions)
    markdown = (tmp_path / "reports" / "report.md").read_text(encoding="utf-8")
    assert all(STAMP in line for line in markdown.splitlines() if line.startswith("## "))
    assert markdown.splitlines()[2] == f"**{STAMP}**"
    assert table_text(comparison).startswith(STAMP)


# ------------------------------------------------------------------------------------------------ page and twin


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


def test_the_page_fetches_nothing_and_leads_to_the_run_folders(page: str, sample: tuple[Comparison, Path]) -> None:
    found = Resources()
    found.feed(page)
    assert found.fetched
    assert all(address.startswith("data:") for address in found.fetched)
    folders = [address for address in found.followed if address.startswith("../")]
    known = ("#", "https://doi.org/", "https://github.com/")
    assert all(address.startswith(known) for address in found.followed if address not in folders)
    assert {(sample[1] / "reports" / address).resolve() for address in folders} == {
        path.parent.resolve() for path in sample[1].glob("*/quick/**/run.json")
    }
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 5_000_000


def test_the_twin_has_the_same_figures(page: str, markdown: str) -> None:
    folded = r"<style>.*?</style>|<script>.*?</script>|<details>.*?</details>"  # what is folded is in the page alone
    shown = re.sub(rf"{folded}|<[^>]*>", " ", page, flags=re.S)
    figures = re.compile(r"[+\u2212]?\b\d\.\d{3,4}\b(?: ± \d\.\d{4})?")
    assert sorted(set(figures.findall(shown))) == sorted(set(figures.findall(markdown)))


def test_origins_are_shown(page: str, markdown: str) -> None:
    for text in (page, markdown):
        for fact in ("0123456789abcdef, with uncommitted changes", "libauc 2.0.1", "Some CPU", "11,167,425", "abc123"):
            assert fact in text
        assert "breastmnist version 7" in text
        assert "6 (of 100)" in text
        assert "1 min 15 s" in text
        assert "Energy was not measured" in text
        assert "mlflow run . -e finetune -P task=" in text
        assert find_task(load_params(), "breastmnist").md5 in text  # type: ignore[operator]


def test_the_page_links_to_the_pages_of_sweeps(tmp_path: Path) -> None:
    params = sample_params(("breastmnist",))
    result = make_result()
    sweep.write("breastmnist", result.table, result.winner, tmp_path / "sweeps")
    report.build(params, PROFILE, tmp_path, tmp_path / "runs", tmp_path / "trunks", tmp_path / "sweeps")
    for name in ("report.html", "report.md"):
        assert "sweep-breastmnist.html" in (tmp_path / name).read_text()
    assert (tmp_path / "sweep-breastmnist.html").is_file()


def test_equal_runs_give_equal_bytes(sample: tuple[Comparison, Path], page: str) -> None:
    params = sample_params(
        ("breastmnist", "chestmnist", "vesselmnist3d"), left_out=("nodulemnist3d", "pneumoniamnist_rebuilt")
    )
    out = sample[1] / "again"
    report.build(params, PROFILE, out, *(sample[1] / name for name in ("runs", "trunks", "sweeps")))
    assert (out / "report.html").read_text(encoding="utf-8") == page
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.md"]


def test_the_terminal_table_fits_and_has_every_task_and_reason(sample: tuple[Comparison, Path]) -> None:
    text = table_text(sample[0])
    table = text.split("\nbreastmnist, dam")[0]
    assert max(map(len, table.splitlines())) <= 120
    for name in ("breastmnist", "0.9121", "0.901", "refused", "not run: data not reachable", "failed: out | of memory"):
        assert name in text
    assert f"{cell(sample[0], 'breastmnist', 'readme').figures['test_auc'].mean:.4f} ± " in text


def test_the_terminal_table_cuts_no_figure_with_many_methods_either(sample: tuple[Comparison, Path]) -> None:
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


def test_a_run_folders_metrics_file_is_not_what_is_shown(tmp_path: Path) -> None:
    params = sample_params(("breastmnist",))
    folder = write_run(params, tmp_path / "runs", find_task(params, "breastmnist"), "dam", 0)
    (folder.path / "metrics.json").write_text(json.dumps({"test_auc": 0.123}))
    build(params, tmp_path)
    assert "0.123" not in (tmp_path / "reports" / "report.md").read_text(encoding="utf-8")
