r"""Answers in a fixed format: \boxed{}, <answer> tags, JSON, the official scripts' form; and the explanation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator

from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser, ParsedAnswer
from cmexam_baseline.scoring.extraction.extract import Reading
from cmexam_baseline.scoring.extraction.patterns import any_of, mask_of, sentence_start, skip, words
from cmexam_baseline.scoring.extraction.reply_text import CleanText

_MARKER = re.compile(
    r"[ \t#>*-]*[【\[(]?(?:答案)?"
    + any_of(
        "解释 解析 分析 理由 原因 说明 依据 思考过程 解题思路 推理过程"
        " Explanation Rationale Reason(?:ing)? Analysis"
    )
    + r"[】\])]?[ \t*]*(?:[:\n]|(?<=[】\]]))\s*",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"\s*")
_BEHIND_THE_ANSWER = re.compile(r"(?:[\s,。.;:!、)\]}】>\"'”*-]|\\n)*")
_NOTHING_BUT_AN_ANSWER = re.compile(
    r"[\s#>*\"'“【\[(-]*(?:(?:综上(?:所述)?|因此|所以|故|根据(?:以上|上述)分析|我(?:认为|会)?|本题|此题|该题|最终|最后|正确|参考|标准|最佳|的"
    r"|最有?可能|应该?|the|my|final|correct|best|so|thus|therefore|hence)[\s,:]*)*$",
    re.IGNORECASE,
)


def explanation_of(clean: CleanText, reading: Reading | None) -> str:
    """The raw text without the line or sentence that holds the answer and without the word 解释 in front."""
    text = clean.text
    if reading is None:
        return clean.raw_text(_behind_marker(text, 0), len(text)).strip()
    if reading.rule == "json":
        return json_explanation(clean.raw_text(0, len(text))) or ""
    before_end, behind = _around(text, reading.start, reading.end)
    before = clean.raw_text(min(_behind_marker(text, 0), before_end), before_end).strip()
    after = clean.raw_text(_behind_marker(text, behind), len(text)).strip()
    return "\n".join(part for part in (before, after) if part)


def only_leads_to_an_answer(text: str, position: int) -> bool:
    """Whether the sentence that goes on at `position` has said nothing yet but 因此 or 正确答案."""
    return (
        _NOTHING_BUT_AN_ANSWER.match(text, sentence_start(text, position, longest=len(text)), position)
        is not None
    )


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the text before the answer's sentence ends and the text behind it begins.

    A sentence that says more than the answer belongs to the explanation and is not left out.
    """
    beginning = sentence_start(text, start, longest=len(text))
    if not only_leads_to_an_answer(text, start):
        return len(text), len(text)
    rest = skip(_BEHIND_THE_ANSWER, text, end)
    if rest >= len(text) or text[end:rest].strip() or "\n" in text[end:rest] or _MARKER.match(text, rest):
        return beginning, rest
    return len(text), len(text)


def _behind_marker(text: str, position: int) -> int:
    """Behind blanks and a word such as 解释: if one begins at `position`."""
    return skip(_MARKER, text, skip(_BLANKS, text, position))


_LONGEST_VALUE = 1_000
# The second form is what remains when "\b" was read as an escape.
_BOXED = re.compile(
    r"(?:\\f?box(?:ed)?|\x08oxed|(?<![a-z])boxed)\s*\{(?=(?P<value>"
    rf"(?:[^{{}}\n]|\{{[^{{}}\n]{{0,{_LONGEST_VALUE}}}\}}){{0,{_LONGEST_VALUE}}}\}}?))",
    re.IGNORECASE,
)
# <output> and its like may hold a whole reply: they count where they hold nothing but a short value.
_TAG = re.compile(
    r"<[ ]?(?:final_?)?(?:(?:answer|ans|choice|option|答案|选项|solution)(?:[ ][^<>\n]{0,40})?>(?P<value>[^<]{0,1000})"
    r"|(?:output|result|final|response)[ ]?>(?=[^<]{1,400}</)(?P<short>[^<]{1,400}))",
    re.IGNORECASE,
)
_BETWEEN = (
    r"[ \t}]{0,8}(?:</[^<>\n]{1,20}>)?[ \t]{0,8}(?:[,、;。.]|和|与|及|and)?REMARKBREAK"
    r"(?:\\f?box(?:ed)?\s{0,4}\{(?:\\[a-z]{2,8}\{)?|<[^<>\n]{1,20}>)BREAK"
)
_BETWEEN_BOXES = re.compile(_BETWEEN.replace("REMARK", "").replace("BREAK", r"[ \t]{0,8}"))
_BETWEEN_LINES_OF_BOXES = re.compile(
    _BETWEEN.replace(
        "REMARK", r"(?:(?![^\n]{0,60}(?:不|错|更正|重新|应|[Ww]ait|[Bb]ut))[^\n{}<>。;!?]{1,60}(?=\n))?"
    ).replace("BREAK", r"[\s>#•·-]{0,8}(?:\d{1,2}[.、)][ \t]?)?")
)

_ANSWER_KEYS = (
    r"(?:final|correct|predicted|predict|model|my|best|right|your)?[_ -]?"
    r"(?:answers?|ans|choices?|options?|predictions?|predict|pred|result|selected|letters?|label|selections?)"
    r"(?:[_ -]?(?:letters?|keys?|choices?|options?|idx|id|text|label))?"
    r"|(?:最终|正确|标准|参考|我的|模型|预测)?(?:的)?(?:答案|选项|选择|结果)|model_result|response|output|result|final|输出"
)
_KEY = re.compile(rf"[\"'“](?P<key>{_ANSWER_KEYS})\\{{0,3}}[\"'”]\s*:\s*\\{{0,3}}", re.IGNORECASE)
_STRING = re.compile(
    r"\"(?P<double>(?:[^\"\\]|\\.){0,20000})\"?|'(?P<single>(?:[^'\\]|\\.){0,20000})'?", re.DOTALL
)
_LIST = re.compile(r"\[(?P<items>[^\[\]]{0,4000})\]?")
_LIST_ITEM = re.compile(
    r"(?<=\")(?:[^\"\\]|\\.){1,1000}(?=\"\s*(?:,|$))|(?<=')(?:[^'\\]|\\.){1,1000}(?='\s*(?:,|$))"
)
_OBJECTS = re.compile(
    r"\[\s{0,24}(?P<objects>\{(?:[^\[\]\"]{1,400}|\"(?:[^\"\\]|\\.){0,2000}\"){0,200})\]?", re.DOTALL
)
_OBJECT = re.compile(r"\{[^{}]*\}?")
_NEXT_OBJECT = re.compile(r"[^{}\[\]]{0,1000}\}\s{0,24},?\s{0,24}\{[^{}\[\]]{0,1000}")
_TEXT_KEY = re.compile(r"[\"'](?:text|content|name|value|内容|文本|名称)[\"']\s*:\s*", re.IGNORECASE)
_MARKED_WRONG = re.compile(r":\s*[\"']?(?:false|incorrect|wrong|no|错误|不正确|不符合|否)\b", re.IGNORECASE)
# {"C": "氟西汀", "D": "帕罗西汀"}; numbers would be scores.
_LETTER_KEY = re.compile(r"[\"']([A-J])[\"']\s*:\s*[\"']")
_LETTER_KEYS = re.compile(
    r"\{\s{0,24}(?P<entries>(?:[\"'][A-J][\"']\s{0,24}:\s{0,24}(?!\"(?:错误|不))(?:\"[^\"{}\n]{2,400}\"|'[^'{}\n]{2,400}')\s{0,24},?\s{0,24}){1,9})\}"
)
_LETTER_SCORE = re.compile(r"[\"']([A-J])[\"']\s{0,4}:\s{0,4}(-?\d{1,9}(?:\.\d{1,20})?)")
_LETTER_SCORES = re.compile(rf"\{{\s{{0,24}}(?:{_LETTER_SCORE.pattern}%?\s{{0,24}},?\s{{0,24}}){{2,10}}\}}")
_SCORE = re.compile(
    r"[\"'](?:score|prob(?:ability)?|confidence|logit|weight|概率|置信度|得分)[\"']\s{0,4}:\s{0,4}[\"']?(?P<score>-?\d{1,9}(?:\.\d{1,20})?)",
    re.IGNORECASE,
)
_BARE = re.compile(r"[^,}\]\n{]{1,40}")
_EXPLANATION_KEY = re.compile(
    r"[\"'“](?:explanations?|explain|reason(?:ing|s)?|rationale|analysis|thoughts?|解释|解析|答案解析|分析|理由|原因|思路|说明)[\"'”]\s*:\s*",
    re.IGNORECASE,
)
_BACKUP_KEYS = words("response output result 输出 结果 model_result options choices 选项 answer_text")

FullReader = Callable[[str], "int | None"]


def structured_readings(reader: AnswerParser, read_text: FullReader) -> Iterator[Reading]:
    """Readings of boxes, tags and JSON fields; `read_text` reads a value that is itself free text."""
    text = reader.text
    for mark, rule, pattern in (("{", "boxed", _BOXED), ("<", "tag", _TAG)):
        spans = [match.span(match.lastgroup or 0) for match in pattern.finditer(text)] if mark in text else []
        yield from _joined(
            reader, (found for span in spans for found in _value(rule, reader, read_text, *span))
        )
    if ":" in text and ("{" in text or '"' in text):
        yield from _json_readings(reader, read_text)


def _joined(reader: AnswerParser, readings: Iterator[Reading]) -> Iterator[Reading]:
    """Boxes or tags with nothing but 和 between them are one answer of several letters.

    On lines of their own a later one corrects the one before, unless the stem asks for several.
    """
    between = _BETWEEN_LINES_OF_BOXES if reader.stem.several else _BETWEEN_BOXES
    last: Reading | None = None
    for reading in readings:
        if last is not None and between.fullmatch(reader.text, last.end, reading.start):
            reading = Reading(reading.rule, last.mask | reading.mask, last.start, reading.end)
        elif last is not None:
            yield last
        last = reading
    if last is not None:
        yield last


def _json_readings(reader: AnswerParser, read_text: FullReader) -> Iterator[Reading]:
    direct: list[Reading] = []
    backup: list[Reading] = []
    beyond = last_key = 0
    for match in _KEY.finditer(reader.text):
        if match.start() < beyond:
            continue
        beyond, found = _json_value(reader, read_text, match.end())
        if match["key"].lower().replace("_", " ") in _BACKUP_KEYS:
            backup.extend(reading for reading in found if reading.mask != reader.options.everything)
        else:
            again = direct and found and _NEXT_OBJECT.fullmatch(reader.text, direct[-1].end, match.start())
            if again and reader.stem.several and reader.text.startswith(match[0], last_key):
                above, below = direct.pop(), found.pop(0)
                direct.append(Reading("json", above.mask | below.mask, above.start, below.end))
            direct.extend(found)
            last_key = match.start()
    yield from direct or backup


def _json_value(
    reader: AnswerParser, read_text: FullReader, position: int, nested: bool = False
) -> tuple[int, list[Reading]]:
    """Behind which place the next key may begin, and the readings of the value at `position`."""
    text = reader.text
    objects = None if nested else _OBJECTS.match(text, position)
    if objects is not None:
        return objects.end(), _objects(reader, read_text, *objects.span("objects"))
    letters = _LETTER_KEYS.match(text, position)
    if letters is not None:
        mask = mask_of("".join(_LETTER_KEY.findall(letters[0])))
        known = mask <= reader.options.everything
        return letters.end(), [Reading("json", mask, *letters.span("entries"))] if known else []
    numbers = _LETTER_SCORES.match(text, position)
    if numbers is not None:
        return numbers.end(), list(_highest(reader, *numbers.span()))
    for pattern in (_STRING, _LIST, _BARE):
        match = pattern.match(text, position)
        if match is not None:
            group = match.lastgroup or 0
            items = _LIST_ITEM.finditer(text, *match.span(group)) if pattern is _LIST else ()
            values = [list(_value("json", reader, read_text, *item.span())) for item in items]
            if len(values) > 1 and all(values):
                return position, [_union([reading for value in values for reading in value])]
            return position, list(_value("json", reader, read_text, *match.span(group)))
    return position, []


def _highest(reader: AnswerParser, start: int, end: int) -> Iterator[Reading]:
    """{"A": 0.9, "B": 0.1}: the letter with the highest number, or all with 1 where the others have 0."""
    scores = {found[1]: float(found[2]) for found in _LETTER_SCORE.finditer(reader.text, start, end)}
    best = "".join(letter for letter, score in scores.items() if score == max(scores.values()))
    flags = set(scores.values()) == {0, 1}
    if (len(best) == 1 or flags) and mask_of(best) <= reader.options.everything:
        yield Reading("json", mask_of(best), start, end)


def _objects(reader: AnswerParser, read_text: FullReader, start: int, end: int) -> list[Reading]:
    """[{"option": "C"}, {"option": "D"}]: one answer of several, but for those that are marked as wrong."""
    text = reader.text
    found: list[Reading] = []
    scores: list[float] = []
    for each in _OBJECT.finditer(text, start, end):
        key = _KEY.search(text, *each.span()) or _TEXT_KEY.search(text, *each.span())
        if key is None:
            return []
        score = _SCORE.search(text, *each.span())
        scores += [float(score["score"])] if score is not None else []
        if _MARKED_WRONG.search(text, *each.span()):
            if reader.stem.negative:
                return []
            continue
        readings = _json_value(reader, read_text, key.end(), nested=True)[1]
        if not readings:
            return []
        found += readings
    if scores and len(scores) == len(found) > 1:
        # Options with scores: the answer is the one with the highest.
        best = [reading for reading, score in zip(found, scores, strict=True) if score == max(scores)]
        return best if len(best) == 1 else []
    return [_union(found)] if found else []


def _union(readings: list[Reading]) -> Reading:
    mask = 0
    for reading in readings:
        mask |= reading.mask
    return readings[0]._replace(mask=mask, end=max(reading.end for reading in readings))


def _value(rule: str, reader: AnswerParser, read_text: FullReader, start: int, end: int) -> Iterator[Reading]:
    """The answer in text[start:end]: a list of letters or texts at its beginning, or a sentence."""
    # Blanks at the end would make one of two readings the later one.
    end = start + len(reader.text[start:end].rstrip())
    slot = reader.read(start, stated=True)
    if slot is not None and any(map(str.isalnum, reader.text[end : slot.end])):
        # What follows the value is none of it: {"choice": "B", "A": "错误"}.
        slot = AnswerParser(reader.text[start:end], reader.options, reader.stem).read(0, stated=True)
        slot = slot and slot._replace(start=start + slot.start, end=start + slot.end)
    if slot is not None and slot.start < end and _is_the_value(reader.text, slot, end):
        yield Reading(rule, slot.mask, slot.start, min(slot.end, end))
        return
    mask = read_text(reader.text[start:end])
    if mask is not None:
        yield Reading(rule, mask, start, max(end, start + 1))


def _is_the_value(text: str, slot: ParsedAnswer, end: int) -> bool:
    rest = text[slot.end : end].strip()
    return not rest or not (rest[0].isalnum() and text[slot.end - 1].isascii())


def json_explanation(text: str) -> str | None:
    """The explanation field of a JSON reply, unescaped, or None where there is none."""
    match = _EXPLANATION_KEY.search(text)
    value = _STRING.match(text, match.end()) if match else None
    if value is None:
        return None
    content: str = value["double"] if value["double"] is not None else value["single"]
    try:
        return str(json.loads(f'"{content}"', strict=False)) if value["double"] is not None else content
    except json.JSONDecodeError:
        return content


_MAY_STAND_FIRST = words(
    "letters option-text answer-phrase answer-phrase-en answer-phrase-text first-line choice choice-text"
)
# Whoever writes this behind the explanation has another answer than the one in front.
_TAKEN_BACK = re.compile(
    any_of(
        "更正 纠正[:为] 修正[:为] 改选 抱歉 对不起 等等 不对[,。!] 最终(?:答案|选择|结论)"
        " 重新(?:考虑|分析|审题?|思考|判断|检查|选择)"
        " (?:之前|前面|上面|刚才|原先|最初)的?(?:回答|答案|选择|判断) (?:答案|回答|选择)(?:有误|错了|错误|不对)"
        r" \bcorrection \bwait\b on_second_thought \bmistake \bapologi final_(?:answer|choice)"
    ),
    re.IGNORECASE,
)


def reply_readings(reader: AnswerParser, readings: Iterable[Reading]) -> Iterator[Reading]:
    """The readings that come alone right before 解释:, unless the explanation takes them back.

    What the explanation says of other cases (休克首选D) does not count then.
    """
    text = reader.text
    for reading in (*readings, *_option_text(reader)):
        if (
            reading.rule in _MAY_STAND_FIRST
            and _MARKER.match(text, skip(_BEHIND_THE_ANSWER, text, reading.end))
            and only_leads_to_an_answer(text, reading.start)
            and not _TAKEN_BACK.search(text, reading.end)
        ):
            yield Reading("before-explanation", reading.mask, reading.start, reading.end)


def _option_text(reader: AnswerParser) -> Iterator[Reading]:
    """An option's text on the first line, as a reply that names no letter."""
    slot = reader.read_texts(len(reader.text) - len(reader.text.lstrip()))
    if slot is not None:
        yield Reading("option-text", slot.mask, slot.start, slot.end)
