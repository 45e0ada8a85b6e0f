"""The views of an experiment in the MLflow UI, opened by the links of its description."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import requests
from mlflow import MlflowClient

from tests.helpers import free_port
from tests.tracking.test_tracking import track_two_seeds

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
SHOWN = {
    "recipes": ["published_test_auc", "test_auc_low", "epochs", "0.9121"],
    "learning": ["test seed 1", "epoch/val_auc", "epoch/train_auc", "val_auc vs. test_auc"],
    "trials": ["Trials of grid searches"],
}
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    """The MLflow UI on a store that holds one recipe; the browser comes first, so that no store is made without one."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        track_two_seeds(register=False)
        found = f"http://127.0.0.1:{(port := free_port())}"
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, start_new_session=True, **silent) as server:
            try:
                while not answers(f"{found}/health"):
                    assert server.poll() is None
                    time.sleep(0.2)
                yield found
            finally:
                os.killpg(server.pid, signal.SIGTERM)


def answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("view", SHOWN)
def test_a_view_shows_what_it_is_for(browser: Browser, address: str, view: str) -> None:
    experiment = MlflowClient(address).get_experiment_by_name("breastmnist")
    links = dict(re.findall(r"\[(\w+)\]\((#[^)]+)\)", experiment.tags["mlflow.note.content"]))
    page = browser.new_page(viewport={"width": 1900, "height": 1100})
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(f"{address}/{links[view]}")
    for text in SHOWN[view]:
        page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)
    assert broken == []
    page.close()
