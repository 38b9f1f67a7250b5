"""Where weights come from, without a network and without anybody's code."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from tiny_encoders import make_encoder, make_exam

from cmexam_baseline.encoders import EncoderBaseline, collect_texts, embed_texts, find_model, pretrain
from cmexam_baseline.encoders.models import NAMES, load_encoder, weights_fingerprint
from cmexam_baseline.exam.errors import InputError


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    folder.mkdir()
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.setattr(constants, name, str(folder), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    return folder


def put_into_cache(hub: Path, repository: str, source: Path) -> Path:
    """The layout in which the hub keeps a repository."""
    place = hub / f"models--{repository.replace('/', '--')}"
    snapshot = place / "snapshots" / ("0" * 40)
    shutil.copytree(source, snapshot)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0" * 40)
    return snapshot


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_a_name_without_weights_ends_in_one_line_that_says_how_to_get_them(name, hub):
    with pytest.raises(InputError) as caught:
        find_model(name)
    message = str(caught.value)
    repository = NAMES[name][-1]
    assert message.startswith(f"{name}: {repository} is neither a folder here nor in {hub}")
    assert f"run `hf download {repository} --local-dir {repository.rpartition('/')[2]}`" in message
    assert "give its path in place of the name" in message
    assert "\n" not in message


def test_a_hub_that_cannot_be_reached_ends_in_the_same_line(hub, monkeypatch):
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(repository, local_files_only=False, **options):
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *arguments, **options: None)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(InputError, match="the hub cannot be reached; where there is access, run `hf"):
        find_model("bert")


@pytest.mark.parametrize("behaviour", ["says nothing", "hangs up"])
def test_a_hub_that_does_not_answer_is_not_waited_for(behaviour, tmp_path):
    """Firewalls swallow packets; snapshot_download alone would wait without end."""
    code = (
        "from cmexam_baseline.encoders import find_model\n"
        "from cmexam_baseline.exam import splits\n"
        "splits.SECONDS_TO_WAIT = 0.3\n"
        "try:\n    find_model('bert')\n"
        "except ValueError as error:\n    print(type(error).__name__, error)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        if behaviour == "hangs up":
            threading.Thread(target=lambda: server.accept()[0].close(), daemon=True).start()
        environment = {
            **os.environ, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1",
            "HF_ENDPOINT": f"http://127.0.0.1:{server.getsockname()[1]}",
        }  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30
        )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.startswith("InputError bert: google-bert/bert-base-chinese is neither a folder here")
    assert "the hub cannot be reached; where there is access, run `hf download" in run.stdout


@pytest.mark.parametrize("repository", NAMES["bert"])
def test_names_are_found_in_the_hubs_cache(repository, hub, bert):
    snapshot = put_into_cache(hub, repository, bert)
    assert find_model("bert") == snapshot
    assert find_model(repository) == snapshot


def test_an_unfinished_download_is_no_model(hub, bert):
    snapshot = put_into_cache(hub, "bert-base-chinese", bert)
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(InputError, match="bert: .* is neither a folder here nor in"):
        find_model("bert")


def test_what_a_folder_lacks_is_named(bert, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(bert, folder)
    (folder / "config.json").unlink()
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"lacks config.json and model.safetensors; give a folder"):
        find_model(str(folder))


@pytest.mark.parametrize("name", ["no/such/folder", "./here", "/nowhere", "", "~/x"])
def test_a_path_that_is_not_a_folder_is_refused(name, hub):
    with pytest.raises(InputError, match="is not a folder; give one with config.json"):
        find_model(name)


def test_training_asks_for_weights_before_it_looks_at_anything_else(hub):
    with pytest.raises(InputError, match="neither a folder here nor"):
        EncoderBaseline(model="bert").fit(make_exam(4))


def test_code_in_a_model_folder_is_never_run(bert, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(bert, folder)
    marker = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass Evil: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "evil"
    config["auto_map"] = {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="cannot be loaded by transformers") as caught:
        EncoderBaseline(model=str(folder)).fit(make_exam(8))
    assert "\n" not in str(caught.value)
    assert not marker.exists()


def test_a_pickle_is_read_as_tensors_or_not_at_all(bert, tmp_path):
    """hfl publishes chinese-roberta-wwm-ext-large as pytorch_model.bin alone."""
    from safetensors.torch import load_file
    from transformers import AutoModel

    folder = tmp_path / "model"
    shutil.copytree(bert, folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    loaded, _ = load_encoder(find_model(str(folder)), AutoModel, add_pooling_layer=False)
    name = "embeddings.word_embeddings.weight"
    torch.testing.assert_close(loaded.state_dict()[name], tensors[name])

    marker = tmp_path / "ran"

    class Attack:
        def __reduce__(self):
            return (Path.touch, (marker,))

    torch.save({**tensors, "evil": Attack()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="pytorch_model.bin holds more than tensors; get model.safetensors"):
        load_encoder(folder, AutoModel)
    assert not marker.exists()


@pytest.mark.parametrize("head", ["pairwise", "joint"])
def test_weights_of_other_names_are_refused_and_not_replaced_by_random_ones(head, bert, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(bert, folder)
    tensors = load_file(bert / "model.safetensors")
    renamed = {name.replace("layer.1.", "layers.1."): tensor for name, tensor in tensors.items()}
    save_file(renamed, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        InputError, match=r"no weights of these names for 16 parts of the encoder, such as \S*layer.1."
    ):
        EncoderBaseline(str(folder), head=head).fit(make_exam(8))


def test_a_tokenizer_of_another_model_is_noticed(tmp_path):
    """On a GPU it would end in an assertion of the device, after which nothing runs any more."""
    folder, exam = str(make_encoder(tmp_path / "model", vocab_size=40)), make_exam(8)
    message = (
        r"the tokenizer gives token \d\d, but the encoder has embeddings of 40; give the model with its own"
    )
    for use in (
        lambda: EncoderBaseline(folder).fit(exam),
        lambda: embed_texts(folder, exam.questions),
        lambda: pretrain(folder, collect_texts(exam), tmp_path / "out"),
    ):
        with pytest.raises(InputError, match=message):
            use()


def test_the_fingerprint_follows_weights_and_tokenizer(bert, tmp_path):
    same = tmp_path / "same"
    shutil.copytree(bert, same)
    assert weights_fingerprint(same) == weights_fingerprint(bert)
    other = make_encoder(tmp_path / "other", "bert", initializer_range=0.11)
    assert weights_fingerprint(other) != weights_fingerprint(bert)
    with (same / "tokenizer.json").open("a") as file:
        file.write(" ")
    assert weights_fingerprint(same) != weights_fingerprint(bert)


def test_the_terminal_stays_quiet(bert, capfd):
    exam = make_exam(8)
    EncoderBaseline(model=str(bert), epochs=1, workers=2).fit(exam, exam).predict(exam)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
