"""Prompt files: JSONL in the form that a service, a library or a script of one's own takes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import refuse_repeated
from cmexam_baseline.exam.io.file_bytes import Source
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.io.text_formats import read_records
from cmexam_baseline.exam.prompts.templates import Message, Prompt


@dataclass(frozen=True)
class Request:
    """One line of a prompt file: the question's id, the conversation, and further settings."""

    id: str
    messages: list[Message]
    settings: dict[str, Any]


FORMS: dict[str, Callable[[Prompt, Mapping[str, Any]], dict[str, Any]]] = {
    "messages": lambda prompt, settings: {
        "id": prompt.id,
        "messages": list(prompt.messages),
        "examples": list(prompt.examples),
    },
    "openai-batch": lambda prompt, settings: {
        "custom_id": prompt.id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {**settings, "messages": list(prompt.messages)},
    },
    "text": lambda prompt, settings: {
        "id": prompt.id,
        "prompt": prompt.text,
        "examples": list(prompt.examples),
    },
}


def write_prompts(
    prompts: Sequence[Prompt],
    path: str | os.PathLike[str],
    form: str = "messages",
    settings: Mapping[str, Any] | None = None,
    shards: int = 1,
) -> list[Path]:
    """Write prompts to a JSONL file, or to `shards` files that share them out in order; gives the files.

    form:     "messages" (chat messages), "openai-batch" (lines of OpenAI's batch API, also vLLM's) or "text"
    settings: model, temperature and the like, which only "openai-batch" holds

    Raises `InputError` for another form, or a file that cannot be written.

    >>> import tempfile
    >>> prompt = Prompt("q1", ({"role": "user", "content": "题目"},))
    >>> file = Path(tempfile.mkdtemp()) / "prompts.jsonl"
    >>> _ = write_prompts([prompt], file, "text")
    >>> file.read_text("utf-8").strip()
    '{"id": "q1", "prompt": "题目", "examples": []}'
    """
    if form not in FORMS:
        raise InputError(f"`form` must be one of {', '.join(FORMS)}; got {form!r}")
    lines = [json.dumps(FORMS[form](prompt, settings or {}), ensure_ascii=False) + "\n" for prompt in prompts]
    files = shard_names(Path(path), shards)
    bounds = [len(lines) * place // shards for place in range(shards + 1)]
    for file, start, end in zip(files, bounds[:-1], bounds[1:], strict=True):
        write_atomically(file, "".join(lines[start:end]))
    return files


def shard_names(path: Path, shards: int) -> list[Path]:
    """The files of a sharded file: itself for one shard, else name-1-of-3.jsonl and so on.

    >>> [file.name for file in shard_names(Path("prompts.jsonl"), 2)]
    ['prompts-1-of-2.jsonl', 'prompts-2-of-2.jsonl']
    """
    if shards == 1:
        return [path]
    width = len(str(shards))
    return [
        path.with_name(f"{path.stem}-{number:0{width}}-of-{shards}{path.suffix}")
        for number in range(1, shards + 1)
    ]


def read_prompts(path: str | os.PathLike[str]) -> list[Request]:
    """The requests of a prompt file in any of `FORMS`.

    Raises `InputError` naming file and line where a line is no prompt or repeats an id.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "prompts.jsonl"
    >>> _ = file.write_text('{"id": "val-1", "prompt": "题目：缺乏可致夜盲症的是"}\\n', "utf-8")
    >>> read_prompts(file)
    [Request(id='val-1', messages=[{'role': 'user', 'content': '题目：缺乏可致夜盲症的是'}], settings={})]
    """
    name = os.fspath(path)
    records = dict(read_records(Source(name)))
    requests = [_request_of(record, f"{name}, line {number}") for number, record in records.items()]
    refuse_repeated([request.id for request in requests], list(records), name, unit="lines")
    if not requests:
        raise InputError(f"{name} holds no prompt; make some with `cmexam-baseline prompts make`")
    return requests


def _request_of(value: Mapping[str, Any], where: str) -> Request:
    inner = value.get("body")
    body = inner if isinstance(inner, dict) else value
    identity = value.get("custom_id", value.get("id"))
    messages = body.get("messages")
    if messages is None and isinstance(body.get("prompt"), str):
        messages = [{"role": "user", "content": body["prompt"]}]
    if not isinstance(identity, str) or not identity:
        raise InputError(f"{where}: no id; expected a text as custom_id or id")
    if not isinstance(messages, list) or not _are_messages(messages):
        raise InputError(f"{where}: no messages with role and content, and no prompt text; nothing to send")
    settings = {} if body is value else {name: body[name] for name in body if name != "messages"}
    return Request(identity, messages, settings)


def _are_messages(values: list[Any]) -> bool:
    return bool(values) and all(
        isinstance(message, dict)
        and isinstance(message.get("role"), str)
        and isinstance(message.get("content"), str)
        for message in values
    )
