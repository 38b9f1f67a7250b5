"""CMExam for OpenCompass: questions, prompt, answer extraction and metrics of cmexam-baseline.

The folder of this file must be on PYTHONPATH; `cmexam_gen.py` beside it is the dataset's config.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from datasets import Dataset, DatasetDict
from opencompass.datasets.base import BaseDataset
from opencompass.openicl.icl_evaluator.icl_base_evaluator import BaseEvaluator
from opencompass.registry import ICL_EVALUATORS, LOAD_DATASET

from cmexam_baseline import metrics
from cmexam_baseline.exam import read_exam
from cmexam_baseline.exam.letters import letters_to_masks
from cmexam_baseline.exam.prompts import make_prompts
from cmexam_baseline.scoring import extract_answers


@LOAD_DATASET.register_module()
class CMExamDataset(BaseDataset):
    """The test split of an exam's folder, and train for few-shot examples."""

    @staticmethod
    def load(path: str) -> DatasetDict:
        """Read the folder `path`; the variable CMEXAM_DATA replaces it."""
        folder = os.environ.get("CMEXAM_DATA") or path
        return DatasetDict(
            {split: Dataset.from_list(_documents(folder, split)) for split in ("train", "test")}
        )


def _documents(folder: str, split: str) -> list[dict[str, Any]]:
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


@ICL_EVALUATORS.register_module()
class CMExamEvaluator(BaseEvaluator):
    """Accuracy, weighted F1 and the share of replies without an answer, in percent."""

    def score(
        self, predictions: Sequence[str], references: Sequence[str], test_set: Dataset
    ) -> dict[str, Any]:
        """Read an answer out of every reply and score it; `details` holds one entry per question."""
        if len(predictions) != len(references):
            return {"error": f"{len(predictions)} predictions for {len(references)} references"}
        found = extract_answers(predictions, test_set["options"], test_set["question"])
        answers = [letters or "" for letters in found]
        scores = metrics.score_answers(letters_to_masks(references), letters_to_masks(answers))
        return {
            "accuracy": 100 * scores.accuracy,
            "weighted_f1": 100 * scores.weighted.f1,
            "unread_rate": 100 * scores.n_unanswered / scores.n,
            "details": [
                {"id": id_, "pred": answer, "answer": right, "correct": answer == right}
                for id_, answer, right in zip(test_set["id"], answers, references, strict=True)
            ],
        }
