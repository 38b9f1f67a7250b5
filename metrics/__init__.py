"""Arrays and strings in, figures out: the official scores of CMExam and means to compare systems by them.

Names are loaded from their modules when first used, so that importing this package costs no more than numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmexam_baseline.metrics.segment import Segmenter as Segmenter
    from cmexam_baseline.metrics.segment import cut as cut
    from cmexam_baseline.metrics.segment import dictionary_hash as dictionary_hash
    from cmexam_baseline.metrics.segment import word_starts as word_starts

_MODULE_OF = {
    "Segmenter": "segment",
    "cut": "segment",
    "dictionary_hash": "segment",
    "word_starts": "segment",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
