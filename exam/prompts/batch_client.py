"""Many requests to one server: several at a time, at a bounded pace, again where it helps."""

from __future__ import annotations

import contextlib
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.http_download import RetryableError
from cmexam_baseline.exam.prompts.chat import ChatServer, Rejected
from cmexam_baseline.exam.prompts.files import Request
from cmexam_baseline.exam.prompts.reply_log import ReplyFile, request_key

LONGEST_BACKOFF = 60.0

# So many requests refused in a row, and none answered: it is not about single questions.
HOPELESS_REJECTIONS = 5

ReportCount = Callable[[int, int], None]


@dataclass(frozen=True)
class RequestPolicy:
    """How to treat a server.

    concurrency: requests under way at once
    per_minute:  requests begun a minute at most; None = as many as come
    attempts:    attempts at one question
    backoff:     seconds before the second attempt, doubled for each further one, up to a minute, and spread
                 by up to half so that not all come back at once; a Retry-After counts instead and holds up
                 all requests
    """

    concurrency: int = 8
    per_minute: float | None = None
    attempts: int = 6
    backoff: float = 1.0


@dataclass
class Outcome:
    """What came of a run: counts, and the reason for each question that stays without an answer."""

    already_answered: int = 0
    answered: int = 0
    cut_off: int = 0
    failed: dict[str, str] = field(default_factory=dict)


class Pace:
    """When the next request may begin; shared by all threads."""

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._next = self._held = time.monotonic()
        self._lock = threading.Lock()

    def wait(self, stop: threading.Event) -> None:
        """Sleep until it is this thread's turn, or `stop` is set."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._interval
        # The turn may be moved by `hold` while we wait.
        while (left := max(turn, self._held) - time.monotonic()) > 0 and not stop.wait(min(left, 0.5)):
            continue

    def hold(self, seconds: float) -> None:
        """Let nobody begin a request for so long."""
        self._held = max(self._held, time.monotonic() + seconds)


def ask_all(
    server: ChatServer,
    requests: Sequence[Request],
    replies: ReplyFile,
    manners: RequestPolicy | None = None,
    progress: ReportCount | None = None,
) -> Outcome:
    """Ask the server for a reply to every request that `replies` has none to, and append each as it comes.

    A question that has an answer is never asked again, neither within a run nor by a later one. Replies that
    stand in the file must be to the same conversations and settings.

    A question that cannot be answered is in the outcome with its reason, and asked again by the next run.
    `progress(done, total)` counts questions. Raises `InputError` where the file holds replies to other
    requests or the server refuses them all; what has come until then is in the file.

    >>> import tempfile
    >>> from pathlib import Path
    >>> requests = [Request("val-1", [{"role": "user", "content": "题目：…"}], {})]
    >>> nobody = ChatServer("http://127.0.0.1:1/v1", {"model": "my-model"})
    >>> with ReplyFile(Path(tempfile.mkdtemp()) / "replies.jsonl") as replies:
    ...     ask_all(nobody, requests, replies, RequestPolicy(attempts=1)).failed
    {'val-1': 'ConnectionRefusedError: ...'}
    """
    manners = manners or RequestPolicy()
    keys = {request.id: request_key(server.body(request)) for request in requests}
    _refuse_other_requests(replies, keys)
    waiting = [request for request in requests if request.id not in replies.answered]
    outcome = Outcome(already_answered=len(requests) - len(waiting))
    work = _Work(server, manners, waiting)
    threads = [
        threading.Thread(target=work.run, daemon=True) for _ in range(min(manners.concurrency, len(waiting)))
    ]
    for thread in threads:
        thread.start()
    try:
        for done in range(1, len(waiting) + 1):
            _take_down(work.results.get(), keys, replies, outcome)
            if progress is not None:
                progress(outcome.already_answered + done, len(requests))
    finally:
        # Ctrl-C, a full disk, a hopeless server: what has been answered by now is still taken down.
        work.stop.set()
        with contextlib.suppress(queue.Empty):
            while True:
                _take_down(work.results.get_nowait(), keys, replies, outcome, quietly=True)
    return outcome


@dataclass
class _Result:
    request: Request
    reply: dict[str, object] | None
    error: Exception | None
    attempts: int
    seconds: float


class _Work:
    """What the threads share: questions to ask, results to take down, the pace, and whether to stop."""

    def __init__(self, server: ChatServer, manners: RequestPolicy, waiting: Sequence[Request]) -> None:
        self.server = server
        self.manners = manners
        self.pace = Pace(manners.per_minute)
        self.stop = threading.Event()
        self.results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._questions: queue.SimpleQueue[Request] = queue.SimpleQueue()
        for request in waiting:
            self._questions.put(request)

    def run(self) -> None:
        """Ask until there is nothing left."""
        while not self.stop.is_set():
            try:
                request = self._questions.get_nowait()
            except queue.Empty:
                return
            try:
                result = self._asked(request)
            except Exception as error:  # a defect: for the main thread, which raises it
                result = _Result(request, None, error, 1, 0.0)
            self.results.put(result)

    def _asked(self, request: Request) -> _Result:
        started = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            self.pace.wait(self.stop)
            try:
                reply = self.server.ask(request)
            except RetryableError as failure:
                if attempt >= self.manners.attempts or self.stop.is_set():
                    return _Result(request, None, failure, attempt, time.monotonic() - started)
                self._pause(failure.wait, attempt)
            except (Rejected, InputError) as failure:
                return _Result(request, None, failure, attempt, time.monotonic() - started)
            else:
                return _Result(request, reply, None, attempt, time.monotonic() - started)

    def _pause(self, wait: float | None, attempt: int) -> None:
        if wait is not None:
            self.pace.hold(wait)
            return
        longest = min(self.manners.backoff * 2 ** (attempt - 1), LONGEST_BACKOFF)
        self.stop.wait(longest * random.uniform(0.5, 1.0))


def _take_down(
    result: _Result, keys: dict[str, str], replies: ReplyFile, outcome: Outcome, quietly: bool = False
) -> None:
    """Append what came of one question; `quietly` leaves errors to whoever raised the first."""
    name = result.request.id
    if result.reply is not None:
        effort = {"attempts": result.attempts, "seconds": round(result.seconds, 3)}
        replies.append({"id": name, "key": keys[name], **result.reply, **effort})
        outcome.answered += 1
        outcome.cut_off += result.reply.get("finish_reason") == "length"
        return
    outcome.failed[name] = str(result.error)
    if quietly or result.error is None:
        return
    if not isinstance(result.error, RetryableError | Rejected):
        raise result.error
    none_answered = not outcome.answered and len(outcome.failed) >= HOPELESS_REJECTIONS
    if none_answered and isinstance(result.error, Rejected):
        raise InputError(f"the server {result.error}; none of {len(outcome.failed)} questions was answered")


def _refuse_other_requests(replies: ReplyFile, keys: dict[str, str]) -> None:
    other = [name for name, key in replies.answered.items() if name in keys and keys[name] != key]
    if other:
        raise InputError(
            f"{replies.path} holds a reply to another prompt, model or setting for {other[0]!r} "
            f"({len(other)} such); choose another `path`"
        )
