"""What the committed dvc.lock says of the data, against medmnist.INFO."""

from pathlib import Path

import pytest
import yaml
from medmnist import INFO

from benchmark.config.entries import OwnTask
from tests.helpers import shipped

LOCK = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
FETCHED = {name.removeprefix("fetch@"): stage["outs"][0]["md5"] for name, stage in LOCK.items() if "fetch@" in name}


def test_data_was_fetched_by_stages_of_its_own() -> None:
    assert FETCHED


@pytest.mark.parametrize("name", sorted(FETCHED))
def test_dvc_lock_holds_the_declared_md5_of_every_file(name: str) -> None:
    entry = shipped().tasks[name]
    expected = entry.md5 if isinstance(entry, OwnTask) else INFO[name]["MD5"]
    assert FETCHED[name] == expected
