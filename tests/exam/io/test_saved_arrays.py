"""Saved arrays of which a byte was changed: the arrays, or one of the errors that callers turn into one line."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from cmexam_baseline.exam.io.manifest import UNREADABLE, pack_arrays, unpack_arrays

PACKED = pack_arrays({"keys": np.zeros((3, 4), np.uint8), "vectors": np.ones((3, 2), np.float16)})


def test_the_arrays_come_back():
    found = unpack_arrays(PACKED)
    assert {name: array.tolist() for name, array in found.items()} == {
        "keys": [[0] * 4] * 3,
        "vectors": [[1.0] * 2] * 3,
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bits", [1, 2, 0x20, 0x80, 0xFF])
def test_no_changed_byte_ends_in_another_error(bits):
    for place in range(len(PACKED)):
        changed = bytearray(PACKED)
        changed[place] ^= bits
        with contextlib.suppress(*UNREADABLE):
            unpack_arrays(bytes(changed))


@pytest.mark.filterwarnings("ignore")
def test_no_shortened_file_is_believed():
    for size in range(len(PACKED)):
        with pytest.raises(UNREADABLE):
            unpack_arrays(PACKED[:size])


def test_objects_are_not_pickled():
    with pytest.raises(TypeError, match="words holds objects"):
        pack_arrays({"words": np.array(["甲", None], dtype=object)})
