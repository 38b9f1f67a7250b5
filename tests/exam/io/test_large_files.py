"""Large files: read line by line, checked in pieces, with the memory that a list of texts takes and little more."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import polars
import pytest

from cmexam_baseline.exam import Predictions, read_predictions
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io import binary_formats, file_bytes, table, text_formats
from cmexam_baseline.exam.io.binary_formats import read_parquet
from cmexam_baseline.exam.io.file_bytes import Source
from cmexam_baseline.exam.io.formats import read_exam_with_issues, read_table, write_exam
from cmexam_baseline.exam.io.table import pieces
from cmexam_baseline.exam.sample import sample_exam

FAULTS = (
    '甲？,"A 一\nB 二",C,\n'  # no such option
    "乙？,没有选项,A,\n"
    '丙？,"A 一\nB 一",A,同样的选项\n'
    ',"A 一\nB 二",A,\n'
    "丁？,A 一\n"  # a field too few
)


def in_small_pieces(patch: pytest.MonkeyPatch) -> None:
    for module in (table, binary_formats):
        patch.setattr(module, "ROWS_A_PIECE", 7)
    patch.setattr(file_bytes, "_BLOCK", 11)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_pieces_give_the_same_exam_and_the_same_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"val{ending}"
    exam = sample_exam("val")[:60]
    write_exam(exam, file)
    if ending == ".csv":
        rows = file.read_text("utf-8").split("\n", 1)[1]
        write_exam(exam[:5], file)
        copies = file.read_text("utf-8").split("\n", 1)[1]
        file.write_text(f"Question,Options,Answer,Explanation\n{rows}{FAULTS}{copies}", "utf-8")
    whole, bad = read_exam_with_issues(file, "skip")
    in_small_pieces(monkeypatch)
    assert read_exam_with_issues(file, "skip") == (whole, bad)
    if ending == ".csv":
        assert len([row for row in bad if row.left_out]) == 4
        assert len([row for row in bad if "same question and options" in row.reason]) == 5


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + "编号,答案\r\n甲,A\r\n".encode(),
        "编号,答案\n甲,A\n".encode("gb18030"),
        "编号,答案\n甲,A\n".encode("utf-16"),
        "编号\t答案\n甲\tA\n\n乙\tB".encode(),
        b"id,answer\rq1,A\rq2,B\r",
        "题,答案\n题".encode()[:-1],
        b"id,answer\n" + b"q,A\n" * 20 + b"q,\0\n",
    ],
)
def test_lines_of_a_file_are_those_of_its_whole_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.csv").write_bytes(content)

    def result(source: Source) -> object:
        try:
            return text_formats.read_csv(source)
        except InputError as error:
            return str(error)

    name = str(tmp_path / "p.csv")
    assert result(Source(name)) == result(Source(name, content))


def test_pieces_cover_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROWS_A_PIECE", 4)
    assert [list(range(10))[piece] for piece in pieces(10)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(pieces(0)) == [slice(0, 0)]


def test_a_row_takes_little_more_than_its_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (table,):
        monkeypatch.setattr(module, "ROWS_A_PIECE", 100)
    n = 3_000
    why = "维生素A缺乏可致夜盲症，补充后好转。" * 6
    options = "\n".join(f"{letter} 选项{letter}甲乙丙丁" for letter in "ABCDE")
    rows = [f'第{row}题：关于此种维生素的叙述正确的是,"{options}",A,{row}{why}\n' for row in range(n)]
    file = tmp_path / "load.csv"
    file.write_text("Question,Options,Answer,Explanation\n" + "".join(rows), "utf-8")
    read_exam_with_issues(file, "skip")
    tracemalloc.start()
    exam, _ = read_exam_with_issues(file, "skip")
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(exam) == n
    # A row of the published splits: 17 characters of stem, 5 options, 146 characters of explanation.
    assert kept / n < 1_400
    assert most / n < 2_000


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


def packed(frame: polars.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def test_parquet_cells_are_what_polars_says() -> None:
    columns = {
        "text": ["维生素A", None, "\U0001f489\u2028\0"],
        "integer": [2**63 - 1, None, -1],
        "truth": [True, None, False],
        "list": [["甲", None], [], None],
        "mapping": [{"A": "一", "B": None}, {"A": "二", "B": "三"}, None],
        "nothing": [None, None, None],
    }
    found = read_parquet(Source("p.parquet", packed(polars.DataFrame(columns, strict=False))))
    assert found.columns == columns
    assert found.rows == range(1, 4)


def test_parquet_that_no_table_is(tmp_path: Path) -> None:
    """A few kilobytes may hold a list of 80 MB."""
    nothing = polars.Series([None], dtype=polars.String).new_from_index(0, 10_000_000)
    (file := tmp_path / "nothing.parquet").write_bytes(packed(polars.DataFrame({"answer": nothing})))
    assert file.stat().st_size < 1 << 18
    with pytest.raises(InputError, match=r"nothing\.parquet unpacks to more than 200 times its size"):
        read_table(file)
    with pytest.raises(InputError, match="holds no row"):
        read_parquet(Source("p.parquet", packed(polars.DataFrame({"id": []}))))
    wide = packed(polars.DataFrame({f"c{n}": ["甲"] for n in range(1001)}))
    with pytest.raises(InputError, match="more than 1000 columns"):
        read_parquet(Source("p.parquet", wide))
