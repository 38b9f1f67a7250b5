"""A small HTTP server on localhost that serves files well or in one of many bad ways."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from local_server import running


@dataclass
class Scene:
    """What the server has, how it behaves, and what it was asked.

    `behave(handler, content)` answers one request for a file's content.
    """

    contents: dict[str, bytes]
    behave: Callable[[Handler, bytes], None]
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def ranges(self, name: str) -> list[str | None]:
        """The Range headers that came for one file, in order."""
        return [wanted for path, wanted in self.requests if path.endswith("/" + name)]


class Handler(BaseHTTPRequestHandler):
    """Answers GET by the scene's behaviour; says nothing on the terminal."""

    protocol_version = "HTTP/1.1"
    scene: Scene

    def do_GET(self) -> None:
        self.scene.requests.append((self.path, self.headers.get("Range")))
        content = self.scene.contents.get(self.path.rpartition("/")[2])
        if content is None:
            self.send_error(404)
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            self.scene.behave(self, content)
        self.close_connection = True

    def answer(self, status: int, length: int | None, *headers: tuple[str, str]) -> None:
        """Send the head of an answer."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()

    def times_asked(self) -> int:
        """How often this path has been asked for, this time included."""
        return sum(path == self.path for path, _ in self.scene.requests)

    def log_message(self, *arguments: object) -> None:
        pass


def well(handler: Handler, content: bytes) -> None:
    """As a good server does, with ranges."""
    wanted = handler.headers.get("Range")
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
    if start >= len(content) and start:
        handler.answer(416, 0, ("Content-Range", f"bytes */{len(content)}"))
    elif start:
        where = f"bytes {start}-{len(content) - 1}/{len(content)}"
        handler.answer(206, len(content) - start, ("Content-Range", where))
        handler.wfile.write(content[start:])
    else:
        handler.answer(200, len(content))
        handler.wfile.write(content)


def ignores_range(handler: Handler, content: bytes) -> None:
    handler.answer(200, len(content))
    handler.wfile.write(content)


def cuts(handler: Handler, content: bytes) -> None:
    """Promises everything, sends a third, hangs up; every time from the start."""
    handler.answer(200, len(content))
    handler.wfile.write(content[: len(content) // 3])


def cuts_then_well(handler: Handler, content: bytes) -> None:
    (cuts if handler.times_asked() == 1 else well)(handler, content)


def cuts_then_ignores_range(handler: Handler, content: bytes) -> None:
    (cuts if handler.times_asked() == 1 else ignores_range)(handler, content)


def stalls(handler: Handler, content: bytes) -> None:
    """Sends a little and then nothing."""
    handler.answer(200, len(content))
    handler.wfile.write(content[:100])
    handler.wfile.flush()
    time.sleep(2)


def stalls_before_answering(handler: Handler, content: bytes) -> None:
    time.sleep(2)


def trickles(handler: Handler, content: bytes) -> None:
    """A byte every now and then: the socket never times out."""
    handler.answer(200, len(content))
    for position in range(40):
        handler.wfile.write(content[position : position + 1])
        handler.wfile.flush()
        time.sleep(0.05)


def changed(handler: Handler, content: bytes) -> None:
    """Another file of the same length."""
    handler.answer(200, len(content))
    handler.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))


def web_page(handler: Handler, content: bytes) -> None:
    page = b"<html>Please log in to the network</html>"
    handler.answer(200, len(page), ("Content-Type", "text/html"))
    handler.wfile.write(page)


def claims_less(handler: Handler, content: bytes) -> None:
    """Says that the file is shorter than it is."""
    handler.answer(200, len(content) // 2)
    handler.wfile.write(content)


def claims_more(handler: Handler, content: bytes) -> None:
    """Says that the file is longer than it is, sends all of it, hangs up."""
    handler.answer(200, len(content) + 1000)
    handler.wfile.write(content)


def without_length(handler: Handler, content: bytes) -> None:
    handler.answer(200, None)
    handler.wfile.write(content)


def endless(handler: Handler, content: bytes) -> None:
    handler.answer(200, None)
    while True:
        handler.wfile.write(b"x" * 65536)


def wrong_part(handler: Handler, content: bytes) -> None:
    """Cuts first; then answers a Range request with another part of the file."""
    if handler.headers.get("Range") is None:
        cuts(handler, content)
        return
    handler.answer(206, len(content) - 5, ("Content-Range", f"bytes 5-{len(content) - 1}/{len(content)}"))
    handler.wfile.write(content[5:])


def changes_while_resuming(handler: Handler, content: bytes) -> None:
    """Cuts a first version of the file; continues with the end of another; then serves it well."""
    if handler.times_asked() == 1:
        cuts(handler, content[::-1])
    else:
        well(handler, content)


def redirects(handler: Handler, content: bytes) -> None:
    if "/elsewhere/" in handler.path:
        well(handler, content)
    else:
        handler.answer(302, 0, ("Location", "/elsewhere/" + handler.path.rpartition("/")[2]))


def redirects_in_a_circle(handler: Handler, content: bytes) -> None:
    handler.answer(302, 0, ("Location", handler.path))


def redirects_to_a_local_file(handler: Handler, content: bytes) -> None:
    handler.answer(302, 0, ("Location", "file:///etc/passwd"))


def busy_then_well(handler: Handler, content: bytes) -> None:
    if handler.times_asked() < 3:
        handler.answer(503, 0, ("Retry-After", "0"))
    else:
        well(handler, content)


def always_busy(handler: Handler, content: bytes) -> None:
    handler.answer(429, 0, ("Retry-After", "0"))


def forbids(handler: Handler, content: bytes) -> None:
    handler.answer(403, 0)


def speaks_no_http(handler: Handler, content: bytes) -> None:
    handler.wfile.write(b"220 mail.example.org ESMTP\r\n")


@contextmanager
def serving(contents: dict[str, bytes], behave: Callable[[Handler, bytes], None]) -> Iterator[Scene]:
    """A running server and its scene; it is gone when the block ends."""
    scene = Scene(contents, behave)
    with running(type("SceneHandler", (Handler,), {"scene": scene})) as address:
        scene.url = f"{address}/data"
        yield scene
