"""Data sets of the Hugging Face hub, with its own client and a hub on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import complain, succeed

from cmexam_baseline.exam import InputError, read_exam, read_splits
from cmexam_baseline.exam import splits as hub_module
from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam

pytest.importorskip("huggingface_hub")
from fake_hub import FakeHub, fake_hub, use_hub  # noqa: E402


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.chdir(tmp_path)
    with fake_hub() as found:
        use_hub(monkeypatch, tmp_path / "cache", found.endpoint)
        names = {"val.csv": "valid.csv", "test_with_annotations.csv": "data/test-00000-of-00001.csv"}
        found.repositories["datasets/med/exam"] = {
            "README.md": b"---\n---\n",
            "weights.bin": b"x" * 1000,
            **{
                names.get(file.name, file.name): file.read_bytes()
                for file in SAMPLE_FOLDER.glob("*.csv")
                if not file.name.startswith("test")
            },
        }
        found.repositories["datasets/med/parts"] = {
            "data/test-00000-of-00001-0a1b.csv": (SAMPLE_FOLDER / "test_with_annotations.csv").read_bytes()
        }
        yield found


def test_splits_are_read_and_nothing_else_is_downloaded(hub: FakeHub) -> None:
    splits = read_splits("med/exam")
    assert splits == {"train": sample_exam("train"), "val": sample_exam("val")}
    assert not any("weights.bin" in request for request in hub.requests)
    before = len(hub.requests)
    assert read_exam("med/exam@main", split="val") == splits["val"]
    assert not any("/resolve/" in request for request in hub.requests[before:])
    assert len(read_exam("med/parts", split="test")) == 200


def test_commands_take_the_name(hub: FakeHub, tmp_path: Path) -> None:
    assert "1,917 usable" in succeed("data", "check", "med/exam").output
    Path("answers.csv").write_text("answer\n" + "A\n" * 200)
    printed = succeed("score", "answers.csv", "--exam", "med/exam", "--split", "val").stdout
    assert printed.startswith("med/exam@01234567, val: 200 questions")


def test_a_copy_in_the_cache_serves_offline(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    online = read_exam("med/exam", split="val")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    before = len(hub.requests)
    assert read_exam("med/exam", split="val") == online
    assert len(hub.requests) == before
    with pytest.raises(InputError, match=r"med/parts is not there, .* switched off \(HF_HUB_OFFLINE\)"):
        read_exam("med/parts", split="test")


def test_paths_come_first_and_typing_errors_are_not_looked_up(hub: FakeHub) -> None:
    (Path("med") / "exam").mkdir(parents=True)
    (Path("med") / "exam" / "val.csv").write_bytes(
        (SAMPLE_FOLDER / "val.csv").read_bytes()[:20000].rpartition(b"\n")[0]
    )
    for source in ("med/exam", "med/exams", "nowhere/val.csv", "a/b/c", "med/exam/"):
        with pytest.raises(InputError, match=r"is not there|is a folder"):
            read_exam(source)
    assert hub.requests == []


def test_what_cannot_be_had_is_one_line(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    complain("data", "check", "med/other", about=["med/other is not there", "the hub has no such repository"])
    complain("data", "check", "med/exam@v2", about=["med/exam@v2 is not there", "no such revision"])
    hub.repositories["datasets/med/empty"] = {"all.json": b"{}"}
    complain("data", "check", "med/empty", about=["med/empty on the hub holds no train, val or test file"])
    complain("train", "--data", "med/parts", about=["holds no train file"])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_hub(monkeypatch, Path("cache"), f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(hub_module, "SECONDS_TO_WAIT", 0.2)
        complain("data", "check", "med/exam", about=["the hub cannot be reached"])
