"""Files are whole or not there, and one process at a time changes a folder."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import md5, sha256
from pathlib import Path

import pytest

from benchmark.core.files import alone, atomic, md5_of, sha256_of


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
