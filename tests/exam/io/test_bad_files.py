"""Files that are no exam: one line each that names the file, the place and the remedy."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cmexam_baseline.exam import Exam, InputError, Question, read_exam, read_splits, write_exam
from cmexam_baseline.exam.io import file_bytes

HEADER = b"Question,Options,Answer,Explanation\n"
ROW = '题,"A 甲\nB 乙",A,\n'.encode()
RECORD = json.dumps({"Question": "题", "Options": ["甲", "乙"], "Answer": "A"}).encode()


def exam_bytes(ending: str) -> bytes:
    """A sound exam in the form of this ending."""
    file = Path(tempfile.mkdtemp()) / f"x{ending}"
    write_exam(Exam.from_questions([Question("q", "题", ("甲", "乙"), "A")]), file)
    return file.read_bytes()


def zip_bomb() -> bytes:
    """A zip whose table of contents promises two gigabytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"x")
    data = bytearray(stream.getvalue())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (2 << 30).to_bytes(4, "little")
    return bytes(data)


CASES: list[tuple[str, bytes | Callable[[], bytes], str]] = [
    ("empty.csv", b"", "is empty"),
    ("blank.csv", b"\n \n"[:1], "is empty"),
    ("bom.csv", b"\xef\xbb\xbf", "is empty"),
    ("header.csv", HEADER, "holds a header but no row"),
    ("empty.jsonl", b"\n\n", "is empty"),
    ("empty.json", b"[]", "is empty"),
    ("nothing.json", b"", "not JSON"),
    (
        "columns.csv",
        b"Frage,Options,Answer\n" + ROW,
        r"no column Question; found: Frage, Options, Answer; rename",
    ),
    ("typo.csv", b"Qestion,Options,Answer\n" + ROW, r"did you mean 'Qestion' as Question\?"),
    ("typo2.csv", b"Question,Optoins,Answr\n" + ROW, "no column Options and no column Answer .*'Optoins'"),
    ("none.csv", b"x,y\n1,2\n", "no column Question and no column Options and no column Answer"),
    ("doubled.csv", b"Question,Options,Answer,Answer\n" + ROW, "'Answer' occurs twice"),
    ("wide.csv", b",".join(b"c%d" % n for n in range(1001)) + b"\n1\n", "more than 1000 columns"),
    (
        "ids.csv",
        b"id,Question,Options,Answer\n" + b'1,"q","A a\nB b",A\n' * 2,
        "id '1' occurs in rows 1 and 2",
    ),
    ("quote.csv", HEADER + ROW + b'"open,A,B\n', "row 2: quotes do not close"),
    ("quote2.csv", HEADER + ROW * 3 + b'"a"b,"A a\nB b",A,\n', "row 4: quotes do not close or do not fit"),
    ("nul.csv", HEADER + ROW + "题\0,A,B,\n".encode(), "line 4: holds a NUL byte"),
    ("utf16.csv", HEADER.decode().encode("utf-16-le"), "NUL byte"),
    ("half16.csv", HEADER.decode().encode("utf-16") + b"x", "UTF-16-LE"),
    (
        "damaged.csv",
        HEADER + ROW * 20 + "题".encode()[:2] + b",A,B,\n",
        r"line 42: byte \d+ \(0x\w\w\) is not UTF-8",
    ),
    ("binary.csv", HEADER + b"\x80\x81\xff\xfe,\xff\xff\xff\n", "line 2: byte .* neither UTF-8 nor GB18030"),
    ("random.csv", bytes(range(256)) * 4, "random.csv"),
    ("xlsx.csv", lambda: exam_bytes(".xlsx"), "is an XLSX or ZIP file"),
    ("parquet.jsonl", lambda: exam_bytes(".parquet"), "is a Parquet file; name it .parquet"),
    ("packed.csv", lambda: exam_bytes(".csv.gz"), "is a gzip file; name it .gz"),
    ("page.csv", b"<!DOCTYPE html><html>", "is an HTML page"),
    ("pointer.csv", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ("old.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
    ("csv.xlsx", HEADER + ROW, "is not an XLSX file by its content"),
    ("zip.xlsx", zip_bomb, "larger than 1 GiB unpacked"),
    ("csv.parquet", HEADER + ROW, "is not a Parquet file by its content"),
    ("cut.parquet", lambda: exam_bytes(".parquet")[:-20], "is not a valid Parquet file"),
    ("cut.xlsx", lambda: exam_bytes(".xlsx")[:-100], "is not an XLSX file"),
    ("cut.csv.gz", lambda: exam_bytes(".csv.gz")[:-12], "ends in the middle of its gzip data"),
    ("csv.csv.gz", HEADER + ROW, "is not a valid gzip file"),
    ("changed.csv.gz", lambda: exam_bytes(".csv.gz")[:-8] + b"12345678", "is not a valid gzip file"),
    ("csv.jsonl", HEADER + ROW, "line 1: not JSON"),
    ("cut.jsonl", RECORD + b"\n" + RECORD[:30], "line 2: not JSON"),
    ("list.jsonl", RECORD + b"\n[1]\n", "line 2: holds list, not an object"),
    ("number.jsonl", RECORD.replace(b'"A"', b"9" * 5000), "line 1: not usable JSON"),
    ("deep.jsonl", b"[" * 100_000, "line 1: JSON nested too deep"),
    ("surrogate.jsonl", RECORD.replace(b"Answer", b"\\ud800"), "line 1: holds half of a surrogate pair"),
    ("cut.json", b"[" + RECORD + b", ", "not JSON"),
    ("scalar.json", b"5", "holds no list of objects"),
    ("objects.json", b'{"a": [], "b": []}', "holds no list of objects"),
    ("strings.json", b'["a"]', "row 1: holds str, not an object"),
    ("exam.doc", HEADER + ROW, "ending '.doc' is not known; use .csv, .tsv"),
    ("exam", HEADER + ROW, "has no ending; use .csv"),
]


@pytest.mark.parametrize(("name", "content", "words"), CASES, ids=[case[0] for case in CASES])
def test_one_line_says_what_is_wrong(
    tmp_path: Path, name: str, content: bytes | Callable[[], bytes], words: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content())
    with pytest.raises(InputError, match=words) as caught:
        read_exam(file, "skip")
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there; check the path"):
        read_exam(tmp_path / "val.csv")
    (tmp_path / "val.csv").write_bytes(HEADER + ROW)
    with pytest.raises(InputError, match=r"is not there; did you mean .*val.csv\?"):
        read_exam(tmp_path / "vall.csv")
    with pytest.raises(InputError, match="is a folder; give `split` or one file of it: val.csv"):
        read_exam(tmp_path)
    with pytest.raises(InputError, match="no test file, only val.csv"):
        read_exam(tmp_path, split="test")
    with pytest.raises(InputError, match="is a file; give a folder"):
        read_splits(tmp_path / "val.csv")
    with pytest.raises(InputError, match="is not there; give a folder"):
        read_splits(tmp_path / "nowhere")
    (tmp_path / "val.jsonl.gz").write_bytes(gzip.compress(RECORD))
    with pytest.raises(InputError, match=r"val.csv and val.jsonl.gz; leave only one"):
        read_splits(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no train, val or test file \(nothing found\)"):
        read_exam(tmp_path / "empty")
    with pytest.raises(InputError, match="is not there"):
        read_exam(tmp_path / "a\0b.csv")


def test_files_beyond_the_limit_are_refused_without_being_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_bytes, "MAX_BYTES", 10_000)
    (tmp_path / "big.csv").write_bytes(HEADER + ROW * 1000)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(HEADER + ROW * 10_000))
    for name in ("big.csv", "bomb.csv.gz"):
        with pytest.raises(InputError, match="is larger than"):
            read_exam(tmp_path / name)


def test_ragged_rows_are_bad_rows(tmp_path: Path) -> None:
    file = tmp_path / "val.csv"
    file.write_bytes(HEADER + ROW + "题,A 甲\n".encode())
    with pytest.raises(InputError, match="1 of 2 rows cannot be used .row 2: 2 fields instead of 4"):
        read_exam(file)
