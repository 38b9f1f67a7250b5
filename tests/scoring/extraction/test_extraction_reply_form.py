"""The official scripts' form of reply, letters and then an explanation: the explanation decides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.scoring import extract

DRUGS = ["毛果芸香碱", "新斯的明", "阿托品", "肾上腺素", "普萘洛尔"]
LETTERS = st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=4, unique=True).map(sorted)
FIRST_LINES = [
    "{}",
    "{}。",
    "答案：{}",
    "答案: {}.",
    "正确答案是{}。",
    "【答案】{}",
    "**{}**",
    "（{}）",
    "选{}",
    "Answer: {}",
]
JOINTS = ["", "、", ",", "，", ", ", "；", "和"]
MARKERS = [
    "\n解释：",
    "\n解释: ",
    "\n\n解析：",
    "\n【解析】",
    "\n分析：",
    "\n**解释**：",
    "\nExplanation: ",
    " 解析：",
]
PHRASES = [
    "休克首选{}。",
    "本病首选的药物是{}，其次选{}。",
    "高血压者应选{}，低血压者宜选用{}。",
    "本题易误选{}，临床上选择{}较多。",
    "治疗的药物是{}。",
    "因此选项{}用于休克。",
    "最典型的是{}。",
    "{}正确，其余与题意不符。",
    "For shock choose {}. The best choice is {}.",
    "{}",
]


def _full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "A" <= char <= "E" else char for char in text)


@given(
    LETTERS,
    st.sampled_from(FIRST_LINES),
    st.sampled_from(JOINTS),
    st.sampled_from(MARKERS),
    st.lists(st.sampled_from(PHRASES), min_size=1, max_size=3),
    st.sampled_from("ABCDE"),
    st.booleans(),
)
def test_the_first_line_wins(
    letters: list[str],
    first_line: str,
    joint: str,
    marker: str,
    phrases: list[str],
    other: str,
    full_width: bool,
) -> None:
    answer = joint.join(letters)
    line = first_line.format(_full_width(answer) if full_width else answer)
    text = line + marker + "".join(phrase.replace("{}", other) for phrase in phrases)
    assert extract(text, DRUGS).letters == "".join(letters), text


@pytest.mark.parametrize("phrase", ["休克首选D。", "休克者应选D。", "青光眼用A，休克宜选D", "首选D，不选A"])
@pytest.mark.parametrize("first_line", ["B", "B。", "答案：B", "正确答案是B。", "B. 新斯的明", "【答案】B"])
def test_no_marker_is_needed_against_what_is_chosen_in_other_cases(first_line: str, phrase: str) -> None:
    assert extract(f"{first_line}\n{phrase}", DRUGS).letters == "B"


@pytest.mark.parametrize(
    "taken_back",
    [
        "更正：正确答案应为D。",
        "等等，我重新考虑一下，答案是D。",
        "抱歉，前面的答案有误，正确答案是D。",
        "因此最终答案是D。",
        "Wait, I made a mistake. The correct answer is D.",
    ],
)
def test_who_takes_the_first_line_back_is_heard(taken_back: str) -> None:
    assert extract(f"B\n解释：新斯的明抑制胆碱酯酶。{taken_back}", DRUGS).letters == "D"
