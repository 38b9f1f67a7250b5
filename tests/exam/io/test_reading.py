"""Exam files as people have them: names of columns, encodings, delimiters, cells of every type."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cmexam_baseline.exam import Exam, InputError, read_exam, read_exam_with_issues, read_splits
from cmexam_baseline.exam.io.columns import ALIASES, find_columns
from cmexam_baseline.exam.io.formats import read_table

ROWS = [
    ("缺乏可致夜盲症的是", "A 维生素A\nB 维生素C", "A", "（A对）"),
    ("脂溶性维生素包括", "A 维生素A\nB 维生素C\nC 维生素D", "AC", ""),
]
HEADER = ("Question", "Options", "Answer", "Explanation")


def csv_text(header: tuple[str, ...] = HEADER, rows: list[Any] | None = None, delimiter: str = ",") -> str:
    """A CSV file with this header and these rows, or the two sound ones."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows([header, *(rows or ROWS)])
    return stream.getvalue()


def check(exam: Exam) -> None:
    """The two sound rows came out."""
    assert exam.questions == [row[0] for row in ROWS]
    assert [exam.options(0), exam.options(1)] == [["维生素A", "维生素C"], ["维生素A", "维生素C", "维生素D"]]
    assert exam.letters() == ["A", "AC"]
    assert exam.explanations == ["（A对）", ""]


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        ("question", "options", "answer", "explanation"),
        ("QUESTION", "Choices", "Gold", "Rationale"),
        ("题目", "选项", "答案", "解析"),
        ("题干", "备选答案", "正确答案", "答案解析"),
        (" Question ", "Ｏｐｔｉｏｎｓ", "correct_answer", "Explanations"),
        ("question_stem", "options", "answer-idx", "analysis"),
    ],
)
def test_names_of_columns(tmp_path: Path, header: tuple[str, ...]) -> None:
    file = tmp_path / "val.csv"
    file.write_text(csv_text(header), "utf-8")
    exam = read_exam(file)
    check(exam)
    assert exam.annotations == {}


def test_every_alias_is_found_and_belongs_to_one_role_only() -> None:
    names = [alias for aliases in ALIASES.values() for alias in aliases]
    assert len(names) == len(set(names))
    for role, aliases in ALIASES.items():
        for alias in aliases:
            assert find_columns([alias, "x"]) == {role: alias}


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        (["Answer", "answer_idx", "label"], "Answer"),
        (["answer", "answer_idx"], "answer_idx"),
        (["label", "答案"], "label"),
        (["ANSWER", "answer"], "ANSWER"),
    ],
)
def test_which_of_several_columns_counts(names: list[str], answer: str) -> None:
    assert find_columns(names)["answer"] == answer


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".json"])
def test_encodings(tmp_path: Path, encoding: str, ending: str) -> None:
    records = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    text = {
        ".csv": csv_text(),
        ".jsonl": "\n".join(json.dumps(record, ensure_ascii=False) for record in records),
        ".json": json.dumps(records, ensure_ascii=False),
    }[ending]
    file = tmp_path / f"val{ending}"
    file.write_bytes(text.encode(encoding))
    check(read_exam(file))


@pytest.mark.parametrize(
    ("delimiter", "ending"), [("\t", ".csv"), (";", ".csv"), ("\t", ".tsv"), (",", ".csv")]
)
def test_delimiters(tmp_path: Path, delimiter: str, ending: str) -> None:
    file = tmp_path / f"val{ending}"
    file.write_text(csv_text(delimiter=delimiter), "utf-8")
    check(read_exam(file))


def test_ids_are_the_split_or_the_file_and_the_row(tmp_path: Path) -> None:
    for name, first in {
        "val.csv": "val-1",
        "dev.csv": "val-1",
        "test_with_annotations.csv": "test-1",
        "TRAIN.csv": "train-1",
        "medqa.csv": "medqa-1",
    }.items():
        (tmp_path / name).write_text(csv_text(), "utf-8")
        assert read_exam(tmp_path / name).ids[0] == first
    assert read_exam(tmp_path / "val.csv", name="other").ids == ["other-1", "other-2"]


def test_ids_count_rows_of_the_file_also_where_some_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "val.csv"
    file.write_text(
        csv_text(rows=[ROWS[0], ("坏", "", "A", ""), ROWS[1]]).replace("坏", "\n\n坏", 1), "utf-8"
    )
    exam, bad = read_exam_with_issues(file, "skip")
    assert exam.ids == ["val-1", "val-3"]
    assert [(row.row, row.left_out) for row in bad] == [(2, True)]


def test_own_ids_and_other_columns(tmp_path: Path) -> None:
    rows = [("q7", *ROWS[0], "内科"), ("", *ROWS[1], "")]
    file = tmp_path / "val.csv"
    file.write_text(csv_text(("ID", *HEADER, "Clinical Department"), rows), "utf-8")
    exam = read_exam(file)
    check(exam)
    assert exam.ids == ["q7", "val-2"]
    assert exam.annotations == {"Clinical Department": ["内科", ""]}


def test_options_in_columns_of_their_own(tmp_path: Path) -> None:
    rows = [("甲？", "一", "二", "", "", "B"), ("乙？", "一", "二", "三", "四", "D")]
    file = tmp_path / "val.csv"
    file.write_text(csv_text(("question", "A", "B", "C", "D", "answer"), rows), "utf-8")
    exam = read_exam(file)
    assert [exam.options(0), exam.options(1)] == [["一", "二"], ["一", "二", "三", "四"]]
    assert exam.letters() == ["B", "D"]
    assert exam.annotations == {}


def test_the_text_of_an_option_is_an_answer(tmp_path: Path) -> None:
    rows = [("甲？", "A 肝炎\nB 肝癌", "肝癌", ""), ("乙？", "A AB\nB C", "AB", "")]
    file = tmp_path / "val.csv"
    file.write_text(csv_text(rows=rows), "utf-8")
    assert read_exam(file).letters() == ["B", "AB"]


@pytest.mark.parametrize(
    "options",
    [
        ["维生素A", "维生素C"],
        {"A": "维生素A", "B": "维生素C"},
        [{"key": "A", "value": "维生素A"}, {"key": "B", "value": "维生素C"}],
        "A. 维生素A\nB. 维生素C",
        ["A、维生素A", "B、维生素C"],
    ],
)
@pytest.mark.parametrize("answer", ["B", "b", ["B"], "(B)"])
def test_json_records(tmp_path: Path, options: Any, answer: Any) -> None:
    record = {"id": 7, "question": "甲？", "options": options, "answer": answer, "year": 2019, "score": 2.0}
    record |= {"empty": None, "tags": ["x", "y"], "nan": float("nan")}
    for ending, content in {
        "jsonl": f"\n{json.dumps(record)}\n\n",
        "json": json.dumps({"version": 1, "data": [record]}),
    }.items():
        file = tmp_path / f"medqa.{ending}"
        file.write_text(content, "utf-8")
        exam = read_exam(file)
        assert exam.ids == ["7"]
        assert exam.options(0) == ["维生素A", "维生素C"]
        assert exam.letters() == ["B"]
        assert exam.annotations == {
            "year": ["2019"],
            "score": ["2"],
            "empty": [""],
            "tags": ["['x', 'y']"],
            "nan": [""],
        }


def test_json_records_may_lack_fields(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(
        '{"question": "甲", "options": ["一", "二"], "answer": "A"}\n'
        '{"question": "乙", "options": ["一", "二"], "answer": "A", "explanation": "因为", "year": "1"}\n',
        "utf-8",
    )
    exam = read_exam(file)
    assert exam.explanations == ["", "因为"]
    assert exam.annotations == {"year": ["", "1"]}


def test_parquet_cells_of_every_type(tmp_path: Path) -> None:
    import polars

    frame = polars.DataFrame(
        {
            "id": [1, 2],
            "Question": ["甲", "乙"],
            "Options": [{"A": "一", "B": "二", "C": None}, {"A": "三", "B": "四", "C": "五"}],
            "Answer": [["A", "B"], ["C"]],
            "Difficulty level": [1.0, None],
        }
    )
    frame.write_parquet(tmp_path / "x.parquet")
    exam = read_exam(tmp_path / "x.parquet")
    assert exam.ids == ["1", "2"]
    assert [exam.options(0), exam.options(1)] == [["一", "二"], ["三", "四", "五"]]
    assert exam.letters() == ["AB", "C"]
    assert exam.annotations == {"Difficulty level": ["1", ""]}


def test_xlsx_cells_of_every_type(tmp_path: Path) -> None:
    import xlsxwriter

    book = xlsxwriter.Workbook(tmp_path / "x.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["题号", "题目", "A", "B", "答案", "Difficulty level", ""])
    sheet.write_row(1, 0, [1, "甲", 5, 2.5, "A", 3])
    sheet.write_row(3, 0, [2, "乙", "一", "二", "B", None])
    book.close()
    exam, bad = read_exam_with_issues(tmp_path / "x.xlsx", "skip")
    assert exam.ids == ["1", "2"]
    assert [exam.options(0), exam.options(1)] == [["5", "2.5"], ["一", "二"]]
    assert exam.annotations == {"Difficulty level": ["3", ""]}
    assert [row.row for row in bad] == [2]


def test_rows_in_a_second_sheet_are_not_lost_without_a_word(tmp_path: Path) -> None:
    import xlsxwriter

    for second in ("题目", "说明"):
        book = xlsxwriter.Workbook(tmp_path / "x.xlsx")
        for name, first in (("单选题", "题目"), ("多选题", second)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, [first, "A", "B", "答案"])
            sheet.write_row(1, 0, [f"{name}甲", "一", "二", "A"])
        book.close()
        if second == "题目":
            with pytest.raises(InputError, match="the sheets '单选题' and '多选题' have the same header"):
                read_exam(tmp_path / "x.xlsx")
        else:
            assert len(read_exam(tmp_path / "x.xlsx")) == 1


def test_answers_may_be_missing_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "blind.csv"
    file.write_text(csv_text(HEADER[:2], [row[:2] for row in ROWS]), "utf-8")
    with pytest.raises(InputError, match="no column Answer"):
        read_exam(file)
    assert read_exam(file, need_answers=False).answers.tolist() == [0, 0]
    file.write_text(csv_text(rows=[(*row[:2], "", "") for row in ROWS]), "utf-8")
    with pytest.raises(InputError, match="no answer"):
        read_exam(file)
    assert read_exam(file, "error", need_answers=False).answers.tolist() == [0, 0]


def test_blank_lines_and_nameless_columns_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "val.csv"
    text = csv_text((*HEADER, ""), [(*row, "") for row in ROWS])
    file.write_text("\n" + text.replace("脂溶性", "\n\n脂溶性") + "\n\n", "utf-8")
    exam = read_exam(file)
    check(exam)
    assert exam.ids == ["val-1", "val-2"]
    assert exam.annotations == {}
    file.write_text(csv_text((*HEADER, ""), [(*ROWS[0], "注"), (*ROWS[1], "")]), "utf-8")
    assert read_exam(file).annotations == {"column 5": ["注", ""]}


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    file = tmp_path / "val.csv"
    limit = csv.field_size_limit()
    file.write_text(csv_text(rows=[(*ROWS[0][:3], "长" * 500_000), ROWS[1]]), "utf-8")
    assert len(read_exam(file).explanations[0]) == 500_000
    assert csv.field_size_limit() == limit


def test_splits_of_a_folder(tmp_path: Path) -> None:
    for name in ("test.csv", "test_with_annotations.csv", "valid.csv", "train.csv", "notes.txt"):
        (tmp_path / name).write_text(csv_text(), "utf-8")
    (tmp_path / "test.csv").write_text("broken")
    splits = read_splits(tmp_path)
    assert list(splits) == ["train", "val", "test"]
    assert [exam.ids[0] for exam in splits.values()] == ["train-1", "val-1", "test-1"]
    assert read_exam(tmp_path, split="val") == splits["val"]


def test_splits_of_any_form(tmp_path: Path) -> None:
    record = {"question": "甲", "options": ["一", "二"], "answer": "A"}
    (tmp_path / "dev.jsonl").write_text(json.dumps(record), "utf-8")
    assert list(read_splits(tmp_path)) == ["val"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    record = {"Question": "甲", "Options": ["一", "二"], "Answer": "A"}
    for content in (b"Question,Options,Answer\n", json.dumps(record).encode(), json.dumps([record]).encode()):
        data = content + ('甲,"A 一\nB 二",A\n'.encode() if content.startswith(b"Q") else b"")
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert read_table("-").columns["Question"] == ["甲"]
