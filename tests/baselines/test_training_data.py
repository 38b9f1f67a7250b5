from __future__ import annotations

import pytest

from cmexam_baseline.baselines.training_data import join_extra
from cmexam_baseline.exam import Exam, Question, find_overlap

LONG = "患者男性四十五岁饱餐后突发上腹持续性剧痛并向腰背部放射"


def _exam(*stems: str, options: tuple[str, ...] = ("甲", "乙")) -> Exam:
    return Exam.from_questions(Question(str(i), stem, options, "A") for i, stem in enumerate(stems, 1))


TRAIN = _exam("缺铁可致何种贫血", "缺碘可致何病")
VAL = _exam("坏血病是缺乏", LONG + "最可能的诊断是")


@pytest.mark.parametrize(
    ("stem", "reason", "match"),
    [
        ("坏血病是缺乏：", "exact", "1"),
        (LONG + "最可能的诊断", "near", "2"),
        ("女，" + LONG + "最可能的诊断是何病，首选何种检查，如何处理，预后怎样，何时复查", "near", "2"),
    ],
)
def test_what_is_close_to_an_asked_question_stays_out(stem: str, reason: str, match: str) -> None:
    extra = _exam("全新的问题", stem)
    joined = join_extra(TRAIN, {"other": extra}, {"val": VAL})
    assert joined.exam.ids == ["1", "2", "other:1"]
    (row,) = joined.excluded
    assert (row.source, row.id, row.question) == ("other", "2", stem)
    assert (row.reason, row.split, row.match) == (reason, "val", match)


def test_nothing_overlaps_afterwards() -> None:
    stems = [
        f"{first}{LONG}{last}"
        for first in ("", "一", "一二")
        for last in ("", "应", "应作何处理", "甲乙丙丁")
    ]
    joined = join_extra(TRAIN, {"other": _exam(*stems, "又一个问题")}, {"val": VAL, "test": _exam(LONG)})
    extra = joined.exam[joined.source > 0]
    assert extra.questions == ["又一个问题"]
    for asked in (VAL, _exam(LONG)):
        assert not find_overlap(extra, asked).overlaps.any()
        assert not find_overlap(asked, extra).overlaps.any()
    assert joined.counts()["other"]["joined"] == 1
    assert sum(joined.counts()["other"].values()) == len(stems) + 1


def test_what_is_known_already_stays_out_but_a_like_stem_with_other_options_joins() -> None:
    first = _exam("缺铁可致何种贫血", "缺锌可致何病")
    second = _exam("缺锌可致何病", options=("乙", "甲")) + Exam.from_questions(
        [Question("2", "缺铁可致何种贫血", ("丙", "丁"), "B")]
    )
    joined = join_extra(TRAIN, {"a": first, "b": second}, {"val": VAL})
    assert joined.exam.ids == ["1", "2", "a:2", "b:2"]
    assert joined.source.tolist() == [0, 0, 1, 2]
    assert [(row.source, row.split, row.match) for row in joined.excluded] == [
        ("a", "train", "1"),
        ("b", "a", "a:2"),
    ]
    assert joined.counts() == {
        "a": {"joined": 1, "excluded_train": 1},
        "b": {"joined": 1, "excluded_other": 1},
    }


def test_without_other_exams_nothing_changes() -> None:
    joined = join_extra(TRAIN, {}, {"val": VAL})
    assert joined.exam == TRAIN
    assert not joined.source.any()
