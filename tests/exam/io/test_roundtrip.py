"""What is written is read back the same, in every form; what was published is written back to the byte."""

from __future__ import annotations

import gzip
from pathlib import Path

import exam_strategies
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, InputError, Question, read_exam, write_exam
from cmexam_baseline.exam.io.formats import FORMATS

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PUBLISHED = (
    "Question,Options,Answer,Explanation,Disease Group\n"
    '"男，35岁。查体：""板状腹"", 移动性浊音(+)","A 肝炎\nB 阑尾炎, 穿孔\nC 胃炎\nD 肠炎",B,,外科\n'
    '缺乏可致夜盲症的是,"A 维生素A\nB 维生素C\u2003\nC 维生素D\nD 维生素E\nE 维生素K",A,"（A对）。\n'
    '其余错。",不符合\n'
)


@QUICK
@given(exam=exam_strategies.exams(), ending=st.sampled_from(sorted(FORMATS)), packed=st.booleans())
def test_every_form_gives_the_exam_back(tmp_path: Path, exam: Exam, ending: str, packed: bool) -> None:
    file = tmp_path / f"val{ending}{'.gz' * packed}"
    write_exam(exam, file)
    again = read_exam(file)
    assert again == exam
    assert again.fingerprint() == exam.fingerprint()
    first = file.read_bytes()
    write_exam(again, file)
    assert file.read_bytes() == first


@QUICK
@given(
    exam=exam_strategies.exams(option_texts=exam_strategies.texts()),
    ending=st.sampled_from([".csv", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx"]),
)
def test_options_with_lines_of_their_own_come_back_or_are_refused(
    tmp_path: Path, exam: Exam, ending: str
) -> None:
    file = tmp_path / f"val{ending}"
    file.unlink(missing_ok=True)
    try:
        write_exam(exam, file)
    except InputError as error:
        assert ending in (".csv", ".tsv", ".xlsx")
        assert "would be read back differently" in str(error)
        assert not file.exists()
        return
    # What cannot be asked or scored is left out on reading; all else must be there as it was.
    wanted = [question for question in exam if _is_sound(question)]
    assert list(read_exam(file, "skip") if wanted else []) == wanted


def _is_sound(question: Question) -> bool:
    filled = sum(1 for text in question.options if text.strip())
    return filled >= 2 and all(text.strip() for text in question.right_options)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("option_break", ["\n", "\r\n", "\\n"])
def test_published_bytes_come_back(tmp_path: Path, line_end: str, bom: bytes, option_break: str) -> None:
    rows = PUBLISHED.replace("\nB ", f"{option_break}B ").replace("\nC ", f"{option_break}C ")
    rows = rows.replace("\nD ", f"{option_break}D ").replace("\nE ", f"{option_break}E ")
    rows = rows.replace("Group\n", f"Group{line_end}").replace("外科\n", f"外科{line_end}")
    rows = rows.replace("不符合\n", f"不符合{line_end}")
    if option_break == "\\n":
        rows = rows.replace('"A 维生素A', "A 维生素A").replace('维生素K"', "维生素K")
    source, target = tmp_path / "val.csv", tmp_path / "again.csv"
    source.write_bytes(bom + rows.encode())
    exam = read_exam(source)
    assert [exam.options(0)[1], exam.options(1)[1]] == ["阑尾炎, 穿孔", "维生素C\u2003"]
    write_exam(exam, target)
    assert target.read_bytes() == source.read_bytes()


@QUICK
@given(exam=exam_strategies.exams(numbered=True), crlf=st.booleans(), bom=st.booleans())
def test_any_published_file_comes_back(tmp_path: Path, exam: Exam, crlf: bool, bom: bool) -> None:
    file = tmp_path / "val.csv"
    write_exam(exam, file)
    if bom:
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    first = file.read_bytes()
    write_exam(read_exam(file), file)
    assert file.read_bytes() == first


def test_published_form_has_no_id_column_and_quotes_only_where_needed(tmp_path: Path) -> None:
    source = tmp_path / "val.csv"
    source.write_text(PUBLISHED, "utf-8")
    exam = read_exam(source)
    write_exam(exam, tmp_path / "other.csv")
    assert (tmp_path / "other.csv").read_text("utf-8") == PUBLISHED
    assert read_exam(tmp_path / "other.csv").ids == ["other-1", "other-2"]


def test_ids_are_written_as_soon_as_rows_are_not_all_there(tmp_path: Path) -> None:
    source = tmp_path / "val.csv"
    source.write_text(PUBLISHED, "utf-8")
    write_exam(read_exam(source)[1:], tmp_path / "val2.csv")
    assert (tmp_path / "val2.csv").read_text("utf-8").startswith("id,Question,")
    assert read_exam(tmp_path / "val2.csv").ids == ["val-2"]


def test_missing_options_and_answers_survive_published_form(tmp_path: Path) -> None:
    text = 'Question,Options,Answer,Explanation\n哪项正确,"A 甲\nC 丙\nD 丁",,\n另一项,"A 甲\nB 乙",B,\n'
    source = tmp_path / "val.csv"
    source.write_text(text, "utf-8")
    exam = read_exam(source, "keep")
    assert exam.options(0) == ["甲", "", "丙", "丁"]
    assert exam.answers.tolist() == [0, 2]
    write_exam(exam, source)
    assert source.read_text("utf-8") == text


def test_lettered_list_options_are_not_taken_for_marks(tmp_path: Path) -> None:
    exam = Exam.from_questions([Question("q1", "哪项正确", ("A 甲类", "B 乙类"), "A")])
    for ending in (".jsonl", ".json", ".parquet", ".csv", ".xlsx"):
        write_exam(exam, tmp_path / f"x{ending}")
        assert read_exam(tmp_path / f"x{ending}") == exam


def test_jsonl_is_one_object_a_line_with_options_as_list(tmp_path: Path) -> None:
    question = Question("q1", "哪项", ("甲", "乙"), "AB", "因为", {"Difficulty level": "2"})
    write_exam(Exam.from_questions([question]), tmp_path / "x.jsonl")
    assert (tmp_path / "x.jsonl").read_text("utf-8") == (
        '{"id": "q1", "Question": "哪项", "Options": ["甲", "乙"], "Answer": "AB", "Explanation": "因为", '
        '"Difficulty level": "2"}\n'
    )


def test_gzip_holds_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    exam = Exam.from_questions([Question("q1", "哪项", ("甲", "乙"), "A")])
    write_exam(exam, tmp_path / "x.csv")
    write_exam(exam, tmp_path / "x.csv.gz")
    assert gzip.decompress((tmp_path / "x.csv.gz").read_bytes()) == (tmp_path / "x.csv").read_bytes()
    assert (tmp_path / "x.csv.gz").read_bytes()[4:8] == b"\0\0\0\0"


def test_xlsx_makes_no_formula_of_a_text(tmp_path: Path) -> None:
    import fastexcel

    exam = Exam.from_questions([Question("q1", "=1+1", ("http://a.b", "007"), "A", "-2+3")])
    write_exam(exam, tmp_path / "x.xlsx")
    assert read_exam(tmp_path / "x.xlsx") == exam
    sheet = fastexcel.read_excel(tmp_path / "x.xlsx").load_sheet(0)
    assert {str(column.dtype) for column in sheet.selected_columns} == {"string"}


@pytest.mark.parametrize(
    ("question", "ending", "words"),
    [
        (Question("q", "甲" * 40_000, ("一", "二"), "A"), ".xlsx", "40,000 characters"),
        (Question("q", "甲\0", ("一", "二"), "A"), ".csv", "NUL"),
        (Question("q", "甲\ud800", ("一", "二"), "A"), ".jsonl", "surrogate"),
        (Question("q", "甲\ud800", ("一", "二"), "A"), ".xlsx", "XML"),
        (Question("q", "甲", ("一\nB 二", "三"), "A"), ".csv", "JSONL or Parquet"),
        (Question("q", "甲", ("一", "二"), "A", "", {"题干": "x", "Answer": "y"}), ".csv", "rename"),
        (Question("q", "甲", ("一", "二"), "A"), ".doc", "use .csv"),
        (Question("q", "甲", ("一", "二"), "A"), "", "no ending"),
    ],
)
def test_what_a_form_cannot_hold_is_refused_and_nothing_written(
    tmp_path: Path, question: Question, ending: str, words: str
) -> None:
    target = tmp_path / f"x{ending}"
    with pytest.raises(InputError, match=words) as caught:
        write_exam(Exam.from_questions([question]), target)
    assert str(target) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_text("old")
    with pytest.raises(InputError):
        write_exam(Exam.from_questions([Question("q", "甲\0", ("一", "二"), "A")]), target)
    assert target.read_text() == "old"
    with pytest.raises(InputError, match="cannot be written"):
        write_exam(Exam.from_questions([Question("q", "甲", ("一", "二"), "A")]), tmp_path / "no" / "x.csv")
