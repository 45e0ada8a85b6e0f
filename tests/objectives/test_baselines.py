"""The baselines against other people's code, or the paper's formula in NumPy."""

import numpy as np
import pytest
import torch
from libauc.losses import FocalLoss
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from tests.helpers import CPU
from tests.objectives.parts import make, problem

KINDS = ["binary", "multi-label"]


def value(
    objective: str, kind: str, share: float = 0.2, **changes: object
) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """The loss of all images at once, their logits and their labels."""
    of = problem(kind, images=50, share=share)
    outputs = torch.from_numpy(np.random.default_rng(1).normal(0, 3, of.labels.shape)).float()
    criterion = make(objective, **changes).make_criterion(of, CPU)
    return criterion(outputs, torch.from_numpy(of.labels), torch.arange(50)), outputs.double().numpy(), of.labels


def entropy(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-log of the probability of the true class."""
    return np.logaddexp(0, np.where(labels == 1, -outputs, outputs))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.7])
def test_weighted_bce_has_scikit_learns_balanced_weights(kind: str, share: float) -> None:
    found, outputs, labels = value("weighted-bce", kind, share)
    columns = []
    for column, label in zip(outputs.T, labels.T, strict=True):
        weights = compute_class_weight("balanced", classes=np.array([0, 1]), y=label)
        columns.append(np.mean(weights[label] * entropy(column, label)))
    assert found.item() == pytest.approx(np.mean(columns), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_on_balanced_labels_weighted_bce_is_plain(kind: str) -> None:
    of = problem(kind, images=40)
    labels = np.tile(np.array([[0], [1]], dtype=np.uint8), (20, of.labels.shape[1]))
    balanced = type(of)(of.task, labels)
    outputs, truth, everything = torch.randn(labels.shape), torch.from_numpy(labels), torch.arange(40)
    found = make("weighted-bce").make_criterion(balanced, CPU)(outputs, truth, everything)
    assert torch.allclose(found, F.binary_cross_entropy_with_logits(outputs, truth.float()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_is_the_papers(kind: str, gamma: float) -> None:
    found, outputs, labels = value("focal", kind, gamma=gamma)
    true = np.exp(-entropy(outputs, labels))
    assert found.item() == pytest.approx(np.mean((1 - true) ** gamma * entropy(outputs, labels)), rel=1e-5)
    weighted, *_ = value("focal", kind, gamma=gamma, alpha=0.25)
    weights = np.where(labels == 1, 0.25, 0.75)
    assert weighted.item() == pytest.approx(np.mean(weights * (1 - true) ** gamma * entropy(outputs, labels)), rel=1e-5)


def test_libaucs_own_focal_loss_is_still_another() -> None:
    """Why ours is torchvision's: LibAUC's weighs label 0 by alpha, and every image by every other's weight."""
    _, outputs, labels = value("focal", "binary", gamma=2.0)
    theirs = FocalLoss(alpha=0.3, gamma=2.0)(torch.from_numpy(outputs).float(), torch.from_numpy(labels).float())
    faded = (1 - np.exp(-entropy(outputs, labels))) ** 2 * entropy(outputs, labels)
    assert theirs.item() == pytest.approx(np.mean(np.where(labels == 1, 0.7, 0.3)) * np.mean(faded), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_label_smoothing_is_pytorchs_over_two_classes(smoothing: float) -> None:
    """The sigmoid of z is the softmax of (0, z)."""
    for kind in KINDS:
        found, outputs, labels = value("label-smoothing", kind, smoothing=smoothing)
        two = torch.stack([torch.zeros(outputs.size), torch.from_numpy(outputs.reshape(-1)).float()], dim=1)
        expected = F.cross_entropy(two, torch.from_numpy(labels.reshape(-1)).long(), label_smoothing=smoothing)
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_is_set_the_baselines_are_binary_cross_entropy(kind: str) -> None:
    plain, *_ = value("bce-with-logits", kind)
    assert value("focal", kind, gamma=0.0)[0].item() == pytest.approx(plain.item(), rel=1e-6)
    assert value("label-smoothing", kind, smoothing=0.0)[0].item() == pytest.approx(plain.item(), rel=1e-6)
