"""The project that a command is run in: its configuration, its folders, and where its data comes from."""

from __future__ import annotations

import os
from pathlib import Path

from benchmark.config.params import Params, load_params
from benchmark.core.files import home
from benchmark.data.download import is_address
from benchmark.runs.workspace import Workspace

PARAMS = Path("params.yaml")
WORKSPACE = Workspace()
SHARED_DATA = Path("../shared/medmnist")
RUN_BY_DVC = "DVC_STAGE" in os.environ
"""Whether this process is a stage of `dvc repro`, which has run what it depends on."""


def params() -> Params:
    """The configuration of the project, as it stands in its file now."""
    return load_params(PARAMS)


def mirror() -> str | None:
    """The folder or http(s) address in MEDMNIST_MIRROR; `../shared/medmnist` where unset and there; else None."""
    given = os.environ.get("MEDMNIST_MIRROR") or (str(SHARED_DATA) if SHARED_DATA.is_dir() else None)
    if given is None or is_address(given):
        return given
    return str(home(given, "MEDMNIST_MIRROR"))
