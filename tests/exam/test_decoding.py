from __future__ import annotations

import json

import numpy as np
import pytest
import slow_decoding
from hypothesis import given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam.decoding import Decoder, SeveralRule
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.stem_wording import asks_for_several

scores_of_one = st.lists(st.floats(0, 1, width=32), min_size=2, max_size=8)
rules = st.none() | st.builds(SeveralRule, st.floats(0, 1), st.floats(0, 1))


def _flat(rows: list[list[float]]) -> tuple[list[float], list[int]]:
    return [score for row in rows for score in row], np.cumsum([0, *map(len, rows)]).tolist()


@given(st.lists(scores_of_one, max_size=6), rules, rules, st.booleans())
def test_decode_equals_the_slow_twin(rows, usual, several, asking):
    stems = ["可引起咳嗽的药物有" if asking else "可引起咳嗽的药物是"] * len(rows)
    scores, offsets = _flat(rows)
    answers = Decoder(usual, several).decode(scores, offsets, stems)
    assert answers.dtype == np.uint16
    assert answers.tolist() == [slow_decoding.decode(row, several if asking else usual) for row in rows]


@settings(max_examples=25)
@given(st.lists(st.tuples(scores_of_one, st.integers(0, 1023), st.booleans()), min_size=1, max_size=12))
def test_fit_is_never_worse_than_argmax_where_it_was_fitted(rows):
    scores, offsets = _flat([row for row, _, _ in rows])
    answers = np.array([mask % 2 ** len(row) for row, mask, _ in rows], dtype=np.uint16)
    stems = ["哪些正确" if asking else "何者正确" for _, _, asking in rows]

    def matches(decoder: Decoder) -> int:
        return int(((decoder.decode(scores, offsets, stems) == answers) & (answers > 0)).sum())

    assert matches(Decoder.fit(scores, offsets, answers, stems)) >= matches(Decoder.argmax())


def test_fit_finds_the_answers_of_several_letters():
    scores, offsets = _flat([[0.9, 0.8, 0.1], [0.9, 0.3, 0.2], [0.4, 0.1, 0.2], [0.1, 0.7, 0.6]])
    answers = [0b011, 0b001, 0b001, 0b110]
    decoder = Decoder.fit(scores, offsets, answers)
    assert decoder.decode(scores, offsets).tolist() == answers


def test_fit_keeps_to_single_letters_where_nothing_is_gained():
    scores, offsets = _flat([[0.9, 0.8], [0.5, 0.6]])
    assert Decoder.fit(scores, offsets, [1, 2]) == Decoder.argmax()


def test_stems_that_ask_for_several_letters_have_their_own_rule():
    rows = [[0.9, 0.8], [0.9, 0.8]]
    scores, offsets = _flat(rows)
    stems = ["属于抗生素的有", "属于抗生素的是"]
    decoder = Decoder.fit(scores, offsets, [3, 1], stems)
    assert decoder.decode(scores, offsets, stems).tolist() == [3, 1]
    assert decoder.decode(scores, offsets).tolist() == [1, 1]


def test_unanswered_questions_do_not_count():
    scores, offsets = _flat([[0.9, 0.8], [0.9, 0.8]])
    assert Decoder.fit(scores, offsets, [0, 0]) == Decoder.argmax()


def test_the_first_of_equal_options_is_the_answer():
    assert Decoder.argmax().decode([0.5, 0.5], [0, 2]).tolist() == [1]


@given(rules, rules)
def test_a_decoder_survives_json(usual, several):
    decoder = Decoder(usual, several)
    assert Decoder.from_dict(json.loads(json.dumps(decoder.to_dict()))) == decoder


@pytest.mark.parametrize("stem", ["正确的有（　　）。", "下列哪些属于", "治疗药物包括", "【多选】正确的是"])
def test_wording_that_asks_for_several(stem):
    assert asks_for_several([stem]).tolist() == [True]


@pytest.mark.parametrize("stem", ["具有镇痛作用的药是", "有机磷中毒的表现是", ""])
def test_wording_that_asks_for_one(stem):
    assert asks_for_several([stem]).tolist() == [False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Decoder().decode([0.5], [0, 2]), "option offsets must run from 0 to the 1 scores"),
        (lambda: Decoder().decode([0.5, np.nan], [0, 2]), "option score 1 is not a finite number"),
        (lambda: Decoder().decode([], [0, 0]), "a question needs 1 to 10 options; got 0 to 0"),
        (lambda: Decoder().decode([0.5, 0.1], [0, 2], []), "scores of 1 questions need as many stems; got 0"),
        (lambda: Decoder.fit([0.5, 0.1], [0, 2], [1, 2]), "1 questions need as many answers"),
        (lambda: Decoder.from_dict({"usual": {"threshold": 1}}), "does not describe a decoder"),
        (lambda: Decoder.from_dict({"usual": 3, "several": None}), "does not describe a decoder"),
    ],
)
def test_bad_arguments_end_in_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
