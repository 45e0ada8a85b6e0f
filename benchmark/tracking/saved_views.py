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


def names(trunks: bool) -> list[str]:
    """The views that an experiment has something to show in."""
    return ["learning"] if trunks else list(MODES)


def tags(trunks: bool) -> dict[str, str]:
    """A tag for each view, of an experiment with recipes or of one with trunks."""
    return {f"{PREFIX}{name}": view for name, view in _views() if name in names(trunks)}


def _views() -> Iterator[tuple[str, str]]:
    columns = [f"metrics.`{name}`" for name in ("val_auc", "test_auc", "test_auc_low", "test_auc_high", "test_acc")]
    columns += [f"metrics.`{name}`" for name in ("published_test_auc", "delta_test_auc")]
    columns += [f"params.`{name}`" for name in ("loss", "optimizer", "lr", "epochs", "seed")]
    yield _view("recipes", "Recipes: means over seeds, with intervals", "recipe", selectedColumns=columns)
    curves = [_line(f"epoch/{name}") for name in ("val_auc", "train_auc", "train_loss")] + [_scatter()]
    yield _charts("learning", "Learning curves of every seed, a colour a recipe", "seed", curves)
    trials = [_parallel(["loss", "optimizer", "lr"], ["val_auc"])]
    yield _charts("trials", "Trials of grid searches", "trial", trials, columns=1)


def links(experiment_id: str, trunks: bool) -> str:
    """Markdown: every view by its name."""
    page = f"#/experiments/{experiment_id}/runs"
    return " · ".join(
        f"[{name}]({page}?workflowType=machine_learning&viewStateShareKey={name}{MODES[name]})"
        for name in names(trunks)
    )


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
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }
    packed = base64.b64encode(zlib.compress(json.dumps(content | state).encode())).decode()
    return name, json.dumps({"name": title, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"})


def _charts(name: str, title: str, level: str, cards: list[dict[str, Any]], columns: int = 3) -> tuple[str, str]:
    section = {"uuid": name, "name": title, "display": True, "isReordered": True, "columns": columns}
    charts = [
        {"uuid": f"{name}{place}", "metricSectionId": name, "deleted": False, "isGenerated": False} | card
        for place, card in enumerate(cards)
    ]
    return _view(name, title, level, compareRunSections=[section], compareRunCharts=charts, isAccordionReordered=True)


def _line(metric: str) -> dict[str, Any]:
    return {
        "type": "LINE",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "xAxisKey": "step",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "range": {},
        "lineSmoothness": 0,
        "useGlobalLineSmoothing": True,
    }


def _scatter() -> dict[str, Any]:
    axes = {axis: {"key": key, "type": "METRIC"} for axis, key in (("xaxis", "val_auc"), ("yaxis", "test_auc"))}
    return {"type": "SCATTER"} | axes


def _parallel(params: list[str], metrics: list[str]) -> dict[str, Any]:
    chosen = {"selectedParams": params, "selectedMetrics": metrics}
    return {"type": "PARALLEL", "showAllRuns": False} | chosen
