"""Continued masked-language modelling: what is learned, what is never read, what `train` makes of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from command_line import complain, succeed
from tiny_encoders import make_encoder, make_exam

from cmexam_baseline.encoders import EncoderBaseline, collect_texts, pretrain, pretraining
from cmexam_baseline.encoders.pretraining import PretrainingTexts
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.formats import write_exam

PATTERN = ["甲乙丙丁" * 6, "丁丙乙甲" * 6, "甲甲乙乙丙丙丁丁" * 3]


def test_texts_of_held_out_questions_are_never_read():
    train, val = make_exam(30, seed=1), make_exam(10, seed=2)
    stem = "病人心肝脾肺肾热寒痛方剂下列哪项"
    val = replace(val, questions=[stem, *val.questions[1:]])
    train = replace(
        train,
        questions=[stem + "：", *train.questions[1:]],
        explanations=[
            "",
            f"原题：{stem}，选甲。",
            "血管炎症首选药物：治疗 心肝脾肺肾，甲。",
            *["药物治疗"] * 27,
        ],
    )
    val = replace(val, explanations=["", "血管炎症首选药物：治疗心肝脾肺肾", *val.explanations[2:]])
    found = collect_texts(train, [val], ["血管炎症", f"又见{stem}", "血管炎症", " "])
    assert (found.left_out_questions, found.left_out_texts) == (1, 3)
    assert len(found.texts) == 29 + 2
    assert found.texts[0] == " ".join([train.questions[1], *train.options(1)])
    assert not any(stem in text for text in found.texts)
    assert {"药物治疗", "血管炎症"} <= set(found.texts)


def test_a_pattern_is_learned_and_the_result_trains(bert, exam, tmp_path):
    texts = PretrainingTexts([PATTERN[i % 3] + "一二三四五六七八九"[i % 9] for i in range(60)], 0, 0)
    report = pretrain(str(bert), texts, tmp_path / "model", epochs=4, lr=3e-3, batch_size=8)
    assert report.loss_after < report.loss_before - 0.3
    assert report.new_head
    assert json.loads((tmp_path / "model" / "pretraining.json").read_text())["steps"] == report.steps
    from safetensors.torch import load_file

    before, after = load_file(bert / "model.safetensors"), load_file(tmp_path / "model" / "model.safetensors")
    assert torch.equal(before["pooler.dense.weight"], after["bert.pooler.dense.weight"])
    name = "encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(before[name], after[f"bert.{name}"])
    for head in ("pairwise", "joint"):
        baseline = EncoderBaseline(str(tmp_path / "model"), head=head, epochs=1).fit(exam[:8])
        assert baseline.scorer_.all_new == (head == "joint")
    again = pretrain(str(tmp_path / "model"), texts, tmp_path / "further", epochs=1, lr=1e-4, batch_size=8)
    assert again.loss_before == pytest.approx(report.loss_after, abs=0.2)
    assert not again.new_head


@pytest.mark.parametrize("place", ["_loss", "_train"])
def test_memory_that_runs_out_is_one_line(place, bert, tmp_path, monkeypatch):
    def no_memory(*given):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(pretraining, place, no_memory)
    with pytest.raises(InputError, match="does not suffice; lower `batch_size` or `max_length`"):
        pretrain(str(bert), PretrainingTexts(PATTERN, 0, 0), tmp_path / "m")


def test_what_cannot_be_pretrained_is_one_line(bert, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="0 texts are too few"):
        pretrain(str(bert), PretrainingTexts([], 0, 0), tmp_path / "m")
    with pytest.raises(InputError, match="the loss became NaN or infinite at step"):
        pretrain(str(bert), PretrainingTexts(PATTERN * 20, 0, 0), tmp_path / "m", lr=1e30, batch_size=8)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="start it without torchrun"):
        pretrain(str(bert), PretrainingTexts(PATTERN, 0, 0), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_the_command_leaves_a_model_that_train_takes(tmp_path):
    data, corpus = tmp_path / "data", tmp_path / "corpus.txt"
    data.mkdir()
    write_exam(make_exam(24), data / "train.csv")
    write_exam(make_exam(8, seed=1), data / "val.csv")
    corpus.write_text("\n".join(PATTERN), encoding="utf-8")
    model = make_encoder(tmp_path / "tiny")
    command = (
        "pretrain",
        "--model",
        model,
        "--data",
        data,
        "--out",
        tmp_path / "adapted",
        "--corpus",
        corpus,
    )
    told = succeed(*command, "--max-length", "32", "--device", "cpu")
    assert "loss of masked tokens" in told.stdout
    assert "has no head for masked tokens: it is new, and guesses" in " ".join(told.stdout.split())
    complain(*command, about=["is not empty"])
    bank = tmp_path / "bank.csv"
    write_exam(make_exam(8, seed=1), bank)
    complain(
        *command,
        "--corpus",
        bank,
        "--overwrite",
        about=["bank.csv looks like a question bank", "--question-banks"],
    )
    complain(*command[:-1], tmp_path / "none.txt", "--overwrite", about=["none.txt is not there"])
    quick = ("--epochs", "1", "--max-length", "64", "--device", "cpu", "-q")
    succeed("train", "--model", tmp_path / "adapted", "--data", data, "--out", tmp_path / "run", *quick)
    assert (tmp_path / "run" / "scores.json").is_file()
