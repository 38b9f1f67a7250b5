"""Letters outside of answer phrases: on the first and last line, completing the stem, in a conclusion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cmexam_baseline.exam.letters import parse_letters
from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser, ParsedAnswer
from cmexam_baseline.scoring.extraction.extract import Reading
from cmexam_baseline.scoring.extraction.item_lines import read_item_lines
from cmexam_baseline.scoring.extraction.patterns import (
    CONCLUDING,
    FINALLY,
    LETTERS_TOGETHER,
    SENTENCE,
    WRONG_BEHIND,
    affirmed_together,
    any_of,
    concludes,
    mask_of,
    says_of_option,
    skip,
)
from cmexam_baseline.scoring.extraction.verdicts import ITEM

_LEADING = re.compile(r"(?:(?!\[ ?\])[^\w✗✘×❌☐☒✅✓✔√☑])*")
_LONGEST_WHOLE = 2_000
_TRAILING = " \n。.,;!)]}\"'”’】"
_ONLY_LETTERS = re.compile(
    r"\s*[(\[【\"']?(?P<letters>(?:[A-J][\s,、;.|]*)*[A-J]|[A-Ja-j](?:[\s,、;/]*[A-Ja-j]){0,9})[)\]】\"'.。\s,、;?]*"
)
_DELIMITED = re.compile(
    r"\s*(?:选项)?\s*(?:[.:、,)。;]|$|\n|\\n|-|\(|(?=解释|解析|因为|而不是|而非|(?:because|since|not)\b))"
)
_QUESTION_NUMBER = re.compile(r"\s*(?:第?\d{1,4}题?|Q\d{1,4}|题\d{1,4})\s?[.、:)]\s*")
_LAST_WORD = re.compile(r"[.。!?]\s{0,3}[(\[]?(?P<letters>[A-J]{1,8})[)\]]?[.。]?\s{0,3}$")
_LONGEST_LAST_WORD = 24
_ITEM_BEHIND = re.compile(r"[ \t]?[.:、)](?!\s*$)")
_LETTER_DELIMITED = re.compile(r"(?:选项|项)?[ \t]*[.:、)\n]")


def line_readings(reader: AnswerParser) -> Iterator[Reading]:
    """Readings of the rules letters, option-text, first-line and last-line."""
    yield from _whole(reader)
    yield from _first_line(reader)
    yield from _last_line(reader)
    yield from _last_word(reader)


def _whole(reader: AnswerParser) -> Iterator[Reading]:
    number = skip(_QUESTION_NUMBER, reader.text, 0)
    letters = _ONLY_LETTERS.fullmatch(reader.text, number)
    if letters is not None and not reader.read_texts(0):
        # Nothing for a word such as "bad".
        mask = parse_letters(letters["letters"]) or 0
        if 0 < mask <= reader.options.everything:
            yield Reading("letters", mask, *letters.span("letters"))
            return
    start = skip(_LEADING, reader.text, number)
    slot = reader.read(start) if len(reader.text) - start < _LONGEST_WHOLE else None
    if slot is None or reader.text[slot.end :].strip(_TRAILING):
        return
    yield Reading("option-text" if slot.by_text else "letters", slot.mask, slot.start, slot.end)


def _first_line(reader: AnswerParser) -> Iterator[Reading]:
    text = reader.text
    slot = reader.read_letters(skip(_LEADING, text, 0)) if not text.lstrip().startswith("{") else None
    if slot is None:
        return
    # "ABCDE" alone on its line is an answer, "A B C D E" a list.
    one_run = text[slot.start : slot.end].isalpha() and text[slot.end : slot.end + 1] in ("", "\n")
    if slot.mask == reader.options.everything and not one_run:
        return
    if affirmed_together(text, text[slot.start : slot.end], slot.end, reader.stem):
        return
    delimited = _DELIMITED.match(text, slot.end) or _LETTER_DELIMITED.match(text, slot.start + 1)
    if delimited and not _goes_on(text, slot) and not judges_each(text, slot):
        yield Reading("first-line", slot.mask, slot.start, slot.end)


def _last_line(reader: AnswerParser) -> Iterator[Reading]:
    text = reader.text.rstrip()
    line_start = text.rfind("\n") + 1
    if line_start == 0:
        return
    slot = reader.read_letters(skip(_LEADING, text, line_start))
    if slot is None or slot.mask == reader.options.everything or text[slot.end :].strip(_TRAILING):
        return
    if not _continues_list(text, line_start, slot):
        yield Reading("last-line", slot.mask, slot.start, slot.end)


def _last_word(reader: AnswerParser) -> Iterator[Reading]:
    """… in pregnancy. C"""
    if not reader.letters or reader.letters[-1] < len(reader.text) - _LONGEST_LAST_WORD:
        return
    match = _LAST_WORD.search(reader.text, max(0, len(reader.text) - _LONGEST_LAST_WORD))
    if match is None or any(_ITEM_BEHIND.match(reader.text, place + 1) for place in reader.letters[:-1]):
        return
    mask = mask_of(match["letters"])
    if mask < reader.options.everything:
        yield Reading("last-line", mask, *match.span("letters"))


_ITEM_LINE = r"[ \t>#✅✓✔√☑❌✗✘×☐☒-]*(?:选项)?\(?([A-J])\s*(?:[.:、)]|选项|项)"
_ITEM_ON_A_LINE = re.compile(_ITEM_LINE)
_NEXT_ITEM = re.compile(r"(?:[\n。;,]|\.[ \t])" + _ITEM_LINE)
_FAR = 2_000
_VERDICT = (
    r"[ \t]?[.:、,)\](\[【】-]{0,3}[ \t]?(?:不?正确|错误?(?!误?答案)|不?对|[√×✓✗✔✘✅❌]"
    r"|(?i:(?:in)?correct|wrong|true|false|yes|no)\b)[)\]】]?"
)
_VERDICT_ALONE = re.compile(_VERDICT)
_NEXT_VERDICT = re.compile(
    rf"[^\n]{{0,80}}?[\s。;,.、)】]{{0,3}}(?:选项|[Oo]ption[ \t])?[(\[【]?[A-J]{_VERDICT}"
)


def _goes_on(text: str, first: ParsedAnswer) -> bool:
    """Whether the item of the next letter follows A, or A and B: a list or an analysis of options, no answer."""
    if first.mask & first.mask + 1:
        return False
    item = _NEXT_ITEM.search(text, first.end, first.end + _FAR)
    return item is not None and mask_of(item[1]) == first.mask + 1


def judges_each(text: str, first: ParsedAnswer) -> bool:
    """Whether a verdict follows the first letter and the next one: A(√)B(×), A: True. B: False."""
    if first.mask.bit_count() != 1:
        return False
    verdict = _VERDICT_ALONE.match(text, first.end) or _VERDICT_ALONE.match(text, first.start + 1)
    return verdict is not None and _NEXT_VERDICT.match(text, verdict.end()) is not None


def _continues_list(text: str, line_start: int, last: ParsedAnswer) -> bool:
    """Whether a line goes on with a list of options: the next letter, or right below another item."""
    above = text[:line_start].rstrip()
    item = _ITEM_ON_A_LINE.match(above, above.rfind("\n") + 1)
    if item is None:
        return False
    adjacent = text.count("\n", len(above), line_start) == 1
    return adjacent or (last.named and mask_of(item[1]) << 1 == last.mask)


_KIND = any_of("选项 一?项 说法 叙述 描述 表述 陈述 做法")
_CUE = re.compile(
    r"(?:(?P<negative>" + any_of("错误 不正确 有误 不对 不当 不恰当 不准确") + rf"的{_KIND}?)"
    rf"|(?P<positive>正确的?{_KIND}?|符合题意的(?:选项)?|最佳选项|的))?"
    r"(?:应该?是|应为|是|为|属于|即|(?<=的)(?:有|包括)|(?<=题意的选项)(?=:))"
    r"[:\s\"“(\[【>#•·✅✓✔√☑-]{0,12}(?:(?:\(?1[.、)]|①)[ \t]?)?(?:选项)?[\"“(]{0,2}$"
)
_WORD_OF_A_CUE = re.compile("[是为属即有括选]")
_LONGEST_CUE = 30
_NOT_BEFORE_COPULA = re.compile(
    any_of("不 非 还 并 均 都 分别 认 因 称 视 作 行 以 也可能 也有可能 也许") + "$"
)
_DISMISSED_BEFORE = re.compile(any_of("排除 不选 不考虑 除外 不予 无法"))
_STEM_ENDS = re.compile(r"[)\]\"'”]{0,4}\s*(?:$|[。,;.!?\n:(了]|选项|[两二三四五]?[项个种者]|因为|所以)")
_LISTED_BLANK = re.compile(r"(?:、|和|与|及|以及)[^,。;:!?\n()]{1,40}")
_BLANK_FILLED = re.compile(r"\(\s?(?P<letters>[A-J]{1,5})\s?\)")


def stem_readings(reader: AnswerParser) -> Iterator[Reading]:
    """Readings of the rules stem and negative-stem; a stem that ends in every letter is no answer."""
    text = reader.text
    for position in reader.letters:
        earliest = max(0, position - _LONGEST_CUE)
        if not _WORD_OF_A_CUE.search(text, earliest, position):
            continue
        cue = _CUE.search(text, earliest, position)
        start = 0 if cue is None else cue.start()
        if cue is None or _DISMISSED_BEFORE.search(text, max(0, start - 8), start):
            continue
        if "\n" in cue[0] and _ITEM_ON_A_LINE.match(text, text.rfind("\n", 0, start) + 1):
            continue  # C. 甲 - 是\nD. 乙 - 否
        plain = cue["positive"] is None and cue["negative"] is None
        if plain and _NOT_BEFORE_COPULA.search(text, max(0, start - 4), start):
            continue
        below = read_item_lines(reader, start, position) if "\n" in cue[0] else None
        if below is not None:
            yield Reading("negative-stem" if cue["negative"] else "stem", below.mask, start, below.end)
            continue
        slot = reader.read_letters(cue.end())
        if slot is None or slot.mask == reader.options.everything or _goes_on(text, slot):
            continue
        if _STEM_ENDS.match(text, slot.end):
            yield Reading("negative-stem" if cue["negative"] else "stem", slot.mask, start, slot.end)
    yield from _filled_blank(reader)


def _filled_blank(reader: AnswerParser) -> Iterator[Reading]:
    """青光眼首选(A): one blank of the first line; behind an option's text the text says which is meant."""
    if not reader.letters:
        return
    blanks = [blank for blank in _BLANK_FILLED.finditer(reader.text) if blank.start() > 0]
    if not blanks or "\n" in reader.text[: blanks[0].start()] or reader.text[blanks[0].start() - 1] in " (":
        return
    first = blanks[0]
    if len({blank["letters"] for blank in blanks}) > 1:
        mask = mask_of("".join(blank["letters"] for blank in blanks))
        end = blanks[-1].end()
        listed = all(_LISTED_BLANK.fullmatch(reader.text, a.end(), b.start()) for a, b in pairwise(blanks))
        if listed and mask < reader.options.everything and not WRONG_BEHIND.match(reader.text, end):
            yield Reading("stem", mask, first.start(), end)
        return
    named = reader.options.ending_at(reader.lowered, first.start())
    mask = mask_of(first["letters"]) if named is None else 1 << named
    if 0 < mask < reader.options.everything:
        yield Reading("stem", mask, *first.span("letters"))


_TOGETHER = re.compile(rf"{LETTERS_TOGETHER}(?![A-Za-z0-9])")
_OPTION_BEFORE = re.compile(r"(?:选项|[Oo]ption[ \t]|[Cc]hoice[ \t])\(?$")
_OPTION_BEHIND = re.compile(r"选项|项(?!目)")
_POINTED = re.compile(r"[ \t]?(?:[:、)]|\.(?![a-z]))")
_NOT_ALONE = re.compile(r"['+-]|[ ](?!or\b|and\b)[a-z]|\.[a-z]")
_DENIED_BEFORE = re.compile(
    r"\b(?:not|isn't|never|than|unlike|whereas|versus|compared[ \t](?:to|with)"
    r"|(?:superior|preferable|preferred)[ \t](?:to|over))[ \t]+"
    r"(?:the[ \t]+)?(?:option[ \t]+|choice[ \t]+)?[(\"]?$|(?:相比于?|相较于?|较之|不同于|不如|优于|区别于)(?:选项)?$"
)
_LOOK_BACK = 24
_LAST_NAMES = 8
_DISMISSED = re.compile(
    any_of(r"排除 不选 不考虑 除外 不予 无法 不能确定 难以确定 \brul(?:e|ed|ing)_out\b \beliminat \bexclud"),
    re.IGNORECASE,
)


def conclusion_readings(reader: AnswerParser) -> Iterator[Reading]:
    """Readings of the rules conclusion and only-letter."""
    names: list[ParsedAnswer] = []
    for position in reader.letters:
        if not (names and position < names[-1].end) and not _denied(reader, position):
            name = _name_at(reader, position)
            names += [name] if name is not None and name.mask <= reader.options.everything else []
    if names:
        yield from _conclusions(reader, names)
        yield from _only_letter(reader, names)


def _denied(reader: AnswerParser, position: int) -> bool:
    before = reader.lowered[max(0, position - _LOOK_BACK) : position]
    return _DENIED_BEFORE.search(before) is not None


def _name_at(reader: AnswerParser, position: int) -> ParsedAnswer | None:
    text = reader.text
    together = _TOGETHER.match(text, position)
    if together is not None and (
        _OPTION_BEHIND.match(text, together.end())
        or _OPTION_BEFORE.search(text, max(0, position - 9), position)
    ):
        return ParsedAnswer(mask_of(together[0]), position, together.end())
    mask = mask_of(text[position])
    before, behind = text[position - 1 : position], text[position + 1 : position + 2]
    if before == "(" and behind == ")":
        # 躁狂抑郁症(B): the words in front say which option is meant.
        named = reader.options.ending_at(reader.lowered, position - 1)
        mask = mask if named is None else 1 << named
    elif before == "?" or not (
        (before in "。;\n" and behind.isalpha() and not behind.isascii())
        or _POINTED.match(text, position + 1)
    ):
        return None
    return ParsedAnswer(mask, position, position + 1)


def _conclusions(reader: AnswerParser, names: list[ParsedAnswer]) -> Iterator[Reading]:
    found: list[tuple[ParsedAnswer, bool]] = []
    position = 0
    for sentence in SENTENCE.finditer(reader.text) if reader.concludes else ():
        inside = []
        while position < len(names) and names[position].start < sentence.end():
            inside.append(names[position])
            position += 1
        if len({name.mask for name in inside}) != 1 or ITEM.match(sentence[0]):
            continue
        span = sentence.span()
        if concludes(reader.lowered, *span) is None or _DISMISSED.search(reader.lowered, *span):
            continue
        rejected = says_of_option(reader.lowered, inside[-1].end, sentence.end(), reader.stem) is False
        # Without the stem, the one option that a reason in front calls wrong is what the question asks for.
        reasoned = CONCLUDING.match(sentence[0].lstrip()) is None
        if not rejected or (not reader.stem.known and len(names) == 1 and reasoned):
            found.append((inside[-1], FINALLY.search(reader.lowered, *span) is not None))
    # 因此 closes the paragraph on each option as well; then only 综上 and its like conclude the whole.
    each_in_turn = len({name.mask for name, final in found if not final}) > 1
    for name, final in found:
        if (final or not each_in_turn) and name.mask != reader.options.everything:
            yield Reading("conclusion", name.mask, name.start, name.end)


def _only_letter(reader: AnswerParser, names: list[ParsedAnswer]) -> Iterator[Reading]:
    if len({name.mask for name in names}) != 1 or _DISMISSED.search(reader.lowered):
        return
    places = [place for place in reader.letters if not _NOT_ALONE.match(reader.text, place + 1)]
    if len({reader.text[place] for place in places if not _denied(reader, place)}) > 1:
        return
    read = (name for name in reversed(names[-_LAST_NAMES:]) if reader.read_letters(name.start) is not None)
    last = next(read, None)
    if last is not None and last.mask != reader.options.everything:
        yield Reading("only-letter", last.mask, last.start, last.end)
