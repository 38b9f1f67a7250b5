from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.features.option_features import (
    all_or_none,
    context,
    negated_option,
    surface,
    within_question_stats,
)


@given(st.lists(st.lists(st.integers(0, 4).map(float), min_size=2, max_size=8), min_size=1, max_size=5))
def test_relations_equal_a_loop(rows):
    flat, offsets = np.array([v for row in rows for v in row]), np.cumsum([0, *map(len, rows)])
    columns = within_question_stats(np.stack([flat, -flat], axis=1), offsets)
    expected = {
        "rank": [sum(o > v for o in row) + (row.count(v) - 1) / 2 for row in rows for v in row],
        "to_best": [v - max(row) for row in rows for v in row],
        "to_mean": [v - sum(row) / len(row) for row in rows for v in row],
        "share": [v / (sum(row) + 1e-9) for row in rows for v in row],
    }
    assert columns.keys() == expected.keys()
    for name, values in expected.items():
        assert columns[name][:, 0].tolist() == pytest.approx(values), name
    assert columns["to_mean"][:, 1].tolist() == pytest.approx([-value for value in expected["to_mean"]])


def test_surface_and_context():
    exam = Exam.from_questions(
        [Question("q", "不属于维生素缺乏病的有", ("维生素C缺乏", "25岁", "以上都不是"), "B")]
    )
    columns = {**surface(exam), **context(exam)}
    assert columns["length"].tolist() == [6, 3, 5]
    assert columns["digits"].tolist() == [0, 2, 0]
    # 维 生 素 缺 乏 of the six letters of the first option stand in the stem; 不 of the third does.
    assert columns["shared_with_stem"].tolist() == pytest.approx([5 / 6, 0, 1 / 5])
    assert columns["shared_with_options"].tolist() == [0, 0, 0]
    assert columns["place"].tolist() == [0, 1, 2]
    assert columns["n_options"].tolist() == [3, 3, 3]
    assert columns["stem_length"].tolist() == [11, 11, 11]
    assert columns["stem_negated"].tolist() == [1, 1, 1]
    assert columns["stem_asks_for_several"].tolist() == [1, 1, 1]
    assert columns["all_or_none"].tolist() == [0, 0, 1]
    assert columns["option_negated"].tolist() == [0, 0, 1]


def test_letters_shared_with_other_options():
    exam = Exam.from_questions([Question("q", "何者", ("甲乙", "乙丙", "丁"), "A")])
    assert surface(exam)["shared_with_options"].tolist() == [0.5, 0.5, 0]


def test_wording_of_options():
    options = ["以上均是", "都不是", "无变化", "发热"]
    assert all_or_none(options).tolist() == [True, True, False, False]
    assert negated_option(options).tolist() == [False, True, True, False]
