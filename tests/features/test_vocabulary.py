from __future__ import annotations

import numpy as np
import pytest
import slow_retrieval
from hypothesis import given, settings
from hypothesis import strategies as st

from cmexam_baseline.features.vocabulary import Vocabulary

TEXTS = [
    "缺乏维生素A，可致夜盲症。",
    "维生素Ｂ１２",
    "",
    "……",
    "夜盲症",
    "a",
    "用 药 a1",
    "𠀀𠀁",
    "维生素维生素",
]
DOCUMENTS = [0, 0, 1, 1, 2, 3, 3, 4, 5]

chinese = st.text(st.sampled_from("维生素缺乏可致夜盲症的是，。 aA1Ｂ　\n"), max_size=12)


def _named_rows(vocabulary: Vocabulary, matrix) -> list[dict[str, float]]:
    names = [term.replace("\n", "#") for term in vocabulary.terms]
    return [
        {names[column]: float(value) for column, value in zip(row.indices, row.data, strict=True)}
        for row in matrix
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(chinese, min_size=1, max_size=5), st.lists(chinese, max_size=4))
def test_counts_equal_the_slow_twin(known, asked):
    vocabulary = Vocabulary.fit(known, np.arange(len(known)))
    terms = set().union(*map(slow_retrieval.terms, known))
    expected = [
        {term: count for term, count in slow_retrieval.terms(text).items() if term in terms} for text in asked
    ]
    assert _named_rows(vocabulary, vocabulary.counts(asked)) == expected


def test_weights_equal_the_slow_twin():
    vocabulary = Vocabulary.fit(TEXTS, np.array(DOCUMENTS))
    weights = slow_retrieval.idf(TEXTS, DOCUMENTS)
    rows = _named_rows(vocabulary, vocabulary.tfidf(vocabulary.counts(TEXTS)))
    for row, text in zip(rows, TEXTS, strict=True):
        assert row == pytest.approx(slow_retrieval.tfidf(text, weights), rel=1e-5)


def test_a_vocabulary_survives_its_arrays():
    vocabulary = Vocabulary.fit(TEXTS, np.array(DOCUMENTS))
    again = Vocabulary.from_arrays(vocabulary.arrays())
    assert again.terms == vocabulary.terms
    assert (again.counts(TEXTS) != vocabulary.counts(TEXTS)).nnz == 0
    assert np.array_equal(again.idf, vocabulary.idf)


def test_texts_without_known_terms_are_empty_rows():
    vocabulary = Vocabulary.fit(["维生素"], np.array([0]))
    rows = vocabulary.tfidf(vocabulary.counts(["", "咳嗽"]))
    assert rows.shape[0] == 2
    assert rows.nnz == 0


def test_shares_add_up_to_one_and_count_a_term_once():
    vocabulary = Vocabulary.fit(["甲肝", "乙肝", "丙肝病"], np.arange(3))
    shares = vocabulary.shares(vocabulary.counts(["甲肝甲肝", "乙肝，甲肝", "无"]))
    assert shares.toarray().sum(axis=1).tolist() == pytest.approx([1, 1, 0])
    once = vocabulary.shares(vocabulary.counts(["甲肝 甲肝"]))
    assert once.toarray().tolist() == vocabulary.shares(vocabulary.counts(["甲肝"])).toarray().tolist()
