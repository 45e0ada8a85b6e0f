"""An npz archive from anywhere: its arrays, or why not, and never more memory than it has."""

import bz2
import io
import random
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.core import archive
from benchmark.core.archive import Archive, Header, Unreadable

ARRAYS = {
    "bytes": np.arange(4000, dtype=np.uint8).reshape(10, 20, 20),
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "none": np.zeros((0, 3), np.float32),
    "number": np.array(7),
    "text": np.array(["a", "bc"]),
}


def header_of(shape: tuple[int, ...], descr: str = "|u1") -> bytes:
    """As NumPy writes it, for an array of that shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue()


def pack(path: Path, content: bytes, **claims: Any) -> Path:
    """An archive with one member `x.npy`, of which the directory at the archive's end claims something."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", content)
        for name, value in claims.items():
            setattr(file.infolist()[0], name, value)
    return path


def deflated(content: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(content) + packing.flush()


def whole(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("how", [np.savez, np.savez_compressed])
def test_arrays_are_those_of_numpy(tmp_path: Path, how: Callable[..., None]) -> None:
    how(tmp_path / "a.npz", **ARRAYS)
    with Archive(tmp_path / "a.npz") as file, np.load(tmp_path / "a.npz") as numpys:
        assert file.files == numpys.files
        for name in ARRAYS:
            assert file.header(name) == Header(numpys[name].dtype, numpys[name].shape)
            assert file.header(name).bytes == numpys[name].nbytes
            np.testing.assert_array_equal(file[name], numpys[name])
            assert file[name].dtype == numpys[name].dtype


TEN = whole(np.zeros(10, np.uint8))
CASES: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "a password": (TEN, {"flag_bits": 1}, "behind a password"),
    "deflate64": (TEN, {"compress_type": 9}, "packed by deflate64, which NumPy doesn't do"),
    "an unknown method": (TEN, {"compress_type": 77}, "packed by method 77"),
    "another checksum": (TEN, {"CRC": 1}, "no whole array .*CRC"),
    "deflate that is none": (TEN, {"compress_type": 8}, "no whole array"),
    "no npy file": (b"0.1,0.2", {}, "no whole array"),
    "nothing": (b"", {}, "no whole array"),
    "a header cut short": (TEN[:50], {}, "no whole array"),
    "objects": (whole(np.array([None], dtype=object)), {}, "pickled Python objects, which are never loaded"),
    "10^13 images": (header_of((10**13, 28, 28)) + b"123", {}, "a header of shape .*, and 3 bytes behind it"),
    "fewer bytes than its shape": (header_of((10,)) + b"123", {}, "a header of shape .* and 3 bytes behind it"),
    "more bytes than its shape": (header_of((10,)) + b"1" * 11, {}, "a header of shape .* and 11 bytes behind it"),
    "less than nothing": (header_of((-1, 4)), {}, "a header of shape"),
    "a header that is code": (TEN.replace(b"(10,)", b"f(1) "), {}, "no whole array"),
    "a deep header": (b"\x93NUMPY\x01\x00" + struct.pack("<H", 5000) + b"(" * 5000, {}, "no whole array"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_read_says_why_in_one_sentence(tmp_path: Path, case: str) -> None:
    content, claims, reason = CASES[case]
    path = pack(tmp_path / "a.npz", content, **claims)
    with Archive(path) as file, pytest.raises(Unreadable, match=f"^{reason}|^an array {reason}") as caught:
        file["x"]
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_name_that_is_not_there_or_there_twice_is_told(tmp_path: Path) -> None:
    with Archive(pack(tmp_path / "a.npz", TEN)) as file, pytest.raises(Unreadable, match="no array y"):
        file["y"]
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "a.npz", "a") as more:
        warnings.simplefilter("ignore")
        more.writestr("x.npy", TEN)
    with pytest.raises(Unreadable, match="two arrays of the name x"):
        Archive(tmp_path / "a.npz")


@pytest.mark.parametrize("packed", ["bzip2", "deflate", "deflate, by its own word not at all"])
def test_a_bomb_is_refused_unopened(tmp_path: Path, packed: str) -> None:
    """16 GiB of zeros in a small file (of which there are only as many as a test has time to pack)."""
    size, zeros = 2**34, bytes(2**24)
    header = header_of((size,))
    claims: dict[str, Any] = {"compress_type": zipfile.ZIP_BZIP2, "file_size": len(header) + size}
    if packed == "bzip2":
        content = bz2.compress(header + zeros)
    else:
        content = deflated(header + zeros)
        claims["compress_type"] = zipfile.ZIP_DEFLATED
    if "own word" in packed:
        claims["compress_size"] = len(header) + size
    path = pack(tmp_path / "a.npz", content, **claims)
    tracemalloc.start()
    reason = r"an array of 16\.0 GiB packed into \d+ bytes|an array packed by bzip2"
    with Archive(path) as file, pytest.raises(Unreadable, match=reason):
        file["x"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_header_that_claims_to_be_long_is_not_read(tmp_path: Path) -> None:
    blanks = 2**26
    content = b"\x93NUMPY\x02\x00" + struct.pack("<I", blanks) + b" " * blanks
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
    tracemalloc.start()
    with Archive(path) as file, pytest.raises(Unreadable, match="a header of 67,108,864 bytes"):
        file["x"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_an_array_beyond_the_free_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(5000, np.uint8))
    monkeypatch.setattr(archive, "NO_BOMB", 4000)
    memory = type("Memory", (), {"available": 4500})
    monkeypatch.setattr(archive.psutil, "virtual_memory", lambda: memory)
    with Archive(tmp_path / "a.npz") as file, pytest.raises(Unreadable, match="GiB of memory free"):
        file["x"]


def test_damage_anywhere_is_never_another_kind_of_error(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **ARRAYS)
    content, drawn = (tmp_path / "a.npz").read_bytes(), random.Random(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[drawn.randrange(len(content))] = drawn.randrange(256)
        (tmp_path / "b.npz").write_bytes(damaged)
        try:
            with Archive(tmp_path / "b.npz") as file:
                for name in file.files:
                    file[name]
        except Unreadable:
            refused += 1
    assert refused > 200
