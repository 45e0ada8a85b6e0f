"""The seeds behind a network's weights, what of it is trained, and what is served."""

import torch

from benchmark.training import model as models
from benchmark.training.model import MultiHead, Predictor


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
