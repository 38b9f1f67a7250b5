"""scikit-learn's conventions, tried with scikit-learn itself."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

from cmexam_baseline.exam import Exam, InputError, Predictions, Question
from cmexam_baseline.exam.errors import NotFittedError
from cmexam_baseline.exam.estimator import Estimator

EXAM = Exam.from_questions([Question("1", "甲", ("a", "b", "c"), "B"), Question("2", "乙", ("a", "b"), "A")])


class Constant(Estimator):
    def __init__(self, mask: int = 1, inner: Estimator | None = None) -> None:
        self.mask = mask
        self.inner = inner

    def fit(self) -> Constant:
        self.mask_ = self.mask
        return self

    def predict(self, exam, progress=None):
        self._check_is_fitted()
        return Predictions(exam.ids, [self.mask_] * len(exam))


def test_parameters_are_read_set_and_cloned() -> None:
    base = pytest.importorskip("sklearn.base")
    model = Constant(3, Constant(2)).fit()
    assert model.get_params()["inner__mask"] == 2
    twin = base.clone(model)
    assert twin is not model
    assert (twin.mask, twin.inner.mask, hasattr(twin, "mask_")) == (3, 2, False)
    assert model.set_params(mask=1, inner__mask=1) is model
    assert repr(model) == "Constant(inner=Constant())"
    with pytest.raises(InputError, match="no parameter 'masks'; its parameters are inner, mask"):
        model.set_params(masks=1)


def test_an_unfitted_model_raises_the_error_of_scikit_learn() -> None:
    exceptions, validation = pytest.importorskip("sklearn.exceptions"), pytest.importorskip("sklearn.utils")
    with pytest.raises(exceptions.NotFittedError, match="Constant is not fitted yet") as caught:
        Constant().predict(EXAM)
    assert isinstance(caught.value, NotFittedError)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), NotFittedError)
    with pytest.raises(exceptions.NotFittedError):
        validation.validation.check_is_fitted(Constant())
    validation.validation.check_is_fitted(Constant().fit())


def test_answers_without_scores_are_probabilities_of_one() -> None:
    assert Constant(2).fit().predict_proba(EXAM).tolist() == [[0, 1, 0], [0, 1, 0]]
    assert Constant().fit().predict_proba(EXAM[:0]).shape == (0, 0)
    scores = Predictions(EXAM.ids, [1, 1], np.array([0.1, 0.2, 0.3, 0.4, 0.5]), EXAM.option_offsets)
    model = Constant().fit()
    model.predict = lambda exam, progress=None: scores
    assert model.predict_proba(EXAM).tolist() == [[0.1, 0.2, 0.3], [0.4, 0.5, 0]]


def test_scikit_learn_is_not_imported_for_it() -> None:
    code = (
        "import sys; from cmexam_baseline.exam.estimator import Estimator, NotFittedError\n"
        "try: raise NotFittedError('x')\nexcept ValueError: print('sklearn' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
