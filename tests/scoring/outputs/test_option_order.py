"""Letters of a model that saw the options in another order."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from prediction_shapes import N, letters, the_exam, turned

from cmexam_baseline.exam.letters import LETTERS, letters_to_mask, mask_to_letters
from cmexam_baseline.scoring import ColumnChoice, score_file
from cmexam_baseline.scoring.outputs.joining import map_back

EXAM = ["头孢拉定", "青霉素 G", "吗啡", "10mg", "10mg以上"]


def mapped(letters: str, shown: list[str], exam: list[str]) -> str:
    return mask_to_letters(map_back(letters_to_mask(letters), shown, exam))


def test_letters_follow_their_texts() -> None:
    shown = ["吗啡", "10mg以上", "头孢拉定", "青霉素 G", "10mg"]
    assert mapped("A", shown, EXAM) == "C"
    assert mapped("BCD", shown, EXAM) == "ABE"


def test_width_blanks_case_and_punctuation_do_not_matter() -> None:
    assert mapped("B", ["x", "青霉素Ｇ。"], EXAM) == "B"
    assert mapped("A", ["青霉素g"], EXAM) == "B"


@pytest.mark.parametrize(
    ("letters", "shown", "exam"),
    [
        ("A", ["红霉素"], EXAM),
        ("C", ["吗啡", "头孢拉定"], EXAM),
        ("A", ["甲"], ["甲", "甲"]),
        ("AB", ["吗啡", "红霉素"], EXAM),
    ],
    ids=["no such option", "beyond the options", "twice in the exam", "one of two"],
)
def test_what_cannot_be_mapped_is_no_answer(letters: str, shown: list[str], exam: list[str]) -> None:
    assert mapped(letters, shown, exam) == ""


def test_every_permutation_comes_back() -> None:
    rng = random.Random(0)
    for _ in range(50):
        order = rng.sample(range(5), 5)
        shown = [EXAM[place] for place in order]
        for place, original in enumerate(order):
            assert mapped("ABCDE"[place], shown, EXAM) == "ABCDE"[original]


def asked(row: int, options: list[str], mark: str = "{}. {}", between: str = "\n") -> str:
    lines = [mark.format(letter, text) for letter, text in zip(LETTERS, options, strict=False)]
    return between.join([the_exam().questions[row], *lines])


EXAMPLE = "属于颈内动脉分支的是\nA. 甲\nB. 乙\nC. 丙\nD. 丁\nE. 戊\nF. 己\n答案：D\n\n"
PROMPTS = [
    ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "{}. {}", "\n"),
    ("[INST] ", " [/INST]", "{}. {}", "\n"),
    ("", "<|eot_id|>", "({}) {}", " "),
    ("USER: ", " ASSISTANT:", "{}、{}", "\n"),
    ("", " 请直接回答选项字母，例如：A", "{}. {}", "\n"),
    ("", "\n答案：", "{}) {}", "<br>"),
    (EXAMPLE, "</s>", "{}. {}", "\n"),
    ("", "}", '"{}": "{}"', ", "),
    ("", "", "**{}.** {}", "\n"),
    ("", "", "- {1}", "\n"),
]


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize(("before", "after", "mark", "between"), PROMPTS)
def test_options_are_found_inside_prompts_whatever_follows_them(
    before: str, after: str, mark: str, between: str, ids: bool
) -> None:
    prompts = [before + asked(row, turned(row)[0], mark, between) + after for row in range(N)]
    columns = {"prompt": prompts, "pred": [turned(row)[1] for row in range(N)]}
    columns |= {"id": list(the_exam().ids)} if ids else {}
    chosen = ColumnChoice(id="id") if ids else None
    report = score_file(columns, the_exam(), columns=chosen, resamples=1)
    assert report.accuracy == 0.6 and report.to_dict()["systems"][0]["remarks"] == []


def remarks_of(columns: dict[str, list[str]]) -> list[str]:
    report = score_file({"id": list(the_exam().ids), **columns}, the_exam(), resamples=1)
    assert report.accuracy == 0.6
    found: list[str] = report.to_dict()["systems"][0]["remarks"]
    return found


def test_options_of_a_prompt_that_are_not_the_exams_are_counted() -> None:
    others = [[f"option {row} {place}" for place in range(5)] for row in range(N)]
    shown = [asked(row, others[row] if row < 7 else the_exam().options(row)) for row in range(N)]
    (remark,) = remarks_of({"prompt": shown, "pred": list(letters())})
    assert "the options in 7 of 100 cells of prompt are not those of the exam" in remark


def test_a_stem_that_names_its_options_shows_none() -> None:
    named = [f"关于{'、'.join(turned(row)[0])}，{the_exam().questions[row]}" for row in range(N)]
    exam = replace(the_exam(), questions=named)
    rows = [{"prompt": f"{stem}\n请回答", "pred": letters()[row]} for row, stem in enumerate(named)]
    assert score_file(rows, exam, resamples=1).accuracy == 0.6


def test_a_prompt_outranks_a_column_of_options() -> None:
    columns = {
        "options": [str(the_exam().options(row)) for row in range(N)],
        "prompt": [asked(row, turned(row)[0]) for row in range(N)],
        "pred": [turned(row)[1] for row in range(N)],
    }
    (remark,) = remarks_of(columns)
    assert "100 cells of prompt have their options in another order than options" in remark


def test_a_column_of_other_options_is_told() -> None:
    foreign = [str([f"option {row} {letter}" for letter in "ABCDE"]) for row in range(N)]
    (remark,) = remarks_of({"choices": foreign, "pred": list(letters())})
    assert "choices with other texts than the exam's options in 34 of 34 rows" in remark
    assert remarks_of({"choices": ["['A', 'B', 'C']"] * N, "pred": list(letters())}) == []


@pytest.mark.parametrize(
    "cell", ["{letter}. {text}", "{letter} {text}", "option {row} {letter}", "0.{row:02d}", "-1.{row:02d}"]
)
def test_columns_named_by_letters_hold_options_or_are_left_aside(cell: str) -> None:
    columns: dict[str, list[str]] = {letter: [] for letter in "ABCDE"}
    for row in range(N):
        texts = (the_exam().options(row) + [""] * 5)[:5]
        for letter, text in zip("ABCDE", texts, strict=True):
            columns[letter].append(cell.format(letter=letter, text=text, row=row) if text else "")
    remarks = remarks_of({**columns, "pred": list(letters())})
    assert remarks == [] if "{text}" in cell else "with other texts than the exam's options in" in remarks[0]
