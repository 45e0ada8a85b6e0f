"""How to mend an error is said by whoever knows the commands, from the error's class and facts."""

import inspect

import pytest

from benchmark.core import errors
from benchmark.core.errors import BadInput, BenchmarkError
from pipelines.console.mends import MENDS, mend, sentence

OWN = {"task": "mine", "own": True, "origin": "/data/mine.npz", "file_name": "mine.npz", "dim": "2d"}
OFFICIAL = {**OWN, "task": "breastmnist", "own": False, "origin": "https://a.org/b.npz", "file_name": "b.npz"}
RUN = {"recipe": "dam", "profile": "quick", "precision": "fp32", "in_a_batch": True}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.WrongFile("x", **OWN), "put the declared file there or declare its MD5 in params.yaml: tasks.mine.md5"),
        (errors.WrongFile("x", **OFFICIAL), "put the official file there or unset MEDMNIST_MIRROR"),
        (errors.DataUnreachable("x", **OWN), "what helps: (1) a file at /data/mine.npz, (2) MEDMNIST_MIRROR naming a "),
        (
            errors.DataUnreachable("x", **OFFICIAL),
            "what helps: (1) a network that reaches https://a.org/b.npz, (2) MED",
        ),
        (errors.NotFinite("x", [], **RUN), "a lower lr of recipe dam in params.yaml is the likely remedy"),
        (errors.NotFinite("x", [], **RUN | {"precision": "bf16"}), "a lower lr of recipe dam in params.yaml is the "),
        (
            errors.OutOfMemory("x", [], **RUN),
            "lower batch_size of recipe dam in params.yaml, or name a cheaper network",
        ),
        (errors.OutOfMemory("x", [], **RUN | {"in_a_batch": False}), "name a cheaper network in profile quick"),
        (errors.NoWinner("x", task="breastmnist"), "run `python -m pipelines.sweep breastmnist` for it"),
        (errors.NoTrunk("x", dim="3d"), "name 3d in params.yaml: pretrain.dims, and the tasks to train it on in "),
        (errors.NothingDone("x", left=2), "some are not finished: give the command again"),
        (errors.NothingDone("x", left=0), ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BenchmarkError) else "",
)
def test_a_mend_names_what_the_facts_name(error: BenchmarkError, expected: str) -> None:
    assert mend(error).startswith(expected)
    assert sentence(error) == (f"x; {mend(error)}" if expected else "x")


def test_bf16_may_be_the_reason_for_what_is_not_finite() -> None:
    assert mend(errors.NotFinite("x", [], **RUN | {"precision": "bf16"})).endswith("or precision fp32 of profile quick")


def test_an_error_of_a_class_without_a_mend_says_it_all_itself() -> None:
    assert sentence(BadInput("option --x: should be y")) == "option --x: should be y"


def test_every_class_of_error_that_is_more_than_a_base_of_others_has_a_mend() -> None:
    """`BadInput`, `DataError` and `Refused` carry what is allowed in their own sentence."""
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BenchmarkError)]
    bases = {base for kind in kinds for base in kind.__bases__}
    assert {kind.__name__ for kind in kinds if kind not in bases and kind not in MENDS} == {"Refused"}
