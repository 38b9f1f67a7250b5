"""Sentences and clauses that name options by their text, and which options they speak for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser
from cmexam_baseline.scoring.extraction.options import Mention
from cmexam_baseline.scoring.extraction.patterns import CLAUSE, SENTENCE, any_of, words

_LIST_MARK = re.compile(r"(?:^|:)\s*(?:[(①-⑳]|\d{1,2}\s?[.、)]|[-•·>#]|[A-Ja-j]\s?[.:、)]|选项)")
_NUMBER = r"[ \t\u3000]*(?:\(\d{1,2}\)|[①-⑳]|\d{1,2}\s?[.、)](?!\d)|[-•·>#]|[A-J]\s?[.:、)])"
_FIRST_NUMBER = re.compile(_NUMBER)
_LATER_NUMBER = re.compile(rf"[\n;。:]{_NUMBER}")
_ITEM_BEHIND = re.compile(r"\s?[.:、)]")
_ITEM_LETTER_BEFORE = re.compile(r"[A-J]\s?[.:、)]\s?$")

_ENUMERATED_BEFORE = ("、", "或", "或者", "例如", "比如", "如", "包括")
_ENUMERATED_BEHIND = ("、", "或", "等")
_GOES_ON_TO_ETC = re.compile(r"(?:,[^,、。;]{1,10}){1,6}等")
_DISMISSED_BEFORE = (
    *words(
        "排除 排除了 不考虑 不选 除外 避免 禁用 不宜 不能 不应 不会 不是 并非 而非 非 无 不 没有 未见"
        " 鉴别 比 不如 优于 不同于 区别于"
    ),
    *(
        f"{word} {article}"
        for word in words(
            "not no n't rule_out exclude rather_than unlike than instead_of compared_to compared_with as_opposed_to versus vs vs."
        )
        for article in ("", "the ", "a ", "an ")
    ),
)
_DISMISSED_BEHIND = words(
    "可能性小 可能性低 可能性不大 的可能性小 的可能性低 的可能性不大 的可能小"
    " 排除 可排除 被排除 可被排除 除外 错误 不正确 不对 不符 不选"
    " _is_not _is_unlikely _is_incorrect _isn't _can_be_ruled _can_be_excluded"
)
_COMPARED_BEFORE = words("than_ than_the_ than_a_ than_an_ 比 不如 优于 而非 而不是")
_CLAIM_BEFORE = re.compile(
    any_of(
        r"是 为 即 属于 选用? 选择 考虑 诊断 患有 患了 导致 引起的? 由于? 给予 应行 应做 进行 采用 (?:可|选|应|使|常|宜)用 合并"
        r" 超过 约 : \bis \bare \bbe \bwas with"
    )
    + r"\s?(?:由|因|了|[\"“'(]|the |an? |于|行){0,4}$"
)
_CLAIM_BEHIND = re.compile(
    r"[)\"”']?\s?(?:\([^()]{0,40}\))?\s?\.?\s?"
    + any_of("引起的? 所致的? 导致的? 造成的? 产生的? 的可能性?大? 内 左右 以?上?的?")
    + r"?\s*$"
)


class Part(NamedTuple):
    """A sentence or clause text[start:end] that names options.

    `named` are all of them; `spoken_for` those that it neither enumerates (甲、乙等) nor dismisses (排除甲).
    """

    start: int
    end: int
    number: int
    named: list[Mention]
    spoken_for: list[Mention]
    listed: bool
    dismisses: bool
    compared: frozenset[int] = frozenset()

    @property
    def indexes(self) -> frozenset[int]:
        """The options that the part names."""
        return frozenset(mention.index for mention in self.named)

    @property
    def only(self) -> Mention | None:
        """The last mention if the part names one option only, and speaks for it."""
        return self.spoken_for[-1] if self.spoken_for and len(self.indexes - self.compared) == 1 else None

    def is_only_an_option(self, text: str) -> bool:
        """Whether the part is nothing but an option's text."""
        mention = self.named[-1]
        return text[self.start : self.end].strip() == text[mention.start : mention.end]

    @property
    def begins_with_option(self) -> bool:
        """Whether an option is the subject of the part."""
        return self.named[0].start - self.start <= 2


def parts_of(reader: AnswerParser) -> tuple[list[Part], list[Part]]:
    """The sentences that name options and the clauses that do, in order."""
    mentions = _free_mentions(reader)
    if not mentions:
        return [], []
    numbers = len(_LATER_NUMBER.findall(reader.text)) + (_FIRST_NUMBER.match(reader.text) is not None)
    sentences = list(_parts(reader, SENTENCE, (0, len(reader.text)), mentions, numbers > 1))
    clauses = [
        clause
        for sentence in sentences
        for clause in _parts(reader, CLAUSE, (sentence.start, sentence.end), sentence.named, numbers > 1)
    ]
    return sentences, clauses


def is_claim(reader: AnswerParser, part: Part, mention: Mention) -> bool:
    """Whether a part ends in the option, or says that something is the option."""
    text = reader.lowered
    if _CLAIM_BEHIND.match(text, mention.end, part.end):
        return True
    return is_claimed_from(reader, part, mention.start)


def is_claimed_from(reader: AnswerParser, part: Part, position: int) -> bool:
    """Whether 是 or another word that claims precedes `position`."""
    return _CLAIM_BEFORE.search(reader.lowered, max(part.start, position - 12), position) is not None


def _parts(
    reader: AnswerParser,
    pattern: re.Pattern[str],
    within: tuple[int, int],
    mentions: list[Mention],
    numbered: bool,
) -> Iterator[Part]:
    """The stretches of text[slice(*within)] that match `pattern` and hold some of the mentions."""
    position = 0
    said = (match for match in pattern.finditer(reader.lowered, *within) if not match[0].isspace())
    for number, match in enumerate(said):
        if position == len(mentions):
            return
        end = match.end()
        first = position
        while position < len(mentions) and mentions[position].start < end:
            position += 1
        if position > first:
            yield _part(reader, match, number, mentions[first:position], numbered)


def _part(
    reader: AnswerParser, match: re.Match[str], number: int, named: list[Mention], numbered: bool
) -> Part:
    start, end = match.span()
    dismissed = [mention for mention in named if _is_dismissed(reader.lowered, mention)]
    spoken_for = [
        mention
        for mention in named
        if mention not in dismissed and not _is_enumerated(reader.lowered, mention)
    ]
    listed = numbered and _LIST_MARK.search(match[0]) is not None
    compared = frozenset(
        mention.index for mention in dismissed if reader.lowered.endswith(_COMPARED_BEFORE, 0, mention.start)
    )
    return Part(start, end, number, named, spoken_for, listed, bool(dismissed), compared)


def _free_mentions(reader: AnswerParser) -> list[Mention]:
    """The mentions that are not items of a list by letter."""
    if not reader.mentions or len(reader.letters) < 2:
        return reader.mentions
    items = {reader.text[place] for place in reader.letters if _ITEM_BEHIND.match(reader.text, place + 1)}
    if len(items) < 2:
        return reader.mentions
    return [
        mention
        for mention in reader.mentions
        if not _ITEM_LETTER_BEFORE.search(reader.text, max(0, mention.start - 4), mention.start)
    ]


def _is_dismissed(text: str, mention: Mention) -> bool:
    return text.endswith(_DISMISSED_BEFORE, 0, mention.start) or text.startswith(
        _DISMISSED_BEHIND, mention.end
    )


def _is_enumerated(text: str, mention: Mention) -> bool:
    if text.startswith(_ENUMERATED_BEHIND, mention.end) or _GOES_ON_TO_ETC.match(text, mention.end):
        return True
    return text.endswith(_ENUMERATED_BEFORE, 0, mention.start) and not text.endswith(
        "不包括", 0, mention.start
    )
