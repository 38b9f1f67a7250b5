"""Large files are read, checked and scored in pieces; what comes out is what comes out of the whole."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, Predictions, read_predictions
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io import csv_format, json_format, packed_column, text_source
from cmexam_baseline.exam.io.formats import read_exam_report, read_table, write_exam
from cmexam_baseline.exam.io.packed_column import ColumnPacking, PackedColumn, mapped, pieces
from cmexam_baseline.exam.sample import sample_exam
from cmexam_baseline.scoring import Settings, SystemScore, align, score_system
from cmexam_baseline.scoring.extraction import extract_all
from cmexam_baseline.scoring.extractions import Extractions
from cmexam_baseline.scoring.outputs import read_outputs
from cmexam_baseline.scoring.report_data import report_of, rows_of
from cmexam_baseline.scoring.slices import slice_exam

FAULTS = (
    '甲？,"A 一\nB 二",C,\n'  # no such option
    "乙？,没有选项,A,\n"
    '丙？,"A 一\nB 一",A,同样的选项\n'
    ',"A 一\nB 二",A,\n'
    "丁？,A 一\n"  # a field too few
)


def in_small_pieces(patch: pytest.MonkeyPatch) -> None:
    for module in (packed_column, csv_format, json_format):
        patch.setattr(module, "ROWS_A_PIECE", 7)
    patch.setattr(packed_column, "PACK_FROM", 10)
    patch.setattr(packed_column, "CELLS_A_BLOCK", 4)
    patch.setattr(text_source, "WHOLE_UP_TO", 0)
    patch.setattr(text_source, "_BLOCK", 11)


def both_ways(monkeypatch: pytest.MonkeyPatch, function: Callable[[], Any]) -> tuple[Any, Any]:
    whole = function()
    with monkeypatch.context() as patch:
        in_small_pieces(patch)
        return whole, function()


@pytest.fixture(scope="module")
def exam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 questions, 5 of them twice, and rows with every kind of fault."""
    exam = sample_exam("test")[:60]
    file = tmp_path_factory.mktemp("pieces") / "exam.csv"
    write_exam(Exam.concatenate([exam]), file)
    header, rows = file.read_text("utf-8").split("\n", 1)
    commas = header.count(",") - 3
    faults = FAULTS.replace(",\n", "," + "," * commas + "\n").replace("选项\n", "选项" + "," * commas + "\n")
    again = tmp_path_factory.mktemp("again") / "again.csv"
    write_exam(exam[:5], again)
    file.write_text(f"{header}\n{rows}{faults}{again.read_text('utf-8').split(chr(10), 1)[1]}", "utf-8")
    return file


def all_rows(exam: Exam, systems: list[SystemScore]) -> list[tuple[Any, ...]]:
    return [row for part in rows_of(exam, systems) for row in zip(*part.values(), strict=True)]


def prediction_files(folder: Path, exam: Exam) -> list[Path]:
    """Answers and explanations by id, out of order, with doubled and foreign rows; replies; nested; Parquet."""
    import polars

    ids = [*reversed(exam.ids), exam.ids[3], "nobody"]
    answers = ["ABCDE"[row % 5] for row in range(len(ids))]
    why = [
        None if row % 9 == 4 else f"因为第{row}题，所以选它。𠮷" * (1 + row % 3) for row in range(len(ids))
    ]
    replies = [f"答案：{answer}\n解析：{text or ''}" for answer, text in zip(answers, why, strict=True)]
    records = [
        {"id": each, "answer": answer, "explanation": text}
        for each, answer, text in zip(ids, answers, why, strict=True)
    ]
    lines = {
        "by_id.jsonl": records,
        "replies.jsonl": [{"id": e, "message": {"content": [r]}} for e, r in zip(ids, replies, strict=True)],
        "by_question.jsonl": [
            {"question": text, "prediction": "B"} for text in [*exam.questions[5:], "另一题"]
        ],
    }
    files = []
    for name, objects in lines.items():
        files.append(folder / name)
        files[-1].write_text(
            "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in objects), "utf-8"
        )
    frame = polars.DataFrame({"id": ids, "answer": answers, "explanation": why})
    files += [folder / "columns.csv", folder / "columns.parquet"]
    frame.write_csv(files[-2])
    frame.write_parquet(files[-1])
    return files


def test_an_exam_and_all_that_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch, exam_file: Path) -> None:
    whole, bad = read_exam_report(exam_file, "skip", name="test")
    fingerprint = whole.fingerprint()
    in_small_pieces(monkeypatch)
    exam, bad_in_pieces = read_exam_report(exam_file, "skip", name="test")
    assert isinstance(exam.questions, PackedColumn)
    assert isinstance(whole.questions, list)
    assert exam == whole
    assert whole == exam
    assert exam.fingerprint() == fingerprint
    assert bad_in_pieces == bad
    assert len([row for row in bad if row.left_out]) == 4
    assert len([row for row in bad if "same question and options" in row.reason]) == 5
    assert exam[5:9] == whole[5:9]
    assert exam[17] == whole[17]


def test_every_prediction_file_has_the_same_report(
    monkeypatch: pytest.MonkeyPatch, exam_file: Path, tmp_path: Path
) -> None:
    settings = Settings(resamples=100)
    files = prediction_files(tmp_path, read_exam_report(exam_file, "skip", name="test")[0])

    def scored(file: Path) -> tuple[Any, Any, Any]:
        exam, _ = read_exam_report(exam_file, "skip", name="test")
        outputs = read_outputs(file, keep=["answer"])
        slices = slice_exam(exam)
        systems = [score_system(exam, align(exam, each), slices, settings) for each in outputs]
        source = {"path": "exam", "split": None, "left_out": 4}
        pairs = [each.explanations.statistics for each in systems if each.explanations is not None]
        return report_of(exam, source, systems, settings), all_rows(exam, systems), pairs

    n_explained = 0
    for file in files:
        whole, parts = both_ways(monkeypatch, lambda file=file: scored(file))
        assert parts[0] == whole[0], file
        assert parts[1] == whole[1], file
        for a, b in zip(whole[2], parts[2], strict=True):
            np.testing.assert_array_equal(a, b)
            n_explained += 1
    assert n_explained == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("quotes.csv", b"id,answer\n" + b"q,A\n" * 20 + b'q,"A\n'),
        ("empty.csv", b""),
        ("header.csv", b"id,answer\n"),
        ("nul.csv", b"id,answer\n" + b"q,A\n" * 20 + b"q,\0\n"),
        ("damaged.csv", "题,答案\n".encode() * 30 + b"\xff\xfe"),
        ("cut.csv", "题,答案\n题".encode()[:-1]),
        ("html.csv", b"<html>"),
        ("line.jsonl", b'{"id": 1}\n' * 20 + b'{"id": \n'),
        ("list.jsonl", b'{"id": 1}\n' * 20 + b"[1]\n"),
        ("missing.csv", None),
    ],
)
def test_what_cannot_be_read_ends_in_the_same_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    def complaint() -> str:
        with pytest.raises(InputError) as caught:
            read_table(tmp_path / name)
        return str(caught.value)

    whole, in_pieces = both_ways(monkeypatch, complaint)
    assert in_pieces == whole


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + "编号,答案\r\n甲,A\r\n".encode(),
        "编号,答案\n甲,A\n".encode("gb18030"),
        "编号,答案\n甲,A\n".encode("utf-16"),
        "编号\t答案\n甲\tA\n\n乙\tB".encode(),
        b"id,answer\rq1,A\rq2,B\r",
    ],
)
def test_encodings_marks_and_line_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "p.csv").write_bytes(content)
    whole, in_pieces = both_ways(monkeypatch, lambda: read_table(tmp_path / "p.csv"))
    assert in_pieces == whole
    assert len(whole.columns) == 2


@given(st.lists(st.one_of(st.text(), st.none(), st.integers()), max_size=60), st.data())
def test_a_packed_column_reads_as_a_list(cells: list[str | int | None], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_column, "CELLS_A_BLOCK", 4)
        column = PackedColumn(cells)
        assert list(column) == cells
        assert column == cells
        assert cells == column
        assert column != [*cells, "more"]
        some = data.draw(st.slices(len(cells)))
        assert column[some] == cells[some]
        assert [column[place] for place in range(-len(cells), len(cells))] == cells * 2
        with pytest.raises(IndexError, match=f"cell {len(cells)} of"):
            column[len(cells)]
        texts = [cell for cell in cells if isinstance(cell, str)]
        assert column.holds_texts_alone == (len(texts) == len(cells))


def test_packing_begins_where_many_cells_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_column, "PACK_FROM", 10)
    monkeypatch.setattr(packed_column, "CELLS_A_BLOCK", 4)
    few, many = ColumnPacking[str](), ColumnPacking[str]()
    few.extend("ABC")
    many.extend(["甲"] * 4)
    many.extend(["乙"] * 7)
    assert few.column() == ["A", "B", "C"]
    assert isinstance(few.column(), list)
    assert many.column() == ["甲"] * 4 + ["乙"] * 7
    assert isinstance(many.column(), PackedColumn)
    assert isinstance(mapped(str.upper, ["a"] * 10), PackedColumn)


def test_pieces_cover_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_column, "ROWS_A_PIECE", 4)
    assert [list(range(10))[piece] for piece in pieces(10)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(pieces(0)) == [slice(0, 0)]


def test_extractions_come_back_as_they_went_in() -> None:
    texts = ["B", "答案：AC。\n解析：因为。", "我不知道", "选D"]
    options = [["甲", "乙", "丙", "丁"]] * 4
    found = [*extract_all(texts, options), None]
    columns = Extractions(found)
    assert list(columns) == found
    assert columns[-2] == found[-2]
    assert columns[1:3] == found[1:3]
    assert columns.masks() == [0 if each is None else each.mask for each in found]
    assert columns.rules() == [each.rule if each.mask else "" for each in found if each is not None]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "csv.gz"])
def test_predictions_in_parts_are_the_same_file(tmp_path: Path, ending: str) -> None:
    few = Predictions(["q1"], [2], [0.25, 0.75], [0, 2], ['因为，"甲"'])
    more = Predictions(["q2", "q3"], [1, 4], [0.5, 0.25, 0.25, 0.1, 0.2, 0.7], [0, 3, 6], ["", "一\n二"])
    both = Predictions(
        ["q1", "q2", "q3"],
        [2, 1, 4],
        [0.25, 0.75, 0.5, 0.25, 0.25, 0.1, 0.2, 0.7],
        [0, 2, 5, 8],
        ['因为，"甲"', "", "一\n二"],
    )
    both.write(tmp_path / f"whole.{ending}")
    Predictions.write_parts(iter([few, more]), tmp_path / f"parts.{ending}", most_options=3)
    assert (tmp_path / f"parts.{ending}").read_bytes() == (tmp_path / f"whole.{ending}").read_bytes()
    assert read_predictions(tmp_path / f"parts.{ending}") == both


def test_a_row_of_a_large_file_takes_little_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What stays of 5,000 rows when they are read and scored, and what is needed on the way beside one piece."""
    n, explanation = 5_000, "维生素A缺乏可致夜盲症，补充后好转。" * 6
    rows = [
        f'第{row}题：关于第{row % 977}种维生素的叙述正确的是哪一项？,"'
        + "\n".join(f"{letter} 选项{row}{letter}甲乙" for letter in "ABCDE")
        + f'",{"ABCDE"[row % 5]},{row}{explanation},{1 + row % 5}\n'
        for row in range(n)
    ]
    exam_file, predictions = tmp_path / "load.csv", tmp_path / "predictions.csv"
    exam_file.write_text("Question,Options,Answer,Explanation,Difficulty level\n" + "".join(rows), "utf-8")
    lines = [f"load-{row + 1},{'ABCDE'[row % 4]},{explanation}{row}\n" for row in range(n)]
    predictions.write_text("id,answer,explanation\n" + "".join(lines), "utf-8")
    for module in (packed_column, csv_format, json_format):
        monkeypatch.setattr(module, "ROWS_A_PIECE", 250)
    monkeypatch.setattr(packed_column, "PACK_FROM", 250)
    monkeypatch.setattr(text_source, "WHOLE_UP_TO", 0)
    monkeypatch.setattr(text_source, "_BLOCK", 1 << 16)
    settings = Settings(resamples=100)
    small = read_exam_report(exam_file, "skip")[0][:10]
    score_system(small, align(small, read_outputs(predictions)[0]), settings=settings)  # caches fill up

    tracemalloc.start()
    outputs = read_outputs(predictions)
    exam, _ = read_exam_report(exam_file, "skip")
    read, most_to_read = tracemalloc.get_traced_memory()
    system = score_system(exam, align(exam, outputs[0]), slice_exam(exam), settings)
    scored, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert system.explanations is not None
    assert read / n < 800  # bytes a row: the file itself has 1,300
    assert most_to_read / n < 1_300
    assert scored / n < 1_150  # 272 of them are statistics of the pair
    assert most / n < 1_600
