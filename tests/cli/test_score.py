"""`score` on files of many makes: figures, joins, what is printed and saved."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sklearn.metrics
from command_line import complain, runner, succeed
from rich.cells import cell_len
from rich.console import Console
from score_reports import csv_of, report_of_command

from cmexam_baseline import metrics
from cmexam_baseline.cli import console
from cmexam_baseline.cli.main import commands
from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam

VAL = SAMPLE_FOLDER / "val.csv"


@pytest.fixture(scope="module")
def exam() -> Exam:
    return sample_exam("val")


@pytest.fixture(scope="module")
def answers(exam: Exam) -> list[str]:
    """Every third answer is wrong, every tenth is missing."""
    letters = exam.letters()
    wrong = ["B" if letter == "A" else "A" for letter in letters]
    return [
        "" if row % 10 == 9 else wrong[row] if row % 3 == 0 else letter for row, letter in enumerate(letters)
    ]


def scored(*arguments: str | Path) -> dict[str, Any]:
    return report_of_command("score", *arguments)


def the_system(*arguments: str | Path) -> dict[str, Any]:
    (system,) = scored(*arguments)["systems"]
    return dict(system)


def test_figures_are_those_of_scikit_learn(tmp_path: Path, exam: Exam, answers: list[str]) -> None:
    file = csv_of(tmp_path / "p.csv", id=exam.ids, answer=answers)
    system = the_system(file, VAL)
    gold = exam.letters()
    assert system["answers"]["accuracy"]["value"] == pytest.approx(
        sklearn.metrics.accuracy_score(gold, answers)
    )
    f1 = sklearn.metrics.f1_score(gold, answers, average="weighted", zero_division=0)
    assert system["answers"]["weighted_f1"]["value"] == pytest.approx(f1, abs=1e-12)
    assert system["answers"]["n_unanswered"] == answers.count("")
    for figure in ("accuracy", "weighted_f1", "unread_rate"):
        interval = system["answers"][figure]
        assert interval["low"] <= interval["value"] <= interval["high"]


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


FORMS: dict[str, tuple[str, Callable[[Exam, list[str]], bytes]]] = {
    "ours, shuffled": (
        "p.csv",
        lambda exam, answers: "\n".join(
            ["id,answer", *sorted((f"{i},{a}" for i, a in zip(exam.ids, answers, strict=True)), reverse=True)]
        ).encode(),
    ),
    "row order, replies": (
        "p.jsonl",
        lambda exam, answers: as_jsonl([{"output": f"答案：{a}" if a else "不清楚"} for a in answers]),
    ),
    "tab-separated": (
        "p.tsv",
        lambda exam, answers: "\n".join(
            ["id\tpred", *(f"{i}\t{a}" for i, a in zip(exam.ids, answers, strict=True))]
        ).encode(),
    ),
    "gzipped batch of an API": (
        "p.jsonl.gz",
        lambda exam, answers: gzip.compress(
            as_jsonl(
                [
                    {
                        "custom_id": i,
                        "response": {
                            "body": {"choices": [{"message": {"content": f"选{a}" if a else "？"}}]}
                        },
                    }
                    for i, a in zip(exam.ids, answers, strict=True)
                ]
            )
        ),
    ),
    "a JSON list by question and options": (
        "p.json",
        lambda exam, answers: json.dumps(
            [
                {
                    "question": exam.questions[row],
                    "options": exam.options(row),
                    "model_result": f"故选{a}。" if a else "",
                }
                for row, a in reversed(list(enumerate(answers)))
            ]
        ).encode(),
    ),
    "letters as lists": (
        "p.jsonl",
        lambda exam, answers: as_jsonl(
            [{"id": i, "prediction": list(a)} for i, a in zip(exam.ids, answers, strict=True)]
        ),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_accuracy(
    tmp_path: Path, exam: Exam, answers: list[str], form: str
) -> None:
    name, content = FORMS[form]
    (tmp_path / name).write_bytes(content(exam, answers))
    expected = sum(a == b for a, b in zip(exam.letters(), answers, strict=True))
    assert the_system(tmp_path / name, VAL)["answers"]["n_correct"] == expected


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_tables_of_other_programs_are_read(tmp_path: Path, exam: Exam, answers: list[str], form: str) -> None:
    import polars

    frame = polars.DataFrame({"id": exam.ids, "prediction": answers})
    file = tmp_path / f"p.{form}"
    getattr(frame, {"xlsx": "write_excel", "parquet": "write_parquet"}[form])(file)
    expected = sum(a == b for a, b in zip(exam.letters(), answers, strict=True))
    assert the_system(file, VAL)["answers"]["n_correct"] == expected


def test_standard_input_is_read(exam: Exam, answers: list[str]) -> None:
    rows = as_jsonl([{"id": i, "answer": a} for i, a in zip(exam.ids, answers, strict=True)])
    arguments = ["score", "-", "--exam", str(VAL), "--json", "-q"]
    result = runner().invoke(commands, arguments, input=rows, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (system,) = json.loads(result.stdout)["systems"]
    assert system["join"]["matched"] == len(exam)


def test_options_in_another_order_are_mapped_back(tmp_path: Path, exam: Exam) -> None:
    rows = []
    for row in range(len(exam)):
        options = exam.options(row)
        turned = options[1:] + options[:1]
        letters = [
            ("ABCDEFGH"[(place - 1) % len(options)])
            for place, x in enumerate("ABCDEFGH")
            if x in exam[row].answer
        ]
        rows.append({"question": exam.questions[row], "options": turned, "answer": "".join(sorted(letters))})
    right = len(rows)
    for row in rows[:30]:
        row["answer"], right = "", right - 1
    (tmp_path / "p.jsonl").write_bytes(as_jsonl(rows))
    assert the_system(tmp_path / "p.jsonl", VAL)["answers"]["n_correct"] == right


def test_missing_rows_are_wrong_refused_or_left_out(tmp_path: Path, exam: Exam) -> None:
    half = len(exam) // 2
    letters = ["" if row < 10 else letter for row, letter in enumerate(exam.letters()[:half])]
    file = csv_of(tmp_path / "half.csv", id=exam.ids[:half], answer=letters)
    by_column = ("--answer-column", "answer")
    assert the_system(file, VAL, *by_column)["answers"]["n_correct"] == half - 10
    assert the_system(file, VAL, *by_column)["answers"]["n"] == len(exam)
    skipped = the_system(file, VAL, "--missing", "skip", *by_column)
    assert skipped["answers"]["accuracy"]["value"] == 1 - 10 / half
    complain(
        "score",
        file,
        VAL,
        "--missing",
        "error",
        *by_column,
        about=["half.csv", f"{len(exam) - half} of {len(exam)}"],
    )
    said = succeed("score", file, VAL, *by_column).stderr
    assert f"{len(exam) - half} questions without a row" in said


def test_explanations_are_scored_by_the_named_profile(tmp_path: Path, exam: Exam) -> None:
    from cmexam_baseline import metrics

    predicted = [text[: len(text) // 2] for text in exam.explanations]
    columns = {"predicted_answer": ["B"] * len(exam), "predicted_explanation": predicted}
    file = csv_of(tmp_path / "p.csv", **columns)
    for profile in ("cmexam", "cmexam-gpt", "google", "sacrebleu-zh"):
        found = the_system(file, VAL, "--profile", profile)["explanations"]
        texts = [text or None for text in predicted], [text or None for text in exam.explanations]
        expected = metrics.score_explanations(texts[1], texts[0], profile=profile)
        assert found["figures"]["bleu4"]["value"] == pytest.approx(expected.bleu4, abs=1e-9)
        assert found["figures"]["rougeL"]["value"] == pytest.approx(expected.rougeL, abs=1e-9)
        assert metrics.parse_signature(found["signature"]).profile.name == profile


def test_a_reply_brings_its_explanation(tmp_path: Path, exam: Exam) -> None:
    halves = [text[: len(text) // 2] for text in exam.explanations]
    replies = [f"{a}\n解释:{text}" for a, text in zip(exam.letters(), halves, strict=True)]
    system = the_system(csv_of(tmp_path / "p.csv", id=exam.ids, response=replies), VAL)
    assert system["answers"]["accuracy"]["value"] > 0.98
    columns = {"answer": ["B"] * len(exam), "predicted_explanation": halves}
    apart = the_system(csv_of(tmp_path / "apart.csv", id=exam.ids, **columns), VAL)
    assert system["explanations"]["figures"]["bleu1"]["value"] == pytest.approx(
        apart["explanations"]["figures"]["bleu1"]["value"], abs=2
    )


def test_slices_add_up_and_name_the_best(tmp_path: Path) -> None:
    test = sample_exam("test")
    file = csv_of(tmp_path / "p.csv", id=test.ids, answer=["B"] * len(test))
    report = scored(file, SAMPLE_FOLDER / "test_with_annotations.csv")
    (system,) = report["systems"]
    assert {part["by"] for part in system["slices"]} >= set(test.annotations) | {"answer size", "negation"}
    by_difficulty = [part for part in system["slices"] if part["by"] == "Difficulty level"]
    assert sum(part["n"] for part in by_difficulty) == len(test)
    assert [part["value"] for part in by_difficulty] == sorted(part["value"] for part in by_difficulty)
    overlap = scored(
        file,
        SAMPLE_FOLDER / "test_with_annotations.csv",
        "--train",
        SAMPLE_FOLDER / "train.csv",
    )["systems"][0]["slices"]
    assert sum(part["n"] for part in overlap if part["by"] == "overlap with training") == len(test)
    complain("score", file, SAMPLE_FOLDER / "test_with_annotations.csv", "--slice", "Year", about=["'Year'"])


def test_the_figure_without_overlap_stands_beside_the_whole(tmp_path: Path) -> None:
    from cmexam_baseline.exam.duplicates import find_overlap

    test, train = sample_exam("test"), sample_exam("train")
    clean = ~find_overlap(train, test).overlaps
    assert 0 < clean.sum() < len(test)
    answers = [letter if row % 2 else "不知道" for row, letter in enumerate(test.letters())]
    file = csv_of(tmp_path / "p.csv", id=test.ids, answer=answers)
    exam = SAMPLE_FOLDER / "test_with_annotations.csv"
    found = the_system(file, exam, "--train", SAMPLE_FOLDER / "train.csv")["without_overlap"]
    expected = sum(answer != "不知道" for answer, is_clean in zip(answers, clean, strict=True) if is_clean)
    assert found["n"] == clean.sum()
    assert found["accuracy"] == pytest.approx(expected / clean.sum())
    assert the_system(file, exam)["without_overlap"] is None
    printed = succeed("score", file, exam, "--train", SAMPLE_FOLDER / "train.csv", "-q").stdout
    assert "Acc, no overlap" in printed and f"{100 * found['accuracy']:.1f}" in printed
    # Training questions of which none is asked leave all as it is.
    other = tmp_path / "other.csv"
    other.write_text("Question,Options,Answer\n别的题,A 甲\\nB 乙,A\n", "utf-8")
    assert the_system(file, exam, "--train", other)["without_overlap"]["n"] == len(test)


def test_any_column_makes_slices(tmp_path: Path, exam: Exam, answers: list[str]) -> None:
    """Also one of the prediction file, and more values than are shown unasked."""
    kinds = [f"kind {row % 3}" for row in range(len(exam))]
    file = csv_of(tmp_path / "p.csv", id=exam.ids[::-1], answer=answers[::-1], prompt=kinds[::-1])
    system = the_system(file, VAL, "--slice", "prompt")
    parts = {part["value"]: part for part in system["slices"] if part["by"] == "prompt"}
    gold = exam.letters()
    for value, part in parts.items():
        inside = [row for row, kind in enumerate(kinds) if kind == value]
        assert part["n"] == len(inside)
        assert part["accuracy"] == pytest.approx(
            sum(answers[row] == gold[row] for row in inside) / len(inside)
        )
    assert len(parts) == 3 and {part["by"] for part in system["slices"]} > {"prompt"}
    assert not any(part["by"] == "prompt" for part in the_system(file, VAL)["slices"])


def test_probabilities_are_judged(tmp_path: Path, exam: Exam) -> None:
    from cmexam_baseline.exam import Predictions

    sure = [
        0.9 if mask >> place & 1 else 0.02
        for mask, n in zip(exam.answers, exam.n_options, strict=True)
        for place in range(n)
    ]
    file = tmp_path / "p.csv"
    Predictions(exam.ids, exam.answers, sure, exam.option_offsets).write(file)
    found = the_system(file, VAL)["probabilities"]
    assert found["n"] == int((~exam.is_multi).sum())
    assert 0 < found["log_loss"] < 0.2
    assert sum(part["n"] for part in found["reliability"]) == found["n"]


def test_per_question_results_are_saved(tmp_path: Path, exam: Exam, answers: list[str]) -> None:
    halves = [text[: len(text) // 2] for text in exam.explanations]
    file = csv_of(tmp_path / "p.csv", id=exam.ids, answer=answers, predicted_explanation=halves)
    succeed("score", file, VAL, "--save", tmp_path / "rows.csv", "-q")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["answer"] for row in rows] == answers
    assert sum(int(row["correct"]) for row in rows) == sum(
        a == b for a, b in zip(exam.letters(), answers, strict=True)
    )
    assert {row["rule"] for row in rows} == {"letters", ""}
    explained = [float(row["rouge1"]) for row in rows if row["rouge1"]]
    assert explained and min(explained) > 30


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv"])
def test_every_form_of_output_holds_the_figure(tmp_path: Path, exam: Exam, form: str) -> None:
    file = csv_of(tmp_path / "a_b&c.csv", id=exam.ids, answer=["A"] * len(exam))
    output = succeed("score", file, VAL, "--format", form, "-q").stdout
    share = exam.letters().count("A") / len(exam)
    assert (repr(share) if form == "csv" else f"{100 * share:.1f}") in output
    if form == "latex":
        assert r"a\_b\&c" in output


def test_what_was_read_is_shown_on_request(tmp_path: Path, exam: Exam) -> None:
    file = csv_of(tmp_path / "p.csv", id=exam.ids, output=["我认为正确答案是C。更正为D。"] * len(exam))
    output = succeed("score", file, VAL, "--show-extraction", "-q").stdout
    assert "answer-phrase: " in output
    assert "C by" in " ".join(output.split())
    assert "更正为D" in output


def test_files_that_meet_nothing_are_refused(tmp_path: Path, exam: Exam) -> None:
    complain("score", tmp_path / "no.csv", VAL, about=["no.csv", "not there"])
    file = csv_of(tmp_path / "p.csv", id=["x", "y"], answer=["A", "B"])
    complain("score", file, VAL, about=["2 rows for", "'x'"])
    complain("score", file, about=["p.csv", "--exam"])
    complain("score", file, VAL, "--answer-column", "anwser", about=["'anwser'", "did you mean 'answer'"])
    complain("score", "-", about=["standard input", "--exam"])


def test_damaged_rows_are_told_and_not_just_missing(tmp_path: Path, exam: Exam) -> None:
    lines = [
        f"{id_},{'A' if row % 3 else letter}"
        for row, (id_, letter) in enumerate(zip(exam.ids, exam.letters(), strict=True))
    ]
    lines[7] += ",因为，其他"
    (tmp_path / "p.csv").write_text("\n".join(["id,answer", *lines]), "utf-8")
    system = the_system(tmp_path / "p.csv", VAL)
    assert (system["join"]["damaged"], system["join"]["missing"]) == (1, 1)
    assert system["join"]["examples"]["damaged"] == [8]
    assert (
        "1 damaged rows left out (row 8: 3 fields instead of 2)"
        in succeed("score", tmp_path / "p.csv", VAL).stderr
    )


@pytest.mark.parametrize("profile", [*metrics.PROFILES])
def test_every_profile_has_its_name_on_the_command_line(
    tmp_path: Path, exam: Exam, answers: list[str], profile: str
) -> None:
    file = csv_of(tmp_path / "p.csv", id=exam.ids, answer=answers)
    assert scored(file, VAL, "--profile", profile)["profile"] == profile


@pytest.mark.parametrize("width", [80, 120, 200])
def test_tables_fit_the_terminal(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two systems with explanations: no cell is broken, whatever the width; few groups unless more are asked for."""
    monkeypatch.setattr(console, "results", lambda: Console(highlight=False, width=width))
    exam = sample_exam("test")
    names = ("a-model-of-some-length", "predictions_test")
    for name in names:
        csv_of(
            tmp_path / f"{name}.csv",
            id=exam.ids,
            answer=["A"] * 200,
            explanation=[text[::-1] for text in exam.questions],
        )
    files = [tmp_path / f"{name}.csv" for name in names]
    test = SAMPLE_FOLDER / "test_with_annotations.csv"
    printed = {
        which: succeed("score", *files, test, "-q", "--slices", which).stdout
        for which in ("main", "all", "none")
    }
    for text in printed.values():
        tables = [line for line in text.splitlines() if line[:1] in "┏┃┡│├└"]
        assert max(map(cell_len, tables)) <= width
        for part in (*names, "ROUGE-L", "BLEU-4", "No answer"):
            assert part in text
    rows = {which: text.count("\n│   ") for which, text in printed.items()}
    assert rows["none"] < rows["main"] < rows["all"]
    assert "groups, those that differ most" in printed["main"]
    by_level = succeed("score", *files, test, "-q", "--slices", "Difficulty level").stdout
    assert "Difficulty level" in by_level and "Medical Discipline" not in by_level
