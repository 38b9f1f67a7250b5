from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import slow_retrieval
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.duplicates import copy_keys, folds_of
from cmexam_baseline.features.inverted_index import InvertedIndex, as_array, top_k

N_TERMS = 6
weights = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0])


def _rows(n: int):
    return arrays(np.float32, (n, N_TERMS), elements=weights)


def _keys(n: int):
    return arrays(np.uint64, n, elements=st.integers(0, 3))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 5), st.integers(1, 6), st.sampled_from([0.0, 0.5]))
def test_scores_equal_the_slow_twin(data, n_queries, n_documents, threshold):
    queries, documents = data.draw(_rows(n_queries)), data.draw(_rows(n_documents))
    query_keys, document_keys = data.draw(_keys(n_queries)), data.draw(_keys(n_documents))
    index = InvertedIndex.build(sp.csr_matrix(documents), document_keys)
    scores = index.scores(sp.csr_matrix(queries), query_keys, threshold)
    expected = slow_retrieval.visible_scores(queries, documents, query_keys, document_keys)
    assert np.allclose(scores.toarray(), np.where(expected > threshold, expected, 0))
    assert (scores.data > threshold).all()


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 5), st.integers(1, 6))
def test_matches_equal_the_slow_twin(data, n_queries, n_documents):
    idf = np.array([1, 1.5, 2, 2.5, 3, 3.5], np.float32)
    queries, documents = (data.draw(_rows(n)) > 0 for n in (n_queries, n_documents))
    query_keys, document_keys = data.draw(_keys(n_queries)), data.draw(_keys(n_documents))
    squares, lengths = queries * idf**2, np.sqrt(np.maximum((documents * idf**2).sum(axis=1), 1))
    index = InvertedIndex.build(sp.csr_matrix(documents * idf), document_keys, lengths.astype(np.float32))
    totals = squares.sum(axis=1, keepdims=True)
    shares, norms = squares / np.maximum(totals, 1), np.sqrt(np.maximum(totals[:, 0], 1)).astype(np.float32)
    coverage = slow_retrieval.visible_scores(shares, documents, query_keys, document_keys)
    cosine = coverage * norms[:, None] / lengths
    for given_norms, kept in ((norms, (coverage > 0.3) | (cosine > 0.12)), (None, coverage > 0.3)):
        found = index.matches(sp.csr_matrix(shares.astype(np.float32)), query_keys, given_norms)
        order = np.lexsort((found.documents, found.rows))
        assert np.column_stack([found.rows, found.documents])[order].tolist() == np.argwhere(kept).tolist()
        assert found.coverage[order] == pytest.approx(coverage[kept], abs=1e-5)
        expected = cosine[kept] if given_norms is not None else np.zeros(kept.sum())
        assert found.similarity[order] == pytest.approx(expected, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4).flatmap(lambda n: arrays(np.float32, (2, n), elements=weights)), max_size=6)
)
def test_scores_look_dense_one_inside_the_other(tables):
    def nested(left):
        if not left:
            return
        with as_array(sp.csr_matrix(left[0])) as found:
            nested(left[1:])
            assert found.tolist() == left[0].tolist()

    nested(tables)
    nested(tables[::-1])


def test_an_error_leaves_no_scores_behind():
    with pytest.raises(ValueError, match="broken"), as_array(sp.csr_matrix(np.ones((2, 3), np.float32))):
        raise ValueError("broken")
    with as_array(sp.csr_matrix((2, 3), dtype=np.float32)) as found:
        assert not found.any()


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (3, 7), elements=weights), st.integers(1, 9))
def test_top_k_are_the_first_of_a_sorted_list(scores, k):
    ids, values = top_k(sp.csr_matrix(scores), k)
    for row in range(3):
        order = sorted(
            (place for place in range(7) if scores[row, place]), key=lambda p: (-scores[row, p], p)
        )[:k]
        assert [place for place in ids[row].tolist() if place >= 0] == order
        assert values[row, : len(order)].tolist() == scores[row, order].tolist()
        assert not values[row, len(order) :].any()


def test_terms_in_too_many_documents_are_left_out():
    documents = sp.csr_matrix(np.array([[1, 1], [1, 0], [1, 0]], dtype=np.float32))
    index = InvertedIndex.build(documents, np.arange(3, dtype=np.uint64), max_postings=2)
    asked = sp.csr_matrix(np.ones((1, 2), dtype=np.float32))
    assert index.scores(asked, np.array([9], dtype=np.uint64)).toarray().tolist() == [[1, 0, 0]]


def test_an_index_survives_its_arrays():
    index = InvertedIndex.build(sp.csr_matrix(np.eye(4, dtype=np.float32)), np.arange(4, dtype=np.uint64))
    again = InvertedIndex.from_arrays(index.arrays())
    asked, keys = sp.csr_matrix(np.ones((1, 4), dtype=np.float32)), np.array([2], dtype=np.uint64)
    assert again.scores(asked, keys).toarray().tolist() == index.scores(asked, keys).toarray().tolist()
    assert again.scores(asked, keys).toarray().tolist() == [[1, 1, 0, 1]]


def test_copies_share_a_key_and_other_questions_do_not():
    exam = Exam.from_questions(
        [
            Question("", "缺乏可致夜盲症的是", ("维生素A", "维生素C"), "A", "解析"),
            Question("", "缺乏可致夜盲症的是：", ("维生素Ｃ", "维生素 A"), "B"),
            Question("", "缺乏可致夜盲症的是", ("维生素A", "维生素D"), "A"),
            Question("", "缺乏可致坏血病的是", ("维生素A", "维生素C"), "B"),
        ]
    )
    keys = copy_keys(exam).tolist()
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_folds_hold_copies_together_and_are_of_like_size():
    keys = np.repeat(np.arange(50, dtype=np.uint64), 2)
    folds = folds_of(keys, 5, seed=3)
    assert np.array_equal(folds[::2], folds[1::2])
    assert np.bincount(folds).tolist() == [20] * 5
    assert not np.array_equal(folds, folds_of(keys, 5, seed=4))
