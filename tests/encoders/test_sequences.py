"""Sequences against their slow twin and against the tokenizer's own pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_sequences import joint_sequences, pairwise_sequences

from cmexam_baseline.encoders.batches import PADDING, Batches
from cmexam_baseline.encoders.models import load_tokenizer
from cmexam_baseline.encoders.sequences import Layout, encode_exam, make_sequences
from cmexam_baseline.encoders.tokens import Template, TextTokenizer, TokenTable
from cmexam_baseline.exam.errors import InputError

TEMPLATES = [
    Template((2,), (3,), (3,), pad=0, marker=4, second_type=1),
    Template((2,), (3, 3), (3,), pad=1, marker=4, second_type=0),
    Template((), (3,), (), pad=0, marker=4, second_type=0),
]
texts = st.lists(st.integers(10, 99), max_size=7)
rows = st.lists(st.tuples(texts, st.lists(texts, min_size=2, max_size=8)), min_size=1, max_size=5)


def table(lists: list[list[int]]) -> TokenTable:
    lengths = np.array([len(one) for one in lists], np.int64)
    return TokenTable(np.array(sum(lists, []), np.int32), np.cumsum(lengths) - lengths, lengths)


def make(layout: Layout, template: Template, exam, evidence=None):
    questions, options = [row[0] for row in exam], [row[1] for row in exam]
    offsets = np.concatenate([[0], np.cumsum([len(own) for own in options])]).astype(np.int64)
    flat = table([option for own in options for option in own])
    return questions, options, make_sequences(layout, template, table(questions), flat, offsets, evidence)


def cut(flat: np.ndarray, offsets: np.ndarray) -> list[list[int]]:
    return [flat[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:], strict=True)]


@given(rows, st.sampled_from(TEMPLATES))
def test_pairwise_equals_its_slow_twin(exam, template):
    questions, options, made = make(Layout("pairwise", 100), template, exam)
    expected = pairwise_sequences(template, questions, options)
    assert cut(made.ids, made.offsets) == [ids for ids, _ in expected]
    assert cut(made.segments, made.offsets) == [segments for _, segments in expected]
    assert made.sequence_of.tolist() == list(range(len(expected)))
    assert made.positions is None


@given(rows, st.sampled_from(TEMPLATES))
def test_joint_equals_its_slow_twin(exam, template):
    questions, options, made = make(Layout("joint", 200), template, exam)
    expected = joint_sequences(template, questions, options)
    assert cut(made.ids, made.offsets) == [ids for ids, _, _ in expected]
    assert cut(made.segments, made.offsets) == [segments for _, segments, _ in expected]
    assert cut(made.positions, made.offsets) == [positions for _, _, positions in expected]


@settings(max_examples=50)
@given(rows, st.sampled_from(TEMPLATES), st.sampled_from(["pairwise", "joint"]))
def test_batches_are_the_sequences_and_padding(exam, template, head):
    _, options, made = make(Layout(head, 200), template, exam)
    batches = Batches(made, template, np.arange(len(exam), dtype=np.uint8))
    order = np.arange(len(exam))[::-1]
    batch = batches.make(order)
    assert batch.input_ids.shape[1] % 8 == 0
    sequences = [s for q in order for s in range(made.firsts[q], made.firsts[q + 1])]
    whole, segments = cut(made.ids, made.offsets), cut(made.segments, made.offsets)
    for row, sequence in enumerate(sequences):
        n = len(whole[sequence])
        assert batch.input_ids[row, :n].tolist() == whole[sequence]
        assert batch.segments[row, :n].tolist() == segments[sequence]
        assert set(batch.segments[row, n:]) <= {PADDING}
        assert set(batch.input_ids[row, n:]) <= {template.pad}
        assert set(batch.token_types[row][batch.segments[row] > 0]) <= {template.second_type}
        assert not batch.token_types[row][batch.segments[row] <= 0].any()
    assert batch.n_options.tolist() == [len(options[q]) for q in order]
    assert batch.answers.tolist() == order.tolist()
    at = 0
    for row, question in enumerate(order):
        for column in range(len(options[question])):
            assert (batch.row_of[at], batch.column_of[at]) == (row, column)
            row_of_batch, segment = batch.sequence_of[at], column + 1 if head == "joint" else 1
            own = batch.input_ids[row_of_batch][batch.segments[row_of_batch] == segment].tolist()
            expected = [*options[question][column], *template.suffix]
            assert own == ([template.marker, *expected] if head == "joint" else expected)
            at += 1


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_pairwise_is_the_tokenizers_own_pair(name, request, exam):
    tokenizer = load_tokenizer(request.getfixturevalue(name))
    made = encode_exam(exam, TextTokenizer.from_transformers(tokenizer), Layout("pairwise", 160))
    at = 0
    for i, question in enumerate(exam.questions):
        for option in exam.options(i):
            own = tokenizer(question, option)
            assert made.ids[made.offsets[at] : made.offsets[at + 1]].tolist() == own["input_ids"]
            if name == "bert":
                types = made.segments[made.offsets[at] : made.offsets[at + 1]]
                assert types.tolist() == own["token_type_ids"]
            at += 1


def test_evidence_follows_its_question_or_option():
    template = TEMPLATES[0]
    exam = [([11, 12], [[21], [22]]), ([13], [[23], [24, 25]])]
    by_question, by_option = table([[91, 92], []]), table([[91], [92], [], [93, 94]])
    _, _, made = make(Layout("pairwise", 50), template, exam, by_question)
    assert cut(made.ids, made.offsets)[:3] == [
        [2, 11, 12, 3, 21, 3, 91, 92, 3], [2, 11, 12, 3, 22, 3, 91, 92, 3], [2, 13, 3, 23, 3],
    ]  # fmt: skip
    _, _, made = make(Layout("joint", 50), template, exam, by_question)
    assert cut(made.ids, made.offsets) == [
        [2, 11, 12, 3, 91, 92, 3, 4, 21, 3, 4, 22, 3], [2, 13, 3, 4, 23, 3, 4, 24, 25, 3],
    ]  # fmt: skip
    assert cut(made.segments, made.offsets)[0] == [0] * 7 + [1] * 3 + [2] * 3
    _, _, made = make(Layout("joint", 50), template, exam, by_option)
    assert cut(made.ids, made.offsets) == [
        [2, 11, 12, 3, 4, 21, 3, 91, 3, 4, 22, 3, 92, 3], [2, 13, 3, 4, 23, 3, 4, 24, 25, 3, 93, 94, 3],
    ]  # fmt: skip
    assert cut(made.positions, made.offsets)[1] == [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 8, 9]


long_rows = st.lists(
    st.tuples(st.integers(0, 60), st.lists(st.integers(0, 30), min_size=2, max_size=8), st.integers(0, 40)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=200)
@given(long_rows, st.integers(16, 80), st.sampled_from(["pairwise", "joint"]), st.booleans())
def test_evidence_is_cut_first_then_the_question_then_options(sizes, max_length, head, of_options):
    """Tokens 1000 and more are options, 2000 and more evidence."""
    exam = [([10] * n, [[1000] * option for option in own]) for n, own, _ in sizes]
    units = [[2000] * size for _, own, size in sizes for _ in (own if of_options else [0])]
    _, _, made = make(Layout(head, max_length), TEMPLATES[0], exam, table(units))
    cuts = {"questions": 0, "options": 0, "evidence": 0}
    for q, (whole, own, evidence) in enumerate(sizes):
        shown = []
        for o, option in enumerate(own):
            sequence = q if head == "joint" else made.firsts[q] + o
            tokens = slice(made.offsets[sequence], made.offsets[sequence + 1])
            ids, segments = made.ids[tokens], made.segments[tokens]
            mine = ids[(segments == 0) | (segments == (o + 1 if head == "joint" else 1))]
            used, kept = len(mine), [int((mine // 1000 == kind).sum()) for kind in (1, 2)]
            question = int((mine == 10).sum())
            shown.append((used, question, kept[0], kept[1]))
            assert used <= max_length
            if kept[0] < option:
                assert question == 0
                cuts["options"] += 1
            if question < whole and not (of_options and head == "joint"):
                assert kept[1] == 0
        assert len({question for _, question, _, _ in shown}) == 1 or head == "pairwise"
        cuts["questions"] += any(question < whole for _, question, _, _ in shown)
        longest = max(used for used, *_ in shown)
        if any(question < whole for _, question, _, _ in shown):
            assert longest == max_length
        if of_options or head == "pairwise":
            lacking = [used for used, _, _, kept in shown if kept < evidence]
            assert all(used >= max_length - 1 for used in lacking)
            cuts["evidence"] += len(lacking)
        elif shown[0][3] < evidence:
            assert longest >= max_length - 1
            cuts["evidence"] += 1
    found = vars(made.truncation)
    assert {name: found[name] for name in cuts} == cuts


def test_a_long_question_keeps_its_end():
    exam = [(list(range(10, 30)), [[50], [51, 52]])]
    for layout in (Layout("pairwise", 16), Layout("joint", 16)):
        _, _, made = make(layout, TEMPLATES[0], exam)
        first = cut(made.ids, made.offsets)[0]
        assert 29 in first
        assert 10 not in first
        assert 50 in first
        assert made.truncation.questions == 1
        assert made.truncation.options == 0


def test_sentences_are_joined_up_to_the_budget(bert, exam):
    tokenizer = TextTokenizer.from_transformers(load_tokenizer(bert))
    some = exam[:2]
    layout = Layout("joint", 160)
    without = encode_exam(some, tokenizer, layout)
    given = encode_exam(some, tokenizer, layout, [["甲乙", "丙丁"], ["甲"]], evidence_tokens=3)
    assert (given.lengths - without.lengths).tolist() == [3 + 1, 1 + 1]
    by_option = [["甲乙丙丁"]] * len(some.option_texts)
    given = encode_exam(some, tokenizer, layout, by_option, evidence_tokens=3)
    assert (given.lengths - without.lengths).tolist() == [4 * 5, 4 * 4]
    with pytest.raises(
        InputError, match=r"evidence has 3 lists .* one per question \(2\) or one per option \(9\)"
    ):
        encode_exam(some, tokenizer, layout, [[]] * 3)
