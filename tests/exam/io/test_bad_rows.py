"""Rows that cannot be used, rows that are doubtful, and what each policy makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmexam_baseline.exam import BadRow, InputError, load_splits, read_exam, read_exam_with_issues
from cmexam_baseline.exam.errors import BAD_ROWS, count_left_out, excerpt_of

SOUND = '题{},"A 甲{}\nB 乙\nC 丙",C,\n'
HEADER = "Question,Options,Answer,Explanation\n"

UNUSABLE = {
    '题,"A 甲\nB 乙",,\n': "no answer",
    '题,"A 甲\nB 乙", ,\n': "no answer",
    '题,"A 甲\nB 乙\nC 丙\nD 丁",BCE,\n': "answer BCE but no option E",
    '题,"A 甲\nB 乙\nD 丁",C,\n': "answer C but no option C",
    '题,"A 甲\nB 乙\nC ",C,\n': "answer C but no option C",
    '题,"A 甲\nB 乙",Z,\n': "answer 'Z' is not a set of letters",
    '题,"A 甲\nB 乙",正确,\n': "answer '正确' is not a set of letters",
    "题,甲乙丙,A,\n": "options cannot be read",
    "题,,A,\n": "options cannot be read",
    "题,A 甲,A,\n": "options cannot be read",
    '题,"A 甲\nB ",A,\n': "options cannot be read",
    '题,"' + "\n".join(f"{letter} {letter}" for letter in "ABCDEFGHIJK") + '",A,\n': "11 options; at most 10",
    ',"A 甲\nB 乙",A,\n': "no question",
    '  ,"A 甲\nB 乙",A,\n': "no question",
    "题,A 甲\n": "2 fields instead of 4",
    '题,"A 甲\nB 乙",A,,多,余\n': "6 fields instead of 4",
    ",,,\n": "no question",
}
DOUBTFUL = {
    '题,"A 甲\nB 乙\nC 甲",B,\n': "options A and C are the same",
    '题,"A 10 mg\nB 乙\nC １０mg",B,\n': "options A and C are the same",
    '题,"A 甲\nB 甲\nC 甲\nD 丁",D,\n': "options A and B and C are the same",
    '题,"A 甲\nC 丙\nD 丁",A,\n': "option B has no text",
    '题,"A 甲\nB \nC 丙",A,\n': "option B has no text",
    SOUND.format(5, 5): "same question and options as row 5",
    '题 5？,"A 乙\nB 丙\nC 甲5",B,\n': "same question and options as row 5",
    '题5,"A 甲5\nB 乙\nC 丙",A,\n': "same question and options as row 5, but another answer",
}


def write(folder: Path, *rows: str, sound: int = 200) -> Path:
    """A file of sound rows and then the given ones."""
    file = folder / "val.csv"
    file.write_text(
        HEADER + "".join(SOUND.format(n, n) for n in range(1, sound + 1)) + "".join(rows), "utf-8"
    )
    return file


@pytest.mark.parametrize(("row", "reason"), UNUSABLE.items())
def test_unusable_rows_are_left_out_and_said(tmp_path: Path, row: str, reason: str) -> None:
    file = write(tmp_path, row)
    exam, bad = read_exam_with_issues(file)
    assert len(exam) == 200
    assert [(entry.file, entry.row, entry.left_out) for entry in bad] == [(str(file), 201, True)]
    assert bad[0].reason.startswith(reason)
    with pytest.raises(InputError, match="1 of 201 rows are not in order"):
        read_exam(file, "error")


@pytest.mark.parametrize(("row", "reason"), DOUBTFUL.items())
def test_doubtful_rows_are_kept_and_said(tmp_path: Path, row: str, reason: str) -> None:
    file = write(tmp_path, row)
    exam, bad = read_exam_with_issues(file)
    assert len(exam) == 201
    assert [(entry.row, entry.reason, entry.left_out) for entry in bad] == [(201, reason, False)]
    assert read_exam(file, "skip") == exam
    with pytest.raises(InputError, match="row 201: "):
        read_exam(file, "error")


@pytest.mark.parametrize(
    "row",
    [
        '题,"A 10³\nB 103\nC 10²",A,\n',
        '题,"A +\nB -\nC ±",A,\n',
        '题,"A a\nB A\nC α",A,\n',
        '题5,"A 甲5\nB 乙\nC 丁",A,\n',
        '题5,"A 甲5\nB 乙",A,\n',
    ],
)
def test_different_rows_are_no_doubles(tmp_path: Path, row: str) -> None:
    assert read_exam_with_issues(write(tmp_path, row))[1] == []


def test_one_percent_is_the_limit_of_auto(tmp_path: Path) -> None:
    broken = "题,,A,\n"
    assert len(read_exam(write(tmp_path, broken, sound=99))) == 99
    file = write(tmp_path, broken, sound=98)
    with pytest.raises(InputError) as caught:
        read_exam(file)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(file), "1 of 99 rows", "row 99", "options cannot be read", '`bad_rows="skip"`'):
        assert part in message
    assert len(read_exam(file, "skip")) == 98


def test_doubts_do_not_count_against_the_limit(tmp_path: Path) -> None:
    copies = [SOUND.format(number, number) for number in range(1, 21)]
    exam, bad = read_exam_with_issues(write(tmp_path, *copies, sound=20))
    assert len(exam) == 40
    assert len(bad) == 20
    assert count_left_out(bad) == 0


def test_a_row_that_is_left_out_is_listed_once_and_has_no_copies(tmp_path: Path) -> None:
    unanswered = '题,"A 甲\nB 乙\nC 甲",,\n'
    exam, bad = read_exam_with_issues(
        write(tmp_path, unanswered, unanswered, unanswered.replace(",,", ",B,"))
    )
    assert [(row.row, row.reason, row.left_out) for row in bad] == [
        (201, "no answer", True),
        (202, "no answer", True),
        (203, "options A and C are the same", False),
    ]
    assert count_left_out(bad) == 2
    assert len(exam) == 201


def test_keep_keeps_rows_without_usable_answer_as_unanswered(tmp_path: Path) -> None:
    rows = ['题,"A 甲\nB 乙",,\n', '题,"A 甲\nB 丙",ABC,\n', "题,,A,\n", '题,"A 甲\nB 丁",A,\n']
    exam, bad = read_exam_with_issues(write(tmp_path, *rows, sound=0), "keep")
    assert exam.letters() == ["", "", "A"]
    assert [(row.row, row.left_out) for row in bad] == [(1, False), (2, False), (3, True)]


def test_all_bad_rows_are_said_at_once_but_not_at_length(tmp_path: Path) -> None:
    file = write(tmp_path, *UNUSABLE, sound=5)
    with pytest.raises(InputError) as caught:
        read_exam(file)
    assert f"{len(UNUSABLE)} of {len(UNUSABLE) + 5} rows" in str(caught.value)
    assert f"and {len(UNUSABLE) - 3} more" in str(caught.value)
    exam, bad = read_exam_with_issues(file, "skip")
    assert len(exam) == 5
    assert [row.row for row in bad] == list(range(6, 6 + len(UNUSABLE)))


@pytest.mark.parametrize("policy", ["skip", "keep", "auto"])
def test_no_usable_row_is_an_error(tmp_path: Path, policy: str) -> None:
    with pytest.raises(InputError, match="1 of 1 rows cannot be used"):
        read_exam(write(tmp_path, "题,,A,\n", sound=0), policy)
    with pytest.raises(InputError, match="1 of 1 rows cannot be used"):
        read_exam(write(tmp_path, "题\n", sound=0), policy)


def test_unknown_policies_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="auto, error, skip, keep; got 'maybe'"):
        read_exam(write(tmp_path), "maybe")
    assert set(BAD_ROWS) == {"auto", "error", "skip", "keep"}


def test_bad_rows_of_all_splits_are_listed(tmp_path: Path) -> None:
    for name in ("train.csv", "val.csv"):
        write(tmp_path, "题,,A,\n").rename(tmp_path / name)
    splits = load_splits(tmp_path)
    assert [len(split.exam) for split in splits.values()] == [200, 200]
    assert [Path(row.file).name for split in splits.values() for row in split.bad_rows] == [
        "train.csv",
        "val.csv",
    ]


def test_excerpts_are_one_short_line() -> None:
    assert excerpt_of("甲\n乙\t丙\x1b[31m") == "甲 乙 丙 [31m"
    assert excerpt_of("甲" * 1000) == "甲" * 30 + "…"
    assert str(BadRow("f", 1, "r", "e", True)) == "f, row 1: r (e)"


def test_parse_faults_of_jsonl_rows(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"question": "甲", "options": ["一"], "answer": "A"}\n' * 1, "utf-8")
    with pytest.raises(InputError, match="x.jsonl: 1 of 1 rows cannot be used"):
        read_exam(file)
