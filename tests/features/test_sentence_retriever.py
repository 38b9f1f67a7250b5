"""The sentences that an encoder reads: the right ones, never the question's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_exam import altered, tiny_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.features import Corpus, SentenceRetriever
from cmexam_baseline.features.text import split_sentences

EXAM = tiny_exam()


def slow_find(training: Exam, asked: Exam, n: int) -> list[list[str]]:
    """Every sentence of every other question against every option, one after the other."""
    fitted = SentenceRetriever.fit(training)
    owners = [row for row, text in enumerate(training.explanations) for _ in split_sentences(text)]
    owners += np.flatnonzero(training.answers).tolist()
    keys, own_keys = copy_keys(training), copy_keys(asked)

    def vectors(texts: list[str]) -> np.ndarray:
        return fitted.vocabulary.tfidf(fitted.vocabulary.counts(texts)).toarray()

    sentences = vectors(fitted.texts)
    found = []
    for row, question in enumerate(asked):
        stem = vectors([question.question])[0]
        for option in vectors(list(question.options)):
            near = sentences @ option
            worth = np.where(near > 0.12, near, 0) * (sentences @ stem)
            worth[[keys[owner] == own_keys[row] for owner in owners]] = 0
            best = sorted(np.flatnonzero(worth > 0), key=lambda i: (-np.float32(worth[i]), i))
            found.append(list(dict.fromkeys(fitted.texts[i] for i in best[: 3 * n]))[:n])
    return found


@pytest.mark.parametrize("n", [1, 4])
def test_they_are_what_a_plain_search_finds(n):
    asked = EXAM[:20] + tiny_exam(seed=1, prefix="val")[:20]
    found = SentenceRetriever.fit(EXAM).find(asked, n)
    expected = slow_find(EXAM, asked, n)
    assert len(found) == len(asked.option_texts)
    same = [a == b for a, b in zip(found, expected, strict=True)]
    assert np.mean(same) > 0.97  # sums in another order may swap two sentences of equal worth
    assert [len(unit) for unit in found] == [len(unit) for unit in expected]
    assert max(map(len, found)) == n


@pytest.mark.parametrize("row", [0, 17, 40])
def test_a_question_never_reads_its_own_answer_or_explanation(row):
    before, after = (SentenceRetriever.fit(exam).find(EXAM, 3) for exam in (EXAM, altered(EXAM, [row])))
    own = slice(EXAM.option_offsets[row], EXAM.option_offsets[row + 1])
    assert before[own] == after[own]
    assert before != after


def test_a_question_never_reads_those_of_its_copy():
    question = EXAM[5]
    told = "抄来的解析：" + "".join([question.question, *question.options])
    copy = Question("copy", question.question + "。", question.options[::-1], "A", told)
    found = SentenceRetriever.fit(EXAM + Exam.from_questions([copy])).find(EXAM, 50)
    reads = np.array([told in unit for unit in found])
    own = slice(EXAM.option_offsets[5], EXAM.option_offsets[6])
    assert not reads[own].any()
    assert reads.any()


def test_a_sentence_is_read_once():
    twice = Exam.from_questions(
        [
            Question(str(i), f"夜盲症{i}是缺乏", ("维生素A", "铁"), "A", "维生素A缺乏可致夜盲症。")
            for i in range(3)
        ]
    )
    asked = Exam.from_questions([Question("q", "可预防夜盲症的是", ("维生素A", "铁"))])
    unit = SentenceRetriever.fit(twice).find(asked, 5)[0]
    assert unit.count("维生素A缺乏可致夜盲症") == 1
    assert len(unit) == 4


def test_they_do_not_depend_on_what_else_is_asked():
    fitted = SentenceRetriever.fit(EXAM)
    asked = tiny_exam(seed=1, prefix="val")
    alone = fitted.find(asked[70:75], 3)
    first, last = asked.option_offsets[[70, 75]]
    assert fitted.find(asked, 3)[first:last] == alone
    assert fitted.find(asked[:0], 3) == []


def test_an_exam_without_answers_and_explanations_has_none():
    bare = Exam.from_questions([Question("1", "夜盲症是缺乏", ("维生素A", "铁"))])
    assert SentenceRetriever.fit(bare).find(EXAM[:1], 2) == [[]] * int(EXAM.n_options[0])


SOLVED = Question("1", "夜盲症患者缺乏的是", ("维生素A", "维生素C"), "A")
BOOK = ["缺乏维生素A可引起夜盲症。", "练习：夜盲症是由于缺乏下列哪一种维生素所致，答案是维生素A。"]


def test_passages_are_read_except_by_the_questions_they_contain(tmp_path: Path):
    train = Exam.from_questions([SOLVED, Question("2", "坏血病患者缺乏的是", ("维生素C", "铁"), "A")])
    fitted = SentenceRetriever.fit(train, corpus=Corpus(BOOK, ["眼病", ""], ["book.txt"] * 2))
    fitted.save(tmp_path / "sentences.npz")
    asked = [
        Question("q1", "夜盲症是由于缺乏下列哪一种维生素所致", ("维生素A", "维生素C"), "A"),
        Question("q2", "可引起夜盲症的是缺乏", ("维生素A", "维生素C"), "A"),
    ]
    for retriever in (fitted, SentenceRetriever.load(tmp_path / "sentences.npz")):
        contained, _, other, _ = retriever.find(Exam.from_questions(asked), 5)
        assert "眼病：" + BOOK[0] in contained and BOOK[1] not in contained
        assert {"眼病：" + BOOK[0], BOOK[1]} < set(other)


def test_a_saved_store_finds_the_same(tmp_path: Path):
    fitted = SentenceRetriever.fit(EXAM)
    fitted.save(tmp_path / "sentences.npz")
    assert SentenceRetriever.load(tmp_path / "sentences.npz").find(EXAM, 3) == fitted.find(EXAM, 3)


def test_a_store_that_is_gone_or_damaged_ends_in_one_line(tmp_path: Path):
    path = tmp_path / "sentences.npz"
    with pytest.raises(InputError, match=r"sentences\.npz cannot be read: .* copy the whole run folder"):
        SentenceRetriever.load(path)
    SentenceRetriever.fit(EXAM).save(path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-2000], b"PK" + whole[2:400], whole.replace(b"format", b"farmot")):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"sentences\.npz .* train"):
            SentenceRetriever.load(path)
