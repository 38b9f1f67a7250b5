"""Answers that name no letter but an option by its text: 首选药物是阿托品。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser
from cmexam_baseline.scoring.extraction.extract import Reading
from cmexam_baseline.scoring.extraction.options import Mention
from cmexam_baseline.scoring.extraction.patterns import (
    CLAUSE,
    FINALLY,
    SENTENCE,
    SUPPOSED,
    any_of,
    concludes,
    says_of_option,
    words,
)

_SUPERLATIVE = re.compile(
    any_of(
        "最(?:常|多见|主要|重要|有?可能|佳|合适|适|易|容易|有效|敏感|特异|根本|突出|典型|早|先|宜|基本|关键|严重|具)"
        " 最好的?(?:方法|选择|治疗) 更(?:能|可能|符合|支持|适合|合适) 首选 首要 较为?常见"
        r" \b(?:most_(?:likely|common|appropriate)|first[- ]line|best|drug_of_choice|better_than)\b"
    )
    + "|主要的?[^,。;是为]{0,8}?"
    + any_of(
        "途径 原因 方法 因素 部位 类型 治疗 病因 药物 机制 来源 指标 依据 并发症 成分 细胞 方式 手段 措施"
        " 标志 特征 离子"
    ),
    re.IGNORECASE,
)
_ALL_CLAIMED = re.compile(
    r"(?<!、)(?:(?:以上|上述|前述|所有)[^,。;\n]{0,6}?(?:都|均|皆|全部?|全都)(?P<none>不|非|无|没|未|错)?[^,。;\n]{0,8}"
    r"|all of the above|(?P<none_en>none of the above))",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\s?(?:、|,|和|与|及|以及|and)\s?")
_LONGEST_REMARK = 100
_WORD = re.compile(r"[^\W\d_]")
_LARGEST_GROUP = 3
_LEAD_ENDS_BEFORE = 5


def wording_readings(reader: AnswerParser) -> Iterator[Reading]:
    """Readings of the rules that need option texts."""
    if not reader.options.known:
        return
    yield from _all_of_the_above(reader)
    sentences = _sentences(reader)
    if sentences:
        for rule in (_conclusions, _lead, _superlative, _only_text):
            yield from rule(reader, sentences)


def _reading(rule: str, mention: Mention) -> Reading:
    return Reading(rule, 1 << mention.option, mention.start, mention.end)


def _all_of_the_above(reader: AnswerParser) -> Iterator[Reading]:
    if reader.options.all_of_them is None and reader.options.none_of_them is None:
        return
    for match in _ALL_CLAIMED.finditer(reader.lowered):
        none = match["none"] or match["none_en"]
        option = reader.options.none_of_them if none else reader.options.all_of_them
        if option is not None:
            yield Reading("all-of-the-above", 1 << option, match.start(), match.end())


def _conclusions(reader: AnswerParser, sentences: list[Part]) -> Iterator[Reading]:
    """What concluding sentences claim; 因此 may conclude on each option in turn, then only 综上 counts."""
    found = list(_concluded(reader, sentences)) if reader.concludes else []
    in_turn = len({reading.mask for reading, final in found if not final}) > 1
    yield from (reading for reading, final in found if final or not in_turn)


def _concluded(reader: AnswerParser, sentences: list[Part]) -> Iterator[tuple[Reading, bool]]:
    in_turn = _each_in_turn(sentences)
    for sentence in sentences:
        conclusion = concludes(reader.lowered, sentence.start, sentence.end)
        if conclusion is None or sentence.listed or (in_turn and sentence.begins_with_option):
            continue
        final = FINALLY.search(reader.lowered, sentence.start, sentence.end) is not None
        behind = [clause for clause in sentence.clauses if clause.end > conclusion]
        right, wrong = _judged(reader, behind)
        if right or wrong:
            if len({found.option for found in right}) == 1:
                yield _reading("conclusion-text", right[-1]), final
            continue
        claimed = (c.only for c in reversed(behind) if c.only is not None and _is_claim(reader, c, c.only))
        mention = sentence.only or next(claimed, None)
        if mention is not None:
            yield _reading("conclusion-text", mention), final
        else:
            yield from ((reading, final) for reading in _group(reader, "conclusion-text", sentence))


def _judged(reader: AnswerParser, clauses: list[Part]) -> tuple[list[Mention], list[Mention]]:
    """The options that the clauses make an answer, and those that they do not: 甲符合规定,而乙违反规定."""
    right: list[Mention] = []
    wrong: list[Mention] = []
    for clause in clauses:
        # 甲比乙更合适 says it of 甲.
        named = [m for m in clause.named if not reader.lowered.endswith(_COMPARED_BEFORE, 0, m.start)]
        for place, mention in enumerate(named, 1):
            end = named[place].start if place < len(named) else clause.end
            called = says_of_option(reader.lowered, mention.end, end, reader.stem)
            if called is not None:
                (right if called else wrong).append(mention)
    return right, wrong


def _lead(reader: AnswerParser, sentences: list[Part]) -> Iterator[Reading]:
    """The first sentence that mentions an option, if it claims exactly one; a later list does not matter."""
    first = sentences[0]
    if first.number >= _LEAD_ENDS_BEFORE or first.listed or _restates(reader, first):
        return
    # A text that begins with one option, alone, and has no other option in the same way.
    alone = {part.named[-1].option for part in sentences if part.is_only_an_option(reader.lowered)}
    if first.number == 0 and alone == first.indexes:
        yield _reading("lead-text", first.named[-1])
        return
    if _each_in_turn(sentences) or _claims_several(reader, sentences):
        return
    claimed = first.only is not None and _is_claim(reader, first, first.only)
    mention = first.only if claimed else _first_claim(reader, first.clauses)
    if mention is None:
        yield from _group(reader, "lead-text", first)
    elif not SUPPOSED.search(reader.lowered, first.start, mention.start):
        yield _reading("lead-text", mention)


def _first_claim(reader: AnswerParser, clauses: list[Part]) -> Mention | None:
    """The option that the first clause claims, unless other clauses claim others or list them (甲，乙，丙)."""
    meant = [clause for clause in clauses if clause.spoken_for or not clause.dismisses]
    mention = meant[0].only if meant else None
    if mention is None:
        return None
    claimed = {
        clause.only.option for clause in meant if clause.only and _is_claim(reader, clause, clause.only)
    }
    goes_on = len(meant) > 1 and meant[1].begins_with_option and meant[1].start <= meant[0].end + 1
    return mention if claimed == {mention.option} and not goes_on else None


def _group(reader: AnswerParser, rule: str, part: Part) -> Iterator[Reading]:
    """主要途径是甲和乙。: two or three options, fewer than all but one, joined at the end of a claim."""
    members, text = part.named, reader.lowered
    if not 2 <= len(part.indexes) == len(members) <= min(_LARGEST_GROUP, reader.options.count - 2):
        return
    joined = all(_JOINED.fullmatch(text, a.end, b.start) for a, b in pairwise(members))
    at_the_end = not text[members[-1].end : part.end].strip(' .)"”')
    if joined and at_the_end and _is_claimed_from(reader, part, members[0].start):
        mask = sum(1 << index for index in part.indexes)
        yield Reading(rule, mask, members[0].start, members[-1].end)


def _claims_several(reader: AnswerParser, sentences: list[Part]) -> bool:
    """Whether several sentences claim several options, each its own: a list in sentences."""
    claimed = {
        part.only.option
        for part in sentences
        if part.only and not part.listed and _is_claim(reader, part, part.only)
    }
    return len(claimed) >= min(3, reader.options.count)


def _each_in_turn(sentences: list[Part]) -> bool:
    """Whether sentences begin with one option after the other: a description of each, no choice."""
    subjects = {part.named[0].option for part in sentences if part.begins_with_option}
    return len(subjects) > 1 and sentences[0].named[0].option in subjects


def _superlative(reader: AnswerParser, sentences: list[Part]) -> Iterator[Reading]:
    found = [
        part.only
        for part in (*sentences, *(clause for sentence in sentences for clause in sentence.clauses))
        if part.only is not None and _SUPERLATIVE.search(reader.lowered, part.start, part.end)
    ]
    if len({mention.option for mention in found}) == 1:
        yield _reading("superlative-text", found[-1])


def _only_text(reader: AnswerParser, sentences: list[Part]) -> Iterator[Reading]:
    if len({index for sentence in sentences for index in sentence.indexes}) != 1:
        return
    for sentence in reversed([sentence for sentence in sentences if sentence.spoken_for]):
        mention = sentence.spoken_for[-1]
        # One of the first two or the last; amid a long text an option is mere mention.
        prominent = sentence.number < 2 or not reader.text[sentence.end :].strip("。.!\n ")
        if not prominent or _restates(reader, sentence):
            continue
        claimed = _is_claim(reader, sentence, mention)
        said = says_of_option(reader.lowered, mention.end, sentence.end, reader.stem)
        # Not rejected; under 错误的是 claimed, or denied what the stem denies.
        may_answer = (said is True or claimed) if reader.stem.negative else said is not False
        # A number alone occurs in a calculation as well.
        is_word = len(reader.text) < _LONGEST_REMARK or _WORD.search(reader.options.texts[mention.option])
        if may_answer and (is_word or claimed):
            yield _reading("only-text", mention)
            return


def _restates(reader: AnswerParser, sentence: Part) -> bool:
    """A sentence that is nothing but an option, or an item of a list, amid others: a statement, no answer."""
    if sentence.listed:
        return True
    alone = sentence.is_only_an_option(reader.lowered)
    return alone and sentence.number > 0 and reader.lowered[sentence.end :].strip("。.\n ") != ""


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
    "可能性小 可能性低 可能性不大 的可能性小 的可能性低 的可能性不大 的可能小 排除 可排除 被排除 可被排除 除外"
    " 错误 不正确 不对 不符 不选 _is_not _is_unlikely _is_incorrect _isn't _can_be_ruled _can_be_excluded"
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
    """A sentence, or a clause of one, text[start:end] that names options.

    number: its place among all sentences, from 0; those that name no option count, too
    named, indexes: the options that it names
    spoken_for: those that it neither enumerates (甲、乙等) nor dismisses (排除甲)
    only: the last mention if the part names one option only, and speaks for it
    listed: it is an item of a numbered list
    dismisses: it dismisses an option
    """

    start: int
    end: int
    number: int
    named: list[Mention]
    indexes: set[int]
    spoken_for: list[Mention]
    only: Mention | None
    listed: bool
    dismisses: bool
    clauses: list[Part]

    def is_only_an_option(self, text: str) -> bool:
        """Whether the part is nothing but an option's text."""
        mention = self.named[-1]
        return text[self.start : self.end].strip() == text[mention.start : mention.end]

    @property
    def begins_with_option(self) -> bool:
        """Whether an option is the subject of the part."""
        return self.named[0].start - self.start <= 2


def _sentences(reader: AnswerParser) -> list[Part]:
    """The sentences that name options, with their clauses that do."""
    mentions, text = _free_mentions(reader), reader.lowered
    if not mentions:
        return []
    numbers = len(_LATER_NUMBER.findall(reader.text)) + (_FIRST_NUMBER.match(reader.text) is not None)
    dismissed = {
        mention
        for mention in mentions
        if text.endswith(_DISMISSED_BEFORE, 0, mention.start)
        or text.startswith(_DISMISSED_BEHIND, mention.end)
    }
    compared = {mention for mention in dismissed if text.endswith(_COMPARED_BEFORE, 0, mention.start)}
    silent = {mention for mention in mentions if mention in dismissed or _is_enumerated(text, mention)}

    def parts(pattern: re.Pattern[str], start: int, end: int, mentions: list[Mention]) -> Iterator[Part]:
        said = (match.span() for match in pattern.finditer(text, start, end) if not match[0].isspace())
        position = 0
        for number, (start, end) in enumerate(said):
            first = position
            while position < len(mentions) and mentions[position].start < end:
                position += 1
            if position > first:
                named = mentions[first:position]
                spoken_for = [mention for mention in named if mention not in silent]
                others = {mention.option for mention in named if mention in compared}
                indexes = {mention.option for mention in named}
                only = spoken_for[-1] if spoken_for and len(indexes - others) == 1 else None
                listed = numbers > 1 and _LIST_MARK.search(text[start:end]) is not None
                dismisses = not dismissed.isdisjoint(named)
                clauses = list(parts(CLAUSE, start, end, named)) if pattern is SENTENCE else []
                yield Part(start, end, number, named, indexes, spoken_for, only, listed, dismisses, clauses)
            if position == len(mentions):
                return

    return list(parts(SENTENCE, 0, len(text), mentions))


def _is_claim(reader: AnswerParser, part: Part, mention: Mention) -> bool:
    """Whether a part ends in the option, or says that something is the option."""
    ends = _CLAIM_BEHIND.match(reader.lowered, mention.end, part.end) is not None
    return ends or _is_claimed_from(reader, part, mention.start)


def _is_claimed_from(reader: AnswerParser, part: Part, position: int) -> bool:
    """Whether 是 or another word that claims precedes `position`."""
    return _CLAIM_BEFORE.search(reader.lowered, max(part.start, position - 12), position) is not None


def _free_mentions(reader: AnswerParser) -> list[Mention]:
    """The mentions that are not items of a list by letter."""
    items = {reader.text[place] for place in reader.letters if _ITEM_BEHIND.match(reader.text, place + 1)}
    if len(items) < 2:
        return reader.mentions
    return [
        mention
        for mention in reader.mentions
        if not _ITEM_LETTER_BEFORE.search(reader.text, max(0, mention.start - 4), mention.start)
    ]


def _is_enumerated(text: str, mention: Mention) -> bool:
    if text.startswith(_ENUMERATED_BEHIND, mention.end) or _GOES_ON_TO_ETC.match(text, mention.end):
        return True
    return text.endswith(_ENUMERATED_BEFORE, 0, mention.start) and not text.endswith(
        "不包括", 0, mention.start
    )
