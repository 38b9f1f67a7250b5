"""The task for lm-evaluation-harness gives the figures that `score` gives on its samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness_python import ROOT, python_with, run_harness
from score_reports import report_of_command

from cmexam_baseline.exam.prompts.prompts import SYSTEM
from cmexam_baseline.exam.sample import SAMPLE_FOLDER

HARNESS = ROOT / "harnesses" / "lm_eval"
PYTHON = python_with("lm_eval")
needs_lm_eval = pytest.mark.skipif(
    PYTHON is None, reason="lm-eval is not installed; HARNESS_PYTHON may name a Python"
)


def test_the_system_message_is_that_of_prompts_make() -> None:
    assert f'description: "{SYSTEM}\\n\\n"' in (HARNESS / "cmexam" / "cmexam.yaml").read_text("utf-8")


@needs_lm_eval
def test_the_command_finds_the_task_and_its_dummy_model_answers_nothing(tmp_path: Path) -> None:
    printed = run_harness(
        str(PYTHON),
        *("-m", "lm_eval", "--model", "dummy", "--include_path", HARNESS, "--tasks", "cmexam"),
        *("--log_samples", "--output_path", tmp_path, "--num_fewshot", "2"),
        CMEXAM_DATA=str(SAMPLE_FOLDER),
    )
    assert "exact_match" in printed and "weighted_f1" in printed
    (samples,) = tmp_path.rglob("samples_cmexam_*.jsonl")
    (system,) = report_of_command("score", samples, "--exam", SAMPLE_FOLDER, "--split", "test")["systems"]
    assert system["answers"]["n_correct"] == 0 and system["answers"]["n_unanswered"] == system["answers"]["n"]
    asked = json.loads(samples.read_text("utf-8").splitlines()[0])["arguments"]["gen_args_0"]["arg_0"]
    assert asked.count("题目：") == 3 and asked.startswith(SYSTEM)


@needs_lm_eval
def test_its_figures_are_those_of_score(tmp_path: Path) -> None:
    run_harness(str(PYTHON), ROOT / "tests" / "support" / "run_lm_eval.py", SAMPLE_FOLDER, tmp_path)
    found = json.loads((tmp_path / "results.json").read_text("utf-8"))
    samples = tmp_path / "samples.jsonl"
    (system,) = report_of_command("score", samples, "--exam", SAMPLE_FOLDER, "--split", "test")["systems"]
    answers = system["answers"]
    assert 0.5 < answers["accuracy"]["value"] < 0.8
    assert found["exact_match,cmexam-baseline"] == pytest.approx(answers["accuracy"]["value"])
    assert found["weighted_f1,cmexam-baseline"] == pytest.approx(answers["weighted_f1"]["value"])
    assert found["unread_rate,cmexam-baseline"] == pytest.approx(answers["unread_rate"]["value"])
