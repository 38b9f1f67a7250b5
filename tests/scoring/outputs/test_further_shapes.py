"""Options written into single cells, several models in one cell, numbered lines and wrapped rows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from prediction_shapes import N, as_csv, as_jsonl, letters, prompt, reply, scores, the_exam, turned

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring import score_file

QUESTIONS = list(the_exam().questions)
SHUFFLED = random.Random(2).sample(range(N), N)


def accuracies(path: Path, content: bytes | str) -> list[float]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report = score_file(path, the_exam(), resamples=10)
    return [system.answers.accuracy for system in report.systems]


def labelled(texts: list[str]) -> dict[str, str]:
    return dict(zip(LETTERS, texts, strict=False))


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda texts: str(labelled(texts)),
        lambda texts: json.dumps(texts, ensure_ascii=False),
        lambda texts: json.dumps(labelled(texts), ensure_ascii=False),
        lambda texts: str(tuple(texts)),
        lambda texts: str({"text": texts, "label": list(labelled(texts))}),
        "\t".join,
        lambda texts: "<br>".join(f"{letter}. {text}" for letter, text in labelled(texts).items()),
        lambda texts: " | ".join(f"{letter}) {text}" for letter, text in labelled(texts).items()),
    ],
)
def test_options_in_another_order_are_read_however_a_cell_writes_them(
    tmp_path: Path, write: Callable[[list[str]], str]
) -> None:
    columns = {
        "question": QUESTIONS,
        "opts": [write(turned(row)[0]) for row in range(N)],
        "gold": [turned(row)[2] for row in range(N)],
        "pred": [turned(row)[1] for row in range(N)],
    }
    assert accuracies(tmp_path / "p.csv", as_csv(**columns)) == [0.6]


@pytest.mark.parametrize(
    "names", [["choice1", "choice2", "choice3", "choice4", "choice5"], [f"op{x}" for x in "abcde"]]
)
def test_columns_that_hold_the_options_are_no_systems(tmp_path: Path, names: list[str]) -> None:
    columns = {names[place]: [(turned(row)[0] + [""] * 5)[place] for row in range(N)] for place in range(5)}
    content = as_csv(question=QUESTIONS, **columns, pred=[turned(row)[1] for row in range(N)])
    assert accuracies(tmp_path / "p.csv", content) == [0.6]


def test_replies_of_several_models_in_one_cell_are_no_samples(tmp_path: Path) -> None:
    items = [
        {
            "question": QUESTIONS[row],
            "outputs": [
                {"model": "m1", "text": reply(row)},
                {"model": "m2", "text": f"答案是{'AB'[row % 2]}。"},
            ],
        }
        for row in range(N)
    ]
    n_right = sum(gold == "AB"[row % 2] for row, gold in enumerate(the_exam().letters()))
    assert accuracies(tmp_path / "p.jsonl", as_jsonl(items)) == [0.6, n_right / N]


@pytest.mark.parametrize("line", ["{}. {}", "第{}题：{}", "{}\t{}", "{}) {}", "Answer {}: {}"])
def test_numbers_in_front_of_lines_tell_the_questions(tmp_path: Path, line: str) -> None:
    content = "".join(line.format(row + 1, letters()[row]) + "\n" for row in SHUFFLED)
    assert accuracies(tmp_path / "p.txt", content) == [0.6]


def test_ids_in_front_of_tabs_tell_the_questions(tmp_path: Path) -> None:
    content = "".join(f"{the_exam().ids[row]}\t{reply(row)}\n" for row in SHUFFLED)
    assert accuracies(tmp_path / "p.txt", content) == [0.6]


def test_rows_are_found_beside_settings_and_inside_wrappers(tmp_path: Path) -> None:
    rows = [{"question": QUESTIONS[row], "response": reply(row)} for row in range(N)]
    beside = {"config": {"model": "m"}, "metrics": {"acc": 0.6}, "results": rows}
    assert accuracies(tmp_path / "beside.json", json.dumps(beside)) == [0.6]
    assert accuracies(tmp_path / "inside.json", json.dumps({"data": {"rows": rows}})) == [0.6]


def test_a_short_stem_is_found_as_a_line_of_a_prompt(tmp_path: Path) -> None:
    exam = the_exam()
    stems = [f"药物{row}" if row % 4 == 0 else stem for row, stem in enumerate(QUESTIONS)]
    short = Exam(exam.ids, stems, exam.option_texts, exam.option_offsets, exam.answers, exam.explanations)
    rows = [
        {
            "input": prompt(row).replace(QUESTIONS[row], f"题目：{stems[row]}"),
            "infer": reply(row),
        }
        for row in SHUFFLED
    ]
    report = score_file(rows, short, resamples=10)
    assert report.accuracy == 0.6 and report.systems[0].aligned.matched.size == N


def test_replies_in_a_column_called_llm_are_no_names_of_models(tmp_path: Path) -> None:
    gold = the_exam().letters()
    content = as_csv(answer=gold, llm=[reply(row) for row in range(N)])
    assert accuracies(tmp_path / "p.csv", content) == [0.6]
    shuffled = as_csv(answer=[gold[row] for row in SHUFFLED], llm=[reply(row) for row in SHUFFLED])
    with pytest.raises(InputError, match="order"):
        accuracies(tmp_path / "p.csv", shuffled)


def test_losses_are_lowest_for_the_answer(tmp_path: Path) -> None:
    rows = [{"question": QUESTIONS[row], "nll": [-score for score in scores(row)]} for row in range(N)]
    assert accuracies(tmp_path / "p.jsonl", as_jsonl(rows)) == [0.6]


def test_tables_of_several_models_in_one_object_are_systems(tmp_path: Path) -> None:
    first = [{"question": QUESTIONS[row], "pred": letters()[row]} for row in range(N)]
    second = [{"question": QUESTIONS[row], "pred": the_exam().letters()[row - row % 2]} for row in range(N)]
    found = accuracies(tmp_path / "p.json", json.dumps({"m1": first, "m2": second}))
    assert found[0] == 0.6 and len(found) == 2
    long = [{"setting": name, **row} for name, rows in (("few", first), ("zero", second)) for row in rows]
    assert accuracies(tmp_path / "p.jsonl", as_jsonl(long)) == found


def test_the_text_of_the_right_option_is_no_system(tmp_path: Path) -> None:
    exam = the_exam()
    right = [exam.options(row)[LETTERS.index(gold)] for row, gold in enumerate(exam.letters())]
    content = as_csv(question=QUESTIONS, answer=exam.letters(), answer_text=right, model=list(letters()))
    assert accuracies(tmp_path / "p.csv", content) == [0.6]


def test_a_column_in_which_nothing_can_be_read_gives_no_figure(tmp_path: Path) -> None:
    content = as_csv(question=QUESTIONS, pred=["①②③④⑤"[LETTERS.index(letter)] for letter in letters()])
    with pytest.raises(InputError, match="no answer can be read in pred"):
        accuracies(tmp_path / "p.csv", content)
