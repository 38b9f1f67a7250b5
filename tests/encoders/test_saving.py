"""What is saved loads: here, in transformers, in peft, in onnxruntime; what is damaged is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import make_encoder, make_exam

from cmexam_baseline.encoders import EncoderBaseline, OnnxEncoder, export_onnx
from cmexam_baseline.encoders.decision import option_probabilities
from cmexam_baseline.exam import extras
from cmexam_baseline.exam.errors import InputError, NotFittedError

QUICK = {"lr": 3e-3, "batch_size": 8, "epochs": 2, "batch_tokens": 1024}
KINDS = {
    "pairwise": {"head": "pairwise"},
    "joint": {"head": "joint"},
    "mean": {"head": "pairwise", "pooling": "mean", "loss": "softmax"},
    "lora": {"tuning": "lora", "lr": 1e-2},
    "prefix": {"tuning": "prefix", "prefix_length": 4, "head": "joint", "lr": 2e-2},
}


@pytest.fixture(scope="module")
def exam():
    return make_exam(24, options=(5, 4, 8, 2))


@pytest.fixture(scope="module")
def saved(bert, exam, tmp_path_factory):
    """Every kind, trained and saved, with the probabilities before."""
    place, result = tmp_path_factory.mktemp("saved"), {}
    for name, settings in KINDS.items():
        baseline = EncoderBaseline(model=str(bert), **{**QUICK, **settings}).fit(exam, exam)
        baseline.save(place / name)
        result[name] = (place / name, baseline.predict(exam), baseline)
    return result


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_predicts_the_same(kind, saved, exam):
    folder, before, baseline = saved[kind]
    loaded = EncoderBaseline.load(folder)
    after = loaded.predict(exam)
    np.testing.assert_allclose(after.option_scores, before.option_scores, atol=1e-6)
    np.testing.assert_array_equal(after.answers, before.answers)
    assert loaded.settings == baseline.settings
    assert loaded.report_ == baseline.report_


@pytest.mark.parametrize("kind", ["pairwise", "lora"])
def test_the_standard_head_loads_in_transformers_with_the_same_logits(kind, saved, exam):
    from transformers import AutoModelForMultipleChoice, AutoTokenizer

    folder, _, baseline = saved[kind]
    model = AutoModelForMultipleChoice.from_pretrained(folder, use_safetensors=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for i, question in enumerate(exam.questions):
        options = exam.options(i)
        inputs = tokenizer([question] * len(options), options, padding=True, return_tensors="pt")
        with torch.no_grad():
            theirs = model(**{name: value[None] for name, value in inputs.items()}).logits[0]
            ours = baseline.scorer_.model(**{name: value[None] for name, value in inputs.items()}).logits[0]
        torch.testing.assert_close(theirs, ours, atol=1e-6, rtol=0)
        # And those logits are what the predictions rest on.
        bias = np.array(baseline.description_.decision.size_bias)
        expected = option_probabilities("subset", theirs.double().numpy(), np.array([0, len(options)]), bias)
        found = saved[kind][1].option_scores[exam.option_offsets[i] : exam.option_offsets[i + 1]]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_other_heads_load_as_encoders_and_adapters_in_peft(saved, bert):
    from peft import PeftModel
    from transformers import AutoModel

    assert AutoModel.from_pretrained(saved["joint"][0]).config.model_type == "bert"
    adapted = PeftModel.from_pretrained(AutoModel.from_pretrained(bert), saved["prefix"][0] / "adapter")
    theirs = adapted.prompt_encoder.default.embedding.weight
    ours = saved["prefix"][2].scorer_.prefix.default.embedding.weight
    assert theirs.any()
    torch.testing.assert_close(theirs, ours)


def test_nothing_saved_could_run_code_and_all_of_it_can_be_read(saved):
    for folder, _, _ in saved.values():
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.suffix for path in files} <= {".json", ".safetensors", ".txt"}
        umask = os.umask(0)
        os.umask(umask)
        assert all(path.stat().st_mode & 0o777 == 0o666 & ~umask for path in files)


def test_a_taken_folder_is_kept_unless_overwritten(saved, tmp_path):
    baseline = saved["joint"][2]
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="is not empty"):
        baseline.save(tmp_path / "model")
    with pytest.raises(InputError, match="was not written by cmexam-baseline"):
        baseline.save(tmp_path / "model", overwrite=True)
    assert (tmp_path / "model" / "mine.txt").read_text() == "keep"
    baseline.save(tmp_path / "own")
    baseline.save(tmp_path / "own", overwrite=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "encoder.json").unlink(), "encoder.json cannot be read"),
        (lambda folder: (folder / "encoder.json").write_text("{"), "describes no encoder"),
        (lambda folder: (folder / "encoder.json").write_text("[]"), "describes no encoder"),
        (lambda folder: change(folder, "format", 99), "has format 99, expected 3; train the model again"),
        (lambda folder: change(folder, "layout", {"x": 1}), "describes no encoder"),
        (lambda folder: (folder / "head.safetensors").write_bytes(b"\0" * 64), "is damaged"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 64), "cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be loaded"),
        (lambda folder: (folder / "tokenizer.json").write_text("null"), "cannot be loaded"),
        (lambda folder: (folder / "tokenizer_config.json").write_text("[]"), "cannot be loaded"),
        (lambda folder: (folder / "config.json").write_text("null"), "cannot be loaded"),
    ],
)
def test_a_damaged_model_ends_in_one_line(damage, message, saved, tmp_path):
    """Also one of an earlier version, which has no checksums."""
    folder = tmp_path / "model"
    shutil.copytree(saved["joint"][0], folder)
    (folder / "checksums.json").unlink()
    damage(folder)
    with pytest.raises(InputError) as caught:
        EncoderBaseline.load(folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["joint", "prefix"])
def test_a_single_changed_byte_is_noticed(kind, saved, tmp_path, bert, exam):
    """In weights it would change answers and nothing else."""
    folder = tmp_path / "model"
    shutil.copytree(saved[kind][0], folder)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        with pytest.raises(InputError):
            EncoderBaseline.load(folder)
        with pytest.raises(InputError):
            EncoderBaseline(str(folder), head="joint").fit(exam[:8])
        path.write_bytes(content)
    EncoderBaseline.load(folder)


def change(folder: Path, name: str, value: object) -> None:
    (folder / "checksums.json").unlink(missing_ok=True)
    path = folder / "encoder.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))


def test_a_pickle_in_a_saved_model_is_not_opened(saved, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(saved["joint"][0], folder)
    marker = tmp_path / "ran"

    class Attack:
        def __reduce__(self):
            return (Path.touch, (marker,))

    for name in ("model.safetensors", "checksums.json"):
        (folder / name).unlink()
    torch.save({"weight": Attack()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError):
        EncoderBaseline.load(folder)
    assert not marker.exists()


def test_an_adapter_wants_the_weights_it_was_trained_on(saved, tmp_path, exam):
    folder = tmp_path / "model"
    shutil.copytree(saved["prefix"][0], folder)
    other = make_encoder(tmp_path / "other", "bert", initializer_range=0.3)
    change(folder, "base", {**json.loads((folder / "encoder.json").read_text())["base"], "model": str(other)})
    with pytest.raises(InputError, match="has other weights than .* was trained on"):
        EncoderBaseline.load(folder)


def test_an_empty_exam_has_no_predictions(saved, exam):
    for kind in ("pairwise", "joint"):
        predictions = saved[kind][2].predict(exam[:0])
        assert len(predictions) == 0
        assert predictions.option_scores.shape == (0,)


def test_nothing_is_predicted_before_training(exam):
    with pytest.raises(NotFittedError, match="not fitted yet; call fit or load first"):
        EncoderBaseline().predict(exam)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        EncoderBaseline().save("nowhere")


def test_onnx_predicts_the_same_without_torch(saved, exam, tmp_path, kind="pairwise"):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    _, before, baseline = saved[kind]
    export_onnx(baseline, tmp_path / "onnx")
    assert sorted(path.name for path in (tmp_path / "onnx").iterdir()) == [
        "checksums.json", "encoder.json", "model.onnx", "tokenizer.json",
    ]  # fmt: skip
    after = OnnxEncoder.load(tmp_path / "onnx").predict(exam)
    np.testing.assert_allclose(after.option_scores, before.option_scores, atol=1e-5)
    np.testing.assert_array_equal(after.answers, before.answers)
    script = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from tiny_encoders import make_exam\n"
        "from cmexam_baseline.encoders import OnnxEncoder\n"
        f"exam = make_exam(24, options=(5, 4, 8, 2))\n"
        f"print(OnnxEncoder.load({str(tmp_path / 'onnx')!r}).predict(exam).answers.tolist())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "support")}
    run = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert json.loads(run.stdout) == before.answers.tolist()


def test_an_exported_model_that_is_damaged_is_refused(saved, tmp_path):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "onnx"
    shutil.copytree(saved["joint"][0], folder)  # whose checksums name no such file
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match="model.onnx cannot be loaded"):
        OnnxEncoder.load(folder)


def test_what_export_needs_is_named(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(InputError, match="export to ONNX needs onnxscript; run pip install"):
        export_onnx(saved["joint"][2], tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()
