"""Ragged arrays equal loops over lists of lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.metrics import ragged

_rows = st.lists(st.lists(st.integers(-9, 9), max_size=4), max_size=8)


@given(_rows, st.booleans())
def test_every_function_equals_a_loop(rows: list[list[int]], as_floats: bool) -> None:
    values = np.array([value for row in rows for value in row], np.float64 if as_floats else np.int64)
    offsets = ragged.offsets_of([len(row) for row in rows])
    assert [values[a:b].tolist() for a, b in zip(offsets, offsets[1:], strict=False)] == rows
    assert ragged.row_numbers(offsets).tolist() == [i for i, row in enumerate(rows) for _ in row]
    assert ragged.positions(offsets).tolist() == [i for row in rows for i in range(len(row))]
    assert ragged.row_sums(values, offsets).tolist() == [sum(row) for row in rows]
    assert ragged.row_max(values, offsets).tolist() == [max(row, default=0) for row in rows]
    starts, lengths = offsets[:-1][::-1], np.diff(offsets)[::-1]
    backwards = [value for row in rows[::-1] for value in row]
    assert ragged.take_spans(values, starts, lengths).tolist() == backwards
