"""What the nearest question and the nearest sentences say, on questions small enough to see why."""

from __future__ import annotations

import pytest

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.features.retrieval_features import retrieval_features
from cmexam_baseline.features.training_index import TrainingIndex

SERIES = ("肺", "心包", "小肠")
TRAIN = Exam.from_questions(
    [
        Question("1", "手太阴经属于的脏是", SERIES, "A", "槐花散能全部通过五号筛，并含不少于95%的粉末。"),
        Question("2", "槐花散的功用有", ("疏风行气", "解表散邪"), "A"),
        Question("3", "不属于槐花散功用的是", ("清肠止血", "益气健脾"), "B"),
        Question("4", "胎儿的心包位于", ("胸腔", "腹腔"), "A"),
    ]
)


def _evidence(stem: str, *options: str) -> dict[str, list[float]]:
    asked = Exam.from_questions([Question("q", stem, options, "")])
    return {name: one.tolist() for name, one in retrieval_features(TrainingIndex.fit(TRAIN), asked).items()}


def test_a_copy_in_other_words_says_what_is_right():
    found = _evidence("槐花散的功用是", "解表散邪", "疏风行气", "全然陌生")
    assert found["nearest_verdict"][0] < found["nearest_verdict"][2] == 0 < found["nearest_verdict"][1]


def test_a_negated_question_turns_the_verdict():
    found = _evidence("槐花散的功用是", "清肠止血", "益气健脾")
    assert found["nearest_verdict"][0] > 0 > found["nearest_verdict"][1]


def test_words_that_only_one_of_the_stems_has_are_weighed():
    same = _evidence("手太阴经属于的脏是", *SERIES, "大肠")
    other = _evidence("胎儿的太阴经属于的脏是", *SERIES, "大肠")
    assert same["nearest_missing_asked"][0] == same["nearest_missing_known"][0] == 0
    assert same["nearest_covered"][0] == pytest.approx(1)
    assert other["nearest_covered"][0] < 1
    assert other["nearest_missing_asked"][0] > 0
    assert other["nearest_missing_known"][0] > 0
    # Three of the four options are offered there, too.
    assert same["nearest_same_options"][:3] == [0.75] * 3


def test_the_order_of_characters_in_a_sentence_counts():
    found = _evidence("槐花散是指", "能全部通过五号筛", "能全部通过六号筛", "通过号筛五部全能")
    for name in ("literal_best", "literal_mean"):
        assert found[name][0] > found[name][1] > found[name][2], name
    assert not any(_evidence("全然陌生", "甲", "乙")["literal_best"])
