"""What CMExam's two evaluation scripts print for a file in their own form, written anew row by row."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from official_definition import NO_ANSWER, official_gpt, official_lora


def lora_script(file: Path) -> dict[str, float]:
    """evaluate_lora_result.py on columns 选项, 答案, 答案解析, model_result; fractions and percent."""
    rows = rows_of(file)
    gold = [row["答案"] for row in rows]
    parsed = [lora_options(row["model_result"], row["选项"]) for row in rows]
    references = [row["答案解析"] or None for row in rows]
    predictions: list[str | None] = [lora_explanation(row["model_result"]) for row in rows]
    return answer_figures(gold, parsed) | official_lora(references, predictions)[0]


def lora_options(reply: str, options: str) -> str:
    """Every option whose letter or text stands in the reply, or before its first line end if it explains."""
    if not reply:
        return NO_ANSWER
    start = reply.split("\n")[0].strip() if "解释" in reply else reply
    pairs = [line.split()[:2] for line in options.split("\n")]
    return "".join(letter for letter, text in pairs if letter in start or text in start) or NO_ANSWER


def lora_explanation(reply: str) -> str:
    """What stands after 解释: and else the whole reply."""
    if not reply:
        return NO_ANSWER
    return reply.split("解释:")[1].strip() if "解释:" in reply else reply


def gpt_script(file: Path) -> dict[str, float]:
    """evaluate_gpt_result.py on Answer, Explanation, predicted_answer, predicted_explanation."""
    rows = rows_of(file)
    answered = [row for row in rows if row["predicted_answer"]]
    figures = answer_figures(
        [row["Answer"] for row in answered], [row["predicted_answer"] for row in answered]
    )
    explanations = ([row[name] or None for row in rows] for name in ("Explanation", "predicted_explanation"))
    return figures | {"n": len(answered)} | official_gpt(*explanations)[0]


def answer_figures(gold: list[str], predicted: list[str]) -> dict[str, float]:
    """Accuracy and F1 weighted by support of whole letter strings, as scikit-learn has them."""
    pairs = list(zip(gold, predicted, strict=True))
    f1 = 0.0
    for label, support in Counter(gold).items():
        found = sum(answer == label for _, answer in pairs)
        right = pairs.count((label, label))
        f1 += support * 2 * right / (support + found)
    return {"accuracy": sum(a == b for a, b in pairs) / len(pairs), "weighted_f1": f1 / len(pairs)}


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
