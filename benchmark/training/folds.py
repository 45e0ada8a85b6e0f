"""Cross-fitting: train and val together in parts, of which each run holds out another one as its validation images.

Every image is held out by one run in `parts`, so the scores that runs give to what they held out are of networks that
never saw it, over the whole of train and val. The test split has no part in it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from benchmark.core.seeding import generator
from benchmark.data.load import Split, TaskData
from benchmark.runs.scores import HeldOut, Scores

POOL = ("train", "val")


def held_out(data: TaskData, parts: int, seed: int) -> HeldOut:
    """Which images a run of this seed holds out: those of part `seed` modulo `parts`.

    The images of each stratum (a split, and a class or a number of labels) are dealt out in a drawn order, so that
    the parts have as many of each, give or take one. The draw is of the task alone: all seeds share the parts.
    """
    return {name: _part_of(data, name, parts) == seed % parts for name in POOL}


def _part_of(data: TaskData, name: str, parts: int) -> np.ndarray:
    """The part that each image of a split is in, int64 (n,)."""
    count = data.splits[name].labels.sum(dim=1).cpu().numpy()
    part, dealt = np.empty(len(count), int), 0
    for value in np.unique(count).tolist():
        members = np.flatnonzero(count == value)
        order = torch.randperm(len(members), generator=generator(0, data.task.name, "parts", name, value)).numpy()
        part[members[order]] = (np.arange(len(members)) + dealt) % parts
        dealt += len(members)  # the next stratum's odd images go to the parts that have got fewer
    return part


def as_seen(data: TaskData, out: HeldOut) -> TaskData:
    """The data as such a run sees it: as train what it does not hold out, as val what it does."""
    pool = Split(*(torch.cat([getattr(data.splits[name], field) for name in POOL]) for field in ("images", "labels")))
    mask = torch.from_numpy(np.concatenate([out[name] for name in POOL])).to(pool.labels.device)
    seen = {name: Split(pool.images[chosen], pool.labels[chosen]) for name, chosen in (("train", ~mask), ("val", mask))}
    return replace(data, splits={**data.splits, **seen})


def in_place(seen: Scores, out: HeldOut) -> Scores:
    """Scores of what `as_seen` has, at the places that the images have in the official splits."""
    mask = np.concatenate([out[name] for name in POOL])
    first = len(out["train"])
    placed = []
    for of_train, of_val in zip(seen["train"], seen["val"], strict=True):
        pooled = np.empty((len(mask), *of_train.shape[1:]), of_train.dtype)
        pooled[~mask], pooled[mask] = of_train, of_val
        placed.append((pooled[:first], pooled[first:]))
    (train_labels, val_labels), (train_scores, val_scores) = placed
    return {**seen, "train": (train_labels, train_scores), "val": (val_labels, val_scores)}
