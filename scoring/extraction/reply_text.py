"""What of a raw model output counts: the reply without thoughts and other turns, in a normal form.

Every character of the normal form knows its place in the raw text: a span found here can be shown there."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

from cmexam_baseline.scoring.extraction.patterns import any_of

LONGEST_READ_WHOLE = 32_768
HEAD = 8_192
TAIL = 24_576

Ranges = list[tuple[int, int]]

_THINKING_NAMES = r"think(?:ing)?|thoughts?|reflection|scratchpad|seed:think"
_THINKING_PATTERN = (
    r"<[ ]?(?P<close>/?)[ ]?(?:NAMES)[ ]?>"
    r"|◁(?P<close2>/?)think▷|\[(?P<close3>/?)THINK\]|<\|(?:begin_of_thought|(?P<close4>end)_of_thought)\|>"
    r"|<unused94>|(?P<close5><unused95>)"
    # These announce the reply after a thought that had no mark at its beginning.
    # "assistantfinal" is what remains of the marks of gpt-oss when special tokens are not decoded.
    r"|(?P<close6>assistantfinal|<\|channel\|>[ ]?final[ ]?<\|message\|>|^\#+\s*(?:Final Response|最终回复)\s*$)"
)
_THINKING = re.compile(_THINKING_PATTERN.replace("NAMES", _THINKING_NAMES), re.IGNORECASE | re.MULTILINE)
# Some models write <思考过程> as a heading and never close it; then it is no thought to be left out.
_THINKING_CHINESE = re.compile(
    _THINKING_PATTERN.replace("NAMES", _THINKING_NAMES + "|思考|思考过程"), re.IGNORECASE | re.MULTILINE
)
_THINKING_CLOSERS = (
    "</think>",
    "</thinking>",
    "</thought>",
    "◁/think▷",
    "[/THINK]",
    "<|end_of_thought|>",
    "assistantfinal",
)

# What gpt-oss begins with when special tokens are not decoded: "analysisWe need to", "analysis题目".
_BEGINS_IN_ANALYSIS = re.compile(r"\s*analysis(?=[A-Z\u3400-\u9fff])")
# The repr of a NumPy or TFDS bytes cell: b'C'.
_BYTES = re.compile(r"\s*b(?P<quote>['\"])(?P<inside>.+)(?P=quote)\s*", re.DOTALL)

ASSISTANT, OTHER, END, QUESTION = "assistant", "other", "end", "question"
_ROLES = {
    ASSISTANT: "assistant bot model gpt huatuogpt response 助手 智能助手 助理 机器人 医生 答 回答"
    " reserved_103 reserved_107 eoh /inst",
    OTHER: "user human system observation instruction input 用户 人类 系统 病人 患者 问 指令 输入"
    " reserved_102 reserved_106 inst",
    END: "im_end endofutterance endoftext end_of_text endofsentence end_of_turn end"
    " eot_id eot eom_id eos eoa /s",
}
_ROLE_OF_NAME = {name: role for role, names in _ROLES.items() for name in names.split()}

_ROLE_WORD = any_of("assistant bot model user human system 智能助手 助手 用户 系统 人类")
_AT_LINE_START = any_of(
    "Human USER User Instruction Input Assistant ASSISTANT Response 用户 人类 问 答 指令 输入 系统 助手 智能助手"
)
_QUESTION_NOUN = any_of("题目 问题 例题 试题")
_MARKER_PATTERN = (
    # <|im_start|>assistant, <|start_header_id|>user<|end_header_id|>, <｜User｜>, <|beginofutterance|>助手
    rf"<[|｜][ ]?(?P<token>[^|｜<>\n]{{1,40}}?)[ ]?[|｜]>(?:\s?(?P<token_role>{_ROLE_WORD})\b"
    r"(?:<\|end_header_id\|>|<\|channel\|>[ ]?final[ ]?|<\|message\|>){0,3})?"
    rf"|<(?:start_of_turn>(?P<turn_role>{_ROLE_WORD})\b|(?P<tag>/s|eo[ahs]|end_of_turn|reserved_10[2367])>)"
    r"|\[(?P<inst>/?INST)\]|<(?P<speaker>病人|患者|医生|用户|助手|HuatuoGPT|问|答)>[ ]?[:：]"
    rf"|^[ \t#*]*(?P<line>{_AT_LINE_START})[ \t*]*[:：][ \t*]*"
    rf"|^[ \t#*]*(?P<question>【{_QUESTION_NOUN}\d{{0,3}}】"
    rf"|(?:{_QUESTION_NOUN}|下一题|Question)[ \t]?\d{{0,3}}[ \t*]*[:：])"
)
# A base model goes on with the same or another question of the exam.
_AGAIN = r"|^[ \t]*(?:\d{1,2}[.、][ \t]*)?(?P<again>(?:下列|以下|关于|根据)[^\n]{4,200}?A[ \t]?[:：.、])"
_MARKER = re.compile(_MARKER_PATTERN + "|(?P<again>(?!))", re.MULTILINE)
_MARKER_OR_QUESTION = re.compile(_MARKER_PATTERN + _AGAIN, re.MULTILINE)
# What a marker begins with; the class at its beginning makes it a fast search.
_LINE_OF_A_TURN = rf"[ \t#*]*(?!答)(?:{_AT_LINE_START}|【?{_QUESTION_NOUN}|下一题|Question)"
_MAY_HOLD_TURNS = re.compile(rf"[<\[\n](?:(?<=<)|(?<=\[)/?INST\]|(?<=\n){_LINE_OF_A_TURN})")
_MAY_BEGIN_A_TURN = re.compile(_LINE_OF_A_TURN)


# An end marker that the reply speaks about, in quotes or inside a sentence, ends nothing.
_LONGEST_REST = 12
_STEM_ON_A_LINE = re.compile(r"\n[ \t]*(?:\d{1,2}[.、][ \t]*)?(?:下列|以下|关于|根据)")
_BEFORE_A_QUOTE = 12
_QUOTED_BEFORE = re.compile(
    r"[\"'“‘「『【《`(（]\s*$|"
    + any_of(
        "[与和及用以加写到含上在即] 标记 标签 符号 结束符 输出 使用 添加 字符 之间 "
        r"\band \bwith \bby \bbetween \btoken \bthe \bmarker \btag \bin \bor \buse \badd \bwrite \bto"
    )
    + r"\s*[:：]?\s*$",
    re.IGNORECASE,
)
_QUOTED_BEHIND = re.compile(
    r"\s*[\"'”’」』】》`)），。；、,;]|\s*\.(?=\s)|[ \t]*"
    + any_of(
        "之间 之前 之后 结束 结尾 为止 标记 标签 符号 作为 作答(?![:：]) 格式 形式 中间?的? 里 内 来 表示 的 和 与 或"
        r" (?:token|tag|marker|is|as|at|means|marks|and|or|to|symbol)\b"
    ),
    re.IGNORECASE,
)


def kept_ranges(raw: str) -> tuple[Ranges, Ranges]:
    """The stretches of `raw` that are the model's reply, and where to look if nothing is found there.

    Thinking blocks go, also unfinished ones and those whose beginning is missing; so do the turns of
    others, and what follows when the model goes on to invent a new question. A text of more than
    32,768 characters is read at its first 8,192 and last 24,576 only (after the last thought).

    >>> kept_ranges("<think>B?</think>答案：C")
    ([(17, 21)], [])
    """
    bytes_inside = _BYTES.fullmatch(raw)
    ranges = [bytes_inside.span("inside")] if bytes_inside and len(raw) <= HEAD else _window(raw)
    read = raw if len(ranges) == 1 and ranges[0] == (0, len(raw)) else "".join(raw[a:b] for a, b in ranges)
    if (
        "<" in read
        or "[" in read
        or "#" in read
        or "◁" in read
        or _BEGINS_IN_ANALYSIS.match(read)
        or "assistantfinal" in read
    ):
        ranges = _outside_thinking(raw, ranges)
    repeats = "答案" in read and _STEM_ON_A_LINE.search(read) is not None
    if not (repeats or _MAY_BEGIN_A_TURN.match(read) or _MAY_HOLD_TURNS.search(read)):
        return ranges, []
    return _replies(raw, ranges, _MARKER_OR_QUESTION if repeats else _MARKER)


# Errors of an interface that a file holds in place of replies.
_ERROR = re.compile(
    r"\s*\W{0,3}error(?:s\b|\b)(?=\s*[:_(\[{-]|[ ]code|[ ]message|[ ][A-J]\b|\s*$)|"
    + any_of(
        r"\bconnection_(?:refused|reset|aborted|closed|error|timed) \btimed?[-_]?out\b \brate[-_]?limit \bquota\b"
        r" \bbad_(?:request|gateway)\b \binternal_(?:server_)?error \bservice_(?:is_)?unavailable"
        r" \b(?:un|not_)authori[sz]ed\b \b(?:permission|access)_denied \bmax(?:imum)?_retries \btoo_many_requests"
        r" \bcontent_filter \bstatus_code \bout_of_memory \berrno\b \bno_such_file \bbad_request \btraceback\b"
        r" \bfailed_to_(?:connect|fetch|generate|parse|load) \b(?-i:[A-Z][A-Za-z]{2,30}(?:Error|Exception))\b"
    ),
    re.IGNORECASE,
)
_CHINESE_ERROR = re.compile(
    r"(?:[A-J][:：])?\W{0,3}(?:(?:请求|连接|服务|接口|网络|系统|调用|生成)[^。\n]{0,6}(?:失败|超时|错误|异常|繁忙|拒绝)|错误(?:代?码|信息)?[:：])"
)
_STATES_AN_ANSWER = re.compile(r"answer|option|choice|choose|correct|答案|选|正确", re.IGNORECASE)
_LONGEST_ERROR = 500


def is_error_message(raw: str) -> bool:
    """Whether a short text is the message of an error, and no reply.

    >>> is_error_message("E: connection refused"), is_error_message("E: inborn error of metabolism")
    (True, False)
    """
    if len(raw) > _LONGEST_ERROR:
        return False
    raw = raw.replace("：", ":")
    found = _ERROR.search(raw.replace("_", " ")) if raw.isascii() else _CHINESE_ERROR.match(raw)
    return found is not None and _STATES_AN_ANSWER.search(raw) is None


def _window(raw: str) -> Ranges:
    if len(raw) <= LONGEST_READ_WHOLE:
        return [(0, len(raw))]
    closed = max(raw.rfind(mark) for mark in _THINKING_CLOSERS)
    start = closed if closed >= 0 else 0
    if len(raw) - start <= LONGEST_READ_WHOLE:
        return [(start, len(raw))]
    return [(start, start + HEAD), (len(raw) - TAIL, len(raw))]


def _outside_thinking(raw: str, ranges: Ranges) -> Ranges:
    """What is not thought; a thought that begins in one range goes on in the next."""
    kept: Ranges = []
    thinking = bool(ranges) and _BEGINS_IN_ANALYSIS.match(raw, ranges[0][0]) is not None
    for start, end in ranges:
        position = start
        pattern = _THINKING_CHINESE if raw.find("</思考", start, end) >= 0 else _THINKING
        for match in pattern.finditer(raw, start, end):
            closes = any(match.groupdict().values())
            if closes and not thinking:
                # The beginning is missing: all of it was thought.
                kept.clear()
            elif not closes and not thinking:
                kept.append((position, match.start()))
            thinking = not closes
            position = match.end()
        if not thinking:
            kept.append((position, end))
    return [(a, b) for a, b in kept if b > a and not raw[a:b].isspace()]


def _replies(raw: str, ranges: Ranges, marker: re.Pattern[str]) -> tuple[Ranges, Ranges]:
    """Walk through the turn markers; `reply` collects the first reply, `later` what might be one besides."""
    reply: Ranges = []
    later: Ranges = []
    role: str = ASSISTANT
    assistant_named = closed = False

    def collect(start: int, end: int) -> None:
        length = len(raw[start:end].strip())
        if role == ASSISTANT and length:
            (later if closed else reply).append((start, end))
        elif role == END and 0 < length <= _LONGEST_REST:
            # A few characters behind an end marker may be the answer, if the text before it gives none: <eoa>D
            later.append((start, end))

    for start, end in ranges:
        position = start
        for match in marker.finditer(raw, start, end):
            if match["again"] and "答案" not in raw[position : match.start()]:
                continue
            next_role = _role(match)
            ends_nothing = next_role == END and _ends_nothing(raw, match, position, end, bool(reply))
            collect(position, match.start())
            position = match.start() if next_role == QUESTION else match.end()
            if next_role is None or ends_nothing:
                continue
            if next_role in (OTHER, QUESTION) and reply and not closed:
                if assistant_named and next_role == OTHER:
                    return reply, []
                closed = True
            assistant_named |= next_role == ASSISTANT
            role = ASSISTANT if next_role == QUESTION else next_role
        collect(position, end)
    return (reply, later) if reply else (later or ranges, [])


def _ends_nothing(raw: str, match: re.Match[str], start: int, end: int, has_reply: bool) -> bool:
    """Whether an end marker is quoted, or precedes the text that it should end."""
    if not has_reply and not raw[start : match.start()].strip():
        return True
    before = max(start, match.start() - _BEFORE_A_QUOTE)
    quoted = _QUOTED_BEHIND.match(raw, match.end(), end) or _QUOTED_BEFORE.search(raw, before, match.start())
    return bool(quoted and raw[match.end() : end].strip())


def _role(match: re.Match[str]) -> str | None:
    if match["question"] or match["again"]:
        return QUESTION
    named = match["token_role"] or match["turn_role"] or match["tag"] or match["inst"] or match["speaker"]
    name = named or match["line"] or match["token"]
    return _ROLE_OF_NAME.get(name.lower().replace("▁", "").replace("_of_sentence", "ofsentence"))


# Only folds of one character to one character: spans stay what they are. Circled digits and Roman
# numerals keep their form, because "①A" must not become "1A" and "Ⅰ" must not become a letter.
_FOLDED_BLOCKS = "A0-100 2000-20A0 2100-2150 24B6-24EA 3000-3001 FE30-FF00 FF01-FFEF 1D400-1D800"
_LETTER_IN_A_FRAME = {
    **{chr(0x249C + i): chr(ord("a") + i) for i in range(26)},
    **{chr(base + i): chr(ord("A") + i) for base in (0x1F110, 0x1F130, 0x1F150, 0x1F170) for i in range(26)},
}
# Traditional characters of the words that the rules know; some models slip into them.
_TRADITIONAL = dict(
    zip(
        "選項應為確錯誤對無與這該題說綜結論認會實際擇標準終據須沒屬於還當個從總圖後則請僅給頭較",
        "选项应为确错误对无与这该题说综结论认会实际择标准终据须没属于还当个从总图后则请仅给头较",
        strict=True,
    )
)
_ONE_FORM = (
    dict.fromkeys("‐‑‒–—―−－", "-") | dict.fromkeys("〜～∼", "~") | dict(zip("〖〗⟦⟧", "【】[]", strict=True))
)


def _fold_table() -> dict[str, str]:
    table = {}
    for block in _FOLDED_BLOCKS.split():
        for code in range(*(int(limit, 16) for limit in block.split("-"))):
            folded = unicodedata.normalize("NFKC", chr(code))
            if len(folded) == 1 and folded != chr(code):
                table[chr(code)] = folded
    return table | _LETTER_IN_A_FRAME | _ONE_FORM | _TRADITIONAL


_FOLD = _fold_table()
_COMMONEST = [(char, _FOLD[char]) for char in "，：；！？（）"]
# Beyond the first 65,536 characters a class of single characters is searched one by one: ranges there.
_FOLDABLE = re.compile(
    "["
    + "".join(re.escape(char) for char in _FOLD if ord(char) < 0x10000)
    + "\U0001d400-\U0001d7ff\U0001f110-\U0001f189]"
)

_BLANKS = " \t\u00a0\u3000\u2002\u2003\u2009"
_MARKS = "*`$\u200b-\u200f\u2060\ufe0f\ufeff"
_TAGS = "b|strong|em|i|u|p|br|span|font|center|mark|h[1-6]|div|li|ul|ol"
_WIDE = "\u2e80-\u2fff\u3001-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_EMPHASIS = rf"(?<=[{_MARKS}])[{_MARKS}]*|(?<=_)_+|(?<=<)/?(?:{_TAGS})\b[^<>\n]{{0,60}}>"
# They begin with one class of characters, so that they are searched fast. Blanks go beside Chinese only.
_NOISE_IN_ASCII = re.compile(rf"[*`$_<](?:{_EMPHASIS})")
_NOISE = re.compile(
    rf"[{_MARKS}{_BLANKS}_<](?:{_EMPHASIS}|(?<=[{_BLANKS}])"
    rf"(?:(?<=[{_WIDE}].)[{_BLANKS}]*|(?<![{_BLANKS}].)[{_BLANKS}]*(?=[{_WIDE}])))"
)


def fold(text: str) -> str:
    """Full-width and framed characters in their plain form, one for one.

    >>> fold("答案：Ｂ（ＡＢ型）Ⓒ")
    '答案:B(AB型)C'
    """
    if text.isascii():
        return text
    for wide, narrow in _COMMONEST:
        text = text.replace(wide, narrow)
    return _FOLDABLE.sub(lambda match: _FOLD.get(match[0], match[0]), text)


class CleanText:
    """The parts of a raw text that count, made plain, joined by newlines."""

    def __init__(self, raw: str, ranges: list[tuple[int, int]]) -> None:
        self.raw = raw
        self._ranges = ranges
        self._clean_starts: list[int] = []
        self._raw_starts: list[int] = []
        pieces: list[str] = []
        length = 0
        for start, end in ranges:
            if pieces:
                pieces.append("\n")
                length += 1
            for piece_start, piece_end in _quiet_pieces(raw, start, end):
                self._clean_starts.append(length)
                self._raw_starts.append(piece_start)
                pieces.append(raw[piece_start:piece_end])
                length += piece_end - piece_start
        self.text = fold("".join(pieces))

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the raw text of the clean text from `start` to `end` (not empty)."""
        return self._raw_position(start), self._raw_position(end - 1) + 1

    def raw_text(self, start: int, end: int) -> str:
        """The raw text that the clean text from `start` to `end` was made from, without what was left out."""
        if start >= end:
            return ""
        first, beyond = self.raw_span(start, end)
        kept = [(max(a, first), min(b, beyond)) for a, b in self._ranges]
        return "\n".join(self.raw[a:b] for a, b in kept if b > a)

    def _raw_position(self, position: int) -> int:
        if not self._clean_starts:
            return 0
        piece = max(bisect_right(self._clean_starts, position) - 1, 0)
        return self._raw_starts[piece] + position - self._clean_starts[piece]


def clean(text: str) -> str:
    """The plain form of a short text, as option texts are compared.

    >>> clean("维生素 Ｂ₁₂ **缺乏**")
    '维生素B12 缺乏'
    """
    return fold("".join(text[start:end] for start, end in _quiet_pieces(text, 0, len(text))))


def _quiet_pieces(raw: str, start: int, end: int) -> list[tuple[int, int]]:
    """The stretches of raw[start:end] between emphasis marks, invisible characters and needless blanks."""
    pieces = []
    position = start
    for match in (_NOISE_IN_ASCII if raw.isascii() else _NOISE).finditer(raw, start, end):
        first, beyond = match.span()
        if first > position:
            pieces.append((position, first))
        position = beyond
    if end > position:
        pieces.append((position, end))
    return pieces
