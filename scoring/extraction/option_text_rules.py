"""Answers that name no letter but an option by its text: 首选药物是阿托品。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser
from cmexam_baseline.scoring.extraction.clauses import Part, is_claim, is_claimed_from, parts_of
from cmexam_baseline.scoring.extraction.options import Mention
from cmexam_baseline.scoring.extraction.patterns import (
    SUPPOSED,
    any_of,
    concludes,
    says_of_option,
)
from cmexam_baseline.scoring.extraction.rules import Reading

_SUPERLATIVE = re.compile(
    any_of(
        r"最(?:常|多见|主要|重要|有?可能|佳|合适|适|易|容易|有效|敏感|特异|根本|突出|典型|早|先|宜|基本|关键|严重|具)"
        r" 最好的?(?:方法|选择|治疗)"
        r" 更(?:能|可能|符合|支持|适合|合适) 首选 首要 较为?常见"
        r" \b(?:most_(?:likely|common|appropriate)|first[- ]line|best|drug_of_choice|better_than)\b"
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
# A number alone occurs in a calculation as well.
_LONGEST_REMARK = 100
_WORD = re.compile(r"[^\W\d_]")
_LARGEST_GROUP = 3
_LEAD_ENDS_BEFORE = 5


def wording_readings(reader: AnswerParser) -> Iterator[Reading]:
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


def _all_of_the_above(reader: AnswerParser) -> Iterator[Reading]:
    if reader.options.all_of_them is None and reader.options.none_of_them is None:
        return
    for match in _ALL_CLAIMED.finditer(reader.lowered):
        none = match["none"] or match["none_en"]
        option = reader.options.none_of_them if none else reader.options.all_of_them
        if option is not None:
            yield Reading("all-of-the-above", 1 << option, match.start(), match.end())


def _conclusions(reader: AnswerParser, sentences: list[Part], clauses: list[Part]) -> Iterator[Reading]:
    in_turn = _each_in_turn(sentences)
    for sentence, inside in _with_clauses(sentences, clauses):
        conclusion = concludes(reader.lowered, sentence.start, sentence.end)
        if conclusion is None or sentence.listed or (in_turn and sentence.begins_with_option):
            continue
        if _NOTHING_FITS.search(reader.lowered, sentence.start, sentence.end):
            continue
        behind = [clause for clause in inside if clause.end > conclusion]
        said = _judged(reader, behind)
        if said:
            mention = said[True][-1] if len({found.index for found in said.get(True, [])}) == 1 else None
            if mention is not None:
                yield _reading("conclusion-text", mention)
            continue
        mention = sentence.only or _last_claim(reader, behind)
        if mention is not None:
            yield _reading("conclusion-text", mention)
        else:
            yield from _group(reader, "conclusion-text", sentence)


def _judged(reader: AnswerParser, clauses: list[Part]) -> dict[bool, list[Mention]]:
    """The options that the clauses make an answer (True) or not (False): 甲符合规定,而乙违反规定."""
    said: dict[bool, list[Mention]] = {}
    for clause in clauses:
        for mention, following in pairwise((*clause.named, None)):
            end = clause.end if following is None else following.start
            called = says_of_option(reader.lowered, mention.end, end, reader.stem) if mention else None
            if called is not None and mention is not None:
                said.setdefault(called, []).append(mention)
    return said


def _with_clauses(sentences: list[Part], clauses: list[Part]) -> Iterator[tuple[Part, list[Part]]]:
    """Each sentence with its clauses."""
    position = 0
    for sentence in sentences:
        inside = []
        while position < len(clauses) and clauses[position].start < sentence.end:
            inside.append(clauses[position])
            position += 1
        yield sentence, inside


def _last_claim(reader: AnswerParser, clauses: list[Part]) -> Mention | None:
    """The option that the last of the clauses with one option claims."""
    for clause in reversed(clauses):
        if clause.only is not None and is_claim(reader, clause, clause.only):
            return clause.only
    return None


def _lead(reader: AnswerParser, sentences: list[Part], clauses: list[Part]) -> Iterator[Reading]:
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


def _is_heading_of_all(reader: AnswerParser, sentences: list[Part]) -> bool:
    """Whether the text begins with one option, alone, and with no other option in the same way."""
    alone = {part.named[-1].index for part in sentences if part.is_only_an_option(reader.lowered)}
    return sentences[0].number == 0 and alone == sentences[0].indexes


def _first_claim(reader: AnswerParser, clauses: list[Part]) -> Mention | None:
    """The option that the first clause claims, unless other clauses claim others or list them (甲，乙，丙)."""
    meant = [clause for clause in clauses if clause.spoken_for or not clause.dismisses]
    mention = meant[0].only if meant else None
    if mention is None:
        return None
    claimed = {clause.only.index for clause in meant if clause.only and is_claim(reader, clause, clause.only)}
    goes_on = len(meant) > 1 and meant[1].begins_with_option and meant[1].start <= meant[0].end + 1
    return mention if claimed == {mention.index} and not goes_on else None


def _group(reader: AnswerParser, rule: str, part: Part) -> Iterator[Reading]:
    """主要途径是甲和乙。: two or three options, fewer than all but one, joined at the end of a claim."""
    members, text = part.named, reader.lowered
    if not 2 <= len(part.indexes) == len(members) <= min(_LARGEST_GROUP, reader.options.count - 2):
        return
    joined = all(_JOINED.fullmatch(text, a.end, b.start) for a, b in pairwise(members))
    at_the_end = not text[members[-1].end : part.end].strip(' .)"”')
    if joined and at_the_end and is_claimed_from(reader, part, members[0].start):
        mask = sum(1 << index for index in part.indexes)
        yield Reading(rule, mask, members[0].start, members[-1].end)


def _claims_several(reader: AnswerParser, sentences: list[Part]) -> bool:
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


def _superlative(reader: AnswerParser, sentences: list[Part], clauses: list[Part]) -> Iterator[Reading]:
    found = [
        part.only
        for part in (*sentences, *clauses)
        if part.only is not None and _SUPERLATIVE.search(reader.lowered, part.start, part.end)
    ]
    if len({mention.index for mention in found}) == 1:
        yield _reading("superlative-text", found[-1])


def _only_text(reader: AnswerParser, sentences: list[Part]) -> Iterator[Reading]:
    if len({index for sentence in sentences for index in sentence.indexes}) != 1:
        return
    prominent = [
        sentence.spoken_for[-1]
        for sentence in sentences
        if sentence.spoken_for
        and _is_prominent(reader, sentence)
        and not _restates(reader, sentence)
        and (not reader.stem.negative or _is_asked_for(reader, sentence))
        and (
            len(reader.text) < _LONGEST_REMARK
            or _WORD.search(reader.options.texts[sentence.spoken_for[-1].index])
            or is_claim(reader, sentence, sentence.spoken_for[-1])
        )
    ]
    if prominent:
        yield _reading("only-text", prominent[-1])


def _is_asked_for(reader: AnswerParser, sentence: Part) -> bool:
    """Whether a sentence claims its option or denies it what the stem denies: no mere description of it."""
    mention = sentence.spoken_for[-1]
    if is_claim(reader, sentence, mention):
        return True
    return says_of_option(reader.lowered, mention.end, sentence.end, reader.stem) is True


def _is_prominent(reader: AnswerParser, sentence: Part) -> bool:
    """Whether a sentence is one of the first two or the last; amid a long text an option is mere mention."""
    return sentence.number < 2 or not reader.text[sentence.end :].strip("。.!\n ")


def _restates(reader: AnswerParser, sentence: Part) -> bool:
    """A sentence that is nothing but an option, or an item of a list, amid others: a statement, no answer."""
    if sentence.listed:
        return True
    alone = sentence.is_only_an_option(reader.lowered)
    return alone and sentence.number > 0 and reader.lowered[sentence.end :].strip("。.\n ") != ""
