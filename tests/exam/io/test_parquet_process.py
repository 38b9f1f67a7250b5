"""Parquet is read in a process of its own: the same cells, and one line where polars ends."""

from __future__ import annotations

import datetime
import decimal
import gzip
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import polars
import pytest
from damaged_parquet import with_a_page_of_fewer_values_than_none

from cmexam_baseline.exam import InputError, read_exam, write_exam
from cmexam_baseline.exam.io import own_process, parquet_process
from cmexam_baseline.exam.io.formats import read_table
from cmexam_baseline.exam.io.parquet_format import read_parquet
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.io.text_source import Source
from cmexam_baseline.exam.sample import sample_exam


def packed(frame: polars.DataFrame, **options: object) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, **options)
    return buffer.getvalue()


def test_a_page_that_ends_polars_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    about = r"^a\.parquet is not a sound Parquet file: .*; fetch or write it again$"
    with pytest.raises(InputError, match=about):
        read_parquet(Source("a.parquet", with_a_page_of_fewer_values_than_none()))
    assert capfd.readouterr() == ("", "")


def test_cells_of_every_type_are_what_polars_says() -> None:
    columns = {
        "text": ["维生素A", None, "\U0001f489\u2028\0"],
        "integer": [2**63 - 1, None, -1],
        "fraction": [0.1, float("inf"), None],
        "truth": [True, None, False],
        "list": [["甲", None], [], None],
        "mapping": [{"A": "一", "B": None}, {"A": "二", "B": "三"}, None],
        "nested": [[{"A": ["一"]}], [], None],
        "nothing": [None, None, None],
    }
    table = read_parquet(Source("p.parquet", packed(polars.DataFrame(columns, strict=False))))
    assert table.columns == columns
    assert table.rows == range(1, 4)


def test_cells_that_json_has_not_are_their_text() -> None:
    columns = {
        "day": [datetime.date(2023, 6, 5)],
        "moment": [datetime.datetime(2023, 6, 5, 12, 30)],
        "duration": [datetime.timedelta(minutes=90)],
        "exact": [decimal.Decimal("1.50")],
        "bytes": [b"\xff"],
    }
    table = read_parquet(Source("p.parquet", packed(polars.DataFrame(columns))))
    assert table.columns == {name: [cell_text(cell) for cell in cells] for name, cells in columns.items()}


def test_a_number_that_is_none_is_no_text() -> None:
    table = read_parquet(Source("p.parquet", packed(polars.DataFrame({"n": [float("nan"), 5.0]}))))
    assert [cell_text(cell) for cell in table.columns["n"]] == ["", "5"]


@pytest.mark.parametrize(("first", "size"), [(1, 1), (2, 200), (5, 1 << 20), (1024, 1)])
def test_parts_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch, first: int, size: int) -> None:
    names = [f"q{row}" for row in range(50)]
    data = packed(polars.DataFrame({"id": names, "list": [[name] for name in names]}), row_group_size=7)
    monkeypatch.setattr(parquet_process, "FIRST_ROWS", first)
    monkeypatch.setattr(parquet_process, "BYTES_A_PART", size)
    cells: dict[object, list[object]] = {"id": [], "list": []}
    for line in parquet_process.lines(io.BytesIO(data), "p.parquet"):
        assert isinstance(line["cells"], list)
        cells[line["column"]] += line["cells"]
    assert cells == {"id": names, "list": [[name] for name in names]}


def test_millions_of_cells_of_nothing_are_refused(tmp_path: Path) -> None:
    """Kilobytes that would be a list of 80 MB."""
    nothing = polars.Series([None], dtype=polars.String).new_from_index(0, 10_000_000)
    (file := tmp_path / "nothing.parquet").write_bytes(packed(polars.DataFrame({"answer": nothing})))
    assert file.stat().st_size < 1 << 18
    with pytest.raises(InputError, match=r"nothing\.parquet unpacks to more than 200 times its size"):
        read_table(file)


def test_columns_without_a_row_and_more_columns_than_a_table_has() -> None:
    with pytest.raises(InputError, match="holds no row"):
        read_parquet(Source("p.parquet", packed(polars.DataFrame({"id": []}))))
    wide = packed(polars.DataFrame({f"c{n}": ["甲"] for n in range(1001)}))
    with pytest.raises(InputError, match="more than 1000 columns"):
        read_parquet(Source("p.parquet", wide))


def test_a_process_that_cannot_be_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_exam(sample_exam("val")[:2], tmp_path / "val.parquet")
    monkeypatch.setattr(own_process.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InputError, match=r"val\.parquet cannot be read: no process could be started for it"):
        read_table(tmp_path / "val.parquet")


def test_packed_files_and_names_of_any_kind(tmp_path: Path) -> None:
    exam = sample_exam("val")[:5]
    write_exam(exam, tmp_path / "val.parquet")
    (folder := tmp_path / "文件 夹 \udcff").mkdir()
    (folder / "-val.parquet.gz").write_bytes(gzip.compress((tmp_path / "val.parquet").read_bytes()))
    assert read_exam(folder / "-val.parquet.gz").questions == exam.questions
    (folder / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError) as refused:
        read_table(folder / "a.parquet")
    assert str(folder) in str(refused.value)


def test_no_room_to_unpack_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> NoReturn:
        raise OSError(28, "No space left on device")

    (file := tmp_path / "val.parquet.gz").write_bytes(gzip.compress(b"PAR1"))
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(InputError, match=r"val\.parquet\.gz .* temporary file: No space left on device"):
        read_table(file)


def test_polars_is_not_let_into_this_process(tmp_path: Path) -> None:
    write_exam(sample_exam("val")[:2], tmp_path / "val.parquet")
    code = (
        "import sys; from cmexam_baseline.exam.io.formats import read_table; read_table(sys.argv[1]); "
        "sys.exit('polars' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "val.parquet"], check=True)
