"""The options of one question as an answer may name them: by letter, by text, or all of them at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring.extraction.extract import UNKNOWN_COUNT
from cmexam_baseline.scoring.extraction.patterns import any_of
from cmexam_baseline.scoring.extraction.reply_text import clean

LEAST_SIMILARITY = 60.0
"""Least Indel similarity (percent) of a listed text to the option that its letter names."""

_OWN_LETTER = re.compile(r"\(?([a-j])\s*[.、:)\s]\s*(?=\S)")
_ALL_OF_THEM = re.compile(
    r"(?:以上|上述|前述|上面|[A-J]\+[A-J]).{0,8}?(?:都|均|皆|全部?)(?!不|非|无|没|未|错)|^(?:都|均|皆|全部?)(?:是|对|正确|有|可|可以)$"
    r"|^all (?:of )?(?:the )?(?:above|these|them)",
    re.IGNORECASE,
)
_NONE_OF_THEM = re.compile(
    r"(?:以上|上述|前述|上面).{0,8}?(?:(?:都|均|皆|全部?)(?:不|非|无|没|未|错)|不(?:都|全))|^(?:都|均|皆)(?:不|非|无|没|错)"
    r"|^none (?:of )?(?:the )?(?:above|these|them)",
    re.IGNORECASE,
)
_WIDE = re.compile(r"[\u3400-\u9fff]")
_JUDGED = re.compile(
    any_of(
        "错 不 非 无 没 未 正确 符合 排除 对$ √ × ✓ ✗ ✔ ✘ ✅ ❌ \\bnot\\b n't \\bwrong \\b(?:in)?correct \\bfalse \\btrue"
    ),
    re.IGNORECASE,
)
_JUDGED_LINE = re.compile(
    r"正确|错误|不对|不符|符合题意|排除|[√×✓✗✔✘✅❌]|\b(?:in)?correct\b|\bwrong\b", re.IGNORECASE
)
_ENDS_IN_VERDICT = re.compile(
    r"[√×✓✗✔✘✅❌☑☒]|(?:[(\[【:,—-]|[ \t])[ \t]?(?:是|为)?"
    r"(?:不?正确|错误?|不?对|不?符合[^()]{0,4}|(?:in)?correct|wrong|true|false)的?[)\]】]?[.。; \t]*$",
    re.IGNORECASE,
)
_CALLED_THE_ANSWER = re.compile(  # the last option of a list
    r"[ \t*]{0,4}(?:[✅✓✔√☑]|(?:[(\[【]|[-—←<]{1,4})[ \t*]?(?:[本此该][题项])?[是为]?"
    r"(?:正确(?:答案|选项)?|答案|应?选|correct(?: answer)?)[ \t*]?(?:[)\]】\n]|$))",
    re.IGNORECASE,
)
_LINE_BREAK = re.compile(r"[ \t]*(?:\r?\n|\\n)\s*")
_WIDE_OR_MARK = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
_IN_BRACKETS_BEHIND = re.compile(r"[ \t]?[(（][^()（）\n]{1,80}[)）][ \t.。;,]*$")
_BEFORE_A_CHARACTER = "是为选即属在于案"
_NUMBER_GOES_ON = re.compile(r"[.~-]\d|[%％/]")


class Mention(NamedTuple):
    """An option's text at text[start:end]."""

    start: int
    end: int
    option: int


class OptionTexts:
    """Option texts in plain, lower-case form; unknown options (None) name letters only."""

    def __init__(self, options: Sequence[str] | None) -> None:
        self._raw = options
        self.count = UNKNOWN_COUNT if options is None else min(len(options), len(LETTERS))
        self.known = options is not None

    @property
    def everything(self) -> int:
        """The mask of all options."""
        return (1 << self.count) - 1

    @cached_property
    def texts(self) -> list[str]:
        """The comparable texts; "" where a text cannot be told from another."""
        plain = _without_own_letters([_comparable(option) for option in (self._raw or [])[: self.count]])
        return [text if plain.count(text) == 1 else "" for text in plain]

    @cached_property
    def findable(self) -> list[tuple[str, int]]:
        """Texts that may be looked for inside a sentence, longest first: not a single Latin letter."""
        found = [
            (text, i)
            for i, text in enumerate(self.texts)
            if len(text) > 1 or not text.isascii() or text.isdigit()
        ]
        return sorted(found, key=lambda pair: -len(pair[0]))

    @cached_property
    def _initials(self) -> set[str]:
        return {text[0] for text, _ in self.findable}

    @cached_property
    def all_of_them(self) -> int | None:
        """The option that says "all of the above", if one does."""
        return self._only(_ALL_OF_THEM)

    @cached_property
    def none_of_them(self) -> int | None:
        """The option that says "none of the above", if one does."""
        return self._only(_NONE_OF_THEM)

    def _only(self, pattern: re.Pattern[str]) -> int | None:
        found = [i for i, text in enumerate(self.texts) if pattern.search(text)]
        return found[0] if len(found) == 1 else None

    def own_text_at(self, lowered: str, index: int, position: int) -> int | None:
        """Where the text of option `index` ends if it begins at `position`."""
        text = self.texts[index] if index < len(self.texts) else ""
        if text and lowered.startswith(text, position):
            return position + len(text)
        return None

    def resembles(self, index: int, text: str) -> bool:
        """Whether `text` is the text of option `index` but for a word or some punctuation."""
        given = text.lower()
        if ")" in given:
            given = _IN_BRACKETS_BEHIND.sub("", given)
        given = given.strip(" .。;,、)")
        own = self.texts[index] if index < len(self.texts) else ""
        if not own or not given or len(given) > 2 * len(own) + 4:
            return False
        from rapidfuzz import fuzz

        compare = fuzz.token_set_ratio if " " in own else fuzz.ratio
        similarity = compare(given, own)
        if similarity < LEAST_SIMILARITY:
            return False
        return all(
            compare(given, other) < similarity for i, other in enumerate(self.texts) if i != index and other
        )

    def is_listed(self, index: int, text: str, loose: bool) -> bool:
        """Whether `text` behind letter `index` is an item of a list of answers, and no verdict on the option.

        loose: the question asks for several: any text of about the option's length counts
        """
        if index >= len(self.texts):
            return False
        text = _LINE_BREAK.sub(_joint, text) if "\n" in text else text
        own = self.own_text_at(text.lower(), index, 0)
        if _ENDS_IN_VERDICT.search(text) or (own is not None and _JUDGED.search(text, own)):
            return False
        if self.resembles(index, text):
            return True
        if not loose or _JUDGED.search(text, own or 0):
            return False
        return own is not None or len(text) <= 1.5 * len(self.texts[index]) + 6

    def names(self, index: int, text: str) -> bool:
        """Whether `text` has an option's text in it, or resembles option `index`."""
        lowered = text.lower().strip()
        return any(own in lowered for own, _ in self.findable) or self.resembles(index, lowered)

    def match_at(self, lowered: str, position: int) -> Mention | None:
        """The longest option text that begins at `position` and is a word of its own."""
        for text, index in self.findable if lowered[position : position + 1] in self._initials else ():
            if lowered.startswith(text, position):
                end = position + len(text)
                if _is_a_word(lowered, position, end):
                    return Mention(position, end, index)
        return None

    def ending_at(self, lowered: str, position: int) -> int | None:
        """The option whose text ends at `position`, the longest if there are several."""
        return next((i for text, i in self.findable if lowered.endswith(text, 0, position)), None)

    def mentions(self, lowered: str) -> list[Mention]:
        """Every option text in order; of overlapping ones the longest."""
        found: list[Mention] = []
        covered = bytearray(len(lowered))
        for text, index in self.findable:
            position = lowered.find(text)
            while position >= 0:
                after = position + len(text)
                if covered.find(1, position, after) < 0 and _is_a_word(lowered, position, after):
                    found.append(Mention(position, after, index))
                    covered[position:after] = b"\x01" * len(text)
                position = lowered.find(text, after)
        return sorted(found)


def _comparable(option: str) -> str:
    if "\n" in option or "\\n" in option:
        option = _LINE_BREAK.sub(_joint, option)
    return clean(option).strip().rstrip(".。;,").lower()


def _joint(line_break: re.Match[str]) -> str:
    """What replaces a line break inside an option: nothing beside Chinese, else a blank."""
    text, start, end = line_break.string, *line_break.span()
    beside = text[start - 1 : start] + text[end : end + 1]
    return "" if _WIDE_OR_MARK.search(beside) else " "


def _without_own_letters(texts: list[str]) -> list[str]:
    """Texts given as "A. 阿托品": the letters go if every option has its own."""
    own = [_OWN_LETTER.match(text) for text in texts]
    lettered = [text[match.end() :] for text, match in zip(texts, own, strict=True) if match]
    return lettered if [match and match[1] for match in own] == list(LETTERS[: len(texts)].lower()) else texts


def _goes_on(char: str, other: str) -> bool:
    """Whether both are Latin letters or digits, so that a word or number goes on from one to the other."""
    return (char + other).isascii() and char.isalnum() and other.isalnum()


def _is_a_word(text: str, start: int, end: int) -> bool:
    """False inside a word or number: "4小时" in "24小时", "b型" in "ab型", "2" in "2.5", "肝" in "肝炎"."""
    if end - start > 1 and not text[start].isascii() and not text[end - 1].isascii():
        return True
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    if end - start == 1 and _WIDE.match(text[start]):
        return not _WIDE.match(after) and (not _WIDE.match(before) or before in _BEFORE_A_CHARACTER)
    if _goes_on(before, text[start]) or _goes_on(text[end - 1], after):
        return False
    if text[start].isdigit() and before and before in ".~-/" and start > 1 and text[start - 2].isdigit():
        return False
    return not (text[end - 1].isdigit() and _NUMBER_GOES_ON.match(text, end))


BLANK = "\ue000"
"""Stands for text that was taken out; it ends sentences and belongs to no word."""

_BEFORE_FIRST = re.compile(r"[\"'(]*A[\"')]?\s*[.:、)]?\s*[\"'“]?$")
_LOOK_BACK = 40
_STATED_BEFORE = re.compile(
    r"(?:答案|正解|正确的?选项|应选|故选|(?i:answers?|correct (?:options?|choices?)))"
    r"(?:应该?|就|分别|依次|(?i:is|are)|[是为有包括:\s*【】\[\]()]){0,8}$"
)
_TO_CHOOSE_FROM = re.compile(r"选择|选出|挑选|找出|给出|写出|choose|select|pick|option list", re.IGNORECASE)
_BETWEEN = [
    re.compile(rf"[\s;,。、.\"'”}}]*\(?[\"'(]?{letter}[\"')]?\s*[.:、)]?\s*[\"'“]?") for letter in LETTERS
]


def without_echo(text: str, options: OptionTexts) -> str:
    """The text with every complete list of the options ("A：… B：… E：…") blanked, of the same length.

    >>> without_echo("选项有A.甲药 B.乙药。选乙药", OptionTexts(["甲药", "乙药"])).replace(BLANK, "_")
    '选项有_________。选乙药'
    """
    if not options.known or not all(letter in text for letter in LETTERS[: options.count]):
        return text
    texts = options.texts
    if len(texts) < 2 or not all(texts):
        return text
    lowered = text.lower()
    if len(lowered) != len(text):
        return text
    position = lowered.find(texts[0])
    echoes: list[str] = []
    while position >= 0:
        beginning = _BEFORE_FIRST.search(text, max(0, position - 6), position)
        stated = beginning is not None and _is_stated(text, beginning.start())
        end = _end_of_list(text, lowered, options, position) if beginning and not stated else None
        if beginning is not None and end is not None and not _CALLED_THE_ANSWER.match(text, end):
            echoes.append(text[beginning.start() : end])
            text = text[: beginning.start()] + BLANK * (end - beginning.start()) + text[end:]
        position = lowered.find(texts[0], end or position + len(texts[0]))
    return _without_broken_echo(text, echoes[-1]) if len(echoes) > 1 else text


def _is_stated(text: str, position: int) -> bool:
    """Whether 答案： or its like introduces the list at `position`: an answer, no echo."""
    before = re.split(r"[。\n]", text[max(0, position - _LOOK_BACK) : position].rstrip())[-1]
    return _STATED_BEFORE.search(before) is not None and _TO_CHOOSE_FROM.search(before) is None


def _without_broken_echo(text: str, echo: str) -> str:
    """Blank the beginning of one more echo at the end of a text that repeated it until it was cut off."""
    start = max(len(text) - len(echo), text.rfind(BLANK) + 1)
    for position in range(start, len(text)):
        if echo.startswith(text[position:].rstrip("\ufffd")):
            return text[:position] + BLANK * (len(text) - position)
    return text


def _end_of_list(text: str, lowered: str, options: OptionTexts, position: int) -> int | None:
    end: int | None = position + len(options.texts[0])
    for index in range(1, len(options.texts)):
        between = _BETWEEN[index].match(text, end or 0)
        end = options.own_text_at(lowered, index, between.end()) if between else None
        if end is None:
            return None
    return end


_OPTION = r"\(?LETTER(?:[.、:)][ \t]?|[ \t]|(?=[\u3400-\u9fff]))(?P<text_LETTER>[^\n]{1,200}?)"
_NEXT_OPTION = r"(?:[ \t;,。]{0,3}\n\s{0,3}|[ \t;,。]{1,3}|(?=[B-D][.、:)]))"
_LISTED_OPTIONS = re.compile(
    _NEXT_OPTION.join(_OPTION.replace("LETTER", letter) for letter in "ABC")
    + rf"(?=[ \t]{{0,3}}(?:\n|$)|{_NEXT_OPTION}\(?D)"
)
_LONGEST_OPTION = 210
_OPTION_A = re.compile(r"\n(?P<letter>\(?A)[.、:)]?[ \t]?")
_HEADS_AN_ANALYSIS = re.compile(
    r"(?:分析|解析|解释|辨析|选项|如下|理由|说明|逐一?[项个]|explanations?|analysis|options?|follows)[^\n]{0,6}$",
    re.IGNORECASE,
)

_ITEM = re.compile(r"[ \t]*\(?[A-J][ \t]?[.、:)]")


def next_question(text: str, options: OptionTexts) -> list[int]:
    """Where another question may begin: a stem with option lines below that are not this question's; [] for none.

    The stem may be the whole paragraph above the lines or the last line of it.

    >>> next_question("B\\n\\n青光眼首选\\nA. 甲药\\nB. 乙药\\nC. 丙药\\n答案：C", OptionTexts(["肝", "胆", "脾"]))
    [3, 3]
    """
    listed_at_all = options.known and ("\nA" in text or "\n(A" in text)
    for begins in _OPTION_A.finditer(text) if listed_at_all else ():
        if options.own_text_at(text, 0, begins.end()) is not None:
            continue
        if text.find("B", begins.end(), begins.end() + _LONGEST_OPTION) < 0:
            continue
        match = _LISTED_OPTIONS.match(text, begins.start("letter"))
        if match is None:
            continue
        stem_end = len(text[: begins.start()].rstrip())
        line = text.rfind("\n", 0, stem_end) + 1
        paragraph = text.rfind("\n\n", 0, stem_end) + 2
        listed = [match[f"text_{letter}"] for letter in "ABC"]
        heading = _HEADS_AN_ANALYSIS.search(text, line, stem_end) or _ITEM.match(text, line)
        if not text[:line].strip() or heading or any(map(_JUDGED_LINE.search, listed)):
            continue
        if sum(options.names(index, each) for index, each in enumerate(listed)) < 2:
            return [paragraph if text[:paragraph].strip() and paragraph > 1 else line, line]
    return []


LONE_I = re.compile(r"(?<![A-Za-z0-9])I(?![A-Za-z0-9])")
PRONOUN = re.compile(
    r"(?<![A-Za-z0-9])(?<!ption )(?<!hoice )(?<!nswer )I"
    r"(?=['’]|,?[ \t]+(?!(?:is|and|or|because|since|as|for|due|would[ \t]be)\b)[a-z])"
)
# A letter behind a noun belongs to it (维生素C, 青霉素G), behind a number it is a unit (1550 A, 25 °C);
# behind these characters and in 选项中的D it names an option. It begins with a class, to be searched fast.
_BEFORE_A_LETTER = "确误见知明故则而有以此是即且但和与及或为选项案只仅认示述中择除得对错应答第因其了括含实①-⑳"
_AMONG_OPTIONS = "|".join(
    f"(?<={noun}{inside}的.)"
    for noun in ["选项", "答案", "以上", "上述", "其", "题"]
    for inside in ("", "中", "里")
)
CAPITALS = re.compile(
    rf"[A-J](?:(?<=[{_BEFORE_A_LETTER}].)|(?<![^\W_].)(?<![+'°-].)(?<!\d[ \t].)|{_AMONG_OPTIONS})"
    r"[A-J]{0,7}(?!_?[A-Za-z0-9])"
)
