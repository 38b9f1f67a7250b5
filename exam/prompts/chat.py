"""One request to a server that speaks the OpenAI chat form, and what its answer means.

Built on urllib: proxies come from the environment, and no HTTP library has to be installed.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlsplit

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.http_download import RETRIED_STATUS, RetryableError, one_line, shown, wait_of
from cmexam_baseline.exam.prompts.files import Request

# Statuses that mean: this server will answer no request of ours.
HOPELESS_STATUS = frozenset([401, 402, 403, 404, 405])
LARGEST_ANSWER = 1 << 24


class Rejected(Exception):
    """The server will not answer this request, whatever comes; others it may."""


@dataclass(frozen=True)
class ChatServer:
    """A server at `base_url` ("http://localhost:8000/v1") and how to talk to it.

    settings: what every request holds besides its messages: model, temperature, max_tokens …
    key:      the API key, sent as a bearer token; it appears in no message and no file
    timeout:  seconds to wait for an answer

    Raises `InputError` where `base_url` is no http(s) address.
    """

    base_url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    key: str = field(default="", repr=False)
    timeout: float = 120.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"`base_url` {shown(self.base_url)!r} is no address; give http(s)://host[:port]/v1"
            )
        if not (self.key.isascii() and self.key.isprintable() and " " not in self.key):
            raise InputError("the API key holds blanks, line ends or letters beyond ASCII; set it anew")

    @property
    def url(self) -> str:
        """Where requests go."""
        base = self.base_url.rstrip("/")
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"

    def body(self, request: Request) -> dict[str, Any]:
        """What is sent for a request: its own settings, the server's over them, and the messages."""
        return {**request.settings, **self.settings, "messages": request.messages}

    def ask(self, request: Request) -> dict[str, Any]:
        """The reply to one request: response, finish_reason, model, usage and, where given, reasoning.

        Raises `RetryableError` (429, 5xx, timeouts, lost connections, answers that are no JSON or hold no text),
        `Rejected` (other 4xx) and `InputError` where no request can succeed (401, 403, 404, redirects).
        """
        body = json.dumps(self.body(request)).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            post = urllib.request.Request(self.url, body, headers, method="POST")
            with urllib.request.build_opener(_NoRedirects).open(post, timeout=self.timeout) as answer:
                content = _read(answer, time.monotonic() + self.timeout)
        except urllib.error.HTTPError as error:
            self._raise_for_status(error)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, TimeoutError):
                raise RetryableError(f"no answer for {self.timeout:g} s") from error
            raise RetryableError(self._safe(f"{type(cause).__name__}: {cause}").rstrip(": ")) from error
        return _reply_in(content)

    def _raise_for_status(self, error: urllib.error.HTTPError) -> NoReturn:
        try:
            said = _message_in(error.read(1 << 16))
        except (OSError, http.client.HTTPException):
            said = ""
        finally:
            error.close()
        what = self._safe(f"{error.code} {error.reason}" + (f": {said}" if said else ""))
        if error.code in RETRIED_STATUS:
            raise RetryableError(f"answered {what}", wait_of(error.headers.get("Retry-After"))) from error
        if error.code in HOPELESS_STATUS or error.code < 400:
            raise InputError(
                f"{shown(self.url)} answered {what}; check `base_url`, `model` and the key's variable"
            ) from error
        raise Rejected(f"answered {what}") from error

    def _safe(self, text: str) -> str:
        """A server's words on one line, without the key that some servers repeat."""
        return one_line(text.replace(self.key, "…") if self.key else text)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another address; it is reported instead."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """The whole answer; a server that sends a byte now and then does not keep us beyond the deadline."""
    content = bytearray()
    while chunk := answer.read1(1 << 16):
        content += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(content) > LARGEST_ANSWER:
            raise RetryableError(f"answered with more than {LARGEST_ANSWER >> 20} MiB")
    return bytes(content)


def _reply_in(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
        choice = value["choices"][0]
        message = choice["message"]
        text = _text_of(message.get("content"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RetryableError("answered with something that is no chat completion") from error
    if not text.strip():
        raise RetryableError(
            f"answered with no text (finish_reason {one_line(str(choice.get('finish_reason')))})"
        )
    reply = {
        "response": text,
        "finish_reason": choice.get("finish_reason"),
        "model": value.get("model"),
        "usage": value.get("usage"),
        "reasoning": message.get("reasoning_content") or message.get("reasoning"),
    }
    return {name: part for name, part in reply.items() if part is not None}


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _message_in(content: bytes) -> str:
    """What an error answer says: OpenAI's error.message, FastAPI's detail, or the text itself."""
    text = content.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.lstrip().startswith("<") else text
    if not isinstance(value, dict):
        return ""
    error = value.get("error", value)
    if isinstance(error, dict):
        error = error.get("message", error.get("detail", ""))
    return error if isinstance(error, str) else ""
