"""Answers of several options, written as lists, flags or numbers, are one answer and not several replies."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring import ColumnChoice, score_file

N = 20
OPTIONS = ("青霉素 G", "吗啡", "红霉素", "阿司匹林", "碘")
GOLD = ["ABC", "A", "BD", "ABCDE", "CE"] * 4
# Three of five are right.
GIVEN = [gold if row % 5 < 3 else "AD" for row, gold in enumerate(GOLD)]
EXAM = Exam.from_questions(
    [Question(f"q{row}", f"下列属于第{row}类药物的有", OPTIONS, gold) for row, gold in enumerate(GOLD)]
)

WRITE: dict[str, Callable[[str], object]] = {
    "texts": lambda answer: [OPTIONS[LETTERS.index(letter)] for letter in answer],
    "letters and texts": lambda answer: [f"{letter}. {OPTIONS[LETTERS.index(letter)]}" for letter in answer],
    "letters backwards": lambda answer: list(answer)[::-1],
    "lower-case letters": lambda answer: list(answer.lower()),
    "texts by letter": lambda answer: {letter: OPTIONS[LETTERS.index(letter)] for letter in answer},
    "objects": lambda answer: [{"letter": x, "text": OPTIONS[LETTERS.index(x)]} for x in answer],
    "flags": lambda answer: [int(letter in answer) for letter in "ABCDE"],
    "floats": lambda answer: [float(letter in answer) for letter in "ABCDE"],
    "truths": lambda answer: [letter in answer for letter in "ABCDE"],
    "truths by letter": lambda answer: {letter: letter in answer for letter in "ABCDE"},
    "flags by letter": lambda answer: {letter: int(letter in answer) for letter in "ABCDE"},
}
NUMBERS: dict[str, Callable[[list[int]], object]] = {
    "list": list,
    "commas": lambda numbers: ",".join(map(str, numbers)),
    "brackets": lambda numbers: str(numbers)[1:-1] if len(numbers) == 1 else str(numbers),
    "digits": lambda numbers: "".join(map(str, numbers)),
}


def accuracy(cells: list[object], index_base: int | None = None, printed: bool = False) -> float:
    written = [json.dumps(cell, ensure_ascii=False) if printed else cell for cell in cells]
    rows = [{"id": f"q{row}", "pred": cell} for row, cell in enumerate(written)]
    report = score_file(rows, EXAM, index_base=index_base, columns=ColumnChoice(answer="pred"), resamples=1)
    assert report.to_dict()["systems"][0]["remarks"] == []
    return report.accuracy


@pytest.mark.parametrize("printed", [False, True])
@pytest.mark.parametrize("form", WRITE)
def test_lists_and_flags_are_one_answer(form: str, printed: bool) -> None:
    if printed and form in ("texts by letter", "objects"):
        return  # free text, of which the extraction reads what it can
    assert accuracy([WRITE[form](answer) for answer in GIVEN], printed=printed) == 0.6


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("form", NUMBERS)
def test_numbers_are_one_answer_by_the_base_that_is_given(form: str, base: int) -> None:
    cells = [NUMBERS[form]([LETTERS.index(letter) + base for letter in answer]) for answer in GIVEN]
    assert accuracy(cells, index_base=base) == 0.6
    with pytest.raises(InputError, match="say which with `index_base=0`"):
        accuracy(cells)


@pytest.mark.parametrize("name", ["{}", "pred_{}", "answer.{}"])
def test_flags_in_a_column_for_every_option_are_one_answer(name: str) -> None:
    columns: dict[str, object] = {name.format(x): [int(x in answer) for answer in GIVEN] for x in "ABCDE"}
    report = score_file({"id": list(EXAM.ids), **columns}, EXAM, resamples=1)
    assert report.accuracy == 0.6 and len(report.systems) == 1


def test_lists_in_the_order_of_shuffled_options_are_mapped_back() -> None:
    shown = [list(OPTIONS[row % 5 :] + OPTIONS[: row % 5]) for row in range(N)]
    rows = [
        {
            "id": f"q{row}",
            "choices": shown[row],
            "pred": [OPTIONS[LETTERS.index(letter)] for letter in answer],
            "flags": [int(LETTERS[OPTIONS.index(text)] in answer) for text in shown[row]],
        }
        for row, answer in enumerate(GIVEN)
    ]
    for name in ("pred", "flags"):
        assert score_file(rows, EXAM, columns=ColumnChoice(answer=name), resamples=1).accuracy == 0.6


def test_samples_remain_samples_and_what_may_be_either_is_refused() -> None:
    samples: list[object] = [[answer[0], answer[0], "A"] for answer in GIVEN]
    rows = [{"id": f"q{row}", "pred": cell} for row, cell in enumerate(samples)]
    report = score_file(rows, EXAM, resamples=1)
    assert report.to_dict()["systems"][0]["remarks"] == [
        '3 replies a question: majority vote (samples="vote")'
    ]
    for either in (["C", "A"], [OPTIONS[2], OPTIONS[0]]):
        with pytest.raises(
            InputError, match="may be several replies to a question or one answer of several options"
        ):
            accuracy([either] * N)
