"""Nested cells as flat columns: the fields of objects by dotted names, replies of servers and chats as their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.columns import column_key
from cmexam_baseline.exam.io.options_cell import parse_options, printed_value
from cmexam_baseline.exam.io.table import MAX_COLUMNS, cell_text
from cmexam_baseline.exam.letters import LETTERS

MAX_DEPTH = 12

# Scores of which the lowest wins.
_LOSS = re.compile(r"nll|ppl|perplexit|loss")

Scores = tuple[float, ...]
"""The scores of a question's options in order, as a cell."""

_ASKS = {"user", "human", "question"}
_REPLIES = {"assistant", "gpt", "model", "bot", "chatgpt", "ai"}
_OTHER_ROLES = {"system", "developer", "tool", "function", "observation"}
_TEXTS = ("message", "content", "text", "value", "parts", "prompt", "generated_text", "output_text")
_THOUGHT = {
    *("thinking", "redacted_thinking", "reasoning", "tool_use", "tool_call", "function_call"),
    *("image_url", "image"),
}
# Arguments of a tool call that are the answer.
_ANSWERS = {"answer", "answers", "finalanswer", "choice", "option", "letter", "letters", "答案", "选项"}
# Why a reply ended, and what says that it did at the limit of tokens.
_REASONS, _CUT = {"finishreason", "stopreason", "donereason"}, {"length", "max_tokens", "model_length"}
# Lists with one element for every reply: OpenAI and its like, Gemini, vLLM.
_ALTERNATIVES = {"choices", "candidates", "outputs", "generations", "completions", "responses", "sequences"}


def flatten_columns(
    columns: Mapping[str, Sequence[object]], file: str = "the table"
) -> dict[str, Sequence[object]]:
    """Columns whose cells are objects become a column for every field.

    A conversation becomes the columns `….user` and `….assistant` with the last turn of each; the alternatives of a
    server's reply become `….text`, a list where there are several; scores of options (log-likelihoods with or
    without their flags, numbers keyed by letter) become a tuple; options keyed by letter, and lists of plain values,
    remain one cell. Other lists of objects count their elements from 0. Raises `InputError` where the fields would
    be too many.

    >>> flatten_columns({"id": [1], "response": [{"choices": [{"message": {"content": "B"}}], "created": 7}]})
    {'id': [1], 'response.choices.text': ['B'], 'response.created': [7]}
    >>> turns = [{"role": "user", "content": "甲？"}, {"role": "assistant", "content": "选B"}]
    >>> flatten_columns({"messages": [turns]})
    {'messages.user': ['甲？'], 'messages.assistant': ['选B']}
    """
    flat: dict[str, Sequence[object]] = {}
    for name, cells in columns.items():
        if not any(issubclass(kind, Mapping | list | tuple) for kind in set(map(type, cells))):
            flat[name] = _printed_lists(cells) or cells
            continue
        fields: dict[str, list[object]] = {}
        for row, cell in enumerate(cells):
            for field, value in _fields(name, cell, 0):
                if field not in fields:
                    if field not in flat and len(flat) + len(fields) >= MAX_COLUMNS:
                        raise InputError(
                            f"{file}: column {name!r} holds more than {MAX_COLUMNS} nested fields"
                        )
                    fields[field] = list(flat.get(field, repeat(None, len(cells))))
                fields[field][row] = value
        flat |= {field: _even_scores(values) for field, values in fields.items()}
    return flat


def cut_replies(columns: Mapping[str, Sequence[object]]) -> list[str]:
    """A warning where replies ended at the limit of tokens.

    >>> cut_replies({"reply": ["选A", "首先，"], "choices.finish_reason": ["stop", "length"]})
    ['warning: 1 of 2 replies ended at the limit of tokens (choices.finish_reason), perhaps before the answer']
    """
    for name, cells in columns.items():
        if column_key(name.rpartition(".")[2]) in _REASONS:
            n_cut = sum(str(cell).lower() in _CUT for cell in cells)
            if n_cut:
                told = f"{n_cut:,} of {len(cells):,} replies ended at the limit of tokens ({name})"
                return [f"warning: {told}, perhaps before the answer"]
    return []


def _even_scores(values: list[object]) -> list[object]:
    """Cells of scores, also those that a single row did not tell: probabilities of a few options add up to less than 1."""
    if not any(isinstance(value, tuple) for value in values):
        return values
    return [
        tuple(map(float, value)) if isinstance(value, list) and all(map(_is_number, value)) else value
        for value in values
    ]


def _printed_lists(cells: Sequence[object]) -> list[object] | None:
    """Lists of replies that a CSV file holds as JSON or as Python prints them; None for other columns.

    Lists in which nothing repeats may be options, or one answer of several letters, and remain texts.
    """
    lists: list[object] = []
    repeats = False
    for cell in cells:
        text = cell.strip() if isinstance(cell, str) else ""
        found = printed_value(text) if text else []
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            return None
        repeats = repeats or len(set(found)) < len(found)
        lists.append(found or None)
    return lists if repeats else None


def _fields(name: str, cell: object, depth: int) -> list[tuple[str, object]]:
    if depth >= MAX_DEPTH:
        return [(name, cell)]
    if isinstance(cell, Mapping):
        return _fields_of_object(name, cell, depth)
    if not isinstance(cell, list | tuple):
        return [(name, cell)]
    items = list(cell)
    turns = _turns(items)
    if turns is not None:
        return [(f"{name}.{role}", text) for role, text in turns.items()]
    scores = _scores(items)
    if scores is not None:
        losses = _LOSS.search(name.rpartition(".")[2].lower()) and min(scores) >= 0
        return [(name, tuple(-score for score in scores) if losses else scores)]
    if any(isinstance(item, Mapping) for item in items):
        return _fields_of_objects(name, items, depth)
    return _fields(name, items[0], depth + 1) if len(items) == 1 else [(name, items)]


def _fields_of_object(name: str, cell: Mapping[object, object], depth: int) -> list[tuple[str, object]]:
    keys = [str(key).strip().upper() for key in cell]
    values = list(cell.values())
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(keys) > 1 and keys == list(LETTERS[: len(keys)]):
        # Options may be numbers, too; scores have a sign or add up to 1.
        if len(numbers) == len(values) and (min(numbers) < 0 or abs(sum(numbers) - 1) < 0.02):
            return [(name, tuple(map(float, numbers)))]
        if not any(isinstance(value, Mapping | list) for value in values):
            return [(name, [cell_text(value) for value in values])]
    if (
        set(keys) <= set(LETTERS)
        and keys == sorted(set(keys))
        and all(isinstance(value, str) for value in values)
    ):
        return _fields(name, values, depth)  # the texts of some options
    if _are_tokens(name) and numbers and len(numbers) == len(values):
        return [(name, _likeliest_letter(zip(map(str, cell), numbers, strict=True)))]
    texts, labels = cell.get("text"), cell.get("label")
    if len(cell) == 2 and isinstance(texts, list) and isinstance(labels, list):  # options as ARC has them
        return [(name, [cell_text(text) for text in texts])]
    return [pair for key, value in cell.items() for pair in _fields(f"{name}.{key}", value, depth + 1)]


def _fields_of_objects(name: str, items: list[object], depth: int) -> list[tuple[str, object]]:
    objects = [item for item in items if isinstance(item, Mapping)]
    models = [str(item.get("model") or item.get("model_name") or "") for item in objects]
    texts = [_text_of(item) for item in objects]
    told = all(text is not None for text in texts)
    if told and len(set(models)) == len(items) > 1 and "" not in models:  # replies of several models
        return [(f"{name}.{model}", text) for model, text in zip(models, texts, strict=True)]
    if told and (name.rpartition(".")[2].lower() in _ALTERNATIVES or "message" in objects[0]):
        reason = next((objects[0][key] for key in objects[0] if column_key(str(key)) in _REASONS), None)
        ended = [] if reason is None else [(f"{name}.finish_reason", reason)]
        return [(f"{name}.text", texts if len(texts) > 1 else texts[0]), *ended]
    if all(_is_number(item.get("logprob")) and "token" in item for item in objects):
        if not _are_tokens(name):
            return [(name, "".join(str(item["token"]) for item in objects))]
        return [(name, _likeliest_letter((str(item["token"]), float(item["logprob"])) for item in objects))]
    if _are_tokens(name) and isinstance(items[0], Mapping):  # one object a token; the first tells the answer
        return _fields(name, items[0], depth + 1)
    if all(("type" in item or "text" in item) and not _has_letter(item) for item in objects):
        text = _joined(items)
        if text is not None:
            return [(name, text)]
    options = parse_options(items) if all(map(_has_letter, objects)) else []
    if options:
        return [(name, options)]
    if len(items) == 1:
        return _fields(f"{name}.0", items[0], depth + 1)
    return [
        pair for place, value in enumerate(items) for pair in _fields(f"{name}.{place}", value, depth + 1)
    ]


def _are_tokens(name: str) -> bool:
    """Whether a field holds the alternatives to a generated token, with their log-probabilities."""
    return column_key(name.rpartition(".")[2]) in ("toplogprobs", "toplogprob")


def _likeliest_letter(tokens: Iterable[tuple[str, float]]) -> str:
    """The likeliest token where it is a letter of an option, else ""."""
    token = max(tokens, key=lambda pair: pair[1])[0].strip(" .:()（）：。\n\u2581\u0120").upper()
    return token if len(token) == 1 and token in LETTERS else ""


def _turns(items: list[object]) -> dict[str, str] | None:
    """The last question of a conversation, and the reply where it ends with one; None if it is none."""
    found: dict[str, str] = {}
    for item in items:
        if not isinstance(item, Mapping):
            return None
        role = str(item.get("role", item.get("from", ""))).lower()
        if role not in _ASKS | _REPLIES | _OTHER_ROLES:
            return None
        text = _text_of(item)
        if role in _ASKS:
            # A reply to an earlier question, as in few-shot prompts, is none to this one.
            found = {"user": text or ""}
        elif role in _REPLIES and text:
            found["assistant"] = text
    return found or None


def _text_of(item: object, depth: int = 0) -> str | None:
    """The text that a part, turn or alternative holds; None where it holds none, "" for thoughts and tools.

    The answer among the arguments of one tool call is added.
    """
    if isinstance(item, str):
        return item
    if isinstance(item, list) and depth <= MAX_DEPTH:
        return _joined(item, depth)
    if not isinstance(item, Mapping) or depth > MAX_DEPTH:
        return None
    if item.get("thought") is True or str(item.get("type")) in _THOUGHT:
        return ""
    found = (_text_of(item[name], depth + 1) for name in _TEXTS if item.get(name) is not None)
    text = next((text for text in found if text is not None), None)
    called = _called_answer(item.get("tool_calls") or [item.get("function_call")])
    if text:
        return _with_called(text, called)
    # A server that refuses, or stops at its limit, gives a message without content.
    empty = item.keys() & {"message", "content", "text", "finish_reason", "finishReason"}
    return called or ("" if empty else text)


def _joined(items: Sequence[object], depth: int = 0) -> str | None:
    texts = [_text_of(item, depth + 1) for item in items]
    known = [text for text in texts if text is not None]
    if not texts or len(known) < len(texts):
        return None
    return _with_called("".join(known), _called_answer([item for item in items if _arguments_of(item)]))


def _with_called(text: str, called: str) -> str:
    """What a model says before it calls a tool with its answer, and this answer, which counts."""
    return f"{text}\n答案：{called}" if text and called else text or called


def _called_answer(calls: object) -> str:
    """The answer among the arguments of a single tool call, "" where there is none or it is open which it is."""
    arguments = _arguments_of(calls[0]) if isinstance(calls, list) and len(calls) == 1 else {}
    found = [value for key, value in arguments.items() if column_key(str(key)) in _ANSWERS]
    if len(found) != 1:
        return ""
    return "".join(map(cell_text, found[0])) if isinstance(found[0], list) else cell_text(found[0])


def _arguments_of(call: object) -> Mapping[object, object]:
    """What a tool is called with, as OpenAI and Anthropic have it; {} for anything else."""
    if not isinstance(call, Mapping):
        return {}
    function = call.get("function")
    function = function if isinstance(function, Mapping) else call
    arguments = function.get("arguments", function.get("input"))
    value = printed_value(arguments.strip()) if isinstance(arguments, str) else arguments
    return value if isinstance(value, Mapping) else {}


def _has_letter(item: Mapping[object, object]) -> bool:
    texts = (str(item.get(key, "")) for key in ("label", "key", "letter", "option", "id"))
    return any(len(text) == 1 and text.upper() in LETTERS for text in texts)


def _scores(items: list[object]) -> Scores | None:
    """Numbers, or log-likelihoods as lm-eval has them: pairs of a number and whether the text is the likeliest."""
    floats = [item for item in items if isinstance(item, float)]
    if len(floats) == len(items) > 1:
        return tuple(floats)
    found: list[float] = []
    for item in items:
        if not isinstance(item, list | tuple):
            return None
        flagged = len(item) == 2 and (isinstance(item[1], bool) or item[1] in ("True", "False"))
        inner = (float(cell_text(item[0])),) if flagged and _is_number(item[0]) else _scores(list(item))
        if inner is None:
            return None
        found += inner
    return tuple(found) or None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)
