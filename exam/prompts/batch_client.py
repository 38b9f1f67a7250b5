"""Prompts sent to a server with the OpenAI chat API: several at a time, at a bounded rate.

Each reply is one JSON line of a file, appended and synced, so that a kill costs no answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cmexam_baseline.exam.download import shown
from cmexam_baseline.exam.errors import InputError, excerpt_of
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.files import locked
from cmexam_baseline.exam.prompts.prompts import Request

if TYPE_CHECKING:
    from openai import OpenAI

# Statuses that mean: this server will answer no request of ours.
HOPELESS_STATUS = frozenset([401, 402, 403, 404, 405])
# Requests refused while none was answered: the reason is not in single questions.
HOPELESS_REJECTIONS = 5

ReportCount = Callable[[int, int], None]


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

    def body(self, request: Request) -> dict[str, Any]:
        """What is sent for a request: its own settings, the server's over them, and the messages."""
        return {**request.settings, **self.settings, "messages": request.messages}

    def quoted(self, text: str) -> str:
        """The server's words as part of a message: on one line, not long, without the key."""
        return excerpt_of(text.replace(self.key, "…") if self.key else text, 300)

    def client(self, attempts: int) -> OpenAI:
        """The client, which retries 408, 409, 429, 5xx, timeouts and lost connections, as Retry-After says."""
        require("prompts", "openai", purpose="sending prompts")
        import openai

        return openai.OpenAI(
            base_url=self.base_url.rstrip("/").removesuffix("/chat/completions"),
            api_key=self.key or "none",
            timeout=self.timeout,
            max_retries=attempts - 1,
        )


def request_key(body: Mapping[str, Any]) -> str:
    """What a reply answers: a short hash of the body that was sent, conversation and settings."""
    return hashlib.sha256(json.dumps(dict(body), sort_keys=True).encode()).hexdigest()[:16]


class ReplyFile:
    """Replies by id, and the file that they are appended to while the `with` block lasts.

    A file that is there is read first: `answered` maps ids that have an answer to the key of their request.
    A torn last line, left by a kill, is taken off. Only one process at a time may hold the file.

    Raises `InputError` where the file holds something else, or another process is at it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "replies.jsonl"
    >>> with ReplyFile(path) as replies:
    ...     replies.append({"id": "q1", "key": "k", "response": "答案：A"})
    >>> with ReplyFile(path) as replies:
    ...     replies.answered
    {'q1': 'k'}
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.answered: dict[str, str] = {}
        self.dropped = 0
        self._open = ExitStack()

    def __enter__(self) -> ReplyFile:
        with ExitStack() as stack:
            try:
                self._stream = stack.enter_context(self.path.open("ab", buffering=0))
            except OSError as error:
                raise InputError(
                    f"{self.path} cannot be opened: {error.strerror}; choose another `path`"
                ) from error
            stack.enter_context(locked(self.path, "wait for it, or choose another `path`"))
            self._read_what_is_there()
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def append(self, reply: Mapping[str, Any]) -> None:
        """Add one reply; when this returns, it is on the disk."""
        line = json.dumps(reply, ensure_ascii=False) + "\n"
        self._write(line.encode("utf-8", "backslashreplace"))
        os.fsync(self._stream.fileno())
        self.answered[reply["id"]] = reply["key"]

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._stream.fileno(), data) :]

    def _read_what_is_there(self) -> None:
        whole, newline, rest = self.path.read_bytes().rpartition(b"\n")
        if rest:
            if _reply_of(rest) is None:  # torn
                self._stream.truncate(len(whole) + len(newline))
                self.dropped = len(rest)
            else:  # whole but for its line end
                self._write(b"\n")
                whole += newline + rest
        for number, line in enumerate(whole.split(b"\n"), 1):
            reply = _reply_of(line)
            if reply is not None:
                self.answered[reply["id"]] = str(reply.get("key", ""))
            elif line.strip():
                raise InputError(
                    f"{self.path}, line {number}: no reply of `prompts run`; choose another `path`"
                )


def _reply_of(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_reply = isinstance(value, dict) and isinstance(value.get("id"), str) and "response" in value
    return value if is_reply else None


@dataclass(frozen=True)
class RequestPolicy:
    """How to treat a server.

    concurrency: requests under way at once
    per_minute:  questions begun a minute at most; None = no limit
    attempts:    attempts at one question
    """

    concurrency: int = 8
    per_minute: float | None = None
    attempts: int = 6


@dataclass
class Outcome:
    """What came of a run: counts, and the reason for each question that stays without an answer."""

    already_answered: int = 0
    answered: int = 0
    cut_off: int = 0
    failed: dict[str, str] = field(default_factory=dict)


class _NoReply(Exception):
    """Why a question has no answer; `hopeless` where no question will have one."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.rejected = status is not None and 400 <= status < 500 and status not in (408, 409, 429)
        self.hopeless = status is not None and (status in HOPELESS_STATUS or status < 400)


def ask_all(
    server: ChatServer,
    requests: Sequence[Request],
    replies: ReplyFile,
    policy: RequestPolicy | None = None,
    progress: ReportCount | None = None,
) -> Outcome:
    """Ask the server for a reply to every request that `replies` has none to, and append each as it comes.

    A question that has an answer is never asked again, neither within a run nor by a later one. Replies that
    are in the file must be to the same conversations and settings.

    A question that cannot be answered is in the outcome with its reason, and asked again by the next run.
    `progress(done, total)` counts questions. Raises `InputError` where the package openai is missing, where the file
    holds replies to other requests, or where the server refuses them all; what has come until then is in the file.

    >>> requests = [Request("val-1", [{"role": "user", "content": "题目：…"}], {})]
    >>> with ReplyFile("replies.jsonl") as replies:  # doctest: +SKIP
    ...     ask_all(ChatServer("http://localhost:8000/v1", {"model": "my-model"}), requests, replies).answered
    1
    """
    policy = policy or RequestPolicy()
    keys = {request.id: request_key(server.body(request)) for request in requests}
    other = [name for name, key in replies.answered.items() if keys.get(name, key) != key]
    if other:
        raise InputError(
            f"{replies.path} holds a reply to another prompt, model or setting for {other[0]!r} "
            f"({len(other)} such); choose another `path`"
        )
    waiting = [request for request in requests if request.id not in replies.answered]
    outcome = Outcome(already_answered=len(requests) - len(waiting))
    if not waiting:
        return outcome
    pace = _Pace(policy.per_minute)
    with server.client(policy.attempts) as client, ThreadPoolExecutor(policy.concurrency) as pool:
        futures = {pool.submit(_ask, client, server, request, pace): request for request in waiting}
        pending = set(futures)
        try:
            for future in as_completed(futures):
                pending.discard(future)
                _record(future, futures[future], server, keys, replies, outcome)
                if progress is not None:
                    progress(outcome.answered + len(outcome.failed), len(waiting))
        except BaseException as error:
            # A server that refuses all answers the rest at once; after Ctrl-C nobody waits for it.
            pool.shutdown(wait=isinstance(error, InputError), cancel_futures=True)
            client.close()
            for future in pending:
                if future.done() and not future.cancelled() and future.exception() is None:
                    _record(future, futures[future], server, keys, replies, outcome)
            raise
    return outcome


class _Pace:
    """When the next question may begin; shared by all threads."""

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._interval
        time.sleep(max(0.0, turn - time.monotonic()))


def _ask(client: OpenAI, server: ChatServer, request: Request, pace: _Pace) -> dict[str, Any]:
    """The reply to one request: response, finish_reason, model, usage, seconds and, where given, reasoning."""
    import openai

    pace.wait()
    started = time.monotonic()
    try:
        body = server.body(request)
        answer = client.chat.completions.with_raw_response.create(
            messages=body.pop("messages"),
            model=body.pop("model", ""),
            extra_body=body,
            extra_headers=None if server.key else {"Authorization": openai.Omit()},
        )
        value = json.loads(answer.content)
    except openai.APIStatusError as error:
        message = error.body.get("message") if isinstance(error.body, dict) else error.body
        status = error.status_code
        raise _NoReply(server.quoted(f"answered {status}: {message or ''}").rstrip(": "), status) from error
    except openai.APITimeoutError as error:
        raise _NoReply(f"no answer for {server.timeout:g} s") from error
    except openai.OpenAIError as error:
        raise _NoReply(server.quoted(f"{error} {error.__cause__ or ''}")) from error
    except (ValueError, RecursionError) as error:
        raise _NoReply("answered with something that is no chat completion") from error
    return {**_reply_in(value), "seconds": round(time.monotonic() - started, 3)}


def _reply_in(value: Any) -> dict[str, Any]:
    try:
        choice = value["choices"][0]
        message = choice["message"]
        content = message.get("content")
    except (LookupError, TypeError, AttributeError) as error:
        raise _NoReply("answered with something that is no chat completion") from error
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str) or not content.strip():
        raise _NoReply(f"answered with no text (finish_reason {choice.get('finish_reason')})")
    reply = {
        "response": content,
        "finish_reason": choice.get("finish_reason"),
        "model": value.get("model"),
        "usage": value.get("usage"),
        "reasoning": message.get("reasoning_content") or message.get("reasoning"),
    }
    return {name: part for name, part in reply.items() if part is not None}


def _record(
    future: Future[dict[str, Any]],
    request: Request,
    server: ChatServer,
    keys: Mapping[str, str],
    replies: ReplyFile,
    outcome: Outcome,
) -> None:
    """Keep the reply to a request, or why there is none; `InputError` where the server answers no request at all."""
    try:
        reply = future.result()
    except _NoReply as failure:
        outcome.failed[request.id] = str(failure)
        if failure.hopeless:
            raise InputError(
                f"{shown(server.base_url)} {failure}; check `base_url`, `model` and the key's variable"
            ) from failure
        if failure.rejected and not outcome.answered and len(outcome.failed) >= HOPELESS_REJECTIONS:
            raise InputError(
                f"the server {failure}; none of {len(outcome.failed)} questions was answered"
            ) from failure
        return
    replies.append({"id": request.id, "key": keys[request.id], **reply})
    outcome.answered += 1
    outcome.cut_off += reply.get("finish_reason") == "length"
