"""Answers that name no letter but an option by its text: 首选药物是阿托品。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from cmexam_baseline.scoring.extraction.answer_parser import SlotReader
from cmexam_baseline.scoring.extraction.options import Mention
from cmexam_baseline.scoring.extraction.patterns import CLAUSE, SENTENCE, SUPPOSED, any_of, concludes
from cmexam_baseline.scoring.extraction.rules import Reading

_LIST_MARK = re.compile(r"(?:^|:)\s*(?:[(①-⑳]|\d{1,2}\s?[.、)]|[-•·>#]|[A-Ha-h]\s?[.:、)]|选项)")
_NUMBER = r"[ \t\u3000]*(?:\(\d{1,2}\)|[①-⑳]|\d{1,2}\s?[.、)](?!\d)|[-•·>#]|[A-H]\s?[.:、)])"
_FIRST_NUMBER = re.compile(_NUMBER)
_LATER_NUMBER = re.compile(rf"[\n;。:]{_NUMBER}")
_ITEM_BEHIND = re.compile(r"\s?[.:、)]")
_ITEM_LETTER_BEFORE = re.compile(r"[A-H]\s?[.:、)]\s?$")

_ENUMERATED_BEFORE = ("、", "或", "或者", "例如", "比如", "如", "包括")
_ENUMERATED_BEHIND = ("、", "或", "等")
_GOES_ON_TO_ETC = re.compile(r"(?:,[^,、。;]{1,10}){1,6}等")
_DISMISSED_BEFORE = (
    *(
        "排除",
        "排除了",
        "不考虑",
        "不选",
        "除外",
        "避免",
        "禁用",
        "不宜",
        "不能",
        "不应",
        "不会",
        "不是",
        "并非",
        "而非",
    ),
    *("非", "无", "不", "没有", "未见", "鉴别"),
    *(
        f"{word} {article}"
        for word in ("not", "no", "n't", "rule out", "exclude", "rather than", "unlike")
        for article in ("", "the ", "a ", "an ")
    ),
)
_DISMISSED_BEHIND = (
    *(
        "可能性小",
        "可能性低",
        "可能性不大",
        "的可能性小",
        "的可能性低",
        "的可能性不大",
        "的可能小",
        "排除",
        "可排除",
    ),
    *("被排除", "可被排除", "除外", "错误", "不正确", "不对", "不符", "不选"),
    *(" is not", " is unlikely", " is incorrect", " isn't", " can be ruled", " can be excluded"),
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
    numbers = len(_LATER_NUMBER.findall(reader.text)) + (_FIRST_NUMBER.match(reader.text) is not None)
    sentences = list(_parts(reader, SENTENCE, (0, len(reader.text)), mentions, numbers > 1))
    clauses = [
        clause
        for sentence in sentences
        for clause in _parts(reader, CLAUSE, (sentence.start, sentence.end), sentence.named, numbers > 1)
    ]
    return sentences, clauses


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
    reader: SlotReader,
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
    reader: SlotReader, match: re.Match[str], number: int, named: list[Mention], numbered: bool
) -> Part:
    start, end = match.span()
    dismissed = [mention for mention in named if _is_dismissed(reader.lowered, mention)]
    spoken_for = [
        mention
        for mention in named
        if mention not in dismissed and not _is_enumerated(reader.lowered, mention)
    ]
    listed = numbered and _LIST_MARK.search(match[0]) is not None
    return Part(start, end, number, named, spoken_for, listed, bool(dismissed))


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


_SUPERLATIVE = re.compile(
    any_of(
        r"最(?:常|多见|主要|重要|有?可能|佳|合适|适|易|容易|有效|敏感|特异|根本|突出|典型|早|先|宜|基本|关键|严重|具)"
        r" 最好的?(?:方法|选择|治疗)"
        r" 首选 首要 较为?常见 \b(?:most_(?:likely|common|appropriate)|first[- ]line|best|drug_of_choice)\b"
    )
    + "|主要的?[^,。;是为]{0,8}?"
    + any_of(
        "途径 原因 方法 因素 部位 类型 治疗 病因 药物 机制 来源 指标 依据 并发症 成分 细胞 方式 手段 措施"
        " 标志 特征 离子"
    ),
    re.IGNORECASE,
)
_NOTHING_FITS = re.compile(r"没有(?:一个)?(?:正确|合适|符合)|无正确|(?:都|均)(?:不正确|不对|不符|错误|不是)")
_ALL_CLAIMED = re.compile(
    r"(?<!、)(?:(?:以上|上述|前述|所有)[^,。;\n]{0,6}?(?:都|均|皆|全部?|全都)(?P<none>不|非|无|没|未|错)?[^,。;\n]{0,8}"
    r"|all of the above|(?P<none_en>none of the above))",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s?(?:、|,|和|与|及|以及|and)\s?")
_LARGEST_GROUP = 3
_LEAD_ENDS_BEFORE = 5


def wording_readings(reader: SlotReader) -> Iterator[Reading]:
    """Readings of the rules that need option texts."""
    if not reader.options.known:
        return
    yield from _all_of_the_above(reader)
    sentences, clauses = parts_of(reader)
    if sentences:
        yield from _conclusions(reader, sentences, clauses)
        yield from _lead(reader, sentences, clauses)
        yield from _superlative(reader, sentences, clauses)
        yield from _only_text(reader, sentences)


def _reading(rule: str, mention: Mention) -> Reading:
    return Reading(rule, 1 << mention.index, mention.start, mention.end)


def _all_of_the_above(reader: SlotReader) -> Iterator[Reading]:
    if reader.options.all_of_them is None and reader.options.none_of_them is None:
        return
    for match in _ALL_CLAIMED.finditer(reader.lowered):
        none = match["none"] or match["none_en"]
        option = reader.options.none_of_them if none else reader.options.all_of_them
        if option is not None:
            yield Reading("all-of-the-above", 1 << option, match.start(), match.end())


def _conclusions(reader: SlotReader, sentences: list[Part], clauses: list[Part]) -> Iterator[Reading]:
    in_turn = _each_in_turn(sentences)
    for sentence, inside in _with_clauses(sentences, clauses):
        conclusion = concludes(reader.lowered, sentence.start, sentence.end)
        if conclusion is None or sentence.listed or (in_turn and sentence.begins_with_option):
            continue
        if _NOTHING_FITS.search(reader.lowered, sentence.start, sentence.end):
            continue
        behind = [clause for clause in inside if clause.end > conclusion]
        mention = sentence.only or _last_claim(reader, behind)
        if mention is not None:
            yield _reading("conclusion-text", mention)
        else:
            yield from _group(reader, "conclusion-text", sentence)


def _with_clauses(sentences: list[Part], clauses: list[Part]) -> Iterator[tuple[Part, list[Part]]]:
    """Each sentence with its clauses."""
    position = 0
    for sentence in sentences:
        inside = []
        while position < len(clauses) and clauses[position].start < sentence.end:
            inside.append(clauses[position])
            position += 1
        yield sentence, inside


def _last_claim(reader: SlotReader, clauses: list[Part]) -> Mention | None:
    """The option that the last of the clauses with one option claims."""
    for clause in reversed(clauses):
        if clause.only is not None and is_claim(reader, clause, clause.only):
            return clause.only
    return None


def _lead(reader: SlotReader, sentences: list[Part], clauses: list[Part]) -> Iterator[Reading]:
    """The first sentence that mentions an option, if it claims exactly one; a later list does not matter."""
    first, inside = next(_with_clauses(sentences, clauses))
    if first.number >= _LEAD_ENDS_BEFORE or first.listed or _restates(reader, first):
        return
    if _is_heading_of_all(reader, sentences):
        yield _reading("lead-text", first.named[-1])
        return
    if _each_in_turn(sentences) or _claims_several(reader, sentences):
        return
    claimed = first.only is not None and is_claim(reader, first, first.only)
    mention = first.only if claimed else _first_claim(reader, inside)
    if mention is not None:
        if not SUPPOSED.search(reader.lowered, first.start, mention.start):
            yield _reading("lead-text", mention)
    else:
        yield from _group(reader, "lead-text", first)


def _is_heading_of_all(reader: SlotReader, sentences: list[Part]) -> bool:
    """Whether the text begins with one option, alone, and with no other option in the same way."""
    alone = {part.named[-1].index for part in sentences if part.is_only_an_option(reader.lowered)}
    return sentences[0].number == 0 and alone == sentences[0].indexes


def _first_claim(reader: SlotReader, clauses: list[Part]) -> Mention | None:
    """The option that the first clause claims, unless other clauses claim others or list them (甲，乙，丙)."""
    meant = [clause for clause in clauses if clause.spoken_for or not clause.dismisses]
    mention = meant[0].only if meant else None
    if mention is None:
        return None
    claimed = {clause.only.index for clause in meant if clause.only and is_claim(reader, clause, clause.only)}
    goes_on = len(meant) > 1 and meant[1].begins_with_option and meant[1].start <= meant[0].end + 1
    return mention if claimed == {mention.index} and not goes_on else None


def _group(reader: SlotReader, rule: str, part: Part) -> Iterator[Reading]:
    """主要途径是甲和乙。: two or three options, fewer than all but one, joined at the end of a claim."""
    members, text = part.named, reader.lowered
    if not 2 <= len(part.indexes) == len(members) <= min(_LARGEST_GROUP, reader.options.count - 2):
        return
    joined = all(_JOINED.fullmatch(text, a.end, b.start) for a, b in pairwise(members))
    at_the_end = not text[members[-1].end : part.end].strip(' .)"”')
    if joined and at_the_end and is_claimed_from(reader, part, members[0].start):
        mask = sum(1 << index for index in part.indexes)
        yield Reading(rule, mask, members[0].start, members[-1].end)


def _claims_several(reader: SlotReader, sentences: list[Part]) -> bool:
    """Whether several sentences claim several options, each its own: a list in sentences."""
    claimed = {
        part.only.index
        for part in sentences
        if part.only and not part.listed and is_claim(reader, part, part.only)
    }
    return len(claimed) >= min(3, reader.options.count)


def _each_in_turn(sentences: list[Part]) -> bool:
    """Whether sentences begin with one option after the other: a description of each, no choice."""
    subjects = {part.named[0].index for part in sentences if part.begins_with_option}
    return len(subjects) > 1 and sentences[0].named[0].index in subjects


def _superlative(reader: SlotReader, sentences: list[Part], clauses: list[Part]) -> Iterator[Reading]:
    found = [
        part.only
        for part in (*sentences, *clauses)
        if part.only is not None and _SUPERLATIVE.search(reader.lowered, part.start, part.end)
    ]
    if len({mention.index for mention in found}) == 1:
        yield _reading("superlative-text", found[-1])


def _only_text(reader: SlotReader, sentences: list[Part]) -> Iterator[Reading]:
    if len({index for sentence in sentences for index in sentence.indexes}) != 1:
        return
    prominent = [
        sentence.spoken_for[-1]
        for sentence in sentences
        if sentence.spoken_for and _is_prominent(reader, sentence) and not _restates(reader, sentence)
    ]
    if prominent:
        yield _reading("only-text", prominent[-1])


def _is_prominent(reader: SlotReader, sentence: Part) -> bool:
    """Whether a sentence is one of the first two or the last; amid a long text an option is mere mention."""
    return sentence.number < 2 or not reader.text[sentence.end :].strip("。.!\n ")


def _restates(reader: SlotReader, sentence: Part) -> bool:
    """A sentence that is nothing but an option, or an item of a list, amid others: a statement, no answer."""
    if sentence.listed:
        return True
    alone = sentence.is_only_an_option(reader.lowered)
    return alone and sentence.number > 0 and reader.lowered[sentence.end :].strip("。.\n ") != ""
