"""What the MLflow UI says in words: of an experiment, of a recipe's run, of a registered model and its versions."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.config.tasks import STAMP, Task
from benchmark.runs.record import Combined, RunRecord
from benchmark.tracking import saved_views

NOTE = "mlflow.note.content"
"""The tag that the UI shows as description, in Markdown."""


def experiment(name: str, experiment_id: str, trunks: bool) -> str:
    """Links to an experiment's views, in the first line because the rest is folded, and what lies where."""
    content = (
        "A run for each dimension, in it one with its epochs: the trunks that fine-tuning starts from."
        if trunks
        else "A run for each recipe has the means over seeds, in it a run for each seed has its epochs; a run for each "
        "grid search has in it its trials. Choose by `val_auc`; `test_auc` is for the report."
    )
    return f"**{name}**: {saved_views.links(experiment_id, trunks)}\n\n{content}"


def recipe(metrics: Mapping[str, float], standin: bool, again: str, trained_on_val: bool = False) -> str:
    """Of the parent run: its AUROCs, the published one, and the command that makes it `again`."""
    rows = [
        (OUT_OF_FOLD if trained_on_val else "val AUROC", "val_auc"),
        ("test AUROC", "test_auc"),
        ("test AUROC of the seeds' mean", "test_auc_ensemble"),
    ]
    lines = [f"| {title} | {metrics[name]:.4f}{_interval(name, metrics)} |" for title, name in rows if name in metrics]
    if "published_test_auc" in metrics:
        lines.append(f"| test AUROC, README, published | {metrics['published_test_auc']:.4f} |")
    table = "\n".join(["| | |", "|---|---|", *lines])
    return f"{f'**{STAMP}**' if standin else ''}\n\n{table}\n\n`{again}`".strip()


OUT_OF_FOLD = "val AUROC, out of fold (val was trained on)"


def model(task: Task, serve: str) -> str:
    """Of a registered model: input, output, and the command that answers requests with it."""
    answer = "the probability of each label" if task.label_count > 1 else f"the probability of '{task.label_names[1]}'"
    return (
        f"Images of {task.name} as they are in the file (uint8, {task.size} pixels) to {answer}. One version a recipe and "
        "configuration, of the seed with the best val AUROC, and one an ensemble; `champion` is the best of these on val, a "
        "cross-fitted recipe by its AUROC out of fold.\n\n"
        f"`{serve}`"
    )


def version(record: RunRecord, metrics: Mapping[str, float]) -> str:
    """Of one version: which run it is, and its AUROCs."""
    config = record.config
    which = f"the mean of {len(record.members)} networks" if isinstance(record, Combined) else f"seed {config.seed}"
    figures = f"val {metrics['val_auc']:.3f}, test {metrics['test_auc']:.3f} AUROC"  # first, because lists cut it off
    said = [figures, f"{config.recipe}, {config.profile}, {which}"]
    said += ["val was trained on, its AUROC is out of fold"] if record.trained_on_val else []
    return "; ".join([*said, *([STAMP] if record.standin else [])])


def _interval(name: str, metrics: Mapping[str, float]) -> str:
    if f"{name}_low" not in metrics:
        return ""
    return f" (95 %: {metrics[f'{name}_low']:.4f} to {metrics[f'{name}_high']:.4f})"
