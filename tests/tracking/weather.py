"""A store that does not behave: a small server on loopback, and a process of training's worth of calls to it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

FORBIDDEN = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 37\r\nConnection: close\r\n\r\nInvalid Host header - DNS rebinding   "
)


def _answer(client: socket.socket, weather: str) -> None:
    try:
        if weather == "hangs":
            time.sleep(600)
        elif weather == "403":
            client.recv(65536)
            client.sendall(FORBIDDEN)
        elif weather == "drips":
            for byte in FORBIDDEN:
                client.sendall(bytes([byte]))
                time.sleep(0.5)
    except OSError:
        pass
    client.close()


@contextmanager
def server(weather: str) -> Iterator[str]:
    """Its address: it `hangs`, `drips`, answers `403`, or takes every request and is `gone`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=_answer, args=(client, weather), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://me:geheim@127.0.0.1:{listening.getsockname()[1]}"
