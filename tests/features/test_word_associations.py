from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slow_associations
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.features.retrieval_features import retrieval_features
from cmexam_baseline.features.training_index import TrainingIndex

ASKED = Exam.from_questions(
    [
        Question("1", "不会引起夜盲症或坏血病的营养素是", ("维生素A", "维生素C和铁", "硒", ""), ""),
        Question("2", "全然陌生", ("某甲", "某乙"), ""),
    ]
)


@pytest.mark.parametrize("itself", [True, False], ids=["of its own questions", "of others"])
def test_associations_equal_the_slow_twin(itself):
    train = tiny_exam()[:16]
    # A copy, whose stem is cut into the same words: a question sees neither itself nor its copies.
    train = train + Exam.from_questions([replace(train[3], id="copy")])
    asked = train if itself else ASKED
    keys, asked_keys = copy_keys(train), copy_keys(asked)
    found = retrieval_features(TrainingIndex.fit(train, keys), asked, asked_keys)
    expected = slow_associations.word_associations(train, keys.tolist(), asked, asked_keys.tolist())
    for name, values in expected.items():
        assert found[name] == pytest.approx(np.array(values), abs=1e-4), name
