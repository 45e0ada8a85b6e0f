"""The notebook runs from its first cell to its last on stand-in data, and is kept without outputs."""

import json
from pathlib import Path

import pytest

from tests.e2e.clone import ROOT, environment, make_clone

NOTEBOOK = "notebooks/first_steps.ipynb"


def test_it_is_kept_without_outputs() -> None:
    cells = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    assert [cell["outputs"] for cell in cells if cell["cell_type"] == "code" and cell["outputs"]] == []
    assert {cell["execution_count"] for cell in cells if cell["cell_type"] == "code"} == {None}


@pytest.mark.e2e
def test_it_fetches_trains_compares_and_shows_a_picture(tmp_path: Path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    clone = make_clone(tmp_path / "clone")
    notebook = nbformat.read(clone / NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(clone / "notebooks")}})
    client.execute(env=environment())  # raises at a cell that fails
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert "standin-breastmnist: data/standin-breastmnist.npz" in said
    assert "test AUROC" in said
    assert "medmnist" in said.split("page: ")[0]
    assert "page: reports/" in said
    assert len(pictures) == 2
    assert (clone / "runs/smoke/standin-breastmnist/medmnist/seed0/scores.npz").is_file()
