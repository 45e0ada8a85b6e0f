"""The pictures of test images."""

import base64
import io

import numpy as np
from PIL import Image

from benchmark.report.plots.gallery import gallery
from benchmark.runs.workspace import Workspace
from tests.report.parts import make, page_of, part, sample_params, write_run


def test_the_gallery_shows_the_worst_and_the_best_image(workspace: Workspace) -> None:
    params = sample_params(("vesselmnist3d",))
    folder = write_run(params, workspace, "vesselmnist3d", "dam")
    labels, scores = folder.scores()["test"]
    images = np.zeros((len(labels), 28, 28, 28), np.uint8)
    images[:, 14, 14, 14] = np.arange(len(labels)) % 256
    task = part(make(params, workspace), "vesselmnist3d")
    assert gallery(task, workspace) is None
    assert "No pictures: data/vesselmnist3d.npz is not at hand, or not whole." in page_of(workspace)
    workspace.data("vesselmnist3d").parent.mkdir()
    np.savez(workspace.data("vesselmnist3d"), test_images=images)
    shown = gallery(task, workspace)
    assert shown is not None
    errors = np.abs(labels - scores)[:, 0]
    assert [one.index for one in shown.wrong] == list(np.argsort(-errors, kind="stable")[:6])
    assert [one.index for one in shown.right] == list(np.argsort(errors, kind="stable")[:6])
    assert shown.wrong[0].truth == task.task.label_names[labels[shown.wrong[0].index, 0]]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.wrong[0].uri.partition(",")[2]))))
    assert picture.shape == (28, 3 * 28)
    assert picture[14, 14] == picture[14, 42] == picture[14, 70] == shown.wrong[0].index % 256
    make(params, workspace)
    assert shown.wrong[0].uri in page_of(workspace)


def test_a_data_file_that_is_not_whole_costs_the_pictures_alone(workspace: Workspace) -> None:
    params = sample_params(("vesselmnist3d",))
    labels, _ = write_run(params, workspace, "vesselmnist3d", "dam").scores()["test"]
    file = workspace.data("vesselmnist3d")
    file.parent.mkdir()
    np.savez(file, test_images=np.zeros((len(labels), 28, 28, 28), np.uint8))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert gallery(part(make(params, workspace), "vesselmnist3d"), workspace) is None
    assert "No pictures: data/vesselmnist3d.npz is not at hand, or not whole." in page_of(workspace)
