"""Fast overlap equals the definition; the definition says what it should on questions people can read."""

from __future__ import annotations

import numpy as np
import pytest
import slow_overlap
from hypothesis import given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, InputError, Question, find_overlap

# Few characters, so that n-grams meet; punctuation that goes, letters that fold, marks that combine.
STEMS = st.text(st.sampled_from("甲乙AaＡ（）。 ℃e\u0301"), max_size=12)
OPTIONS = st.lists(st.sampled_from(["甲", "乙", "甲。", "Ａ", "a"]), min_size=2, max_size=3)


def exam(rows: list[tuple[str, list[str]]]) -> Exam:
    return Exam.from_questions(Question("", stem, tuple(options)) for stem, options in rows)


@settings(max_examples=150, deadline=None)
@given(
    train=st.lists(st.tuples(STEMS, OPTIONS), max_size=8).map(exam),
    other=st.lists(st.tuples(STEMS, OPTIONS), max_size=8).map(exam),
    size=st.integers(1, 4),
    near=st.sampled_from([0.2, 0.5, 0.8, 1.0]),
)
def test_fast_equals_slow(train: Exam, other: Exam, size: int, near: float) -> None:
    fast = find_overlap(train, other, size, near)
    found = list(zip(fast.category.tolist(), fast.coverage.tolist(), fast.match.tolist(), strict=True))
    assert found == slow_overlap.overlap(train, other, size, near)
    assert fast.overlaps.tolist() == [category != "none" for category, _, _ in found]
    assert sum(fast.counts().values()) == len(other)


def test_what_people_would_say() -> None:
    stem = "男，35岁。转移性右下腹疼痛5天，伴畏寒、发热2天。最可能的诊断是"
    train = exam(
        [("无关的题目，只是为了占位", ["一", "二"]), (stem, ["阑尾炎", "肝炎"]), (stem, ["胃炎", "肠炎"])]
    )
    other = exam(
        [
            (stem.replace("，", ",") + "（  ）。", ["肠炎", "胃炎"]),
            (stem, ["胆囊炎", "肠炎"]),
            (stem.replace("最可能的诊断是", "最可能的诊断为"), ["阑尾炎", "肝炎"]),
            ("女，60岁。胸痛1小时。首选检查是", ["心电图", "胸片"]),
            ("……？", ["一", "二"]),
        ]
    )
    found = find_overlap(train, other)
    assert found.category.tolist() == ["exact", "stem", "near", "none", "none"]
    assert found.match.tolist() == [2, 1, 1, -1, -1]
    assert found.counts() == {"exact": 1, "stem": 1, "near": 1, "none": 2}
    assert 0.8 <= found.coverage[2] < 1


def test_short_stems_need_the_same_stem() -> None:
    train = exam([("维生素C的功能", ["一", "二"])])
    found = find_overlap(train, exam([("维生素C的功能是", ["一", "二"]), ("维生素C的功能？", ["一", "二"])]))
    assert found.category.tolist() == ["none", "exact"]
    assert found.coverage.tolist() == [0.0, 1.0]


def test_an_exam_overlaps_itself_entirely() -> None:
    rows = exam([(f"第{number}题的题干文字在这里", ["一", "二"]) for number in range(50)])
    found = find_overlap(rows, rows)
    assert found.counts()["exact"] == 50
    assert found.match.tolist() == list(range(50))


def test_stems_that_share_an_n_gram_with_thousands() -> None:
    stems = [f"关于下列疾病的叙述错误的是{number % 7}号病例" for number in range(4000)]
    found = find_overlap(
        exam([(stem, ["一", "二"]) for stem in stems]), exam([(stems[0] + "甲", ["一", "二"])] * 500)
    )
    assert set(found.category.tolist()) == {"near"}
    assert set(found.match.tolist()) == {0}


@pytest.mark.parametrize(("size", "near"), [(0, 0.8), (10, 0.0), (10, 1.1), (10, float("nan"))])
def test_settings_out_of_range(size: int, near: float) -> None:
    with pytest.raises(InputError, match="at least 1"):
        find_overlap(exam([]), exam([]), size, near)


def test_empty_exams() -> None:
    one = exam([("题干", ["一", "二"])])
    assert find_overlap(exam([]), one).counts()["none"] == 1
    assert len(find_overlap(one, exam([])).match) == 0
    assert find_overlap(one, exam([])).coverage.dtype == np.float64
