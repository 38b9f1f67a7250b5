"""What an extraction tells besides the letters: the rule, the span and the explanation."""

from __future__ import annotations

import pytest

from cmexam_baseline.scoring import extract
from cmexam_baseline.scoring.extraction import NO_ANSWER, RULES
from cmexam_baseline.scoring.extraction.extract import Reading, ranked

DRUGS = ["毛果芸香碱", "新斯的明", "阿托品", "肾上腺素", "普萘洛尔"]

NO_LETTERS = {"no-option", "either-or", "all-called-right", "undecided"}
RULE_EXAMPLES = {
    "letters": "ABD",
    "option-text": "阿托品。",
    "boxed": r"所以 \boxed{B}",
    "tag": "想好了。<answer>B</answer>",
    "json": '{"answer": "B"}',
    "before-explanation": "B\n解释：休克首选D。",
    "answer-phrase": "经分析，故选B。",
    "answer-phrase-en": "So the answer is B.",
    "answer-phrase-text": "正确答案是阿托品。",
    "no-option": "综上，没有正确答案。",
    "either-or": "答案是A或B。",
    "all-options": "A、B、C、D、E均符合题意。",
    "all-called-right": "A是正确答案，B是正确答案，C是正确答案，D是正确答案，E是正确答案。",
    "undecided": "因此目前无法判断。",
    "last-line": "分析如下。\nB",
    "first-line": "B. 新斯的明。它抑制胆碱酯酶",
    "choice": "重症肌无力应选B。",
    "stem": "治疗重症肌无力的药物是B。",
    "verdict": "综上所述，选项B最合适。",
    "negative-stem": "不正确的是B。",
    "conclusion": "因此选项B用于重症肌无力。",
    "only-verdict": "A错误，B正确。",
    "only-letter": "选项B可以抑制胆碱酯酶。",
    "all-of-the-above": "上述各项均是。",
    "conclusion-text": "因此，宜给患者新斯的明治疗。",
    "choice-text": "肌无力时可以选择新斯的明来治疗。",
    "lead-text": "重症肌无力的药物是新斯的明。",
    "superlative-text": "治疗药物有多种。新斯的明在其中最常见",
    "only-text": "新斯的明可以用于重症肌无力",
}


@pytest.mark.parametrize("rule", RULE_EXAMPLES)
def test_each_rule_has_an_answer_that_it_reads(rule: str) -> None:
    options = [*DRUGS[:4], "以上都是"] if rule == "all-of-the-above" else DRUGS
    found = extract(RULE_EXAMPLES[rule], options)
    assert found.rule == rule
    assert (found.letters is None) == (rule in NO_LETTERS)


def test_the_rule_table_is_complete_and_says_what_rules_mean() -> None:
    assert set(RULE_EXAMPLES) == set(RULES)
    assert all(
        rule.description and rule.priority > 0 and "\n" not in rule.description for rule in RULES.values()
    )
    assert NO_ANSWER not in RULES


def test_the_strongest_rule_wins_and_of_equal_ones_the_last() -> None:
    weak, strong = Reading("only-text", 1, 90, 99), Reading("answer-phrase", 2, 5, 9)
    later = Reading("last-line", 4, 50, 51)
    assert ranked([weak, strong, later]) == [later, strong, weak]
    assert ranked([]) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**正确答案：** Ｂ，因为", "答案：** Ｂ"),
        ("<think>选A</think>故选C。", "选C"),
        ('{"id": 1, "answer": "D"}', "D"),
        ("\n  B  \n", "B"),
        ("综合考虑，首选阿托品", "阿托品"),
        ("The answer is (E).", "answer is (E)"),
    ],
)
def test_the_span_shows_where_the_answer_is(text: str, shown: str) -> None:
    span = extract(text, DRUGS).span
    assert span is not None
    assert text[slice(*span)] == shown


EXPLANATIONS = {
    "答案：B\n解析：抑制胆碱酯酶，增强肌力。": "抑制胆碱酯酶，增强肌力。",
    "B\n解释: 抑制胆碱酯酶": "抑制胆碱酯酶",
    "答案: C. \n 解释: 散瞳，禁用": "散瞳，禁用",
    "答案：A，解释：缩瞳。": "缩瞳。",
    "【答案】A\n【解析】毛果芸香碱缩瞳。": "毛果芸香碱缩瞳。",
    "解析：阿托品散瞳。\n答案：C": "阿托品散瞳。",
    "首先排除B。其次看C。故选A。": "首先排除B。其次看C。",
    "<think>想一想</think>选A。因为缩瞳。": "因为缩瞳。",
    "正确答案是：\n\nD：肾上腺素\n\n它激动α受体。": "它激动α受体。",
    '{"answer": "B", "explanation": "抑制\\n胆碱酯酶"}': "抑制\n胆碱酯酶",
    '{"answer": "B"}': "",
    "**Answer: B**\n\n**Explanation:** It inhibits AChE.": "It inhibits AChE.",
    "B": "",
    "无法判断，建议就医。": "无法判断，建议就医。",
    "治疗重症肌无力的药物是B，它抑制胆碱酯酶。": "治疗重症肌无力的药物是B，它抑制胆碱酯酶。",
}


@pytest.mark.parametrize("text", EXPLANATIONS)
def test_the_explanation_is_the_raw_text_without_the_answer_line(text: str) -> None:
    assert extract(text, DRUGS).explanation == EXPLANATIONS[text]
