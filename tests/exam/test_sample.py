"""The sample exam's files hold what its description promises."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.formats import read_exam_with_issues, read_splits, write_exam
from cmexam_baseline.exam.sample import SAMPLE_FILES, SAMPLE_FOLDER, sample_exam

SPLITS = {
    split: list(csv.DictReader((SAMPLE_FOLDER / name).open(encoding="utf-8", newline="")))
    for split, name in SAMPLE_FILES.items()
}
ROWS = [row for rows in SPLITS.values() for row in rows]
ALL, NONE = "以上均是", "以上均不是"
ANNOTATIONS = {
    "Disease Group": 20,
    "Area of Competency": 4,
    "Clinical Department": 20,
    "Medical Discipline": 6,
    "Difficulty level": 5,
}
"""The annotation columns in CMExam's order, and at least how many different values each has."""

MARK = re.compile("（([A-E]+)对(?:([A-E]+)错)?）|（([A-E]+)错(，为本题正确答案)?）")


def options_of(row: dict[str, str]) -> list[str]:
    return [line[2:] for line in row["Options"].split("\n")]


def right_options(row: dict[str, str]) -> list[str]:
    return [options_of(row)["ABCDE".index(letter)] for letter in row["Answer"]]


def test_every_row_is_read_and_written_back_byte_for_byte(tmp_path: Path) -> None:
    for split, name in SAMPLE_FILES.items():
        exam, bad = read_exam_with_issues(SAMPLE_FOLDER, split=split)
        assert not bad
        assert len(exam) == len(SPLITS[split])
        write_exam(exam, tmp_path / name)
        assert (tmp_path / name).read_bytes() == (SAMPLE_FOLDER / name).read_bytes()


def test_splits_by_name() -> None:
    splits = read_splits(SAMPLE_FOLDER)
    assert {split: len(exam) for split, exam in splits.items()} == {"train": 1717, "val": 200, "test": 200}
    assert splits["val"].ids[0] == "val-1"
    with pytest.raises(InputError, match="`split` must be one of train, val, test"):
        sample_exam("exam")


def test_shares() -> None:
    n = len(ROWS)
    assert 0.02 < sum(len(row["Answer"]) > 1 for row in ROWS) / n < 0.05
    assert 0.02 < sum(len(options_of(row)) == 4 for row in ROWS) / n < 0.06
    assert 0.80 < sum(bool(row["Explanation"]) for row in ROWS) / n < 0.90
    negated = re.compile("不属于|不正确|错误|有误|除外|并非|不需|不是|不与|不作为|不符合")
    assert 0.05 < sum(bool(negated.search(row["Question"])) for row in ROWS) / n < 0.20
    for last in (ALL, NONE):
        right = [last in right_options(row) for row in ROWS if last in options_of(row)]
        assert len(right) > 20
        assert 0.2 < sum(right) / len(right) < 0.7, last
    assert sum("\n" in row["Explanation"] for row in ROWS) > 10


def test_every_row_is_well_formed() -> None:
    for row in ROWS:
        options, answer = options_of(row), row["Answer"]
        assert row["Options"].split("\n") == [
            f"{letter} {text}" for letter, text in zip("ABCDE", options, strict=False)
        ]
        assert len(set(options)) == len(options) in (4, 5), row["Question"]
        assert all(text.strip() == text != "" for text in options)
        assert answer
        assert "".join(sorted(set(answer))) == answer
        assert set(answer) <= set("ABCDE"[: len(options)])


def test_annotations_have_cmexams_columns() -> None:
    assert list(SPLITS["train"][0]) == ["Question", "Options", "Answer", "Explanation"]
    assert list(SPLITS["test"][0])[4:] == list(ANNOTATIONS)
    for column, at_least in ANNOTATIONS.items():
        assert len({row[column] for row in SPLITS["test"]}) >= at_least, column


def test_the_answer_is_not_given_away_by_its_letter_or_its_length() -> None:
    for split, rows in SPLITS.items():
        counts = Counter(row["Answer"] for row in rows if len(row["Answer"]) == 1)
        assert all(0.17 < counts[letter] / counts.total() < 0.23 for letter in "ABCDE"), (split, counts)
    for extreme in (max, min):
        chances = []
        for row in ROWS:
            if len(row["Answer"]) == 1:
                lengths = [len(text) for text in options_of(row)]
                found = lengths["ABCDE".index(row["Answer"])] == extreme(lengths)
                chances.append(found / lengths.count(extreme(lengths)))
        assert 0.17 < sum(chances) / len(chances) < 0.25, extreme


@pytest.mark.parametrize(("split", "copies", "same_stem", "reworded"), [("val", 1, 4, 8), ("test", 2, 6, 12)])
def test_repetitions_between_splits(split: str, copies: int, same_stem: int, reworded: int) -> None:
    stems = {row["Question"] for row in SPLITS["train"]}
    assert len(stems) == len(SPLITS["train"])
    known = {(row["Question"], row["Options"], row["Answer"], row["Explanation"]) for row in SPLITS["train"]}
    rows = SPLITS[split]
    assert copies == sum(
        (row["Question"], row["Options"], row["Answer"], row["Explanation"]) in known for row in rows
    )
    assert copies + same_stem == sum(row["Question"] in stems for row in rows)
    assert sum(row["Question"] in {reword(stem) for stem in stems} - stems for row in rows) >= reworded
    assert not {row["Question"] for row in SPLITS["val"]} & {row["Question"] for row in SPLITS["test"]}


def reword(stem: str) -> str:
    """`stem` in the slightly other words that its near-duplicates have."""
    changed = stem.replace("下列", "以下", 1)
    for ending, other in (("是", "为"), ("有", "包括"), ("为", "是")):
        if changed.endswith(ending):
            return changed.removesuffix(ending) + other
    return changed


def test_explanations_mark_every_option_once_and_agree_with_the_answer() -> None:
    for row in ROWS:
        if not row["Explanation"]:
            continue
        letters = "ABCDE"[: len(options_of(row))]
        marks = MARK.findall(row["Explanation"])
        true = "".join(sorted("".join(mark[0] for mark in marks)))
        false = "".join(sorted("".join(mark[1] + mark[2] for mark in marks)))
        odd = "".join(mark[2] for mark in marks if mark[3])
        if odd:
            assert odd == false == row["Answer"], row["Question"]
            assert true in ("", letters.replace(odd, ""))
        else:
            assert "".join(sorted(true + false)) == letters, row["Question"]
            assert true == row["Answer"] or (right_options(row) == [ALL] and true == letters)
