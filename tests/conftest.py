"""The order of the test files: what takes longest first, so that no worker is left with it at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

FIRST = (
    "e2e/test_pipeline.py",
    "sweep/test_cluster.py",
    "e2e/test_sweep.py",
    "training/test_loop.py",
    "training/test_same_bytes.py",
    "tracking/test_found.py",
    "performance/test_engine.py",
    "pipelines/test_killed.py",
    "report/test_gather.py",
)
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a file stay together and in their order."""
    place = {TESTS / name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(FIRST)))
