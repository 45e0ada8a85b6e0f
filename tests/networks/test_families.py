"""Networks by settings: beside the named ones, beside each other, and whatever their width, depth and stem."""

import itertools
import subprocess
import sys
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from benchmark import networks
from benchmark.core.seeding import isolated
from benchmark.core.terms import Dimension
from benchmark.networks import FAMILIES, NETWORKS, AnyNetwork, Network
from benchmark.networks.shared.one_step import OneStep2d, OneStep3d
from benchmark.networks.shared.residual import Residual
from benchmark.training import model as models
from benchmark.training.model import Predictor

ADAPTER: TypeAdapter[AnyNetwork] = TypeAdapter(AnyNetwork)
SMALL: dict[str, Any] = {"width": 4, "blocks": [1, 1, 1, 1], "stem_kernel": 3, "stem_stride": 2, "pool": False}
OWN: dict[str, dict[str, Any]] = {"resnet": {}, "resnet-3d": {}, "resnet-slices": {"slices": 28}}
"""Settings that a family has beside those of `SMALL`."""


def settings(family: str, **changes: Any) -> Residual:
    made = ADAPTER.validate_python({"family": family} | SMALL | OWN[family] | changes)
    assert isinstance(made, Residual)
    return made


def images_for(one: Network, count: int = 4, side: int = 28) -> Tensor:
    (dim,) = one.dimensions
    with isolated(3):
        return torch.randn(count, 1, *[side] * dim.axes)


def built(one: Network, seed: int = 1) -> nn.Module:
    with isolated(seed):
        return networks.build(one)


def copied(ours: nn.Module, theirs: nn.Module) -> nn.Module:
    """`ours` with the weights of `theirs`, in the order that both have them in."""
    mine, other = ours.state_dict(), theirs.state_dict()
    ours.load_state_dict(dict(zip(mine, other.values(), strict=True)))
    return ours


def agree(ours: nn.Module, theirs: nn.Module, images: Tensor, image_of: Any = lambda images: images) -> None:
    """In training and in evaluation, outputs and gradients of the weights; in float64, where rounding hides nothing."""
    ours, theirs, images = ours.double(), theirs.double(), images.double()
    for training in (True, False):
        mine, other = ours.train(training)(images), theirs.train(training)(image_of(images))
        assert torch.allclose(mine, other, rtol=1e-9)
    mine.square().sum().backward()
    other.square().sum().backward()
    for one, another in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert one.grad is not None
        assert another.grad is not None
        assert torch.allclose(one.grad, another.grad, rtol=1e-6, atol=1e-9)


# ------------------------------------------------------------------------------------------------ beside others


@pytest.mark.parametrize(
    ("name", "family", "changes"),
    [
        ("medmnist-resnet18", "resnet", {"stem_stride": 1, "blocks": [2, 2, 2, 2]}),
        ("resnet18-strided", "resnet", {"pool": True, "blocks": [2, 2, 2, 2]}),
        ("medmnist-resnet18-3d", "resnet-3d", {"stem_stride": 1, "blocks": [2, 2, 2, 2]}),
        ("resnet10-strided-3d", "resnet-3d", {"stem_kernel": 5, "stem_stride": 4, "pool": True}),
    ],
)
def test_of_width_64_it_is_the_named_network(name: str, family: str, changes: dict[str, Any]) -> None:
    one, named = settings(family, width=64, **changes), NETWORKS[name]()
    images = images_for(one, 2, side=28 if family == "resnet" else 12)
    agree(copied(networks.build(one), named), named, images)


def test_slices_as_channels_are_a_plain_network_on_the_permuted_volume() -> None:
    """Whose stem has a weight for each slice, as torchvision's has one for each colour."""
    ours = networks.build(settings("resnet-slices", slices=5))
    plain = networks.build(settings("resnet"))
    plain.stem[0] = nn.Conv2d(5, 4, 3, 2, 1, bias=False)  # type: ignore[index,operator,union-attr]
    volumes = torch.randn(3, 1, 5, 12, 14)
    agree(copied(ours, plain), plain, volumes, lambda volumes: volumes.permute(0, 2, 1, 3, 4)[:, :, 0])


def counted(one: Residual, taps: int, channels: int) -> int:
    """Weights as the paper has them; `taps` of a block's kernel, 9 or 27. A norm has two weights a channel."""
    stem = one.stem_kernel ** (2 if taps == 9 else 3) * channels * one.width + 2 * one.width
    pairs = [(one.width, one.width)] * one.blocks[0]
    for stage, blocks in enumerate(one.blocks[1:], start=1):
        width = one.width * 2**stage
        pairs += [(width // 2, width), *[(width, width)] * (blocks - 1)]
    shortcuts = sum(before * after + 2 * after for before, after in pairs if before != after)
    return stem + shortcuts + sum(taps * (before + after) * after + 4 * after for before, after in pairs)


@pytest.mark.parametrize(
    ("network", "taps", "channels", "parameters"),
    [
        (settings("resnet", width=16, blocks=[2, 2, 2, 2]), 9, 1, 699_888),
        (settings("resnet", width=64, blocks=[2, 2, 2, 2]), 9, 1, 11_168_706 - 2 * 513),
        (settings("resnet", width=16, blocks=[1, 2], stem_kernel=7), 9, 1, None),
        (settings("resnet-3d", width=16), 27, 1, 897_360),
        (settings("resnet-slices", width=32, blocks=[2, 2, 2, 2]), 9, 28, 2_802_240),
    ],
    ids=str,
)
def test_parameters_are_as_many_as_the_paper_counts(
    network: Residual, taps: int, channels: int, parameters: int | None
) -> None:
    count = sum(each.numel() for each in networks.build(network).parameters())
    assert count == counted(network, taps, channels)
    assert count == parameters or parameters is None


# ------------------------------------------------------------------------------------------------ whatever the settings


def test_every_family_stands_here() -> None:
    assert OWN.keys() == FAMILIES.keys()
    assert {dim: networks.families(dim) for dim in Dimension} == {
        Dimension.D2: ["resnet"],
        Dimension.D3: ["resnet-3d", "resnet-slices"],
    }


@pytest.mark.parametrize("family", OWN)
@pytest.mark.parametrize(
    "changes",
    [{}, {"blocks": [1]}, {"blocks": [2, 1, 1]}, {"stem_kernel": 7, "pool": True}, {"stem_stride": 5}],
    ids=str,
)
def test_a_trunk_gives_its_features_of_images_of_any_size(family: str, changes: dict[str, Any]) -> None:
    one = settings(family, **changes)
    trunk = built(one).eval()
    assert one.features == 4 * 2 ** (len(one.blocks) - 1) == networks.features(one)
    for side in (28, 9, 40):
        images = images_for(one, 2, side)
        if family == "resnet-slices":
            images = torch.randn(2, 1, 28, side, side)
        assert trunk(images).shape == (2, one.features)
        assert all(torch.allclose(trunk(images)[i : i + 1], trunk(images[i : i + 1]), atol=1e-5) for i in (0, 1))


@pytest.mark.parametrize(
    ("changes", "sides"),
    [
        ({"stem_stride": 1}, (4, 4)),
        ({"stem_stride": 2}, (2, 2)),
        ({"stem_stride": 2, "pool": True}, (1, 1)),
        ({"stem_stride": 4, "stem_kernel": 5}, (1, 1)),
        ({"stem_stride": 3, "stem_kernel": 1, "blocks": [1, 1, 1]}, (3, 3)),
        ({"stem_stride": 28, "blocks": [1]}, (1, 1)),
    ],
    ids=str,
)
def test_it_has_the_faster_convolution_where_its_last_stage_sees_a_single_pixel(
    changes: dict[str, Any], sides: tuple[int, int]
) -> None:
    one, seen = settings("resnet", **changes), []
    trunk = built(one)
    trunk.mean.register_forward_hook(lambda layer, given, result: seen.append(given[0].shape[2:]))  # type: ignore[union-attr]
    trunk(images_for(one))
    assert seen == [sides]
    assert one.last_side(28) == sides[0]
    faster = {isinstance(each, (OneStep2d, OneStep3d)) for each in trunk.modules() if isinstance(each, nn.Conv2d)}
    assert faster == {sides == (1, 1)}


@pytest.mark.parametrize("family", OWN)
def test_weights_are_drawn_as_torchvision_draws_them_from_the_global_generator(family: str) -> None:
    one = settings(family, width=32)
    first, again, other = built(one).state_dict(), built(one).state_dict(), built(one, seed=2).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])
    for layer in built(one).modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            fan_out = layer.out_channels * layer.weight[0, 0].numel()
            assert float(layer.weight.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
            assert layer.bias is None
        if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm3d)):
            assert layer.weight.eq(1).all()
            assert layer.bias.eq(0).all()


@pytest.mark.parametrize("family", OWN)
def test_a_step_of_training_lowers_the_loss_and_moves_every_weight(family: str) -> None:
    one = settings(family)
    model = models.build(one, {"a": 2}, seed=0).train()
    images, labels = images_for(one, 8), torch.tensor([0, 1] * 4)
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    losses = []
    for _ in range(2):
        loss = nn.functional.cross_entropy(model(images, "a"), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
    assert [name for name, value in model.named_parameters() if torch.equal(value, before[name])] == []


@pytest.mark.parametrize("changes", [{}, {"pool": True}], ids=["plain", "one-step"])
@pytest.mark.parametrize("family", OWN)
def test_the_served_model_is_exported_with_any_batch_size(family: str, changes: dict[str, Any]) -> None:
    """As registered models are: torch.export, which knows no Python of ours when it answers."""
    one = settings(family, **changes)
    (dim,) = one.dimensions
    model = models.build(one, {"a": 2}, seed=0).eval()
    predictor = Predictor(model, "a", lambda outputs: outputs.softmax(dim=1)[:, 1:])
    images = torch.randint(0, 256, (5, *[28] * dim.axes), dtype=torch.uint8)
    exported = torch.export.export(
        predictor, (images[:2],), dynamic_shapes={"images": {0: torch.export.Dim("batch")}}
    ).module()
    for count in (1, 3, 5):
        assert torch.allclose(exported(images[:count]), predictor(images[:count]), atol=1e-6)


# ------------------------------------------------------------------------------------------------ settings as text


def test_unequal_settings_differ_in_their_text_and_no_name_is_among_these() -> None:
    axes = {
        "width": [4, 16],
        "blocks": [[2], [1, 2], [1, 1, 1, 1], [2, 2, 2, 2], [3, 4, 6, 3], [4, 4, 4, 4]],
        "stem_kernel": [3, 7],
        "stem_stride": [1, 2],
        "pool": [False, True],
    }
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    every = [settings(family, **point) for family in OWN for point in points]
    every += [settings("resnet-slices", slices=64, **point) for point in points]
    texts = {str(one) for one in every} | set(NETWORKS.known)
    assert len(texts) == len(every) + len(NETWORKS.known)
    assert all(set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for text in texts)


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (settings("resnet", width=16, blocks=[2, 2, 2, 2]), "resnet18-w16-s2"),
        (settings("resnet", stem_kernel=7, pool=True), "resnet10-w4-k7-s2-pool"),
        (settings("resnet-3d", width=16), "resnet10-3d-w16-s2"),
        (settings("resnet-slices", blocks=[1, 2, 1]), "resnet-1-2-1-slices28-w4-s2"),
    ],
)
def test_the_text_is_short(one: Network, text: str) -> None:
    assert str(one) == f"{one}" == text


@pytest.mark.parametrize("network", ["medmnist-resnet18", *(settings(family) for family in OWN)], ids=str)
def test_a_network_goes_through_a_file(network: AnyNetwork) -> None:
    for mode in ("python", "json"):
        content = ADAPTER.dump_python(network, mode=mode, warnings="error")  # type: ignore[arg-type]
        assert isinstance(content, str if isinstance(network, str) else dict)
        assert ADAPTER.validate_python(content) == network


@pytest.mark.parametrize(
    "changes",
    [{"width": 0}, {"blocks": []}, {"blocks": [1] * 5}, {"blocks": [0]}, {"stem_kernel": 2}, {"stem_stride": 0}],
    ids=str,
)
@pytest.mark.parametrize("family", OWN)
def test_settings_outside_their_range_are_refused(family: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        settings(family, **changes)


def test_nothing_is_left_to_a_default() -> None:
    for family, one in FAMILIES.items():
        assert all(field.is_required() for field in one.model_fields.values()), family


def test_knowing_the_families_imports_no_pytorch() -> None:
    script = f"""
import sys
from pydantic import TypeAdapter
from benchmark.networks import AnyNetwork
print(TypeAdapter(AnyNetwork).validate_python({ ({"family": "resnet"} | SMALL)!r}), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["resnet10-w4-s2", "False"]
