"""The characters that jieba cuts into words, blocks of Han and Latin characters; each other one is a word."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x110000
OTHER, LATIN, HAN = 0, 1, 2

# What jieba calls re_han_default and re_skip_default, then re_han and re_skip of its finalseg.
BLOCK = re.compile(r"([\u4E00-\u9FD5a-zA-Z0-9+#&\._%\-]+)")
OTHER_CHARACTER = re.compile(r"\r\n|.", re.DOTALL)
HAN_RUN = re.compile(r"([\u4E00-\u9FD5]+)")
NUMBER_OR_NAME = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")

_HAN_CODES = slice(0x4E00, 0x9FD6)
_LATIN_CHARACTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+#&._%-"


@cache
def character_classes() -> npt.NDArray[np.uint8]:
    """OTHER, LATIN or HAN for each code point."""
    classes = np.full(CODE_POINTS, OTHER, np.uint8)
    classes[_HAN_CODES] = HAN
    classes[list(_LATIN_CHARACTERS)] = LATIN
    classes.flags.writeable = False
    return classes
