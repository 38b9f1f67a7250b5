"""OpenCompass reads the dataset's config, asks our prompt, and its evaluator gives the figures of `score`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness_python import ROOT, python_with, run_harness
from score_reports import csv_of, report_of_command

from cmexam_baseline.exam.prompts import make_prompts
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam

PYTHON = python_with("opencompass")
FORMS = ("答案：{0}", "**{0}**", "不选{1}，应选{0}。", "答案：{1}", "抱歉，我无法回答这个问题。")


@pytest.mark.skipif(PYTHON is None, reason="opencompass is not installed; HARNESS_PYTHON may name a Python")
def test_its_figures_are_those_of_score(tmp_path: Path) -> None:
    exam = sample_exam("test")
    replies = []
    for place, question in enumerate(exam):
        other = "B" if question.answer.startswith("A") else "A"
        replies.append(FORMS[place % len(FORMS)].format(question.answer, other))
    (tmp_path / "replies.json").write_text(json.dumps(replies), "utf-8")
    program = ROOT / "tests" / "support" / "run_opencompass.py"
    run_harness(str(PYTHON), program, SAMPLE_FOLDER, tmp_path / "replies.json", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text("utf-8"))
    file = csv_of(tmp_path / "replies.csv", id=exam.ids, response=replies)
    (system,) = report_of_command("score", file, "--exam", SAMPLE_FOLDER, "--split", "test")["systems"]
    answers = system["answers"]
    assert 0.5 < answers["accuracy"]["value"] < 0.8
    assert found["accuracy"] == pytest.approx(100 * answers["accuracy"]["value"])
    assert found["weighted_f1"] == pytest.approx(100 * answers["weighted_f1"]["value"])
    assert found["unread_rate"] == pytest.approx(100 * answers["unread_rate"]["value"])
    for message in make_prompts(exam, explain=False)[0].messages:
        assert message["content"] in json.dumps(found["prompt"], ensure_ascii=False).replace("\\n", "\n")
