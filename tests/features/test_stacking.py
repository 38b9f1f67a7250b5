"""Another model's opinion as columns of the trees' table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, InputError
from cmexam_baseline.features import LightGBMBaseline, score_columns
from cmexam_baseline.features.training_index import right_options

TRAIN, VAL = tiny_exam(), tiny_exam(seed=1, prefix="val")


def telling(exam: Exam, random_state: int = 0) -> dict[str, np.ndarray]:
    """Columns of a model that is right nine times in ten."""
    random = np.random.default_rng(random_state)
    right = right_options(exam) ^ (random.random(len(exam.option_texts)) < 0.1)
    return score_columns("oracle", np.where(right, 0.9, 0.1), exam.option_offsets)


@pytest.fixture(scope="module")
def model() -> LightGBMBaseline:
    return LightGBMBaseline(n_estimators=20, n_jobs=1).fit_stacked(
        TRAIN, VAL, extra_columns=telling(TRAIN), val_extra_columns=telling(VAL, 1)
    )


@given(st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=8), min_size=1, max_size=5))
def test_margin_is_that_over_the_best_other_option(questions: list[list[float]]) -> None:
    columns = score_columns("it", np.concatenate(questions), np.cumsum([0, *map(len, questions)]))
    odds, margins = columns["it_log_odds"].tolist(), columns["it_margin"].tolist()
    for question in questions:
        own = [odds.pop(0) for _ in question]
        for place, value in enumerate(own):
            assert margins.pop(0) == value - max(own[:place] + own[place + 1 :])


def test_probabilities_of_nought_and_one_stay_finite() -> None:
    assert all(np.isfinite(column).all() for column in score_columns("it", [0.0, 1.0], [0, 2]).values())


def test_the_trees_learn_whom_to_believe(model: LightGBMBaseline) -> None:
    train, val = (_with_random_answers(exam, random_state) for random_state, exam in enumerate((TRAIN, VAL)))
    alone = LightGBMBaseline(n_estimators=20, n_jobs=1).fit(train)
    told = LightGBMBaseline(n_estimators=20, n_jobs=1).fit_stacked(train, extra_columns=telling(train))
    assert (alone.predict(val).answers == val.answers).mean() < 0.4
    assert (told.predict(val, extra_columns=telling(val, 1)).answers == val.answers).mean() > 0.5
    decided = {
        reason.feature for one in model.attributions(VAL[:2], 3, _part(VAL, 2)) for reason in one.features
    }
    assert decided & set(telling(VAL))


def _with_random_answers(exam: Exam, random_state: int) -> Exam:
    """The exam with one letter a question that nothing in it tells."""
    place = np.random.default_rng(random_state).integers(exam.n_options)
    answers = (1 << place).astype(np.uint8)
    return Exam(exam.ids, exam.questions, exam.option_texts, exam.option_offsets, answers, [""] * len(exam))


def _part(exam: Exam, n: int) -> dict[str, np.ndarray]:
    return {name: column[: exam.option_offsets[n]] for name, column in telling(exam, 1).items()}


def test_a_saved_model_knows_its_columns_in_any_order(model: LightGBMBaseline, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    columns = telling(VAL, 1)
    again = LightGBMBaseline.load(tmp_path / "model").predict(
        VAL, extra_columns=dict(reversed(columns.items()))
    )
    assert again.option_scores.tolist() == model.predict(VAL, extra_columns=columns).option_scores.tolist()


def test_columns_of_unanswered_questions_are_passed_over_with_them() -> None:
    answers = TRAIN.answers.copy()
    answers[[0, 5]] = 0
    holed = Exam(
        TRAIN.ids, TRAIN.questions, TRAIN.option_texts, TRAIN.option_offsets, answers, TRAIN.explanations
    )
    columns, kept = telling(TRAIN), answers > 0
    in_kept = np.repeat(kept, TRAIN.n_options)
    with_holes = LightGBMBaseline(n_estimators=3, n_jobs=1).fit_stacked(holed, extra_columns=columns)
    without = LightGBMBaseline(n_estimators=3, n_jobs=1).fit_stacked(
        TRAIN[kept], extra_columns={name: column[in_kept] for name, column in columns.items()}
    )
    asked = telling(VAL, 1)
    assert (
        with_holes.predict(VAL, extra_columns=asked).option_scores.tolist()
        == without.predict(VAL, extra_columns=asked).option_scores.tolist()
    )


@pytest.mark.parametrize(
    ("extra_columns", "message"),
    [
        (None, r"trained with the extra columns oracle_log_odds.*got \(none\)"),
        ({"other": np.zeros(3)}, "got other"),
        ({name: column[1:] for name, column in telling(VAL).items()}, "one finite number for each"),
        ({name: column * np.nan for name, column in telling(VAL).items()}, "one finite number for each"),
    ],
)
def test_other_columns_are_refused(model: LightGBMBaseline, extra_columns: dict | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.predict(VAL, extra_columns=extra_columns)
