"""Networks against the published architectures, and the seeds behind their weights."""

import copy
import itertools
from typing import Any

import pytest
import torch
from torch import nn
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


class PublishedBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, as MedMNIST's baseline describes it; `conv` and `norm` in 2D or 3D."""

    def __init__(self, conv: Any, norm: Any, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(conv(width_in, width, 3, stride, 1, bias=False), norm(width))
        self.second = nn.Sequential(conv(width, width, 3, 1, 1, bias=False), norm(width))
        plain = stride == 1 and width_in == width
        shortcut = [] if plain else [conv(width_in, width, 1, stride, bias=False), norm(width)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.second(self.first(x).relu()) + self.shortcut(x)).relu()


def published_resnet18(dimension: int) -> nn.Sequential:
    conv, norm = (nn.Conv2d, nn.BatchNorm2d) if dimension == 2 else (nn.Conv3d, nn.BatchNorm3d)
    pool: nn.Module = nn.AdaptiveAvgPool2d(1) if dimension == 2 else nn.AdaptiveAvgPool3d(1)
    widths = [
        (64, 64, 1),
        (64, 64, 1),
        (64, 128, 2),
        (128, 128, 1),
        (128, 256, 2),
        (256, 256, 1),
        (256, 512, 2),
        (512, 512, 1),
    ]
    stem = [conv(1, 64, 3, 1, 1, bias=False), norm(64), nn.ReLU()]
    return nn.Sequential(
        *stem, *(PublishedBlock(conv, norm, *each) for each in widths), pool, nn.Flatten(), nn.Linear(512, 2)
    )


@pytest.mark.parametrize(
    ("name", "dimension", "parameters"), [("medmnist-resnet18", 2, 11_168_706), ("medmnist-resnet18-3d", 3, 33_140_802)]
)
def test_medmnists_resnet18_is_the_published_one(name: networks.Network, dimension: int, parameters: int) -> None:
    """A 3x3 stem of stride 1 on one channel, no pooling. Equal weights give equal outputs."""
    ours, published = networks.build(name, {"a": 2}, seed=0), published_resnet18(dimension)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in published.parameters()) == parameters
    # Torchvision names the shortcut after both convolutions too, so that the order of the weights is the same.
    published.load_state_dict(dict(zip(published.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.randn(2, 1, *[28] * dimension)
    assert torch.allclose(ours.eval()(images, "a"), published.eval()(images), atol=1e-5)


@pytest.mark.parametrize("name", sorted(TRUNKS))
def test_leaving_out_idle_taps_changes_neither_outputs_nor_gradients(name: networks.Network) -> None:
    """Beside the same trunk with PyTorch's own convolutions, in float64, where rounding hides nothing.

    Of 8 pixels, the last stages of every trunk see few.
    """
    dims = 3 if "3d" in name else 2
    ours = networks.build(name, {"a": 2}, seed=0).trunk.double()
    plain = TRUNKS[name]().double()
    plain.load_state_dict(ours.state_dict())
    images = torch.randn(3, 1, *[8] * dims, dtype=torch.float64)
    for trunk in (ours, plain):
        trunk(images).square().sum().backward()
    assert torch.allclose(ours(images), plain(images), rtol=1e-9)
    for (key, mine), theirs in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert torch.allclose(mine.grad, theirs.grad, rtol=1e-6, atol=1e-9 * float(theirs.grad.abs().max())), key


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.Conv3d])
def test_a_convolution_of_any_geometry_is_pytorchs(kind: type[nn.Conv2d] | type[nn.Conv3d], bias: bool) -> None:
    dims = 2 if kind is nn.Conv2d else 3
    products = 0
    for side, kernel, stride, padding in itertools.product([1, 2, 3, 5], [1, 2, 3, 5], [1, 2, 4], [0, 1, 2]):
        if side + 2 * padding < kernel or padding > kernel // 2:
            continue
        torch.manual_seed(0)
        plain = kind(2, 3, kernel, stride, padding, bias=bias).double()
        ours = networks.without_idle_taps(nn.Sequential(copy.deepcopy(plain)))
        images = torch.randn(4, 2, *[side] * dims, dtype=torch.float64)
        for layer in (plain, ours):
            layer(images).square().sum().backward()
        case = f"side {side}, kernel {kernel}, stride {stride}, padding {padding}"
        assert torch.allclose(ours(images), plain(images)), case
        for mine, theirs in zip(ours.parameters(), plain.parameters(), strict=True):
            assert mine.grad is not None
            assert theirs.grad is not None
            assert torch.allclose(mine.grad, theirs.grad), case
        products += plain(images).shape[2:].numel() == 1
    assert products > 10


@pytest.mark.parametrize("option", [{"groups": 2}, {"dilation": 2, "padding": 2}, {"padding_mode": "circular"}])
def test_a_convolution_with_groups_dilation_or_other_padding_is_left_alone(option: dict[str, Any]) -> None:
    layer = nn.Sequential(nn.Conv2d(2, 2, 3, **({"padding": 1} | option)))
    assert type(networks.without_idle_taps(layer)[0]) is nn.Conv2d  # type: ignore[index]


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
