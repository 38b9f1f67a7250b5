"""Runs the CMExam task in lm-evaluation-harness with a model whose replies are known: run_lm_eval.py SPLITS OUT.

Run by a Python that has lm-eval; writes the results as JSON and the samples as lm_eval --log_samples does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from cmexam_baseline.exam import read_exam

HARNESS = Path(__file__).resolve().parents[2] / "harnesses" / "lm_eval"
FORMS = (
    "答案：{answer}",
    "**{answer}**",
    "逐项分析后，A项错误。综上所述，应选{answer}。",
    "不选{other}，应选{answer}。",
    "答案：{other}",
    "抱歉，我无法回答这个问题。",
)


class Scripted(LM):
    """Answers two questions of three, in several forms; one wrong, one not at all."""

    def __init__(self, splits: Path) -> None:
        super().__init__()
        self.questions = {question.question: question for question in read_exam(splits, split="test")}

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        replies = []
        for place, request in enumerate(requests):
            asked = request.args[0].rsplit("题目：", 1)[1].split("\nA. ", 1)[0]
            question = self.questions[asked]
            letters = "ABCDEFGHIJ"[: len(question.options)]
            other = next(letter for letter in letters if letter not in question.answer[:1])
            replies.append(FORMS[place % len(FORMS)].format(answer=question.answer, other=other))
        return replies

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[Any]:
        raise NotImplementedError

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[Any]:
        raise NotImplementedError


def main(splits: Path, out: Path) -> None:
    """Evaluate, and write results.json and samples.jsonl into `out`."""
    tasks = TaskManager(include_path=str(HARNESS), metadata={"data": str(splits)})
    found = simple_evaluate(model=Scripted(splits), tasks=["cmexam"], task_manager=tasks, log_samples=True)
    (out / "results.json").write_text(json.dumps(found["results"]["cmexam"]), "utf-8")
    lines = [
        json.dumps(sample, ensure_ascii=False, default=str) + "\n" for sample in found["samples"]["cmexam"]
    ]
    (out / "samples.jsonl").write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
