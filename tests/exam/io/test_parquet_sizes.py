"""Pages of a Parquet file are measured before anything is unpacked."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.exam import InputError
from cmexam_baseline.exam.io.formats import read_table
from cmexam_baseline.exam.io.parquet_format import read_parquet
from cmexam_baseline.exam.io.parquet_sizes import NOT_PARQUET, unpacked_pages
from cmexam_baseline.exam.io.text_source import Source


def packed(frame: polars.DataFrame, **options: object) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, **options)
    return buffer.getvalue()


def ignore(size: int) -> None:
    """For a file that is trusted."""


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "uncompressed"])
@pytest.mark.parametrize("rows_a_group", [None, 7])
def test_the_sum_is_about_what_the_texts_take(compression: str, rows_a_group: int | None) -> None:
    texts = [f"第{row}题" * 40 for row in range(50)]
    frame = polars.DataFrame({"id": [str(row) for row in range(50)], "text": texts, "n": range(50)})
    data = packed(frame, compression=compression, row_group_size=rows_a_group)
    size = sum(len(text.encode()) for text in texts)
    assert size <= unpacked_pages(data, ignore) <= 1.5 * size + 20_000


def test_a_page_of_a_gigabyte_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """One text of 300 MB, a few kilobytes in the file."""
    file = tmp_path / "bomb.parquet"
    # Without statistics: older polars writes the longest text into them eight times, not packed.
    bomb = polars.DataFrame({"answer": ["A" * 300_000_000]})
    file.write_bytes(packed(bomb, compression="zstd", statistics=False))
    assert file.stat().st_size < 1_000_000
    with pytest.raises(InputError, match=r"bomb\.parquet unpacks to more than 200 times its size"):
        read_table(file)


def test_a_page_that_says_it_is_huge_is_refused() -> None:
    """The header of the first page is made to promise 2 GiB."""
    data = packed(polars.DataFrame({"answer": ["A", "B"] * 50}), compression="uncompressed")
    # PageHeader: field 1 (i32), the page's type; field 2 (i32), its size unpacked; then field 3.
    assert data[4] == 0x15
    assert data[6] == 0x15
    end = next(place for place in range(7, 20) if data[place] < 128) + 1
    huge = b"\xfe\xff\xff\xff\x0f"
    with pytest.raises(InputError, match="GiB unpacked|damaged"):
        read_parquet(Source("huge.parquet", data[:7] + huge + data[end:]))


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_damage_ends_in_one_of_the_known_errors(place: int, wrong: bytes) -> None:
    data = bytearray(packed(polars.DataFrame({"id": ["q1", "q2"], "answer": ["A", "B"]})))
    place %= len(data)
    data[place : place + len(wrong)] = wrong
    with contextlib.suppress(*NOT_PARQUET):
        unpacked_pages(bytes(data), ignore)


@given(st.binary(max_size=200))
def test_any_bytes_end_in_one_of_the_known_errors(data: bytes) -> None:
    with pytest.raises(NOT_PARQUET):
        unpacked_pages(b"PAR1" + data + len(data).to_bytes(4, "little") + b"PAR1", ignore)
        raise ValueError
