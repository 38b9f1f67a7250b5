"""The targets of the fuzzer, fed with their seeds and with bytes near them: its short form."""

from __future__ import annotations

import random
import runpy
from pathlib import Path

import pytest

FUZZER = runpy.run_path(str(Path(__file__).with_name("fuzz_readers.py")))

CHANGED = 40
# Each is read by two processes of its own.
CHANGED_PARQUET = 5


def changed(data: bytes, chance: random.Random) -> bytes:
    """Some bytes replaced, removed or doubled."""
    first, beyond = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    return chance.choice(
        [
            data[:first] + chance.randbytes(chance.randrange(1, 4)) + data[first + 1 :],
            data[:first] + data[beyond:],
            data[:beyond] + data[first:],
        ]
    )


@pytest.mark.parametrize("target", FUZZER["TARGETS"])
def test_bytes_near_sound_ones_end_in_a_result_or_one_line(target: str) -> None:
    chance = random.Random(0)
    for sound in FUZZER["seeds"](target):
        FUZZER["TARGETS"][target](sound)
        for _ in range(CHANGED_PARQUET if target.endswith(".parquet") else CHANGED):
            FUZZER["TARGETS"][target](changed(sound, chance))
