"""Whatever bytes stand in a file, reading it gives an exam or an `InputError` of one line."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, InputError, Question, read_exam, read_predictions, write_exam
from cmexam_baseline.exam.io.formats import FORMATS

TEXT_ENDINGS = [".csv", ".tsv", ".jsonl", ".json", ".csv.gz"]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PIECES = st.sampled_from(
    [
        *(b'"', b",", b"\n", b"\r\n", b"\r", b"\t", b";", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\\n", b" "),
        *(b"Question", b"Options", b"Answer", b"id", b"A", b"B", b"A x", b"B y", b"A. ", b"1.5", b"nan"),
        *(
            b"{",
            b"}",
            b"[",
            b"]",
            b":",
            b"null",
            b"true",
            b'"Question"',
            b'"Answer": "A"',
            b"\\ud800",
            b"1e999",
        ),
        *("题".encode(), "题".encode("gb18030"), b"\x80", b"\xff", b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08"),
    ]
)
CONTENT = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join))


def sound_bytes(ending: str) -> bytes:
    """A sound exam in the form of this ending."""
    file = Path(tempfile.mkdtemp()) / f"x{ending}"
    questions = [
        Question(f"q{n}", f"题{n}", ("甲", "乙", "丙"), "AB", "因为", {"Area": "x"}) for n in range(3)
    ]
    write_exam(Exam.from_questions(questions), file)
    return file.read_bytes()


def read_or_refuse(file: Path, data: bytes) -> None:
    """Read as an exam and as predictions; fail on anything but a result or one clear line."""
    file.write_bytes(data)
    for read in (lambda: read_exam(file, "skip", need_answers=False), lambda: read_predictions(file)):
        try:
            assert len(read()) > 0
        except InputError as error:
            assert str(file) in str(error)
            assert "\n" not in str(error)


@QUICK
@given(data=CONTENT, ending=st.sampled_from([*FORMATS, ".csv.gz", ".jsonl.gz"]))
def test_random_bytes(tmp_path: Path, data: bytes, ending: str) -> None:
    read_or_refuse(tmp_path / f"x{ending}", data)


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
@settings(QUICK, max_examples=40)
@given(data=st.data())
def test_sound_files_with_damage(tmp_path: Path, ending: str, data: st.DataObject) -> None:
    sound = sound_bytes(ending)
    damaged = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged)))
        damaged[place : place + data.draw(st.integers(0, 5))] = data.draw(
            st.one_of(PIECES, st.binary(max_size=4))
        )
    read_or_refuse(tmp_path / f"x{ending}", bytes(damaged))


@settings(QUICK, max_examples=25)
@given(data=st.data())
def test_sound_xlsx_that_is_cut(tmp_path: Path, data: st.DataObject) -> None:
    sound = sound_bytes(".xlsx")
    cut = data.draw(st.integers(0, len(sound) - 1))
    read_or_refuse(tmp_path / "x.xlsx", sound[:cut])


@settings(QUICK, max_examples=8)
@given(data=st.data())
def test_sound_parquet_with_damage(tmp_path: Path, data: st.DataObject) -> None:
    """Each is read by a process of its own, so that there are few."""
    sound = sound_bytes(".parquet")
    first = data.draw(st.integers(0, len(sound) - 1))
    beyond = data.draw(st.sampled_from([first, first + 1, len(sound)]))
    read_or_refuse(tmp_path / "x.parquet", sound[:first] + data.draw(st.binary(max_size=2)) + sound[beyond:])
