"""Losses against LibAUC's and PyTorch's own objects; optimizers and samplers against LibAUC's documented behaviour."""

import numpy as np
import pytest
import torch
from libauc.losses import AUCMLoss, CompositionalAUCLoss, MultiLabelAUCMLoss
from libauc.optimizers import PDSCA, PESG
from torch import nn

from benchmark import objectives
from benchmark.config import AucmObjective, CompositionalObjective, GradientObjective, load_params
from benchmark.errors import Refused
from benchmark.seeding import isolated
from benchmark.tasks import Task, build_task

CPU = torch.device("cpu")
AUCM = AucmObjective(
    loss="aucm", lr=0.1, momentum=0.9, margin=1.0, epoch_decay=3e-3, weight_decay=1e-5, sampling_above=0.05
)
COMPOSITIONAL = CompositionalObjective(
    loss="compositional-auc",
    lr=0.1,
    beta1=0.99,
    beta2=0.999,
    margin=1.0,
    epoch_decay=3e-3,
    weight_decay=1e-5,
    inner_steps=1,
    sampling_above=0.05,
)


def task(name: str) -> Task:
    return build_task(name, load_params().tasks[name])


def gradient(loss: str, optimizer: str = "sgd") -> GradientObjective:
    return GradientObjective.model_validate({"loss": loss, "optimizer": optimizer, "lr": 0.1})


def labels(share: float, n: int = 200) -> np.ndarray:
    return (np.random.default_rng(0).random((n, 1)) < share).astype(np.uint8)


def test_probabilities_of_cross_entropy_are_the_softmax_of_label_1() -> None:
    outputs = torch.randn(7, 2)
    assert torch.equal(objectives.CrossEntropy.probabilities(outputs)[:, 0], outputs.softmax(1)[:, 1])


def test_nll_on_log_softmax_is_cross_entropy() -> None:
    outputs, y = torch.randn(32, 2, dtype=torch.float64), torch.randint(0, 2, (32, 1))
    assert torch.allclose(objectives.NegativeLogLikelihood()(outputs, y), objectives.CrossEntropy()(outputs, y))


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_aucm_is_libaucs_on_probabilities_with_the_rarer_class_positive(share: float) -> None:
    y = labels(share)
    loss = objectives.make_loss(AUCM, task("breastmnist"), y, CPU, "here")
    outputs = torch.randn(len(y), 1)
    score, rare = outputs.sigmoid(), torch.from_numpy(y).float()
    if share > 0.5:
        score, rare = 1 - score, 1 - rare
    assert torch.allclose(loss(outputs, torch.from_numpy(y)), AUCMLoss(margin=1.0, device=CPU)(score, rare).sum())


def test_multi_label_aucm_is_libaucs() -> None:
    y = (np.random.default_rng(0).random((50, 14)) < 0.2).astype(np.uint8)
    loss = objectives.make_loss(AUCM, task("chestmnist"), y, CPU, "here")
    outputs = torch.randn(50, 14)
    expected = MultiLabelAUCMLoss(margin=1.0, num_labels=14, device=CPU)(outputs.sigmoid(), torch.from_numpy(y).float())
    assert torch.allclose(loss(outputs, torch.from_numpy(y)), expected.sum())


@pytest.mark.parametrize("name", ["cross-entropy", "nll", "compositional-auc"])
def test_a_loss_for_binary_tasks_refuses_a_multi_label_one_and_names_those_that_fit(name: str) -> None:
    objective = COMPOSITIONAL if name == "compositional-auc" else gradient(name)
    with pytest.raises(Refused, match=f"'{name}' does not accept chestmnist.*aucm, bce-with-logits"):
        objectives.loss_class(objective, task("chestmnist"), "here")


@pytest.mark.parametrize(
    ("objective", "libauc_loss", "libauc_optimizer", "settings"),
    [
        (AUCM, AUCMLoss, PESG, {"momentum": 0.9}),
        (COMPOSITIONAL, CompositionalAUCLoss, PDSCA, {"beta1": 0.99, "beta2": 0.999}),
    ],
)
def test_steps_follow_libaucs_own_loop(objective, libauc_loss, libauc_optimizer, settings) -> None:  # type: ignore[no-untyped-def]
    """40 steps with a decay in the middle, against LibAUC's objects driven as its tutorials do."""
    y = labels(0.3, 64)
    x = torch.randn(64, 5)
    ours, theirs = nn.Linear(5, 1), nn.Linear(5, 1)
    theirs.load_state_dict(ours.state_dict())

    loss = objectives.make_loss(objective, task("breastmnist"), y, CPU, "here")
    optimizer = objectives.make_optimizer(objective, ours.parameters(), {"breastmnist": loss}, CPU, seed=3)
    reference_loss = libauc_loss(margin=1.0, device=CPU)
    with isolated(objectives.derive(3, "regularizer")):
        reference = libauc_optimizer(
            list(theirs.parameters()),
            loss_fn=reference_loss,
            lr=0.1,
            margin=1.0,
            epoch_decay=3e-3,
            weight_decay=1e-5,
            verbose=False,
            device=CPU,
            **settings,
        )
    for step in range(40):
        if step == 20:
            optimizer.decay(0.1)
            extra = {"decay_factor0": 10} if libauc_optimizer is PDSCA else {}
            reference.update_regularizer(decay_factor=10, **extra)
        optimizer.backward(loss(ours(x), torch.from_numpy(y)))
        optimizer.step()
        reference.zero_grad()
        reference_loss.alpha.grad = None
        reference_loss(theirs(x).sigmoid(), torch.from_numpy(y).float()).backward()
        reference.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-6)
    assert torch.allclose(loss.inner.alpha, reference_loss.alpha)


def test_compositional_steps_alternate_between_cross_entropy_and_auc() -> None:
    """A gradient of alpha left over from an AUC step would make PDSCA take all later steps for AUC steps."""
    y, model = labels(0.3, 64), nn.Linear(5, 1)
    loss = objectives.make_loss(COMPOSITIONAL, task("breastmnist"), y, CPU, "here")
    optimizer = objectives.make_optimizer(COMPOSITIONAL, model.parameters(), {"t": loss}, CPU, seed=0)
    kinds = []
    for _ in range(6):
        optimizer.backward(loss(model(torch.randn(64, 5)), torch.from_numpy(y)))
        optimizer.step()
        kinds.append(loss.inner.alpha.grad is not None)
    assert kinds == [False, True, False, True, False, True]


def test_adams_momentum_is_beta1() -> None:
    optimizer = objectives.make_optimizer(gradient("nll", "adam"), nn.Linear(2, 2).parameters(), {}, CPU, seed=0)
    assert optimizer.inner.param_groups[0]["betas"] == (0.9, 0.999)


@pytest.mark.parametrize("share", [0.1, 0.75])
def test_dual_sampler_batches_hold_a_little_more_of_the_rarer_class(share: float) -> None:
    y = labels(share, 400)
    rare = y[:, 0] == (1 if share < 0.5 else 0)
    parts = objectives.batches(AUCM, task("breastmnist"), y, 40, seed=0, epoch=0)
    expected = int((rare.mean() + 0.05) * 40)
    assert {int(rare[part.numpy()].sum()) for part in parts} == {expected}
    assert {len(part) for part in parts} == {40}


def test_batches_are_a_permutation_that_depends_on_seed_and_epoch_alone() -> None:
    y = labels(0.5, 65)
    draw = [
        torch.cat(objectives.batches(gradient("nll"), task("breastmnist"), y, 16, seed, epoch))
        for seed, epoch in [(0, 0), (0, 0), (0, 1), (1, 0)]
    ]
    assert torch.equal(draw[0], draw[1])
    assert not torch.equal(draw[0], draw[2])
    assert not torch.equal(draw[0], draw[3])
    assert sorted(draw[0].tolist()) == list(range(65))


def test_a_last_batch_of_one_image_joins_the_one_before() -> None:
    parts = objectives.batches(gradient("nll"), task("breastmnist"), labels(0.5, 65), 16, 0, 0)
    assert [len(part) for part in parts] == [16, 16, 16, 17]


def test_sampling_leaves_numpys_global_generator_alone() -> None:
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.RandomState(5).rand()
    objectives.batches(AUCM, task("breastmnist"), labels(0.3), 16, 0, 0)
    assert np.random.rand() == expected  # noqa: NPY002
