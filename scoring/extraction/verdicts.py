"""Options called right or wrong: B正确, A项错误, C is correct, ✅ A, | A | 正确 |."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.exam.stem_wording import Stem
from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser
from cmexam_baseline.scoring.extraction.extract import Reading
from cmexam_baseline.scoring.extraction.patterns import (
    CHINESE,
    LETTERS_TOGETHER,
    MUST_CHOOSE,
    OF_THE_ANSWER,
    SUPPOSED,
    affirmed_together,
    any_of,
    concludes,
    mask_of,
    one_of,
    sentence_start,
    skip,
)

_YES, _NO = "✅✓✔√☑", "❌✗✘×☐☒"
_MARKED_LINE = re.compile(
    rf"^[ \t>#*-]*(?:(?P<right>\[[xX√✓✔]\]|[{_YES}])|(?P<wrong>\[ ?\]|[{_NO}]))[ \t]*\(?(?P<letter>[A-J])(?![A-Za-z0-9])",
    re.MULTILINE,
)
_TABLE_ROW = re.compile(
    r"^\|[ \t]*\(?(?P<letter>[A-J])(?![A-Za-z0-9])[^|\n]{0,80}\|(?:[^|\n]{0,200}\|)?[ \t]*"
    rf"(?:(?P<wrong>错|不|[{_NO}]|[Ii]ncorrect|[Ww]rong|[Ff]alse|[Nn]o\b)|(?P<right>正确|对|是|符合|[{_YES}]|[Cc]orrect|[Tt]rue|[Yy]es))",
    re.MULTILINE,
)
_FIELD = re.compile(
    r"[\"'](?P<letter>[A-J])[\"'][ \t]?:[ \t]?[\"']?(?:(?P<right>[Tt]rue|正确)|(?P<wrong>[Ff]alse|错误))\b"
)


class Verdict(NamedTuple):
    """The options of `mask` are called right or wrong at text[start:end].

    `of_the_answer` where the words are about the question (符合题意, 正确答案), not about the statement alone.
    """

    mask: int
    right: bool
    start: int
    end: int
    of_the_answer: bool = False

    def is_asked_for(self, stem: Stem) -> bool:
        """Whether it makes the options an answer: what is called wrong is, where the stem asks for it."""
        return self.right if self.of_the_answer or not stem.negative else not self.right


def ticked_verdicts(text: str) -> Iterator[Verdict]:
    """What a check list, a table or an object of booleans says of each option."""
    for pattern, marks in ((_MARKED_LINE, f"{_YES}{_NO}["), (_TABLE_ROW, "|"), (_FIELD, "\"'")):
        # To look for the marks first is cheap.
        for match in pattern.finditer(text) if any(map(text.__contains__, marks)) else ():
            mask = 1 << LETTERS.index(match["letter"])
            yield Verdict(mask, match["right"] is not None, *match.span("letter"))


_DEGREE = any_of("完全 最为? 更 才 也 都 均 应该 应 可能 显然 明显 是 为") + "{0,4}"
_RIGHT = _DEGREE + any_of(
    "正确 对(?!于|比|照|症|应|抗|称|此|其|该|患|子|氨) 符合 合适 恰当 合理 最佳(?:答案|选项|选择) 最优 当选 准确"
    r" 成立 无误 是[^,。;\n不非]{0,12}(?:答案|选项|选择)(?!之一) √ ✓ ✔ ✅"
)
_WRONG = _DEGREE + any_of(
    "错误 错(?![过综位]) 不正确 不对 不符合? 不合适 不恰当 不准确 不成立 不属于 不是 不选 有误 × ✗ ✘ ❌ 排除"
)
_OF_THE_OPTION = r"(?:选项|[两二三四五]?[项个种者])?(?:的?(?:说法|描述|叙述|表述|内容|陈述))?"
_BETWEEN = r"[ \t]?[:,.、-]?[ \t]?(?:\([^()\n]{1,40}\)|[\"“][^\"“”\n]{1,40}[\"”])?[ \t]?[(\[【]?"
_CHINESE_VERDICT = re.compile(
    rf"(?P<letters>{LETTERS_TOGETHER})[)\]】]?{_OF_THE_OPTION}[)\]】]?{_BETWEEN}"
    rf"(?:(?P<wrong>{_WRONG})|(?P<right>{_RIGHT}))"
)
_ENGLISH_VERDICT = re.compile(
    rf"(?P<letters>{LETTERS_TOGETHER})\)?"
    r"(?:[ \t]?\([^()\n]{1,60}\)|[:.)][ \t]?[^.\n:]{1,80}?)?[ \t]+"
    + any_of("is are was were would_be seems appears_to_be")
    + r"[ \t]+(?:(?:all|both)[ \t]+)?(?:(?P<wrong>"
    + any_of("not in(?:correct|appropriate) wrong false unlikely less")
    + ")"
    r"|(?P<right>(?:the[ \t])?(?:most[ \t]|more[ \t]|only[ \t]|single[ \t])?"
    + any_of(
        "(?:(?:correct|right|best|better)_)?(?:answer|choice) correct right best better appropriate likely accurate true"
    )
    + r"))\b"
)
# B选项新斯的明是正确的, B. Neostigmine - Correct: the option's own text comes between.
_OWN_NAME = re.compile(r"[A-J](?:选项|项)?[ \t]?[.:、)(]?[ \t]?[\"“]?")
_LAST = r"(?=[)\]。. \t]*(?:\n|$))"
_VERDICT_BEHIND_TEXT = re.compile(
    rf"[)\"”]?{_OF_THE_OPTION}[ \t:,-]{{0,5}}\(?(?:(?P<wrong>{_WRONG}|(?<=[ :(-])否{_LAST})"
    rf"|(?P<right>{_RIGHT}|(?<=[ :(-])是{_LAST}))"
    rf"|[)\"”]?[ \t]?(?:[-:(][ \t(-]{{0,3}})(?:(?P<wrong_en>incorrect|wrong|false|no{_LAST})"
    rf"|(?P<right_en>correct|right|true|yes{_LAST}))\b",
    re.IGNORECASE,
)
_SHORT_ENGLISH_VERDICT = re.compile(
    r"(?P<letters>[A-J])\)?[ \t]{0,2}[-:.]?[ \t]{0,2}\(?(?:(?P<wrong>incorrect|wrong|false|no)|(?P<right>correct|right|true|yes))"
    r"(?:[ \t](?:answer|choice|option))?(?=[.,;:!)]|\s*$|[ \t]*\n|[ \t](?:[A-J][).:]|-))",
    re.IGNORECASE,
)
_VERDICT_PATTERNS = (_CHINESE_VERDICT, _ENGLISH_VERDICT, _SHORT_ENGLISH_VERDICT)
_REST_IS_RIGHT = re.compile(r"(?:其余|其他|其它)[^,。;]{0,8}?(?:都|均|全)?(?:是|为)?正确")
_IS_THE_ENGLISH_ANSWER = re.compile(
    r"(?P<letters>[A-J])\)?(?:[ \t]?\([^()\n]{1,60}\))?[ \t]+(?:is|would[ \t]be|must[ \t]be)[ \t]+the[ \t]+"
    r"(?:most[ \t]|only[ \t]|single[ \t])?(?:correct|right|best|appropriate)[ \t]+(?:answer|choice|option)\b"
)
_AFTER_ALL = re.compile(
    rf"(?P<letters>{LETTERS_TOGETHER})(?:选项|项)?才(?:是|最)?(?:正确|对|最?符合|合适|正解)"
)
_IS_THE_ANSWER = re.compile(
    rf"(?P<letters>{LETTERS_TOGETHER})(?:选项|项)?[^。;!?\nA-J]{{0,30}}(?<![不非])(?:为|是)"
    r"(?:本题|此题|该题)?的?(?:正确|最佳)?答案(?=[。,;!\n]|$)"
)
_EXCEPTED = re.compile(
    rf"除了?(?P<letters>{LETTERS_TOGETHER})(?:选项|[两三]?项)?(?:以外|之外|外)[,]?(?:的?(?:其他|其它|其余))?(?:选项|各项)?"
    r"(?:都|均|全)(?:是|为)?(?P<wrong>错|不)?"
)
_DOUBTED = one_of("不 难 未 无法 并非 not cannot")
_JOINT_SUBJECT = re.compile(LETTERS_TOGETHER)
_BETTER = re.compile(
    r"(?P<letters>[A-J])(?:选项|项)?(?:(?:要|应|明显|显然)?(?:[优好胜强]于|胜过)"
    r"|(?:比|较)(?:选项)?[A-J](?:选项|项)?(?:要|应|更为?|更加)*"
    + any_of("合适 适合 适宜 恰当 符合 合理 准确 好 佳 优")
    + r"|[ \t]is[ \t](?:clearly[ \t])?(?:superior|preferable|preferred)[ \t](?:to|over)\b)"
)

_ITEM = (
    r"[ \t>#-]*(?:\d{1,2}[.、)]\s?)?(?:选项|[Oo]ption[ \t])?\(?(?P<letter>[A-J])(?:\)|选项|项)?[ \t]?"
    rf"(?:[.:、,)(\"“]|是|为|-|(?=[{CHINESE}]))"
)
ITEM = re.compile(r"[\n。;]?" + _ITEM)
# It begins with a class, to be searched fast.
_LATER_ITEM = re.compile(r"[\n。;]" + _ITEM)
_ITEM_RIGHT = re.compile(
    any_of(
        r"(?<!不)(?<!否)正确(?!答案|与否|的(?:是|有|[一哪])) (?<!不)符合(?:题意|题干|题目|描述|要求|[。,;\n]|$) (?<![相反])对的"
        r" \b(?<!in)correct\b √ ✓ ✔ ✅"
    )
)
_ITEM_WRONG = re.compile(
    any_of(
        r"错误(?!叙述|选项|的是) 不正确 不对 不符 不合适 不恰当 有误 可?排除 \bincorrect\b \bnot\b"
        r" \bwrong\b \bfalse\b × ✗ ✘ ❌"
    )
)
_NEXT_QUESTION = re.compile(r"\n[^\n]{0,8}(?:下列|以下)")
_REST_OF_THE_WORD = re.compile(r"[^,。;!\n]{0,3}")
_NO_SUBJECT = re.compile(r"(?:比|不如|优于|than[ \t])$|[A-J](?:选项|项)?[ \t]?[.:、)(\"“]{0,2}[ \t]?$")
_VERDICT_WORDS = one_of("正确 错误 不对 符合 合适 恰当 成立 √ ✓ ✗ × correct wrong true false right")
_LONGEST_ITEM = 600


def verdict_readings(reader: AnswerParser) -> Iterator[Reading]:
    """Readings of the rules verdict and only-verdict."""
    ticked = [v for v in ticked_verdicts(reader.text) if v.mask <= reader.options.everything]
    verdicts = ticked or list(_verdicts(reader)) or list(_verdicts_on_texts(reader))
    for reading in (
        *_concluding(reader, verdicts),
        *_singled_out_in_words(reader),
        *_only(reader, verdicts),
        *_exceptions(reader),
        *_all_but_one(reader),
    ):
        every = reader.stem.several and reader.options.known and reading.rule == "only-verdict"
        if 0 < reading.mask < reader.options.everything or (every and reading.mask):
            yield reading


def _exceptions(reader: AnswerParser) -> Iterator[Reading]:
    """除D外均正确 asks for what is wrong: D; 除C、E外均正确 names what is right: the others."""
    for match in _EXCEPTED.finditer(reader.text) if "除" in reader.text else ():
        mask = mask_of(match["letters"])
        if mask.bit_count() > 1 and not match["wrong"]:
            mask = reader.options.everything & ~mask if reader.options.known else 0
        yield Reading("only-verdict", mask, *match.span())


def _all_but_one(reader: AnswerParser) -> Iterator[Reading]:
    """A、B、C、E均见于右心衰竭 leaves D, where one is asked for that is not."""
    if reader.stem.several or not reader.options.known:
        return
    if not any(map(reader.text.__contains__, ("均", "都", "皆", " are all"))):
        return
    places = set(reader.letters)
    for match in _JOINT_SUBJECT.finditer(reader.text):
        rest = reader.options.everything & ~mask_of(match[0]) if match.start() in places else 0
        if rest.bit_count() == 1 and affirmed_together(reader.text, match[0], match.end(), reader.stem):
            yield Reading("only-verdict", rest, *match.span())


def _verdicts(reader: AnswerParser) -> Iterator[Verdict]:
    end = 0
    for position in reader.letters:
        verdict = _verdict_at(reader, position) if position >= end else None
        if verdict is not None and verdict.mask <= reader.options.everything:
            end = verdict.end
            yield verdict


def _verdicts_on_texts(reader: AnswerParser) -> Iterator[Verdict]:
    """在注册地点执业是正确的: an option named by its text alone."""
    for mention in reader.mentions if _VERDICT_WORDS.search(reader.lowered) else ():
        behind = _VERDICT_BEHIND_TEXT.match(reader.text, mention.end)
        before = max(0, mention.start - 8)
        if behind is not None and not _NO_SUBJECT.search(reader.text, before, mention.start):
            yield _verdict(1 << mention.option, mention.start, behind)._replace(of_the_answer=False)


def _verdict_at(reader: AnswerParser, position: int) -> Verdict | None:
    """What is said of the option whose letter is at `position`, perhaps behind its text."""
    text = reader.text
    index = LETTERS.index(text[position])
    own = reader.options.own_text_at(reader.lowered, index, skip(_OWN_NAME, text, position))
    for pattern in _VERDICT_PATTERNS:
        match = pattern.match(text, position)
        # C. 对症治疗: the option's text may begin like a verdict.
        if match is not None and (own is None or match.end() > own):
            return _verdict(mask_of(match["letters"]), position, match)
    behind = _VERDICT_BEHIND_TEXT.match(text, own) if own is not None else None
    return _verdict(1 << index, position, behind) if behind is not None else None


def _verdict(mask: int, start: int, match: re.Match[str]) -> Verdict:
    """The verdict whose word is the last group of `match`, named right… or wrong…"""
    name = match.lastgroup or ""
    # 正确 may begin the word 正确答案, which is about the question.
    end = skip(_REST_OF_THE_WORD, match.string, match.end())
    about = OF_THE_ANSWER.search(match.string, match.start(name), end) is not None
    return Verdict(mask, name.startswith("right"), start, match.end(), about)


def _concluding(reader: AnswerParser, verdicts: list[Verdict]) -> Iterator[Reading]:
    """Verdicts in sentences that conclude; none if the last one says that another option is right as well."""
    text, stem = reader.text, reader.stem
    chosen = [verdict for verdict in verdicts if verdict.right]
    if stem.negative:
        chosen = [verdict for verdict in verdicts if verdict.is_asked_for(stem)] or chosen
    if chosen and "也" in text[chosen[-1].start : chosen[-1].end]:
        return
    if not stem.several and len({verdict.mask for verdict in chosen}) == reader.options.count:
        return
    for verdict in chosen:
        before = _before(reader, verdict.start)
        if (concludes(before) is not None or "只有" in before) and not _is_supposed(before):
            yield Reading("verdict", verdict.mask, verdict.start, verdict.end)


def _singled_out_in_words(reader: AnswerParser) -> Iterator[Reading]:
    """C项错误，为本题答案。 D is the correct answer. 其实D才对。 And, in a sentence that concludes: 因此B优于A。"""
    patterns = {"答案": _IS_THE_ANSWER, "才": _AFTER_ALL, " the ": _IS_THE_ENGLISH_ANSWER}
    if reader.concludes and not reader.stem.negative:
        patterns[""] = _BETTER
    for mark, pattern in patterns.items():
        places = reader.letters if mark in reader.text else ()
        for match in filter(None, (pattern.match(reader.text, place) for place in places)):
            before = _before(reader, match.start())
            doubted = concludes(before) is None or _DOUBTED.search(before, before.rfind(",") + 1)
            if not (_is_supposed(before) or (pattern is _BETTER and doubted)):
                yield Reading("verdict", mask_of(match["letters"]), *match.span())


def _before(reader: AnswerParser, position: int) -> str:
    """What the sentence says before `position`, in lower case."""
    return reader.lowered[sentence_start(reader.text, position) : position]


def _is_supposed(before: str) -> bool:
    return SUPPOSED.search(before) is not None and not MUST_CHOOSE.search(before)


def _only(reader: AnswerParser, verdicts: list[Verdict]) -> Iterator[Reading]:
    """The options that the verdicts on each of them leave as the answer."""
    stem, known = reader.stem, reader.options.known
    directly = _union(verdicts)
    judged = verdicts + [verdict for verdict in _item_verdicts(reader) if not verdict.mask & directly]
    right, wrong = (_union(v for v in judged if v.right is called) for called in (True, False))
    covered = right | wrong == reader.options.everything
    if stem.known and known:
        answer = _asked_for(reader, judged, right, wrong)
    else:
        answer = 0 if right & wrong else _singled_out(reader, judged, right, wrong)
    if not answer and not right & wrong and not (stem.known and covered):
        # B√C√E√: one verdict right behind the other.
        in_a_row = len(verdicts) > 1 and all(b.start - a.end <= 2 for a, b in pairwise(verdicts))
        answer = right if covered or len(judged) == 1 or in_a_row else 0
    if answer:
        saying = [verdict for verdict in judged if verdict.mask & answer] or judged
        first = saying[0 if answer == reader.options.everything else -1]
        yield Reading("only-verdict", answer, first.start, saying[-1].end)


def _union(verdicts: Iterable[Verdict]) -> int:
    mask = 0
    for verdict in verdicts:
        mask |= verdict.mask
    return mask


def _singled_out(reader: AnswerParser, judged: list[Verdict], right: int, wrong: int) -> int:
    """Without a stem: one right, or one wrong while all the others are right; 0 for neither."""
    count = reader.options.count if reader.options.known else (right | wrong).bit_length()
    if right.bit_count() == 1 and (wrong or all(verdict.mask == right for verdict in judged)):
        return right
    if wrong.bit_count() == 1 and (
        right.bit_count() >= max(2, count - 1) or (not right and _REST_IS_RIGHT.search(reader.text))
    ):
        return wrong
    if reader.options.known and not right and wrong.bit_count() == count - 1:
        return reader.options.everything & ~wrong
    return 0


def _asked_for(reader: AnswerParser, judged: list[Verdict], right: int, wrong: int) -> int:
    """With a stem: the options that it asks for, the right ones or the wrong ones; 0 where it is unclear."""
    everything, stem = reader.options.everything, reader.stem
    asked, dropped = (_union(v for v in judged if v.is_asked_for(stem) is meant) for meant in (True, False))
    if asked & dropped:
        return 0
    covered = asked | dropped == everything
    if stem.negative and not stem.several and covered and right.bit_count() == 1 and wrong.bit_count() > 2:
        # One "right" among many "wrong" means the answer itself.
        return right
    if asked and asked != everything:
        together = len({verdict.mask for verdict in judged if verdict.mask & asked}) == 1
        return asked if asked.bit_count() == 1 or stem.several or covered or together else 0
    if asked == everything:
        return asked if stem.several else 0
    if dropped.bit_count() == everything.bit_count() - 1:
        return everything & ~dropped
    # Under 错误的是 a lone "B正确" means the answer.
    return right if stem.negative and right.bit_count() == 1 and not wrong else 0


def all_called_right(reader: AnswerParser) -> Iterator[Reading]:
    """A: 正确答案 B: 正确答案 … for every option: no answer, if nothing is named behind."""
    count = reader.options.count
    named = {reader.text[place] for place in reader.letters}
    if not reader.options.known or len(named) < count or reader.stem.several:
        return
    last = _verdict_at(reader, reader.letters[-1])
    if last is None or not last.of_the_answer:
        return
    verdicts = [verdict for verdict in _verdicts(reader) if verdict.right and verdict.of_the_answer]
    every = len({verdict.mask for verdict in verdicts}) == count
    if every and reader.letters[-1] <= verdicts[-1].start:
        yield Reading("all-called-right", 0, verdicts[0].start, verdicts[-1].end)


def _item_verdicts(reader: AnswerParser) -> Iterator[Verdict]:
    """The last word of each item of an analysis: "A：… 这个选项不正确。"."""
    if not reader.letters:
        return
    text, places = reader.text, set(reader.letters)
    first = ITEM.match(text)
    found = [first] if first is not None else []
    found.extend(_LATER_ITEM.finditer(text, first.end() if first is not None else 0))
    items = [item for item in found if item.start("letter") in places]
    for number, item in enumerate(items):
        last = number + 1 == len(items)
        end = len(text) if last else items[number + 1].start()
        paragraph = text.find("\n\n", item.end(), end) if last else -1
        stop = min(end, item.end() + _LONGEST_ITEM, paragraph if paragraph > 0 else end)
        question = _NEXT_QUESTION.search(text, item.end(), stop)
        stop = question.start() if question else stop
        index = LETTERS.index(item["letter"])
        own = reader.options.own_text_at(reader.lowered, index, item.end())
        said = [match.start() for match in _ITEM_WRONG.finditer(text, own or item.end(), stop)]
        wrong, right = max(said, default=-1), -1
        for match in _ITEM_RIGHT.finditer(text, own or item.end(), stop):
            right = match.start()
        last_word = max(wrong, right)
        repeats = own is None and reader.options.resembles(index, text[item.end() : stop])
        if last_word >= 0 and not repeats and 1 << index <= reader.options.everything:
            about = OF_THE_ANSWER.search(text, last_word, last_word + 6) is not None
            yield Verdict(1 << index, right > wrong, *item.span("letter"), about)
