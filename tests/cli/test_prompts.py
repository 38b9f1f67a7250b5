"""`prompts make` and `prompts run` as a user types them, against a server on localhost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from chat_server import KEY, Chat, chatting, completion, failure, lines
from click.testing import Result
from command_line import refused, runner

from cmexam_baseline.cli.main import commands
from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.io.formats import write_exam


def run(*arguments: object, **environment: str) -> Result:
    return runner(env=environment).invoke(commands, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A train split of 12 questions and a val split of 10, the first of which stands in train too."""
    stems = [
        *("维生素缺乏", "急性阑尾炎", "高血压病人", "小儿肺炎", "胃溃疡好发", "糖尿病诊断"),
        *("脑出血治疗", "骨折固定", "妊娠期检查", "青光眼症状", "传染病报告", "药物代谢"),
    ]
    options = ("甲", "乙", "丙")
    train = [Question("", f"{stem}的第一问", options, "A", f"{stem}解析。") for stem in stems]
    val = [Question("", f"{stem}的另外一个不同问题是什么", options, "B", "机密") for stem in stems[:9]]
    write_exam(Exam.from_questions(train), tmp_path / "train.csv")
    write_exam(Exam.from_questions([train[0], *val]), tmp_path / "val.csv")
    return tmp_path


def make(folder: Path, *arguments: object) -> Path:
    result = run("prompts", "make", folder / "val.csv", "-o", folder / "prompts.jsonl", *arguments)
    assert result.exit_code == 0, result.output
    return folder / "prompts.jsonl"


def well(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
    return completion("答案：B\n解析：因为。")


# make


def test_make_writes_a_prompt_a_question_and_counts_tokens(folder: Path) -> None:
    result = run("prompts", "make", folder, "--split", "val", "-o", folder / "p.jsonl", "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["prompts"] == 10
    assert 0 < figures["estimated_tokens"]["longest"] < figures["estimated_tokens"]["total"]
    assert [line["id"] for line in lines(folder / "p.jsonl")] == [f"val-{row}" for row in range(1, 11)]
    assert "机密" not in (folder / "p.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("by", ["seed", "similarity"])
def test_make_few_shot_never_shows_a_question_its_own_answer(folder: Path, by: str) -> None:
    prompts = make(
        folder, "--style", "few-shot", "--train", folder, "--examples", by, "--shots", 11, "--limit", 1
    )
    (prompt,) = lines(prompts)
    assert len(prompt["examples"]) == 11
    assert "train-1" not in prompt["examples"]
    result = run("prompts", "make", folder / "val.csv", "-o", folder / "p", "--style", "few-shot", "--train",
                 folder, "--shots", 12)  # fmt: skip
    assert "too few answered and explained questions (12) for 12 examples" in refused(result)


def test_make_batch_form_and_shards(folder: Path) -> None:
    batch = ["--form", "openai-batch", "--model", "toy", "--max-tokens", 50, "--shards", 3]
    result = run("prompts", "make", folder / "val.csv", "-o", folder / "b.jsonl", *batch, "--json")
    files = json.loads(result.stdout)["files"]
    assert [Path(file).name for file in files] == [f"b-{number}-of-3.jsonl" for number in (1, 2, 3)]
    bodies = [line["body"] for file in files for line in lines(Path(file))]
    assert len(bodies) == 10
    assert bodies[0]["model"] == "toy"
    assert bodies[0]["max_tokens"] == 50


def test_make_says_what_stops_it(folder: Path) -> None:
    val, out = folder / "val.csv", folder / "out.jsonl"
    cases: dict[str, tuple[object, ...]] = {
        "give --train": (val, "--style", "few-shot", "-o", out),
        "few-shot without examples": (val, "--style", "few-shot", "--shots", 0, "-o", out),
        "give --model": (val, "--form", "openai-batch", "-o", out),
        "is a folder": (folder, "-o", out),
        "holds no test file": (folder, "--split", "test", "-o", out),
        "is not there": (folder / "nothing.csv", "-o", out),
        "choose another place": (val, "-o", folder / "no" / "out.jsonl"),
    }
    for reason, arguments in cases.items():
        assert reason in refused(run("prompts", "make", *arguments))
    assert not out.exists()


# run


def test_run_asks_every_question_once_with_the_key_from_the_environment(folder: Path) -> None:
    prompts, out = make(folder), folder / "replies.jsonl"
    with chatting(well) as chat:
        base = ("prompts", "run", prompts, "--base-url", chat.url, "--model", "toy", "-o", out)
        first = run(*base, "--extra", '{"seed": 3}', "--max-tokens", 70, OPENAI_API_KEY=KEY)
        again = run(*base, "--extra", '{"seed": 3}', "--max-tokens", 70, "--json", OPENAI_API_KEY=KEY)
        other = run(*base, OPENAI_API_KEY=KEY)
    assert first.exit_code == 0, first.output
    assert "10 answered, 0 had an answer, 0 without" in first.stdout
    assert json.loads(again.stdout)["already_answered"] == 10
    assert "another prompt, model or setting" in refused(other)
    assert set(chat.times_asked().values()) == {1}
    assert {headers["authorization"] for headers in chat.headers} == {f"Bearer {KEY}"}
    sent = {(body["model"], body["temperature"], body["seed"], body["max_tokens"]) for body in chat.bodies}
    assert sent == {("toy", 0, 3, 70)}
    for text in (first.output, again.output, out.read_text(encoding="utf-8")):
        assert KEY not in text
    assert [line["response"] for line in lines(out)] == ["答案：B\n解析：因为。"] * 10


@pytest.mark.parametrize("form", ["messages", "openai-batch", "text"])
def test_run_takes_every_form_of_prompts(folder: Path, form: str) -> None:
    prompts = make(folder, "--form", form, "--model", "toy")
    with chatting(well) as chat:
        settings = [] if form == "openai-batch" else ["--model", "toy"]
        result = run(
            "prompts", "run", prompts, "--base-url", chat.url, "-o", folder / "r", "--limit", 3, *settings
        )
    assert result.exit_code == 0, result.output
    assert [body["model"] for body in chat.bodies] == ["toy"] * 3
    assert len(lines(folder / "r")) == 3


def test_run_without_a_key_sends_none(folder: Path) -> None:
    prompts = make(folder, "--limit", 1)
    with chatting(well) as chat:
        run("prompts", "run", prompts, "--base-url", chat.url, "--model", "toy", "-o", folder / "r",
            "--key-variable", "NO_SUCH_VARIABLE")  # fmt: skip
    assert "authorization" not in chat.headers[0]


def test_run_ends_with_1_where_questions_stay_without_an_answer(folder: Path) -> None:
    def picky(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        asks_first = "第一问" in body["messages"][-1]["content"]
        return failure(400, "content filter") if asks_first else well(chat, body, times)

    prompts = make(folder)
    with chatting(picky) as chat:
        result = run("prompts", "run", prompts, "--base-url", chat.url, "--model", "toy", "-o", folder / "r")
    assert result.exit_code == 1
    assert "9 answered, 0 had an answer, 1 without" in result.stdout
    assert "val-1: answered 400: content filter" in result.stderr
    assert len(lines(folder / "r")) == 9


def test_run_says_what_stops_it(folder: Path) -> None:
    prompts, out = make(folder), folder / "r.jsonl"
    notes = folder / "notes.jsonl"
    notes.write_text("mine\n")
    url = ("--base-url", "http://127.0.0.1:1/v1")
    cases: dict[str, tuple[object, ...]] = {
        "give --model": (prompts, *url, "-o", out),
        "no address": (prompts, "--base-url", "localhost:8000", "--model", "m", "-o", out),
        "is not there": (folder / "nothing.jsonl", *url, "--model", "m", "-o", out),
        "line 1: not JSON": (folder / "val.csv", *url, "--model", "m", "-o", out),
        "line 1: no reply": (prompts, *url, "--model", "m", "-o", notes),
        "--extra is not JSON": (prompts, *url, "--model", "m", "-o", out, "--extra", "{"),
        "without messages and stream": (
            prompts,
            *url,
            "--model",
            "m",
            "-o",
            out,
            "--extra",
            '{"stream": true}',
        ),
        "cannot be opened": (prompts, *url, "--model", "m", "-o", folder / "no" / "r"),
    }
    for reason, arguments in cases.items():
        assert reason in refused(run("prompts", "run", *arguments))
    with chatting(lambda *_: failure(401, f"wrong key {KEY}")) as chat:
        result = run("prompts", "run", prompts, "--base-url", chat.url, "--model", "m", "-o", out,
                     OPENAI_API_KEY=KEY)  # fmt: skip
    assert "401: wrong key …" in refused(result)
    assert KEY not in result.output
    assert notes.read_text() == "mine\n"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_run_goes_on_after_a_kill_and_asks_nothing_twice_that_has_an_answer(
    folder: Path, how: signal.Signals
) -> None:
    def slow(chat: Chat, body: dict[str, Any], times: int) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.2)
        return well(chat, body, times)

    prompts, out = make(folder), folder / "replies.jsonl"
    arguments = ["prompts", "run", prompts, "--model", "toy", "-o", out, "--concurrency", 2, "--base-url"]
    with chatting(slow) as chat:
        program = "from cmexam_baseline.cli.main import main; main()"
        process = subprocess.Popen([sys.executable, "-c", program, *map(str, arguments), chat.url])
        deadline = time.monotonic() + 30
        while not (out.exists() and len(out.read_bytes().splitlines()) >= 3) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(how)
        process.wait(timeout=10)
    with out.open("ab") as stream:
        stream.write(b'{"id": "val-9", "key": "torn')
    before = {line["id"] for line in map(json.loads, out.read_bytes().splitlines()[:-1])}
    # Another server: the first may still be handed a request of the process that was killed.
    with chatting(well) as chat:
        result = run(*arguments, chat.url)
    asked = [body["messages"][-1]["content"] for body in chat.bodies]
    assert result.exit_code == 0, result.output
    assert 3 <= len(before) < 10
    assert len(asked) == 10 - len(before)
    wanted = {line["id"]: line["messages"][-1]["content"] for line in lines(prompts)}
    assert sorted(asked) == sorted(text for name, text in wanted.items() if name not in before)
    assert sorted(line["id"] for line in lines(out)) == sorted(wanted)
    assert "a torn last line of 28 bytes was taken off" in result.stderr
