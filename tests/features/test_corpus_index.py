"""Passages as evidence: found, explained, saved, and hidden from the questions that they contain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slow_retrieval
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.features import Corpus, LightGBMBaseline
from cmexam_baseline.features.corpus_index import CorpusIndex

TRAIN, VAL = tiny_exam(), tiny_exam(seed=1, prefix="val")
TEXTS = [
    "维生素A缺乏可引起夜盲症和干眼病，补充鱼肝油后好转。",
    "坏血病由维生素C缺乏引起，表现为牙龈出血和皮下瘀斑。",
    "碘缺乏引起地方性甲状腺肿，食盐加碘可以预防。",
    "练习：夜盲症是由于缺乏下列哪一种维生素所致，答案是维生素A。",
]
CORPUS = Corpus(TEXTS, ["维生素", "", "", ""], ["book.txt"] * 4)
ASKED = Exam.from_questions(
    [
        Question("q1", "可引起夜盲症的是缺乏", ("维生素A", "维生素C", "碘"), "A"),
        Question("q2", "夜盲症是由于缺乏下列哪一种维生素所致", ("维生素A", "维生素C"), "A"),
    ]
)


@pytest.fixture(scope="module")
def index() -> CorpusIndex:
    return CorpusIndex.fit(CORPUS, TRAIN)


@pytest.fixture(scope="module")
def baseline() -> LightGBMBaseline:
    return LightGBMBaseline(n_estimators=5, corpus=CORPUS).fit(TRAIN, VAL)


def test_the_covered_option_has_the_evidence(index: CorpusIndex) -> None:
    columns = index.evidence(ASKED)
    for name in ("corpus_best", "corpus_covered_best", "corpus_full_best", "corpus_around_best"):
        found = columns[name][:3]
        assert found.argmax() == 0 and found[0] > 0, name
    assert all(np.isfinite(column).all() and len(column) == 5 for column in columns.values())


def test_a_passage_that_contains_the_question_is_hidden_from_it(index: CorpusIndex) -> None:
    by_option = index.passages(ASKED, 4)
    assert TEXTS[3] in {passage.text for passage in by_option[0]}
    assert TEXTS[3] not in {passage.text for option in by_option[3:] for passage in option}


def test_passages_name_source_heading_and_similarity(index: CorpusIndex) -> None:
    first = next(one for one in index.passages(ASKED, 4)[0] if one.text == TEXTS[0])
    assert (first.source, first.heading) == ("book.txt", "维生素")
    documents = [f"{heading}\n{text}" for heading, text in zip(CORPUS.headings, TEXTS, strict=True)]
    every = [*documents, *TRAIN.questions, *TRAIN.option_texts]
    weights = slow_retrieval.idf(every, list(range(len(every))))
    stem, document = (slow_retrieval.tfidf(text, weights) for text in (ASKED.questions[0], documents[0]))
    expected = sum(weight * document.get(term, 0) for term, weight in stem.items())
    assert first.like_stem == pytest.approx(expected, abs=1e-5)
    assert first.like_option == pytest.approx(1, abs=1e-5)


def test_questions_alone_find_what_they_find_together(index: CorpusIndex) -> None:
    together, alone = index.evidence(VAL), index.evidence(VAL[70:75])
    options = slice(int(VAL.option_offsets[70]), int(VAL.option_offsets[75]))
    assert all(np.array_equal(together[name][options], alone[name]) for name in alone)


def test_a_model_with_a_corpus_is_saved_and_explained(baseline: LightGBMBaseline, tmp_path: Path) -> None:
    baseline.save(tmp_path / "model")
    loaded = LightGBMBaseline.load(tmp_path / "model")
    assert np.array_equal(loaded.predict(ASKED).option_scores, baseline.predict(ASKED).option_scores)
    assert repr(baseline) == "LightGBMBaseline(corpus=Corpus(4 passages from 1 files), n_estimators=5)"
    assert loaded.settings["corpus"] == {"passages": 4, "left_out": 0}
    assert (tmp_path / "model" / "corpus_left_out.csv").read_text("utf-8") == "source,text,split,id\n"
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again/corpus.npz").read_bytes() == (tmp_path / "model/corpus.npz").read_bytes()
    assert loaded.attributions(ASKED, 2)[0].passages == loaded.corpus_index_.passages(ASKED, 2)[0] != []


def test_paths_are_read_and_questions_of_train_and_val_are_left_out(tmp_path: Path) -> None:
    train = TRAIN + Exam.from_questions(
        [Question("t", "坏血病由哪一种维生素的缺乏引起", ("维生素C", "碘"), "A")]
    )
    (tmp_path / "a.txt").write_text(TEXTS[0] + "坏血病由哪一种维生素的缺乏引起，请看下文。", "utf-8")
    (tmp_path / "b.txt").write_text(f"例题：{ASKED.questions[1]}。", "utf-8")
    (tmp_path / "c.txt").write_text(TEXTS[2], "utf-8")
    model = LightGBMBaseline(n_estimators=2, corpus=[tmp_path]).fit(train, ASKED)
    assert model.corpus_index_.corpus.texts == [TEXTS[2]]
    assert [one.split for one in model.corpus_index_.corpus.left_out] == ["train", "val"]
