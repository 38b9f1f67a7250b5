"""Shared stems and shared options in the shapes that files give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cmexam_baseline.exam import import_exam

TWO = {"A": "芡实", "B": "莲子"}
ASKED = [{"question": "止汗的是", "answer": "A"}, {"question": "止泻的是", "answer": "B"}]
FULL = [{**each, "options": TWO} for each in ASKED]


@pytest.mark.parametrize(
    ("records", "stems"),
    [
        ([{"id": 7, "shared_options": TWO, "questions": ASKED}], ["止汗的是", "止泻的是"]),
        ([{"id": 7, "options": ["A. 芡实", "B. 莲子"], "questions": ASKED}], ["止汗的是", "止泻的是"]),
        ([{"id": 7, "share_content": "A.芡实 B.莲子", "question": ASKED}], ["止汗的是", "止泻的是"]),
        (
            [{"id": 7, "stem": "男，50岁。", "sub_questions": FULL}],
            ["男，50岁。\n止汗的是", "男，50岁。\n止泻的是"],
        ),
        (
            [{"id": 7, "question": "男，50岁。", "items": FULL}],
            ["男，50岁。\n止汗的是", "男，50岁。\n止泻的是"],
        ),
        (
            [{"id": 7, "content": "男，50岁。", "questions": FULL}],
            ["男，50岁。\n止汗的是", "男，50岁。\n止泻的是"],
        ),
        (
            [{"id": f"7-{n}", "share_content": "A.芡实\nB.莲子", **each} for n, each in enumerate(ASKED, 1)],
            ["止汗的是", "止泻的是"],
        ),
    ],
)
def test_groups(tmp_path: Path, records: Any, stems: list[str]) -> None:
    file = tmp_path / "groups.json"
    file.write_text(json.dumps(records, ensure_ascii=False), "utf-8")
    exam = import_exam(file).exam
    assert exam.ids == ["7-1", "7-2"]
    assert exam.questions == stems
    assert exam.options(0) == exam.options(1) == ["芡实", "莲子"]
    assert exam.letters() == ["A", "B"]


def test_records_that_are_no_groups_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "plain.json"
    records = [
        {"question": "共用题干的概念是", "options": TWO, "answer": "A"},
        {**FULL[1], "items": [{"x": 1}]},
    ]
    file.write_text(json.dumps(records, ensure_ascii=False), "utf-8")
    assert import_exam(file).exam.questions == ["共用题干的概念是", "止泻的是"]
