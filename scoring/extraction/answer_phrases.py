"""Phrases that declare the answer, one row each: 答案是…, 故选…, 更正为…, the answer is …, I choose …"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser, ParsedAnswer
from cmexam_baseline.scoring.extraction.extract import Reading
from cmexam_baseline.scoring.extraction.item_lines import read_item_lines, read_marked_items
from cmexam_baseline.scoring.extraction.letter_rules import judges_each
from cmexam_baseline.scoring.extraction.patterns import (
    LETTERS_TOGETHER,
    MUST_CHOOSE,
    SUPPOSED,
    any_of,
    mask_of,
    one_of,
    says_of_option,
    sentence_start,
)

# Words between the phrase and the answer. Nothing follows this repetition in a pattern, so it never
# backtracks.
_ZH_FILLER = (
    any_of(
        r"[\s:=\-\"'“”‘’「」『』【】《》\[\](){}<>#|\\✅✓✔√☑]"
        r" 应该 应当 应 该 就 便 也 是 为 即 乃 选择 选用 选项 选 的 了 我 会 将 认为 觉得"
        r" 判断 倾向于? 很可能 最有?可能 可能 大概率? 或许 也许 只能 只有 可以 可 显然 明显 确定 必然"
        r" 一定 肯定 属于 最终 最后 最为? 更"
        r" (?:有|包括|包含)(?=[\s:>#•·✅✓✔√☑-]{0,8}(?:(?:\(?1[.、)]|①)\s?)?(?:选项)?[A-J])"
        r" (?:\(?1[.、)]|①)(?=\s?(?:选项)?[A-J]) 符合题意"
        r" 符合 合适 合理 恰当 接近 正确 准确 最佳 佳 依次 分别 如下"
        r" 以下(?:[几两三四五][项个种])? 回答 text 第(?:[一二三四五六七八][个项种])?"
    )
    + "*"
)
# The patterns below begin with plain characters, not with groups or conditions: so they are searched fast.
_NOT_THE_ANSWER = "(?!" + any_of("解析 分析 解释 说明 依据 要点 错误 不") + ")"
_ZH_ANSWER = re.compile(
    any_of(
        "答案 正解 正确的?选项 最终的?选项 最佳的?选项 最优的?选项 合适的?选项 恰当的?选项 正确的?选择"
        " 符合(?:本?题意|题[目干]要求|条件)的?(?:选项|答案)"
        " 最终的?选择 作答(?=:) 最佳的?选择 我的?选择 最终结论 选项(?:字母|编号|序号)"
    )
    + rf"{_NOT_THE_ANSWER}(?:的?(?:字母|编号|序号|代码|选项))?\d{{0,2}}{_ZH_FILLER}"
)
_LINE = re.compile(
    rf"(?:答(?=[A-J])|(?:答|回答|结论|结果|输出|选项|(?:最终|我的)?判[断定])[ \t]?:){_ZH_FILLER}"
)
_BEFORE_A_LINE = " \t#>-"
_CORRECTION = re.compile(
    any_of("应为 应该为 应该是 应当是 改为 改选 改成 更改为 更正为? 纠正为? 修正为? 实际上?是 而是")
    + _ZH_FILLER
)
_INSTEAD = re.compile(rf"[?。,!…](?:不对?|错了?|[ ]?[Nn]o)[,。!]{_ZH_FILLER}")
_ZH_CHOOSE = re.compile(
    "选(?!项|题|手|段|取(?![A-J])|用(?![A-J])|择性|择题)" + rf"(?:择|用|取|定|出)?{_ZH_FILLER}"
    rf"|推荐{_ZH_FILLER}|(?:考虑|倾向于?|指向)[为选]?(?=[(\"]?[A-J](?:选?项)?[)\"]?(?:[。,;\n]|$))|剩下的?{_ZH_FILLER}|我猜测?{_ZH_FILLER}"
)
_SO = re.compile(
    r"(?:故|所以|因此|综上(?:所述)?|(?<![原规法准])则|即|→|⇒|=>|->)[,:]?(?:答案)?[ \t]?"
    r"(?=[A-J](?:[、,和及]?[A-J]){0,9}[ \t]*(?:[。.,;\n]|$))"
)
_CHOOSE_ALL = re.compile(r"(?:全选|全部选择?|都选|选择?全部)(?:[。,;!\s]|$)")
_BEFORE_CHOOSE_ALL = ("", *",。;: \n应故")
_ALL_AS_ANSWER = re.compile(
    r"(?:以上|上述)?(?:所有|全部|全|各项|[四五][项个])(?:的?(?:选项|都?选|答案|各项|正确|都对|都是|均正确|都正确))?"
    r"|(?:以上|上述)(?:选项|各项|答案|说法)?(?:都|均|皆|全)(?:是|对|正确|可)"
)
_AFFIRMED = re.compile(r"\s*(?:选项|项)?\s*,?(?:都|均|皆|全)")
_CHOSEN = re.compile("(?<!不)(?:应选|当选|入选|可选)")
_ADDED = re.compile(
    rf"(?:选项|项)?[)】]?[,;。][ \t]?(?:(?:此外|另外|同时|而且|并且),?)?(?P<and>还有|以及)?,?(?:选项)?"
    rf"(?P<letters>{LETTERS_TOGETHER})"
    r"(?:选项|项)?(?:(?P<too>[^,。;\n]{0,20}?(?:也|同样|亦)[^,。;\n]{0,20})(?![^。;\n]{0,3}但)|(?(and)(?=[。,;\n]|$)|(?!)))"
)
_BEHIND_SCOPE = re.compile(r"[\s)\]】]*[:是为]\s*")

_ZH_NEGATED_BEFORE = re.compile(
    any_of("不 别 勿 未 没有? 无法 误 错 难以 排除 避免 备 待 而非 并非 非")
    + any_of("应该 应当 应 能够? 会 可以 可 该 要 宜 建议 考虑 必 再 直接 予以? 是 被")
    + "?$|"
    + r"[A-J](?:选项|项)?[ \t]?(?:还是|或者?|抑或)$|"
    + any_of("错误 其他 其它 其余 别的 干扰 哪个 哪些 上一题 上题 每个 各个? 给出 下列 以下")
    + "的?$|"
    + any_of("例如 比如 譬如 形如 举例 格式[为是如:]")
    + r"[:,]?[\s\[\"“【(]{0,3}(?:正确)?$|(?:错误|误区|易错[点处]?):[ \t]?$"
)
_NEGATED_INSIDE = re.compile(any_of("不是 而非 并非 不属于 除外 排除"))
_CLAUSE_START = re.compile(r"[。;!?,\n:]")
_LEADS_TO_A_CHOICE = re.compile(
    r"(?:[\s\"'“”()#>|+\-\d]|"
    + any_of(
        "故 所以 因此 因而 从而 于是 那么 则 综上(?:所述)? 综合(?:以上|上述|考虑|分析)?(?:分析)?"
        " 根据(?:以上|上述)?分析 由此 可[见知] 总之 最终 最后 本题 此题 该题 这道?题 题目 这里 答案 正确 我们? 会"
        " 应该?当? 应当 必须 只能?有? 可以? 可能 就 便 更 才 也 还是 仍 要 需 建议 认为 觉得 倾向于? 答 而 但 是"
        " → [A-J、和与及项] 选项 都 均 该 当然 毫无疑问 不对 错误 正确"
    )
    + ")*"
)
_SENTENCE_START = re.compile(r"[。;!?\n]")
_IF = re.compile(
    any_of(
        "如果(?!要|需|让|必须) 假如 倘若 若(?!要|需|让|无(?:其他|其它|别的|更|正确|合适|完全|最)|干)"
        " 如(?=为|是|有|患|伴|合并|出现)"
    )
)
_IN_THAT_CASE = re.compile(any_of("则 那么 就 应 可 宜 选 答案 正确 最佳 标准 此时"))
_CASE_BEHIND = re.compile(r"[^。;!?,\n]{0,8}的话")
_ANSWER_SENTENCE = re.compile(r"[^\n。;!?]{1,80}")
_LOOK_BACK = 40
_LONGEST_NEGATION = 16
_SUBJECT = re.compile(
    r"(?<![A-Za-z0-9])[A-J](?:选项|项)?(?:才|就|应该?)?[是为](?:[本该此]题)?的?(?:正确|最佳|标准)?$"
)

# Words between the phrase and the answer; as in Chinese, nothing follows the repetition.
_ENGLISH_WORD = re.compile(r"[a-z][a-z]")
_FILLER_WORDS = any_of(
    "is was are would should must be will has_to most more likely probably therefore thus clearly definitely"
    " indeed either (?:could|may|might)_be(?=_either) options? choices? letters? answers? the correct best right"
    " appropriate final single one following both a_combination_of combination_of here actually text"
)
_EN_FILLER = (
    r"(?:[\s:=\-\"'“”‘’\[\](){}<>#|\\]"
    r"|(?:to|for|of)[ \t]+(?:this|the|your)[ \t]+(?:given[ \t]+)?(?:question|problem|case|patient|scenario)"
    rf"|\b{_FILLER_WORDS}\b)*"
)
_CHOICE = "_(?:options?|choices?|selection|pick)"
# Searched in lower-case text; they begin with plain characters, so that they are searched fast.
_EN_ANSWER = re.compile(
    any_of(
        "answers? ans"
        f" closest{_CHOICE} correct{_CHOICE} best{_CHOICE} right{_CHOICE} final{_CHOICE}"
        f" chosen{_CHOICE} selected{_CHOICE} my{_CHOICE}"
    )
    + rf"\b(?![ \t]+(?:key|choices)\b){_EN_FILLER}"
    + rf"|(?:correct|final)[ \t]?:{_EN_FILLER}"
    + rf"|(?:output|response|prediction|pred|result)[ \t]?[:=]{_EN_FILLER}"
)
_EN_CHOOSE = re.compile(
    any_of(
        "correction conclusion choose chose choosing select(?:ed|ing)? pick(?:ed|ing)? go(?:ing)?_with opt_for"
        r" settle_on combination_of(?=_(?:options?_)?\(?[a-j]\)?_and\b) vote_for i'd_say i_would_say"
        " leads?_(?:me_|us_)?to points?_to pointing_to left_with leaving"
    )
    + rf"\b{_EN_FILLER}"
)
_EN_SO = re.compile(
    any_of("thus therefore hence so finally but it_is it's must_be should_be by_elimination")
    + r"\b[,:]?\s?(?:it is|it's|option|choice)?\s?(?=[(\[\"']?[a-j][)\]\"']?(?:[ \t]*(?:[.,;\n]|$)|[ \t]it[ \t]is\b))"
)


# The words up to the answer, then the rules of the letters behind them and of an option's text behind them.
_CHINESE_PHRASES = (
    (_ZH_ANSWER, "answer-phrase", "answer-phrase-text"),
    (_LINE, "answer-phrase", "answer-phrase-text"),
    (_CORRECTION, "answer-phrase", "choice-text"),
    (_INSTEAD, "answer-phrase", "choice-text"),
    (_ZH_CHOOSE, "choice", "choice-text"),
    (_SO, "answer-phrase", "choice-text"),
)
# Searched in lower-case text.
_ENGLISH_PHRASES = (
    (_EN_ANSWER, "answer-phrase-en", "answer-phrase-text"),
    (_EN_CHOOSE, "answer-phrase-en", "choice-text"),
    (_EN_SO, "answer-phrase-en", "choice-text"),
)


def declared_readings(reader: AnswerParser) -> Iterator[Reading]:
    """Every answer that a phrase of the text declares; answers on lines one below the other are one.

    Different answers for different cases ("if …, the answer is A; if …, B") leave the choice open.
    """
    yield from _joined_lines(reader, list(_declared(reader)))
    if _ENGLISH_WORD.search(reader.lowered) is None:
        return
    found = list(_joined_lines(reader, list(_declared_in_english(reader))))
    starts = [sentence_start(reader.lowered, reading.start, ".;:\n") for reading in found]
    cases = [
        one for one, start in zip(found, starts, strict=True) if _CASE.match(reader.lowered, start, one.start)
    ]
    if len(cases) < len(found):
        # Note: if the question asked about X, the answer would be C.
        found = [
            each
            for each in found
            if each not in cases or "would" not in reader.lowered[each.start : each.end]
        ]
    left_open = any(reading.rule == "either-or" for reading in found) or len({r.mask for r in cases}) > 1
    for reading in found:
        yield reading._replace(rule="either-or", mask=0) if left_open and reading in cases else reading


def _declared(reader: AnswerParser) -> Iterator[Reading]:
    text = reader.text
    for pattern, rule, text_rule in _CHINESE_PHRASES:
        for match in pattern.finditer(text):
            start = match.start()
            if pattern is _LINE and text[sentence_start(text, start, "\n") : start].strip(_BEFORE_A_LINE):
                continue
            answer = _read_behind(reader, match)
            if not _is_meant(text, match, answer):
                continue
            if answer is None:
                if text_rule == "answer-phrase-text":
                    if any(word in match[0] for word in ":是为"):
                        yield from _answer_sentence(reader, match)
                    yield from _left_open(reader, match)
            elif answer.by_text:
                subject = _SUBJECT.search(text, max(0, start - 12), start)
                if subject is not None:
                    # B为正确选项：卡托普利
                    yield Reading("answer-phrase", mask_of(subject[0]), subject.start(), match.end())
                elif text[start - 1 : start] != "首":
                    yield Reading(text_rule, answer.mask, start, answer.end)
            else:
                limited = rule == "choice" and not _decides(text, match)
                yield Reading("choice" if limited else "answer-phrase", answer.mask, start, answer.end)
    if reader.options.known and "选" in text:
        for match in _CHOOSE_ALL.finditer(text):
            if text[match.start() - 1 : match.start()] in _BEFORE_CHOOSE_ALL:
                yield Reading("answer-phrase", _all_options(reader), match.start(), match.end())


def _declared_in_english(reader: AnswerParser) -> Iterator[Reading]:
    text = reader.lowered
    for pattern, rule, text_rule in _ENGLISH_PHRASES:
        for match in pattern.finditer(text):
            start = match.start()
            if text[start - 1 : start].isalnum():
                continue
            answer, _ = _read_stated(reader, match)
            if answer is None:
                if text_rule == "answer-phrase-text":
                    yield from _left_open(reader, match)
            elif not _EN_NEGATED_BEFORE.search(text, max(0, start - _LOOK_BACK), start):
                yield Reading(text_rule if answer.by_text else rule, answer.mask, start, answer.end)


def _left_open(reader: AnswerParser, match: re.Match[str]) -> Iterator[Reading]:
    choice = reader.read_open_choice(match.end())
    if choice is not None and reader.last_named < choice.end:
        yield Reading("either-or", 0, match.start(), choice.end)


def _decides(text: str, match: re.Match[str]) -> bool:
    """Whether the clause says nothing before 选 that could limit the choice: not 休克者应选D, not 首选D."""
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    return _LEADS_TO_A_CHOICE.fullmatch(_CLAUSE_START.split(before)[-1]) is not None


_CASE = re.compile(r"\s*(?:if|when|in case|should the|assuming|provided)\b")
_STATES = re.compile(
    r"(?:答案|正解|正确的?选项|符合|答[ \t]?:|回答[ \t]?:|(?i:answers?|ans|correct|right|final)\b)"
)
_ASKS_TO_CHOOSE = one_of("选择 选出 挑选 找出 给出 写出 choose select pick Choose Select Pick")
_EN_NEGATED_BEFORE = re.compile(
    r"(?<![a-z])"
    + any_of(
        "not [a-z]+n't never cannot if whether unless suppose rather_than instead_of eliminate exclude"
        " rule_out why"
        r" wrong incorrect other each all possible many some might tempt\w* please example[:,]? e\.g\.,? format[:,]?"
    )
    + r"[ \t]+(?:"
    + any_of("the we you i one may would were_to be people students")
    + r"[ \t]+)*$"
)


def _is_meant(text: str, match: re.Match[str], slot: ParsedAnswer | None) -> bool:
    """False where the phrase is negated (不选A), supposed (如果选A) or somebody else's (有人选A)."""
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    if _ZH_NEGATED_BEFORE.search(before, max(0, len(before) - _LONGEST_NEGATION)):
        return False
    clause = _CLAUSE_START.split(before)[-1]
    if SUPPOSED.search(clause) and not MUST_CHOOSE.search(clause):
        return False
    if (_IN_THAT_CASE.match(clause) or not clause.strip()) and _IF.search(_SENTENCE_START.split(before)[-1]):
        return False
    return _CASE_BEHIND.match(text, slot.end if slot else match.end()) is None


def _read_behind(reader: AnswerParser, match: re.Match[str]) -> ParsedAnswer | None:
    """The answer behind a cue, if it is one and not a list of what might be chosen."""
    slot, below = _read_stated(reader, match)
    if below:
        return slot
    if slot is None:
        everything = _ALL_AS_ANSWER.match(reader.text, match.end()) if reader.options.known else None
        return ParsedAnswer(_all_options(reader), *everything.span()) if everything else None
    if slot.mask == reader.options.everything:
        # It may only name what may be chosen, 正确选项(A/B/C/D/E), or affirm it all, A、B、C、D都是.
        named = reader.text[slot.start : slot.end]
        if "(" in match[0] or "/" in named or _AFFIRMED.match(reader.text, slot.end):
            rest = _BEHIND_SCOPE.match(reader.text, slot.end)
            return reader.read_letters(rest.end()) if rest else None
    return None if judges_each(reader.text, slot) else _with_addition(reader, slot)


def _with_addition(reader: AnswerParser, answer: ParsedAnswer) -> ParsedAnswer:
    """答案是C和D，此外E也正确: what the next clause adds to an answer of several letters."""
    if answer.mask.bit_count() < 2 and not reader.stem.several:
        return answer
    added = _ADDED.match(reader.text, answer.end)
    if added is None or mask_of(added["letters"]) > reader.options.everything:
        return answer
    says = says_of_option(reader.lowered, added.end("letters"), added.end(), reader.stem)
    if not (says or added["too"] is None or _CHOSEN.search(added["too"])):
        return answer
    return answer._replace(mask=answer.mask | mask_of(added["letters"]), end=added.end("letters"))


def _read_stated(reader: AnswerParser, match: re.Match[str]) -> tuple[ParsedAnswer | None, bool]:
    """The answer behind a cue, and whether it has lines of its own below."""
    stated = _is_stated(match)
    below = read_marked_items(reader, *match.span())
    below = below or (read_item_lines(reader, *match.span()) if stated else None)
    return below or reader.read(match.end(), stated=stated, cued=True), below is not None


def _is_stated(match: re.Match[str]) -> bool:
    """Whether a phrase such as 答案： or 正确选项是 states the answer, and does not ask to choose one."""
    before = match.string[max(0, match.start() - 12) : match.start()]
    return _STATES.match(match[0]) is not None and _ASKS_TO_CHOOSE.search(before) is None


def _all_options(reader: AnswerParser) -> int:
    """The mask of "all of them": the option that says so, or else every option."""
    option = reader.options.all_of_them
    return reader.options.everything if option is None else 1 << option


def _answer_sentence(reader: AnswerParser, match: re.Match[str]) -> Iterator[Reading]:
    """正确答案：治疗指数是… names one option's text further on in its sentence."""
    sentence = _ANSWER_SENTENCE.match(reader.text, match.end())
    if sentence is None:
        return
    first = bisect_left(reader.mentions, sentence.start(), key=lambda mention: mention.start)
    beyond = bisect_left(reader.mentions, sentence.end(), key=lambda mention: mention.start)
    inside = reader.mentions[first:beyond]
    if len({mention.option for mention in inside}) != 1:
        return
    if not _NEGATED_INSIDE.search(reader.text, sentence.start(), inside[-1].start):
        yield Reading("answer-phrase-text", 1 << inside[-1].option, match.start(), inside[-1].end)


_LINE_BETWEEN = re.compile(
    r"[\s。;.,)】]*[\s\-•#>(【]*(?:\d{1,2}[.、)]\s?)?(?:(?i:the|final|correct|正确|最终|参考)\s?)*"
)
_DECLARATION_ENDS = re.compile(r"[A-Ja-j:是为]")


def _joined_lines(reader: AnswerParser, readings: list[Reading]) -> Iterator[Reading]:
    """Answers in the same words on adjacent lines as one answer of several letters.

    Two such lines are a correction unless the stem asks for several.
    """
    lines = readings[:1]
    for reading in readings[1:]:
        if not _same_words_below(reader.text, lines[-1], reading):
            yield from _as_one(reader, lines)
            lines = []
        lines.append(reading)
    yield from _as_one(reader, lines)


def _as_one(reader: AnswerParser, lines: list[Reading]) -> Iterator[Reading]:
    if len(lines) < 2:
        yield from lines
        return
    mask, several = 0, reader.stem.several
    for reading in lines:
        mask |= reading.mask
    joints = ("\n", ";") if several else ("\n",)
    between = [reader.text[above.end : below.start] for above, below in pairwise(lines)]
    if len(lines) > 2 and mask == reader.options.everything and not several:
        yield Reading("all-called-right", 0, lines[0].start, lines[-1].end)
    elif (several or len(lines) > 2) and all(any(j in words for j in joints) for words in between):
        yield lines[-1]._replace(mask=mask, start=lines[0].start)
    else:
        yield from lines


def _same_words_below(text: str, above: Reading, below: Reading) -> bool:
    if above.rule != below.rule or not above.rule.startswith("answer-phrase") or above.mask & below.mask:
        return False
    if not _LINE_BETWEEN.fullmatch(text, above.end, below.start):
        return False
    first, second = (
        re.sub(r"\d", "", _DECLARATION_ENDS.split(text[reading.start : reading.end], maxsplit=1)[0])
        for reading in (above, below)
    )
    return first == second
