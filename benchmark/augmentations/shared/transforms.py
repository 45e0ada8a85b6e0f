"""Modules that flip, permute and warp batches, each image by draws of its own.

Draws come from PyTorch's global generator of the CPU, wherever the images are: a run on a GPU sees the same ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Flip(nn.Module):
    """Flips each image along each of some axes with a probability of its own."""

    def __init__(self, chances: Mapping[int, float]) -> None:
        super().__init__()
        self.chances = chances
        """By axis, counted from an image's last, which is -1."""

    def forward(self, images: Tensor) -> Tensor:
        flipped = images.clone()
        for axis, chance in self.chances.items():
            chosen = _indices(torch.rand(len(images)) < chance, images.device)
            flipped[chosen] = flipped[chosen].flip(axis)
        return flipped


class Permute(nn.Module):
    """Gives the axes of each volume one of their six orders, all equally probable. For cubes."""

    def forward(self, images: Tensor) -> Tensor:
        orders = list(itertools.permutations((2, 3, 4)))
        drawn, permuted = torch.randint(len(orders), (len(images),)), torch.empty_like(images)
        for number, order in enumerate(orders):
            chosen = _indices(drawn == number, images.device)
            permuted[chosen] = images[chosen].permute(0, 1, *order)
        return permuted


class Warp(nn.Module):
    """Rotates and scales each image about its centre, then shifts it; see `warped`.

    Args:
        degrees: every angle (a volume has three) is drawn from minus to plus this.
        shift: likewise along each axis, as a share of the image's side.
        scale: the least and the largest factor, the same along all axes.
    """

    def __init__(self, degrees: float, shift: float, scale: tuple[float, float]) -> None:
        super().__init__()
        self.degrees, self.shift, self.scale = degrees, shift, scale

    def forward(self, images: Tensor) -> Tensor:
        count, axes = len(images), images.dim() - 2
        angles = torch.empty(count, axes * (axes - 1) // 2).uniform_(-self.degrees, self.degrees)
        shifts = torch.empty(count, axes).uniform_(-self.shift, self.shift)
        factors = torch.empty(count).uniform_(*self.scale)
        return warped(images, rotations(angles, axes), factors, shifts)


def rotations(angles: Tensor, axes: int) -> Tensor:
    """Matrices (n, axes, axes) that turn an offset from the centre, its axes in the order of an image's.

    Args:
        angles: in degrees, (n, planes): one after the other in each plane of two axes. That of an image's height and
            width turns it clockwise as it is shown, with the first row on top.
    """
    whole = torch.eye(axes)
    planes = itertools.combinations(range(axes), 2)
    for (first, second), turn in zip(planes, angles.deg2rad().unbind(1), strict=True):
        one = torch.eye(axes).repeat(len(turn), 1, 1)
        one[:, first, first] = one[:, second, second] = turn.cos()
        one[:, first, second], one[:, second, first] = turn.sin(), -turn.sin()
        whole = one @ whole
    return whole


def warped(images: Tensor, rotation: Tensor, factors: Tensor, shifts: Tensor) -> Tensor:
    """Each image rotated and scaled about its centre, then shifted: linear between pixels, and beyond its border as on it.

    What is at an offset q from the centre goes to `factor * rotation @ q + shift`.

    Args:
        images: (n, channels, *spatial), two or three axes; channels are moved alike.
        rotation: (n, axes, axes), see `rotations`.
        factors: (n,).
        shifts: (n, axes), in shares of the sides.
    """
    count, sides, device = len(images), images.shape[2:], images.device
    lengths, axes = torch.tensor(sides, dtype=torch.float32), len(sides)
    # Places are from -1 to 1 along each axis, whatever its side; `grid_sample` wants to know for each place where to look
    # for what is seen there, the coordinate along the width first.
    back = rotation.transpose(1, 2) / factors.view(-1, 1, 1) * lengths / lengths.view(-1, 1)
    back, shifts = back.flip(1).to(device), shifts.to(device)
    grid = torch.zeros((), device=device)
    for axis, side in enumerate(sides):
        places = (2 * torch.arange(side, device=device) + 1) / side - 1 - 2 * shifts[:, axis, None]
        along = [side if one == axis else 1 for one in range(axes)]
        grid = grid + places.view(count, *along, 1) * back[:, :, axis].view(count, *[1] * axes, axes)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _indices(chosen: Tensor, device: torch.device) -> Tensor:
    """Of the images that are chosen: found before the move to a GPU, which then waits for nothing."""
    return chosen.nonzero().squeeze(1).to(device)
