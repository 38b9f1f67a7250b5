"""Options written into single cells, several models in one cell, numbered lines and wrapped rows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from prediction_shapes import N, as_csv, as_jsonl, letters, prompt, scores, the_exam, turned
from prediction_shapes import reply as reply_of

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.errors import InputError
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
                {"model": "m1", "text": reply_of(row)},
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


def test_a_separator_of_unicode_ends_no_line(tmp_path: Path) -> None:
    assert accuracies(tmp_path / "p.txt", "".join(f"分析\u2028答案：{x}\r\n" for x in letters())) == [0.6]


def test_ids_in_front_of_tabs_tell_the_questions(tmp_path: Path) -> None:
    content = "".join(f"{the_exam().ids[row]}\t{reply_of(row)}\n" for row in SHUFFLED)
    assert accuracies(tmp_path / "p.txt", content) == [0.6]


def test_rows_are_found_beside_settings_and_inside_wrappers(tmp_path: Path) -> None:
    rows = [{"question": QUESTIONS[row], "response": reply_of(row)} for row in range(N)]
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
            "infer": reply_of(row),
        }
        for row in SHUFFLED
    ]
    report = score_file(rows, short, resamples=10)
    assert report.accuracy == 0.6 and report.systems[0].aligned.matched.size == N


def test_replies_in_a_column_called_llm_are_no_names_of_models(tmp_path: Path) -> None:
    gold = the_exam().letters()
    content = as_csv(answer=gold, llm=[reply_of(row) for row in range(N)])
    assert accuracies(tmp_path / "p.csv", content) == [0.6]
    shuffled = as_csv(answer=[gold[row] for row in SHUFFLED], llm=[reply_of(row) for row in SHUFFLED])
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
    content = as_csv(question=QUESTIONS, pred=["壹贰叁肆伍"[LETTERS.index(letter)] for letter in letters()])
    with pytest.raises(InputError, match="no answer can be read in pred"):
        accuracies(tmp_path / "p.csv", content)


def test_circled_numbers_are_letters_unless_options_hold_them() -> None:
    plain = [
        Question(f"q{n}", f"下列属于抗生素{n}的是", ("青霉素", "吗啡", "红霉素"), "AC") for n in range(9)
    ]
    exam = Exam.from_questions([*plain, Question("q9", "下列组合正确的是", ("①②", "①③", "②③"), "B")])
    rows = [{"id": f"q{n}", "answer": "③、①" if n % 2 else "②"} for n in range(9)]
    rows.append({"id": "q9", "answer": "①③"})
    expected = ["B" if n % 2 == 0 else "AC" for n in range(9)] + ["B"]
    assert score_file(rows, exam, resamples=10).to_columns()["answer"] == expected


@pytest.mark.parametrize("reply", ["raw", "response", "raw_output"])
def test_an_answer_and_its_reply_are_one_system_a_model(reply: str) -> None:
    exam = the_exam()
    wrong = ["A" if gold == "B" else "B" for gold in exam.letters()]
    rows = [
        {
            "id": exam.ids[row],
            "answer": exam.letters()[row],
            "qwen2.5-7b": {"answer": letters()[row], reply: reply_of(row)},
            "gpt4": {"answer": wrong[row], reply: f"应选{wrong[row]}。"},
        }
        for row in range(N)
    ]
    report = score_file(rows, exam, resamples=10)
    found = {system.name: system.answers.accuracy for system in report.systems}
    assert found == {"qwen2.5-7b.answer": 0.6, "gpt4.answer": 0.0}
    flat = [
        {"id": row["id"]}
        | {f"{model}_{field}": text for model in ("qwen2.5-7b", "gpt4") for field, text in row[model].items()}
        for row in rows
    ]
    assert [system.answers.accuracy for system in score_file(flat, exam, resamples=10).systems] == [0.6, 0.0]
    for row in rows[:10]:
        row["gpt4"]["answer"] = "C"
    with pytest.raises(InputError, match="gpt4.answer and gpt4.* give different answers in"):
        score_file(rows, exam)


def test_replies_of_models_with_one_name_each_are_systems() -> None:
    exam = the_exam()
    rows = [
        {"id": name, "gpt4": {"response": reply_of(row)}, "qwen": {"response": f"答案是{'AB'[row % 2]}。"}}
        for row, name in enumerate(exam.ids)
    ]
    found = score_file(rows, exam, resamples=10).systems
    assert [system.name for system in found] == ["gpt4.response", "qwen.response"]


def test_a_likely_token_that_is_no_letter_is_no_answer() -> None:
    exam = the_exam()[:20]
    tokens = [[{"token": "The", "logprob": -0.1}, {"token": "B", "logprob": -2.0}]] + [
        [{"token": f" {x}", "logprob": -0.1}, {"token": "The", "logprob": -2.0}] for x in letters()[1:20]
    ]
    rows = [{"id": i, "top_logprobs": each} for i, each in zip(exam.ids, tokens, strict=True)]
    assert score_file(rows, exam, resamples=10).to_columns()["answer"] == ["", *letters()[1:20]]


def test_tool_calls_that_leave_the_answer_open_give_none() -> None:
    def call(arguments: object) -> dict[str, object]:
        function = {"function": {"name": "f", "arguments": json.dumps(arguments)}}
        return {"choices": [{"message": {"content": None, "tool_calls": [function]}}]}

    exam = the_exam()[:20]
    rows = [
        {"id": name, "response": call({"answer": x})} for name, x in zip(exam.ids, letters(), strict=False)
    ]
    rows[0]["response"] = call({"query": "维生素A"})
    rows[1]["response"] = call({"answer": "A", "choice": "B"})
    # Words before the call: the answer in it counts.
    said = rows[2]["response"]
    assert isinstance(said, dict)
    said["choices"][0]["message"]["content"] = "A选项最常见，我来提交答案。"
    assert score_file(rows, exam, resamples=10).to_columns()["answer"] == ["", "", *letters()[2:20]]


def test_probabilities_that_do_not_add_up_to_1_in_some_rows_are_read_there_too() -> None:
    rows = [
        {
            "id": name,
            "probs": {x: 0.6 if x == letters()[row] else 0.4 / (n - 1 + row % 2) for x in LETTERS[:n]},
        }
        for row, (name, n) in enumerate(zip(the_exam().ids, the_exam().n_options.tolist(), strict=True))
    ]
    assert score_file(rows, the_exam(), resamples=1).to_columns()["answer"] == list(letters())


def test_models_that_take_turns_are_all_looked_at() -> None:
    models = [("base", ["请求超时"] * N), ("tuned", [f"选{x}" for x in letters()])]
    rows = [
        {"model": model, "id": name, "response": replies[row]}
        for row, name in enumerate(the_exam().ids[:80])  # looked at in every fourth row
        for model, replies in models
    ]
    report = score_file(rows, the_exam()[:80], resamples=1)
    right = sum(a == b for a, b in zip(letters()[:80], the_exam().letters(), strict=False))
    assert [each.answers.accuracy for each in report.systems if each.answers] == [0, right / 80]


def test_ids_that_are_no_questions_may_tell_models_apart() -> None:
    rows = [
        {"provider": {"id": model}, "job": {"id": model}, "question": stem, "response": f"选{letters()[row]}"}
        for row, stem in enumerate(QUESTIONS)
        for model in ("x:gpt", "y:glm")
    ]
    assert [each.name for each in score_file(rows, the_exam(), resamples=1).systems] == ["x:gpt", "y:glm"]
    for place, row in enumerate(rows):
        del row["provider"]
        row["response"] = f"选{'AB'[place % 2]}"
    with pytest.raises(InputError, match="each question has 2 replies, which job.id tells apart"):
        score_file(rows, the_exam(), resamples=1)


def test_logarithms_are_below_zero(tmp_path: Path) -> None:
    columns = {f"logp_{x}": [-0.1 - place] * N for place, x in enumerate("ABCD")}
    columns["logp_B"][3] = 0.5
    with pytest.raises(InputError, match="row 4: logp_B is '0.5'; expected the logarithm of a probability"):
        accuracies(tmp_path / "p.csv", as_csv(question=QUESTIONS, **columns))


def test_a_few_shot_prompt_is_no_answer_and_a_constant_reply_is_one(tmp_path: Path) -> None:
    """lm-eval keeps the prompt, in which the examples are answered, beside what its dummy model says to all of them."""
    file = tmp_path / "samples_cmexam.jsonl"
    lines = [
        {
            "doc": {"id": question.id, "question": question.question, "answer": question.answer},
            "arguments": {
                "gen_args_0": {"arg_0": f"题目：例题\n答案：{'ABCD'[row % 4]}\n\n题目：{question.question}"}
            },
            "resps": [["lol"]],
        }
        for row, question in enumerate(the_exam())
    ]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    report = score_file(file, the_exam(), resamples=10)
    assert report.accuracy == 0 and report.interval("unread_rate").value == 1


def test_a_row_for_every_option_is_no_answer() -> None:
    """HELM's multiple_choice_separate: each of a question's requests repeats one option."""
    exam = the_exam()
    rows = [
        {
            "instance": {"input": {"text": QUESTIONS[row]}},
            "reference_index": place,
            "result": {"completions": [{"text": text}]},
        }
        for row in range(N)
        for place, text in enumerate(exam.options(row))
    ]
    with pytest.raises(InputError, match="by reference_index a row scores one option"):
        score_file(rows, exam)


def test_right_answers_called_references_are_no_explanations(tmp_path: Path) -> None:
    gold = the_exam().letters()
    rows = [{"prediction": x, "reference": y} for x, y in zip(letters(), gold, strict=True)]
    with pytest.raises(InputError, match="needs the exam"):
        score_file(rows)
    texts = [{"prediction": text, "reference": text} for text in the_exam().explanations if text]
    assert score_file(texts, resamples=1).interval("rougeL").value == pytest.approx(100)


def test_replies_that_were_cut_off_are_told() -> None:
    choices = [[{"message": {"content": reply_of(row)}, "finish_reason": "stop"}] for row in range(N)]
    for row in range(4):
        choices[row] = [{"message": {"content": "首先分析题干，"}, "finish_reason": "length"}]
    rows = [{"id": name, "choices": each} for name, each in zip(the_exam().ids, choices, strict=True)]
    remarks = score_file(rows, the_exam(), resamples=1).systems[0].aligned.all_remarks()
    assert any(
        "4 of 100 replies ended at the limit of tokens (choices.finish_reason)" in each for each in remarks
    )


def test_replies_that_are_hardly_ever_read_are_told() -> None:
    rows = [
        {"id": name, "response": f"答案：第{'一二三四五'[LETTERS.index(x)]}"}
        for name, x in zip(the_exam().ids, letters(), strict=True)
    ]
    rows[0]["response"] = "选B"
    remarks = score_file(rows, the_exam(), resamples=1).systems[0].aligned.all_remarks()
    assert "warning: no answer is found in 99 of 100 replies" in remarks
