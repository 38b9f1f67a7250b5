"""Folders that the datasets library saves to disk are read without that library."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import pytest
from command_line import complain, succeed

from cmexam_baseline.exam import Exam, InputError, read_exam, read_splits
from cmexam_baseline.exam.sample import sample_exam


def save_as_datasets_does(exam: Exam, folder: Path, n_files: int = 1) -> Path:
    """What `Dataset.save_to_disk` writes, as far as it is read: Arrow streams and state.json that names them."""
    folder.mkdir(parents=True)
    options = [
        "\n".join(f"{letter} {text}" for letter, text in zip("ABCDE", one.options, strict=False))
        for one in exam
    ]
    columns = {
        "Question": exam.questions,
        "Options": options,
        "Answer": exam.letters(),
        "Explanation": exam.explanations,
    }
    frame = polars.DataFrame({name: list(cells) for name, cells in columns.items()})
    names = [f"data-{place:05d}-of-{n_files:05d}.arrow" for place in range(n_files)]
    size = -(-frame.height // n_files)
    for place, name in enumerate(names):
        frame.slice(place * size, size).write_ipc_stream(folder / name)
    state = {"_data_files": [{"filename": name} for name in names], "_split": None}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    for split, name, n_files in (("train", "train", 2), ("val", "validation", 1), ("test", "test", 1)):
        save_as_datasets_does(sample_exam(split), tmp_path / "saved" / name, n_files)
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "validation", "test"]}')
    return tmp_path / "saved"


def test_splits_and_single_sets_are_read(saved: Path) -> None:
    splits = read_splits(saved)
    assert list(splits) == ["train", "val", "test"]
    for split, exam in splits.items():
        expected = sample_exam(split)
        assert exam.questions == expected.questions and exam.letters() == expected.letters()
        assert exam.explanations == expected.explanations and exam.ids == expected.ids
    assert read_exam(saved / "validation") == splits["val"] == read_exam(saved, split="val")


def test_commands_take_it(saved: Path, tmp_path: Path) -> None:
    assert "2,117 usable" in succeed("data", "check", saved).output
    assert "200 usable" in succeed("data", "check", saved / "test").output
    assert "200 questions" in succeed("data", "convert", saved / "test", tmp_path / "test.csv").output
    answers = tmp_path / "answers.csv"
    answers.write_text("answer\n" + "A\n" * 200)
    assert "200 questions" in succeed("score", answers, "--exam", saved, "--split", "test").stdout


def test_damage_is_one_line(saved: Path) -> None:
    data = saved / "validation" / "data-00000-of-00001.arrow"
    content = data.read_bytes()
    for damaged in (b"", content[:100], b"x" * 5000, content[: len(content) // 2]):
        data.write_bytes(damaged)
        with pytest.raises(InputError, match=r"data-00000-of-00001|holds no row"):
            read_exam(saved / "validation")
    data.unlink()
    complain("data", "check", saved / "validation", about=["state.json", "no file there"])


@pytest.mark.parametrize("name", ["../test/data-00000-of-00001.arrow", "/etc/passwd", 7, None])
def test_files_outside_the_folder_are_not_read(saved: Path, name: object) -> None:
    (saved / "validation" / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(InputError, match="no file there"):
        read_exam(saved / "validation")


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"_data_files": 3}'])
def test_a_damaged_list_of_files_is_one_line(saved: Path, state: str) -> None:
    (saved / "validation" / "state.json").write_text(state)
    with pytest.raises(InputError, match=r"state\.json|no row"):
        read_exam(saved / "validation")
