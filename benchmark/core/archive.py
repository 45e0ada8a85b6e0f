"""npz archives from anywhere: what an array is, and how much memory it takes, is known before any is taken.

`numpy.load` believes the header of an array, whatever it claims, and answers a damaged or foreign archive with a dozen
kinds of error. Here there is one, which says why in a few words.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil

NO_BOMB = 2**28
"""Bytes that any array may unpack to."""
DENSEST = 1100
"""So many times its packed size an array beyond that may have: deflate, which NumPy packs by, reaches no 1033."""
LONGEST_HEADER = 10_000
"""Bytes that an array may say of itself; NumPy reads as many as are claimed before it refuses more than these."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What NumPy writes. Of others Python unpacks a whole piece at once, however large that becomes."""
FOREIGN = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstandard", 95: "xz", 98: "PPMd"}
"""By the zip format's numbers; Windows takes the first one for large files."""


class Unreadable(ValueError):
    """An archive or array that can't be read; its text says what was found, to be put behind 'found'."""


@dataclass(frozen=True)
class Header:
    """What an array says of itself."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """In memory."""
        return math.prod(self.shape) * self.dtype.itemsize


class Archive:
    """The arrays of an npz file, to be used as what `numpy.load` gives.

    Raises:
        Unreadable: here and by everything below: no whole zip archive, or two arrays of one name.
        PermissionError: the file may not be read.
    """

    def __init__(self, path: Path) -> None:
        with _explained("no whole zip archive"):
            self._file = zipfile.ZipFile(path)
        self._on_disk = path.stat().st_size
        self.files = [info.filename.removesuffix(".npy") for info in self._file.infolist()]
        if twice := sorted(name for name, count in Counter(self.files).items() if count > 1):
            raise Unreadable(f"two arrays of the name {twice[0]}")
        self._members = dict(zip(self.files, self._file.infolist(), strict=True))

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def header(self, key: str) -> Header:
        """Type and shape of an array, which then is sure to have as many bytes as these need, and room in memory.

        Raises:
            Unreadable: as the class; no such array, one behind a password, packed in a way that NumPy doesn't know,
                damaged, of pickled objects, or larger than can be true.
        """
        if key not in self._members:
            raise Unreadable(f"no array {key}")
        member = self._members[key]
        if member.flag_bits & 1:
            raise Unreadable("an array behind a password")
        if member.compress_type not in METHODS:
            name = FOREIGN.get(member.compress_type, f"method {member.compress_type}")
            raise Unreadable(f"an array packed by {name}, which NumPy doesn't do")
        with _explained("no whole array"), self._file.open(member) as file:
            header = _header(file)
            behind = member.file_size - file.tell()
        if header.dtype.hasobject:
            raise Unreadable("pickled Python objects, which are never loaded")
        if header.bytes != behind:
            raise Unreadable(f"a header of shape {header.shape} and {header.dtype}, and {behind} bytes behind it")
        if header.bytes > NO_BOMB:
            self._must_fit(header.bytes, min(member.compress_size, self._on_disk))
        return header

    def __getitem__(self, key: str) -> np.ndarray:
        """The array; raises as `header`."""
        self.header(key)
        with _explained("no whole array"), self._file.open(self._members[key]) as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
            file.read(1)  # at the end the checksum is looked at
        return array

    def _must_fit(self, size: int, packed: int) -> None:
        free = psutil.virtual_memory().available
        if size > DENSEST * packed:
            raise Unreadable(f"an array of {size / 2**30:.1f} GiB packed into {packed} bytes")
        if size > free:
            raise Unreadable(f"an array of {size / 2**30:.1f} GiB, with {free / 2**30:.1f} GiB of memory free")


def _header(file: IO[bytes]) -> Header:
    form, reader = {
        (1, 0): ("<H", np.lib.format.read_array_header_1_0),
        (2, 0): ("<I", np.lib.format.read_array_header_2_0),
    }[np.lib.format.read_magic(file)]
    claimed = file.read(struct.calcsize(form))
    (length,) = struct.unpack(form, claimed)
    if length > LONGEST_HEADER:
        raise Unreadable(f"a header of {length:,} bytes")
    shape, _, dtype = reader(io.BytesIO(claimed + file.read(length)))
    return Header(dtype, shape)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (PermissionError, Unreadable):
        raise
    except Exception as error:  # whatever a crafted file makes of zipfile, its decompressors and NumPy's parser
        raise Unreadable(f"{what} ({' '.join(str(error).split())[:200] or type(error).__name__})") from error
