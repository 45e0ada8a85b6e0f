"""A store that does not behave: a small server on loopback, and a process of training's worth of calls to it."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

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


@contextmanager
def relay(to: str, before: Callable[[int], None]) -> Iterator[str]:
    """The address of a server on loopback that hands requests on to the one at `to`.

    Args:
        before: is called with the number of the request, from 0, before it is handed on. It may sleep; where it raises a
            `ConnectionError` the request gets no answer.
    """
    numbers = itertools.count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            before(next(numbers))
            answer = requests.request(
                self.command, to + self.path, data=body, headers=dict(self.headers), timeout=60, allow_redirects=False
            )
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()
