"""One report that many tests read."""

from pathlib import Path

import pytest

from benchmark.config.run import resolve_pretrain
from benchmark.core.terms import Dimension
from benchmark.report.model import Comparison
from benchmark.runs.workspace import Workspace
from tests.helpers import trained
from tests.report.parts import (
    FACTS,
    PROFILE,
    make,
    markdown_of,
    page_of,
    sample_params,
    write_run,
    write_sample,
)

Sample = tuple[Comparison, Workspace]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Two tasks, three recipes, two seeds; one cell failed, one refused, one task left out, one not run."""
    workspace = Workspace(tmp_path_factory.mktemp("report"))
    tasks = ("breastmnist", "chestmnist")
    params = sample_params((*tasks, "vesselmnist3d"), left_out=("nodulemnist3d", "pneumoniamnist_rebuilt"))
    write_sample(params, workspace, tasks)
    write_run(params, workspace, "breastmnist", "dam", 1, status="failed: loss <not> finite")
    write_run(params, workspace, "vesselmnist3d", "readme")
    write_run(params, workspace, "vesselmnist3d", "medmnist", status="failed: out | of memory")
    workspace.write_refusal(PROFILE, "vesselmnist3d", "dam", "binary tasks only")
    tracked = workspace.run(PROFILE, "breastmnist", "readme", 0)
    place = {"tracking_uri": "sqlite:///mlflow.db", "run_id": "abc123", "identity": tracked.record().identity}
    tracked.write_tracking(place | {"model_name": "breastmnist", "model_version": "7"})
    config = resolve_pretrain(params, Dimension.D2, PROFILE).model_copy(update={"tasks": ("breastmnist", "chestmnist")})
    trunk = workspace.trunk(PROFILE, Dimension.D2)
    trunk.write_history([])
    trunk.write_metrics({})
    trunk.seal(trained(**{**FACTS, "data_md5": {}, "config": config}))
    return make(params, workspace), workspace


@pytest.fixture(scope="session")
def page(sample: Sample) -> str:
    return page_of(sample[1])


@pytest.fixture(scope="session")
def markdown(sample: Sample) -> str:
    return markdown_of(sample[1])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)
