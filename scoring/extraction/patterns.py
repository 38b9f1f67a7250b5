"""The words that several rules share, and how lists of words become patterns."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmexam_baseline.exam.stem_wording import Stem


def any_of(words: str) -> str:
    r"""A pattern for any of the words in `words`: regular expressions between blanks, _ for a blank in one.

    >>> bool(re.fullmatch(any_of("答案 the_answer(?:_key)?"), "the answer"))
    True
    """
    return "(?:" + "|".join(words.split()).replace("_", r"[ \t]+") + ")"


def words(listed: str) -> tuple[str, ...]:
    """The words in `listed`, between blanks, _ for a blank in one."""
    return tuple(word.replace("_", " ") for word in listed.split())


def one_of(listed: str) -> re.Pattern[str]:
    """A pattern for any of the plain words in `listed`: looking for one of them first is cheap."""
    return re.compile("|".join(map(re.escape, words(listed))))


def mask_of(letters: str) -> int:
    """The mask of the capital letters A–J in a piece of text."""
    mask = 0
    for char in letters:
        if "A" <= char <= "J":
            mask |= 1 << (ord(char) - 65)
    return mask


def skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Where a match of `pattern` at `position` ends; `position` where there is none."""
    match = pattern.match(text, position)
    return position if match is None else match.end()


def sentence_start(text: str, position: int, marks: str = "。!?;\n", longest: int = 200) -> int:
    """Where the sentence around `position` begins, at most `longest` characters before."""
    start = position - longest if position > longest else 0
    if start < position:
        for mark in marks:
            start = text.rfind(mark, start, position) + 1 or start
    return start


CHINESE = r"\u3400-\u9fff"

# A letter that begins a medical word is no option: A型, B超, C肽, D二聚体, E玫瑰花环.
MEDICAL_WORD = re.compile(
    any_of(
        "-?型 超(?!过) 细胞 淋巴 组(?!合) 族 类 级 期 肽 链 反应 受体 波 病毒 区 线 抗 因子 蛋白 酶 离子 导联 段"
        r" 环 角 带 峰 药(?!物) 群 株 点 度 轴 层 肝炎 二聚体 玫瑰 亚 胺 -?\d \+(?![A-J]) ['′°℃βαγ%]"
    )
)

# "A 45-year-old", "A patient": the article, not the option.
ENGLISH_ARTICLE = re.compile(
    r"[ \t]+(?!(?:because|is|since|as|and|or|for|due|in|with|would|which)\b)(?:[a-z]|\d)"
)
BEGINS_NEW_CLAUSE = re.compile(
    r"[^\S\n]*(?:选项|项)?[^\S\n]*"
    + any_of(
        r"是 为 不 主要 可 则 的(?!组合|结合|联合|搭配) 属于 常 多 虽 会 有 也 与(?![A-J](?:[。.,;\s]|$)) 仅 只 指"
        " 通常 一般 描述 更 正确 符合 对 错"
    )
)
RIGHT_BEHIND = re.compile(r"\s*(?:选项|项)?\s*(?:均|都|皆)?(?:是)?(?:正确|对[。,;\n]|符合)")

_JOINT = r"(?:[、/&]|,[ \t]?(?:and[ \t])?|[ \t]and[ \t]|和|及|与|以及)"
LETTERS_TOGETHER = rf"[A-J](?:(?:选项|项)?{_JOINT}?(?:选项)?[A-J](?![a-z])){{0,7}}"

LATEX = r"\\?(?:text|math|textbf|mathrm|mathbf|rm|bf)\s?\{"
NUMBER = r"(?:\(?\d{1,2}[.、)]|[①-⑩])"
# The quotes behind a text end it, unless it is the key of a JSON field.
TEXT_ENDS = re.compile(r"\s*(?![\"'”]\s*:)(?:$|[\n。;、,.!?)\]}\"'”’」』】》<|]|\\n|和|及|与|以及|and\b)")
# Texts may be quoted one by one, as in a JSON list, or have a line each.
TEXT_JOIN = re.compile(
    r"\s{0,4}(?:(?P<closed>[\"'”’」』》}])\s{0,4})?"
    r"(?:(?P<joint>[、,/;&+|]|和|及|与|以及|and\b)\s{0,24}(?:和|and\b)?\s{0,4}"
    rf"|(?P<line>[。;,.]?[ \t]{{0,4}}(?:\n|\\n))\s{{0,24}}(?:{NUMBER}[ \t]?|[-•·+][ \t]?)?)"
    rf"(?:[\"'“‘「『《]|{LATEX})?"
)

CONCLUDING = re.compile(
    any_of(
        r"综上 因此 所以 故(?!障|意|事|乡) 综合(?!征|症) 总之 总而言之 总结 由此 可见[,:] 可知[,:]"
        r" 根据(?:以上|上述|这些|[您你]提供|题目提供)"
        r" 基于(?:以上|上述|这些) 必须选 一定要选 非要选 结合 我们?会?(?:认为|倾向|选) 最终 结论"
    )
)
_CONCLUDING_ENGLISH = re.compile(
    any_of("therefore thus hence in_conclusion in_summary overall consequently to_conclude based_on so,")
)
# What concludes the whole text (综上), not perhaps one paragraph of it (因此).
FINALLY = re.compile(
    any_of(
        r"综上 综合(?!征|症) 总之 总而言之 总结 最终 结论 我们?会?(?:认为|倾向|选) 根据(?:以上|上述|这些)"
        r" 基于(?:以上|上述|这些) 必须选 in_conclusion in_summary overall finally"
    )
)


def concludes(lowered: str, start: int = 0, end: int = sys.maxsize) -> int | None:
    """Where lowered[start:end] has a word that concludes (综上, 因此, therefore), or None."""
    found = CONCLUDING.search(lowered, start, end) or _CONCLUDING_ENGLISH.search(lowered, start, end)
    return found.start() if found else None


SUPPOSED = re.compile(
    any_of(
        r"如果 若(?!干) 假如 假设 假定 倘若 要是 有人 有些人"
        r" (?:不少|很多|许多|部分|一些|有的|有些)(?:考生|同学|学生|人|医生)"
        r" 为什么 为何 能否 是否 要不要 可能会?误 \bif\b"
    )
)
MUST_CHOOSE = re.compile(
    any_of(
        "必须 只能 一定要 非要 硬要 不得不 如果要 如果让 若要 若让 如果需要"
        " (?:如|若)无(?=其他|其它|别的|更|正确|合适|完全|最) 没有其他"
    )
)

# Words behind an option that dismiss it.
WRONG_BEHIND = re.compile(
    # A heading (错误选项：) or a cross on the next line is about other options.
    r"(?!\s{0,3}\n\s{0,3}(?:[×✗✘❌]|(?:错误|不正确|不符合?|不选|排除)[^\n:]{0,6}[选答案项]:))"
    r"\s{0,3}[:(]?\s{0,3}(?:的?(?:说法|描述|叙述|表述|内容))?(?:是|都|均|也|则|为|显然|明显)*"
    + any_of(
        "错误(?!答案) 错的 错(?![过综误]) 不正确 不对 不准确 不符 不是(?=正确|答案|最佳|本题|该题|此题|首选) 不选"
        " 不成立 不合适 不恰当 有误 可以?排除 应?排除 被排除 × ✗ ✘ ❌"
    )
    + r"|[ \t]+(?:is|are|was|were|seems?|can_be)[ \t]+".replace("_", " ")
    + any_of("not n't in(?:correct|appropriate) wrong false unlikely ruled_out excluded")
    + r"|[ \t]+isn't|[ \t]{0,3}[:(-]?[ \t]{0,3}(?:incorrect|wrong|false)\b(?![ \t][a-z])",
    re.IGNORECASE,
)

_CALLED_WRONG = re.compile(
    any_of(
        "错误(?!的?是) 不正确 不对(?!称|劲) 不符 不恰当 不妥 不合适 不合理 不合法 不合规 不成立 不准确 不严谨"
        r" 违反 违背 违法 有误 不予考虑 \b(?:in|not_)(?:correct|appropriate|accurate)"
        r" \bnot_(?:the_|a_)?(?:correct|right|best|most|true|answer|appropriate|likely) \bwrong \bfalse"
        r" \bunlikely \bruled_out \bless_likely \bviolat"
    ),
    re.IGNORECASE,
)
_CALLED_RIGHT = re.compile(
    any_of(
        r"(?<!不)正确 (?<!不)符合 (?<!不)合法 (?<!不)合理 (?<!不)合规 (?<!不)恰当 (?<!不)合适 (?<!不)成立 (?<!不)准确 是对的"
        r" \bcorrect\b \bright\b \bappropriate\b \btrue\b"
    ),
    re.IGNORECASE,
)
_BEHIND_AN_OPTION = r"(?:选项|项)?[)\]\"”'’]{0,2}[^,。;\n]{0,12}?"
_DENIED_BY_STEM = re.compile(
    _BEHIND_AN_OPTION + any_of(r"不属于 不是 并非 不包括 不能 不应 不宜 无关 \bnot\b n't"), re.IGNORECASE
)
_AFFIRMED_AGAINST_STEM = re.compile(r"(?:选项|项)?[)\]\"”'’]{0,2}\s?(?:也|都|均|则)?(?:属于|包括在|包含在)")


def says_of_option(lowered: str, start: int, end: int, stem: Stem) -> bool | None:
    """Whether lowered[start:end], the words behind an option, make it an answer; None where they do not say."""
    wrong = _CALLED_WRONG.search(lowered, start, end)
    right = _CALLED_RIGHT.search(lowered, start, end)
    if wrong is None and right is None:
        if not stem.negative:
            return None
        if _DENIED_BY_STEM.match(lowered, start, end):
            return True
        return False if _AFFIRMED_AGAINST_STEM.match(lowered, start, end) else None
    is_right = wrong is None or (right is not None and right.start() < wrong.start())
    if stem.negative and not OF_THE_ANSWER.search(lowered, start, end):
        return not is_right
    return is_right


OF_THE_ANSWER = re.compile(
    r"题意|题干|题目|答案|正确的?选项|当选|不选|应选|排除|\b(?:answer|choice)\b", re.IGNORECASE
)

SENTENCE = re.compile(r"[^。!?;\n\ue000]+")
CLAUSE = re.compile(r"[^,。!?;\n\ue000]+")

_ALL_OF_THEM = re.compile(r"(?:选项|[两三四]?项)?[ \t]?(?:均|都|皆)|[ \t]are[ \t]all\b")
_DENIES = re.compile(r"[不非无错禁忌避]|\bnot\b|n't")
_DENIED_TOGETHER = re.compile(any_of(r"不(?:是|属于|符合|正确|对|包括|会|能|应|宜) 错误 并非 没有"))
_ONLY_THE_REST = re.compile(
    r"[^,。;\n]{1,60}[,。;](?:而|但)?(?:只有|仅有?|唯有|唯独)(?P<letter>[A-J])[^,。;\n不非无错]{2,60}(?:[,。;\n]|$)"
)


def affirmed_together(text: str, letters: str, start: int, stem: Stem) -> bool:
    """Whether the words behind several letters set them apart from the answer.

    They do where the stem asks for an exception and they deny nothing (均见于右心衰竭), else where they deny it
    (均不是) or "只有D" follows.
    """
    behind = _ALL_OF_THEM.match(text, start)
    if behind is None or mask_of(letters).bit_count() < 2:
        return False
    if not stem.negative:
        if _DENIED_TOGETHER.match(text, behind.end()):
            return True
        rest = _ONLY_THE_REST.match(text, behind.end())
        return rest is not None and rest["letter"] not in letters
    clause = CLAUSE.match(text, behind.end(), behind.end() + 80)
    if clause is None:
        return False
    says = says_of_option(clause[0].lower(), 0, len(clause[0]), stem)
    plain = not (_DENIES.search(clause[0]) or OF_THE_ANSWER.search(clause[0]))
    return says is False or (says is None and plain)
