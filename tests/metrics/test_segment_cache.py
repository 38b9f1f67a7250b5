"""The table is kept where the user's caches belong, trusted if whole and private, and can be missing."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmexam_baseline.metrics import Segmenter
from cmexam_baseline.metrics.segmentation import table_cache
from cmexam_baseline.metrics.segmentation.dictionary import Dictionary, read_unknown_word_model
from cmexam_baseline.metrics.segmentation.trie import WordTable, build_table

KEY = "0" * 32
SPLIT_WORDS = frozenset({"衰竭", "台\ud800中"})


@pytest.fixture(scope="module")
def table() -> WordTable:
    return build_table(Dictionary({"心": 5, "心力": 3, "力": 1}, 9), read_unknown_word_model())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(folder))
    return folder


@pytest.fixture
def stored(table: WordTable, folder: Path) -> Path:
    assert table_cache.save(KEY, table, SPLIT_WORDS)
    (path,) = folder.iterdir()
    return path


def assert_equal(a: WordTable, b: WordTable) -> None:
    for name in table_cache._ARRAYS:
        assert np.array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype
    for name in table_cache._SCALARS:
        assert getattr(a, name) == getattr(b, name)


def test_what_is_stored_comes_back(stored: Path, table: WordTable) -> None:
    found = table_cache.load(KEY)
    assert found is not None
    assert_equal(found[0], table)
    assert found[1] == SPLIT_WORDS
    assert table_cache.load("1" * 32) is None


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_only_the_user_can_read_it(stored: Path) -> None:
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert stat.S_IMODE(stored.parent.stat().st_mode) == 0o700


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_byte(stored: Path, where: float, flip: int) -> None:
    content = bytearray(stored.read_bytes())
    place = int(where * len(content))
    content[place] ^= flip
    stored.write_bytes(content)
    assert table_cache.load(KEY) is None
    content[place] ^= flip
    stored.write_bytes(content)
    assert table_cache.load(KEY) is not None


def test_objects_in_a_file_are_never_made(stored: Path, tmp_path: Path) -> None:
    """Not even where the first line says that the file is whole."""
    marker = tmp_path / "ran"

    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (marker,)

    body = io.BytesIO()
    np.savez(body, **{name: np.array([Attack()], object) for name in (*table_cache._ARRAYS, "rest")})
    stored.write_bytes(table_cache._first_line(KEY, body.getvalue()) + b"\n" + body.getvalue())
    with pytest.raises(ValueError, match="allow_pickle=False"):
        table_cache.load(KEY)
    assert not marker.exists()


@pytest.mark.parametrize("kept", [0, 10, 200, 100_000, -1])
def test_a_part_of_a_file(stored: Path, kept: int) -> None:
    stored.write_bytes(stored.read_bytes()[:kept])
    assert table_cache.load(KEY) is None


def test_a_file_of_another_format_or_dictionary(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored.rename(stored.with_name(table_cache._file_name("1" * 32)))
    assert table_cache.load("1" * 32) is None
    stored.with_name(table_cache._file_name("1" * 32)).rename(stored)
    assert table_cache.load(KEY) is not None
    monkeypatch.setattr(table_cache, "_FORMAT", table_cache._FORMAT + 1)
    assert table_cache.load(KEY) is None


@pytest.mark.skipif(os.name != "posix", reason="owners and permissions as POSIX has them")
def test_a_file_that_others_could_have_written(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in (0o620, 0o602):
        stored.chmod(mode)
        assert table_cache.load(KEY) is None
    stored.chmod(0o600)
    assert table_cache.load(KEY) is not None
    with monkeypatch.context() as other_user:
        other_user.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert table_cache.load(KEY) is None
    elsewhere = stored.parent.parent / "elsewhere"
    stored.rename(elsewhere)
    stored.symlink_to(elsewhere)
    assert table_cache.load(KEY) is None
    stored.unlink()
    os.mkfifo(stored)
    assert table_cache.load(KEY) is None
    stored.unlink()
    stored.mkdir()
    assert table_cache.load(KEY) is None


def small_dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "small.txt"
    path.write_text("心力 12\n衰竭 30\n心力衰竭 5\n", encoding="utf-8")
    return path


def test_a_damaged_file_is_built_anew_and_replaced(tmp_path: Path, folder: Path) -> None:
    dictionary = small_dictionary(tmp_path)
    expected = Segmenter(dictionary=dictionary).cut(["心力衰竭"])
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert Segmenter(dictionary=dictionary).cut(["心力衰竭"]) == expected
    assert path.read_bytes() == whole
    assert list(folder.iterdir()) == [path]


def test_the_second_time_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dictionary = small_dictionary(tmp_path)
    expected = Segmenter(dictionary=dictionary).cut(["心力衰竭"])
    monkeypatch.delattr(table_cache, "build_table")
    assert Segmenter(dictionary=dictionary).cut(["心力衰竭"]) == expected
    dictionary.write_text("心力 13\n", encoding="utf-8")
    with pytest.raises(NameError):
        Segmenter(dictionary=dictionary)


def test_where_nothing_can_be_written(
    tmp_path: Path, folder: Path, table: WordTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("a file where the folder should be")
    assert not table_cache.save(KEY, table, SPLIT_WORDS)
    assert table_cache.load(KEY) is None
    assert Segmenter(dictionary=small_dictionary(tmp_path)).cut(["心力衰竭"])
    monkeypatch.setattr(table_cache, "cache_folder", lambda: None)
    assert not table_cache.save(KEY, table, SPLIT_WORDS)
    assert table_cache.load(KEY) is None


def test_a_write_that_fails_leaves_nothing(
    folder: Path, table: WordTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    assert not table_cache.save(KEY, table, SPLIT_WORDS)
    assert list(folder.iterdir()) == []


def test_the_tables_of_old_dictionaries_are_forgotten(
    folder: Path, table: WordTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub").mkdir(parents=True)
    (folder / "notes.txt").write_text("not ours")
    for number in range(table_cache._MOST_FILES + 3):
        table_cache.save(f"{number:032}", table, SPLIT_WORDS)
        os.utime(folder / table_cache._file_name(f"{number:032}"), (number, number))
    table_cache.save(KEY, table, SPLIT_WORDS)
    assert table_cache.load(KEY) is not None
    names = {path.name for path in folder.iterdir()}
    assert len(names) == table_cache._MOST_FILES + 2
    assert table_cache._file_name(f"{table_cache._MOST_FILES + 2:032}") in names


def test_what_a_killed_process_left_goes_when_it_is_old(folder: Path, stored: Path, table: WordTable) -> None:
    abandoned, being_written = (folder / f".{stored.name}.{end}" for end in ("abcdefgh", "ijklmnop"))
    for path, age in ((abandoned, 3600), (being_written, 0)):
        path.write_bytes(b"half")
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    assert table_cache.save(KEY, table, SPLIT_WORDS)
    assert sorted(folder.iterdir()) == [being_written, stored]


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"CMEXAM_BASELINE_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/cmexam-baseline"),
        ("linux", {"XDG_CACHE_HOME": "x"}, "/home/me/.cache/cmexam-baseline"),
        ("linux", {"XDG_CACHE_HOME": "", "CMEXAM_BASELINE_CACHE": ""}, "/home/me/.cache/cmexam-baseline"),
        ("darwin", {}, "/home/me/Library/Caches/cmexam-baseline"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/cmexam-baseline"),
    ],
)
def test_where_the_cache_lies(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CMEXAM_BASELINE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert table_cache.cache_folder() == Path(expected)


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("CMEXAM_BASELINE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert table_cache.cache_folder() is None


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own that treats every warning as an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_cutting_is_silent_and_leaves_the_temp_folder_alone(tmp_path: Path) -> None:
    (temp := tmp_path / "temp").mkdir()
    (home := tmp_path / "home").mkdir()
    code = (
        "import sys, logging; logging.basicConfig(level=0); from cmexam_baseline import metrics; "
        "print(metrics.cut(['心力衰竭'])); print('jieba' in sys.modules)"
    )
    done = run(code, HOME=str(home), TMPDIR=str(temp))
    assert (done.stdout, done.stderr) == ("[['心力衰竭']]\nFalse\n", "")
    assert list(temp.iterdir()) == []
    assert [path.name for path in (home / ".cache").iterdir()] == ["cmexam-baseline"]


def test_importing_metrics_is_light() -> None:
    heavy = ["torch", "sklearn", "polars", "lightgbm", "jieba", "numba", "scipy", "pandas", "rapidfuzz"]
    code = (
        "import sys, time; start = time.process_time(); import cmexam_baseline.metrics; "
        f"print(time.process_time() - start, *[name for name in {heavy} if name in sys.modules])"
    )
    outputs = [run(code).stdout.split() for _ in range(3)]
    assert [loaded for _, *loaded in outputs] == [[], [], []]
    assert min(float(seconds) for seconds, *_ in outputs) < 0.15


def test_arrays_of_the_table_are_stored_as_arrays(table: WordTable) -> None:
    assert all(isinstance(getattr(table, name), np.ndarray) for name in table_cache._ARRAYS)
    assert all(type(getattr(table, name)) in (int, float, str) for name in table_cache._SCALARS)
