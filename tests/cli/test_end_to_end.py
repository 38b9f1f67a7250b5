"""From another set's file to a place on the leaderboard: convert, make, run, score, leaderboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chat_server import Chat, chatting, completion, failure
from command_line import runner

from cmexam_baseline.cli.main import commands

OPTIONS = ("维生素A", "维生素C", "维生素D", "维生素K")
# How the model words its answer: the letter that belongs into each wording, and whether that is right.
WORDINGS = {
    "答案：{}\n解析：因为缺乏。": 3,
    "经过分析，我认为正确答案是{}。": 2,
    '{{"answer": "{}", "explanation": "因为缺乏"}}': 2,
    "<think>也许是A？也许是B？</think>\n答案：{}": 1,
}


def cmexam(*arguments: object, code: int = 0) -> str:
    """What a command prints on standard output."""
    result = runner().invoke(commands, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.stdout


def questions() -> list[dict[str, str]]:
    """Twelve questions in MedQA's form, options inside the text, answers A, B, C, D in turn."""
    lines = "\n".join(f"{letter}：{text}" for letter, text in zip("ABCD", OPTIONS, strict=True))
    return [
        {
            "question": f"第{row}种疾病与哪种维生素有关（　）。\n{lines}\n请作答",
            "reference_answer": f"{'ABCD'[row % 4]}：{OPTIONS[row % 4]}",
        }
        for row in range(12)
    ]


def test_from_another_sets_file_to_the_leaderboard(tmp_path: Path) -> None:
    source = tmp_path / "medqa.jsonl"
    source.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in questions()), encoding="utf-8")
    exam, prompts, replies = (tmp_path / name for name in ("test.csv", "prompts.jsonl", "toy.jsonl"))
    wordings = [wording for wording, count in WORDINGS.items() for _ in range(count)]

    def model(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        asked = body["messages"][-1]["content"]
        row = next(row for row in range(12) if f"第{row}种疾病" in asked)
        if times == 1 and row % 3 == 0:
            return failure(503, "busy", Retry_After="0")
        if row < len(wordings):  # right, in every wording
            return completion(wordings[row].format("ABCD"[row % 4]))
        if row < 10:
            return completion(f"答案：{'BCDA'[row % 4]}")  # wrong
        return completion("抱歉，我无法回答。") if row == 10 else failure(400, "content filter")

    cmexam("data", "convert", source, exam)
    cmexam("prompts", "make", exam, "-o", prompts)
    assert "维生素K" in prompts.read_text(encoding="utf-8")
    with chatting(model) as chat:
        run = ("prompts", "run", prompts, "--base-url", chat.url, "--model", "toy", "-o", replies)
        printed = cmexam(*run, "--json", code=1)
        assert json.loads(printed)["answered"] == 11
        chat.answer = lambda chat, body, times: completion(
            "答案：D"
        )  # the filter is gone: question 12 is right
        printed = cmexam(*run, "--json")
    assert json.loads(printed) == {
        "replies": str(replies),
        "prompts": 12,
        "already_answered": 11,
        "answered": 1,
        "cut_off": 0,
        "failed": {},
    }

    (system,) = json.loads(cmexam("score", replies, "--exam", exam, "--json"))["systems"]
    assert system["join"]["by"] == "id"
    assert system["join"]["matched"] == 12
    assert system["answers"]["n_correct"] == len(wordings) + 1 == 9
    assert system["answers"]["n_unanswered"] == 1

    chart = tmp_path / "board.svg"
    ranking = json.loads(cmexam("leaderboard", replies, "--exam", exam, "--chart", chart, "--json"))[
        "systems"
    ]
    (toy,) = [each for each in ranking if each["system"] == "toy"]
    assert toy["accuracy"] == 9 / 12
    assert ranking[0] == toy
    assert {"RoBERTa-CMExam", "random letter", "longest option"} <= {each["system"] for each in ranking}
    assert b"toy 75.0" in chart.read_bytes()
