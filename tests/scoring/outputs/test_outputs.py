"""Prediction files of all kinds are recognised."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.scoring.outputs import ColumnChoice, read_outputs, recognise
from cmexam_baseline.scoring.outputs.flatten import flatten_columns

LETTERS = ["A", "BD", ""]
REPLIES = ["答案是A，因为……", "正确答案：BD", "我不知道"]


@pytest.mark.parametrize(
    ("columns", "roles"),
    [
        ({"id": ["1"] * 3, "answer": LETTERS}, {"id": "id", "answer": "answer"}),
        ({"id": ["1"] * 3, "answer": ["A"] * 3, "prediction": LETTERS}, {"id": "id", "answer": "prediction"}),
        ({"model_result": REPLIES, "answer": LETTERS}, {"raw": "model_result"}),
        (
            {"predicted_answer": LETTERS, "predicted_explanation": REPLIES, "explanation": REPLIES},
            {"answer": "predicted_answer", "explanation": "predicted_explanation"},
        ),
        ({"question": REPLIES, "predict_answer": REPLIES}, {"question": "question", "raw": "predict_answer"}),
        ({"doc_id": ["1"] * 3, "pred": LETTERS, "target": LETTERS}, {"id": "doc_id", "answer": "pred"}),
        ({"generated_text": REPLIES}, {"raw": "generated_text"}),
        ({"Generated Text": REPLIES, "Pred": LETTERS}, {"answer": "Pred", "raw": "Generated Text"}),
        ({"题号": ["1"] * 3, "模型输出": REPLIES}, {"id": "题号", "raw": "模型输出"}),
        ({"reference": REPLIES, "prediction": REPLIES}, {"raw": "prediction", "reference": "reference"}),
    ],
)
def test_columns_are_known_by_their_names(columns: dict[str, list[object]], roles: dict[str, str]) -> None:
    assert recognise(columns, "file.csv", ColumnChoice()).roles == roles


def test_a_column_can_be_named() -> None:
    columns = {"pred": LETTERS, "mine": ["C"] * 3}
    found = recognise(columns, "file.csv", ColumnChoice(answer="mine"))
    assert found.roles["answer"] == "mine"
    with pytest.raises(InputError, match=r"file.csv has no column 'min'; did you mean 'mine'\?"):
        recognise(columns, "file.csv", ColumnChoice(answer="min"))


def test_a_wide_file_holds_a_system_a_column() -> None:
    columns = {
        "question": REPLIES,
        "gold_answer": LETTERS,
        "gpt-4": LETTERS,
        "qwen": ["C", "", "A"],
        "year": ["2019"] * 3,
    }
    found = recognise(columns, "file.csv", ColumnChoice())
    assert found.systems == ["gpt-4", "qwen"]
    assert "gpt-4, qwen" in found.describe()


def test_probabilities_are_known() -> None:
    columns = {"id": ["1"], "answer": ["A"], "probability_A": ["0.9"], "probability_B": ["0.1"]}
    assert recognise(columns, "f", ColumnChoice()).probabilities == {
        "A": "probability_A",
        "B": "probability_B",
    }


def test_a_file_without_answers_says_what_it_has() -> None:
    with pytest.raises(InputError, match=r"f.csv has no column .* \(found: year, place\).*--answer-column"):
        recognise({"year": ["2019"], "place": ["北京"]}, "f.csv", ColumnChoice())


def test_nested_fields_become_columns() -> None:
    reply = {"choices": [{"message": {"content": "答案：B"}}]}
    flat = flatten_columns({"custom_id": ["q1", "q2"], "response": [{"body": reply}, None]})
    assert flat["response.body.choices.0.message.content"] == ["答案：B", None]
    deep: object = "x"
    for _ in range(50):
        deep = {"a": deep}
    assert len(flatten_columns({"deep": [deep]})) == 1
    with pytest.raises(InputError, match="nested fields"):
        flatten_columns({"wide": [{str(n): n for n in range(20_000)}]})


def test_an_openai_batch_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "gpt.jsonl.gz"
    line = {
        "custom_id": "val-1",
        "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "选B"}}]}},
    }
    file.write_bytes(gzip.compress(json.dumps(line).encode()))
    (system,) = read_outputs(file)
    assert (system.name, system.keys.ids, system.replies) == ("gpt", ["val-1"], ["选B"])


def test_wrong_probabilities_name_their_row(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("id,answer,probability_A,probability_B\nq1,A,0.5,0.5\nq2,A,1.5,0\n")
    with pytest.raises(InputError, match=r"p.csv, row 2: probability_A is '1.5'"):
        read_outputs(file)


def test_rows_keep_their_numbers_in_the_file_behind_damaged_ones(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text(
        "id,answer,probability_A,probability_B\nq1,A,1,0\nq2,A,too,many,fields\nq3,B,0,1\n", "utf-8"
    )
    (output,) = read_outputs(file)
    assert output.rows == [1, 3]
    assert list(output.damaged) == [2]
    file.write_text("id,answer,probability_A,probability_B\nq2,A,too,many,fields\nq3,B,0,7\n", "utf-8")
    with pytest.raises(InputError, match=r"p\.csv, row 2: probability_B is '7'"):
        read_outputs(file)


@pytest.mark.parametrize("choice", [ColumnChoice(), ColumnChoice(answer="reply")])
def test_column_names_with_line_breaks_are_shown_in_one_line(tmp_path: Path, choice: ColumnChoice) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text('{"id": "q0", "\\nswer": "A<", "ezplanation": "因为，"}\n', "utf-8")
    with pytest.raises(InputError, match="broken.jsonl has no column") as caught:
        read_outputs(file, choice)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Qwen2.5-7B.csv", "Qwen2.5-7B.csv.gz"])
def test_a_version_number_is_part_of_the_name(tmp_path: Path, name: str) -> None:
    content = b"id,answer\nq1,A\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert read_outputs(tmp_path / name)[0].name == "Qwen2.5-7B"
