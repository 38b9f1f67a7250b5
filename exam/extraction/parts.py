"""Sentences and clauses that name options by their text, and which options they speak for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cmexam_baseline.exam.extraction.option_texts import Mention
from cmexam_baseline.exam.extraction.slots import SlotReader
from cmexam_baseline.exam.extraction.words import CLAUSE, SENTENCE, any_of

_LIST_MARK = re.compile(r"(?:^|:)\s*(?:[(①-⑳]|\d{1,2}\s?[.、)]|[-•·>#]|[A-Ha-h]\s?[.:、)]|选项)")
_NUMBERED_LINE = re.compile(
    r"(?:^|[\n;。:])[ \t\u3000]*(?:\(\d{1,2}\)|[①-⑳]|\d{1,2}\s?[.、)](?!\d)|[-•·>#]|[A-H]\s?[.:、)])"
)
_ITEM_BEHIND = re.compile(r"\s?[.:、)]")
_ITEM_LETTER_BEFORE = re.compile(r"[A-H]\s?[.:、)]\s?$")

_ENUMERATED_BEFORE = re.compile(any_of("、 或者? (?<!不)包括 例如 比如 如") + r"\s?$")
_ENUMERATED_BEHIND = re.compile(r"\s?" + any_of("、 或者? 等 (?:,[^,、。;]{1,10}){1,6}等"))
_DISMISSED_BEFORE = re.compile(
    any_of(
        r"排除了? 不考虑 不选 除外 避免 禁用 不宜 不能 不应 不会 不是 并非 而非 非 无 不 没有 未见 鉴别"
        r" \bnot \bno n't rule_out exclude"
        r" rather_than unlike"
    )
    + r"\s?(?:the |an? )?$"
)
_DISMISSED_BEHIND = re.compile(
    r"\s?"
    + any_of(
        "的?可能性?(?:小|低|不大) 可?被?排除 除外 错误 不正确 不对 不符 不选"
        " is_(?:not|unlikely|incorrect) isn't"
        " can_be_(?:ruled|excluded)"
    )
)
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
_FAR = 20


@dataclass(frozen=True)
class Part:
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

    @property
    def indexes(self) -> frozenset[int]:
        """The options that the part names."""
        return frozenset(mention.index for mention in self.named)

    @property
    def only(self) -> Mention | None:
        """The last mention if the part names one option only, and speaks for it."""
        return self.spoken_for[-1] if self.spoken_for and len(self.indexes) == 1 else None

    def is_only_an_option(self, text: str) -> bool:
        """Whether the part is nothing but an option's text."""
        mention = self.named[-1]
        return text[self.start : self.end].strip() == text[mention.start : mention.end]

    @property
    def begins_with_option(self) -> bool:
        """Whether an option is the subject of the part."""
        return self.named[0].start - self.start <= 2


def parts_of(reader: SlotReader) -> tuple[list[Part], list[Part]]:
    """The sentences that name options and the clauses that do, in order."""
    mentions = _free_mentions(reader)
    if not mentions:
        return [], []
    numbered = len(_NUMBERED_LINE.findall(reader.text)) > 1
    sentences = list(_parts(reader, SENTENCE, mentions, numbered))
    return sentences, list(_parts(reader, CLAUSE, mentions, numbered))


def is_claim(reader: SlotReader, part: Part, mention: Mention) -> bool:
    """Whether a part ends in the option, or says that something is the option."""
    text = reader.lowered
    if _CLAIM_BEHIND.match(text, mention.end, part.end):
        return True
    return is_claimed_from(reader, part, mention.start)


def is_claimed_from(reader: SlotReader, part: Part, position: int) -> bool:
    """Whether 是 or another word that claims stands right before `position`."""
    return _CLAIM_BEFORE.search(reader.lowered, max(part.start, position - 12), position) is not None


def _parts(
    reader: SlotReader, pattern: re.Pattern[str], mentions: list[Mention], numbered: bool
) -> Iterator[Part]:
    position = 0
    for number, match in enumerate(pattern.finditer(reader.lowered)):
        named = []
        while position < len(mentions) and mentions[position].start < match.end():
            named.append(mentions[position])
            position += 1
        if named:
            dismissed = [mention for mention in named if _is_dismissed(reader, mention, *match.span())]
            spoken_for = [
                mention
                for mention in named
                if mention not in dismissed and not _is_enumerated(reader, mention, match.start())
            ]
            listed = numbered and _LIST_MARK.search(match[0]) is not None
            yield Part(match.start(), match.end(), number, named, spoken_for, listed, bool(dismissed))


def _free_mentions(reader: SlotReader) -> list[Mention]:
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


def _is_dismissed(reader: SlotReader, mention: Mention, start: int, end: int) -> bool:
    before, behind = max(start, mention.start - _FAR), min(end, mention.end + _FAR)
    return (
        _DISMISSED_BEFORE.search(reader.lowered, before, mention.start) is not None
        or _DISMISSED_BEHIND.match(reader.lowered, mention.end, behind) is not None
    )


def _is_enumerated(reader: SlotReader, mention: Mention, start: int) -> bool:
    before = max(start, mention.start - _FAR)
    return (
        _ENUMERATED_BEFORE.search(reader.lowered, before, mention.start) is not None
        or _ENUMERATED_BEHIND.match(reader.lowered, mention.end) is not None
    )
