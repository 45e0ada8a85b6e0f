"""A file from an http(s) address, of which nothing is believed: it may be silent, drip, never end, or send something else."""

from __future__ import annotations

import errno
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

import requests
import urllib3
from tqdm import tqdm

from benchmark.core.files import md5_of

CONNECT_S = 10.0
RETRIED = {408, 425, 429}  # answers that ask for another try; any other 4xx is final
LONGEST_PAUSE_S = 10.0  # between two attempts
PIECE = 2**18  # bytes that are asked for at once
SLOWEST = 20_000  # bytes a second; a download that stays below for as long as an answer may take has failed, so none lasts for days

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
"""Of a disk here, whatever the source."""

Answer = TypeVar("Answer")


class Final(OSError):
    """Another attempt would end the same way."""


def is_address(source: str) -> bool:
    """Whether a source is asked over HTTP; any other is a path."""
    return source.lower().startswith(("http://", "https://"))


def download(
    address: str, to: Path, most: int, md5: str, retries: int, timeout_s: float, progress: bool = False
) -> str:
    """Put what the address has at `to`.

    Args:
        most: bytes that the file may have.
        md5: that it should have; anything else is asked for again, since it may have been damaged on its way.
        retries: further attempts after one that failed, with growing pauses.
        timeout_s: seconds without an answer, or of fewer than `SLOWEST` bytes each, after which an attempt has failed.
        progress: whether a bar is drawn on stderr.

    Returns:
        The MD5 of what came.

    Raises:
        OSError: nothing came, or more than `most`; see `reason_of`.
    """
    for attempt in range(retries + 1):
        last = attempt == retries
        try:
            _attempt(address, to, most, timeout_s, progress)
            if (found := md5_of(to)) == md5 or last:
                return found
        except OSError as error:
            if last or _is_final(error):
                raise
        time.sleep(min(attempt + 1, LONGEST_PAUSE_S))
    raise AssertionError


def _is_final(error: OSError) -> bool:
    if isinstance(error, requests.HTTPError):
        return 400 <= error.response.status_code < 500 and error.response.status_code not in RETRIED
    return isinstance(error, (Final, ValueError)) or error.errno in NO_ROOM


def _attempt(address: str, to: Path, most: int, timeout_s: float, progress: bool) -> None:
    """Each byte of the answer's head may come just in time, and no limit of a socket adds these up: hence the thread."""
    limits = (min(timeout_s, CONNECT_S), timeout_s)
    answer = within(sum(limits), lambda: requests.get(address, timeout=limits, stream=True))
    with answer, to.open("wb") as file, tqdm(unit="B", unit_scale=True, disable=not progress) as bar:
        answer.raise_for_status()
        stated = answer.headers.get("Content-Length", "")
        bar.total = int(stated) if stated.isdecimal() and len(stated) < 20 else None
        if (bar.total or 0) > most:
            raise Final(f"would send {stated} bytes, and the file has {most} at most")
        received = 0
        for piece in _pieces(answer, timeout_s):
            file.write(piece)
            bar.update(len(piece))
            received += len(piece)
            if received > most:
                raise Final(f"sends more than the {most} bytes that the file has at most")


def _pieces(answer: requests.Response, timeout_s: float) -> Iterator[bytes]:
    """What has come, as soon as it is there."""
    since, received = time.monotonic(), 0
    try:
        while piece := answer.raw.read1(PIECE, decode_content=True):
            yield piece
            received += len(piece)
            if (seconds := time.monotonic() - since) > timeout_s:
                if received < SLOWEST * seconds:
                    raise TimeoutError(f"sends less than {SLOWEST} bytes a second")
                since, received = time.monotonic(), 0
    except urllib3.exceptions.ReadTimeoutError as error:
        raise TimeoutError("no answer in time") from error
    except urllib3.exceptions.HTTPError as error:
        raise OSError("the download broke off") from error


def status(address: str, seconds: float) -> int:
    """The HTTP status of a file, which is not downloaded."""
    answer = requests.head(address, timeout=seconds, allow_redirects=True)
    if answer.status_code >= 400:  # some stores refuse HEAD for what they give with GET
        answer = requests.get(address, timeout=seconds, stream=True)
        answer.close()
    return answer.status_code


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """What the call gives, or what it raises, as an `OSError`; `TimeoutError` where it takes longer: it is left to itself.

    In a thread, because looking up a name, or trying each address of a host in turn, keeps to no time limit.
    """
    ends: queue.SimpleQueue[Callable[[], Answer]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer = call()
        except Exception as error:  # urllib3 has a kind of its own for what is no proper address
            raised = error if isinstance(error, OSError) else Final("no proper address")
            ends.put(lambda: _raise(raised))
        else:
            ends.put(lambda: answer)

    threading.Thread(target=work, daemon=True).start()
    try:
        end = ends.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    return end()


def _raise(error: OSError) -> NoReturn:
    raise error


def reason_of(error: OSError) -> str:
    """Why a source gave nothing, in a few words without its address, which may have a password in it."""
    if isinstance(error, requests.HTTPError):
        return f"answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, ValueError):
        return "no proper address"
    if isinstance(error, requests.RequestException):
        return f"no proper answer, {type(error).__name__}"
    return "no such file" if isinstance(error, FileNotFoundError) and error.errno else str(error)
