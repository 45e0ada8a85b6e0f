"""Files are whole or not there, and one process at a time changes a folder."""

import errno
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5, sha256
from pathlib import Path

import pytest

from benchmark.core import files
from benchmark.core.files import alone, atomic, md5_of, sha256_of, write_text
from tests.helpers import ROOT


def test_digests_are_hashlibs(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert md5_of(tmp_path / "file") == md5(b"content").hexdigest()
    assert sha256_of(tmp_path / "file") == sha256(b"content").hexdigest()


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write_half() -> None:
        with atomic(path) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_mode_of_any_new_file_whatever_wrote_it(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    with atomic(tmp_path / "file") as partial:
        os.close(os.open(partial, os.O_CREAT | os.O_WRONLY, 0o600))
    before = os.umask(0o027)
    with atomic(tmp_path / "careful") as partial:
        partial.touch()
    os.umask(before)
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "ordinary").stat().st_mode
    assert (tmp_path / "careful").stat().st_mode & 0o777 == 0o640


def test_the_content_is_on_disk_before_it_is_moved_into_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sync(_: int) -> None:
        assert not (tmp_path / "file").exists()
        raise OSError(errno.EIO, "no such luck")

    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(OSError, match="no such luck"):
        write_text(tmp_path / "file", "content")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_has_left_goes_with_the_next_write_there(tmp_path: Path) -> None:
    code = "import os, sys; from pathlib import Path; from benchmark.core.files import atomic\n"
    code += "with atomic(Path(sys.argv[1])) as partial: partial.touch(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "big")], cwd=ROOT, check=False)
    (left,) = tmp_path.iterdir()
    elsewhere = tmp_path / left.name.replace(socket.gethostname(), "another.machine")
    elsewhere.touch()
    of_a_container = tmp_path / ".big.0123456789ab+1.partial"
    of_a_container.touch()
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(of_a_container, (two_days_ago, two_days_ago))
    persons = tmp_path / ".my+own.partial"
    persons.touch()
    os.utime(persons, (two_days_ago, two_days_ago))
    with atomic(tmp_path / "mine") as partial:
        partial.touch()
        write_text(tmp_path / "file", "content")
        assert partial.exists()
    assert set(tmp_path.iterdir()) == {elsewhere, persons, tmp_path / "mine", tmp_path / "file"}


def test_a_host_of_several_names_knows_what_it_has_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    monkeypatch.setattr(files, "HOST", "node1.cluster")
    for host in ("node1.cluster", "node2.cluster", "cluster"):
        (tmp_path / f".big.{host}+{ended.pid}.partial").touch()
    write_text(tmp_path / "file", "content")
    left = {f".big.{host}+{ended.pid}.partial" for host in ("node2.cluster", "cluster")}
    assert {path.name for path in tmp_path.iterdir()} == left | {"file"}


def test_one_process_at_a_time_changes_a_folder_and_the_other_says_that_it_waits(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cell, order = tmp_path / "task" / "recipe-0.1", []

    def second() -> None:
        with alone(cell):
            order.append("second")

    with ThreadPoolExecutor(1) as other:
        with alone(cell):
            waiting = other.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
            order.append("first")
        waiting.result()
    assert order == ["first", "second"]
    assert capfd.readouterr().err == f"{cell}: another process is at work on it; waiting for its end\n"
