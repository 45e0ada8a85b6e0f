"""Registered models: a version for each run that was the best of its recipe, and where a version came from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from torch import nn

from benchmark.config.tasks import STAMP, Task
from benchmark.core import provenance
from benchmark.core.errors import BadInput
from benchmark.runs.folder import RunFolder
from benchmark.tracking import descriptions, served_model
from benchmark.tracking.store import use_default_store
from benchmark.tracking.views import RESULTS
from benchmark.training.model import Predictor


def register(folder: RunFolder, task: Task, predictor: Predictor, example: np.ndarray, serve: str) -> dict[str, Any]:
    """pt2 (torch.export, no pickle), uint8 images as in the file → probabilities, any batch size; see `served_model`.

    An equal run's version is not made twice. `serve` is the command that serves the champion. Alias `champion` goes to
    the best validation AUROC among each recipe's newest version of this profile.
    """
    record, metrics = folder.trained(), folder.metrics()
    client, config = MlflowClient(), record.config
    tags = {"recipe": config.recipe, "profile": config.profile, "seed": str(config.seed)}
    tags |= {name: f"{metrics[name]:.6f}" for name in RESULTS if name in metrics}
    tags |= {"identity": record.identity, "run_folder": str(folder.path)}
    if task.is_standin:
        tags["standin"] = STAMP
    version = _known_version(client, task.name, tags)
    if version is None:
        info = log_model(predictor, example, tags, metrics)
        made = mlflow.register_model(info.model_uri, task.name, tags=tags)
        version = str(made.version)
        _describe(client, task, version, descriptions.version(config, metrics, task.is_standin), serve)
    client.set_registered_model_alias(task.name, "champion", _champion(client, task.name, config.profile))
    return {"model_name": task.name, "model_version": version}


def run_of_version(address: str, where: str) -> Path:
    """The run folder that a registered model was made from.

    Args:
        address: as MLflow writes it, `models:/breastmnist/3` or `models:/breastmnist@champion`.
        where: what an error's sentence starts with.

    Raises:
        BadInput: there is no such version, or it does not say where it came from.
    """
    use_default_store()
    name, _, alias = address.removeprefix("models:/").partition("@")
    name, _, number = name.partition("/")
    client = MlflowClient()
    try:
        version = client.get_model_version_by_alias(name, alias) if alias else client.get_model_version(name, number)
        return Path(version.tags["run_folder"])
    except (MlflowException, KeyError) as error:
        known = sorted(f"models:/{one.name}" for one in client.search_registered_models())
        reason = str(error).splitlines()[0]
        raise BadInput(f"{where} '{address}': {reason}; registered are: {', '.join(known) or 'none'}") from error


def _describe(client: Any, task: Task, version: str, text: str, serve: str) -> None:
    """Descriptions of a version that was just made, and of the model where it has none."""
    client.update_model_version(task.name, version, text)
    if not client.get_registered_model(task.name).description:
        client.update_registered_model(task.name, descriptions.model(task, serve))


def _known_version(client: Any, name: str, tags: Mapping[str, str]) -> str | None:
    for version in client.search_model_versions(f"name = '{name}'"):
        if all(version.tags.get(key) == tags[key] for key in ("identity", "profile")):
            return str(version.version)
    return None


def log_model(predictor: nn.Module, example: np.ndarray, tags: Mapping[str, str], metrics: Mapping[str, float]) -> Any:
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
        info = mlflow.pyfunc.log_model(
            name=f"{tags['recipe']}-{tags['profile']}",
            loader_module="served_model",
            code_paths=[served_model.__file__],
            data_path=str(network),
            signature=ModelSignature(outputs=given),
            input_example=example,
            pip_requirements=needed,
            tags=dict(tags),
        )
    for name, value in metrics.items():
        mlflow.log_metric(name, value, model_id=info.model_id)
    return info


def _champion(client: Any, name: str, profile: str) -> str:
    """The version with the best validation AUROC among each recipe's newest one of this profile."""
    newest: dict[str, Any] = {}
    for version in client.search_model_versions(f"name = '{name}'"):
        recipe = version.tags.get("recipe", "")
        if version.tags.get("profile") != profile:
            continue
        if recipe not in newest or int(version.version) > int(newest[recipe].version):
            newest[recipe] = version
    # Equal AUROC: the older version keeps the title.
    best = max(newest.values(), key=lambda version: (float(version.tags["val_auc"]), -int(version.version)))
    return str(best.version)
