"""Prompts: what they hold, what they must never hold, and the files that they stand in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shared_data import SHARED, needs_shared

from cmexam_baseline.exam import Exam, Question, read_exam
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.exam.prompts import (
    FORMS,
    STYLES,
    estimate_tokens,
    make_prompts,
    pick_examples,
    read_prompts,
    write_prompts,
)

SECRET = "机密解析"


def exam_of(*stems: str, explanation: str = SECRET) -> Exam:
    return Exam.from_questions(
        Question(f"q{row}", stem, ("甲选项", "乙选项", "丙选项"), "BC", explanation)
        for row, stem in enumerate(stems)
    )


TRAIN = exam_of(
    "维生素A缺乏可导致",
    "维生素C缺乏可导致",
    "急性阑尾炎最常见的并发症",
    "高血压患者首选的检查",
    "小儿肺炎的典型体征",
    "胃溃疡的好发部位",
    explanation="训练解析。",
)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("explain", [True, False])
def test_a_prompt_holds_the_question_and_nothing_of_its_answer(style: str, explain: bool) -> None:
    exam = exam_of("心肌梗死的首选治疗")
    examples = [[TRAIN[0]]]
    (prompt,) = make_prompts(exam, style, explain, examples)
    assert prompt.id == "q0"
    last = prompt.messages[-1]["content"]
    assert "题目：心肌梗死的首选治疗\nA. 甲选项\nB. 乙选项\nC. 丙选项\n" in last
    assert SECRET not in prompt.text
    other = Exam.from_questions([Question("q0", "心肌梗死的首选治疗", exam[0].options, "A", "另外的解析")])
    assert make_prompts(other, style, explain, examples)[0] == prompt


def test_the_last_turn_is_the_users_and_examples_are_turns_before_it() -> None:
    (prompt,) = make_prompts(exam_of("心肌梗死的首选治疗"), "few-shot", True, [[TRAIN[0], TRAIN[1]]])
    roles = [message["role"] for message in prompt.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert prompt.messages[2]["content"] == "答案：BC\n解析：训练解析。"
    assert prompt.examples == ("q0", "q1")


def test_chain_of_thought_reasons_before_it_answers() -> None:
    (prompt,) = make_prompts(exam_of("心肌梗死的首选治疗"), "cot", True, [[TRAIN[0]]])
    assert prompt.messages[2]["content"] == "解析：训练解析。\n答案：BC"
    request = prompt.messages[-1]["content"]
    assert request.index("解析：") < request.index("答案：")


def test_a_long_explanation_is_cut_at_a_sentence() -> None:
    long = Question("x", "题", ("甲", "乙"), "A", "一二三四五六七八九。" * 100)
    (prompt,) = make_prompts(exam_of("心肌梗死的首选治疗"), "few-shot", True, [[long]])
    explanation = prompt.messages[2]["content"].partition("解析：")[2]
    assert len(explanation) == 400
    assert explanation.endswith("九。")


def test_prompts_refuse_what_makes_no_sense() -> None:
    exam = exam_of("心肌梗死的首选治疗")
    with pytest.raises(InputError, match="`style` must be one of"):
        make_prompts(exam, "five-shot")
    with pytest.raises(InputError, match="0 lists of examples for 1 questions"):
        make_prompts(exam, examples=[])
    with pytest.raises(InputError, match="among its own examples"):
        make_prompts(exam, examples=[[exam[0]]])


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("维生素", 3), ("abcd", 1), ("abcde", 2), ("维生素A", 4)]
)
def test_token_estimate(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


# Examples


@pytest.mark.parametrize("by", ["seed", "similarity"])
def test_no_question_is_its_own_example_nor_a_copy_of_it(by: str) -> None:
    near_copy = "急性 阑尾炎最常见的并发症是："
    exam = exam_of("急性阑尾炎最常见的并发症", near_copy)
    for rows in pick_examples(exam, TRAIN, 5, by):
        assert len(rows) == len(set(rows)) == 5
        assert 2 not in rows
    with pytest.raises(InputError, match=r"too few answered questions \(6\) for 6 examples"):
        pick_examples(exam, TRAIN, 6, by)


@pytest.mark.parametrize("by", ["seed", "similarity"])
def test_examples_are_answered_explained_on_demand_and_never_twice_the_same(by: str) -> None:
    options = ("甲", "乙")
    train = Exam.from_questions(
        [
            Question("none", "没有答案的题目", options),
            Question("bare", "没有解析的题目内容", options, "A"),
            Question("full", "既有答案又有解析的题", options, "A", "解析"),
            Question("copy", "既有答案又有解析的题。", options, "B", "解析"),
        ]
    )
    exam = exam_of("心肌梗死的首选治疗")
    ((first, second),) = pick_examples(exam, train, 2, by)
    assert {train.ids[first], train.ids[second]} in ({"bare", "full"}, {"bare", "copy"})
    assert pick_examples(exam, train, 1, by, explained=True)[0][0] in (2, 3)
    with pytest.raises(InputError, match="too few answered and explained"):
        pick_examples(exam, train, 2, by, explained=True)


def test_the_same_seed_draws_the_same_examples_for_all_questions() -> None:
    exam = exam_of("心肌梗死的首选治疗", "糖尿病的诊断标准")
    first = pick_examples(exam, TRAIN, 3, "seed", seed=1)
    assert first[0] == first[1] == pick_examples(exam, TRAIN, 3, "seed", seed=1)[0]
    assert any(pick_examples(exam, TRAIN, 3, "seed", seed=seed)[0] != first[0] for seed in range(2, 6))


def test_the_most_similar_question_comes_last() -> None:
    exam = exam_of("维生素D缺乏可导致的疾病")
    assert set(pick_examples(exam, TRAIN, 2, "similarity")[0]) == {0, 1}
    assert pick_examples(exam, TRAIN, 3, "similarity")[0][0] not in (0, 1)


def test_picking_refuses_an_unknown_way() -> None:
    with pytest.raises(InputError, match="`by` must be seed or similarity"):
        pick_examples(TRAIN, TRAIN, 1, "luck")


@needs_shared
def test_real_examples_share_no_stem_with_their_question() -> None:
    train = read_exam(SHARED / "data" / "cmexam" / "train.csv")[:6000]
    exam = train[:300] + read_exam(SHARED / "data" / "cmexam" / "val.csv")[:100]
    stems, known = normalise_texts(exam.questions), normalise_texts(train.questions)
    for by in ("seed", "similarity"):
        for stem, rows in zip(stems, pick_examples(exam, train, 3, by, explained=True), strict=True):
            assert stem not in {known[row] for row in rows}


# Files


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_read_back(form: str, tmp_path: Path) -> None:
    prompts = make_prompts(exam_of("甲题", "乙题"), "few-shot", True, [[TRAIN[2]], [TRAIN[3]]])
    settings = {"model": "toy", "temperature": 0}
    (file,) = write_prompts(prompts, tmp_path / "prompts.jsonl", form, settings)
    requests = read_prompts(file)
    assert [request.id for request in requests] == ["q0", "q1"]
    if form == "text":
        assert requests[0].messages == [{"role": "user", "content": prompts[0].text}]
    else:
        assert requests[0].messages == list(prompts[0].messages)
    assert requests[0].settings == (settings if form == "openai-batch" else {})


def test_a_batch_line_is_openais(tmp_path: Path) -> None:
    (file,) = write_prompts(
        make_prompts(exam_of("甲题")),
        tmp_path / "batch.jsonl",
        "openai-batch",
        {"model": "toy", "max_tokens": 9},
    )
    line = json.loads(file.read_text(encoding="utf-8"))
    assert set(line) == {"custom_id", "method", "url", "body"}
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions")
    assert set(line["body"]) == {"model", "max_tokens", "messages"}


@pytest.mark.parametrize("shards", [1, 3, 10, 12])
def test_shards_hold_every_prompt_once_and_in_order(shards: int, tmp_path: Path) -> None:
    prompts = make_prompts(exam_of(*map(str, range(10))))
    files = write_prompts(prompts, tmp_path / "prompts.jsonl", "messages", shards=shards)
    assert len(files) == shards
    lines = [json.loads(line)["id"] for file in files for line in file.read_text("utf-8").splitlines()]
    assert lines == [prompt.id for prompt in prompts]
    sizes = [len(file.read_text("utf-8").splitlines()) for file in files]
    assert max(sizes) - min(sizes) <= 1


def test_the_same_prompts_give_the_same_bytes(tmp_path: Path) -> None:
    exam = exam_of("甲题", "乙题")
    for name in ("a", "b"):
        rows = pick_examples(exam, TRAIN, 2, "similarity")
        examples = [[TRAIN[row] for row in picked] for picked in rows]
        write_prompts(make_prompts(exam, "few-shot", True, examples), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "holds no prompt"),
        ("{", "line 1: not JSON"),
        ("[1]", "line 1: holds list, not an object"),
        ('{"prompt": "x"}', "line 1: no id"),
        ('{"id": 7, "prompt": "x"}', "line 1: no id"),
        ('{"id": "a"}', "line 1: no messages"),
        ('{"id": "a", "messages": []}', "line 1: no messages"),
        ('{"id": "a", "messages": [{"role": "user"}]}', "line 1: no messages"),
        ('{"id": "a", "prompt": "x"}\n\n{"id": "a", "prompt": "y"}', "id 'a' occurs in lines 1 and 3"),
        ("[" * 100_000, "line 1: JSON nested too deep"),
    ],
)
def test_a_file_that_holds_no_prompts_is_refused(content: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        read_prompts(file)
    assert reason in str(refusal.value)
    assert "prompts.jsonl" in str(refusal.value)


def test_an_unknown_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="messages, openai-batch, text"):
        write_prompts([], tmp_path / "x", "yaml")
