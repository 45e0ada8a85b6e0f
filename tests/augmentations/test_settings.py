"""Augmentations by settings: beside SciPy's and kornia's own, and each image by draws of its own."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from kornia.augmentation import RandomAffine
from pydantic import TypeAdapter, ValidationError
from scipy import ndimage
from torch import Tensor, nn

from benchmark import augmentations
from benchmark.augmentations import KINDS, AnyAugmentation, Augmentation
from benchmark.augmentations.shared.transforms import Flip, Permute, Warp, rotations, warped
from benchmark.core.seeding import isolated
from benchmark.core.terms import Dimension
from tests.helpers import make_config

ADAPTER: TypeAdapter[AnyAugmentation] = TypeAdapter(AnyAugmentation)
MOVED: dict[str, Any] = {"degrees": 20, "shift": 0.1, "scale": [0.8, 1.2]}
WIDE = {"flips": {"height": 0.5, "width": 0.5}}
CASES: list[dict[str, Any]] = [
    {"kind": "affine", **WIDE},
    {"kind": "affine", **MOVED},
    {"kind": "affine", **WIDE, **MOVED},
    {"kind": "volume", **WIDE},
    {"kind": "volume", "permute_axes": True},
    {"kind": "volume", **WIDE, "permute_axes": True, **MOVED},
    {"kind": "in-plane", **WIDE},
    {"kind": "in-plane", **WIDE, **MOVED},
]


def settings(**given: Any) -> Augmentation:
    made = ADAPTER.validate_python(given)
    assert isinstance(made, Augmentation)
    return made


def images_for(one: Augmentation, count: int = 8, side: int = 12) -> Tensor:
    (dim,) = one.dimensions
    with isolated(3):
        return torch.rand(count, 1, *[side] * dim.axes) * 2 - 1


def drawn(module: nn.Module, images: Tensor, seed: int = 1) -> Tensor:
    with isolated(seed):
        changed: Tensor = module(images.clone())
    return changed


def sorted_values(images: Tensor) -> Iterator[Tensor]:
    return (image.flatten().sort().values for image in images)


def test_every_kind_is_in_the_cases() -> None:
    assert {case["kind"] for case in CASES} == set(KINDS) >= {"affine", "volume", "in-plane"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(settings(**case)))
def test_it_repeats_with_its_seed_and_keeps_shape_and_range_and_the_batch_that_it_got(case: dict[str, Any]) -> None:
    one = settings(**case)
    images, module = images_for(one), one.build()
    kept = images.clone()
    with isolated(1):
        changed = module(images)
    assert torch.equal(images, kept)
    assert torch.equal(changed, drawn(one.build(), images, 1))
    assert not torch.equal(changed, drawn(module, images, 2))
    # A run that goes on begins an epoch with a new module.
    assert torch.equal(drawn(module, images, 2), drawn(one.build(), images, 2))
    assert not torch.equal(changed, images)
    assert (changed.shape, changed.dtype) == (images.shape, torch.float32)
    assert changed.abs().max() <= 1 + 1e-5


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(settings(**case)))
def test_equal_images_of_a_batch_come_out_unequal(case: dict[str, Any]) -> None:
    one = settings(**case)
    images = images_for(one)[:1].repeat(48, *[1] * (one.dimensions[0].axes + 1))
    changed = drawn(one.build(), images)
    different = {image.numpy().tobytes() for image in changed}
    assert len(different) >= (4 if "degrees" not in case else 48)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(settings(**case)))
def test_draws_are_the_same_wherever_the_images_are(case: dict[str, Any]) -> None:
    """The global generator of the CPU is as far as it is after draws for a CPU's batch; `meta` stands for a GPU."""
    one = settings(**case)
    images = images_for(one)
    after = []
    for device in ("cpu", "meta"):
        with isolated(5):
            made = one.build()(images.to(device))
            after.append(torch.rand(1))
        assert made.device.type == device
    assert torch.equal(*after)


@pytest.mark.parametrize("dim", list(Dimension))
def test_a_kind_is_known_for_its_dimension_alone(dim: Dimension) -> None:
    assert augmentations.kinds(dim) == (["affine"] if dim is Dimension.D2 else ["in-plane", "volume"])


# ------------------------------------------------------------------------------------------------ arithmetic


def scipys(image: np.ndarray, rotation: np.ndarray, factor: float, shift: np.ndarray) -> np.ndarray:
    """The same by SciPy, which wants the way back from a pixel of the result, and knows no shares of a side."""
    back, centre = np.linalg.inv(factor * rotation), (np.array(image.shape) - 1) / 2
    offset = centre - back @ (centre + shift * image.shape)
    moved: np.ndarray = ndimage.affine_transform(image, back, offset, order=1, mode="nearest")
    return moved


@pytest.mark.parametrize("shape", [(12, 12), (9, 14), (8, 8, 8), (7, 9, 12)], ids=str)
def test_a_warp_is_scipys(shape: tuple[int, ...]) -> None:
    random, count, axes = torch.Generator().manual_seed(0), 5, len(shape)
    images = torch.rand(count, 1, *shape, generator=random)
    turned = rotations((torch.rand(count, axes * (axes - 1) // 2, generator=random) - 0.5) * 90, axes)
    factors = torch.rand(count, generator=random) + 0.5
    shifts = (torch.rand(count, axes, generator=random) - 0.5) * 0.4
    ours = warped(images, turned, factors, shifts)
    for image, mine, *how in zip(images, ours, turned, factors, shifts, strict=True):
        theirs = scipys(image[0].double().numpy(), *(one.double().numpy() for one in how))
        assert np.abs(mine[0].numpy() - theirs).max() < 2e-5


@pytest.mark.parametrize("axes", [2, 3])
def test_no_rotation_and_no_shift_is_the_identity(axes: int) -> None:
    images = torch.rand(3, 2, *[10] * axes)
    still = warped(images, rotations(torch.zeros(3, axes * (axes - 1) // 2), axes), torch.ones(3), torch.zeros(3, axes))
    assert torch.allclose(still, images, atol=1e-5)


@pytest.mark.parametrize(("axes", "axis"), [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
def test_a_shift_is_a_share_of_the_side_and_repeats_the_border(axes: int, axis: int) -> None:
    """Two of eight pixels towards the end of the axis, other axes being longer."""
    sides = [8 if one == axis else 11 for one in range(axes)]
    images, shifts = torch.rand(2, 1, *sides), torch.zeros(2, axes)
    shifts[0, axis] = 2 / 8
    moved = warped(images, rotations(torch.zeros(2, axes * (axes - 1) // 2), axes), torch.ones(2), shifts)
    index = torch.tensor([0, 0, 0, 1, 2, 3, 4, 5])
    assert torch.allclose(moved[0], images[0].index_select(axis + 1, index), atol=1e-5)
    assert torch.allclose(moved[1], images[1], atol=1e-5)


@pytest.mark.parametrize("plane", [(0, 1), (0, 2), (1, 2)])
def test_a_quarter_turn_of_a_cube_is_rot90_in_its_plane(plane: tuple[int, int]) -> None:
    volumes, angles = torch.rand(2, 1, 6, 6, 6), torch.zeros(2, 3)
    angles[:, list(itertools.combinations(range(3), 2)).index(plane)] = 90
    turned = warped(volumes, rotations(angles, 3), torch.ones(2), torch.zeros(2, 3))
    clockwise = volumes.rot90(-1, (plane[0] + 2, plane[1] + 2))
    assert torch.allclose(turned, clockwise, atol=1e-5)


def test_a_scale_above_one_makes_what_is_seen_grow() -> None:
    square = torch.zeros(1, 1, 16, 16)
    square[..., 6:10, 6:10] = 1
    larger = warped(square, torch.eye(2)[None], torch.tensor([2.0]), torch.zeros(1, 2))
    assert larger.sum() == pytest.approx(4 * 16, rel=0.15)
    assert larger[..., 5:11, 5:11].min() == 1


def test_a_warp_is_kornias() -> None:
    """By the angles, factors and shifts that kornia drew."""
    images = torch.rand(6, 1, 14, 14)
    kornias = RandomAffine(degrees=30.0, translate=(0.2, 0.2), scale=(0.8, 1.2), padding_mode="border", p=1.0)
    theirs = kornias(images)
    how = kornias._params
    shifts = how["translations"].flip(1) / 14  # kornia has the width first, in pixels
    ours = warped(images, rotations(how["angle"][:, None], 2), how["scale"][:, 0], shifts)
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_draws_fill_their_ranges_and_keep_within() -> None:
    seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def note(images: Tensor, rotation: Tensor, factors: Tensor, shifts: Tensor) -> Tensor:
        seen.append((rotation, factors, shifts))
        return images

    with pytest.MonkeyPatch.context() as patch, isolated(0):
        patch.setattr("benchmark.augmentations.shared.transforms.warped", note)
        Warp(20.0, 0.1, (0.8, 1.1))(torch.zeros(4000, 1, 2, 2))
    ((rotation, factors, shifts),) = seen
    angles = torch.atan2(rotation[:, 0, 1], rotation[:, 0, 0]).rad2deg()
    for values, low, high in ((angles, -20, 20), (factors, 0.8, 1.1), (shifts, -0.1, 0.1)):
        assert low - 1e-4 <= values.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < values.max() <= high + 1e-4
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
    assert not torch.equal(shifts[:, 0], shifts[:, 1])


# ------------------------------------------------------------------------------------------------ flips, axes, slices


@pytest.mark.parametrize("axis", [-1, -2, -3])
def test_a_flip_is_along_its_axis_with_its_probability(axis: int) -> None:
    volumes = torch.rand(400, 1, 3, 4, 5)
    assert torch.equal(drawn(Flip({axis: 1.0}), volumes), volumes.flip(axis))
    some = drawn(Flip({axis: 0.25}), volumes)
    flipped = [torch.equal(mine, one.flip(axis)) for mine, one in zip(some, volumes, strict=True)]
    assert all(yes or torch.equal(mine, one) for yes, mine, one in zip(flipped, some, volumes, strict=True))
    assert 0.18 < sum(flipped) / 400 < 0.32


@pytest.mark.parametrize(
    ("case", "axis"),
    [
        ({"kind": "affine", "flips": {"width": 1}}, -1),
        ({"kind": "affine", "flips": {"height": 1}}, -2),
        ({"kind": "volume", "flips": {"depth": 1}}, -3),
        ({"kind": "in-plane", "flips": {"width": 1}}, -1),
        ({"kind": "in-plane", "flips": {"depth": 1}}, -3),
    ],
)
def test_settings_name_the_axes_that_are_flipped(case: dict[str, Any], axis: int) -> None:
    one = settings(**case)
    images = images_for(one)
    assert torch.equal(drawn(one.build(), images), images.flip(axis))


def test_permuted_axes_are_all_six_orders_and_only_move_voxels() -> None:
    volume = torch.arange(27.0).reshape(1, 1, 3, 3, 3)
    permuted = drawn(Permute(), volume.repeat(600, 1, 1, 1, 1))
    orders = {volume.permute(0, 1, *order).numpy().tobytes() for order in itertools.permutations((2, 3, 4))}
    found = [one.contiguous().numpy().tobytes() for one in permuted]
    assert set(found) == orders
    assert all(70 < found.count(order) < 130 for order in orders)
    assert all(torch.equal(values, torch.arange(27.0)) for values in sorted_values(permuted))


def test_flips_of_all_axes_and_permuted_ones_are_the_48_ways_to_lay_a_cube() -> None:
    flips = {"depth": 0.5, "height": 0.5, "width": 0.5}
    laid = drawn(
        settings(kind="volume", flips=flips, permute_axes=True).build(),
        torch.rand(1, 1, 3, 3, 3).repeat(1500, 1, 1, 1, 1),
    )
    assert len({one.numpy().tobytes() for one in laid}) == 48


def test_in_plane_moves_every_slice_as_the_same_draws_move_an_image() -> None:
    volumes = torch.rand(5, 1, 4, 12, 12)
    moved = drawn(settings(kind="in-plane", **MOVED).build(), volumes)
    flat = settings(kind="affine", **MOVED).build()
    for depth in range(4):
        assert torch.allclose(moved[:, :, depth], drawn(flat, volumes[:, :, depth]), atol=1e-6)


def test_only_a_cubes_axes_are_permuted() -> None:
    free, permuted = settings(kind="volume"), settings(kind="volume", permute_axes=True)
    assert augmentations.refusal(permuted, (28, 28, 28)) == ""
    assert augmentations.refusal(permuted, (14, 28, 28)) == "a cube's axes can be permuted, and the volume is 14x28x28"
    assert augmentations.refusal(free, (14, 28, 28)) == augmentations.refusal("none", (14, 28, 28)) == ""


# ------------------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_named_is_not_done(kind: str) -> None:
    one = settings(kind=kind)
    images = images_for(one)
    assert torch.equal(drawn(one.build(), images), images)
    assert str(one) == kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"degree": 10},
        {"degrees": -1},
        {"degrees": 181},
        {"degrees": float("nan")},
        {"shift": 1.1},
        {"shift": -0.1},
        {"scale": [1.1, 0.9]},
        {"scale": [0, 1]},
        {"scale": [1, 11]},
        {"scale": [1]},
        {"scale": 1.1},
        {"flips": {"width": 1.5}},
        {"flips": {"with": 0.5}},
        {"flips": 0.5},
    ],
    ids=str,
)
def test_unknown_keys_and_values_out_of_range_are_refused(kind: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(kind=kind, **wrong)


def test_a_kind_refuses_what_its_images_do_not_have() -> None:
    with pytest.raises(ValidationError):
        settings(kind="affine", flips={"depth": 0.5})
    with pytest.raises(ValidationError):
        settings(kind="in-plane", permute_axes=True)


def test_unequal_settings_have_unequal_texts() -> None:
    flips = [{}, *({axis: chance} for axis in ("depth", "height", "width") for chance in (0.5, 0.25, 1 / 3))]
    flips += [dict.fromkeys(("depth", "height", "width"), 0.5), {"height": 0.5, "width": 0.5}]
    made = [
        settings(kind=kind, flips=flip, degrees=degrees, shift=shift, scale=scale)
        for kind in ("volume", "in-plane")
        for flip in flips
        for degrees in (0, 10, 10.000001)
        for shift in (0, 0.1)
        for scale in ([1, 1], [0.9, 1], [1, 1.1], [0.9, 1.1])
    ]
    made += [one.model_copy(update={"permute_axes": True}) for one in made if one.kind == "volume"]
    assert len({str(one) for one in made}) == len(made)
    assert max(len(str(one)) for one in made) < 100


def test_a_text_is_short() -> None:
    flips = {"depth": 0.5, "height": 0.5, "width": 0.5}
    assert str(settings(kind="volume", flips=flips, permute_axes=True, degrees=10)) == "volume-permute-flip0.5-deg10"
    assert str(settings(kind="affine", flips={"width": 0.5}, shift=0.1, scale=[0.9, 1.1])) == (
        "affine-flip-w0.5-shift0.1-scale0.9to1.1"
    )


@pytest.mark.parametrize("case", ["none", *CASES], ids=str)
def test_it_goes_through_a_runs_record(case: Any) -> None:
    config = make_config("breastmnist", augmentation=case)
    again = type(config).model_validate(json.loads(config.model_dump_json()))
    assert again == config
    assert type(again.augmentation) is type(config.augmentation)


def test_the_names_are_known_without_pytorch() -> None:
    heavy = ("torch", "kornia", "numpy")
    code = f"import sys, benchmark.augmentations; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
