"""Real replies of six models, read by hand: how many are read as the reader reads them."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from functools import lru_cache

import pytest
from shared_data import SHARED, needs_shared

from cmexam_baseline.scoring import extract_answers

REPLIES = SHARED / "data" / "predictions" / "free_text_medqa"
OPTION = re.compile(r"^[A-H]：(.*)$", re.MULTILINE)

Row = tuple[str, str, str | None]  # letters by hand ("" = none), note, letters by the rules

pytestmark = needs_shared


@lru_cache
def labelled() -> dict[str, list[Row]]:
    """The labelled replies of each model."""
    replies = {
        path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in REPLIES.glob("*.jsonl")
    }
    rows: dict[str, list[Row]] = defaultdict(list)
    with (REPLIES / "labels.csv").open(encoding="utf-8", newline="") as file:
        for label in csv.DictReader(file):
            reply = replies[label["model"]][int(label["index"])]
            options = OPTION.findall(reply["question"])
            stem = reply["question"].split("\nA：")[0]
            letters = extract_answers([reply["predict_answer"]], [options], [stem])[0]
            rows[label["model"]].append((label["choice"], label["note"], letters))
    return rows


def _share_right(rows: list[Row]) -> float:
    return sum((letters or "") == choice for choice, _, letters in rows) / len(rows)


def test_the_whole_of_the_labels() -> None:
    rows = [row for of_model in labelled().values() for row in of_model]
    clear = [row for row in rows if not row[1]]
    empty = [row for row in rows if not row[0]]
    assert (len(rows), len(clear), len(empty)) == (300, 157, 85)
    assert _share_right(rows) >= 0.975
    assert _share_right(clear) == 1
    assert sum(letters is not None for _, _, letters in empty) <= 0.1 * len(empty)


@pytest.mark.parametrize("model", ["GPT-4", "ChatGLM3", "HuatuoGPT2", "QiZhenGPT", "BenTsao", "DoctorGLM"])
def test_no_model_is_read_badly(model: str) -> None:
    assert _share_right(labelled()[model]) >= 0.86
