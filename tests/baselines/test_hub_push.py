"""Runs go to the Hugging Face hub: its own client, a hub on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import complain

from cmexam_baseline.baselines import load_run, push_run, train
from cmexam_baseline.exam import InputError
from cmexam_baseline.exam import splits as hub_module
from cmexam_baseline.exam.sample import sample_exam

pytest.importorskip("huggingface_hub")
from fake_hub import TOKEN, FakeHub, fake_hub, use_hub  # noqa: E402

OWN = ["README.md", "config.json", "left_out.csv", "predictions_val.csv", "scores.json", "timings.json"]
MODELS = {
    "lightgbm": ["model/booster.txt", "model/index.npz", "model/model.json"],
    "encoder": [
        f"model/{name}"
        for name in ("checksums.json", "config.json", "encoder.json", "model.safetensors", "tokenizer.json")
    ],
}
OTHERS = [".env", "notes.txt", "logs/events", "model/.env", "model/notes.txt", "model/optimizer.pt"]


def make_run(folder: Path, kind: str) -> Path:
    for name in (*OWN, *MODELS[kind], *OTHERS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{{}}\n{name}")
    config = {"format": "cmexam-baseline run", "format_version": 1, "model": kind, "seed": 3}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "scores.json").write_text("{}")
    if kind == "lightgbm":
        listed = {"booster.txt": "", "index.npz": "", "../../secret.txt": "", "absent.npz": ""}
        (folder / "model" / "model.json").write_text(json.dumps({"sha256": listed}))
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "predictions_link.csv").symlink_to(folder.parent / "secret.txt")
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub() as found:
        use_hub(monkeypatch, tmp_path / "cache", found.endpoint)
        yield found


@pytest.mark.parametrize("kind", MODELS)
def test_the_files_of_the_run_are_uploaded_and_no_others(hub: FakeHub, tmp_path: Path, kind: str) -> None:
    run = make_run(tmp_path / "run", kind)
    assert push_run(run, "me/run", private=True).startswith(f"{hub.endpoint}/me/run/commit/")
    uploaded = hub.repositories["models/me/run"]
    assert sorted(uploaded) == sorted([*OWN, *MODELS[kind]])
    assert all(content == (run / name).read_bytes() for name, content in uploaded.items())
    assert hub.private == ["me/run"]
    push_run(run, "me/run", private=True)
    hub.private.clear()
    with pytest.raises(InputError, match="me/run is public already"):
        push_run(run, "me/run", private=True)


def test_the_command_in_a_process_of_its_own(hub: FakeHub, tmp_path: Path) -> None:
    hub.repositories["models/me/run"] = {"model/old.txt": b"kept"}
    command = (sys.executable, "-m", "cmexam_baseline.cli", "push", make_run(tmp_path / "run", "lightgbm"))
    environment = {
        **os.environ, "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path),
        "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    done = subprocess.run(
        [*command, "me/run", "--revision", "seed-3"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{hub.endpoint}/me/run/commit/{'0123456789' * 4}"
    assert hub.branches == ["seed-3"] and not hub.private
    assert hub.repositories["models/me/run"]["model/old.txt"] == b"kept"
    assert any("/commit/seed-3" in request for request in hub.requests)


def test_what_fails_is_one_line(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "run", "lightgbm")
    complain("push", tmp_path, "me/run", about=["holds the runs run"])
    complain("push", run, "run", about=["owner/name"])
    for status, reason in {401: "does not accept the token", 403: "may not write there", 500: "500"}.items():
        hub.refusal = status
        complain("push", run, "me/run", about=[f"{run} was not uploaded to me/run", reason])
    assert hub.repositories == {}
    monkeypatch.delenv("HF_TOKEN")
    complain("push", run, "me/run", about=["no token is set", "`hf auth login`", "HF_TOKEN"])
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_hub(monkeypatch, tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(hub_module, "SECONDS_TO_WAIT", 0.2)
        complain("push", run, "me/run", about=["the hub cannot be reached"])
    (run / "model" / "model.json").write_text("[]")
    hub.refusal = 0
    use_hub(monkeypatch, tmp_path / "cache", hub.endpoint)
    with pytest.raises(InputError, match="model.json lists no files"):
        push_run(run, "me/run")


def test_an_uploaded_run_predicts(hub: FakeHub, tmp_path: Path) -> None:
    splits = {split: sample_exam(split)[:60] for split in ("train", "val")}
    run = train("lightgbm", splits, tmp_path / "run", n_estimators=3)
    push_run(run.folder, "me/run")
    for name, content in hub.repositories["models/me/run"].items():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(content)
    assert load_run(tmp_path / "copy").predict(splits["val"]) == run.predict(splits["val"])
    assert (tmp_path / "copy" / "README.md").read_text("utf-8").startswith("---\nlanguage: zh")
