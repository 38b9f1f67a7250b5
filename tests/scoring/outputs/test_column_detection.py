"""The exam's answers are never taken for a model's, whatever the columns are called."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from prediction_shapes import N, letters, reply, the_exam, turned

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring import ColumnChoice, read_outputs, score_file

Columns = dict[str, list[Any]]


def files() -> dict[str, Columns]:
    exam = the_exam()
    replies, gold = [reply(row) for row in range(N)], exam.letters()
    right = [a == b for a, b in zip(gold, letters(), strict=True)]
    return {
        "replies and gold": {"question": list(exam.questions), "answer": gold, "predict": replies},
        "letters and gold": {"id": list(exam.ids), "label": gold, "prediction": list(letters())},
        "wide": {
            "question": list(exam.questions),
            "gold": gold,
            "gpt-4": list(letters()),
            "题型": ["A1"] * N,
        },
        "with metadata": {
            "id": list(exam.ids),
            "grade": [random.Random(row).choice("ABC") for row in range(N)],
            "correct": right,
            "target": gold,
            "model_output": replies,
        },
        "numbers": {
            "id": list(exam.ids),
            "gold": [LETTERS.index(letter) for letter in gold],
            "pred": [LETTERS.index(letter) for letter in letters()],
        },
        "explained": {
            "id": list(exam.ids),
            "label": [f"{letter}\n{text}" for letter, text in zip(gold, exam.explanations, strict=True)],
            "output": replies,
        },
        "turned": {
            "question": list(exam.questions),
            "options": [turned(row)[0] for row in range(N)],
            "answer": [turned(row)[2] for row in range(N)],
            "response": [f"选{turned(row)[1]}" for row in range(N)],
        },
    }


def accuracies(columns: Columns) -> list[float] | None:
    """The accuracy of every system, None where the file is refused."""
    try:
        report = score_file(columns, the_exam(), resamples=1)
    except InputError:
        return None
    return [system.answers.accuracy for system in report.systems if system.answers is not None]


@pytest.mark.parametrize("name", files())
def test_the_model_is_found(name: str) -> None:
    assert accuracies(files()[name]) == [0.6]


@pytest.mark.parametrize("name", files())
def test_swapping_two_names_never_scores_the_gold(name: str) -> None:
    columns = files()[name]
    for first, second in itertools.combinations(columns, 2):
        swap = {first: second, second: first}
        found = accuracies({swap.get(column, column): cells for column, cells in columns.items()})
        assert found is None or max(found) <= 0.6, (first, second)


@pytest.mark.parametrize("name", files())
def test_what_says_nothing_changes_nothing(name: str) -> None:
    """Renamed, shuffled, with gold, constants and categories added, 60 of 100 stay 60 or the file is refused."""
    rng = random.Random(name)
    gold = the_exam().letters()
    for _ in range(6):
        columns = dict(files()[name])
        for column in list(columns):
            if rng.random() < 0.3:
                columns[rng.choice(["x", "col", "data", "output", "answer", "value"]) + str(len(columns))] = (
                    columns.pop(column)
                )
        if name != "turned":
            columns |= rng.choice([{}, {"Answer": gold}, {"reference_answer": gold}])
        columns |= rng.choice([{}, {"type": ["A"] * N}, {"难度": ["B"] * N}, {"level": list("ABCDE" * 20)}])
        order = rng.sample(range(N), N)
        names = rng.sample(list(columns), len(columns))
        found = accuracies({column: [columns[column][row] for row in order] for column in names})
        assert found is None or found == [0.6], (names, found)


def test_letters_to_choose_from_and_comments_are_no_systems() -> None:
    exam = the_exam()
    choices = [list(LETTERS[:n]) for n in exam.n_options.tolist()]
    comments = [f"标准答案是{gold}，模型答错" for gold in exam.letters()]
    columns: Columns = {"question": list(exam.questions), "qwen_response": [reply(row) for row in range(N)]}
    for name, cells in (
        ("doc.choices", choices),
        ("choices", list(map(str, choices))),
        ("gpt4_comment", comments),
    ):
        assert accuracies(columns | {name: cells}) == [0.6]


def test_gold_alone_is_refused() -> None:
    exam = the_exam()
    for name in ("answer", "prediction", "model_answer", "x"):
        with pytest.raises(
            InputError, match=f"holds the exam's answers \\({name}\\) and no answers of a model"
        ):
            score_file({"id": list(exam.ids), name: exam.letters()}, exam)
    named = ColumnChoice(answer="prediction")
    report = score_file(
        {"id": list(exam.ids), "prediction": exam.letters()}, exam, columns=named, resamples=1
    )
    assert report.accuracy == 1.0
    assert "prediction equals the exam's answers" in report.to_dict()["systems"][0]["remarks"]


def test_a_model_that_is_always_right_is_scored_beside_others() -> None:
    gold = the_exam().letters()
    wide: Columns = {"id": list(the_exam().ids), "gpt-5": gold, "qwen": list(letters())}
    for columns in (wide, {**wide, "answer": gold}, {**wide, "正确答案": gold}):
        report = score_file(columns, the_exam(), resamples=1)
        assert {each.name: each.answers.accuracy for each in report.systems} == {"gpt-5": 1.0, "qwen": 0.6}
        assert "gpt-5 equals the exam's answers" in report.to_dict()["systems"][0]["remarks"]
    # A key under a model's name, and a model under the key's: nothing is scored as perfect.
    assert accuracies({"id": wide["id"], "gpt-5": gold, "gold": list(letters())}) in (None, [0.6])
    report = score_file({"id": wide["id"], "x": gold, "qwen": wide["qwen"]}, the_exam(), resamples=1)
    assert report.accuracy == 0.6
    assert (
        "x agrees with the exam's answers in 100% of the rows" in report.to_dict()["systems"][0]["remarks"][0]
    )


def test_what_was_taken_and_left_aside_is_told() -> None:
    (output,) = read_outputs(files()["with metadata"], the_exam())
    found = output.recognition
    assert found.describe() == "answer = model_output; id = id; gold = target"
    assert set(found.left_aside) == {"grade", "correct"}
    assert "correct (verdict)" in found.describe_left_aside()


def test_letters_with_the_replies_they_come_from_are_one_system() -> None:
    exam = the_exam()
    columns = {
        "id": list(exam.ids),
        "prediction": list(letters()),
        "raw_output": [reply(row) for row in range(N)],
    }
    (output,) = read_outputs(columns, exam)
    assert output.raw is not None and output.recognition.describe().startswith(
        "answer = prediction (from raw_output)"
    )
    columns["prediction"] = [letter if row % 2 else "A" for row, letter in enumerate(letters())]
    with pytest.raises(
        InputError, match="prediction and raw_output give different answers.*`raw_column='raw_output'`"
    ):
        read_outputs(columns, exam)


def test_letters_called_answer_that_differ_from_the_reply_are_not_left_aside() -> None:
    columns: Columns = {"id": list(the_exam().ids), "answer": list(letters())}
    thought = [f"想来答案是{LETTERS[row % 4]}" for row in range(N)]
    with pytest.raises(
        InputError, match="answer and cot_response give different answers in .*`answer_column='answer'`"
    ):
        read_outputs({**columns, "cot_response": thought}, the_exam())
    assert accuracies({**columns, "cot_response": [reply(row) for row in range(N)]}) == [0.6]


def test_constant_columns_are_systems_only_where_there_is_nothing_else() -> None:
    exam = the_exam()
    constant = {"id": list(exam.ids), "answer": ["A"] * N}
    assert accuracies(constant) == [exam.letters().count("A") / N]
    assert accuracies({**constant, "qwen": list(letters())}) == [0.6]
    assert accuracies({"id": list(exam.ids), "grade": ["A"] * N}) is None


def test_probabilities_alone_are_answers() -> None:
    exam = the_exam()
    columns: Columns = {"id": list(exam.ids)}
    for place, letter in enumerate(LETTERS[:5]):
        columns[f"prob_{letter}"] = [
            (0.8 if letters()[row] == letter else 0.05) if place < len(exam.options(row)) else None
            for row in range(N)
        ]
    (output,) = read_outputs(columns, exam)
    assert output.replies == list(letters())
    assert accuracies(columns) == [0.6]
    columns["prob_A"][1] = 1.5
    with pytest.raises(InputError, match=r"row 2: prob_A is '1.5'"):
        read_outputs(columns, exam)


@pytest.mark.parametrize("ids", [True, False])
def test_replies_and_explanations_that_repeat_their_questions_are_the_models(ids: bool) -> None:
    exam = the_exam()
    key: Columns = {"id": list(exam.ids)} if ids else {}
    said = [f"题目问的是：{stem}" for stem in exam.questions]
    replies = [f"{start}\n{reply(row)}" for row, start in enumerate(said)]
    assert accuracies({**key, "response": replies}) == [0.6]
    others = [f"选{letter}" for letter in reversed(letters())]
    assert (accuracies({**key, "gpt-4": replies, "qwen-instruct": others}) or [])[:1] == [0.6]
    assert len(accuracies({**key, "gpt-4": others, "qwen-instruct": replies}) or []) == 2
    assert accuracies({**key, "gpt-4_prompt": said, "gpt-4": list(letters())}) == [0.6]
    (output,) = read_outputs({**key, "pred": list(letters()), "explanation": said}, exam)
    assert output.recognition.roles.get("explanation") == "explanation"
    assert output.explanations == said
    # One that quotes another question as well goes by its id.
    said[0] += f"，而不是{exam.questions[1]}"
    (output,) = read_outputs({"id": list(exam.ids), "pred": list(letters()), "explanation": said}, exam)
    assert output.join.question_of.tolist() == list(range(N))


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text,
        lambda text: text.rstrip("。"),
        lambda text: f"解析：{text}",
        lambda text: unicodedata.normalize("NFKC", text),
        lambda text: text[:30],
        lambda text: text.replace("的", ""),
        lambda text: re.sub("（[A-E].*?）", "", text),
    ],
)
def test_the_exams_explanations_with_small_edits_are_not_the_models(edit: Callable[[str], str]) -> None:
    exam = the_exam()
    columns: Columns = {"id": list(exam.ids), "pred": list(letters())}
    columns["explanation"] = [edit(text) for text in exam.explanations]
    (output,) = read_outputs(columns, exam)
    assert output.recognition.left_aside["explanation"].startswith("the exam's own explanation")
    named = ColumnChoice(explanation="explanation")
    assert read_outputs(columns, exam, named)[0].explanations == columns["explanation"]
    # Another question's explanation is a bad one, but the model's.
    columns["explanation"] = columns["explanation"][1:] + columns["explanation"][:1]
    (output,) = read_outputs(columns, exam)
    assert output.explanations == columns["explanation"]


def test_repeated_explanations_that_are_called_the_models_are_scored_with_a_warning() -> None:
    exam = the_exam()
    halves = [text[: len(text) // 2] for text in exam.explanations]
    (output,) = read_outputs({"id": list(exam.ids), "predicted_explanation": halves}, exam)
    assert output.explanations == halves
    assert "holds the exam's own explanations" in output.recognition.remarks[0]


@pytest.mark.parametrize("index", [list(range(N)), [f"q{row}" for row in range(N)]])
def test_gold_that_contradicts_the_exam_stops_a_match_by_position(index: list[Any]) -> None:
    columns = {"index": index, "pred": list(letters())}
    assert accuracies({**columns, "label": the_exam().letters()}) == [0.6]
    with pytest.raises(
        InputError, match="order or position tells the questions of the rows, and label agrees"
    ):
        score_file({**columns, "label": the_exam().letters()[::-1]}, the_exam())
