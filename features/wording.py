"""What the wording of stems and options gives away without any knowledge."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.text import normalize

_ALL_OR_NONE = re.compile(r"以上|上述|均是|都是|均对|都对|均不|都不|均可|都可|均有|都有|均为|均正确|皆")
_NEGATED_OPTION = re.compile(r"[不无非未禁]|没有")


def all_or_none(options: Sequence[str]) -> NDArray[np.bool_]:
    """Whether an option refers to the other options (以上均是), bool (m,).

    >>> all_or_none(["以上都对", "阿司匹林"]).tolist()
    [True, False]
    """
    return _matches(_ALL_OR_NONE, options)


def negated_option(options: Sequence[str]) -> NDArray[np.bool_]:
    """Whether an option contains a negation, bool (m,).

    >>> negated_option(["无明显症状", "发热"]).tolist()
    [True, False]
    """
    return _matches(_NEGATED_OPTION, options)


def _matches(pattern: re.Pattern[str], texts: Sequence[str]) -> NDArray[np.bool_]:
    return np.fromiter(
        (bool(pattern.search(normalize(text))) for text in texts), dtype=bool, count=len(texts)
    )
