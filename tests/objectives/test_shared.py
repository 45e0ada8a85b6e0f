"""What objectives share: probabilities, mirrored losses, samplers, optimizers' calls, states."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from libauc.losses import AUCMLoss, MultiLabelAUCMLoss
from libauc.optimizers import SOPA
from torch import nn

from benchmark.core.errors import Refused
from benchmark.objectives import OBJECTIVES, for_task
from benchmark.objectives.shared import sampling
from benchmark.objectives.shared.base import Objective, Problem
from benchmark.objectives.shared.libauc import LibaucCriterion
from benchmark.objectives.shared.optimizers import LibaucPairOptimizer
from benchmark.objectives.shared.pairs import PairObjective
from tests.helpers import CPU
from tests.objectives.parts import KINDS, Pupil, Task, make, problem

PAIRS = sorted(name for name, objective in OBJECTIVES.items() if issubclass(objective, PairObjective))


def stock(loss: str, optimizer: str = "sgd") -> Objective:
    return OBJECTIVES[loss].model_validate({"loss": loss, "optimizer": optimizer, "lr": 0.1})


def drawn(share: float, n: int = 200) -> Problem:
    return Problem(Task(), (np.random.default_rng(0).random((n, 1)) < share).astype(np.uint8))


# ------------------------------------------------------------------------------------------------ losses


def test_probabilities_of_cross_entropy_are_the_softmax_of_label_1() -> None:
    outputs = torch.randn(7, 2)
    assert torch.equal(stock("cross-entropy").probabilities(outputs)[:, 0], outputs.softmax(1)[:, 1])


def test_nll_on_log_softmax_is_cross_entropy() -> None:
    of, outputs, y = drawn(0.5), torch.randn(32, 2, dtype=torch.float64), torch.randint(0, 2, (32, 1))
    nll, entropy = (stock(loss).make_criterion(of, CPU) for loss in ("nll", "cross-entropy"))
    assert torch.allclose(nll(outputs, y, torch.arange(32)), entropy(outputs, y, torch.arange(32)))


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_aucm_is_libaucs_on_probabilities_with_the_rarer_class_positive(share: float) -> None:
    of = drawn(share)
    outputs, labels = torch.randn(len(of.labels), 1), torch.from_numpy(of.labels)
    score, rare = outputs.sigmoid(), labels.float()
    if share > 0.5:
        score, rare = 1 - score, 1 - rare
    found = make("aucm", margin=1.0).make_criterion(of, CPU)(outputs, labels, torch.arange(len(labels)))
    assert torch.allclose(found, AUCMLoss(margin=1.0, device=CPU)(score, rare).sum())


def test_multi_label_aucm_is_libaucs() -> None:
    of = problem("multi-label", images=50, share=0.2, label_count=14)
    outputs, labels = torch.randn(50, 14), torch.from_numpy(of.labels)
    found = make("aucm", margin=1.0).make_criterion(of, CPU)(outputs, labels, torch.arange(50))
    expected = MultiLabelAUCMLoss(margin=1.0, num_labels=14, device=CPU)(outputs.sigmoid(), labels.float())
    assert torch.allclose(found, expected.sum())


@pytest.mark.parametrize("name", PAIRS)
def test_the_positives_of_a_partial_measure_are_label_1_where_it_is_the_majority_too(name: str) -> None:
    """Mirrored, the loss would train the other end of the ROC curve, and another precision."""
    of, objective = drawn(0.8, 40), make(name)
    outputs, labels = torch.randn(40, 1), torch.from_numpy(of.labels)
    theirs = objective.libauc_loss(of.labels[:, 0], CPU)  # type: ignore[attr-defined]
    expected = theirs(outputs.sigmoid(), labels.float(), index=torch.arange(40))
    assert torch.allclose(objective.make_criterion(of, CPU)(outputs, labels, torch.arange(40)), expected)


@pytest.mark.parametrize("name", ["cross-entropy", "nll", "compositional-auc"])
def test_a_loss_for_binary_tasks_refuses_a_multi_label_one_and_names_those_that_fit(name: str) -> None:
    task = Task("multi-label", 14, "chestmnist")
    with pytest.raises(Refused, match=f"'{name}' does not accept chestmnist.*: .+; these do: aucm, .*bce-with-logits"):
        for_task(make(name), task, "here")


@pytest.mark.parametrize("name", [*PAIRS, "pairwise-auc"])
def test_libaucs_sampler_wants_three_labels(name: str) -> None:
    with pytest.raises(Refused, match=f"'{name}' does not accept one, a multi-label task: .* three labels or more"):
        for_task(make(name), Task("multi-label", 2), "here")
    assert for_task(make(name), Task("multi-label", 3), "here") == make(name)


def test_a_multi_label_task_is_trained_by_the_loss_named_for_it_with_the_same_optimizer() -> None:
    named = {"multi_label_loss": "bce-with-logits", "weight_decay": 0.01}
    objective = OBJECTIVES["cross-entropy"].model_validate(stock("cross-entropy", "rmsprop").model_dump() | named)
    assert for_task(objective, KINDS["binary"], "here") == objective
    other = for_task(objective, KINDS["multi-label"], "here")
    assert (other.loss, other.optimizer_name) == ("bce-with-logits", "rmsprop")
    assert other.columns() == objective.columns() | {"loss": "bce-with-logits"}


# ------------------------------------------------------------------------------------------------ optimizers


def test_compositional_steps_alternate_between_cross_entropy_and_auc() -> None:
    """A gradient of alpha left over from an AUC step would make PDSCA take all later steps for AUC steps."""
    pupil, kinds = Pupil(make("compositional-auc", inner_steps=1), problem()), []
    assert isinstance(pupil.criterion, LibaucCriterion)
    for batch in pupil.batches(6):
        pupil.step(batch)
        kinds.append(pupil.criterion.inner.alpha.grad is not None)
    assert kinds == [False, True, False, True, False, True]


def test_adams_momentum_is_beta1() -> None:
    optimizer = stock("nll", "adam").make_optimizer(nn.Linear(2, 2).parameters(), {}, CPU, seed=0)
    assert optimizer.inner.param_groups[0]["betas"] == (0.9, 0.999)
    pair = Pupil(make(PAIRS[0], mode="adam", momentum=0.7), problem()).optimizer
    assert pair.inner.param_groups[0]["betas"] == (0.7, 0.999)


def test_libaucs_own_state_of_a_pair_optimizer_still_loses_the_regularizer() -> None:
    """Why `LibaucPairOptimizer` has a state of its own. Once this fails, LibAUC has mended it."""

    def stepped() -> SOPA:
        layer = nn.Linear(2, 1)
        optimizer = SOPA(layer.parameters(), epoch_decay=1e-3, device=CPU)
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        return optimizer

    first, second = stepped(), SOPA(nn.Linear(2, 1).parameters(), epoch_decay=1e-3, device=CPU)
    second.load_state_dict(first.state_dict())
    assert second.T == 0
    assert second.param_groups[0]["model_acc"] is not second.model_acc

    ours = LibaucPairOptimizer(SOPA(nn.Linear(2, 1).parameters(), epoch_decay=1e-3, device=CPU))
    ours.load(LibaucPairOptimizer(first).state())
    assert (ours.inner.T, ours.inner.steps) == (1, 1)
    assert ours.inner.param_groups[0]["model_acc"] is ours.inner.model_acc
    assert ours.inner.param_groups[0]["model_ref"] is ours.inner.model_ref
    assert all(map(torch.equal, ours.inner.model_acc, first.model_acc))


def test_a_pair_loss_leaves_pytorchs_switch_as_it_was() -> None:
    pupil = Pupil(make(PAIRS[0]), problem())
    (batch,) = pupil.batches(1)
    for before in (False, True):
        torch.use_deterministic_algorithms(before)
        try:
            pupil.step(batch)
            assert torch.are_deterministic_algorithms_enabled() == before
        finally:
            torch.use_deterministic_algorithms(False)


# ------------------------------------------------------------------------------------------------ batches


@pytest.mark.parametrize("name", ["aucm", *PAIRS])
@pytest.mark.parametrize("share", [0.1, 0.75])
def test_dual_sampler_batches_hold_a_little_more_of_the_rarer_class(share: float, name: str) -> None:
    of = drawn(share, 400)
    rare = of.labels[:, 0] == (1 if share < 0.5 else 0)
    parts = make(name, sampling_above=0.05).batches(of, 40, seed=0, epoch=0)
    expected = int((rare.mean() + 0.05) * 40)
    assert {int(rare[part.numpy()].sum()) for part in parts} == {expected}
    assert {len(part) for part in parts} == {40}


def test_half_of_a_batch_is_the_most_that_the_rarer_class_gets() -> None:
    of = drawn(0.3)
    for part in make(PAIRS[0], sampling_above=0.5).batches(of, 40, seed=0, epoch=0):
        assert of.labels[part.numpy()].sum() == 20


@pytest.mark.parametrize("above", [0.0, 0.05, 0.45])
def test_dual_sampler_batches_have_both_classes_however_small_the_set(above: float) -> None:
    """LibAUC's own breaks off on some of these, and on one of four images whatever is added."""
    for images in range(2, 26):
        for ones in range(1, images):
            of = Problem(Task(), (np.arange(images) < ones).astype(np.uint8)[:, None])
            for batch_size in {2, 3, images - 1, images, 64} - {1}:
                parts = sampling.dual(of, batch_size, 0, 0, above)
                assert parts
                assert all(0 < of.labels[part.numpy()].sum() < len(part) for part in parts)


@pytest.mark.parametrize("labels", [3, 14])
@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
@pytest.mark.parametrize("images", [4, 13, 60, 300])
def test_tri_sampler_batches_have_both_classes_of_every_label_however_small_the_set(
    images: int, share: float, labels: int, capfd: pytest.CaptureFixture[str]
) -> None:
    of = problem("multi-label", images, share, labels)
    for batch_size in (2, 16, 64):
        parts = sampling.tri(of, batch_size, 0, 0)
        per_label = max(2, min(batch_size, images) // labels)
        assert {len(part) for part in parts} == {per_label * labels}
        assert len(parts) == max(1, images // (per_label * labels))
        for part in parts:
            ones = of.labels[part.numpy()].sum(axis=0)
            assert ((ones > 0) & (ones < len(part))).all()
    assert capfd.readouterr() == ("", "")


def test_half_of_a_labels_images_in_a_batch_are_its_positives() -> None:
    """Eight images a label, of a label that is in no other label's images: one more label is in all of them."""
    labels = np.zeros((400, 4), dtype=np.uint8)
    labels[:40, 0], labels[:, 1], labels[0, 1], labels[40:90, 2], labels[90:95, 3] = 1, 1, 0, 1, 1
    parts = sampling.tri(Problem(Task("multi-label", 4), labels), 32, 0, 0)
    assert len(parts) == 12
    for part in parts:
        assert len(part) == 32
        for label in (0, 2, 3):
            assert labels[part.numpy(), label].sum() >= 4


def test_batches_are_a_permutation_that_depends_on_seed_and_epoch_alone() -> None:
    of = drawn(0.5, 65)
    draw = [torch.cat(stock("nll").batches(of, 16, seed, epoch)) for seed, epoch in [(0, 0), (0, 0), (0, 1), (1, 0)]]
    assert torch.equal(draw[0], draw[1])
    assert not torch.equal(draw[0], draw[2])
    assert not torch.equal(draw[0], draw[3])
    assert sorted(draw[0].tolist()) == list(range(65))


def test_a_last_batch_of_one_image_joins_the_one_before() -> None:
    parts = stock("nll").batches(drawn(0.5, 65), 16, 0, 0)
    assert [len(part) for part in parts] == [16, 16, 16, 17]


@pytest.mark.parametrize("kind", ["binary", "multi-label"])
def test_sampling_leaves_numpys_global_generator_alone(kind: str) -> None:
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.RandomState(5).rand()
    make(PAIRS[0]).batches(problem(kind), 16, 0, 0)
    assert np.random.rand() == expected  # noqa: NPY002


# ------------------------------------------------------------------------------------------------ per-image entries


@pytest.mark.parametrize("name", PAIRS)
def test_entries_belong_to_the_positives_of_the_batch_by_their_place_in_the_training_split(name: str) -> None:
    pupil = Pupil(make(name), problem(images=80))
    (batch,) = pupil.batches(1)
    before = pupil.criterion.state()
    pupil.step(batch)
    positives = set(batch[torch.from_numpy(pupil.problem.labels[batch.numpy(), 0]) == 1].tolist())
    for key, value in pupil.criterion.state().items():
        assert value.shape[0] == 1
        if value.dim() > 1 and value.shape[1] == 80:
            changed = set((value - before[key]).abs().reshape(-1).nonzero().reshape(-1).tolist())
            assert changed <= positives, key
    assert any(value.dim() > 1 and value.shape[1] == 80 for value in before.values())


def test_settings_are_plain_values_for_tables_and_files() -> None:
    for name in OBJECTIVES:
        columns = make(name).columns()
        assert json.loads(json.dumps(columns)) == columns
        assert SimpleNamespace(**columns).loss == name
