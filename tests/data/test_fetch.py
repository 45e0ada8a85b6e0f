"""Fetching data files: every failure has its own sentence, and leaves nothing behind."""

import errno
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from benchmark.config.entries import StandinTask
from benchmark.config.tasks import Task, build_task
from benchmark.core.errors import DataError, DataUnreachable
from benchmark.core.files import md5_of
from benchmark.data import fetch as fetching
from benchmark.data.fetch import Fetched, Reach
from pipelines.console.mends import sentence
from tests.data.files import (
    DEAD,
    fetch,
    left_behind,
    load,
    make_arrays,
    official_task,
    own_task,
    path_of,
    serving,
    small_official,
    write,
)
from tests.helpers import REAL, ROOT, needs, told

# ------------------------------------------------------------------------------------------------ where from


def test_a_file_comes_from_the_mirror_folder(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    fetched = fetch(task, mirror)
    assert fetched == Fetched(Path("data/breastmnist.npz"), str(task.md5), f"{mirror}/breastmnist.npz")
    assert path_of(task).read_bytes() == (mirror / "breastmnist.npz").read_bytes()
    assert left_behind(project) == ["data/breastmnist.npz"]


def test_a_file_comes_from_a_mirror_address(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    with serving(mirror) as host:
        assert fetch(task, f"{host.address}/").source == f"{host.address}/breastmnist.npz"
    assert path_of(task).read_bytes() == (mirror / "breastmnist.npz").read_bytes()
    assert path_of(task).stat().st_mode & 0o777 == 0o644  # colleagues can read it
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
    fetched = fetch(task)
    assert fetched.source == "generated here, no real data"
    assert fetched.md5 == load(task).md5
    assert left_behind(project) == ["data/standin-breastmnist.npz"]


# ------------------------------------------------------------------------------------------------ resume, retry


def test_a_verified_file_is_not_fetched_again(mirror: Path) -> None:
    task = small_official(mirror)
    fetch(task, mirror)
    before = path_of(task).stat()
    assert fetch(task, DEAD).source == "an earlier fetch"
    assert (path_of(task).stat().st_ino, path_of(task).stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_wrong_file_in_place_is_replaced_once_the_right_one_is_there(mirror: Path) -> None:
    task = small_official(mirror)
    path_of(task).parent.mkdir()
    path_of(task).write_bytes(b"something else")
    with pytest.raises(DataUnreachable):
        fetch(task, DEAD)
    assert path_of(task).read_bytes() == b"something else"
    fetch(task, mirror)
    assert md5_of(path_of(task)) == task.md5


@pytest.mark.parametrize("trouble", ["short", "503", "429"])
def test_a_download_that_fails_is_tried_again(project: Path, mirror: Path, trouble: str) -> None:
    task = small_official(mirror)
    with serving(mirror, trouble) as host:
        fetch(task, host.address, retries=1)
        assert host.asked == ["GET /breastmnist.npz"] * 2
    assert left_behind(project) == ["data/breastmnist.npz"]


@pytest.mark.parametrize("by", ["address", "folder"])
def test_a_full_disk_is_no_fault_of_the_source(mirror: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """It is asked once, and the command line says that the disk is full."""
    monkeypatch.setattr(fetching, "atomic", lambda _: nullcontext(Path("/dev/full")))
    with serving(mirror) as host, pytest.raises(OSError, match="No space left on device") as raised:
        fetch(small_official(mirror), host.address if by == "address" else mirror, retries=3)
    assert raised.value.errno == errno.ENOSPC
    assert host.asked == (["GET /breastmnist.npz"] if by == "address" else [])


@pytest.mark.parametrize("address", ["http://a..b", "http://[::1"])
def test_what_is_no_proper_address_is_one_sentence(mirror: Path, address: str) -> None:
    task = small_official(mirror)
    with pytest.raises(DataUnreachable, match=r"tried https?://.*breastmnist.npz \(no proper address\), "):
        fetch(task, address)
    reach = fetching.reachable(task, path_of(task), address, 5.0)
    assert reach.source is None
    assert "breastmnist.npz: no proper address; " in reach.reason


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


@pytest.mark.parametrize(
    ("trouble", "reason", "asked"),
    [
        ("endless", "sends more than the 1062832 bytes that the file has at most", 1),
        ("long", "would send 9000000000000 bytes, and the file has 1062832 at most", 1),
        ("drip", "sends less than 20000 bytes a second", 2),
        ("drip head", "no answer within 1 s", 2),
    ],
)
def test_an_answer_without_an_end_is_given_up(
    project: Path, mirror: Path, trouble: str, reason: str, asked: int
) -> None:
    task, started = small_official(mirror), time.monotonic()
    with serving(mirror, trouble, trouble) as host, pytest.raises(DataUnreachable) as caught:
        fetching.fetch(task, path_of(task), host.address, retries=1, timeout_s=0.5)
    assert f"breastmnist.npz ({reason})" in str(caught.value)
    assert len(host.asked) == asked
    assert time.monotonic() - started < 5
    assert left_behind(project) == []


def test_a_path_that_is_no_file_is_never_read(project: Path, mirror: Path) -> None:
    os.mkfifo(mirror / "breastmnist.npz")
    assert reach(official_task(), mirror).reason.startswith(f"{mirror}/breastmnist.npz: no file")
    with pytest.raises(DataUnreachable, match=r"breastmnist.npz \(no file\)"):
        fetch(official_task(), mirror)


def test_a_file_of_a_mirror_folder_that_is_too_long_is_never_read(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    os.truncate(mirror / "breastmnist.npz", 2**40)  # without a byte of it on disk
    reason = "has 1099511627776 bytes, and the file has 1062832 at most"
    assert reach(task, mirror).reason.startswith(f"{mirror}/breastmnist.npz: {reason}")
    with pytest.raises(DataUnreachable, match=rf"breastmnist.npz \({reason}\)"):
        fetch(task, mirror)
    assert left_behind(project) == []


def test_what_a_killed_fetch_left_goes_with_the_next_one(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    code = "import sys; from tests.data.files import *; fetch(small_official(__import__('pathlib').Path(sys.argv[1])), sys.argv[2])"
    with serving(mirror, "drip") as host:
        command = [sys.executable, "-c", code, str(mirror), host.address]
        with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) as killed:
            while not left_behind(project):
                assert killed.poll() is None
                time.sleep(0.05)
            killed.kill()
    assert left_behind(project) != ["data/breastmnist.npz"]
    fetch(task, mirror)
    assert left_behind(project) == ["data/breastmnist.npz"]


def test_a_password_in_an_address_is_asked_with_and_never_shown(project: Path, mirror: Path) -> None:
    task = small_official(mirror)
    with serving(mirror) as host:
        secret = host.address.replace("//", "//me:secret@")
        assert reach(task, secret).source == fetch(task, secret).source == f"{host.address}/breastmnist.npz"
        with pytest.raises(DataUnreachable) as caught:
            fetch(official_task("chestmnist", origin=f"{secret}/official.npz"), secret)
    assert "answers 404" in str(caught.value)
    assert (
        "secret" not in sentence(caught.value) + reach(official_task(origin="http://me:secret@x:99999/"), secret).reason
    )


# ------------------------------------------------------------------------------------------------ wrong files


def test_another_md5_in_a_mirror_folder_is_refused(project: Path, mirror: Path) -> None:
    md5 = write(mirror / "breastmnist.npz", make_arrays())
    with pytest.raises(DataError) as error:
        fetch(official_task(), mirror)
    assert sentence(error.value) == (
        f"breastmnist: {mirror}/breastmnist.npz has MD5 {md5}, expected 750601b1f35ba3300ea97c75c52ff8f6; "
        "put the official file there or unset MEDMNIST_MIRROR"
    )
    assert left_behind(project) == []


def test_another_md5_from_an_address_is_refused(project: Path, mirror: Path) -> None:
    md5 = write(mirror / "breastmnist.npz", make_arrays())
    with serving(mirror) as host, pytest.raises(DataError, match=f"has MD5 {md5}, expected 750601b1"):
        fetch(official_task(), host.address)
    assert left_behind(project) == []


def test_another_md5_of_an_own_file_says_where_the_md5_is_declared(project: Path) -> None:
    md5 = write(project / "mine.npz", make_arrays())
    with told(DataError, f"mine.npz has MD5 {md5}, expected 0000.*tasks.mine.md5"):
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
    assert sentence(error.value) == (
        f"vesselmnist3d: its data can't be reached, tried {tmp_path}/none/vesselmnist3d.npz (no such file), "
        f"{DEAD}/official.npz (no connection); what helps: (1) a network that reaches {DEAD}/official.npz, "
        "(2) MEDMNIST_MIRROR naming a folder or address that has vesselmnist3d.npz, or (3) a shorter fetch.tasks "
        "(and pretrain.3d.tasks) in params.yaml, which `make repro` does by itself"
    )
    assert left_behind(project) == []


def test_an_own_file_in_nobodys_reach_names_its_declared_path() -> None:
    with told(DataUnreachable, r"tried mine.npz \(no such file\); what helps: \(1\) a file at mine.npz"):
        fetch(own_task("0" * 32))


# ------------------------------------------------------------------------------------------------ reach


def reach(task: Task, mirror: object = None, timeout_s: float = 2) -> Reach:
    return fetching.reachable(task, path_of(task), None if mirror is None else str(mirror), timeout_s)


def test_a_verified_file_in_place_is_in_reach(mirror: Path) -> None:
    task = small_official(mirror)
    fetch(task, mirror)
    assert reach(task, DEAD) == Reach("data/breastmnist.npz")


def test_stand_in_data_is_in_reach() -> None:
    assert reach(build_task("standin-x", StandinTask(standin="breastmnist"))) == Reach("generated here")


def test_a_right_file_in_a_mirror_folder_is_in_reach_and_stays_there(project: Path, mirror: Path) -> None:
    assert reach(small_official(mirror), mirror) == Reach(f"{mirror}/breastmnist.npz")
    assert left_behind(project) == []


def test_another_md5_in_a_mirror_folder_is_not_in_reach(mirror: Path) -> None:
    md5 = write(mirror / "breastmnist.npz", make_arrays())
    answer = reach(official_task(), mirror)
    assert answer.source is None
    assert f"{mirror}/breastmnist.npz: MD5 {md5}, expected 750601b1f35ba3300ea97c75c52ff8f6; " in answer.reason


def test_a_mirror_address_is_asked_without_downloading(mirror: Path) -> None:
    task = small_official(mirror)
    with serving(mirror) as host:
        assert reach(task, host.address) == Reach(f"{host.address}/breastmnist.npz")
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
        assert reach(task) == Reach(task.origin)


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


def test_importing_the_module_imports_nothing_heavy() -> None:
    heavy = ["torch", "pandas", "medmnist", "sklearn"]
    code = f"import sys, benchmark.data.fetch; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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
