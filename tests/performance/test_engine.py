"""`make bench`: the engine beside its peers, what its parts cost, precision, growth, and the time until it starts.

Contenders take turns, an epoch each, so that a machine's slower minute meets all of them. Without `--benchmark-enable`
(plain `make test`) everything runs once on a few images, to stay alive.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.data.load import Split, TaskData
from benchmark.training import loop
from benchmark.training.checkpoint import Checkpoints
from benchmark.training.loop import Training
from benchmark.training.model import build
from tests.helpers import OBJECTIVES, make_config, make_data
from tests.performance.contenders import CONTENDERS, DEVICE, PRECISION, Case, Data, Engine, Parts, Timing, torchvisions

FLAT: str = "medmnist-resnet18"
STRIDED: str = "resnet18-strided"
PEERS = {"cross-entropy": "DataLoader loop", "aucm": "LibAUC trainer"}
CASES = [
    Case("breastmnist", "cross-entropy", STRIDED, "none", 128),
    Case("breastmnist", "cross-entropy", STRIDED, "flip-affine", 128),
    Case("breastmnist", "aucm", STRIDED, "none", 128),
    Case("breastmnist", "aucm", STRIDED, "flip-affine", 128),
    Case("pneumoniamnist", "cross-entropy", STRIDED, "flip-affine", 128),
    Case("adrenalmnist3d", "cross-entropy", "resnet10-strided-3d", "none", 32),
    Case("breastmnist", "cross-entropy", FLAT, "flip-affine", 128),
]


def few(case: Case, benchmark: Any) -> Case:
    return Case(**{**vars(case), "limit": 64, "batch": 16}) if benchmark.disabled else case


def peak_memory(case: Case, name: str) -> float:
    """MiB that one epoch takes at most, in a process of its own; CUDA's where there is a GPU."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.performance.test_engine", json.dumps(vars(case)), name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def peak_of_this_process() -> float:
    """MiB. From /proc, because the figure of `resource` starts at what the parent process had."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.dataset}-{c.objective}-{c.network}-{c.augmentation}")
def test_engine_and_peer(benchmark: Any, table: Any, case: Case) -> None:
    """Ratios are the peer's time over the engine's, of the medians over rounds in which both took a turn."""
    case, rounds = few(case, benchmark), 1 if benchmark.disabled else 3
    data, peer = Data(case), PEERS[case.objective]
    contenders = {name: CONTENDERS[name](case, data) for name in ("engine", peer)}
    timings: dict[str, list[Timing]] = {name: [] for name in contenders}
    if not benchmark.disabled:
        for contender in contenders.values():
            contender.epoch()  # the first pass pays for allocations and imports

    def turn() -> None:
        for name, contender in contenders.items():
            timings[name].append(contender.epoch())

    benchmark.pedantic(turn, rounds=rounds)
    train = {name: statistics.median(t.train / t.images for t in found) for name, found in timings.items()}
    epoch = {name: statistics.median(t.epoch / t.images for t in found) for name, found in timings.items()}
    for name, found in timings.items():
        table(
            "Engine and peers",
            {
                "data": f"{case.dataset} ({len(data.tensors.splits['train'])} images)",
                "network": case.network,
                "augmentation": case.augmentation,
                "objective": case.objective,
                "batch": case.batch,
                "who": name,
                "images/s, training": f"{1 / train[name]:.0f}",
                "s per epoch with evaluation": f"{statistics.median(t.epoch for t in found):.2f}",
                "peak MiB": "" if benchmark.disabled else f"{peak_memory(case, name):.0f}",
                "engine's speed-up, training": f"{train[name] / train['engine']:.2f}",
                "with evaluation": f"{epoch[name] / epoch['engine']:.2f}",
            },
        )
    assert all(t.images > 0 for found in timings.values() for t in found)


@pytest.mark.parametrize(
    "case", [CASES[1], CASES[3], CASES[4], CASES[5], CASES[6]], ids=lambda c: f"{c.dataset}-{c.objective}-{c.network}"
)
def test_what_an_epoch_is_made_of(benchmark: Any, table: Any, tmp_path: Path, case: Case) -> None:
    """The share of an epoch that is not forward, backward and update; and the checkpoint behind it."""
    case = few(case, benchmark)
    engine, parts = Engine(case, Data(case)), Parts()
    engine.epoch()
    parts.watch(engine)
    with parts.checks():
        timing = benchmark.pedantic(engine.epoch, rounds=1)
    parts.seconds["backward"] -= parts.seconds["check"]
    whole, checkpoints, started = timing.epoch, Checkpoints(tmp_path, "bench"), time.perf_counter()
    checkpoints.save(1, engine.run.state())
    saving = time.perf_counter() - started
    rest = whole - sum(parts.seconds[name] for name in ("forward", "backward", "update"))
    table(
        "What an epoch is made of",
        {
            "data": case.dataset,
            "network": case.network,
            "objective": case.objective,
            **{f"{name}, s": f"{parts.seconds[name]:.2f}" for name in ("forward", "backward", "update")},
            "all else, s": f"{rest:.3f}",
            "of it the check of gradients, s": f"{parts.seconds['check']:.3f}",
            "all else, % of the epoch": f"{100 * rest / whole:.1f}",
            "checkpoint, s": f"{saving:.2f}",
            "checkpoint, % of the epoch": f"{100 * saving / (whole + saving):.1f}",
        },
    )
    assert 0 <= rest < whole


@pytest.mark.parametrize(
    ("network", "shape", "batch"),
    [
        (STRIDED, (28, 28), 128),
        (FLAT, (28, 28), 128),
        ("resnet10-strided-3d", (28, 28, 28), 32),
        ("resnet10-strided-3d", (64, 64, 64), 8),
        ("r3d18", (28, 28, 28), 8),
    ],
)
def test_leaving_out_idle_taps(benchmark: Any, table: Any, network: str, shape: tuple[int, ...], batch: int) -> None:
    """Forward and backward of a batch through torchvision's convolutions and through ours, taking turns."""
    batch = 4 if benchmark.disabled else batch
    models = {"torchvision": torchvisions(network, {"a": 2}), "ours": build(network, {"a": 2}, seed=0)}
    images = torch.randn(batch, 1, *shape, device=DEVICE)
    found: dict[str, list[float]] = {}

    def turn() -> None:
        for name, model in models.items():
            started = time.perf_counter()
            model.to(DEVICE)(images, "a").square().mean().backward()
            model.zero_grad()
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
            found.setdefault(name, []).append(time.perf_counter() - started)

    turn()
    found.clear()
    benchmark.pedantic(turn, rounds=1 if benchmark.disabled else 10)
    ms = {name: 1e3 * statistics.median(values) for name, values in found.items()}
    row = {"network": network, "image": "x".join(map(str, shape)), "batch": batch, "device": DEVICE.type}
    times = {f"{name}, ms": f"{value:.0f}" for name, value in ms.items()}
    table("Convolutions without idle taps", row | times | {"speed-up": f"{ms['torchvision'] / ms['ours']:.2f}"})


@pytest.mark.parametrize(
    ("network", "task", "batch"),
    [
        (STRIDED, "breastmnist", 64),
        (FLAT, "breastmnist", 64),
        ("resnet10-strided-3d", "adrenalmnist3d", 32),
        ("r3d18", "adrenalmnist3d", 16),
    ],
)
def test_precision(benchmark: Any, table: Any, network: str, task: str, batch: int) -> None:
    """A step in bf16 beside one in fp32, taking turns."""
    batch = 8 if benchmark.disabled else batch
    data, seconds = make_data(task, images=2 * batch), {}
    runs = {
        mode: Training(make_config(task, network=network, precision=mode, batch_size=batch), {task: data}, None, DEVICE)
        for mode in ("fp32", "bf16")
    }
    found: dict[str, list[float]] = {mode: [] for mode in runs}
    indices = torch.arange(batch)

    def turn() -> None:
        for mode, run in runs.items():
            run.model.train()
            started = time.perf_counter()
            loop.train_step(run, task, indices)
            found[mode].append(time.perf_counter() - started)

    turn()
    found = {mode: [] for mode in runs}
    benchmark.pedantic(turn, rounds=1 if benchmark.disabled else 5)
    seconds = {mode: statistics.median(values) for mode, values in found.items()}
    row = {f"{mode}, ms per step": f"{1e3 * value:.0f}" for mode, value in seconds.items()}
    speed_up = f"{seconds['fp32'] / seconds['bf16']:.2f}"
    table("Precision", {"network": network, "batch": batch, "device": DEVICE.type, **row, "speed-up of bf16": speed_up})


def one_epoch(network: str, shape: tuple[int, ...], images: int, batch: int) -> float:
    """Seconds of an epoch on random images of that shape, evaluation on a tenth as many included."""
    task = "adrenalmnist3d" if len(shape) == 3 else "breastmnist"
    kind, random = make_data(task, images=8).task, np.random.default_rng(0)

    def split(count: int) -> Split:
        pixels = torch.from_numpy(random.integers(0, 256, (count, 1, *shape), dtype=np.uint8))
        return Split(
            pixels.to(DEVICE), torch.from_numpy((np.arange(count) % 3 == 0).astype(np.uint8)[:, None]).to(DEVICE)
        )

    data = TaskData(kind, "0" * 32, {"train": split(images), "val": split(max(8, images // 10))})
    augmentation = "none" if len(shape) == 3 else "flip-affine"
    config = make_config(task, network=network, batch_size=batch, augmentation=augmentation, precision=PRECISION)
    return loop.one_epoch(Training(config, {task: data}, None, DEVICE), 0, [])["seconds"]


@pytest.mark.parametrize("images", [1_000, 3_000, 10_000, 30_000, 100_000])
def test_growth_with_the_number_of_images(benchmark: Any, table: Any, images: int) -> None:
    images = images // 50 if benchmark.disabled and images <= 3_000 else images
    if benchmark.disabled and images > 100:
        pytest.skip("minutes long; `make bench` runs it")
    seconds = benchmark.pedantic(one_epoch, args=(STRIDED, (28, 28), images, 128), rounds=1)
    memory = peak_of_this_process()
    table(
        "Growth with the number of images",
        {
            "images": images,
            "s per epoch": f"{seconds:.1f}",
            "ms per image": f"{1e3 * seconds / images:.2f}",
            "data, MiB": f"{images * 784 * 1.1 / 2**20:.1f}",
            "peak MiB of the process so far": f"{memory:.0f}",
        },
    )


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        *((STRIDED, (side, side)) for side in (28, 64, 128, 224)),
        *(("resnet10-strided-3d", (side, side, side)) for side in (28, 64)),
    ],
)
def test_growth_with_the_size_of_images(benchmark: Any, table: Any, network: str, shape: tuple[int, ...]) -> None:
    if benchmark.disabled and max(shape) > 28:
        pytest.skip("`make bench` runs it")
    images = 16 if benchmark.disabled else 256
    seconds = benchmark.pedantic(one_epoch, args=(network, shape, images, min(images, 32)), rounds=1)
    row = {"network": network, "image": "x".join(map(str, shape)), "ms per image": f"{1e3 * seconds / images:.2f}"}
    table(
        "Growth with the size of images",
        row | {"ns per pixel or voxel": f"{1e9 * seconds / images / np.prod(shape):.0f}"},
    )


FIRST_STEP = """
import os, sys, time
import psutil
from benchmark.objectives.shared import optimizers
def first(self):
    print(time.time() - psutil.Process().create_time(), flush=True)
    os._exit(0)
optimizers.Optimizer.step = first
sys.argv = ["finetune", "standin-breastmnist", "medmnist", "--profile", "smoke"]
import pipelines.finetune
from pipelines.console import cli
cli.run(pipelines.finetune.main)
"""


def test_time_until_the_first_step(benchmark: Any, table: Any, tmp_path: Path) -> None:
    """From the start of the process, tracking with a local MLflow store included."""
    if benchmark.disabled:
        pytest.skip("`make bench` runs it")
    from tests.e2e.clone import environment, make_clone

    clone = make_clone(tmp_path)
    fetched = [sys.executable, "-m", "pipelines.fetch", "standin-breastmnist"]
    subprocess.run(fetched, cwd=clone, env=environment(), check=True, capture_output=True)
    found: list[float] = []

    def start() -> None:
        command = [sys.executable, "-W", "ignore", "-c", FIRST_STEP]
        done = subprocess.run(command, cwd=clone, env=environment(), capture_output=True, text=True, check=True)
        found.append(float(done.stdout.splitlines()[-1]))

    start()  # makes the store's tables
    found.clear()
    benchmark.pedantic(start, rounds=3)
    table(
        "Time until the first training step",
        {"s, median of 3": f"{statistics.median(found):.1f}", "s, best": f"{min(found):.1f}"},
    )


def test_what_a_cell_costs_besides_its_training(benchmark: Any, table: Any, tmp_path: Path) -> None:
    """Of one seed, by its command and as a stage of DVC, whose lock is as long as the shipped one; then once more."""
    if benchmark.disabled:
        pytest.skip("`make bench` runs it")
    from tests.e2e.clone import ROOT, environment, make_clone

    clone, task, recipe = make_clone(tmp_path), "standin-breastmnist", "medmnist"
    shutil.copy2(ROOT / "dvc.lock", clone)
    params = (clone / "params.yaml").read_text(encoding="utf-8")
    params = params.replace("profile: quick", "profile: smoke", 1).replace("  tasks:\n", f"  tasks:\n    - {task}\n", 1)
    (clone / "params.yaml").write_text(params, encoding="utf-8")
    (clone / "trunks" / "smoke").mkdir(parents=True)
    python, folder = [sys.executable, "-W", "ignore", "-m"], clone / "runs" / "smoke" / task / recipe
    own = {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(*command: str) -> float:
        started = time.perf_counter()
        subprocess.run([*python, *command], cwd=clone, env=own, check=True, capture_output=True)
        return time.perf_counter() - started

    run("pipelines.fetch", task)
    commands = {
        "pipelines.finetune": ("pipelines.finetune", task, recipe),
        "dvc repro of its stage": ("dvc", "repro", "--force", "--single-item", f"finetune@{task}-{recipe}"),
    }
    run(*commands["pipelines.finetune"])  # makes the store's tables
    found: dict[str, list[float]] = {}

    def turn() -> None:
        for name, command in commands.items():
            shutil.rmtree(folder)
            seconds = run(*command)
            (record,) = folder.glob("*/run.json")
            trained = json.loads(record.read_text(encoding="utf-8"))["seconds"]["train"]
            found.setdefault(name, []).append(seconds - trained)
            found.setdefault(f"{name}, already there", []).append(run(*command))

    benchmark.pedantic(turn, rounds=3)
    for name, seconds in found.items():
        row = {"s, median of 3": f"{statistics.median(seconds):.1f}", "s, best": f"{min(seconds):.1f}"}
        table("What a cell costs besides its training", {"how": name, **row})


@pytest.mark.parametrize("loss", ["aucm", "compositional-auc"])
def test_update_of_libaucs_optimizers(benchmark: Any, table: Any, loss: str) -> None:
    """One update of a ResNet-18 by LibAUC's own code, and in place; gradients stay as they are."""
    from libauc.optimizers import PDSCA, PESG

    run = Training(
        make_config("breastmnist", objective=OBJECTIVES[loss]), {"breastmnist": make_data("breastmnist")}, None, DEVICE
    )
    inner = run.optimizer.inner
    loop.train_step(run, "breastmnist", torch.arange(16))
    theirs = PESG if loss == "aucm" else PDSCA
    found: dict[str, list[float]] = {"LibAUC": [], "in place": []}

    def turn() -> None:
        for name, step in (("LibAUC", theirs.step), ("in place", type(inner).step)):
            started = time.perf_counter()
            step(inner)
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
            found[name].append(time.perf_counter() - started)

    benchmark.pedantic(turn, rounds=1 if benchmark.disabled else 10)
    ms = {name: 1e3 * statistics.median(values) for name, values in found.items()}
    row = {f"{name}, ms": f"{value:.1f}" for name, value in ms.items()}
    table(
        "Update of LibAUC's optimizers",
        {"optimizer": theirs.__name__, **row, "speed-up": f"{ms['LibAUC'] / ms['in place']:.2f}"},
    )


@pytest.mark.parametrize("spin", ["10000", ""], ids=["as the suite sets it", "OpenMP's default"])
def test_two_trainings_at_once(benchmark: Any, table: Any, spin: str) -> None:
    """Seconds of one epoch alone, and of two that train beside each other in processes of their own."""
    if benchmark.disabled:
        pytest.skip("minutes long; `make bench` runs it")
    case = few(CASES[1], benchmark)
    variables = {"GOMP_SPINCOUNT": spin or "300000"}
    command = [sys.executable, "-W", "ignore", "-m", "tests.performance.test_engine", json.dumps(vars(case)), "seconds"]

    def train(processes: int) -> float:
        started = [
            subprocess.Popen(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        return statistics.mean(float(process.communicate()[0].splitlines()[-1]) for process in started)

    found: dict[str, float] = {}
    benchmark.pedantic(lambda: found.update(alone=train(1), both=train(2)), rounds=1)
    row = {"alone, s": f"{found['alone']:.2f}", "two at once, s": f"{found['both']:.2f}"}
    table("Two trainings at once", {"threads wait": "as the suite sets it" if spin else "as OpenMP's default", **row})


def main(case: Case, name: str) -> None:
    """One contender's peak memory in an epoch, or the engine's seconds for a second epoch."""
    if name == "seconds":
        engine = Engine(case, Data(case))
        engine.epoch()
        print(engine.epoch().epoch)
        return
    CONTENDERS[name](case, Data(case)).epoch()
    if DEVICE.type == "cuda":
        print(torch.cuda.max_memory_allocated() / 2**20)
    else:
        print(peak_of_this_process())


if __name__ == "__main__":
    main(Case(**json.loads(sys.argv[1])), sys.argv[2])
