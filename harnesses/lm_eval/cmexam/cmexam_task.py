"""CMExam for lm-evaluation-harness: questions, prompt, answer extraction and metrics of cmexam-baseline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from cmexam_baseline import metrics
from cmexam_baseline.exam import read_exam
from cmexam_baseline.exam.letters import letters_to_masks
from cmexam_baseline.exam.prompts import make_prompts
from cmexam_baseline.scoring import extract

Document = dict[str, Any]


def load_splits(data: str | None = None, **_: Any) -> Any:
    """Test and train as a `datasets.DatasetDict`, train for few-shot examples.

    data: folder with the exam's splits; from `--metadata '{"data": "CMExam/data"}'` or the variable CMEXAM_DATA
    """
    from datasets import Dataset, DatasetDict

    folder = data or os.environ.get("CMEXAM_DATA")
    if not folder:
        raise SystemExit(
            'cmexam: name the folder of the exam with CMEXAM_DATA or --metadata \'{"data": "CMExam/data"}\'; '
            "cmexam-baseline data download --to CMExam/data gets it"
        )
    return DatasetDict({split: Dataset.from_list(_documents(folder, split)) for split in ("train", "test")})


def _documents(folder: str, split: str) -> list[Document]:
    exam = read_exam(folder, split=split)
    prompts = make_prompts(exam, explain=False)
    return [
        {
            "id": question.id,
            "question": question.question,
            "options": list(question.options),
            "answer": question.answer,
            "prompt": prompt.messages[-1]["content"],
        }
        for question, prompt in zip(exam, prompts, strict=True)
    ]


def extract_letters(replies: Iterable[Sequence[str]], documents: Sequence[Document]) -> list[list[str]]:
    """The letters that each reply answers, "" where it gives no answer."""
    return [
        [extract(reply, document["options"], document["question"]).letters or "" for reply in of_one]
        for of_one, document in zip(replies, documents, strict=True)
    ]


def process_results(document: Document, results: Sequence[str]) -> dict[str, Any]:
    """The contribution of one question to each metric."""
    letters = results[0]
    return {
        "exact_match": float(letters == document["answer"]),
        "weighted_f1": (document["answer"], letters),
        "unread_rate": float(not letters),
    }


def weighted_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """CMExam's weighted F1 over (correct letters, given letters) of all questions."""
    gold, answers = zip(*pairs, strict=True)
    return metrics.score_answers(letters_to_masks(gold), letters_to_masks(answers)).weighted.f1
