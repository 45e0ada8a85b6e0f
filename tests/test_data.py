"""Fetching, verifying and loading data files: every failure has its own sentence, and leaves nothing behind."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark import data
from benchmark.config import OfficialTask, OwnTask, StandinTask
from benchmark.errors import DataError, DataUnreachable
from benchmark.tasks import SPLITS, Task, build_task

ROOT = Path(__file__).resolve().parents[1]
REAL = Path(os.environ.get("MEDMNIST_MIRROR") or ROOT.parent / "shared/medmnist")
DEAD = "http://127.0.0.1:9"  # the discard port: nothing listens
CPU = torch.device("cpu")

Arrays = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder as the current one, beside a folder `mirror`."""
    (tmp_path / "project").mkdir()
    (tmp_path / "mirror").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("MEDMNIST_MIRROR", raising=False)
    monkeypatch.setattr(data, "_silent", {})
    return tmp_path / "project"


@pytest.fixture
def mirror(project: Path) -> Path:
    return project.parent / "mirror"


def make_arrays(count: int = 6, shape: tuple[int, ...] = (8, 8), columns: int = 1) -> Arrays:
    """A whole small file: random images, labels 0 and 1 in turn."""
    random, arrays = np.random.default_rng(0), {}
    for split in SPLITS:
        arrays[f"{split}_images"] = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.tile(np.arange(count, dtype=np.uint8)[:, None] % 2, (1, columns))
    return arrays


def write(path: Path, arrays: Arrays) -> str:
    """Save the arrays; the file's MD5."""
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return hashlib.md5(path.read_bytes()).hexdigest()


def own_task(md5: str, dimension: int = 2, labels: tuple[str, ...] = ("no", "yes"), file: str = "mine.npz") -> Task:
    kind = "binary" if len(labels) == 2 else "multi-label"
    entry = {"file": file, "md5": md5, "dimension": dimension, "kind": kind, "labels": labels}
    return build_task("mine", OwnTask.model_validate(entry))


def official_task(name: str = "breastmnist", origin: str = f"{DEAD}/official.npz", md5: str | None = None) -> Task:
    """An official task whose official address is a dead one, and whose MD5 can be a test file's."""
    task = build_task(name, OfficialTask())
    return replace(task, origin=origin, md5=md5 or task.md5)


def small_official(folder: Path, origin: str = f"{DEAD}/official.npz") -> Task:
    """A task that counts as official, with a small right file for it in `folder`."""
    md5 = write(folder / "breastmnist.npz", make_arrays(shape=(28, 28)))
    return replace(official_task(origin=origin, md5=md5), split_sizes=dict.fromkeys(SPLITS, 6))


def fetch(task: Task, mirror: object = None, retries: int = 0) -> data.Fetched:
    return data.fetch(task, None if mirror is None else str(mirror), retries, timeout_s=2)


def left_behind(project: Path) -> list[str]:
    return [str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()]


@dataclass
class Host:
    """A web server on this machine: `plan` says how the next requests go ("short", a status); then all is well."""

    folder: Path
    plan: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(folder: Path, *plan: str) -> Iterator[Host]:
    host = Host(folder, list(plan))

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            host.asked.append(f"{self.command} {self.path}")
            step = host.plan.pop(0) if host.plan else "200"
            file = folder / self.path.removeprefix("/")
            if step not in ("short", "200") or not file.is_file():
                return self.send_error(int(step) if step not in ("short", "200") else 404)
            content = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content[: len(content) // 2] if step == "short" else content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield host
        server.shutdown()


# ------------------------------------------------------------------------------------------------ where from


def test_a_file_comes_from_the_mirror_folder(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    found = fetch(task, mirror)
    assert found == data.Fetched(Path("data/breastmnist.npz"), str(task.md5), f"{mirror}/breastmnist.npz")
    assert task.path.read_bytes() == (mirror / "breastmnist.npz").read_bytes()
    assert left_behind(project) == ["data/breastmnist.npz"]


def test_a_file_comes_from_a_mirror_address(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    with serving(mirror) as host:
        assert fetch(task, f"{host.address}/").source == f"{host.address}/breastmnist.npz"
    assert task.path.read_bytes() == (mirror / "breastmnist.npz").read_bytes()
    assert task.path.stat().st_mode & 0o777 == 0o644  # colleagues can read it
    assert left_behind(project) == ["data/breastmnist.npz"]


def test_the_official_address_is_asked_when_the_mirror_has_no_such_file(tmp_path: Path, mirror: Path) -> None:
    with serving(mirror) as host:
        task = small_official(mirror, origin=f"{host.address}/breastmnist.npz")
        assert fetch(task, tmp_path / "empty").source == task.origin


def test_the_official_address_is_asked_when_the_mirror_has_another_file(tmp_path: Path, mirror: Path) -> None:
    (tmp_path / "stale").mkdir()
    (tmp_path / "stale/breastmnist.npz").write_bytes(b"of last year")
    with serving(mirror) as host:
        task = small_official(mirror, origin=f"{host.address}/breastmnist.npz")
        assert fetch(task, tmp_path / "stale").source == task.origin


def test_an_own_file_comes_from_its_declared_path_before_the_mirror(project: Path, mirror: Path) -> None:
    (project / "files").mkdir()
    md5 = write(project / "files/mine.npz", make_arrays())
    shutil.copy(project / "files/mine.npz", mirror / "mine.npz")
    assert fetch(own_task(md5, file="files/mine.npz"), mirror).source == "files/mine.npz"


def test_an_own_file_that_is_not_at_its_path_comes_from_the_mirror_by_name(mirror: Path) -> None:
    task = own_task(write(mirror / "mine.npz", make_arrays()), file="elsewhere/mine.npz")
    assert fetch(task, mirror).source == f"{mirror}/mine.npz"


def test_stand_in_data_is_generated_and_says_so(project: Path) -> None:
    task = build_task("standin-breastmnist", StandinTask(standin="breastmnist", fraction=0.1))
    found = fetch(task)
    assert found.source == "benchmark.standin (generated, no real data)"
    assert found.md5 == data.load(task, CPU).md5
    assert left_behind(project) == ["data/standin-breastmnist.npz"]


def test_the_mirror_is_the_variable_else_the_shared_folder_else_none(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data.mirror_from_environment() is None
    (project.parent / "shared/medmnist").mkdir(parents=True)
    assert data.mirror_from_environment() == "../shared/medmnist"
    for value in ("https://example.org/medmnist", "/some/folder"):
        monkeypatch.setenv("MEDMNIST_MIRROR", value)
        assert data.mirror_from_environment() == value
    monkeypatch.setenv("MEDMNIST_MIRROR", "")
    assert data.mirror_from_environment() == "../shared/medmnist"


# ------------------------------------------------------------------------------------------------ resume, retry


def test_a_verified_file_is_not_fetched_again(mirror: Path) -> None:
    task = small_official(mirror)
    fetch(task, mirror)
    before = task.path.stat()
    assert fetch(task, DEAD).source == "an earlier fetch"
    assert (task.path.stat().st_ino, task.path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_wrong_file_in_place_is_replaced_once_the_right_one_is_there(mirror: Path) -> None:
    task = small_official(mirror)
    task.path.parent.mkdir()
    task.path.write_bytes(b"something else")
    with pytest.raises(DataUnreachable):
        fetch(task, DEAD)
    assert task.path.read_bytes() == b"something else"
    fetch(task, mirror)
    assert data.md5_of(task.path) == task.md5


@pytest.mark.parametrize("trouble", ["short", "503", "429"])
def test_a_download_that_fails_is_tried_again(project: Path, mirror: Path, trouble: str) -> None:
    task = small_official(mirror)
    with serving(mirror, trouble) as host:
        fetch(task, host.address, retries=1)
        assert host.asked == ["GET /breastmnist.npz"] * 2
    assert left_behind(project) == ["data/breastmnist.npz"]


def test_a_download_that_always_breaks_off_leaves_nothing(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    with (
        serving(mirror, "short", "short") as host,
        pytest.raises(DataUnreachable, match=r"breastmnist.npz \(the download broke off\)"),
    ):
        fetch(task, host.address, retries=1)
    assert left_behind(project) == []


def test_a_file_that_is_not_there_is_not_asked_for_again(mirror: Path) -> None:
    with serving(mirror) as host, pytest.raises(DataUnreachable, match=r"breastmnist.npz \(answers 404\)"):
        fetch(official_task(origin=f"{host.address}/official.npz"), host.address, retries=3)
    assert host.asked == ["GET /breastmnist.npz", "GET /official.npz"]


def test_an_interrupted_fetch_leaves_nothing(project: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str, target: Path) -> None:
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(small_official(mirror), mirror)
    assert left_behind(project) == []


# ------------------------------------------------------------------------------------------------ wrong files


def test_another_md5_in_a_mirror_folder_is_refused(project: Path, mirror: Path) -> None:
    found = write(mirror / "breastmnist.npz", make_arrays())
    with pytest.raises(DataError) as error:
        fetch(official_task(), mirror)
    assert str(error.value) == (
        f"breastmnist: {mirror}/breastmnist.npz has MD5 {found}, expected 750601b1f35ba3300ea97c75c52ff8f6; "
        "put the official file there or unset MEDMNIST_MIRROR"
    )
    assert left_behind(project) == []


def test_another_md5_from_an_address_is_refused(project: Path, mirror: Path) -> None:
    found = write(mirror / "breastmnist.npz", make_arrays())
    with serving(mirror) as host, pytest.raises(DataError, match=f"has MD5 {found}, expected 750601b1"):
        fetch(official_task(), host.address)
    assert left_behind(project) == []


def test_another_md5_of_an_own_file_says_where_the_md5_is_declared(project: Path) -> None:
    found = write(project / "mine.npz", make_arrays())
    with pytest.raises(DataError, match=f"mine.npz has MD5 {found}, expected 0000.*tasks.mine.md5"):
        fetch(own_task("0" * 32))
    assert left_behind(project) == ["mine.npz"]


def test_a_file_of_wrong_structure_is_refused_in_the_name_of_its_source(project: Path, mirror: Path) -> None:
    md5 = write(mirror / "mine.npz", make_arrays() | {"val_labels": np.zeros((6, 1), np.uint8)})
    with pytest.raises(DataError, match=f"{mirror}/mine.npz: val_labels: found one class only"):
        fetch(own_task(md5), mirror)
    assert left_behind(project) == []


def test_nothing_in_reach_names_what_was_tried_and_three_ways_out(project: Path, tmp_path: Path) -> None:
    with pytest.raises(DataUnreachable) as error:
        fetch(official_task("vesselmnist3d"), tmp_path / "none")
    assert str(error.value) == (
        f"vesselmnist3d: its data can't be reached, tried {tmp_path}/none/vesselmnist3d.npz (no such file), "
        f"{DEAD}/official.npz (no connection); what helps: (1) a network that reaches {DEAD}/official.npz, "
        "(2) MEDMNIST_MIRROR naming a folder or address that has vesselmnist3d.npz, or (3) a shorter fetch.tasks "
        "(and pretrain.3d.tasks) in params.yaml, which `make repro` does by itself"
    )
    assert left_behind(project) == []


def test_an_own_file_in_nobodys_reach_names_its_declared_path() -> None:
    with pytest.raises(DataUnreachable, match=r"tried mine.npz \(no such file\); what helps: \(1\) a file at mine.npz"):
        fetch(own_task("0" * 32))


# ------------------------------------------------------------------------------------------------ structure

NO = ("no", "yes")
FINDINGS = ("mass", "nodule", "edema")


def without(key: str) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {name: array for name, array in arrays.items() if name != key}


def changed(**new: np.ndarray) -> Callable[[Arrays], Arrays]:
    return lambda arrays: arrays | new


LABELS = make_arrays()["train_labels"]
ONE_FINDING_ALL_1 = np.hstack([LABELS, np.ones_like(LABELS), LABELS])
STRUCTURES = {
    "missing key": (without("val_labels"), "found no array val_labels, expected the arrays train_images, train_l"),
    "float images": (
        changed(train_images=np.zeros((6, 8, 8))),
        "train_images: found float64, expected uint8",
    ),
    "colour": (
        changed(train_images=np.zeros((6, 8, 8, 3), np.uint8)),
        r"train_images: found shape \(6, 8, 8, 3\), expected \(n, 8, 8\), one channel",
    ),
    "not square": (
        changed(train_images=np.zeros((6, 9, 8), np.uint8)),
        r"train_images: found shape \(6, 9, 8\), expected \(n, 9, 9\), one channel",
    ),
    "another size in one split": (
        changed(test_images=np.zeros((6, 9, 9), np.uint8)),
        r"test_images: found shape \(6, 9, 9\), expected \(n, 8, 8\), one channel",
    ),
    "float labels": (changed(train_labels=LABELS.astype(float)), "train_labels: found float64, expected integers"),
    "no pixels": (
        changed(**{f"{split}_images": np.zeros((6, 0, 0), np.uint8) for split in ("train", "val", "test")}),
        r"train_images: found shape \(6, 0, 0\), expected images with pixels",
    ),
    "flat labels": (changed(train_labels=LABELS[:, 0]), r"train_labels: found shape \(6,\), expected \(n, 1\)"),
    "too many columns": (
        changed(train_labels=np.hstack([LABELS, LABELS])),
        r"train_labels: found shape \(6, 2\), expected \(n, 1\)",
    ),
    "labels out of range": (changed(test_labels=LABELS + 1), "test_labels: found the values 2, expected 0 and 1 only"),
    "negative labels": (
        changed(test_labels=LABELS.astype(np.int8) - 1),
        "test_labels: found the values -1, expected 0 and 1 only",
    ),
    "too few labels": (changed(val_labels=LABELS[:4]), "val: found 6 images and 4 labels, expected as many"),
    "empty split": (
        changed(val_images=np.zeros((0, 8, 8), np.uint8), val_labels=np.zeros((0, 1), np.uint8)),
        "val: found an empty split, expected at least one image of each class",
    ),
    "one class only": (
        changed(val_labels=np.ones((6, 1), np.uint8)),
        r"val_labels: found one class only \(all 1\), expected both classes",
    ),
    "objects": (
        changed(train_images=np.array([[object()]] * 6, dtype=object)),
        "train_images: found pickled Python objects, which are never loaded, expected an array of numbers",
    ),
    "a single number": (changed(val_images=np.array(7, np.uint8)), "val_images: found no array, expected an array"),
}


@pytest.mark.parametrize("case", STRUCTURES)
def test_a_wrong_structure_is_named(project: Path, case: str) -> None:
    change, message = STRUCTURES[case]
    task = own_task(write(project / "mine.npz", change(make_arrays())))
    with pytest.raises(DataError, match=f"^mine.npz: {message}.*; save the file again in MedMNIST's format and decl"):
        fetch(task)
    assert left_behind(project) == ["mine.npz"]


def test_another_split_size_than_the_official_one_is_named(tmp_path: Path) -> None:
    task = replace(small_official(tmp_path), split_sizes={"train": 6, "val": 5, "test": 6})
    with pytest.raises(DataError, match=r"breastmnist\.npz: val: found 6 images, expected 5;"):
        data.verify_structure(tmp_path / "breastmnist.npz", task)


def test_the_official_image_size_is_asked_for(tmp_path: Path) -> None:
    task = replace(small_official(tmp_path), size=64)
    with pytest.raises(DataError, match=r"found shape \(6, 28, 28\), expected \(n, 64, 64\), one channel"):
        data.verify_structure(tmp_path / "breastmnist.npz", task)


def test_a_multi_label_file_names_the_label_with_one_class_only(project: Path) -> None:
    arrays = make_arrays(columns=3) | {"val_labels": ONE_FINDING_ALL_1}
    task = own_task(write(project / "mine.npz", arrays), labels=FINDINGS)
    with pytest.raises(DataError, match=r"val_labels: found one class only of label 'nodule' \(all 1\), expected both"):
        fetch(task)


@pytest.mark.parametrize(("dimension", "labels", "columns"), [(2, FINDINGS, 3), (3, NO, 1)])
def test_own_files_of_either_dimension_and_kind_are_accepted(
    project: Path, dimension: int, labels: tuple[str, ...], columns: int
) -> None:
    arrays = make_arrays(shape=(8,) * dimension, columns=columns)
    fetch(own_task(write(project / "mine.npz", arrays), dimension, labels))


@pytest.mark.parametrize("content", ["half", "text"])
def test_a_truncated_file_or_no_zip_is_named(project: Path, content: str) -> None:
    path = project / "mine.npz"
    write(path, make_arrays())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content == "half" else b"<html>Sorry</html>")
    size = path.stat().st_size
    with pytest.raises(
        DataError, match=f"mine.npz: found {size} bytes that are no whole zip archive, expected an .npz"
    ):
        fetch(own_task(data.md5_of(path)))
    assert left_behind(project) == ["mine.npz"]


def test_a_damaged_array_is_named(project: Path) -> None:
    path = project / "mine.npz"
    arrays = make_arrays()
    write(path, arrays)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(arrays["train_labels"].tobytes())] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"mine.npz: train_labels: found a damaged array \(.*CRC.*\), expected a whole"):
        fetch(own_task(data.md5_of(path)))


def test_a_member_that_is_no_array_is_named(project: Path) -> None:
    write(project / "mine.npz", without("val_images")(make_arrays()))
    with zipfile.ZipFile(project / "mine.npz", "a") as archive:
        archive.writestr("val_images.npy", b"no array")
    with pytest.raises(DataError, match="val_images: found no array, expected an array of numbers"):
        fetch(own_task(data.md5_of(project / "mine.npz")))


# ------------------------------------------------------------------------------------------------ reach


def reach(task: Task, mirror: object = None, timeout_s: float = 2) -> data.Reach:
    return data.reachable(task, None if mirror is None else str(mirror), timeout_s)


def test_a_verified_file_in_place_is_in_reach(mirror: Path) -> None:
    task = small_official(mirror)
    fetch(task, mirror)
    assert reach(task, DEAD) == data.Reach("data/breastmnist.npz")


def test_stand_in_data_is_in_reach() -> None:
    assert reach(build_task("standin-x", StandinTask(standin="breastmnist"))) == data.Reach("generated here")


def test_a_right_file_in_a_mirror_folder_is_in_reach_and_stays_there(project: Path, mirror: Path) -> None:
    assert reach(small_official(mirror), mirror) == data.Reach(f"{mirror}/breastmnist.npz")
    assert left_behind(project) == []


def test_another_md5_in_a_mirror_folder_is_not_in_reach(mirror: Path) -> None:
    found = write(mirror / "breastmnist.npz", make_arrays())
    answer = reach(official_task(), mirror)
    assert answer.source is None
    assert f"{mirror}/breastmnist.npz: MD5 {found}, expected 750601b1f35ba3300ea97c75c52ff8f6; " in answer.reason


def test_a_mirror_address_is_asked_without_downloading(mirror: Path) -> None:
    task = small_official(mirror)
    with serving(mirror) as host:
        assert reach(task, host.address) == data.Reach(f"{host.address}/breastmnist.npz")
        assert host.asked == ["HEAD /breastmnist.npz"]
        missing = reach(official_task("chestmnist"), host.address)
    assert missing.reason == f"{host.address}/chestmnist.npz: answers 404; {DEAD}/official.npz: no connection"


def test_a_host_that_refuses_head_is_asked_by_get(mirror: Path) -> None:
    task = small_official(mirror)
    with serving(mirror, "405") as host:
        assert reach(task, host.address).source == f"{host.address}/breastmnist.npz"


def test_the_official_address_is_asked_where_there_is_no_mirror(mirror: Path) -> None:
    with serving(mirror) as host:
        task = small_official(mirror, origin=f"{host.address}/breastmnist.npz")
        assert reach(task) == data.Reach(task.origin)


def test_a_silent_host_costs_its_time_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        tasks = [
            official_task(name, f"http://127.0.0.1:{silent.getsockname()[1]}/{name}.npz")
            for name in ("breastmnist", "chestmnist", "vesselmnist3d")
        ]
        start = time.monotonic()
        answers = [reach(task, timeout_s=0.5) for task in tasks]
    assert time.monotonic() - start < 1.4
    assert [answer.source for answer in answers] == [None] * 3
    assert all("no answer" in answer.reason for answer in answers)


# ------------------------------------------------------------------------------------------------ load


@pytest.mark.parametrize(("dimension", "labels", "columns"), [(2, NO, 1), (3, NO, 1), (2, FINDINGS, 3)])
def test_loaded_tensors_equal_the_file(project: Path, dimension: int, labels: tuple[str, ...], columns: int) -> None:
    arrays = make_arrays(shape=(8,) * dimension, columns=columns)
    arrays = {key: array.astype(np.int64) if "labels" in key else array for key, array in arrays.items()}
    task = own_task(write(project / "mine.npz", arrays), dimension, labels)
    fetch(task)
    loaded = data.load(task, CPU)
    assert (loaded.task, loaded.md5, list(loaded.splits)) == (task, task.md5, list(SPLITS))
    for name, split in loaded.splits.items():
        assert (split.images.dtype, split.labels.dtype, len(split)) == (torch.uint8, torch.uint8, 6)
        np.testing.assert_array_equal(split.images.numpy(), arrays[f"{name}_images"][:, None])
        np.testing.assert_array_equal(split.labels.numpy(), arrays[f"{name}_labels"])


def test_a_missing_file_says_how_to_get_it() -> None:
    with pytest.raises(DataError) as error:
        data.load(official_task(), CPU)
    assert str(error.value) == (
        "data/breastmnist.npz: not there; run `dvc repro fetch@breastmnist` or `python -m pipelines.fetch breastmnist`"
    )


def test_a_file_changed_since_it_was_fetched_is_not_loaded(mirror: Path) -> None:
    task = small_official(mirror)
    fetch(task, mirror)
    found = write(task.path, make_arrays(count=8))
    with pytest.raises(DataError, match=f"data/breastmnist.npz: has MD5 {found}, expected {task.md5}; run `dvc repro"):
        data.load(task, CPU)


def test_stand_in_data_of_wrong_structure_is_not_loaded() -> None:
    task = build_task("standin-breastmnist", StandinTask(standin="breastmnist", fraction=0.1))
    task.path.parent.mkdir()
    write(task.path, make_arrays())
    with pytest.raises(DataError, match=r"train_images: found shape \(6, 8, 8\), expected \(n, 28, 28\)"):
        data.load(task, CPU)


def test_importing_the_module_imports_nothing_heavy() -> None:
    heavy = ["torch", "pandas", "medmnist", "pooch", "requests", "sklearn"]
    code = f"import sys, benchmark.data; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------------------------ real files


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (REAL / name).is_file(), reason=f"needs {name} in MEDMNIST_MIRROR or ../shared")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "dataset", "size"),
    [
        pytest.param("breastmnist", "BreastMNIST", 28, marks=needs("breastmnist.npz")),
        pytest.param("vesselmnist3d", "VesselMNIST3D", 28, marks=needs("vesselmnist3d.npz")),
        pytest.param("adrenalmnist3d", "AdrenalMNIST3D", 28, marks=[needs("adrenalmnist3d.npz"), pytest.mark.slow]),
        pytest.param("adrenalmnist3d", "AdrenalMNIST3D", 64, marks=[needs("adrenalmnist3d_64.npz"), pytest.mark.slow]),
    ],
)
def test_an_official_file_loads_as_medmnist_reads_it(name: str, dataset: str, size: int) -> None:
    import medmnist

    task = build_task(
        name if size == 28 else f"{name}_{size}", OfficialTask.model_validate({"official": name, "size": size})
    )
    assert fetch(task, REAL).source == str(REAL / task.file_name)
    for split, found in data.load(task, CPU).splits.items():
        expected = getattr(medmnist, dataset)(split=split, root=str(REAL), size=size)
        np.testing.assert_array_equal(found.images.squeeze(1).numpy(), expected.imgs)
        np.testing.assert_array_equal(found.labels.numpy(), expected.labels)


@pytest.mark.real_data
@needs("pneumoniamnist_rebuilt.npz")
def test_the_rebuilt_file_is_refused_under_the_official_name_and_taken_under_its_own(
    project: Path, mirror: Path
) -> None:
    shutil.copyfile(REAL / "pneumoniamnist_rebuilt.npz", mirror / "pneumoniamnist.npz")
    with pytest.raises(DataError, match="has MD5 0362ba63e6370f4916da0a23aa7fb2bb, expected 28209eda62fecd6e6a2d98b15"):
        fetch(official_task("pneumoniamnist"), mirror)
    assert left_behind(project) == []
    file = str(REAL / "pneumoniamnist_rebuilt.npz")
    assert fetch(own_task("0362ba63e6370f4916da0a23aa7fb2bb", file=file)).source == file
