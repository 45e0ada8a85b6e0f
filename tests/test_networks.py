"""Networks against the published architectures, and the seeds behind their weights."""

import pytest
import torch
from torchvision.models.video import r3d_18

from benchmark import networks
from benchmark.networks import TRUNKS, MultiHead, Predictor


@pytest.mark.parametrize("name", sorted(TRUNKS))
def test_every_trunk_gives_512_features(name: networks.Network) -> None:
    dims = 3 if "3d" in name else 2
    model = networks.build(name, {"a": 2, "standin-b": 14}, seed=0).eval()
    images = torch.zeros(2, 1, *[28] * dims)
    assert model(images, "a").shape == (2, 2)
    assert model(images, "standin-b").shape == (2, 14)


def test_r3d18_is_torchvisions_but_for_its_one_channel_stem() -> None:
    ours = {n: p.shape for n, p in TRUNKS["r3d18"]().state_dict().items()}
    theirs = {n: p.shape for n, p in r3d_18(weights=None).state_dict().items() if not n.startswith("fc")}
    differing = {name for name in theirs if ours[name] != theirs[name]}
    assert ours.keys() == theirs.keys()
    assert differing == {"stem.0.weight"}
    assert ours["stem.0.weight"] == (64, 1, 3, 7, 7)


def test_medmnists_resnet18_has_its_published_size() -> None:
    """11.17 M parameters: a 3x3 stem on one channel, stride 1, no pooling; features keep 28 x 28 in the first stage."""
    trunk = TRUNKS["medmnist-resnet18"]()
    assert sum(p.numel() for p in trunk.parameters()) == 11_167_680 + 64 * 9 - 64 * 9
    shapes = []
    trunk.layer1.register_forward_hook(lambda _module, _inputs, output: shapes.append(tuple(output.shape)))
    trunk.eval()(torch.zeros(1, 1, 28, 28))
    assert shapes == [(1, 64, 28, 28)]


def test_a_further_head_changes_no_weight_of_the_trunk() -> None:
    one, two = (networks.build("resnet18-strided", heads, seed=4) for heads in ({"a": 2}, {"a": 2, "b": 2}))
    assert all(torch.equal(one.state_dict()[n], two.state_dict()[n]) for n in one.state_dict() if n.startswith("trunk"))


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    networks.build("resnet18-strided", {"a": 2}, seed=4)
    assert torch.rand(1) == expected


def test_all_but_the_last_ten_tensors_and_the_heads_are_frozen() -> None:
    model = networks.build("r3d18", {"a": 2}, seed=0)
    networks.freeze_all_but_last(model, 10)
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert len(trained) == 12
    assert trained[-2:] == ["heads.a.weight", "heads.a.bias"]
    assert all(name.startswith("trunk.layer4") for name in trained[:-2])


def test_a_predictor_takes_the_files_images_in_any_batch_size() -> None:
    model: MultiHead = networks.build("resnet18-strided", {"a": 2}, seed=0)
    predictor = Predictor(model, "a", lambda outputs: outputs.softmax(dim=1)[:, 1:]).eval()
    images = torch.randint(0, 256, (5, 28, 28), dtype=torch.uint8)
    assert predictor(images).shape == (5, 1)
    assert torch.allclose(predictor(images)[:1], predictor(images[:1]), atol=1e-6)


def test_normalised_grey_values_are_medmnists() -> None:
    images = torch.tensor([0, 128, 255], dtype=torch.uint8)
    assert torch.allclose(networks.normalise(images), (images / 255 - 0.5) / 0.5, atol=1e-6)
