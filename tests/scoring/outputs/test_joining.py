"""Prediction rows find the questions they belong to, by every key that there is."""

from __future__ import annotations

import random

import numpy as np
import pytest
from prediction_shapes import N, letters, the_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.scoring import ColumnChoice, score_file
from cmexam_baseline.scoring.outputs.joining import JoinKeys, join, places_of

STEM = "下列属于抗生素的药物是"


@pytest.fixture
def exam() -> Exam:
    return Exam.from_questions(
        [
            Question("val-1", "缺乏可致夜盲症的维生素是（　）。", ("维生素A", "维生素C"), "A"),
            Question("val-2", STEM, ("青霉素", "阿司匹林"), "A"),
            Question("val-3", STEM, ("吗啡", "红霉素"), "B"),
        ]
    )


def questions(exam: Exam, keys: JoinKeys) -> list[int]:
    found: list[int] = join(exam, keys).question_of.tolist()
    return found


def test_question_texts_outrank_ids_that_contradict_them(exam: Exam) -> None:
    stems = [exam.questions[1], exam.questions[0], STEM]
    found = join(exam, JoinKeys(3, ids=["val-1", "val-2", "val-3"], questions=stems))
    assert found.by == "question"
    assert found.question_of[1] == 0 and "contradict" in found.remarks[0]
    # Ids that agree tell questions with one stem apart.
    assert questions(
        exam, JoinKeys(3, ids=["val-3", "val-1", "val-2"], questions=[STEM, stems[1], STEM])
    ) == [2, 0, 1]


def test_question_texts_of_another_exam_are_not_overridden_by_ids(exam: Exam) -> None:
    keys = JoinKeys(3, ids=["val-1", "val-2", "val-3"], questions=["别的题一", "别的题二", "别的题三"])
    with pytest.raises(
        InputError, match="ids fit the exam, but 3 of 3 question texts are not its own.*`id_column`"
    ):
        join(exam, keys)


def test_ids_match_in_any_order_and_extra_rows_are_told(exam: Exam) -> None:
    assert questions(exam, JoinKeys(4, ids=["val-3", "val-9", "val-1", "val-3"])) == [2, -1, 0, 2]
    floats = Exam.from_questions([Question(str(n), f"问题{n}", ("甲", "乙"), "A") for n in range(3)])
    assert questions(floats, JoinKeys(3, ids=["2.0", "0.0", "1.0"])) == [2, 0, 1]


def test_a_file_for_a_larger_exam_may_hold_mostly_other_questions(exam: Exam) -> None:
    others = [f"另一道不属于本卷的题目之{n}" for n in range(20)]
    found = join(exam, JoinKeys(23, questions=[*others, *exam.questions]))
    assert found.by == "question" and found.question_of.tolist() == [-1] * 20 + [0, 1, 2]


def test_two_columns_that_number_the_rows_differently_are_refused() -> None:
    order = random.Random(1).sample(range(N), N)
    rows = [{"id": place, "idx": row, "pred": letters()[row]} for place, row in enumerate(order)]
    with pytest.raises(InputError, match="id and idx both number.*`id_column='id'` or `id_column='idx'`"):
        score_file(rows, the_exam())
    assert score_file(rows, the_exam(), columns=ColumnChoice(id="idx"), resamples=1).accuracy == 0.6
    # pandas' own index beside shuffled ids says nothing.
    ided = [{"Unnamed: 0": row["id"], "question_id": row["idx"], "pred": row["pred"]} for row in rows]
    assert score_file(ided, the_exam(), resamples=1).accuracy == 0.6


def test_positions_are_told_from_ids_by_where_they_begin() -> None:
    exam = Exam.from_questions([Question(str(n), f"问题{n}", ("甲", "乙"), "A") for n in range(1, 5)])
    assert questions(exam, JoinKeys(4, ids=["1", "2", "3", "4"])) == [0, 1, 2, 3]
    found = join(exam, JoinKeys(4, ids=["3", "0", "2", "1"]))
    assert found.question_of.tolist() == [3, 0, 2, 1] and found.by == "position"
    named = Exam.from_questions([Question(f"x{n}y", f"问题{n}", ("甲", "乙"), "A") for n in range(4)])
    assert questions(named, JoinKeys(2, ids=["4", "1"])) == [3, 0]
    with pytest.raises(InputError, match="do not match"):  # from 0 or from 1
        join(named, JoinKeys(2, ids=["2", "3"]))


def test_rows_in_order_match_by_their_number(exam: Exam) -> None:
    assert join(exam, JoinKeys(3)).by == "row number"
    assert questions(exam, JoinKeys(3, ids=["7", "8", "9"])) == [0, 1, 2]
    assert questions(exam, JoinKeys(3, ids=["chatcmpl-x", "chatcmpl-q", "chatcmpl-a"])) == [0, 1, 2]
    with pytest.raises(InputError, match=r"'b'.*'val-1'"):
        join(exam, JoinKeys(3, ids=["b", "a", "c"]))
    with pytest.raises(InputError, match="2 rows for 3 questions"):
        join(exam, JoinKeys(2))


def test_rows_left_out_of_the_exam_keep_their_place(exam: Exam) -> None:
    without = exam[[0, 2]]
    assert places_of(without).rows.tolist() == [0, 2]
    places = places_of(without, left_out=[2])
    assert join(without, JoinKeys(3), places).question_of.tolist() == [0, -1, 1]
    assert join(without, JoinKeys(3, ids=["2", "1", "0"]), places).question_of.tolist() == [1, -1, 0]
    last = places_of(exam[[0, 1]], left_out=[3])
    assert join(exam[[0, 1]], JoinKeys(3), last).question_of.tolist() == [0, 1, -1]


def test_stems_are_found_in_prompts_the_last_one_counting(exam: Exam) -> None:
    prompts = [f"例：{STEM}？答：A。\n请回答：{exam.questions[0]}", f"请回答：{STEM}"]
    found = questions(exam, JoinKeys(2, questions=prompts))
    assert found[0] == 0 and found[1] in (1, 2)


def test_questions_with_one_stem_are_told_apart_by_options_else_by_order(exam: Exam) -> None:
    shown = [["红霉素", "吗啡"], ["阿司匹林", "青霉素"]]
    found = join(exam, JoinKeys(2, questions=[STEM] * 2, options=shown))
    assert found.by == "question and options" and found.question_of.tolist() == [2, 1] and not found.by_order
    by_order = join(exam, JoinKeys(2, questions=[STEM] * 2))
    assert by_order.question_of.tolist() == [1, 2] and by_order.by_order == [1, 2]
    models = join(exam, JoinKeys(4, questions=[STEM] * 4, groups=["a", "b", "a", "b"]))
    assert models.question_of.tolist() == [1, 1, 2, 2]


def test_every_row_goes_to_a_question_with_its_stem() -> None:
    random = np.random.default_rng(0)
    for _ in range(100):
        stems = [f"问题{n}" for n in random.integers(0, 6, size=8)]
        exam = Exam.from_questions([Question("", stem, ("甲", "乙"), "A") for stem in stems])
        in_file = [f"问题{n}" for n in random.integers(0, 8, size=int(random.integers(1, 14)))]
        if sum(stem in stems for stem in in_file) * 2 < len(in_file):
            continue
        found = questions(exam, JoinKeys(len(in_file), questions=in_file))
        for row, question in enumerate(found):
            assert (stems[question] == in_file[row]) if question >= 0 else in_file[row] not in stems


def numbered(*ids: str) -> Exam:
    return Exam.from_questions([Question(name, f"问题{name}", ("甲", "乙"), "A") for name in ids])


def test_the_numbers_of_ids_join_where_they_are_the_same_set() -> None:
    exam = numbered("exam_7", "exam_29", "exam_030")
    found = join(exam, JoinKeys(3, ids=["q30", "q7", "q29"]))
    assert found.question_of.tolist() == [2, 0, 1]
    assert found.remarks == ["ids are joined by their numbers (q30 is exam_030)"]
    for others in (["q30", "q7"], ["q30", "q7", "q8"], ["q30", "p7", "q29"]):
        with pytest.raises(InputError, match="the rows do not match the exam"):
            join(exam, JoinKeys(len(others), ids=others))


def test_numbers_of_ids_count_rows_from_0_or_1() -> None:
    exam = numbered("a", "b", "c")
    assert join(exam, JoinKeys(3, ids=["id2", "id0", "id1"])).question_of.tolist() == [2, 0, 1]
    assert join(exam, JoinKeys(3, ids=["id2", "id3", "id1"])).question_of.tolist() == [1, 2, 0]


def test_numbers_that_are_positions_or_ids_are_refused() -> None:
    keys = JoinKeys(3, ids=["1", "2", "3"])
    assert join(numbered("q1", "q2", "q3"), keys).question_of.tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="may be positions or the numbers of the exam's ids"):
        join(numbered("q3", "q2", "q1"), keys)


@pytest.mark.parametrize("prefix", ["val-", "dev_", "CMExam-validation-"])
def test_ids_of_another_split_are_no_positions(prefix: str) -> None:
    exam = numbered("test-1", "test-2", "test-3")
    ids = [f"{prefix}{n}" for n in (1, 2, 3)]
    with pytest.raises(InputError, match="are of the split val, but the exam is test .*`split='val'`"):
        join(exam, JoinKeys(3, ids=ids))
    assert questions(exam, JoinKeys(3, ids=ids, questions=list(exam.questions))) == [0, 1, 2]
    assert questions(exam, JoinKeys(3, ids=["test_2", "test_1", "test_3"])) == [1, 0, 2]


@pytest.mark.parametrize("prefix", ["req-", "req_", "gen_", "msg-", "resp-"])
def test_a_short_number_behind_a_prefix_is_a_position(prefix: str) -> None:
    keys = JoinKeys(3, ids=[f"{prefix}{n}" for n in (2, 0, 1)], id_column="custom_id")
    assert questions(numbered("a", "b", "c"), keys) == [2, 0, 1]


@pytest.mark.parametrize(
    "made", ["chatcmpl-{}", "{:032x}", "msg_01Xa{}", "{:08x}-0000-4000-8000-000000000000"]
)
def test_ids_of_a_server_leave_the_order_of_the_rows_with_a_warning(made: str) -> None:
    exam = numbered("a", "b", "c")
    ids = [made.format(n) for n in (7, 9, 8)]
    found = join(exam, JoinKeys(3, ids=ids, id_column="id"))
    assert found.question_of.tolist() == [0, 1, 2] and "in the exam's order" in found.remarks[0]
    # A custom_id was sent with the request: batches come back in any order.
    with pytest.raises(InputError, match="the rows do not match the exam"):
        join(exam, JoinKeys(3, ids=ids, id_column="custom_id"))


def test_an_index_that_restarts_is_refused() -> None:
    exam = numbered(*"abcd")
    for ids in (["0", "1", "0", "1"], ["0", "0", "1", "1"], ["row1", "row0", "row0", "row1"]):
        with pytest.raises(InputError, match="from 0 to 1 occurs several times and 2 questions have none"):
            join(exam, JoinKeys(4, ids=ids))
        assert join(
            exam,
            JoinKeys(4, ids=ids, groups=["m1", "m2"] * 2 if ids[0] == ids[1] else ["m1", "m1", "m2", "m2"]),
        )
    assert questions(exam, JoinKeys(8, ids=list("01230123"))) == [0, 1, 2, 3] * 2
