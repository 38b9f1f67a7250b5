"""Exam sets of other people, each in the form in which it is published, with invented questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import SHARED, needs_shared

from cmexam_baseline.exam import Exam, read_exam
from cmexam_baseline.exam.errors import InputError, count_left_out
from cmexam_baseline.exam.foreign_exams.reader import read_other_table
from cmexam_baseline.exam.foreign_exams.records import read_answers
from cmexam_baseline.exam.io.formats import ImportedExam, import_exam, write_exam
from cmexam_baseline.exam.io.options_cell import split_options
from cmexam_baseline.exam.io.table import table_of_records
from cmexam_baseline.exam.io.table_to_exam import exam_of_table

STEM = "缺乏可致夜盲症的维生素是"
TEXTS = ["维生素A", "维生素C", "维生素D", "维生素K"]
LETTERED = dict(zip("ABCD", TEXTS, strict=True))
LINES = "\n".join(f"{letter}. {text}" for letter, text in LETTERED.items())


def read_records(folder: Path, *records: dict[str, Any], **settings: Any) -> ImportedExam:
    file = folder / "other.jsonl"
    file.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), encoding="utf-8")
    return import_exam(file, **settings)


FORMS: dict[str, dict[str, Any]] = {
    "MedQA": {"question": STEM, "options": LETTERED, "answer_idx": "A", "answer": "维生素A"},
    "MedQA without letter": {"question": STEM, "options": LETTERED, "answer": "维生素A"},
    "MedMCQA": {"question": STEM, **dict(zip(["opa", "opb", "opc", "opd"], TEXTS, strict=True)), "cop": 0},
    "CNMLEQA": {"question": STEM, **{f"op{k.lower()}": v for k, v in LETTERED.items()}, "answer": "opa"},
    "CMB": {
        "exam_type": "医师考试",
        "question": STEM,
        "answer": "A",
        "option": {**LETTERED, "E": "", "F": None},
    },
    "CMMLU": {"Question": STEM, **LETTERED, "Answer": "A"},
    "SeaEval": {
        "question": STEM,
        "choices": [f"({k}) {v}" for k, v in LETTERED.items()],
        "answer": "(A) 维生素A",
    },
    "MMLU": {"question": STEM, "choices": TEXTS, "answer": 0},
    "ARC": {
        "question": STEM,
        "choices": {"label": ["A", "B", "C", "D"], "text": TEXTS},
        "answerKey": "A",
        "answer": "A",
    },
    "MLEC-QA": {"qid": "7", "qtext": STEM, "options": LETTERED, "answer": ["A"]},
    "CMExam's mirror": {
        "Question": STEM,
        "Options": [{"key": k, "value": v} for k, v in LETTERED.items()],
        "Answer": "A",
        "Explanation": None,
    },
    "options as Python shows them": {"question": STEM, "options": repr(TEXTS), "answer": "维生素A"},
    "options as JSON in a cell": {"question": STEM, "options": json.dumps(LETTERED), "answer": "A"},
    "options one a line": {"question": STEM, "options": "\n".join(TEXTS), "answer": "维生素A"},
    "options in the question": {"question": f"{STEM}\n{LINES}", "answer": ["A"]},
    "MedQA answered by a model": {
        "type": "MedQA_Mainland",
        "question": f"{STEM}\n{LINES}\n回答上面的选择题",
        "reference_answer": "A：维生素A",
        "predict_answer": "选B",
    },
    "CMExam's own prompts": {"prompt": f"问题: {STEM}, \n 选项: {LINES}", "completion": "答案: A 维生素A"},
    "prompts with an explanation": {
        "prompt": f"问题: {STEM}, \n 选项: {LINES}",
        "completion": "答案: A 维生素A. \n 解释: 夜盲症由缺乏维生素A所致。",
    },
    "chat": {
        "messages": [
            {"role": "system", "content": "你是医生。"},
            {"role": "user", "content": f"{STEM}\n{LINES}"},
            {"role": "assistant", "content": "答案：A\n解析：夜盲症由缺乏维生素A所致。"},
        ]
    },
    "ShareGPT": {
        "conversations": [
            {"from": "human", "value": f"题目：{STEM}\n{LINES}"},
            {"from": "gpt", "value": "A"},
        ]
    },
    "Alpaca": {"instruction": STEM, "input": LINES, "output": "A"},
    "Chinese names": {"题干": STEM, "选项": LINES, "正确答案": "A", "答案解析": ""},
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_question(name: str, tmp_path: Path) -> None:
    exam = read_records(tmp_path, FORMS[name]).exam
    assert exam.questions == [STEM]
    assert exam.options(0) == TEXTS
    assert exam.letters() == ["A"]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_every_form_can_be_written_and_read_back(name: str, ending: str, tmp_path: Path) -> None:
    exam = read_records(tmp_path, FORMS[name]).exam
    write_exam(exam, tmp_path / f"other.{ending}")
    assert read_exam(tmp_path / f"other.{ending}") == exam


@pytest.mark.parametrize("name", ["prompts with an explanation", "chat"])
def test_an_explanation_behind_the_answer_is_kept(name: str, tmp_path: Path) -> None:
    exam = read_records(tmp_path, FORMS[name]).exam
    assert exam.explanations == ["夜盲症由缺乏维生素A所致。"]


def test_other_fields_become_annotations_and_replies_are_left_out_aloud(tmp_path: Path) -> None:
    read = read_records(
        tmp_path,
        {
            **FORMS["MedQA answered by a model"],
            "label": "难",
            "year": 2020,
            "tags": ["x"],
            "question ": "别的",
            "Question": "又一个",
        },
    )
    assert read.exam.annotations == {
        "type": ["MedQA_Mainland"],
        "label": ["难"],
        "year": ["2020"],
        "question ": ["别的"],
        "source Question": ["又一个"],
    }
    write_exam(read.exam, tmp_path / "written.jsonl")
    assert read_exam(tmp_path / "written.jsonl").annotations == read.exam.annotations
    assert "answers read as letter and text" in read.notes
    assert "field 'predict_answer' left out in 1 of 1 rows" in read.notes
    assert "field 'tags' left out in 1 of 1 rows" in read.notes
    assert any("'回答上面的选择题'" in note for note in read.notes)


def test_our_own_form_is_read_as_it_always_is(tmp_path: Path) -> None:
    rows = 'Question,Options,Answer,Explanation,Difficulty level\n问题,"A 甲\nB 乙",B,,3\n'
    (tmp_path / "val.csv").write_text(rows, encoding="utf-8")
    read = import_exam(tmp_path / "val.csv")
    assert read.exam == read_exam(tmp_path / "val.csv")
    assert read.notes == []


def test_the_strict_policy_accepts_no_doubtful_row(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text('Question,Options,Answer\n问题,"A 甲\nB 甲",B\n', encoding="utf-8")
    assert len(import_exam(tmp_path / "val.csv").bad_rows) == 1
    with pytest.raises(InputError, match="1 of 1 rows are not in order"):
        import_exam(tmp_path / "val.csv", "error")


def test_published_names_with_answers_as_text_are_read_all_the_same(tmp_path: Path) -> None:
    rows = 'Question,Options,Answer\n问题,"A 甲\nB 乙",乙\n问题二,"A 甲\nB 乙",甲\n'
    (tmp_path / "val.csv").write_text(rows, encoding="utf-8")
    assert import_exam(tmp_path / "val.csv").exam.letters() == ["B", "A"]


@pytest.mark.parametrize(
    ("answers", "base", "letters"),
    [([0, 2], None, [1, 4]), ([1, 3], None, [1, 4]), ([1, 2], 0, [2, 4]), ([1, 2], 1, [1, 2])],
)
def test_numbers_count_from_where_they_must(answers: list[int], base: int | None, letters: list[int]) -> None:
    assert read_answers(answers, [["甲", "乙", "丙"]] * 2, base) == (letters, "number")


def test_numbers_that_could_count_from_0_or_1_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"from 0 or from 1.*`index_base`"):
        read_records(tmp_path, {"question": STEM, "choices": TEXTS, "answer": 1})


def test_numbers_that_are_option_texts_are_texts() -> None:
    options = [["1", "2", "3"], ["2", "4", "6"]]
    assert read_answers(["3", "4"], options) == ([4, 2], "text")


def test_a_row_is_read_as_most_rows_are() -> None:
    blood = ["A", "B", "AB", "O"]
    assert read_answers(["甲", "乙", "AB"], [["甲", "乙"], ["甲", "乙"], blood])[0] == [1, 2, 4]
    assert read_answers(["A", "B", "AB"], [["甲", "乙"], ["甲", "乙"], blood])[0] == [1, 2, 3]


@pytest.mark.parametrize("missing", [None, "", -1, [], float("nan")])
def test_no_answer_is_no_answer(missing: object) -> None:
    assert read_answers([missing, "A"], [["甲", "乙"]] * 2)[0] == [0, 1]


def test_letter_and_text_that_disagree_are_a_bad_row(tmp_path: Path) -> None:
    wrong = {"question": STEM, "options": LETTERED, "answer_idx": "B", "answer": "维生素A"}
    read = read_records(tmp_path, *[{**FORMS["MedQA"], "question": f"{STEM}{n}"} for n in range(9)], wrong,
                        bad_rows="skip")  # fmt: skip
    assert len(read.exam) == 9
    (bad,) = read.bad_rows
    assert bad.row == 10
    assert "B and A at once" in bad.reason


@pytest.mark.parametrize(
    ("key", "answer"), [("correct_answer", "B"), ("gold", "维生素C"), ("ground_truth", "B"), ("标准答案", 1)]
)
def test_two_columns_named_like_the_key_must_agree(tmp_path: Path, key: str, answer: object) -> None:
    base = {"question": STEM, "options": LETTERED, "answer": "A", "label": 2}
    agreeing = {"correct_answer": "A", "gold": "维生素A", "ground_truth": "A", "标准答案": 0}[key]
    read = read_records(tmp_path, {**base, key: agreeing}, {**base, "question": f"{STEM}2", key: agreeing})
    assert read.exam.letters() == ["A", "A"]
    with pytest.raises(
        InputError, match=f"answer and {key} are both named like the answer key and differ in 1 of 2"
    ):
        read_records(tmp_path, {**base, key: agreeing}, {**base, "question": f"{STEM}2", key: answer})


def test_unreadable_rows_are_counted_and_stop_the_reading(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2 of 3 rows cannot be used .*row 2.*row 3.*`bad_rows="):
        read_records(
            tmp_path,
            FORMS["MedQA"],
            {"question": STEM, "options": LETTERED, "answer": "维生素Z"},
            {"question": "没有选项", "answer": "A"},
        )


def test_an_exam_without_answers_can_be_read_for_asking(tmp_path: Path) -> None:
    records = [{"id": n, "question": STEM + n, "option": LETTERED} for n in "12"]
    exam = read_records(tmp_path, *records, need_answers=False).exam
    assert exam.ids == ["1", "2"]
    assert exam.letters() == ["", ""]


@pytest.mark.parametrize(
    "record", [{"text": "abc"}, {"question": 5}, {"messages": "x"}, {"messages": [1, {}]}]
)
def test_what_is_no_exam_ends_in_one_line(record: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        read_records(tmp_path, record)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "stem", "options", "rest"),
    [
        ("题干\nA：甲\nB：乙", "题干", ["甲", "乙"], ""),
        ("题干（　）A.甲 B.乙 C.丙", "题干（　）", ["甲", "乙", "丙"], ""),
        ("题干\nＡ．甲\nＢ．乙", "题干", ["甲", "乙"], ""),
        ("题干\n(A) 甲\n(B) 乙\n\n请作答", "题干", ["甲", "乙"], "请作答"),
        ("A 型题\n题干\nA 甲\nB 乙\nC 丙", "A 型题\n题干", ["甲", "乙", "丙"], ""),
        ("题干\nA、甲\n的下一行\nB、乙", "题干", ["甲 的下一行", "乙"], ""),
        ("维生素A、B有何作用\nA：甲\nB：乙", "维生素A、B有何作用", ["甲", "乙"], ""),
        ("Question: x\nA. DNA\nB. RNA", "x", ["DNA", "RNA"], ""),
        ("题干\r\nA：甲\r\nB：乙\r\n", "题干", ["甲", "乙"], ""),
    ],
)
def test_options_inside_a_question_are_taken_apart(text, stem, options, rest) -> None:
    apart = split_options(text)
    assert apart is not None
    assert (apart.stem, apart.options, apart.rest) == (stem, options, rest)


@pytest.mark.parametrize("text", ["", "没有选项的题干", "A：只有一个", "B：乙\nC：丙", "维生素A 缺乏"])
def test_a_text_without_options_stays_whole(text: str) -> None:
    assert split_options(text) is None


@needs_shared
@pytest.mark.parametrize("model", ["BenTsao", "ChatGLM3", "DoctorGLM", "GPT-4", "HuatuoGPT2", "QiZhenGPT"])
def test_real_replies_to_real_questions_become_an_exam(model: str) -> None:
    file = SHARED / "data" / "predictions" / "free_text_medqa" / f"{model}.jsonl"
    read = import_exam(file)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(read.exam) == len(rows) == 150
    assert not read.bad_rows
    for question, row in zip(read.exam, rows, strict=True):
        letter = row["reference_answer"][0]
        assert question.answer == letter
        assert question.right_options == [row["reference_answer"][2:]]
        assert row["question"].startswith(question.question + "\nA：")


@needs_shared
@pytest.mark.parametrize("name", ["val.csv", "test_with_annotations.csv"])
def test_the_published_form_is_not_taken_for_another(name: str) -> None:
    file = SHARED / "data" / "cmexam" / name
    read = import_exam(file)
    assert isinstance(read.exam, Exam)
    assert read.exam == read_exam(file)
    assert read.notes == []


NAMES = [
    "question",
    "Question",
    "options",
    "option",
    "A",
    "B",
    "opa",
    "opb",
    "answer",
    "answer_idx",
    "cop",
    "id",
]
NAMES += ["messages", "conversations", "instruction", "input", "output", "explanation", "label", "whatever"]
CELLS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.floats()
    | st.sampled_from(
        [STEM, LINES, "A", "AB", "维生素A", "A：维生素A", "['甲', '乙']", '{"A": "甲"}', "[", "{0}"]
    ),
    lambda cell: (
        st.lists(cell, max_size=4)
        | st.dictionaries(
            st.sampled_from(["A", "B", "text", "label", "key", "value", "role"]), cell, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(NAMES), CELLS, min_size=1, max_size=6), min_size=1, max_size=4)
)
def test_any_records_give_an_exam_or_one_line(records: list[dict[str, Any]]) -> None:
    table = table_of_records(records, "x.jsonl")
    try:
        other, _ = read_other_table(table)
        exam, bad = exam_of_table(other, "x.jsonl", "x", "skip", need_answers=False)
    except InputError as refusal:
        assert "\n" not in str(refusal)
    else:
        assert len(exam) + count_left_out(bad) == len(records)
