"""The order in which a training split is seen."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmark.core.seeding import derive, generator, isolated
from benchmark.objectives.shared.base import Problem


def shuffled(problem: Problem, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
    """Every image once; a last batch of a single one joins the one before (batch normalisation needs two)."""
    order = torch.randperm(len(problem.labels), generator=generator(seed, problem.task.name, "order", epoch))
    parts = list(torch.split(order, min(batch_size, len(order))))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def dual(problem: Problem, batch_size: int, seed: int, epoch: int, above: float) -> list[Tensor]:
    """LibAUC's dual sampler on a binary task: a fixed share of the rarer class in every batch.

    Args:
        above: added to the rarer class's share of the training split; the sum is a half at most.
    """
    from libauc.sampler import DualSampler  # late: takes seconds, and the contract of a loss needs none of it

    labels = problem.labels
    batch_size = min(batch_size, len(labels))
    rare = labels[:, 0] if np.mean(labels) <= 0.5 else 1 - labels[:, 0]
    rate = min(0.5, rarer_share(labels) + above)
    draw = derive(seed, problem.task.name, "order", epoch)
    with isolated(draw):
        sampler = DualSampler(None, batch_size, labels=rare.astype(np.int64), sampling_rate=rate, random_seed=draw)
        if sampler.num_neg == sampler.neg_len:
            # A batch takes the whole majority, on sets of a few images: LibAUC's second would find none of it left.
            sampler.num_batches = 1
        indices = torch.from_numpy(np.fromiter(sampler, dtype=np.int64))
    return list(torch.split(indices, batch_size))


def tri(problem: Problem, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
    """LibAUC's tri-sampler on a multi-label task: every label brings images of its own to every batch.

    Of the images that a label brings, half are positives of it (two labels can bring the same image). An epoch has as
    many batches as fit into the training split, one at least. With fewer than two images a label, `batch_size` is
    exceeded: each brings two. Labels are three or more, with both classes in each.
    """
    from libauc.sampler import TriSampler

    labels = problem.labels
    images, count = labels.shape
    each = max(2, min(batch_size, images) // count)
    # LibAUC breaks off where a batch takes more negatives of a label than there are.
    fewest = images - int(labels.sum(axis=0).max())
    draw = derive(seed, problem.task.name, "order", epoch)
    with isolated(draw):
        sampler = TriSampler(
            None,
            each,
            labels=labels.astype(np.int64),
            num_pos=max(each // 2, each - fewest),  # of a rate, LibAUC prints where it rounds to none
            sampling_rate=None,
            random_seed=draw,
        )
        if sampler.num_batches == 0:
            # A set smaller than one batch, where each label brings two.
            sampler.num_batches = 1
            sampler.sampled, sampler.sampled_tasks = np.zeros((2, each * count), dtype=np.int64)
        indices = torch.from_numpy(np.fromiter((image for image, _ in sampler), dtype=np.int64))
    return list(torch.split(indices, each * count))


def rarer_share(labels: np.ndarray) -> float:
    """Share of the rarer class among binary labels (n, 1)."""
    share = float(np.mean(labels))
    return min(share, 1.0 - share)
