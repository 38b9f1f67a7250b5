"""Evidence by meaning: equal to its slow twin, blind to a question's own answer, saved and given back."""

from __future__ import annotations

import numpy as np
import pytest
from slow_dense import letter_counts, slow_evidence
from tiny_exam import altered, tiny_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.features import Embedder, LightGBMBaseline
from cmexam_baseline.features.dense_index import DenseIndex
from cmexam_baseline.metrics.ragged import row_numbers

EMBEDDER = Embedder("letters", "1", letter_counts)
EXAM = tiny_exam()
ASKED = tiny_exam(seed=1, prefix="val")


def _evidence(train: Exam, asked: Exam) -> dict[str, np.ndarray]:
    return DenseIndex.fit(train, EMBEDDER).evidence(asked, EMBEDDER)


@pytest.mark.parametrize("rows", [slice(0, 60), slice(20, 23)])
def test_evidence_equals_its_slow_twin(rows):
    train = EXAM[rows]
    asked = EXAM[25:35] + ASKED[:30]
    found, expected = _evidence(train, asked), slow_evidence(train, asked, letter_counts)
    for name, column in expected.items():
        # The index keeps its vectors in half precision.
        np.testing.assert_allclose(found[name], column, rtol=2e-2, atol=2e-3, err_msg=name)
    kinds = {name for name in found if "balance" in name or "odds" in name}
    assert set(found) == set(expected) | kinds
    np.testing.assert_allclose(
        found["meant_balance_best"], found["meant_right_best"] - found["meant_wrong_best"], atol=1e-6
    )


@pytest.mark.parametrize("row", [0, 17, 40, len(EXAM) - 1])
def test_a_question_does_not_see_its_own_answer(row):
    before, after = _evidence(EXAM, EXAM), _evidence(altered(EXAM, [row]), EXAM)
    own = row_numbers(EXAM.option_offsets) == row
    assert all(np.array_equal(before[name][own], after[name][own]) for name in before)
    assert any(not np.array_equal(before[name][~own], after[name][~own]) for name in before)


def test_a_question_does_not_see_its_copies():
    question = EXAM[5]
    copy = Question("copy", f"{question.question}。", question.options[::-1], "A", "")
    exam = EXAM + Exam.from_questions([copy])
    before, after = _evidence(exam, EXAM), _evidence(altered(exam, [len(exam) - 1]), EXAM)
    own = row_numbers(EXAM.option_offsets) == 5
    assert all(np.array_equal(before[name][own], after[name][own]) for name in before)
    assert any(not np.array_equal(before[name], after[name]) for name in before)


def test_evidence_does_not_depend_on_the_other_questions_asked():
    index = DenseIndex.fit(EXAM, EMBEDDER)
    whole, part = index.evidence(ASKED, EMBEDDER), index.evidence(ASKED[70:75], EMBEDDER)
    own = np.isin(row_numbers(ASKED.option_offsets), np.arange(70, 75))
    for name in whole:
        np.testing.assert_allclose(whole[name][own], part[name], rtol=1e-4, atol=1e-5)


def test_indices_survive_their_arrays():
    index = DenseIndex.fit(EXAM, EMBEDDER)
    again = DenseIndex.from_arrays(index.arrays()).evidence(ASKED, EMBEDDER)
    for name, column in index.evidence(ASKED, EMBEDDER).items():
        assert np.array_equal(column, again[name])


def test_what_only_meaning_tells_is_learned():
    """Right options never share a character with anything, but their vectors tell them."""
    letters = [chr(0x4E00 + i) for i in range(3000)]
    random = np.random.default_rng(0)

    def embed(texts, progress=None):
        return np.array([[ord(text[0]) % 2 + 0.01 * len(text), 0.1 * (ord(text[0]) % 7)] for text in texts])

    def exam(first: int, n: int, prefix: str) -> Exam:
        questions = []
        for row in range(n):
            own = letters[first + 4 * row : first + 4 * row + 4]
            options = random.permutation([own[0], own[2]] if row % 2 else [own[1], own[2]]).tolist()
            answer = "AB"[[ord(option) % 2 for option in options].index(1)] if _mixed(options) else "A"
            questions.append(Question(f"{prefix}{row}", own[3] * 2, tuple(options), answer))
        return Exam.from_questions(question for question in questions if _mixed(question.options))

    def _mixed(options):
        return sum(ord(option) % 2 for option in options) == 1

    train, asked = exam(0, 400, "t"), exam(1600, 300, "v")
    seen = (
        LightGBMBaseline(n_estimators=20, embedder=Embedder("parity", "1", embed)).fit(train).predict(asked)
    )
    blind = LightGBMBaseline(n_estimators=20).fit(train).predict(asked)
    assert (seen.answers == asked.answers).mean() > 0.95
    assert (blind.answers == asked.answers).mean() < 0.7


def test_a_saved_model_wants_the_same_encoder_again(tmp_path):
    baseline = LightGBMBaseline(n_estimators=5, embedder=EMBEDDER).fit(EXAM, ASKED)
    expected = baseline.predict(ASKED)
    baseline.save(tmp_path / "model")
    assert baseline.settings["embeddings"] == {"name": "letters", "fingerprint": "1"}
    loaded = LightGBMBaseline.load(tmp_path / "model")
    with pytest.raises(InputError, match="trained with embeddings of letters; call use_embedder first"):
        loaded.predict(ASKED)
    with pytest.raises(InputError, match="other has other weights than letters"):
        loaded.use_embedder(Embedder("other", "2", letter_counts))
    loaded.use_embedder(EMBEDDER)
    assert np.array_equal(loaded.predict(ASKED).option_scores, expected.option_scores)
    assert len(loaded.attributions(ASKED[:1])) == ASKED.n_options[0]
    with pytest.raises(InputError, match="trained without embeddings"):
        LightGBMBaseline(n_estimators=5).fit(EXAM).use_embedder(EMBEDDER)


def test_vectors_of_another_length_are_refused():
    index = DenseIndex.fit(EXAM, EMBEDDER)
    short = Embedder("short", "1", lambda texts, progress: letter_counts(texts)[:, :7])
    with pytest.raises(InputError, match="short gives vectors of length 7, the model was trained with 49"):
        index.evidence(ASKED, short)
