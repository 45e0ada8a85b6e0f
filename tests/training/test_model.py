"""The seeds behind a network's weights, what of it is trained, and what is served."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.runs.folder import RunFolder
from benchmark.training import execute
from benchmark.training import model as models
from benchmark.training.model import MultiHead, Predictor
from tests.helpers import CPU, make_config, make_data


def test_a_further_head_changes_no_weight_of_the_trunk() -> None:
    one, two = (models.build("resnet18-strided", heads, seed=4) for heads in ({"a": 2}, {"a": 2, "b": 2}))
    assert all(torch.equal(one.state_dict()[n], two.state_dict()[n]) for n in one.state_dict() if n.startswith("trunk"))


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    models.build("resnet18-strided", {"a": 2}, seed=4)
    assert torch.rand(1) == expected


def test_all_but_the_last_ten_tensors_and_the_heads_are_frozen() -> None:
    model = models.build("r3d18", {"a": 2}, seed=0)
    models.freeze_all_but_last(model, 10)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert len(trained) == 12
    assert trained[-2:] == ["heads.a.weight", "heads.a.bias"]
    assert all(name.startswith("trunk.layer4") for name in trained[:-2])


def test_a_predictor_takes_the_files_images_in_any_batch_size() -> None:
    model: MultiHead = models.build("resnet18-strided", {"a": 2}, seed=0)
    predictor = Predictor(model, "a", lambda outputs: outputs.softmax(dim=1)[:, 1:]).eval()
    images = torch.randint(0, 256, (5, 28, 28), dtype=torch.uint8)
    assert predictor(images).shape == (5, 1)
    assert torch.allclose(predictor(images)[:1], predictor(images[:1]), atol=1e-6)


def test_normalised_grey_values_are_medmnists() -> None:
    images = torch.tensor([0, 128, 255], dtype=torch.uint8)
    assert torch.allclose(models.normalise(images), (images / 255 - 0.5) / 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "axes"), [((6, 7), ["width"]), ((6, 7), ["height", "width"]), ((5, 6, 7), ["depth"])]
)
def test_scores_over_flips_are_the_mean_over_every_combination(shape: tuple[int, ...], axes: list[str]) -> None:
    images, weights = torch.randn(3, 1, *shape), torch.randn(*shape)
    found = models.over_flips(
        lambda one: (one * weights).flatten(1).sum(1, keepdim=True), images, models.flipped_axes(axes)
    )
    numbers = [len(shape) + ["depth", "height", "width"].index(axis) - 3 for axis in axes]
    flipped = [images.numpy()[:, 0]]
    for number in numbers:
        flipped += [np.flip(one, number + 1) for one in flipped]
    expected = np.mean([(one * weights.numpy()).reshape(3, -1).sum(1) for one in flipped], axis=0)
    assert np.allclose(found.numpy()[:, 0], expected, atol=1e-4)


def test_a_served_model_flips_as_the_run_did(tmp_path: Path) -> None:
    data = {"breastmnist": make_data("breastmnist")}
    folder, plain = RunFolder(tmp_path / "flips"), RunFolder(tmp_path / "plain")
    execute.execute(make_config("breastmnist", flips_at_test=("width",)), data, folder, CPU)
    execute.execute(make_config("breastmnist"), data, plain, CPU)
    images = data["breastmnist"].splits["test"].images.squeeze(1)
    with torch.no_grad():
        served = execute.predictor(folder, data["breastmnist"].task)
        assert np.allclose(served(images).numpy(), folder.scores()["test"][1], atol=1e-6)
        assert torch.allclose(served(images), served(images.flip(-1)), atol=1e-6)
    assert not np.array_equal(folder.scores()["test"][1], plain.scores()["test"][1])
