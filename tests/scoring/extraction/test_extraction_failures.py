"""How published extractors fail on free text: one test for each kind of failure."""

from __future__ import annotations

import pytest

from cmexam_baseline.scoring import extract

DRUGS = ["毛果芸香碱", "新斯的明", "阿托品", "肾上腺素", "普萘洛尔"]
EFFECTS = ["心率加快", "血压下降", "瞳孔缩小", "支气管扩张", "唾液分泌增加"]
BLOOD = ["A型", "B型", "AB型", "O型"]
SYMPTOMS = ["头痛", "呕吐", "视乳头水肿", "以上都是"]

FAILURES = {
    "capitals of abbreviations count as answers": ("DNA检测（PCR）提示HBV感染，建议查CT。", DRUGS, None),
    "capitals of medical words count as answers": (
        "维生素A缺乏；B超见脾大；C反应蛋白升高；E.coli阳性。",
        DRUGS,
        None,
    ),
    "letters that touch digits or Latin letters count": (
        "T38.5℃，B12缺乏，L4~5椎间盘突出，HbA1c升高。",
        DRUGS,
        None,
    ),
    "a blood group is taken for a letter": ("其血清中含抗A抗体，故血型为B型。", BLOOD, "B"),
    "the first match wins": ("A选项错误，B选项正确。", DRUGS, "B"),
    "only the half-width colon is known": ("答案：B", DRUGS, "B"),
    "only the full-width colon is known": ("答案:B", DRUGS, "B"),
    "full-width letters are not seen": ("正确答案为Ｃ。", DRUGS, "C"),
    "several letters are cut to one": ("答案：A、B、D", EFFECTS, "ABD"),
    "letters out of order are not sorted": ("答案为D、A、B", EFFECTS, "ABD"),
    "no match is scored as A": ("抱歉，我无法判断，请咨询医生。", DRUGS, None),
    "no match is scored as the most similar option": ("应当使用拟胆碱药或者手术治疗。", DRUGS, None),
    "an empty reply is scored": ("", DRUGS, None),
    "thinking is read as the answer": ("<think>也许是A，也许是D</think>\n正确答案：C", DRUGS, "C"),
    "unfinished thinking is read as the answer": ("<think>先看A，答案可能是A，但是", DRUGS, None),
    "thinking without its beginning is read": ("应该选A吧。\n</think>\n\nB", DRUGS, "B"),
    "negation is ignored": ("不选A，应选C。", DRUGS, "C"),
    "excluded options count": ("排除A、B、D，故选E。", DRUGS, "E"),
    "a change of mind is missed": ("答案是A。更正：答案应为B。", DRUGS, "B"),
    "a supposition counts": ("如果选A则眼压升高，因此选B。", DRUGS, "B"),
    "the listing of options counts": (
        "A. 毛果芸香碱\nB. 新斯的明\nC. 阿托品\nD. 肾上腺素\nE. 普萘洛尔\n答案：D",
        DRUGS,
        "D",
    ),
    "an echo of the prompt counts": ("请从A、B、C、D、E中选择一个正确答案。", DRUGS, None),
    "an option's text is not read": ("该患者首选的药物是毛果芸香碱。", DRUGS, "A"),
    "a shorter text inside another is read": (
        "应在24小时内报告。",
        ["2小时", "4小时", "24小时", "48小时"],
        "C",
    ),
    "all of the above is not understood": ("上述表现均可见，所以以上都是。", SYMPTOMS, "D"),
    "affirming every option is scored": ("A、B、C、D、E都正确。", DRUGS, None),
    "a boxed answer is not read": (r"因此最终答案为 $\boxed{\text{B}}$。", DRUGS, "B"),
    "Markdown hides the answer": ("### 结论\n\n**正确答案**：**C. 阿托品**", DRUGS, "C"),
    "a JSON reply is not read": ('```json\n{"answer": "D", "explanation": "A、B、C错误"}\n```', DRUGS, "D"),
    "chat markers go on into the next turn": ("答案：B<|im_end|>\n<|im_start|>user\n选A可以吗？", DRUGS, "B"),
    "an invented next question is answered": ("答案：B\n\n题目：下列哪项正确？\n答案：A", DRUGS, "B"),
    "English is not read": ("The correct answer is (E).", DRUGS, "E"),
    "an English article counts as A": ("A patient with glaucoma needs treatment.", DRUGS, None),
    "either-or is scored": ("答案可能是A或B。", DRUGS, None),
    "a letter beyond the options is scored": ("答案：F", DRUGS, None),
    "the official scripts' own form is not read": ("B\n解释: 新斯的明抑制胆碱酯酶。", DRUGS, "B"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_this_failure_does_not_happen(failure: str) -> None:
    text, options, expected = FAILURES[failure]
    assert extract(text, options).letters == expected
