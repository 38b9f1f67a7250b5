"""Replies that decide for no option, for one of several, or for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser
from cmexam_baseline.scoring.extraction.extract import Reading
from cmexam_baseline.scoring.extraction.patterns import (
    SENTENCE,
    any_of,
    concludes,
    mask_of,
    one_of,
    sentence_start,
)

_ALL_OPTIONS = (
    r"(?:(?:以上|上述|所有|全部|这些|给出的?|[四五4-9]个|各)(?:的|所有|[四五4-9]个|提供的)?(?:选项|答案|各项|说法|选择|都|均|皆|全)"
    r")"
)
_NO_OPTION = re.compile(
    any_of(
        r"没有(?:任何)?(?:一个|一项)?(?:完全)?(?:正确|合适|符合(?:题意|条件|要求|描述)?)的?(?:答案|选项|选择)"
        r" (?:没有|无)(?:任何)?(?:一个|一项)?(?:选项|答案)(?:是|完全)?(?:正确|符合|合适)"
        r" 无正确(?:答案|选项) (?:答案|选项)(?:中)?(?:都|均)?(?:没有|无)正确"
        rf" {_ALL_OPTIONS}[^,。;\n]{{0,6}}?(?:都|均|皆|全)?(?:是)?(?:不正确|不对|不符|错误|不是|不选|不成立|错的|不合适)"
        r" none_of_(?:the|these|those)_"
        r"(?:above|(?:given_|provided_|listed_|four_|five_|answer_)?(?:options|choices|answers|statements))"
        r" (?:answer|result)_is_\(?not_(?:listed|available|among|given|provided|in_the|one_of)"
        r" none_of_(?:these|them|the_above)(?=[.,;!]|$|_(?:is|are))"
        r" (?:no|not_any)_(?:correct|right|suitable|single_correct)_(?:answer|option|choice)s?"
        r" no_(?:option|answer|choice)s?_(?:is|are|seems?|fits?)"
    ),
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"其他|其它|其余|别的|剩余|除|\bother|\bexcept|\brest\b|\bbesides|\bapart from|\belse\b", re.IGNORECASE
)
_CANNOT_SAY = re.compile(
    any_of(
        r"(?:无法|不能|难以|很难|较难|难于|没法|无从|不好|不足以)[^,。;\n]{0,8}?(?:确定|判断|判定|得出|选择|选出|回答|作答|抉择|断定|给出|确认|明确)"
        r" 不(?:太)?确定 不知道 (?:信息|条件|资料|题干)不(?:足|全|完整|充分) (?:没有|无)(?:唯一|确定|明确)的?(?:答案|选项)"
        r" (?:cannot|can't|can_not|could_not|couldn't|unable_to|impossible_to|not_possible_to|difficult_to|hard_to)_(?:be_)?"
        r"(?:definitively_|accurately_|confidently_|reliably_)?(?:determine|say|tell|decide|answer|choose|select|identify|conclude|pick)"
        r" (?:not_enough|insufficient)_(?:information|data|context) (?:i'm|i_am)_(?:not_sure|unsure) (?:do_not|don't)_know"
        r" undetermined indeterminate"
    ),
    re.IGNORECASE,
)
_ABOUT_THE_ANSWER = re.compile(
    r"答案|选项|选择|哪|作答|回答|(?:^|,)[但而且]?(?:根据|依据|仅凭)?(?:现有|目前|所给|已知|已有|提供)的?(?:信息|资料|条件|线索)"
    r"|answer|option|choice|choose|which|correct|question",
    re.IGNORECASE,
)
_MARK = re.compile(
    any_of(
        "没有 无法 无正确 无任何 无一 无唯一 无确定 无明确 无从 没法 难 不能 不足 不全 不完整 不充分 不确定 不太 不好 不知道"
        " 不正确 不对 不符 不是 不选 不成立 不合适 错 none no_ not n't unable impossible unsure undetermined indeterminate"
        " insufficient hard_to difficult_to"
    )
)
_ANSWER_MARKS = one_of("题意 题干 题目 答案 当选 应选 入选 正确选项 answers options choices")
_LAST_WORDS = 400
_ITEM = re.compile(r"(?<![A-Za-z])[A-J][.、:)][ \t*]*$")

_LETTERS = (
    r"(?P<letters>[A-J](?:(?:选项|项)?(?:[、,/&;\s]|和|及|与|以及|and\b)*(?:选项)?[A-J](?![A-Za-z])){1,9})"
)
_EVERY_ONE = (
    r"(?:(?:以上|上述|所有|全部|这些|给出的?|[四五4-9]个|各)(?:的|所有|提供的)*"
    r"(?:[四五4-9][个项](?:选项|答案)?|选项|答案|各项|说法|选择|(?=都|均|皆|全))"
    r"|(?i:all(?: of)?(?: the)?(?: (?:above|four|five|given|listed|these))?(?: (?:options|choices|statements|answers))?))"
)
_FIT = (
    r"(?:[四五]?[个项])?(?:选项|各项|说法|答案|statements|options)?[ \t,]*"
    r"(?:(?:都|均|皆|全部|全都?|也)?(?:是|为|应)?(?:"
    r"(?P<answer>符合(?:本)?题(?:意|干|目)(?:要求)?|(?:本题|此题|该题)?的?(?:正确)?答案|(?:应)?当选|应?该?选(?![择项])|入选|正确(?:答案|选项))"
    r"|(?P<right>正确|对的?(?=[。,;!\n]|$)|符合|属于|成立|合理|包括在内|(?<=[都均皆])(?:[是为有](?![不非错误可])|可(?!能|以?排除|以?除外)))|(?P<wrong>错误?的?(?=[。,;!\n]|$)|不正确|不对|不属于|不符合))"
    r"|(?i:(?:are|is)[ \t](?:all[ \t])?"
    r"(?:(?P<answer_en>the[ \t])?(?:correct|right|valid)(?P<answers_en>[ \t](?:answers|options|choices))?|(?P<true_en>true))\b))"
)
_LETTERS_FIT = re.compile(_LETTERS + _FIT)
_ALL_FIT = re.compile(_EVERY_ONE + _FIT)


def undecided_readings(reader: AnswerParser) -> Iterator[Reading]:
    """Readings of the rules no-option, undecided and all-options."""
    yield from _all_options(reader)
    # Nothing may be named behind: only the last words can decide for nothing.
    near_the_end = max(len(reader.text) - _LAST_WORDS, 0)
    start = sentence_start(reader.text, max(reader.letters[-1] if reader.letters else 0, near_the_end))
    if not _MARK.search(reader.lowered, start):
        return
    for sentence in SENTENCE.finditer(reader.lowered, start):
        if not _MARK.search(sentence[0]):
            continue
        none = _NO_OPTION.search(reader.lowered, *sentence.span())
        if none and _ITEM.search(reader.text, sentence.start(), none.start()):
            continue  # E. 以上都不对 in a list of options
        found = none or _CANNOT_SAY.search(reader.lowered, *sentence.span())
        if found is None or _OTHERS.search(sentence[0]) or reader.last_named >= sentence.end():
            continue
        comma = reader.text.find(",", found.end(), sentence.end())
        if comma >= 0 and any(comma <= place < sentence.end() for place in reader.named):
            continue  # to another clause that names an option: 无法确定,但B最可能
        if none is not None:
            option = reader.options.none_of_them
            yield Reading("no-option", 0 if option is None else 1 << option, *found.span())
        elif _ABOUT_THE_ANSWER.search(sentence[0]):
            yield Reading("no-option", 0, *found.span())
        elif concludes(reader.lowered, *sentence.span()) is not None:
            yield Reading("undecided", 0, *found.span())


def _all_options(reader: AnswerParser) -> Iterator[Reading]:
    """A、B、C、D均符合题意: every option, if the words or the stem say that all can be the answer."""
    everything, stem = reader.options.everything, reader.stem
    if not reader.options.known or not (stem.several or _ANSWER_MARKS.search(reader.text)):
        return
    listed = [_LETTERS_FIT.match(reader.text, at) for at in reader.letters if reader.text[at] == "A"]
    candidates = [match for match in listed if match and mask_of(match["letters"]) == everything]
    if reader.options.all_of_them is None:
        candidates += _ALL_FIT.finditer(reader.text)
    for match in candidates:
        if _OTHERS.search(reader.lowered, max(0, match.start() - 12), match.end()):
            continue
        group = match.groupdict()
        true = group["right"] or group["answer_en"] or group["true_en"] or (group["answers_en"] is None)
        fits = group["wrong"] if stem.negative else (true and not group["wrong"])
        if group["answer"] or group["answers_en"] or (stem.several and fits):
            yield Reading("all-options", everything, *match.span())
