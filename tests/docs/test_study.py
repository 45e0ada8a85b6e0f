"""The study that git holds, and what README.md and docs/findings.md show of it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, ttest_ind_from_stats, ttest_rel
from sklearn.metrics import accuracy_score, roc_auc_score

from benchmark.config.params import load_params
from benchmark.core.provenance import ROOT
from benchmark.evaluation.comparison import Answer
from benchmark.evaluation.effect import Effect, Measure, Scored, compare
from benchmark.published.verdict import Verdict
from benchmark.report import rebuilt, standing
from benchmark.report.gather import collect
from benchmark.report.model import Comparison
from benchmark.report.plots.effects import effects
from benchmark.report.wording import difference
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from tests.helpers import SEVEN

PROFILE = "study"
TASKS = ("breastmnist", "pneumoniamnist_rebuilt", "adrenalmnist3d", "vesselmnist3d")
STUDY = replace(Workspace(ROOT), kept=True)


def runs() -> Iterator[RunFolder]:
    yield from STUDY.list_runs(PROFILE)
    yield from STUDY.list_ensembles(PROFILE)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """In the order of the shipped params.yaml, which `make repro` changes."""
    params = load_params(ROOT / "params.yaml")
    fetch = params.fetch.model_copy(update={"tasks": SEVEN, "left_out": ("pneumoniamnist_rebuilt",)})
    return collect(params.model_copy(update={"fetch": fetch}), PROFILE, STUDY)


def part_of(name: Path) -> str:
    """What stands between the marks."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.partition(f"{rebuilt.BEGIN}\n")[2].partition(rebuilt.END)[0]


def findings() -> str:
    """In one line."""
    return " ".join((ROOT / rebuilt.FINDINGS).read_text(encoding="utf-8").split())


def test_every_run_is_what_its_record_says() -> None:
    found = list(runs())
    assert found
    assert {str(folder.path.relative_to(ROOT)): str(folder.status_of_figures) for folder in found} == {
        str(folder.path.relative_to(ROOT)): "done" for folder in found
    }
    assert not any(folder.record().standin for folder in found)


def test_the_files_show_what_the_study_makes(comparison: Comparison) -> None:
    """`python -m pipelines.report --profile study --docs` writes them."""
    assert part_of(rebuilt.README) == rebuilt.readme(comparison, effects(comparison))
    assert part_of(rebuilt.FINDINGS) == rebuilt.findings(comparison)


def test_every_figure_of_the_readmes_table_is_scikit_learns() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in part_of(rebuilt.README).partition("Test AUROC of profile")[2].splitlines()
        if line.startswith("|")
    ]
    (_, *tasks), _, *table = rows
    checked = 0
    for name, *cells in table:
        recipe = re.sub(r"\W+$", "", name)
        for task, shown in zip(tasks, cells, strict=True):
            figures = [auroc(path) for path in sorted((STUDY.runs / PROFILE / task / recipe).glob("seed*/scores.npz"))]
            figures += [auroc(path) for path in (STUDY.ensembles / PROFILE / task / recipe).glob("scores.npz")]
            if figures:
                spread = f" ± {np.std(figures, ddof=1):.4f}" if len(figures) > 1 else ""
                assert shown == f"{np.mean(figures):.4f}{spread}"
                checked += 1
    assert checked == len(
        {(run.path.parts[-3:-1] if run.path.name.startswith("seed") else run.path.parts[-2:]) for run in runs()}
    )


def auroc(path: Path) -> float:
    with np.load(path) as scores:
        return float(roc_auc_score(scores["test_labels"], scores["test_scores"]))


def accuracy(path: Path) -> float:
    with np.load(path) as scores:
        return accuracy_score(scores["test_labels"], scores["test_scores"] > 0.5)


def test_what_the_findings_say_of_the_order_that_a_second_cycle_leaves() -> None:
    """Spearman's correlation of test scores with those of `plain`, mean over seeds: from the least task to the most."""

    def scores(task: str, recipe: str, seed: int) -> np.ndarray:
        return STUDY.run(PROFILE, task, recipe, seed).scores()["test"][1][:, 0]

    def span(*recipes: str) -> str:
        found = [
            np.mean([spearmanr(scores(task, name, seed), scores(task, "plain", seed))[0] for seed in range(5)])
            for task in TASKS
            for name in recipes
        ]
        return f"{min(found):.3f} to {max(found):.3f}"

    text = findings()
    for recipes in (("plain-aucm", "plain-compositional"), ("plain-cross-entropy",), ("plain-partial-auc",)):
        assert span(*recipes) in text


ALL_FOUR = {
    "dam": ("0.009", "0.102", "0.128", "0.012"),
    "medmnist": ("0.015", "0.069", "0.099", "0.034"),
}
"""What the findings say that `plain` lies above these by: on BreastMNIST, AdrenalMNIST3D, VesselMNIST3D and PneumoniaMNIST."""
TOLD_APART = {
    ("readme", "adrenalmnist3d"): "0.128",
    ("readme", "vesselmnist3d"): "0.199",
    ("dam-compositional", "vesselmnist3d"): "0.098",
    ("trunk-cross-entropy", "vesselmnist3d"): "0.107",
}


def test_what_the_findings_say_of_plain_and_the_published_kind(comparison: Comparison) -> None:
    """By the words of the report, which are corrected over all its pairs and tasks."""
    of_plain = {
        (pair.a, row.task): row
        for pair in comparison.pairs.values()
        if pair.b == "plain" and pair.a != "plain"
        for row in pair.rows
        if row.task in TASKS
    }
    assert {cell for cell, row in of_plain.items() if row.answer is Answer.B_BETTER} == set(TOLD_APART)
    assert {cell: f"{-of_plain[cell].difference.value:.3f}" for cell in TOLD_APART} == TOLD_APART
    order = ("breastmnist", "adrenalmnist3d", "vesselmnist3d", "pneumoniamnist_rebuilt")
    for recipe, shown in ALL_FOUR.items():
        assert tuple(f"{-of_plain[recipe, task].difference.value:.3f}" for task in order) == shown
    text = findings()
    assert all(by in text for by in (*TOLD_APART.values(), *ALL_FOUR["dam"], *ALL_FOUR["medmnist"]))


@pytest.mark.parametrize(
    ("task", "recipe", "above", "same", "apart"),
    [
        ("breastmnist", "plain-crossed", 2, 17, 20),
        ("adrenalmnist3d", "plain-cross-entropy", 3, 13, 13),
        ("vesselmnist3d", "plain-cross-entropy", 18, 1, 14),
        ("pneumoniamnist_rebuilt", "plain-cross-entropy", 12, 2, 18),
    ],
)
def test_what_the_findings_say_of_all_published_rows(
    comparison: Comparison, task: str, recipe: str, above: int, same: int, apart: int
) -> None:
    (part,) = (part for part in comparison.tasks if part.task.name == task)
    opponent = standing.opponent(part)
    assert opponent is not None
    assert opponent.recipe == recipe
    beside = list(standing.beside(part, opponent))
    expected = {Verdict.ABOVE: above, Verdict.SAME: same, Verdict.NOT_COMPARABLE: apart}
    assert Counter(one.together for one in beside) == expected
    firsts = [one.judgement.verdict for one in beside if one.row.source_key == "course_1st"]
    assert firsts == [Verdict.NOT_COMPARABLE]


def test_what_the_findings_say_of_validation_at_the_end_of_a_training() -> None:
    """From the fourth to the last fifth of the epochs, mean over seeds: who rises by more than 0.005, and by how much."""

    def rise(folder: RunFolder) -> float:
        values = folder.history()["val_auc"].to_numpy()
        fifth = max(1, len(values) // 5)
        return float(values[-fifth:].mean() - values[-2 * fifth : -fifth].mean())

    cells: dict[str, list[float]] = {}
    for folder in STUDY.list_runs(PROFILE):
        cells.setdefault("/".join(folder.path.parts[-3:-1]), []).append(rise(folder))
    for trunk in sorted((STUDY.trunks / PROFILE).iterdir()):
        cells[trunk.name] = [rise(RunFolder(trunk))]
    rising = {cell: f"{np.mean(values):.3f}" for cell, values in cells.items() if np.mean(values) > 0.005}
    expected = {"vesselmnist3d/plain": "0.009", "vesselmnist3d/plain-crossed": "0.017", "3d": "0.015"}
    assert rising == expected


def test_what_the_findings_say_of_moved_images() -> None:
    """Every part of `moves.csv` has more with moves than without, and its means are those of the searches' own tables."""
    parts = pd.read_csv(ROOT / "sweeps" / "moves.csv")
    text = findings()
    for task, of_task in parts.groupby("task"):
        grid, moved = ("moves-2d", "affine") if task == "breastmnist" else ("moves-3d", "in-plane")
        table = pd.read_csv(ROOT / "sweeps" / str(task) / grid / "trials.csv").set_index("augmentation")
        wide = of_task.pivot_table(index="seed", columns="augmentation", values="val_auc")
        assert len(wide) == 3
        assert (wide[moved] > wide["none"]).all()
        for augmentation, values in wide.items():
            assert values.mean() == pytest.approx(table.loc[augmentation, "val_auc"])
            assert f"{values.mean():.3f} ± {values.std(ddof=1):.3f}" in text


@pytest.mark.parametrize(
    ("recipe", "network", "keeps", "rerun"),
    [
        ("medmnist", "medmnist-resnet18", "best", "`medmnist` differs from the rerun (Welch's t, p = {:.3f})"),
        ("medmnist-script", "medmnist-resnet18-default", "last", "`medmnist-script` does not (p = {:.2f})"),
    ],
)
def test_what_the_findings_say_of_medmnists_recipe_to_the_full(
    recipe: str, network: str, keeps: str, rerun: str
) -> None:
    runs = sorted((STUDY.runs / "full/breastmnist" / recipe).glob("seed*"))
    configs = [RunFolder(path).trained().config for path in runs]
    assert all(RunFolder(path).status_of_figures.is_done for path in runs)
    assert {(str(one.network), one.epochs, one.precision, one.keep) for one in configs} == {
        (network, 100, "fp32", keeps)
    }
    figures = [auroc(path / "scores.npz") for path in runs]
    accuracies = [accuracy(path / "scores.npz") for path in runs]
    text = findings()
    assert f"has {np.mean(figures):.3f} ± {np.std(figures, ddof=1):.3f}" in text
    assert f"{np.mean(accuracies):.3f} ± {np.std(accuracies, ddof=1):.3f}" in text
    elsewhere = (0.90739, 0.01028 * (5 / 4) ** 0.5, 5)  # mean and sample standard deviation, see `results.csv`
    p = ttest_ind_from_stats(np.mean(figures), np.std(figures, ddof=1), 5, *elsewhere, equal_var=False).pvalue
    assert rerun.format(p) in text


def test_what_is_said_of_bfloat16() -> None:
    """`plain-crossed` of the study beside float32: on what each seed holds out, and on test by the rule of the reports."""

    def on_test(effect: Effect) -> str:
        return f"{difference(effect.value)} [{difference(effect.low)}, {difference(effect.high)}]"

    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    test, rows, p_values = dict[str, Scored](), dict[str, str](), dict[str, float]()
    for task in TASKS:
        bf16, fp32 = (
            [STUDY.run(profile, task, "plain-crossed", seed) for seed in range(5)] for profile in (PROFILE, "full")
        )
        assert all(folder.status_of_figures.is_done for folder in fp32)
        for a, b in zip(bf16, fp32, strict=True):
            assert differing(a, b) == {"profile", "precision", "memory_format"}
        held_out = [np.array([roc_auc_score(*folder.scores()["val"]) for folder in of]) for of in (fp32, bf16)]
        by_seed = held_out[1] - held_out[0]
        figures = [f"{of.mean():.4f} ± {of.std(ddof=1):.4f}" for of in held_out]
        rows[task] = " | ".join((task, *figures, f"{difference(by_seed.mean())} ± {by_seed.std(ddof=1):.4f}"))
        p_values[task] = float(ttest_rel(*held_out).pvalue)
        scores = ({seed: folder.scores()["test"][1] for seed, folder in enumerate(of)} for of in (bf16, fp32))
        test[task] = Scored(fp32[0].scores()["test"][0], *scores)
    overall = compare(test, Measure.AUROC)
    for task in TASKS:
        assert f"| {rows[task]} | {on_test(overall.tasks[task])} |" in page
    whole = on_test(overall.mean)
    assert f"{whole.removeprefix('+').replace(' ', ' higher in bfloat16 ', 1)}" in findings()
    assert f"mean over the four {whole} (p = {overall.mean.p:.2f})" in page
    least = min(p_values, key=lambda task: p_values[task])
    assert least == "adrenalmnist3d"
    assert f"(paired t, p = {p_values[least]:.3f}; of four together {4 * p_values[least]:.3f})" in page


def differing(a: RunFolder, b: RunFolder) -> set[str]:
    """In what the configurations of two runs on the same data differ."""
    first, second = a.trained(), b.trained()
    assert first.data_md5 == second.data_md5
    of_first, of_second = first.config.model_dump(), second.config.model_dump()
    return {key for key in of_first if of_first[key] != of_second[key]}
