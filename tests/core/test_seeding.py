"""Streams are independent, repeatable, and leave the global generators alone."""

import numpy as np
import torch

from benchmark.core.seeding import derive, generator, isolated


def test_a_stream_depends_on_every_part_of_its_name() -> None:
    seeds = {derive(0, "a", "order"), derive(1, "a", "order"), derive(0, "b", "order"), derive(0, "a", "init")}
    assert len(seeds) == 4


def test_a_seed_is_the_same_on_every_machine() -> None:
    assert derive(0, "breastmnist", "order", 3) == int("5b0aaaff", 16)  # printf 0/breastmnist/order/3 | sha256sum


def test_equal_names_draw_equal_numbers() -> None:
    assert torch.equal(torch.rand(5, generator=generator(0, "x")), torch.rand(5, generator=generator(0, "x")))


def test_isolated_draws_are_repeatable_and_leak_nothing() -> None:
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = (torch.rand(1), np.random.RandomState(1).rand())
    torch.manual_seed(1)
    draws = []
    for _ in range(2):
        with isolated(9):
            draws.append((float(torch.rand(1)), float(np.random.rand())))  # noqa: NPY002
    assert draws[0] == draws[1]
    assert torch.rand(1) == expected[0]
    assert np.random.rand() == expected[1]  # noqa: NPY002
