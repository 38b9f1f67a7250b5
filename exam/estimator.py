"""What every model shares: scikit-learn's conventions for estimators, without importing scikit-learn."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError, NotFittedError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress

Self = TypeVar("Self", bound="Estimator")


class Estimator:
    """Base of the models: parameters by name, `predict_proba`, and the check that `fit` was called.

    A subclass only stores the arguments of its constructor, under their own names. What `fit` learns has names
    that end in `_`. `sklearn.base.clone` works on it.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name; those of nested estimators as `name__parameter` if `deep`."""
        parameters = list(inspect.signature(type(self).__init__).parameters.values())[1:]
        named = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
        found = {name: getattr(self, name) for name in sorted(named)}
        nested = {name: one for name, one in found.items() if deep and isinstance(one, Estimator)}
        return found | {
            f"{name}__{inner}": value
            for name, one in nested.items()
            for inner, value in one.get_params().items()
        }

    def set_params(self: Self, **parameters: Any) -> Self:
        """Store parameters by name, `name__parameter` for nested ones; raises `InputError` for unknown names."""
        known = self.get_params(deep=False)
        for name, value in parameters.items():
            own, nested, inner = name.partition("__")
            if own not in known:
                raise InputError(
                    f"{type(self).__name__} has no parameter {own!r}; its parameters are {', '.join(known)}"
                )
            if nested:
                getattr(self, own).set_params(**{inner: value})
            else:
                setattr(self, own, value)
        return self

    def __repr__(self) -> str:
        """The parameters that differ from their defaults."""
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params(deep=False).items()
            if value is not defaults[name].default and value != defaults[name].default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        """For `sklearn.utils.validation.check_is_fitted`."""
        return any(name.endswith("_") and not name.startswith("_") for name in vars(self))

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks before it looks at an estimator."""
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False))

    def _check_is_fitted(self) -> None:
        """Raise `NotFittedError` before `fit` or `load`."""
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit or load first")

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers to the questions of `exam`."""
        raise NotImplementedError

    def predict_proba(self, exam: Exam, progress: Progress | None = None) -> NDArray[np.float64]:
        """The probability of each option that it belongs to the answer, float64 (questions, most options).

        Columns are the letters from A. An option that a question does not have is 0. Rows do not sum to 1,
        because several options can be right. A model without scores gives 1 to the options of its answer.
        """
        predictions = self.predict(exam, progress)
        present = np.arange(int(exam.n_options.max(initial=0))) < exam.n_options[:, None]
        table = (predictions.answers[:, None] >> np.arange(present.shape[1]) & 1).astype(np.float64)
        if predictions.option_scores is not None:
            table[present] = predictions.option_scores
        table[~present] = 0
        return table
