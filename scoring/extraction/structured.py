r"""Answers in a form made for machines: \boxed{}, <answer> tags, JSON replies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from cmexam_baseline.scoring.extraction.answer_parser import Slot, SlotReader
from cmexam_baseline.scoring.extraction.rules import Reading

_LONGEST_VALUE = 400
# The second form is what remains when "\b" was read as an escape.
_BOXED = re.compile(r"(?:\\f?box(?:ed)?|\x08oxed|(?<![a-z])boxed)\s*\{", re.IGNORECASE)
_BOX_CONTENT = re.compile(rf"(?:[^{{}}\n]|\{{[^{{}}\n]{{0,{_LONGEST_VALUE}}}\}}){{0,{_LONGEST_VALUE}}}\}}?")
_TAG = re.compile(
    r"<[ ]?(?:final_?)?(?:answer|ans|choice|option|答案|选项|solution)[ ]?>(?P<value>[^<]{0,400})",
    re.IGNORECASE,
)

_BETWEEN_BOXES = re.compile(
    r"[ \t}]*(?:</[^<>\n]{1,20}>)?[ \t]*(?:[,、;]|和|与|及|and)?[ \t]*"
    r"(?:\\f?box(?:ed)?\s*\{(?:\\[a-z]{2,8}\{)?|<[^<>\n]{1,20}>)[ \t]*"
)

_ANSWER_KEYS = (
    r"(?:final|correct|predicted|predict|model|my|best|right|your)?[_ -]?"
    r"(?:answers?|ans|choices?|options?|prediction|predict|pred|result|selected|letters?|label|selection)"
    r"(?:[_ -]?(?:letters?|keys?|choices?|options?|idx|id|text|label))?"
    r"|(?:最终|正确|标准|参考|我的|模型|预测)?(?:的)?(?:答案|选项|选择|结果)|model_result|response|output|result|输出"
)
_KEY = re.compile(rf"[\"'“](?P<key>{_ANSWER_KEYS})\\{{0,3}}[\"'”]\s*:\s*\\{{0,3}}", re.IGNORECASE)
_STRING = re.compile(
    r"\"(?P<double>(?:[^\"\\]|\\.){0,20000})\"?|'(?P<single>(?:[^'\\]|\\.){0,20000})'?", re.DOTALL
)
_LIST = re.compile(r"\[(?P<items>[^\[\]]{0,400})\]?")
_BARE = re.compile(r"[^,}\]\n{]{1,40}")
_EXPLANATION_KEY = re.compile(
    r"[\"'“](?:explanations?|explain|reason(?:ing|s)?|rationale|analysis|thoughts?|解释|解析|答案解析|分析|理由|原因|思路|说明)[\"'”]\s*:\s*",
    re.IGNORECASE,
)
_BACKUP_KEYS = (
    "response",
    "output",
    "result",
    "输出",
    "结果",
    "model_result",
    "options",
    "choices",
    "选项",
    "answer_text",
)

FullReader = Callable[[str], "int | None"]


def structured_readings(reader: SlotReader, read_text: FullReader) -> Iterator[Reading]:
    """Readings of boxes, tags and JSON fields; `read_text` reads a value that is itself free text."""
    text = reader.text
    if "box" in text or "\x08" in text or "BOX" in text:
        yield from _joined(text, _boxes(reader, read_text))
    if "<" in text:
        yield from _joined(text, _tags(reader, read_text))
    if ":" in text and ("{" in text or '"' in text):
        yield from _json_readings(reader, read_text)


def _boxes(reader: SlotReader, read_text: FullReader) -> Iterator[Reading]:
    for match in _BOXED.finditer(reader.text):
        content = _BOX_CONTENT.match(reader.text, match.end())
        if content is not None:
            yield from _value("boxed", reader, read_text, content.start(), content.end())


def _tags(reader: SlotReader, read_text: FullReader) -> Iterator[Reading]:
    for match in _TAG.finditer(reader.text):
        yield from _value("tag", reader, read_text, *match.span("value"))


def _joined(text: str, readings: Iterator[Reading]) -> Iterator[Reading]:
    """Boxes or tags on one line with nothing but 和 between them are one answer of several letters."""
    last: Reading | None = None
    for reading in readings:
        if last is not None and _BETWEEN_BOXES.fullmatch(text, last.end, reading.start):
            reading = Reading(reading.rule, last.mask | reading.mask, last.start, reading.end)
        elif last is not None:
            yield last
        last = reading
    if last is not None:
        yield last


def _json_readings(reader: SlotReader, read_text: FullReader) -> Iterator[Reading]:
    direct: list[Reading] = []
    backup: list[Reading] = []
    for match in _KEY.finditer(reader.text):
        found = list(_json_value(reader, read_text, match.end()))
        if match["key"].lower() in _BACKUP_KEYS:
            backup.extend(reading for reading in found if reading.mask != reader.options.everything)
        else:
            direct.extend(found)
    yield from direct or backup


def _json_value(reader: SlotReader, read_text: FullReader, position: int) -> Iterator[Reading]:
    for pattern in (_STRING, _LIST, _BARE):
        match = pattern.match(reader.text, position)
        if match is not None:
            group = match.lastgroup or 0
            yield from _value("json", reader, read_text, *match.span(group))
            return


def _value(rule: str, reader: SlotReader, read_text: FullReader, start: int, end: int) -> Iterator[Reading]:
    """The answer in text[start:end]: a list of letters or texts at its beginning, or a sentence."""
    # Blanks at the end would make one of two readings the later one.
    end = start + len(reader.text[start:end].rstrip())
    slot = reader.read(start)
    if slot is not None and slot.start < end and _is_the_value(reader.text, slot, end):
        yield Reading(rule, slot.mask, slot.start, min(slot.end, end))
        return
    mask = read_text(reader.text[start:end])
    if mask is not None:
        yield Reading(rule, mask, start, max(end, start + 1))


def _is_the_value(text: str, slot: Slot, end: int) -> bool:
    rest = text[slot.end : end].strip()
    return not rest or not (rest[0].isalnum() and text[slot.end - 1].isascii())


def json_explanation(text: str) -> str | None:
    """The explanation field of a JSON reply, unescaped, or None where there is none.

    >>> json_explanation('{"answer": "B", "explanation": "抑制呼吸"}')
    '抑制呼吸'
    """
    match = _EXPLANATION_KEY.search(text)
    value = _STRING.match(text, match.end()) if match else None
    if value is None:
        return None
    content: str = value["double"] if value["double"] is not None else value["single"]
    try:
        return str(json.loads(f'"{content}"', strict=False)) if value["double"] is not None else content
    except json.JSONDecodeError:
        return content
