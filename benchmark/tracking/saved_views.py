"""Views of an experiment for the MLflow UI's menu "Views": which runs, which columns, which charts.

MLflow keeps a view in a tag of its experiment, as the state of its page in compressed JSON (MLflow 3.17; a browser test
opens each).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

PREFIX = "mlflow.sharedViewState."
MODES = {"recipes": "", "learning": "&compareRunsMode=CHART", "trials": "&compareRunsMode=CHART"}
"""Name of every view, and how its page is addressed."""


def tags() -> Iterator[tuple[str, str]]:
    """A tag for each view."""
    columns = [f"metrics.`{name}`" for name in ("val_auc", "test_auc", "test_auc_low", "test_auc_high", "test_acc")]
    columns += [f"metrics.`{name}`" for name in ("published_test_auc", "delta_test_auc")]
    columns += [f"params.`{name}`" for name in ("loss", "optimizer", "lr", "epochs", "seed")]
    yield _view("recipes", "Recipes: means over seeds, with intervals", "recipe", selectedColumns=columns)
    curves = [_line("AUROC on val by epoch", "epoch/val_auc"), _line("AUROC on train by epoch", "epoch/train_auc")]
    curves += [_line("loss on train by epoch", "epoch/train_loss"), _scatter("AUROC, val and test")]
    yield _charts("learning", "Learning curves: mean over the seeds of a recipe", "seed", curves, grouped_by="recipe")
    trials = [_parallel("AUROC on val by trial", ["loss", "optimizer", "lr"], ["val_auc"])]
    yield _charts("trials", "Trials of grid searches", "trial", trials, columns=1)


def links(experiment_id: str) -> str:
    """Markdown: every view by its name."""
    page = f"#/experiments/{experiment_id}/runs"
    return " · ".join(f"[{name}]({page}?viewStateShareKey={name}{mode})" for name, mode in MODES.items())


def _view(name: str, title: str, level: str, **state: Any) -> tuple[str, str]:
    content = {
        "searchFilter": f"tags.level = '{level}'",
        "orderByKey": "metrics.`val_auc`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "runsHiddenMode": "SHOWALL",
    }
    packed = base64.b64encode(zlib.compress(json.dumps(content | state).encode())).decode()
    return f"{PREFIX}{name}", json.dumps({"name": title, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"})


def _charts(
    name: str, title: str, level: str, cards: list[dict[str, Any]], grouped_by: str | None = None, columns: int = 3
) -> tuple[str, str]:
    section = {"uuid": name, "name": title, "display": True, "isReordered": True, "columns": columns}
    charts = [
        {"uuid": f"{name}{place}", "metricSectionId": name, "deleted": False, "isGenerated": False} | card
        for place, card in enumerate(cards)
    ]
    grouping = {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": grouped_by}]}
    return _view(
        name,
        title,
        level,
        compareRunSections=[section],
        compareRunCharts=charts,
        groupBy=grouping if grouped_by else None,
        isAccordionReordered=True,
    )


def _line(title: str, metric: str) -> dict[str, Any]:
    return {
        "type": "LINE",
        "displayName": title,
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "xAxisKey": "step",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "range": {},
    }


def _scatter(title: str) -> dict[str, Any]:
    axes = {axis: {"key": key, "type": "METRIC"} for axis, key in (("xaxis", "val_auc"), ("yaxis", "test_auc"))}
    return {"type": "SCATTER", "displayName": title} | axes


def _parallel(title: str, params: list[str], metrics: list[str]) -> dict[str, Any]:
    chosen = {"selectedParams": params, "selectedMetrics": metrics}
    return {"type": "PARALLEL", "displayName": title, "showAllRuns": False} | chosen
