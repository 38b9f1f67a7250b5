"""The few pieces of evidence that are nearest to a question, compared with it closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.inverted_index import best_documents, top_k
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.metrics.ragged import row_numbers

if TYPE_CHECKING:
    import scipy.sparse as sp

_SENTENCES = 5


def nearest_question(
    index: TrainingIndex, queries: Queries, near: NDArray[np.float32], options: sp.csr_matrix
) -> Columns:
    """How the training question that is nearest to stem and option differs from the question.

    near: float32 (n, training questions), similarity of the stems
    options: CSR (m, training options), similarity of the options

    A copy in other words and a question on another entity with the same list of options can be equally near; they
    differ in the weight of the words that only one of the two stems has.
    """
    joint = options.copy()
    joint.data = (
        joint.data * near[queries.owner[row_numbers(joint.indptr)], index.option_owner[joint.indices]]
    )
    best, likeness = best_documents(joint)
    question, there = index.option_owner[best], (best >= 0).astype(np.float64)
    asked, known = queries.stem_idf[queries.owner], index.stem_idf[question]
    shared = asked.multiply(known.sign())
    only_asked, only_known = asked - shared, known - known.multiply(asked.sign())
    covered = shared.sum(axis=1).A1 / np.maximum(asked.sum(axis=1).A1, 1e-9)
    listed, offered = queries.option_ids[queries.owner], index.option_ids[question]
    listed_there = ((listed[:, :, None] == offered[:, None, :]) & (listed >= 0)[:, :, None]).any(axis=2)
    same_options = listed_there.sum(axis=1) / np.diff(queries.offsets)[queries.owner]
    turned = queries.negated[queries.owner] != index.negated[question]
    verdict = np.where(index.option_right[best] ^ turned, likeness, -likeness) * there
    return {
        "nearest_verdict": verdict,
        "nearest_missing_asked": only_asked.max(axis=1).toarray().ravel() * there,
        "nearest_missing_known": only_known.max(axis=1).toarray().ravel() * there,
        "nearest_covered": covered * there,
        "nearest_same_options": same_options * there,
        "nearest_verdict_if_same": verdict * covered,
    }


def nearest_sentences(index: TrainingIndex, queries: Queries, stem_scores: sp.csr_matrix) -> Columns:
    """How much of the option, in its order, occurs in the sentences that are nearest to stem and options.

    stem_scores: CSR (n, sentences), similarity of stem and sentence
    """
    from rapidfuzz import fuzz, process

    documents, scores = top_k(stem_scores, _SENTENCES)
    best, mean = np.zeros((2, len(queries.owner)))
    for row, (ids, weights) in enumerate(zip(documents.tolist(), scores, strict=True)):
        start, end = queries.offsets[row], queries.offsets[row + 1]
        sentences = [index.sentence_folded[one] for one in ids if one >= 0]
        if not sentences:
            continue
        ratios = process.cdist(queries.option_texts[start:end], sentences, scorer=fuzz.partial_ratio) / 100
        weighted = ratios * weights[: len(sentences)]
        best[start:end], mean[start:end] = weighted.max(axis=1), weighted.mean(axis=1)
    return {"literal_best": best, "literal_mean": mean}
