"""A server on localhost that speaks the OpenAI chat form, well or badly, and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from local_server import running

KEY = "sk-very-secret-key"
Answer = Callable[["Chat", dict[str, Any], int], "tuple[int, dict[str, str], bytes]"]


@dataclass
class Chat:
    """How the server answers, and every body and header that it got.

    `answer(chat, body, times)` gives status, headers and content; `times` counts how often this conversation
    has been sent, this time included.
    """

    answer: Answer
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def times_asked(self) -> Counter[str]:
        """How often each conversation was sent, by its last message."""
        return Counter(body["messages"][-1]["content"] for body in self.bodies)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chat: Chat

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.chat.lock:
            self.chat.bodies.append({**body, "path": self.path})
            self.chat.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.chat.under_way += 1
            self.chat.most_under_way = max(self.chat.most_under_way, self.chat.under_way)
            times = self.chat.times_asked()[body["messages"][-1]["content"]]
        try:
            status, headers, content = self.chat.answer(self.chat, body, times)
        finally:
            with self.chat.lock:
                self.chat.under_way -= 1
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def handle(self) -> None:
        with suppress(ConnectionResetError):
            super().handle()

    def log_message(self, *arguments: object) -> None:
        pass


def completion(text: str, finish_reason: str = "stop") -> tuple[int, dict[str, str], bytes]:
    """A good answer."""
    value = {
        "id": "chatcmpl-1",
        "model": "toy",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3},
    }
    return 200, {"Content-Type": "application/json"}, json.dumps(value, ensure_ascii=False).encode()


def failure(status: int, message: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An error as OpenAI says it."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, shown, json.dumps({"error": {"message": message}}).encode()


@contextmanager
def chatting(answer: Answer) -> Iterator[Chat]:
    """A running server; `url` is its base address."""
    chat = Chat(answer)
    with running(type("ChatHandler", (_Handler,), {"chat": chat})) as address:
        chat.url = f"{address}/v1"
        yield chat


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
