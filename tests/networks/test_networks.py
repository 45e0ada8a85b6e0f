"""Networks against the published architectures, and a faster convolution against PyTorch's own."""

import copy
import itertools
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models.video import r3d_18

from benchmark.core.terms import Dimension
from benchmark.networks import NETWORKS
from benchmark.networks.shared.one_step import OneStep2d, OneStep3d, without_idle_taps
from benchmark.training import model as models

CASES = [(name, dim) for dim in Dimension for name in NETWORKS.names(dim)]
LAYERS = [(name, dim) for name, dim in CASES if not name.endswith("-default")]
"""One for each architecture: other first weights change no layer."""


@pytest.mark.parametrize(("name", "dim"), CASES)
def test_every_trunk_gives_512_features(name: str, dim: Dimension) -> None:
    model = models.build(name, {"a": 2, "standin-b": 14}, seed=0).eval()
    images = torch.zeros(2, 1, *[28] * dim.axes)
    assert model(images, "a").shape == (2, 2)
    assert model(images, "standin-b").shape == (2, 14)


def test_r3d18_is_torchvisions_but_for_its_one_channel_stem() -> None:
    ours = {n: p.shape for n, p in NETWORKS["r3d18"]().state_dict().items()}
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
def test_medmnists_resnet18_is_the_published_one(name: str, dimension: int, parameters: int) -> None:
    """A 3x3 stem of stride 1 on one channel, no pooling. Equal weights give equal outputs."""
    ours, published = models.build(name, {"a": 2}, seed=0), published_resnet18(dimension)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in published.parameters()) == parameters
    # Torchvision names the shortcut after both convolutions too, so that the order of the weights is the same.
    published.load_state_dict(dict(zip(published.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.randn(2, 1, *[28] * dimension)
    assert torch.allclose(ours.eval()(images, "a"), published.eval()(images), atol=1e-5)


@pytest.mark.parametrize(("name", "dimension"), [("medmnist-resnet18-default", 2), ("medmnist-resnet18-3d-default", 3)])
def test_default_weights_are_drawn_as_pytorchs_own_layers_draw_them(name: str, dimension: int) -> None:
    """Beside the same layers without torchvision: equal bounds and spreads, and not torchvision's."""
    ours, theirs = list(NETWORKS[name]().parameters()), list(published_resnet18(dimension).parameters())[:-2]
    torchvisions = list(NETWORKS[name.removesuffix("-default")]().parameters())
    for mine, published, usual in zip(ours, theirs, torchvisions, strict=True):
        if mine.dim() == 1:
            assert torch.equal(mine, published)
            continue
        bound = mine[0].numel() ** -0.5
        assert 0.95 * bound < mine.abs().max() <= bound
        assert mine.std().item() == pytest.approx(published.std().item(), rel=0.1)
        assert abs(mine.std() / usual.std() - 1) > 0.1


@pytest.mark.parametrize(("name", "dim"), LAYERS)
def test_a_network_has_the_faster_convolution_where_its_last_stages_see_a_pixel_or_two(
    name: str, dim: Dimension
) -> None:
    layers = [layer for layer in NETWORKS[name]().modules() if isinstance(layer, (nn.Conv2d, nn.Conv3d))]
    faster = [isinstance(layer, (OneStep2d, OneStep3d)) for layer in layers]
    assert any(faster) == ("strided" in name)


@pytest.mark.parametrize(("name", "dim"), LAYERS)
def test_leaving_out_idle_taps_changes_neither_outputs_nor_gradients(name: str, dim: Dimension) -> None:
    """Beside the same trunk with PyTorch's own convolutions, in float64, where rounding hides nothing.

    Of 8 pixels, the last stages of every trunk see few.
    """
    ours = without_idle_taps(NETWORKS[name]()).double()
    plain = copy.deepcopy(ours)
    for layer in plain.modules():
        if isinstance(layer, (OneStep2d, OneStep3d)):
            layer.__class__ = nn.Conv2d if dim is Dimension.D2 else nn.Conv3d
    images = torch.randn(3, 1, *[8] * dim.axes, dtype=torch.float64)
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
        ours = without_idle_taps(nn.Sequential(copy.deepcopy(plain)))
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
    assert type(without_idle_taps(layer)[0]) is nn.Conv2d  # type: ignore[index]
