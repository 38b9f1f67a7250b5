"""Answers that have a line each, below the phrase that states them: - **C. 氟西汀**：符合题意."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser, ParsedAnswer
from cmexam_baseline.scoring.extraction.patterns import WRONG_BEHIND, mask_of, says_of_option, skip

_HEAD = (
    r"[ \t]{0,12}(?P<mark>[-•·●*+>#]{1,4}|\(?\d{1,2}[.、)]|[①-⑩]|(?=[✅✓✔√☑❌✗✘×]|\[))?[ \t]{0,8}"
    r"(?:(?P<right>[✅✓✔√☑]|\[[xX√✓✔]\])|(?P<wrong>[❌✗✘×]|\[ ?\]))?[ \t]{0,8}"
)
_LINE = re.compile(rf"{_HEAD}(?=(?P<letter>[(\[【\"“「]?(?:选项|[Oo]ption )?[A-J](?![A-Za-z0-9]))?)")
_MARKS = re.compile(r"(?:[\s>#*•·●+✅✓✔√☑\d.、()\[\]\"“「①-⑩-]|选项)*")
_TO_THE_NEXT_LINE = re.compile(r"[ \t:]{0,12}\n\s*")
_NAME_ENDS = re.compile(r"[ \t]{0,4}(?:选项|项)?[ \t]{0,4}(?:$|[\n.、:,;。(\[–—-])")
# What explains an option may have lines of its own, but for a heading and what is said of other options.
_BEHIND_A_LINE = re.compile(r"\s*\n")
_INDENTED = re.compile(r"\n[ \t]+[^\n]*")
_EXPLAINS = re.compile(
    r"\n(?![^\n]{0,300}(?:错|不选|排除|其他|其它|其余|干扰|[Ww]rong|ncorrect|ther |:[ \t]*\n))[^\n]{1,300}(?=\n)"
)
_ONE_LINE = re.compile(r"[^\n]+")
_LETTER = re.compile(r"(?<![A-Za-z])[A-J](?=[ \t]?[.、:)])")
_NEXT_OPTION = re.compile(r"[ \t;,。]*(?:\n|$|[A-J][ \t]?[.、:)])")
_CALLED = r"[ \t*]{0,4}(?:[本此该][题项])?[是为]?(?:正确|标准|应|the|correct|right)?[ \t]?的?"
_BEFORE_THE_PHRASE = re.compile(rf"[ \t*]{{0,4}}(?:[(\[【]|[-—←<=]{{1,4}})?{_CALLED}", re.IGNORECASE)
_REMARK = re.compile(rf"[(\[【]{_CALLED}(?P<phrase>[^\s:=()\[\]【】]{{1,8}})[)\]】]", re.IGNORECASE)
_LONGEST_LIST = 10
_LONGEST_LEAD = 12
_LONGEST_LINE = 400
_LONGEST_EXPLANATION = 4


class _Line(NamedTuple):
    """An option on a line of its own: with a mark in front or not, called right or wrong or neither."""

    mask: int
    start: int
    end: int
    named: bool
    marked: bool
    right: bool | None


def read_item_lines(reader: AnswerParser, phrase_start: int, phrase_end: int) -> ParsedAnswer | None:
    """The options that the lines below the phrase name, at least two; None where they are no list of answers.

    Lines that call their option wrong are left out. A list without marks (-, 1., ✅) counts only where the stem
    asks for several or each line affirms its option: else the lines behind the first may discuss other options.
    """
    text, several = reader.text, reader.stem.several
    if not several and text.find("\n", phrase_start, phrase_end + _LONGEST_LEAD) < 0:
        return None
    first = text.rfind("\n", phrase_start, phrase_end) + 1
    if first and _MARKS.fullmatch(text, first, phrase_end) is None:
        return None
    # The marks of the first line may not belong to the phrase: 答案：\n✅ C
    first = first or skip(_TO_THE_NEXT_LINE, text, phrase_end)
    below = "\n" in text[phrase_start:first]
    if not (below or several) or _ends_an_item(reader, phrase_start):
        return None
    lines = list(_lines(reader, first))
    named = [line for line in lines if line.right is not False]
    # 答案：C. 氟西汀，SSRI\nD. 帕罗西汀，SSRI: the first beside the phrase, the others in order.
    if not below and not (lines and lines[0].named and all(a.mask < b.mask for a, b in pairwise(lines))):
        return None
    mask = 0
    for line in named:
        mask |= line.mask
    affirmed = all(line.right for line in named)
    listed = (
        all(line.marked for line in lines) and len(named) == len(lines) and mask < reader.options.everything
    )
    if mask.bit_count() < 2 or not (several or affirmed or listed):
        return None
    if not below and mask == reader.options.everything:
        return None
    return ParsedAnswer(mask, named[0].start, named[-1].end, named=True)


def read_marked_items(reader: AnswerParser, phrase_start: int, phrase_end: int) -> ParsedAnswer | None:
    """Of a list of options those whose lines end with the phrase: C. 角回(正确答案)\\nD. 额下回"""
    text = reader.text
    phrase = text[phrase_start:phrase_end]
    remark = _REMARK.match(text, max(text.rfind(bracket, 0, phrase_start) for bracket in "([【"))
    if remark is not None and remark.start("phrase") == phrase_start:
        return _with_remark(reader, remark)
    if any(mark in phrase for mark in ":=是为") or not ("\n" in phrase or phrase_end == len(text)):
        return None
    begin, end = text.rfind("\n", 0, phrase_start) + 1, text.find("\n", phrase_start)
    item = _item_with_text(reader, begin)
    if item is None or not _BEFORE_THE_PHRASE.fullmatch(text, item.end, phrase_start):
        return None
    called, mask = text[item.end : end if end >= 0 else len(text)], 0
    for line in _ONE_LINE.finditer(text):
        item = _item_with_text(reader, line.start()) if line[0].endswith(called) else None
        mask |= item.mask if item is not None and item.end == line.end() - len(called) else 0
    return _marked(reader, mask, (phrase_start, phrase_end))


def _with_remark(reader: AnswerParser, remark: re.Match[str]) -> ParsedAnswer | None:
    """The options with the remark behind them: A. 甲 B. 乙(正确答案) C. 丙. A heading (【答案】 A) is none."""
    text, mask, place = reader.text, 0, reader.text.find(remark[0])
    while place >= 0:
        before = text[text.rfind("\n", 0, place) + 1 : place].rstrip()
        option = reader.options.ending_at(reader.lowered, len(text[:place].rstrip())) if before else None
        if option is not None:
            mask |= 1 << option
        elif before and before[-1] not in "。;,.!?:" and _NEXT_OPTION.match(text, place + len(remark[0])):
            mask |= mask_of("".join(_LETTER.findall(before)[-1:]))
        place = text.find(remark[0], place + 1)
    return _marked(reader, mask, remark.span())


def _marked(reader: AnswerParser, mask: int, span: tuple[int, int]) -> ParsedAnswer | None:
    """The marked options; no answer where all of them are and one is asked for."""
    every = mask == reader.options.everything and not reader.stem.several
    return ParsedAnswer(0 if every else mask, *span, named=True) if mask else None


def _item_with_text(reader: AnswerParser, position: int) -> ParsedAnswer | None:
    head = _LINE.match(reader.text, position)
    item = _item(reader, head) if head and head["letter"] else None
    return item if item is not None and item.named else None


def _ends_an_item(reader: AnswerParser, phrase_start: int) -> bool:
    """Whether the phrase is the verdict at the end of an item (1. 甲药 正确答案) and no heading."""
    start = reader.text.rfind("\n", 0, phrase_start) + 1
    head = _LINE.match(reader.text, start)
    if head is None or head.end() >= phrase_start:
        return False
    of_an_option = head["letter"] or reader.options.match_at(reader.lowered, head.end())
    return bool(of_an_option or (head["mark"] and phrase_start - head.end() > _LONGEST_LEAD))


def _lines(reader: AnswerParser, position: int) -> Iterator[_Line]:
    """The lines from `position` on that begin with an option, up to one that does not."""
    text, style, above, line_end = reader.text, None, 0, 0
    for _ in range(_LONGEST_LIST):
        head = _LINE.match(text, position)
        if head is None:
            return
        item = _item(reader, head)
        # Each line begins as the first does: with a bullet, a number, a tick or the letter.
        own_style = (head["mark"] or "")[:1]
        own_style = "1" if own_style.isdigit() or own_style in "(①②③④⑤⑥⑦⑧⑨⑩" and own_style else own_style
        style = own_style if style is None else style
        if item is None or own_style != style or not _NAME_ENDS.match(text, item.end):
            return
        # Answers come in order: behind a blank line or a reason, an earlier letter begins another list.
        if head["letter"] and item.mask < above and "\n" in text[line_end + 1 : position]:
            return
        longest = min(len(text), item.end + _LONGEST_LINE)
        line_end = text.find("\n", item.end, longest)
        last, line_end = line_end < 0, longest if line_end < 0 else line_end
        right: bool | None = (
            True if head["right"] else says_of_option(reader.lowered, item.end, line_end, reader.stem)
        )
        if head["wrong"] or (not reader.stem.negative and WRONG_BEHIND.match(text, item.end, line_end)):
            right = False
        yield _Line(item.mask, item.start, item.end, item.named, bool(head["mark"] or head["right"]), right)
        if last:
            return
        position, above = _next_line(reader, line_end), item.mask


def _item(reader: AnswerParser, head: re.Match[str]) -> ParsedAnswer | None:
    """The letter behind the marks of a line, perhaps with its option's text, or the text alone."""
    if head["letter"]:
        item = reader.item(head.end())
        return ParsedAnswer(item.mask, item.start, item.end, named=item.named) if item else None
    mention = reader.options.match_at(reader.lowered, head.end())
    return ParsedAnswer(1 << mention.option, mention.start, mention.end, by_text=True) if mention else None


def _next_line(reader: AnswerParser, position: int) -> int:
    """Where the next line of the list may begin: behind blank lines and what explains the option above."""
    text = reader.text
    for _ in range(_LONGEST_EXPLANATION):
        behind = skip(_BEHIND_A_LINE, text, position)
        head = _LINE.match(text, behind)
        if head and (head["letter"] or reader.options.match_at(reader.lowered, head.end())):
            return behind
        explains = _INDENTED.match(text, position) or (
            reader.stem.several and _EXPLAINS.match(text, position)
        )
        if not explains:
            return behind
        position = explains.end()
    return position
