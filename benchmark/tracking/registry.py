"""Registered models: a version for each run that was the best of its recipe, and where a version came from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from torch import nn

from benchmark.config.tasks import STAMP, Task
from benchmark.core import provenance
from benchmark.runs import cell
from benchmark.runs.folder import RunFolder
from benchmark.runs.workspace import Workspace
from benchmark.tracking import card, descriptions, served_model
from benchmark.tracking.card import Card
from benchmark.tracking.views import RESULTS, run_tags

JUDGED = "recipe_val_auc"
"""Tag of a version: what its recipe is chosen by, the mean over its seeds; the best seed's figure flatters one that has many."""
OF_ALL = "recipe_val_is_whole"
"""Tag of a version: whether that is of all images of official val, or of the part that few cross-fitted seeds have held out."""
CARD = "card"
"""Tag of a version that has its model card, with the card's name."""


def add(
    folder: RunFolder,
    task: Task,
    predictor: nn.Module,
    example: np.ndarray,
    serve: str,
    out_of_fold: Mapping[str, float] | None = None,
) -> str:
    """Make a run's network a version of the task's registered model: its number.

    pt2 (torch.export, no pickle), uint8 images as in the file → probabilities, any batch size; see `served_model`. `serve` is
    the command that serves the champion.

    Args:
        out_of_fold: the val figures of all seeds of a cross-fitted recipe, which stand for the run's own: those are of the
            images that it alone held out.
    """
    record, metrics = folder.record(), folder.metrics() | dict(out_of_fold or {})
    client, config, known = MlflowClient(), record.config, run_tags(record)
    tags = {"recipe": config.recipe, "profile": config.profile}
    tags |= {name: known[name] for name in ("seed", "ensemble", "members", "trained_on_val") if name in known}
    tags |= {name: f"{metrics[name]:.6f}" for name in RESULTS if name in metrics}
    tags |= {"identity": record.identity, "run_folder": str(folder.path)}
    if task.is_standin:
        tags["standin"] = STAMP
    info = log_model(predictor, example, tags)
    mlflow.log_metrics(metrics, model_id=info.model_id, dataset=_data(task, record.data_md5[task.name]))
    made = mlflow.register_model(info.model_uri, task.name, tags=tags)
    if not client.get_registered_model(task.name).description:
        client.update_registered_model(task.name, descriptions.model(task, serve))
    return str(made.version)


def complete(
    folder: RunFolder,
    task: Task,
    version: str,
    out_of_fold: Mapping[str, float] | None = None,
    seeds: Sequence[RunFolder] = (),
) -> None:
    """Give a version what it is chosen by and its model card.

    Alias `champion` goes to the newest version of the recipe or ensemble with the best validation AUROC of this profile, on
    all of val where there is one.

    Args:
        out_of_fold: see `add`.
        seeds: of the recipe, among which this run was chosen.
    """
    client, of_all = MlflowClient(), cell.is_judged_on_all_of_val(seeds or [folder])
    tags = {name: f"{value:.6f}" for name, value in (out_of_fold or {}).items()}  # other seeds may have come since
    tags |= {JUDGED: f"{_judged(folder, out_of_fold, seeds):.6f}", OF_ALL: str(of_all).lower()}
    for name, value in tags.items():
        client.set_model_version_tag(task.name, version, name, value)
    profile = folder.record().config.profile
    client.set_registered_model_alias(task.name, "champion", _champion(client, task.name, profile))
    _give_card(client, Card(folder, task, seeds), version)


def _judged(folder: RunFolder, out_of_fold: Mapping[str, float] | None, seeds: Sequence[RunFolder]) -> float:
    """Validation AUROC of a recipe: out of fold over all seeds, or their mean; of an ensemble its own."""
    return (out_of_fold or cell.figures(seeds or [folder]))["val_auc"]


def _give_card(client: Any, of: Card, version: str) -> None:
    """The model card of a version that has none: beside the model, in the run that it was made in, and in short as its
    description. Versions from before there were cards get theirs too; a description that a person wrote stays."""
    name = of.task.name
    known = client.get_model_version(name, version)
    if CARD in known.tags:
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / card.FILE
        path.write_text(of.whole(), encoding="utf-8")
        client.log_model_artifact(known.source.removeprefix("models:/"), str(path))
        client.log_artifact(known.run_id, str(path))
    if (known.description or of.headline) == of.headline:
        client.update_model_version(name, version, of.short())
    client.set_model_version_tag(name, version, CARD, card.FILE)  # last: without it the card is given again


def known_version(client: Any, name: str, identity: str, profile: str) -> str | None:
    """The version that an equal run was made into; None where there is none."""
    for version in client.search_model_versions(f"name = '{name}'"):
        if (version.tags.get("identity"), version.tags.get("profile")) == (identity, profile):
            return str(version.version)
    return None


def log_model(predictor: nn.Module, example: np.ndarray, tags: Mapping[str, str]) -> Any:
    """Two models in one: the exported network, which takes uint8, and before it what refuses anything else.

    Args:
        predictor: uint8 (n, *spatial) → float32 (n, L), whatever is in it.
        example: uint8, two images or more.
        tags: with `recipe` and `profile`, which name it.
    """
    predictor.eval().cpu()
    with torch.no_grad():
        shape = predictor(torch.from_numpy(example)).shape
    taken = Schema([TensorSpec(np.dtype("uint8"), (-1, *example.shape[1:]))])
    given = Schema([TensorSpec(np.dtype("float32"), (-1, *shape[1:]))])
    versions = provenance.versions()
    needed = [f"{name}=={versions[name]}" for name in ("mlflow", "torch", "torchvision", "numpy")]
    with TemporaryDirectory() as folder:
        network = Path(folder) / "network"
        mlflow.pytorch.save_model(
            predictor,
            network,
            signature=ModelSignature(inputs=taken, outputs=given),
            input_example=example,
            serialization_format="pt2",
            pip_requirements=needed,
        )
        return mlflow.pyfunc.log_model(
            name=f"{tags['recipe']}-{tags['profile']}",
            loader_module="served_model",
            code_paths=[served_model.__file__],
            data_path=str(network),
            signature=ModelSignature(outputs=given),
            input_example=example,
            pip_requirements=needed,
            tags=dict(tags),
        )


def _data(task: Task, md5: str) -> Any:
    """What a model's figures were measured on. MLflow knows it by name and digest, as the seeds' runs log it."""
    where = json.dumps({"uri": str(Workspace().data(task.name))})
    return mlflow.entities.Dataset(name=task.name, digest=md5, source_type="local", source=where)


def _champion(client: Any, name: str, profile: str) -> str:
    """The newest version of the recipe or ensemble with the best validation AUROC of this profile, on all of val if any is."""
    newest: dict[str, Any] = {}
    for version in client.search_model_versions(f"name = '{name}'"):
        recipe = version.tags.get("recipe", "")
        if version.tags.get("profile") != profile:
            continue
        if recipe not in newest or int(version.version) > int(newest[recipe].version):
            newest[recipe] = version
    # Equal AUROC: the older version keeps the title. Versions from before there was the tag have their own figure alone.
    best = max(
        newest.values(),
        key=lambda version: (
            version.tags.get(OF_ALL) != "false",
            float(version.tags.get(JUDGED, version.tags["val_auc"])),
            -int(version.version),
        ),
    )
    return str(best.version)
