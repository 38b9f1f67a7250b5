"""Prediction files in the shapes that tools write: 100 questions, of which a model answers 60 right."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.exam.sample import sample_exam

N = 100


@cache
def the_exam() -> Exam:
    """100 questions with one right letter each; their ids do not count rows."""
    exam = sample_exam("val")
    chosen = exam[np.flatnonzero(~exam.is_multi)[:N]]
    return Exam(
        [f"q{row:03d}x" for row in range(N)],
        chosen.questions,
        chosen.option_texts,
        chosen.option_offsets,
        chosen.answers,
        chosen.explanations,
    )


@cache
def letters() -> tuple[str, ...]:
    """The model's answers."""
    exam, rng = the_exam(), random.Random(5)
    right = set(rng.sample(range(N), 60))
    return tuple(
        gold if row in right else rng.choice([x for x in LETTERS[: len(exam.options(row))] if x != gold])
        for row, gold in enumerate(exam.letters())
    )


def reply(row: int) -> str:
    """The model's whole reply."""
    return f"根据题意，应选{letters()[row]}，故答案为{letters()[row]}。"


def prompt(row: int, options: list[str] | None = None) -> str:
    """A question as it is put to a model."""
    lines = [
        f"{letter}. {text}" for letter, text in zip(LETTERS, options or the_exam().options(row), strict=False)
    ]
    return "\n".join(["请回答下面的单选题。", the_exam().questions[row], *lines, "答案："])


def turned(row: int) -> tuple[list[str], str, str]:
    """The options backwards, with the model's and the right letter among them."""
    options = the_exam().options(row)[::-1]

    def moved(letter: str) -> str:
        return LETTERS[len(options) - 1 - LETTERS.index(letter)]

    return options, moved(letters()[row]), moved(the_exam().letters()[row])


def scores(row: int) -> list[float]:
    """Log-likelihoods of the options, the highest for the model's answer."""
    n = len(the_exam().options(row))
    return [-0.25 if LETTERS[place] == letters()[row] else -2.5 - place for place in range(n)]


def as_jsonl(items: list[Any]) -> bytes:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()


def as_csv(**columns: list[Any]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([list(columns), *zip(*columns.values(), strict=True)])
    return text.getvalue().encode()


def _chat_message(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _calling(arguments: str) -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": "submit", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _tokens(row: int) -> list[dict[str, Any]]:
    """The letters and another token, the model's letter first."""
    likely = sorted(zip(scores(row), LETTERS, strict=False), reverse=True)
    return [{"token": token, "logprob": score} for score, token in [*likely, (-20.0, "答")]]


def _lines(record: Callable[[int], Any]) -> Callable[[], bytes]:
    return lambda: as_jsonl([record(row) for row in range(N)])


def _json(value: Callable[[], Any]) -> Callable[[], bytes]:
    return lambda: json.dumps(value(), ensure_ascii=False, indent=1).encode()


def _ids() -> list[str]:
    return list(the_exam().ids)


def _gold() -> list[str]:
    return the_exam().letters()


def _stems() -> list[str]:
    return list(the_exam().questions)


# Name of the file -> its content. `score` finds 60 of 100 right in each.
SHAPES: dict[str, Callable[[], bytes]] = {
    # The exam's own columns beside the model's.
    "published.csv": lambda: as_csv(
        Question=_stems(),
        Options=[
            "\n".join(f"{x} {t}" for x, t in zip(LETTERS, the_exam().options(row), strict=False))
            for row in range(N)
        ],
        Answer=_gold(),
        Explanation=list(the_exam().explanations),
        **{"internlm2.5-20b": [reply(row) for row in range(N)]},
    ),
    "gold_beside.jsonl": _lines(
        lambda row: {"question": _stems()[row], "ground_truth": _gold()[row], "qwen_reply": reply(row)}
    ),
    "llama_factory.jsonl": _lines(
        lambda row: {
            "prompt": f"<|user|>{prompt(row)}<|assistant|>",
            "predict": reply(row),
            "label": f"{_gold()[row]}\n{the_exam().explanations[row]}",
        }
    ),
    "second_answer.csv": lambda: as_csv(id=_ids(), answer=_gold(), **{"answer.1": list(letters())}),
    "graded.csv": lambda: as_csv(
        id=_ids(),
        judge=["A" if a == b else "B" for a, b in zip(_gold(), letters(), strict=True)],
        infer=[reply(row) for row in range(N)],
    ),
    # Positions and ids.
    "positions.csv": lambda: as_csv(idx=list(range(N))[::-1], pred=list(letters())[::-1]),
    "positions_from_1.jsonl": _lines(
        lambda row: {"index": N - row, "answer": letters()[N - row - 1].lower()}
    ),
    "contradicting_ids.jsonl": _lines(
        lambda row: {"id": _ids()[(row + 1) % N], "question": _stems()[row], "prediction": letters()[row]}
    ),
    # Options in another order.
    "turned_object.jsonl": _lines(
        lambda row: {
            "question": _stems()[row],
            "options": dict(zip(LETTERS, turned(row)[0], strict=False)),
            "answer": turned(row)[2],
            "model_answer": turned(row)[1],
        }
    ),
    "turned_list.jsonl": _lines(
        lambda row: {
            "question": _stems()[row],
            "choices": turned(row)[0],
            "output": f"答案是{turned(row)[1]}",
        }
    ),
    "turned_pairs.jsonl": _lines(
        lambda row: {
            "question": _stems()[row],
            "options": [{"key": x, "value": text} for x, text in zip(LETTERS, turned(row)[0], strict=False)],
            "prediction": turned(row)[1],
        }
    ),
    "turned_lines.csv": lambda: as_csv(
        question=_stems(),
        options=[
            "\n".join(f"{x}、{text}" for x, text in zip(LETTERS, turned(row)[0], strict=False))
            for row in range(N)
        ],
        prediction=[turned(row)[1] for row in range(N)],
    ),
    "turned_columns.csv": lambda: as_csv(
        question=_stems(),
        **{
            x: [dict(zip(LETTERS, turned(row)[0], strict=False)).get(x, "") for row in range(N)]
            for x in "ABCDE"
        },
        prediction=[turned(row)[1] for row in range(N)],
    ),
    "turned_in_prompt.jsonl": _lines(
        lambda row: {"prompt": prompt(row, turned(row)[0]), "response": f"答案是{turned(row)[1]}"}
    ),
    # Harnesses.
    "opencompass.json": _json(
        lambda: {
            str(row): {
                "origin_prompt": [{"role": "HUMAN", "prompt": prompt(row)}],
                "prediction": reply(row),
                "gold": _gold()[row],
            }
            for row in range(N)
        }
    ),
    "opencompass_details.json": _json(
        lambda: {
            "accuracy": 60.0,
            "details": [
                {"pred": letters()[row], "answer": _gold()[row], "correct": letters()[row] == _gold()[row]}
                for row in range(N)
            ],
        }
    ),
    "evalscope.jsonl": _lines(
        lambda row: {
            "index": row,
            "model": "qwen",
            "model_output": {
                "choices": [{"message": _chat_message(reply(row)), "stop_reason": "stop"}],
                "time": 1.5,
            },
            "messages": [{"id": f"u{row}", "role": "user", "content": prompt(row)}],
        }
    ),
    "evalscope_review.jsonl": _lines(
        lambda row: {
            "index": row,
            "input": prompt(row),
            "target": _gold()[row],
            "sample_score": {
                "score": {
                    "value": {"acc": float(letters()[row] == _gold()[row])},
                    "extracted_prediction": letters()[row],
                    "prediction": reply(row),
                },
                "sample_id": row,
            },
        }
    ),
    "lm_eval.jsonl": lambda: as_jsonl(
        [
            {
                "doc_id": row,
                "doc": {"Question": _stems()[row], "Answer": _gold()[row]},
                "target": _gold()[row],
                "resps": [[reply(row)]],
                "filtered_resps": ["[invalid]" if name == "strict-match" else letters()[row]],
                "filter": name,
                "exact_match": 0.0,
            }
            for name in ("strict-match", "flexible-extract")
            for row in range(N)
        ]
    ),
    "lm_eval_choices.jsonl": _lines(
        lambda row: {
            "doc_id": row,
            "doc": {"question": _stems()[row], "choices": the_exam().options(row)},
            "target": LETTERS.index(_gold()[row]),
            "resps": [[[str(score), "False"]] for score in scores(row)],
            "filtered_resps": [[str(score), "False"] for score in scores(row)],
            "acc": 1.0,
        }
    ),
    "inspect.json": _json(
        lambda: {
            "version": 2,
            "eval": {"task": "cmexam"},
            "samples": [
                {
                    "id": row + 1,
                    "epoch": 1,
                    "input": _stems()[row],
                    "target": _gold()[row],
                    "messages": [{"role": "user", "content": prompt(row)}, _chat_message(reply(row))],
                    "output": {"choices": [{"message": _chat_message(reply(row))}], "completion": reply(row)},
                    "scores": {
                        "choice": {
                            "value": "C" if letters()[row] == _gold()[row] else "I",
                            "answer": letters()[row],
                        }
                    },
                }
                for row in range(N)
            ],
        }
    ),
    "promptfoo.json": _json(
        lambda: {
            "evalId": "e",
            "results": {
                "version": 3,
                "stats": {"successes": 60},
                "results": [
                    {
                        "testIdx": row,
                        "provider": {"id": "openai:gpt"},
                        "prompt": {"raw": prompt(row), "label": "x"},
                        "vars": {"question": _stems()[row], "expected": _gold()[row]},
                        "response": {"output": reply(row)},
                        "success": letters()[row] == _gold()[row],
                    }
                    for row in range(N)
                ],
            },
            "config": {},
        }
    ),
    "lighteval.jsonl": _lines(
        lambda row: {
            "doc": {"query": prompt(row), "choices": list(LETTERS[: the_exam().n_options[row]])},
            "model_response": {"text": [reply(row)]},
        }
    ),
    "every_option_restated.jsonl": _lines(
        lambda row: {
            "id": _ids()[row],
            "response": "\n".join(
                f"{x}. {text} {'（正确答案）' if x == letters()[row] else ''}"
                for x, text in zip(LETTERS, the_exam().options(row), strict=False)
            ),
        }
    ),
    # Servers.
    "openai_batch.jsonl": _lines(
        lambda row: {
            "id": f"batch_req_{row}",
            "custom_id": _ids()[row],
            "response": {
                "body": {
                    "id": f"chatcmpl-{row}",
                    "choices": [{"index": 0, "message": _chat_message(reply(row))}],
                }
            },
            "error": None,
        }
    ),
    "responses_api.jsonl": _lines(
        lambda row: {
            "custom_id": _ids()[row],
            "response": {
                "body": {
                    "output": [
                        {"type": "reasoning", "summary": []},
                        {"type": "message", "content": [{"type": "output_text", "text": reply(row)}]},
                    ]
                }
            },
        }
    ),
    "anthropic_batch.jsonl": _lines(
        lambda row: {
            "custom_id": _ids()[row],
            "result": {
                "type": "succeeded",
                "message": {
                    "id": f"msg_{row}",
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "先想A"},
                        {"type": "text", "text": reply(row)},
                    ],
                },
            },
        }
    ),
    "gemini.jsonl": _lines(
        lambda row: {
            "key": _ids()[row],
            "response": {
                "candidates": [
                    {
                        "content": {
                            "parts": [{"text": "先想A", "thought": True}, {"text": reply(row)}],
                            "role": "model",
                        }
                    }
                ]
            },
        }
    ),
    "vllm.jsonl": _lines(lambda row: {"prompt": prompt(row), "outputs": [{"index": 0, "text": reply(row)}]}),
    "sharegpt.jsonl": _lines(
        lambda row: {
            "conversations": [{"from": "human", "value": prompt(row)}, {"from": "gpt", "value": reply(row)}]
        }
    ),
    "few_shot_chat.jsonl": _lines(
        lambda row: {
            "messages": [
                {"role": "user", "content": prompt((row + 1) % N)},
                _chat_message("答案是A"),
                {"role": "user", "content": prompt(row)},
                _chat_message(reply(row)),
            ]
        }
    ),
    "tool_call.jsonl": _lines(
        lambda row: {
            "custom_id": _ids()[row],
            "response": {
                "body": {
                    "choices": [{"index": 0, "message": _calling(json.dumps({"answer": letters()[row]}))}]
                }
            },
        }
    ),
    "tool_use.jsonl": _lines(
        lambda row: {
            "custom_id": _ids()[row],
            "result": {
                "message": {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "name": "submit", "input": {"choice": letters()[row]}}],
                }
            },
        }
    ),
    "top_logprobs.jsonl": _lines(
        lambda row: {"id": _ids()[row], "top_logprobs": _tokens(row), "finish_reason": "length"}
    ),
    "completion_logprobs.jsonl": _lines(
        lambda row: {
            "id": _ids()[row],
            "logprobs": {"top_logprobs": [{f" {one['token']}": one["logprob"] for one in _tokens(row)}]},
        }
    ),
    "helm_scenario_state.json": _json(
        lambda: {
            "adapter_spec": {"method": "multiple_choice_joint", "model": "qwen"},
            "request_states": [
                {
                    "instance": {
                        "input": {"text": _stems()[row]},
                        "references": [
                            {"output": {"text": text}, "tags": ["correct"] if x == _gold()[row] else []}
                            for x, text in zip(LETTERS, the_exam().options(row), strict=False)
                        ],
                        "split": "test",
                        "id": f"id{N - row}",
                    },
                    "train_trial_index": 0,
                    "output_mapping": dict(zip(LETTERS, the_exam().options(row), strict=False)),
                    "request": {"model": "qwen", "prompt": prompt(row), "temperature": 0.0},
                    "result": {
                        "success": True,
                        "completions": [{"text": f" {letters()[row]}", "logprob": -0.25, "tokens": []}],
                        "cached": False,
                    },
                    "num_train_instances": 0,
                    "prompt_truncated": False,
                }
                for row in range(N)
            ],
        }
    ),
    "helm_display_predictions.json": _json(
        lambda: [
            {
                "instance_id": f"id{row}",
                "predicted_text": f" {letters()[row]}",
                "train_trial_index": 0,
                "mapped_output": the_exam().options(row)[LETTERS.index(letters()[row])],
                "stats": {
                    "exact_match": float(letters()[row] == _gold()[row]),
                    "num_output_tokens": 1.0,
                    "logprob": scores(row)[0],
                },
            }
            for row in reversed(range(N))
        ]
    ),
    # Plain shapes.
    "by_id.json": _json(lambda: dict(zip(_ids(), letters(), strict=True))),
    "list.json": _json(lambda: list(letters())),
    "pair_a_line.jsonl": _lines(lambda row: {_ids()[row]: reply(row)}),
    "columns.json": _json(
        lambda: {
            "question": {str(row): _stems()[row] for row in range(N)},
            "prediction": {str(row): letters()[row] for row in range(N)},
        }
    ),
    "index.json": _json(
        lambda: {str(row): {"question": _stems()[row], "prediction": letters()[row]} for row in range(N)}
    ),
    "split.json": _json(
        lambda: {
            "columns": ["question", "prediction"],
            "index": list(range(N)),
            "data": [[_stems()[row], letters()[row]] for row in range(N)],
        }
    ),
    "values.json": _json(lambda: [[_stems()[row], letters()[row]] for row in range(N)]),
    "table.json": _json(
        lambda: {
            "schema": {"fields": [{"name": "index"}, {"name": "prediction"}]},
            "data": [{"index": row, "prediction": letters()[row]} for row in range(N)],
        }
    ),
    "lines.json": _lines(lambda row: {"question": _stems()[row], "prediction": letters()[row]}),
    "lines.txt": lambda: "".join(f"{reply(row)}\n" for row in range(N)).encode(),
    "circled.csv": lambda: as_csv(
        question=_stems(), pred=["①②③④⑤"[LETTERS.index(letter)] for letter in letters()]
    ),
    "second_choice.csv": lambda: as_csv(
        id=_ids(), answer=list(letters()), second_choice=[letters()[row - 1] for row in range(N)]
    ),
    "logarithms.csv": lambda: as_csv(
        id=_ids(),
        **{
            f"logp_{x}": [dict(zip(LETTERS, scores(row), strict=False)).get(x) for row in range(N)]
            for x in "ABCDE"
        },
    ),
    "option_texts.csv": lambda: as_csv(
        question=_stems(),
        prediction=[the_exam().options(row)[LETTERS.index(letters()[row])] for row in range(N)],
    ),
    "numbers.csv": lambda: as_csv(
        question=_stems(),
        label=[LETTERS.index(letter) + 1 for letter in _gold()],
        predicted=[LETTERS.index(letter) + 1 for letter in letters()],
    ),
}
