"""The commands of docs/encoders.md run as written, with a tiny encoder and a small exam under the names that they use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import succeed
from source_tree import written_commands
from tiny_encoders import characters_of, make_encoder
from tiny_exam import tiny_exam

from cmexam_baseline.exam import write_exam

pytest.importorskip("torch")

ENCODER = "e5-small-zh"
# The other models of the page are names on the hub.
COMMANDS = [words for words in written_commands("docs/encoders.md") if ENCODER in words]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page")
    data = place / "CMExam" / "data"
    data.mkdir(parents=True)
    write_exam(tiny_exam()[:20], data / "train.csv")
    write_exam(tiny_exam(seed=1, prefix="val")[:8], data / "val.csv")
    characters = characters_of(tiny_exam())
    make_encoder(
        place / ENCODER, characters=characters, num_hidden_layers=9, hidden_size=8, intermediate_size=8,
        max_position_embeddings=512,
    )  # fmt: skip
    return place


def test_the_page_has_the_measured_commands() -> None:
    shown = [" ".join(words) for words in COMMANDS]
    for option in (
        "--head joint --evidence 1",
        "--freeze-layers 8",
        "--model ensemble",
        "--folds 3",
        "--seeds 1 2 3",
    ):
        assert any(option in command for command in shown)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_runs(words: list[str], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "ensemble" in words:
        pytest.importorskip("lightgbm")
    for name in ("CMExam", ENCODER):
        (tmp_path / name).symlink_to(folder / name)
    monkeypatch.chdir(tmp_path)
    succeed(*words, "-q")
    runs = list(tmp_path.glob("runs/**/scores.json"))
    assert len(runs) == (3 if "--seeds" in words else 1)
    assert [json.loads(scores.read_text("utf-8"))["val"]["n"] for scores in runs] == [8] * len(runs)
