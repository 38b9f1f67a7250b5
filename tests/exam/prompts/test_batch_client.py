"""Asking a server on localhost that is quick, slow, busy, broken or hostile; and the file of replies."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from chat_server import KEY, Chat, chatting, completion, failure, lines

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.prompts import ChatServer, Outcome, ReplyFile, Request, RequestPolicy, ask_all

QUICK = RequestPolicy(concurrency=4, attempts=3)


def requests(n: int) -> list[Request]:
    return [Request(f"q{row}", [{"role": "user", "content": f"题{row}"}], {}) for row in range(n)]


def server(chat: Chat, **settings: Any) -> ChatServer:
    return ChatServer(chat.url, {"model": "toy", "temperature": 0}, key=KEY, **{"timeout": 5.0, **settings})


def ask(chat: Chat, path: Path, n: int = 6, policy: RequestPolicy = QUICK, **settings: Any) -> Outcome:
    with ReplyFile(path) as replies:
        return ask_all(server(chat, **settings), requests(n), replies, policy)


def well(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
    return completion(f"答案：A（{body['messages'][-1]['content']}）")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replies.jsonl"


def test_every_question_is_asked_once_and_its_reply_kept(path: Path) -> None:
    with chatting(well) as chat:
        outcome = ask(chat, path)
    assert (outcome.answered, outcome.already_answered, outcome.failed) == (6, 0, {})
    assert {line["id"]: line["response"] for line in lines(path)} == {
        f"q{row}": f"答案：A（题{row}）" for row in range(6)
    }
    assert all(line["model"] == "toy" for line in lines(path))
    assert set(chat.times_asked().values()) == {1}
    assert {body["path"] for body in chat.bodies} == {"/v1/chat/completions"}
    assert all(body["temperature"] == 0 for body in chat.bodies)


def test_the_key_goes_to_the_server_and_nowhere_else(path: Path) -> None:
    with chatting(well) as chat:
        ask(chat, path)
    assert {headers["authorization"] for headers in chat.headers} == {f"Bearer {KEY}"}
    assert KEY not in path.read_text(encoding="utf-8")
    assert KEY not in repr(server(chat))


def test_a_second_run_asks_only_what_has_no_answer(path: Path) -> None:
    def half(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        return (
            well(chat, body, times) if body["messages"][-1]["content"] < "题3" else failure(400, "filtered")
        )

    with chatting(half) as chat:
        outcome = ask(chat, path)
        assert outcome.answered == 3
        assert set(outcome.failed) == {"q3", "q4", "q5"}
        assert "400: filtered" in outcome.failed["q3"]
        chat.answer = well
        chat.bodies.clear()
        outcome = ask(chat, path)
        assert (outcome.already_answered, outcome.answered) == (3, 3)
        assert sorted(chat.times_asked()) == ["题3", "题4", "题5"]
        chat.bodies.clear()
        assert ask(chat, path).already_answered == 6
        assert not chat.bodies
    assert sorted(line["id"] for line in lines(path)) == [f"q{row}" for row in range(6)]


@pytest.mark.parametrize("trouble", [failure(429, "slow down", Retry_After="0.05"), failure(503)], ids=str)
def test_trouble_that_passes_is_waited_out(trouble: tuple[int, dict[str, str], bytes], path: Path) -> None:
    def at_first(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        return trouble if times < 2 else well(chat, body, times)

    with chatting(at_first) as chat:
        outcome = ask(chat, path, n=2)
    assert outcome.answered == 2
    assert set(chat.times_asked().values()) == {2}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (failure(503, "overloaded"), "answered 503: overloaded"),
        ((200, {}, b"<html>busy</html>"), "no chat completion"),
        ((200, {}, b"{}"), "no chat completion"),
        ((200, {}, b'{"choices": []}'), "no chat completion"),
        ((200, {}, b'{"choices": [{"message": {"content": null}}]}'), "no text"),
        (
            (200, {}, b'{"choices": [{"message": {"content": " "}, "finish_reason": "stop"}]}'),
            "finish_reason stop",
        ),
    ],
    ids=str,
)
def test_trouble_that_stays_is_given_up_with_its_reason(answer: Any, reason: str, path: Path) -> None:
    with chatting(lambda *_: answer) as chat:
        outcome = ask(chat, path, n=2, policy=RequestPolicy(attempts=1))
    assert set(outcome.failed) == {"q0", "q1"}
    assert all(reason in each for each in outcome.failed.values()), outcome.failed
    assert lines(path) == []


def test_a_server_that_does_not_answer_is_not_waited_for_forever(path: Path) -> None:
    def slow(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.5)
        return well(chat, body, times)

    with chatting(slow) as chat:
        outcome = ask(chat, path, n=1, policy=RequestPolicy(attempts=1), timeout=0.1)
    assert outcome.failed == {"q0": "no answer for 0.1 s"}


def test_retry_after_holds_up_everybody(path: Path) -> None:
    moments: list[float] = []

    def once_busy(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        moments.append(time.monotonic())
        return failure(429, Retry_After="0.3") if len(moments) == 1 else well(chat, body, times)

    with chatting(once_busy) as chat:
        assert ask(chat, path, n=3, policy=RequestPolicy(concurrency=1, attempts=3)).answered == 3
    assert moments[1] - moments[0] >= 0.29


def test_no_more_requests_at_once_than_allowed(path: Path) -> None:
    def slow(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.03)
        return well(chat, body, times)

    with chatting(slow) as chat:
        ask(chat, path, n=12, policy=RequestPolicy(concurrency=3))
        assert chat.most_under_way == 3


def test_requests_begin_no_faster_than_the_rate(path: Path) -> None:
    started = time.monotonic()
    with chatting(well) as chat:
        ask(chat, path, n=6, policy=RequestPolicy(concurrency=6, per_minute=1200))
    assert time.monotonic() - started >= 5 * 60 / 1200


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            failure(401, f"Incorrect API key provided: {KEY}."),
            "401: Incorrect API key provided: ….",
        ),
        (failure(404, "no such model"), "404: no such model"),
        (failure(400, "bad\nprompt"), "400: bad prompt; none of 5 questions was answered"),
    ],
)
def test_a_hopeless_server_ends_the_run_at_once(answer, reason: str, path: Path) -> None:
    with chatting(lambda *_: answer) as chat, pytest.raises(InputError) as refusal:
        ask(chat, path, n=50, policy=RequestPolicy(concurrency=2, attempts=3))
    assert reason in str(refusal.value)
    assert KEY not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(chat.bodies) < 12


def test_no_server_is_said(path: Path) -> None:
    with chatting(well) as chat:
        pass
    outcome = ask(chat, path, n=1, policy=RequestPolicy(attempts=1))
    assert "Connection" in outcome.failed["q0"]


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://", "file:///etc/passwd", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="`base_url`"):
        ChatServer(url)


def test_a_key_that_would_break_the_header_is_refused_unseen() -> None:
    with pytest.raises(InputError) as refusal:
        ChatServer("http://localhost/v1", key="sk-1\r\nX: y")
    assert "sk-1" not in str(refusal.value)


def test_reasoning_and_parts_of_a_reply_are_kept(path: Path) -> None:
    message = {"content": [{"type": "text", "text": "答案："}, {"text": "B"}], "reasoning_content": "因为"}
    value = json.dumps({"choices": [{"message": message, "finish_reason": "length"}]}).encode()
    with chatting(lambda *_: (200, {}, value)) as chat:
        outcome = ask(chat, path, n=1)
    assert outcome.cut_off == 1
    assert lines(path)[0]["response"] == "答案：B"
    assert lines(path)[0]["reasoning"] == "因为"


def test_half_a_surrogate_pair_in_a_reply_does_not_stop_the_run(path: Path) -> None:
    with chatting(lambda *_: (200, {}, b'{"choices": [{"message": {"content": "A\\ud83d"}}]}')) as chat:
        ask(chat, path, n=1)
    assert lines(path)[0]["response"].startswith("A")


# The file of replies


def test_a_torn_last_line_is_taken_off_and_asked_again(path: Path) -> None:
    with chatting(well) as chat:
        ask(chat, path, n=3)
        whole = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(whole[:2]) + whole[2][:25])
        torn = json.loads(whole[2])["id"]
        chat.bodies.clear()
        with ReplyFile(path) as replies:
            assert replies.dropped == 25
            ask_all(server(chat), requests(3), replies, QUICK)
        assert list(chat.times_asked()) == [f"题{torn[1]}"]
    assert sorted(line["id"] for line in lines(path)) == ["q0", "q1", "q2"]


def test_a_last_line_without_its_line_end_is_an_answer(path: Path) -> None:
    with chatting(well) as chat:
        ask(chat, path, n=2)
        path.write_bytes(path.read_bytes().rstrip(b"\n"))
        chat.bodies.clear()
        assert ask(chat, path, n=3).already_answered == 2
    assert sorted(line["id"] for line in lines(path)) == ["q0", "q1", "q2"]


@pytest.mark.parametrize(
    "content", [b"not a reply\n", b'{"id": "q0"}\n', b"[1]\n", b"\xff\xfe\n", b"{}\n{}\n"]
)
def test_a_file_with_something_else_is_left_alone(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(InputError, match="line 1: no reply"), ReplyFile(path):
        pass
    assert path.read_bytes() == content


def test_replies_to_other_prompts_or_settings_are_not_taken_for_these(path: Path) -> None:
    with chatting(well) as chat:
        ask(chat, path, n=2)
        other = ChatServer(chat.url, {"model": "another"})
        with ReplyFile(path) as replies, pytest.raises(InputError, match=r"another prompt, model or setting"):
            ask_all(other, requests(2), replies, QUICK)
        assert len(chat.bodies) == 2


def test_two_runs_never_write_to_one_file(path: Path) -> None:
    with ReplyFile(path), pytest.raises(InputError, match="in use by another command"), ReplyFile(path):
        pass
    with ReplyFile(path):
        pass


def test_every_reply_is_synced_before_the_next_is_asked_for(path: Path, monkeypatch) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: (synced.append(path.stat().st_size), real(descriptor))[1]
    )
    with chatting(well) as chat:
        ask(chat, path, n=4, policy=RequestPolicy(concurrency=1))
    content = path.read_bytes()
    assert len(synced) == 4
    assert all(content[size - 1 : size] == b"\n" for size in synced)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"), ReplyFile(tmp_path / "no" / "replies.jsonl"):
        pass


def test_a_full_disk_ends_the_run_and_keeps_what_was_there(path: Path, monkeypatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with chatting(well) as chat:
        ask(chat, path, n=1)
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            ask(chat, path, n=5)
        monkeypatch.undo()
    assert [line["id"] for line in lines(path)] == ["q0"]
