"""Processes that start quickly: a server imports PyTorch once and forks one for each call."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    [
        "benchmark.training.execute",
        "benchmark.objectives.shared.foreach",
        "kornia.augmentation",
        "libauc.losses",
        "libauc.sampler",
        "sklearn.metrics",
        "torch._dynamo",
        "tests.helpers",
    ]
)


def in_process(call: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """A started process that runs `call`, a function of a test module."""
    process = SERVER.Process(target=call, args=arguments)
    process.start()
    return process
