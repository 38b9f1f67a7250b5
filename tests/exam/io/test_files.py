"""Files and folders appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import (
    check_output,
    check_output_folder,
    locked,
    new_folder,
    refuse_taken,
    refuse_unwritable,
    try_lock,
    write_atomically,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "x.json"
    write_atomically(target, "旧")
    write_atomically(target, b"\xff")
    assert target.read_bytes() == b"\xff"
    assert list(tmp_path.iterdir()) == [target]


def test_files_are_as_readable_as_others(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    write_atomically(tmp_path / "new", "x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "new").chmod(0o600)
    write_atomically(tmp_path / "new", "y")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["no/such/folder.json", "folder"])
def test_what_cannot_be_written_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written: .*; choose another place"):
        write_atomically(tmp_path / name, "x")
    assert names(tmp_path) == ["folder"]


def test_a_folder_appears_when_it_is_done(tmp_path: Path) -> None:
    with new_folder(tmp_path / "deep" / "run") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "deep" / "run").exists()
    assert (tmp_path / "deep" / "run" / "a").read_text() == "1"
    assert names(tmp_path / "deep") == ["run"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_folder_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("1")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_filled_folder_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir()
    with new_folder(target) as folder:
        write_own(folder)
    with pytest.raises(InputError, match="is not empty; .* `overwrite=True`"), new_folder(target):
        pass
    with new_folder(target, overwrite=True) as folder:
        write_own(folder, "b")
    assert names(target) == ["b", "model.json"]
    with pytest.raises(ValueError, match="stop"), new_folder(target, overwrite=True):
        raise ValueError("stop")
    assert names(target) == ["b", "model.json"]
    assert names(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.csv", "Question,Options,Answer\n"),
        ("config.json", '{"model_type": "bert"}'),
        ("config.json", "{"),
        ("config.json", "[" * 100_000),
    ],
)
def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text(content)
    with pytest.raises(InputError, match="was not written by cmexam-baseline"):
        check_output_folder(tmp_path / "data", overwrite=True)
    with pytest.raises(InputError), new_folder(tmp_path / "data", overwrite=True):
        pass
    assert (tmp_path / "data" / name).read_text() == content


def test_an_output_folder_holds_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    for place in (tmp_path / "data", tmp_path, tmp_path / "data" / ".." / "data"):
        with pytest.raises(InputError, match="is or contains the input"):
            check_output_folder(place, [tmp_path / "data" / "val.csv"], overwrite=True)
    check_output_folder(tmp_path / "data" / "run", [tmp_path / "data"])
    monkeypatch.chdir(tmp_path / "data")
    for here in (".", "..", tmp_path / "data"):
        with pytest.raises(InputError, match="is the current folder or one above it"):
            check_output_folder(here, overwrite=True)


@pytest.mark.parametrize(
    ("content", "is_ours"),
    [
        ("id,answer,explanation,probability_A,probability_B\n", True),
        ('{"id": "val-1", "answer": "A", "explanation": "略", "probability_A": 0.5}\n', True),
        ("system,id,gold,answer,correct,rule\n", True),
        ('{"schema": "cmexam-baseline scores 1"}', True),
        ("", True),
        ("id,answer\n1,A\n", False),
        ('{"id": "1", "answer": "A"}\n', False),
        ("# Notes on cmexam-baseline\n", False),
        ("Question,Options,Answer\n", False),
    ],
)
def test_only_own_files_are_replaced_unasked(tmp_path: Path, content: str, is_ours: bool) -> None:
    file = tmp_path / "out"
    file.write_text(content, "utf-8")
    if is_ours:
        check_output(file)
    else:
        with pytest.raises(InputError, match="exists and was not written by cmexam-baseline"):
            check_output(file)
    check_output(file, overwrite=True)
    (tmp_path / "link").symlink_to(file)
    for place in (file, tmp_path / "link"):
        with pytest.raises(InputError, match="is also an input"):
            check_output(place, [file], overwrite=True)
    with pytest.raises(InputError, match="is a folder"):
        check_output(tmp_path, overwrite=True)
    (tmp_path / "data").mkdir()
    for split in (tmp_path / "val.csv", tmp_path / "data" / "test.csv.gz"):
        check_output(split, [tmp_path])
        split.write_text("")
        with pytest.raises(InputError, match="is also an input"):
            check_output(split, [tmp_path], overwrite=True)


def write_own(folder: Path, name: str = "a") -> None:
    """A file, and a manifest that says whose folder it is."""
    (folder / name).write_text("1")
    (folder / "model.json").write_text('{"kind": "model", "format": 1, "sha256": {}}')


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        refuse_taken(tmp_path / "run", overwrite=True)
    with pytest.raises(InputError, match="cannot be made"), new_folder(tmp_path / "run" / "deeper"):
        pass


def abandoned(folder: Path, name: str) -> Path:
    """What a process leaves that is killed while it fills a folder."""
    left = folder / f".{name}.abcdefgh.unfinished"
    left.mkdir()
    (left / "half").write_text("x")
    return left


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    abandoned(tmp_path, "run")
    other = abandoned(tmp_path, "another")
    (tmp_path / ".scores.json.abcdefgh.unfinished").write_text("{")
    with new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("1")
    write_atomically(tmp_path / "scores.json", "{}")
    assert sorted(names(tmp_path)) == [other.name, "run", "scores.json"]


def test_what_another_process_is_filling_is_left_alone(tmp_path: Path) -> None:
    with new_folder(tmp_path / "run", overwrite=True) as first:
        write_own(first)
        with new_folder(tmp_path / "run") as second:
            write_own(second, "b")
        assert (first / "a").read_text() == "1"
    assert names(tmp_path) == ["run"]
    assert names(tmp_path / "run") == ["a", "model.json"]


def test_the_later_of_two_without_overwrite_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not empty"), new_folder(tmp_path / "run") as late:
        with new_folder(tmp_path / "run") as early:
            (early / "a").write_text("1")
        (late / "b").write_text("2")
    assert names(tmp_path) == ["run"]
    assert names(tmp_path / "run") == ["a"]


def test_a_folder_that_a_killed_process_moved_aside_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / ".run.abcdefgh.replaced"
    aside.mkdir()
    write_own(aside, "old")
    abandoned(tmp_path, "run")
    with pytest.raises(InputError, match="is not empty"):
        refuse_taken(tmp_path / "run")
    assert names(tmp_path / "run") == ["model.json", "old"]
    with new_folder(tmp_path / "run", overwrite=True) as folder:
        (folder / "new").write_text("2")
    assert names(tmp_path) == ["run"]
    assert names(tmp_path / "run") == ["new"]


def test_without_locks_nothing_is_taken_for_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cmexam_baseline.exam.io.files.fcntl", None)
    left = abandoned(tmp_path, "run")
    with new_folder(tmp_path / "run") as folder:
        (folder / "a").write_text("1")
    assert sorted(names(tmp_path)) == [left.name, "run"]


@pytest.mark.parametrize("place", ["run", "deeper/than/this/run"])
def test_a_place_that_can_be_made(tmp_path: Path, place: str) -> None:
    refuse_unwritable(tmp_path / place)
    assert names(tmp_path) == []


def test_a_place_that_cannot_be_made_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file cannot be written to; choose another place"):
        refuse_unwritable(tmp_path / "file" / "run")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InputError, match=f"{tmp_path} cannot be written to"):
        refuse_unwritable(tmp_path / "missing" / "run")


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path, "wait"):
        with (
            pytest.raises(InputError, match=f"{tmp_path} is in use by another command; wait"),
            locked(tmp_path, "wait"),
        ):
            pass
        with try_lock(tmp_path) as held:
            assert held is False
    with locked(tmp_path, "wait"):
        pass
    with try_lock(tmp_path / "missing") as held:
        assert held is None
