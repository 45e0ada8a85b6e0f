"""bfloat16 where it is safe: gradients are finite and follow float32's, also on inputs smaller than a kernel."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmark.training import model as models
from benchmark.training import precision
from tests.helpers import CPU


@pytest.mark.parametrize(
    ("network", "shape"), [("resnet18-strided", (16, 1, 28, 28)), ("resnet10-strided-3d", (16, 1, 28, 28, 28))]
)
def test_gradients_in_bf16_are_finite_and_follow_fp32(network: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    images, labels = torch.randn(shape), torch.randint(0, 2, shape[:1])
    model = models.build(network, {"a": 2}, seed=0).train()
    precision.guard(model, CPU)
    names = [name for name, parameter in model.named_parameters() if parameter.ndim > 1]

    def gradients(mode: precision.Precision) -> list[torch.Tensor]:
        with precision.autocast(CPU, mode):
            outputs = model(images, "a")
        loss = F.cross_entropy(outputs.float(), labels)
        return list(torch.autograd.grad(loss, [model.get_parameter(name) for name in names]))

    exact = gradients("fp32")
    for _ in range(5):  # the fault that is guarded against comes and goes
        for name, ours, reference in zip(names, gradients("bf16"), exact, strict=True):
            assert ours.isfinite().all(), name
            assert F.cosine_similarity(ours.flatten(), reference.flatten(), dim=0) > 0.9, name


@pytest.mark.parametrize(("side", "dtype"), [(2, torch.float32), (3, torch.bfloat16)])
def test_convolutions_of_inputs_smaller_than_their_kernel_stay_in_fp32(side: int, dtype: torch.dtype) -> None:
    layer = nn.Conv3d(4, 4, 3, padding=1)
    precision.guard(layer, CPU)
    with precision.autocast(CPU, "bf16"):
        assert layer(torch.zeros(2, 4, side, side, side)).dtype == dtype
        assert torch.is_autocast_enabled("cpu")
    assert layer(torch.zeros(2, 4, side, side, side)).dtype == torch.float32
