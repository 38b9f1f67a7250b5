"""Files in the form of CMExam's own scripts, scored as those scripts score them, without an exam beside."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import sklearn.metrics
from command_line import succeed
from official_files import gpt_script, lora_script, rows_of
from score_reports import csv_of, report_of_command
from shared_data import SHARED, needs_shared

from cmexam_baseline.exam import Exam, read_exam
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam

EXPLAINED = ("bleu1", "bleu4", "rouge1", "rouge2", "rougeL")


def exams() -> list[Any]:
    shared = SHARED / "data/cmexam/test_with_annotations.csv"
    real = pytest.param(lambda: first_questions(read_exam(shared)), id="real", marks=needs_shared)
    return [pytest.param(lambda: sample_exam("test"), id="sample"), real]


def first_questions(exam: Exam) -> Exam:
    """150 questions, those aside to which every option is right."""
    every = (1 << exam.n_options) - 1
    return exam[exam.answers != every][:150]


@pytest.fixture(params=exams())
def exam(request: pytest.FixtureRequest) -> Exam:
    found: Exam = request.param()
    return found


def answers_of(exam: Exam, seed: int) -> list[str]:
    """Some right, some wrong, some sets of letters, in the order of the letters."""
    chance = random.Random(seed)
    answers = []
    for row, letter in enumerate(exam.letters()):
        letters = "ABCDE"[: len(exam.options(row))]
        several = "".join(sorted(chance.sample(letters, 2)))
        answers.append(chance.choice([letter, letter, letter, chance.choice(letters), several]))
    return answers


def explanations_of(exam: Exam, seed: int) -> list[str]:
    """Parts of the exam's own explanations and of others, never empty and never in a line of their own."""
    chance = random.Random(seed)
    texts = [text.replace("首选", "宜用") for text in exam.explanations]
    others = [text for text in texts if text]
    made = []
    for text in texts:
        mixed = (text or chance.choice(others))[: chance.randint(20, 120)] + chance.choice(others)[:40]
        made.append(" ".join(mixed.split()))
    return made


def lora_file(path: Path, exam: Exam, replies: list[str]) -> Path:
    options = [
        "\n".join(f"{letter} {text}" for letter, text in zip("ABCDE", exam.options(row), strict=False))
        for row in range(len(exam))
    ]
    columns = {"题目": exam.questions, "选项": options, "答案": exam.letters(), "答案解析": exam.explanations}
    return csv_of(path, **columns, model_result=replies)


def figures_of(system: dict[str, Any], names: tuple[str, ...] = EXPLAINED) -> dict[str, float]:
    return {name: system["explanations"]["figures"][name]["value"] for name in names}


def test_a_file_of_the_lora_script(tmp_path: Path, exam: Exam) -> None:
    explained = explanations_of(exam, 1)
    replies = [f"{a}\n解释:{text}" for a, text in zip(answers_of(exam, 1), explained, strict=True)]
    file = lora_file(tmp_path / "lora.csv", exam, replies)
    (system,) = report_of_command("score", file)["systems"]
    official = lora_script(file)
    for name in ("accuracy", "weighted_f1"):
        assert system["answers"][name]["value"] == pytest.approx(official[name], abs=1e-12)
    assert figures_of(system) == pytest.approx({name: official[name] for name in EXPLAINED}, abs=1e-9)
    assert 0 < official["bleu4"] < 99
    # The same against the exam by itself, not the one that the file brings along.
    if file.parent == tmp_path and exam == sample_exam("test"):
        beside = report_of_command("score", file, SAMPLE_FOLDER / "test_with_annotations.csv")["systems"][0]
        assert figures_of(beside) == pytest.approx(figures_of(system))


def test_missing_letter_only_and_half_answered_replies_of_the_lora_script(tmp_path: Path) -> None:
    """An empty reply is the text 无答案 there, and a reply without 解释: an explanation as a whole."""
    exam = sample_exam("test")
    explained = explanations_of(exam, 2)
    forms = [
        "",
        "{a}",
        "{a}\n解释:{text}",
        "{text}",
        "答案：{a}。解析：{text}",
        "{a}\n解释:",
        "{a}\n解释:{text}解释:x",
    ]
    replies = [
        forms[row % len(forms)].format(a=a, text=text)
        for row, (a, text) in enumerate(zip(answers_of(exam, 2), explained, strict=True))
    ]
    file = lora_file(tmp_path / "lora.csv", exam, replies)
    (system,) = report_of_command("score", file)["systems"]
    official = lora_script(file)
    assert figures_of(system) == pytest.approx({name: official[name] for name in EXPLAINED}, abs=1e-9)
    with_reference = [bool(text) for text in exam.explanations]
    n_missing = sum(not reply and known for reply, known in zip(replies, with_reference, strict=True))
    assert system["explanations"]["n_missing"] == n_missing > 0
    assert system["explanations"]["n_pairs"] == sum(with_reference)
    assert (
        f"{n_missing} of {sum(with_reference)} explanations are missing and" in succeed("score", file).stdout
    )
    assert succeed("score", file, "--format", "csv").stdout.splitlines()[1].endswith(f",{n_missing}")
    beside = report_of_command("score", file, SAMPLE_FOLDER / "test_with_annotations.csv")["systems"][0]
    assert figures_of(beside) == pytest.approx(figures_of(system))


def test_empty_replies_of_the_lora_script_count_as_wrong(tmp_path: Path) -> None:
    exam = sample_exam("test")
    replies = [
        "" if row % 4 == 0 else f"{a}\n解释:{text}"
        for row, (a, text) in enumerate(zip(answers_of(exam, 2), explanations_of(exam, 2), strict=True))
    ]
    file = lora_file(tmp_path / "lora.csv", exam, replies)
    (system,) = report_of_command("score", file)["systems"]
    official = lora_script(file)
    assert system["answers"]["accuracy"]["value"] == pytest.approx(official["accuracy"], abs=1e-12)
    assert system["answers"]["weighted_f1"]["value"] == pytest.approx(official["weighted_f1"], abs=1e-12)
    assert system["answers"]["n_unanswered"] == 50


def gpt_file(path: Path, exam: Exam) -> Path:
    """Every sixth question unanswered, every fourth unexplained, as the script writes it."""
    answers, explained = answers_of(exam, 3), explanations_of(exam, 3)
    options = [
        "\n".join(f"{letter} {text}" for letter, text in zip("ABCDE", exam.options(row), strict=False))
        for row in range(len(exam))
    ]
    return csv_of(
        path,
        Question=exam.questions,
        Options=options,
        Answer=exam.letters(),
        Explanation=exam.explanations,
        raw_prediction=[f"答案：{a},解释：{text}" for a, text in zip(answers, explained, strict=True)],
        predicted_answer=[a if row % 6 else "" for row, a in enumerate(answers)],
        predicted_explanation=[text if row % 4 else "" for row, text in enumerate(explained)],
    )


def test_a_file_of_the_gpt_script(tmp_path: Path, exam: Exam) -> None:
    file = gpt_file(tmp_path / "gpt.csv", exam)
    (system,) = report_of_command("score", file, "--profile", "cmexam-gpt")["systems"]
    official = gpt_script(file)
    of_answered = system["answers"]["of_answered"]
    assert of_answered["n"] == official["n"] < len(exam)
    for name in ("accuracy", "weighted_f1"):
        assert of_answered[name]["value"] == pytest.approx(official[name], abs=1e-12)
    assert figures_of(system) == pytest.approx({name: official[name] for name in EXPLAINED}, abs=1e-9)
    assert system["explanations"]["n_pairs"] == len(exam)
    # Of all questions, as every other profile has it, an unanswered one is wrong.
    rows = rows_of(file)
    gold, given = [row["Answer"] for row in rows], [row["predicted_answer"] for row in rows]
    assert system["answers"]["accuracy"]["value"] == pytest.approx(
        sklearn.metrics.accuracy_score(gold, given)
    )


def test_both_accuracies_are_shown_with_the_gpt_profile_alone(tmp_path: Path) -> None:
    exam = sample_exam("test")
    file = gpt_file(tmp_path / "gpt.csv", exam)
    printed = succeed("score", file, "--profile", "cmexam-gpt", "-q").stdout
    official = gpt_script(file)
    assert "Acc, answered" in printed and f"{100 * official['accuracy']:.1f}" in printed
    assert "Acc, answered" not in succeed("score", file, "-q").stdout
    assert report_of_command("score", file)["systems"][0]["answers"]["of_answered"] is None


def test_explanations_of_the_exam_are_not_taken_for_the_models(tmp_path: Path) -> None:
    """A file that took the exam's columns along has its explanations too: 100 for copying nothing."""
    exam = sample_exam("test")
    columns = {"Question": exam.questions, "Answer": exam.letters(), "Explanation": exam.explanations}
    letters = csv_of(tmp_path / "letters.csv", **columns, prediction=answers_of(exam, 4))
    found = report_of_command("score", letters, SAMPLE_FOLDER / "test_with_annotations.csv")["systems"][0]
    assert found["explanations"] is None and "Explanation" not in found["recognised"]
    own = columns | {"Explanation": explanations_of(exam, 4)}
    explained = csv_of(tmp_path / "explained.csv", **own, prediction=answers_of(exam, 4))
    found = report_of_command("score", explained, SAMPLE_FOLDER / "test_with_annotations.csv")["systems"][0]
    assert 0 < found["explanations"]["figures"]["bleu4"]["value"] < 99
    forced = report_of_command(
        "score", letters, SAMPLE_FOLDER / "test_with_annotations.csv", "--explanation-column", "Explanation"
    )
    assert forced["systems"][0]["explanations"]["figures"]["bleu4"]["value"] > 99
